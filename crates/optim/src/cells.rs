//! One pass over a parameter, its gradient and its slots.

use crate::Real;

/// From this many elements on a pass is shared out among threads: below, waking them costs more than it saves.
const PARALLEL_ABOVE: usize = 1 << 17;
/// The most slots an algorithm can have.
pub(crate) const MAX_SLOTS: usize = 8;

/// The slots of one variable in the order of [`crate::Algorithm::slots`]; those it does not have are empty.
pub type Slots<'a, T> = [&'a mut [T]; MAX_SLOTS];

/// Elements one thread takes at least.
const PIECE: usize = 1 << 15;

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

/// Where to split a pass of `n` elements, if at all.
fn split(n: usize) -> Option<usize> {
    (n >= PARALLEL_ABOVE && rayon::current_num_threads() > 1).then(|| (n / 2).next_multiple_of(64)).or_else(|| {
        // Inside a shared pass: keep halving down to one piece a thread.
        (n >= 2 * PIECE && rayon::current_thread_index().is_some()).then(|| (n / 2).next_multiple_of(64))
    })
}

fn pass0<T: Real>(w: &mut [T], g: &[T], p: &Preparation<T>, f: &(impl Fn(T, T) -> T + Sync)) {
    if let Some(at) = split(w.len()) {
        let ((w0, w1), (g0, g1)) = (w.split_at_mut(at), g.split_at(at));
        rayon::join(|| pass0(w0, g0, p, f), || pass0(w1, g1, p, f));
    } else if p.is_plain() {
        w.iter_mut().zip(g).for_each(|(w, &g)| *w = f(*w, g));
    } else {
        w.iter_mut().zip(g).for_each(|(w, &g)| *w = f(p.weight(*w), p.gradient(g)));
    }
}

fn pass1<T: Real>(w: &mut [T], g: &[T], a: &mut [T], p: &Preparation<T>, f: &(impl Fn(T, T, &mut T) -> T + Sync)) {
    if let Some(at) = split(w.len()) {
        let ((w0, w1), (g0, g1), (a0, a1)) = (w.split_at_mut(at), g.split_at(at), a.split_at_mut(at));
        rayon::join(|| pass1(w0, g0, a0, p, f), || pass1(w1, g1, a1, p, f));
    } else if p.is_plain() {
        w.iter_mut().zip(g).zip(a).for_each(|((w, &g), a)| *w = f(*w, g, a));
    } else {
        w.iter_mut().zip(g).zip(a).for_each(|((w, &g), a)| *w = f(p.weight(*w), p.gradient(g), a));
    }
}

fn pass2<T: Real>(
    w: &mut [T],
    g: &[T],
    a: &mut [T],
    b: &mut [T],
    p: &Preparation<T>,
    f: &(impl Fn(T, T, &mut T, &mut T) -> T + Sync),
) {
    if let Some(at) = split(w.len()) {
        let ((w0, w1), (g0, g1)) = (w.split_at_mut(at), g.split_at(at));
        let ((a0, a1), (b0, b1)) = (a.split_at_mut(at), b.split_at_mut(at));
        rayon::join(|| pass2(w0, g0, a0, b0, p, f), || pass2(w1, g1, a1, b1, p, f));
    } else if p.is_plain() {
        w.iter_mut().zip(g).zip(a).zip(b).for_each(|(((w, &g), a), b)| *w = f(*w, g, a, b));
    } else {
        w.iter_mut().zip(g).zip(a).zip(b).for_each(|(((w, &g), a), b)| *w = f(p.weight(*w), p.gradient(g), a, b));
    }
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
    if let Some(at) = split(w.len()) {
        let ((w0, w1), (g0, g1)) = (w.split_at_mut(at), g.split_at(at));
        let ((a0, a1), (b0, b1), (c0, c1)) = (a.split_at_mut(at), b.split_at_mut(at), c.split_at_mut(at));
        rayon::join(|| pass3(w0, g0, a0, b0, c0, p, f), || pass3(w1, g1, a1, b1, c1, p, f));
    } else {
        w.iter_mut()
            .zip(g)
            .zip(a)
            .zip(b)
            .zip(c)
            .for_each(|((((w, &g), a), b), c)| *w = f(p.weight(*w), p.gradient(g), a, b, c));
    }
}
