//! One pass over a parameter, its gradient and its slots.

use kerox_tensor::parallel::split_alike;
use kerox_tensor::vectorised;

use crate::{Real, Rows};

/// The most slots an algorithm can have.
pub(crate) const MAX_SLOTS: usize = 8;

/// The slots of one variable in the order of [`crate::Algorithm::slots`]; those it does not have are empty.
pub type Slots<'a, T> = [&'a mut [T]; MAX_SLOTS];

/// Elements one thread takes at least: fewer cost more to hand out than they save.
const PIECE: usize = 1 << 14;

/// What happens to gradient and parameter before the update proper: `g = post * clamp(pre * g)`, `w -= decay * w`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preparation<T> {
    pub pre: T,
    pub limit: Option<T>,
    pub post: T,
    pub decay: T,
}

impl<T: Real> Preparation<T> {
    fn is_plain(&self) -> bool {
        self.pre == T::ONE && self.limit.is_none() && self.post == T::ONE && self.decay == T::ZERO
    }

    #[inline(always)]
    pub fn gradient(&self, g: T) -> T {
        let g = g * self.pre;
        let g = match self.limit {
            Some(limit) if g > limit => limit,
            Some(limit) if g < -limit => -limit,
            _ => g,
        };
        g * self.post
    }

    #[inline(always)]
    pub fn weight(&self, w: T) -> T {
        w - w * self.decay
    }
}

/// Parameter, gradient and slots of one variable, for one step of an [`crate::Algorithm`].
///
/// Clipping, loss scale and weight decay are applied on the way: closures see the gradient and weight that Keras's
/// `update_step` sees.
pub struct Cells<'a, T: Real> {
    pub(crate) weights: &'a mut [T],
    pub(crate) gradient: &'a [T],
    pub(crate) slots: Slots<'a, T>,
    pub(crate) dims: &'a [usize],
    pub(crate) preparation: Preparation<T>,
    pub(crate) parts: Option<Parts<'a, T>>,
}

/// What comes for each row of a gradient by rows, before rows that occur more than once are summed.
pub(crate) struct Parts<'a, T> {
    pub rows: &'a Rows<'a>,
    pub width: usize,
    /// Clipped.
    pub values: &'a [T],
    /// Memory for sums.
    pub sums: &'a mut Vec<T>,
}

impl<'a, T: Real> Cells<'a, T> {
    /// The lengths of the variable's axes.
    pub fn dims(&self) -> &'a [usize] {
        self.dims
    }

    /// Whether the variable has the slot at this position of [`crate::Algorithm::slots`].
    pub fn has_slot(&self, at: usize) -> bool {
        self.slots.get(at).is_some_and(|s| s.len() == self.weights.len())
    }

    /// For updates that are no plain pass: weights after decay, the gradient as the update sees it, the slots.
    pub fn whole(self) -> (&'a mut [T], impl Fn(usize) -> T + 'a, Slots<'a, T>) {
        let preparation = self.preparation;
        if preparation.decay != T::ZERO {
            self.weights.iter_mut().for_each(|w| *w = preparation.weight(*w));
        }
        let gradient = self.gradient;
        (self.weights, move |i| preparation.gradient(gradient[i]), self.slots)
    }

    /// The sum of `h` over the parts of each element's gradient, where it has more than one: in Keras 3 gradients by rows
    /// are squared first and summed then.
    pub fn apart(&mut self, h: impl Fn(T) -> T) -> Option<&'a [T]> {
        let Parts { rows, width, values, sums } = self.parts.take()?;
        sums.clear();
        sums.resize(self.weights.len(), T::ZERO);
        for (i, part) in values.chunks(width.max(1)).enumerate() {
            let row = &mut sums[rows.get(i) as usize * width..][..part.len()];
            row.iter_mut().zip(part).for_each(|(sum, &g)| *sum = *sum + h(g));
        }
        Some(sums)
    }

    /// `w = f(w, g)` for every element.
    pub fn each0(self, f: impl Fn(T, T) -> T + Sync) {
        pass0(self.weights, self.gradient, &self.preparation, &f);
    }

    /// `w = f(w, g, slot)` for every element, with the slot at position `a`.
    pub fn each1(mut self, a: usize, f: impl Fn(T, T, &mut T) -> T + Sync) {
        let a = std::mem::take(&mut self.slots[a]);
        pass1(self.weights, self.gradient, a, &self.preparation, &f);
    }

    /// As [`Cells::each1`]; `f` takes after the gradient what [`Cells::apart`] makes of `h`, `h(g)` where there is one part.
    pub fn each1_apart(mut self, a: usize, h: impl Fn(T) -> T + Sync, f: impl Fn(T, T, T, &mut T) -> T + Sync) {
        let Some(sums) = self.apart(&h) else {
            return self.each1(a, |w, g, a| f(w, g, h(g), a));
        };
        let (gradient, p) = (self.gradient, &self.preparation);
        let [a] = [a].map(|at| std::mem::take(&mut self.slots[at]));
        split_alike([self.weights, a], PIECE, |from, [w, a]| {
            let rows = w.iter_mut().zip(&gradient[from..]).zip(&sums[from..]).zip(a);
            vectorised(|| rows.for_each(|(((w, &g), &q), a)| *w = f(p.weight(*w), p.gradient(g), q, a)));
        });
    }

    /// `w = f(w, g, slot, slot)` for every element.
    pub fn each2(mut self, [a, b]: [usize; 2], f: impl Fn(T, T, &mut T, &mut T) -> T + Sync) {
        let (a, b) = (std::mem::take(&mut self.slots[a]), std::mem::take(&mut self.slots[b]));
        pass2(self.weights, self.gradient, a, b, &self.preparation, &f);
    }

    /// As [`Cells::each2`]; `f` takes after the gradient what [`Cells::apart`] makes of `h`, `h(g)` where there is one part.
    pub fn each2_apart(
        mut self,
        [a, b]: [usize; 2],
        h: impl Fn(T) -> T + Sync,
        f: impl Fn(T, T, T, &mut T, &mut T) -> T + Sync,
    ) {
        let Some(sums) = self.apart(&h) else {
            return self.each2([a, b], |w, g, a, b| f(w, g, h(g), a, b));
        };
        let (gradient, p) = (self.gradient, &self.preparation);
        let [a, b] = [a, b].map(|at| std::mem::take(&mut self.slots[at]));
        split_alike([self.weights, a, b], PIECE, |from, [w, a, b]| {
            let rows = w.iter_mut().zip(&gradient[from..]).zip(&sums[from..]).zip(a).zip(b);
            vectorised(|| rows.for_each(|((((w, &g), &q), a), b)| *w = f(p.weight(*w), p.gradient(g), q, a, b)));
        });
    }

    /// `w = f(w, g, slot, slot, slot)` for every element.
    pub fn each3(mut self, [a, b, c]: [usize; 3], f: impl Fn(T, T, &mut T, &mut T, &mut T) -> T + Sync) {
        let [a, b, c] = [a, b, c].map(|at| std::mem::take(&mut self.slots[at]));
        pass3(self.weights, self.gradient, a, b, c, &self.preparation, &f);
    }

    /// As [`Cells::each3`]; `f` takes after the gradient what [`Cells::apart`] makes of `h`, `h(g)` where there is one part.
    pub fn each3_apart(
        mut self,
        [a, b, c]: [usize; 3],
        h: impl Fn(T) -> T + Sync,
        f: impl Fn(T, T, T, &mut T, &mut T, &mut T) -> T + Sync,
    ) {
        let Some(sums) = self.apart(&h) else {
            return self.each3([a, b, c], |w, g, a, b, c| f(w, g, h(g), a, b, c));
        };
        let (gradient, p) = (self.gradient, &self.preparation);
        let [a, b, c] = [a, b, c].map(|at| std::mem::take(&mut self.slots[at]));
        split_alike([self.weights, a, b, c], PIECE, |from, [w, a, b, c]| {
            let rows = w.iter_mut().zip(&gradient[from..]).zip(&sums[from..]).zip(a).zip(b).zip(c);
            vectorised(|| {
                rows.for_each(|(((((w, &g), &q), a), b), c)| *w = f(p.weight(*w), p.gradient(g), q, a, b, c))
            });
        });
    }
}

