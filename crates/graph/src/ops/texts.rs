//! Byte strings cut, joined, encoded and matched.

use kerox_tensor::{DType, Tensor};

use super::dispatch::argument;
use super::dynamic::int_tensor;
use super::hash::murmur_hash;
use super::strings::{Pattern, parts_of_vector};
use super::whole::{Given, whole};
use crate::{Attrs, Dims, Infer, Result, ValueInfo};

// A line expands to an entry of the table: name, signature, attributes, shape rule, values, gradient.
whole! {
    "RegexFullMatch" "input, pattern -> output"
        [] |cx, _| like_first(cx, DType::Bool), full_match, None;
    "ReduceJoin" "inputs, reduction_indices -> output"
        ["keep_dims" "separator"] reduce_join_rule, reduce_join, None;
    "UnsortedSegmentJoin" "inputs, segment_ids, num_segments -> output"
        ["separator" "Tindices=1" "Tnumsegments=2"] segment_join_rule, segment_join, None;
    "Substr" "input, pos, len -> output" ["T=1" "unit"] substring_rule, substring, None;
    "StringSplit" "input, delimiter -> indices, values, shape"
        ["skip_empty"] |cx, _| parts_of_vector(cx), split, None;
    "StringToHashBucket" "string_tensor -> output"
        ["num_buckets"] |cx, _| like_first(cx, DType::I64), hash, None;
    "UnicodeTranscode" "input -> output"
        ["input_encoding" "output_encoding" "errors" "replacement_char" "replace_control_characters"] |cx, _| like_first(cx, DType::String), transcode, None;
    "UnicodeDecodeWithOffsets" "input -> row_splits, char_values, char_to_byte_starts"
        ["input_encoding" "errors" "replacement_char" "replace_control_characters" "Tsplits"] decode_rule, decode, None;
    "EncodeBase64" "input -> output"
        ["pad"] |cx, _| like_first(cx, DType::String), encode_base64, None;
    "DecodeBase64" "input -> output" [] |cx, _| like_first(cx, DType::String), decode_base64, None;
    "DecodeRaw" "bytes -> output" ["out_type" "little_endian"] raw_rule, raw, None;
}

/// As many elements as the first input has, which are strings.
fn like_first(cx: &Infer<'_>, dtype: DType) -> Result<Vec<ValueInfo>> {
    cx.of_dtype(0, DType::String)?;
    Ok(vec![ValueInfo::new(dtype, cx.dims(0)?.clone())])
}

fn strings<'a>(i: &Given<'a>, at: usize) -> Result<&'a [Vec<u8>]> {
    Ok(i.input(at)?.as_slice::<Vec<u8>>()?)
}

/// The one string of an input.
fn one<'a>(i: &Given<'a>, at: usize) -> Result<&'a [u8]> {
    match strings(i, at)? {
        [one] => Ok(one),
        other => Err(i.wrong(&format!("input {at}"), "one string", format!("{} strings", other.len()))),
    }
}

fn text<'a>(i: &Given<'_>, bytes: &'a [u8]) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|_| i.wrong("input", "UTF-8 text", String::from_utf8_lossy(bytes).into_owned()))
}

/// Each string on its own.
fn each(i: &Given<'_>, of: impl Fn(&[u8]) -> Result<Vec<u8>>) -> Result<Vec<Tensor>> {
    let made = strings(i, 0)?.iter().map(|s| of(s)).collect::<Result<Vec<_>>>()?;
    Ok(vec![Tensor::from_vec(made, i.input(0)?.shape().clone())?])
}

fn full_match(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let pattern = Pattern::new(text(i, one(i, 1)?)?, true)?;
    let found = strings(i, 0)?.iter().map(|s| pattern.is_match(s)).collect::<Result<Vec<bool>>>()?;
    Ok(vec![Tensor::from_vec(found, i.input(0)?.shape().clone())?])
}

fn joined(parts: &[&[u8]], separator: &[u8]) -> Vec<u8> {
    parts.join(separator)
}

fn separator(i: &Given<'_>) -> Result<Vec<u8>> {
    Ok(i.attrs.string_or("separator", "")?.into_bytes())
}

fn axes(wrong: impl Fn(String) -> crate::Error, given: &[i64], rank: usize) -> Result<Vec<usize>> {
    let axis = |&axis: &i64| {
        let found = usize::try_from(if axis < 0 { axis + rank as i64 } else { axis }).ok().filter(|&axis| axis < rank);
        found.ok_or_else(|| wrong(axis.to_string()))
    };
    given.iter().map(axis).collect()
}

