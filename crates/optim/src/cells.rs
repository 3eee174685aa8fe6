//! One pass over a parameter, its gradient and its slots.

use kerox_tensor::parallel::split_alike;
use kerox_tensor::vectorised;

use crate::Real;

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

    /// `w = f(w, g)` for every element.
    pub fn each0(self, f: impl Fn(T, T) -> T + Sync) {
        pass0(self.weights, self.gradient, &self.preparation, &f);
    }

    /// `w = f(w, g, slot)` for every element, with the slot at position `a`.
    pub fn each1(mut self, a: usize, f: impl Fn(T, T, &mut T) -> T + Sync) {
        let a = std::mem::take(&mut self.slots[a]);
        pass1(self.weights, self.gradient, a, &self.preparation, &f);
    }

    /// `w = f(w, g, slot, slot)` for every element.
    pub fn each2(mut self, [a, b]: [usize; 2], f: impl Fn(T, T, &mut T, &mut T) -> T + Sync) {
        let (a, b) = (std::mem::take(&mut self.slots[a]), std::mem::take(&mut self.slots[b]));
        pass2(self.weights, self.gradient, a, b, &self.preparation, &f);
    }

    /// `w = f(w, g, slot, slot, slot)` for every element.
    pub fn each3(mut self, [a, b, c]: [usize; 3], f: impl Fn(T, T, &mut T, &mut T, &mut T) -> T + Sync) {
        let [a, b, c] = [a, b, c].map(|at| std::mem::take(&mut self.slots[at]));
        pass3(self.weights, self.gradient, a, b, c, &self.preparation, &f);
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
