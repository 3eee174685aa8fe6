//! Walking several arrays together with a stride an axis each: what moving elements about comes down to.

use kerox_tensor::{Element, Shape};
use smallvec::SmallVec;

/// Elements to step over for one step along each axis; may be negative, or 0 to repeat.
pub(super) type Steps = SmallVec<[isize; 8]>;

/// Strides as signed numbers.
pub(super) trait Signed {
    /// Elements to step over for one step along each axis, in row-major order.
    fn strides_signed(&self) -> Steps;
}

impl Signed for Shape {
    fn strides_signed(&self) -> Steps {
        self.strides().iter().map(|&s| s as isize).collect()
    }
}

/// The steps that repeat an array of shape `from` to fill `target`.
pub(super) fn repeat(from: &Shape, target: &Shape) -> Steps {
    let strides = from.strides();
    let lead = target.rank() - from.rank();
    (0..target.rank()).map(|i| if i < lead || from[i - lead] == 1 { 0 } else { strides[i - lead] as isize }).collect()
}

/// Calls `f(offset, count, step)` for every innermost row of `shape`; each of the `N` arrays begins at `start` and
/// has its own steps. Neighbouring axes are joined where all arrays allow it.
pub(super) fn walk<const N: usize>(
    shape: &[usize],
    steps: &[Steps; N],
    start: [isize; N],
    mut f: impl FnMut([isize; N], usize, [isize; N]),
) {
    if shape.contains(&0) {
        return;
    }
    // Innermost first: length, steps.
    let mut axes: SmallVec<[(usize, [isize; N]); 8]> = SmallVec::new();
    for i in (0..shape.len()).rev() {
        if shape[i] == 1 {
            continue;
        }
        let mut step = [0; N];
        for n in 0..N {
            step[n] = steps[n][i];
        }
        match axes.last_mut() {
            Some((length, inner)) if (0..N).all(|n| step[n] == *length as isize * inner[n]) => *length *= shape[i],
            _ => axes.push((shape[i], step)),
        }
    }
    let Some(&(length, step)) = axes.first() else { return f(start, 1, [0; N]) };
    let outer = &axes[1..];
    let mut position: SmallVec<[usize; 8]> = SmallVec::from_elem(0, outer.len());
    let mut at = start;
    loop {
        f(at, length, step);
        let mut axis = 0;
        loop {
            let Some(&(length, step)) = outer.get(axis) else { return };
            position[axis] += 1;
            for n in 0..N {
                at[n] += step[n];
            }
            if position[axis] < length {
                break;
            }
            for n in 0..N {
                at[n] -= step[n] * length as isize;
            }
            position[axis] = 0;
            axis += 1;
        }
    }
}

/// Copies `shape` elements from one array to another, each with its own start and steps.
pub(super) fn copy<T: Element>(
    shape: &[usize],
    (from, from_start, from_steps): (&[T], isize, Steps),
    (to, to_start, to_steps): (&mut [T], isize, Steps),
) {
    walk(shape, &[from_steps, to_steps], [from_start, to_start], |[a, b], n, steps| {
        let (a, b) = (a as usize, b as usize);
        match steps {
            [1, 1] => to[b..b + n].clone_from_slice(&from[a..a + n]),
            [0, 1] => to[b..b + n].fill(from[a].clone()),
            [step, 1] => {
                let mut at = a as isize;
                for o in &mut to[b..b + n] {
                    o.clone_from(&from[at as usize]);
                    at += step;
                }
            }
            [from_step, to_step] => {
                let (mut a, mut b) = (a as isize, b as isize);
                for _ in 0..n {
                    to[b as usize].clone_from(&from[a as usize]);
                    a += from_step;
                    b += to_step;
                }
            }
        }
    });
}

/// Lengths before, of and after an axis, multiplied.
pub(super) fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}