fn reduce_join_rule(cx: &Infer<'_>, attrs: &Attrs) -> Result<Vec<ValueInfo>> {
    cx.of_dtype(0, DType::String)?;
    let keep = attrs.bool_or("keep_dims", false)?;
    let known = cx.ints(1)?.and_then(|axes| axes.into_iter().collect::<Option<Vec<i64>>>());
    let (Some(dims), Some(given)) = (cx.dims(0)?.axes(), known) else {
        return Ok(vec![ValueInfo::new(DType::String, Dims::unknown())]);
    };
    let goes = axes(|found| cx.wrong("reduction_indices", "axes of the input", found), &given, dims.len())?;
    let kept = dims.iter().enumerate().filter(|(at, _)| keep || !goes.contains(at));
    let kept: Dims = kept.map(|(at, &n)| if goes.contains(&at) { Some(1) } else { n }).collect();
    Ok(vec![ValueInfo::new(DType::String, kept)])
}

/// Strings joined along axes, the first that is named changing fastest.
fn reduce_join(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (x, all, separator) = (i.input(0)?, strings(i, 0)?, separator(i)?);
    let keep = i.attrs.bool_or("keep_dims", false)?;
    let goes = axes(|found| i.wrong("reduction_indices", "axes of the input", found), &i.ints(1)?, x.rank())?;
    let kept: Vec<usize> = (0..x.rank()).filter(|axis| !goes.contains(axis)).collect();
    let slowest: Vec<usize> = goes.iter().rev().copied().collect();
    let (strides, lengths) = (x.shape().strides(), x.shape());
    let count = |axes: &[usize]| axes.iter().map(|&axis| lengths[axis]).product::<usize>();
    let offset = |axes: &[usize], at: usize| {
        let (mut rest, mut offset) = (at, 0);
        for &axis in axes.iter().rev() {
            offset += rest % lengths[axis] * strides[axis];
            rest /= lengths[axis];
        }
        offset
    };
    let made = (0..count(&kept)).map(|row| {
        let parts: Vec<&[u8]> =
            (0..count(&goes)).map(|at| &all[offset(&kept, row) + offset(&slowest, at)][..]).collect();
        joined(&parts, &separator)
    });
    let made: Vec<Vec<u8>> = made.collect();
    let shape = (0..x.rank()).filter(|axis| keep || !goes.contains(axis));
    let shape = i.shape(shape.map(|axis| if goes.contains(&axis) { 1 } else { lengths[axis] }))?;
    Ok(vec![Tensor::from_vec(made, shape)?])
}

fn segment_join_rule(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    cx.of_dtype(0, DType::String)?;
    let count = cx.ints(2)?.and_then(|numbers| usize::try_from((*numbers.first()?)?).ok());
    let dims = match (cx.dims(0)?.axes(), cx.dims(1)?.rank()) {
        (Some(axes), Some(own)) if own <= axes.len() => {
            std::iter::once(count).chain(axes[own..].iter().copied()).collect()
        }
        _ => Dims::unknown(),
    };
    Ok(vec![ValueInfo::new(DType::String, dims)])
}

fn segment_join(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (x, all, separator) = (i.input(0)?, strings(i, 0)?, separator(i)?);
    let (ids, count) = (i.ints(1)?, i.int(2)?);
    let own = i.input(1)?.rank();
    if x.shape().get(..own) != Some(&i.input(1)?.shape()[..]) {
        return Err(i.wrong(
            "segment_ids",
            format!("the first axes of {}", x.shape()),
            i.input(1)?.shape().to_string(),
        ));
    }
    let tail = &x.shape()[own..];
    let size: usize = tail.iter().product();
    let count = usize::try_from(count).ok().filter(|&count| count <= 1 << 27);
    let count = count.ok_or_else(|| i.wrong("num_segments", "0 to 2^27", "another"))?;
    let shape = i.shape(std::iter::once(count).chain(tail.iter().copied()))?;
    let mut parts: Vec<Vec<&[u8]>> = vec![Vec::new(); shape.elements()];
    for (row, &id) in ids.iter().enumerate() {
        let Ok(id) = usize::try_from(id) else { continue };
        if id >= count {
            return Err(i.wrong("segment_ids", format!("numbers below {count}"), id.to_string()));
        }
        (0..size).for_each(|at| parts[id * size + at].push(&all[row * size + at]));
    }
    Ok(vec![Tensor::from_vec(parts.iter().map(|parts| joined(parts, &separator)).collect(), shape)?])
}

fn substring_rule(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    cx.arity(3)?;
    cx.of_dtype(0, DType::String)?;
    let (x, at) = (cx.dims(0)?, cx.dims(1)?);
    let dims = x.broadcast(at).ok_or_else(|| cx.wrong("pos", format!("a shape that goes with {x}"), at.to_string()))?;
    Ok(vec![ValueInfo::new(DType::String, dims)])
}

