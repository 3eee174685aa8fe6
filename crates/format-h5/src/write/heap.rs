//! Global heap collections for the variable-length strings.

use std::collections::VecDeque;

use super::attribute::WriteAttribute;
use super::group::{Dataset, Group, Member};

/// Bytes from which on a new collection is begun, and bytes of the smallest one.
const FULL: usize = 1 << 16;
const SMALLEST: usize = 4096;
/// Objects a collection numbers.
const MAX_OBJECTS: u16 = u16::MAX - 1;

/// All strings of a tree in the order in which they are met.
pub(super) struct Heap {
    /// The collections' bytes, to be written from `start` on.
    pub(super) bytes: Vec<u8>,
    start: u64,
    references: VecDeque<[u8; 16]>,
}

impl Heap {
    /// Collects the strings of a tree into collections that will lie at `start`.
    pub(super) fn collect(root: &Group, start: u64) -> Heap {
        let mut heap = Heap { bytes: Vec::new(), start, references: VecDeque::new() };
        let mut open = Collection::default();
        heap.group(root, &mut open);
        heap.close(&mut open);
        heap
    }

    /// The reference to the next string.
    pub(super) fn next(&mut self) -> [u8; 16] {
        self.references.pop_front().unwrap_or([0; 16])
    }

    fn group(&mut self, group: &Group, open: &mut Collection) {
        for member in group.members.values() {
            match member {
                Member::Group(group) => self.group(group, open),
                Member::Dataset(dataset) => self.dataset(dataset, open),
            }
        }
        self.attributes(&group.attributes, open);
    }

    fn dataset(&mut self, dataset: &Dataset, open: &mut Collection) {
        if let Ok(strings) = dataset.tensor.as_slice::<Vec<u8>>() {
            strings.iter().for_each(|string| self.add(string, open));
        }
        self.attributes(&dataset.attributes, open);
    }

    fn attributes(&mut self, attributes: &[(String, WriteAttribute)], open: &mut Collection) {
        for (_, value) in attributes {
            match value {
                WriteAttribute::String(string, _) => self.add(string.as_bytes(), open),
                WriteAttribute::Strings(strings, _) => strings.iter().for_each(|s| self.add(s.as_bytes(), open)),
                _ => {}
            }
        }
    }

    fn add(&mut self, string: &[u8], open: &mut Collection) {
        let needed = 16 + string.len().next_multiple_of(8);
        if open.count == MAX_OBJECTS || (open.count > 0 && open.objects.len() + needed > FULL) {
            self.close(open);
        }
        open.count += 1;
        open.objects.extend(open.count.to_le_bytes());
        open.objects.extend([0; 6]);
        open.objects.extend((string.len() as u64).to_le_bytes());
        open.objects.extend(string);
        open.objects.resize(open.objects.len().next_multiple_of(8), 0);
        let mut reference = [0; 16];
        reference[..4].copy_from_slice(&(string.len() as u32).to_le_bytes());
        reference[4..12].copy_from_slice(&(self.start + self.bytes.len() as u64).to_le_bytes());
        reference[12..].copy_from_slice(&u32::from(open.count).to_le_bytes());
        self.references.push_back(reference);
    }

    fn close(&mut self, open: &mut Collection) {
        if open.count == 0 {
            return;
        }
        let used = 16 + open.objects.len();
        // HDF5 reads no smaller collection, and what is left over must be nothing or enough for the head of the free
        // space.
        let size = if used >= SMALLEST { used } else { SMALLEST.max(used + 16) };
        self.bytes.extend(b"GCOL\x01\0\0\0");
        self.bytes.extend((size as u64).to_le_bytes());
        self.bytes.append(&mut open.objects);
        if size > used {
            self.bytes.extend([0; 8]);
            self.bytes.extend(((size - used) as u64).to_le_bytes());
            self.bytes.resize(self.bytes.len() + size - used - 16, 0);
        }
        open.count = 0;
    }
}

#[derive(Default)]
struct Collection {
    count: u16,
    objects: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_are_large_enough_and_their_rest_has_room_for_its_head() {
        for len in (0..9000).step_by(7).chain(4030..4110) {
            let mut heap = Heap { bytes: Vec::new(), start: 0, references: VecDeque::new() };
            let mut open = Collection::default();
            heap.add(&vec![b'x'; len], &mut open);
            let used = 16 + open.objects.len();
            heap.close(&mut open);
            let size = u64::from_le_bytes(heap.bytes[8..16].try_into().unwrap()) as usize;
            assert_eq!(size, heap.bytes.len(), "{len}");
            assert!(size >= SMALLEST && (size == used || size >= used + 16), "{len}: {size} for {used}");
        }
    }
}
