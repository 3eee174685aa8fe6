//! Reading one block.

use crate::coding::take_varint;

/// What is wrong with a block: offset in it, what was expected, what was found.
pub(crate) type BlockFault = (usize, String, String);

/// The keys and values of a block.
///
/// Keys share prefixes, so a small block could claim keys of any total length: that is bounded by 32 times the
/// block's size (writers store every 16th key whole).
pub(crate) fn block_entries(block: &[u8]) -> Result<Vec<(Vec<u8>, &[u8])>, BlockFault> {
    let fault = |offset: usize, expected: &str, found: String| (offset, expected.to_string(), found);
    let count_at = block.len().checked_sub(4);
    let count = count_at
        .and_then(|at| block.get(at..))
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes)
        .ok_or_else(|| fault(0, "a block of at least 4 bytes", format!("{} bytes", block.len())))?;
    let end = (count as usize)
        .checked_mul(4)
        .and_then(|restarts| block.len().checked_sub(4)?.checked_sub(restarts))
        .ok_or_else(|| fault(block.len() - 4, "room for the block's restart offsets", format!("{count} of them")))?;
    let body = block.get(..end).unwrap_or(&[]);
    let budget = block.len().saturating_mul(32).saturating_add(4096);
    let (mut rest, mut keys, mut entries) = (body, 0usize, Vec::new());
    let mut key: Vec<u8> = Vec::new();
    while !rest.is_empty() {
        let offset = end - rest.len();
        let lengths = (take_varint(&mut rest), take_varint(&mut rest), take_varint(&mut rest));
        let (Some(shared), Some(unshared), Some(value)) = lengths else {
            return Err(fault(offset, "an entry's three lengths", "the block's end".into()));
        };
        let total = unshared.checked_add(value).filter(|&n| n <= rest.len() as u64);
        if shared > key.len() as u64 || total.is_none() {
            let found = format!("lengths {shared}, {unshared} and {value} with {} bytes left", rest.len());
            return Err(fault(offset, "an entry within the block", found));
        }
        let (suffix, after) = rest.split_at(unshared as usize);
        let (value, after) = after.split_at(value as usize);
        let mut next = Vec::with_capacity(shared as usize + suffix.len());
        next.extend(&key[..shared as usize]);
        next.extend(suffix);
        if next <= key && !(entries.is_empty() && next.is_empty()) {
            return Err(fault(offset, "keys in ascending order", format!("`{}`", next.escape_ascii())));
        }
        keys += next.len();
        if keys > budget {
            return Err(fault(offset, "keys that the block's size explains", format!("{keys} bytes of keys")));
        }
        entries.push((next.clone(), value));
        key = next;
        rest = after;
    }
    Ok(entries)
}
