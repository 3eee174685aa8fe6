//! Tensors stored in pieces: partitioned variables.

use std::ops::Range;

use kerox_tensor::{Buffer, Shape, each_buffer};

use crate::coding::{put_ordered_number, put_ordered_signed, put_ordered_string};
use crate::proto::TensorSlice;

/// The key of a piece, in index and V1 table alike: `00`, the name, the number of axes, start and length of each
/// (-1: the whole axis), all in the code that keeps their order.
pub(crate) fn slice_key(name: &str, slice: &TensorSlice) -> Vec<u8> {
    let mut key = Vec::new();
    put_ordered_number(&mut key, 0);
    put_ordered_string(&mut key, name.as_bytes());
    put_ordered_number(&mut key, slice.extent.len() as u64);
    for extent in &slice.extent {
        put_ordered_signed(&mut key, extent.start);
        put_ordered_signed(&mut key, extent.length.unwrap_or(-1));
    }
    key
}

/// The ranges a piece covers; the error says what is wrong with it.
pub(crate) fn ranges(slice: &TensorSlice, shape: &Shape) -> Result<Vec<Range<usize>>, String> {
    if slice.extent.len() != shape.rank() {
        return Err(format!("a piece with {} axes of a tensor of shape {shape}", slice.extent.len()));
    }
    let range = |(extent, &full): (&crate::proto::Extent, &usize)| {
        let Some(length) = extent.length else { return Ok(0..full) };
        let start = usize::try_from(extent.start).ok();
        let end = usize::try_from(length).ok().and_then(|length| start?.checked_add(length));
        match (start, end) {
            (Some(start), Some(end)) if end <= full => Ok(start..end),
            _ => Err(format!("a piece of {length} from {} of an axis of {full}", extent.start)),
        }
    };
    slice.extent.iter().zip(shape.iter()).map(range).collect()
}

/// Whether two boxes share an element. Their number is small: partitions of a variable.
pub(crate) fn overlap<'a>(boxes: impl Iterator<Item = &'a [Range<usize>]>) -> bool {
    let mut boxes: Vec<_> = boxes.filter(|b| b.iter().all(|range| !range.is_empty())).collect();
    // Sorted by their start along the first axis, only neighbours in that order can meet.
    boxes.sort_by_key(|b| b.first().map_or(0, |range| range.start));
    boxes.iter().enumerate().any(|(i, a)| {
        let end = a.first().map_or(usize::MAX, |range| range.end);
        let rest = boxes.get(i + 1..).unwrap_or_default();
        let near = rest.iter().take_while(|b| b.first().is_none_or(|range| range.start < end));
        near.into_iter().any(|b| a.iter().zip(b.iter()).all(|(x, y)| x.start < y.end && y.start < x.end))
    })
}

/// Copies a piece into the whole. `None` where types or lengths contradict each other.
pub(crate) fn copy_piece(whole: &mut Buffer, shape: &Shape, ranges: &[Range<usize>], piece: &Buffer) -> Option<()> {
    let elements = ranges.iter().map(ExactSizeIterator::len).product::<usize>();
    if piece.len() != elements || whole.dtype() != piece.dtype() {
        return None;
    }
    if elements == 0 {
        return Some(());
    }
    // Rows run along the last axis; those in front are counted like an odometer.
    let strides = shape.strides();
    let row = ranges.last().map_or(1, ExactSizeIterator::len);
    let mut at: Vec<usize> = ranges.iter().map(|range| range.start).collect();
    each_buffer!(whole, target => {
        let source = slice_like(target, piece)?;
        for part in source.chunks_exact(row) {
            let start: usize = at.iter().zip(strides.iter()).map(|(i, stride)| i * stride).sum();
            target.get_mut(start..start + row)?.clone_from_slice(part);
            for axis in (0..at.len().saturating_sub(1)).rev() {
                at[axis] += 1;
                if at[axis] < ranges[axis].end {
                    break;
                }
                at[axis] = ranges[axis].start;
            }
        }
    });
    Some(())
}

fn slice_like<'a, T: kerox_tensor::Element>(_: &[T], buffer: &'a Buffer) -> Option<&'a [T]> {
    T::slice(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Extent;

    #[test]
    fn keys_are_tensorflows() {
        let extent = vec![Extent { start: 0, length: Some(2) }, Extent { start: 0, length: None }];
        let expected = [b"\0part\0\x01\x01\x02".as_slice(), &[0x80, 0x82, 0x80, 0x7f]].concat();
        assert_eq!(slice_key("part", &TensorSlice { extent }), expected);
    }

    #[test]
    fn pieces_go_where_they_belong() {
        let shape = Shape::from([2, 3, 4]);
        let mut whole = Buffer::I32(vec![0; 24]);
        let piece = Buffer::I32((1..=8).collect());
        copy_piece(&mut whole, &shape, &[0..2, 1..3, 2..4], &piece).unwrap();
        let expected = [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 5, 6, 0, 0, 7, 8];
        assert_eq!(whole, Buffer::I32(expected.to_vec()));
        let mut scalar = Buffer::F32(vec![0.0]);
        copy_piece(&mut scalar, &Shape::scalar(), &[], &Buffer::F32(vec![7.0])).unwrap();
        assert_eq!(scalar, Buffer::F32(vec![7.0]));
        assert!(copy_piece(&mut whole, &shape, &[0..2, 1..3, 2..4], &Buffer::I32(vec![0; 7])).is_none());
    }

    #[test]
    fn pieces_outside_are_refused() {
        let slice = |start, length| TensorSlice { extent: vec![Extent { start, length }] };
        let shape = Shape::from([4]);
        assert_eq!(ranges(&slice(1, Some(3)), &shape).map(|r| (r.len(), r[0].clone())), Ok((1, 1..4)));
        for (start, length) in [(2, Some(3)), (-1, Some(2)), (0, Some(-2)), (i64::MAX, Some(i64::MAX))] {
            assert!(ranges(&slice(start, length), &shape).is_err());
        }
        assert!(ranges(&slice(0, None), &Shape::scalar()).is_err());
    }
}