fn substring(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (x, all, starts, lengths) = (i.input(0)?, strings(i, 0)?, i.ints(1)?, i.ints(2)?);
    let by_characters = i.attrs.string_or("unit", "BYTE")? == "UTF8_CHAR";
    if i.input(1)?.shape() != i.input(2)?.shape() {
        return Err(i.wrong("len", i.input(1)?.shape().to_string(), i.input(2)?.shape().to_string()));
    }
    let plan = kerox_tensor::kernels::broadcast::Broadcast::new([&x.shape()[..], &i.input(1)?.shape()[..]])?;
    let shape = plan.shape().clone();
    // Which string and which place go together.
    let strings: Vec<usize> = (0..all.len()).collect();
    let places: Vec<usize> = (0..starts.len()).collect();
    let mut pairs = vec![(0, 0); shape.elements()];
    plan.map2(&strings, &places, &mut pairs, |string, place| (string, place));
    let cut = |&(string, place): &(usize, usize)| {
        let (s, start, length) = (&all[string][..], starts[place], lengths[place]);
        let ends: Vec<usize> = match by_characters {
            true => {
                s.iter().enumerate().filter(|(_, b)| *b & 0xc0 != 0x80).map(|(at, _)| at).chain([s.len()]).collect()
            }
            false => (0..=s.len()).collect(),
        };
        let count = ends.len() as i64 - 1;
        if start < -count || start > count {
            return Err(i.wrong("pos", format!("a place of {count}"), start.to_string()));
        }
        let start = if start < 0 { start + count } else { start };
        let end = start.saturating_add(length.max(0)).min(count);
        Ok(s[ends[start as usize]..ends[end as usize]].to_vec())
    };
    Ok(vec![Tensor::from_vec(pairs.iter().map(cut).collect::<Result<Vec<_>>>()?, shape)?])
}

/// A vector of strings cut at each of some bytes, or into bytes where there is none.
fn split(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (all, delimiters) = (strings(i, 0)?, one(i, 1)?);
    let skips = i.attrs.bool_or("skip_empty", true)?;
    let (mut places, mut parts, mut most) = (Vec::new(), Vec::new(), 0);
    for (row, s) in all.iter().enumerate() {
        let own: Vec<Vec<u8>> = match delimiters {
            _ if s.is_empty() => Vec::new(),
            [] => s.iter().map(|&b| vec![b]).collect(),
            _ => s.split(|b| delimiters.contains(b)).map(<[u8]>::to_vec).collect(),
        };
        let own: Vec<Vec<u8>> = own.into_iter().filter(|part| !(skips && part.is_empty())).collect();
        most = most.max(own.len());
        places.extend((0..own.len()).flat_map(|at| [row as i64, at as i64]));
        parts.extend(own);
    }
    let n = parts.len();
    Ok(vec![
        int_tensor(places, DType::I64, [n, 2])?,
        Tensor::from_vec(parts, [n])?,
        int_tensor(vec![all.len() as i64, most as i64], DType::I64, [2])?,
    ])
}

fn hash(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let buckets = u64::try_from(i.attrs.int("num_buckets")?).ok().filter(|&n| n > 0);
    let buckets = buckets.ok_or_else(|| i.wrong("num_buckets", "at least 1", "less"))?;
    let found = strings(i, 0)?.iter().map(|s| (murmur_hash(s) % buckets) as i64).collect();
    Ok(vec![int_tensor(found, DType::I64, i.input(0)?.shape().clone())?])
}

/// Refuses what is not UTF-8 with `U+FFFD` for what is not.
fn is_plain(i: &Given<'_>) -> Result<bool> {
    let attrs = i.attrs;
    for name in ["input_encoding", "output_encoding"] {
        if !attrs.string_or(name, "UTF-8")?.eq_ignore_ascii_case("utf-8") {
            return Err(attrs.wrong(name, "UTF-8", attrs.get(name)));
        }
    }
    if attrs.int_or("replacement_char", 65533)? != 65533 {
        return Err(attrs.wrong("replacement_char", "65533", attrs.get("replacement_char")));
    }
    if attrs.bool_or("replace_control_characters", false)? {
        return Err(attrs.wrong("replace_control_characters", "false", attrs.get("replace_control_characters")));
    }
    match &*attrs.string_or("errors", "replace")? {
        "replace" => Ok(true),
        "ignore" => Ok(false),
        _ => Err(attrs.wrong("errors", "`replace` or `ignore`", attrs.get("errors"))),
    }
}