fn pass0<T: Real>(w: &mut [T], g: &[T], p: &Preparation<T>, f: &(impl Fn(T, T) -> T + Sync)) {
    split_alike([w], PIECE, |from, [w]| {
        let g = &g[from..from + w.len()];
        if p.is_plain() {
            vectorised(|| w.iter_mut().zip(g).for_each(|(w, &g)| *w = f(*w, g)));
        } else {
            vectorised(|| w.iter_mut().zip(g).for_each(|(w, &g)| *w = f(p.weight(*w), p.gradient(g))));
        }
    });
}

fn pass1<T: Real>(w: &mut [T], g: &[T], a: &mut [T], p: &Preparation<T>, f: &(impl Fn(T, T, &mut T) -> T + Sync)) {
    split_alike([w, a], PIECE, |from, [w, a]| {
        let rows = w.iter_mut().zip(&g[from..]).zip(a);
        if p.is_plain() {
            vectorised(|| rows.for_each(|((w, &g), a)| *w = f(*w, g, a)));
        } else {
            vectorised(|| rows.for_each(|((w, &g), a)| *w = f(p.weight(*w), p.gradient(g), a)));
        }
    });
}

fn pass2<T: Real>(
    w: &mut [T],
    g: &[T],
    a: &mut [T],
    b: &mut [T],
    p: &Preparation<T>,
    f: &(impl Fn(T, T, &mut T, &mut T) -> T + Sync),
) {
    split_alike([w, a, b], PIECE, |from, [w, a, b]| {
        let rows = w.iter_mut().zip(&g[from..]).zip(a).zip(b);
        if p.is_plain() {
            vectorised(|| rows.for_each(|(((w, &g), a), b)| *w = f(*w, g, a, b)));
        } else {
            vectorised(|| rows.for_each(|(((w, &g), a), b)| *w = f(p.weight(*w), p.gradient(g), a, b)));
        }
    });
}

fn pass3<T: Real>(
    w: &mut [T],
    g: &[T],
    a: &mut [T],
    b: &mut [T],
    c: &mut [T],
    p: &Preparation<T>,
    f: &(impl Fn(T, T, &mut T, &mut T, &mut T) -> T + Sync),
) {
    split_alike([w, a, b, c], PIECE, |from, [w, a, b, c]| {
        let rows = w.iter_mut().zip(&g[from..]).zip(a).zip(b).zip(c);
        vectorised(|| rows.for_each(|((((w, &g), a), b), c)| *w = f(p.weight(*w), p.gradient(g), a, b, c)));
    });
}