fn transcode(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let replaces = is_plain(i)?;
    each(i, |s| {
        let mut made = Vec::with_capacity(s.len());
        for chunk in s.utf8_chunks() {
            made.extend_from_slice(chunk.valid().as_bytes());
            if replaces && !chunk.invalid().is_empty() {
                made.extend_from_slice(char::REPLACEMENT_CHARACTER.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        Ok(made)
    })
}

fn decode_rule(cx: &Infer<'_>, attrs: &Attrs) -> Result<Vec<ValueInfo>> {
    cx.of_dtype(0, DType::String)?;
    let splits = attrs.dtype_or("Tsplits", DType::I64)?;
    let types = [splits, DType::I32, DType::I64];
    Ok(types.map(|dtype| ValueInfo::new(dtype, [None])).to_vec())
}

/// The characters of texts, and at which byte each begins.
fn decode(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let replaces = is_plain(i)?;
    let (mut splits, mut characters, mut starts) = (vec![0], Vec::new(), Vec::new());
    for s in strings(i, 0)? {
        let mut at = 0;
        for chunk in s.utf8_chunks() {
            for (offset, c) in chunk.valid().char_indices() {
                characters.push(i64::from(u32::from(c)));
                starts.push((at + offset) as i64);
            }
            at += chunk.valid().len();
            if replaces && !chunk.invalid().is_empty() {
                characters.push(i64::from(u32::from(char::REPLACEMENT_CHARACTER)));
                starts.push(at as i64);
            }
            at += chunk.invalid().len();
        }
        splits.push(characters.len() as i64);
    }
    let (rows, n) = (splits.len(), characters.len());
    Ok(vec![
        int_tensor(splits, i.attrs.dtype_or("Tsplits", DType::I64)?, [rows])?,
        int_tensor(characters, DType::I32, [n])?,
        int_tensor(starts, DType::I64, [n])?,
    ])
}

/// The letters of base 64 that may stand in addresses.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn encode_base64(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let pads = i.attrs.bool_or("pad", false)?;
    each(i, |s| {
        let mut made = Vec::with_capacity(s.len() * 4 / 3 + 4);
        for group in s.chunks(3) {
            let bits = group.iter().fold(0u32, |bits, &b| bits << 8 | u32::from(b)) << (8 * (3 - group.len()));
            for at in 0..=group.len() {
                made.push(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]);
            }
            made.extend(std::iter::repeat_n(b'=', if pads { 3 - group.len() } else { 0 }));
        }
        Ok(made)
    })
}

fn decode_base64(i: &Given<'_>) -> Result<Vec<Tensor>> {
    each(i, |s| {
        let wrong = || i.wrong("input", "base 64 with `-` and `_`", "other letters");
        let end = s.iter().rposition(|&b| b != b'=').map_or(0, |at| at + 1);
        let mut made = Vec::with_capacity(s.len());
        for group in s[..end].chunks(4) {
            let mut bits = 0u32;
            for b in group {
                let value = LETTERS.iter().position(|letter| letter == b).ok_or_else(wrong)?;
                bits = bits << 6 | value as u32;
            }
            if group.len() == 1 {
                return Err(wrong());
            }
            bits <<= 6 * (4 - group.len());
            made.extend((0..group.len() - 1).map(|at| (bits >> (16 - 8 * at)) as u8));
        }
        Ok(made)
    })
}

fn raw_rule(cx: &Infer<'_>, attrs: &Attrs) -> Result<Vec<ValueInfo>> {
    cx.of_dtype(0, DType::String)?;
    let dims = cx.dims(0)?.axes().map_or(Dims::unknown(), |axes| axes.iter().copied().chain([None]).collect());
    Ok(vec![ValueInfo::new(attrs.dtype("out_type")?, dims)])
}

/// The bytes of strings, all of one length, as numbers.
fn raw(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let dtype = i.attrs.dtype("out_type")?;
    let size = dtype.size().ok_or_else(|| i.wrong("out_type", "numbers", dtype.to_string()))?;
    if !i.attrs.bool_or("little_endian", true)? && size > 1 {
        return Err(i.wrong("little_endian", "true", "false"));
    }
    let all = strings(i, 0)?;
    let length = all.first().map_or(0, Vec::len);
    if all.iter().any(|s| s.len() != length) || !length.is_multiple_of(size) {
        return Err(i.wrong("bytes", format!("strings of one length, a multiple of {size}"), "others"));
    }
    let shape = i.shape(i.input(0)?.shape().iter().copied().chain([length / size]))?;
    let bytes = all.concat();
    let buffer = kerox_tensor::Buffer::from_bytes(dtype, &bytes)
        .map_err(|_| argument(i.name(), "", "bytes", format!("elements of {dtype}"), "others"))?;
    Ok(vec![Tensor::from_buffer(buffer, shape)?])
}
