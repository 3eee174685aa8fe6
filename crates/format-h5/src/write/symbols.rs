//! Symbol tables (local heap, symbol nodes, B-tree) and the B-trees of chunks.

use super::encode::Output;

/// Entries of a symbol node: twice the superblock's "group leaf node K" of 4.
const LEAF_ENTRIES: usize = 8;
/// Children of a group's tree node: twice the "group internal node K" of 16.
const GROUP_CHILDREN: usize = 32;
/// Children of a chunk tree's node: twice the K of 32 that superblock 0 implies.
const CHUNK_CHILDREN: usize = 64;

/// A member: name, object header, and tree and heap where it is a group.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) header: u64,
    pub(super) table: Option<(u64, u64)>,
}

/// Writes the symbol table of a group; entries are sorted by name. Gives the addresses of tree and heap.
pub(super) fn table(out: &mut Output, entries: &[Entry]) -> (u64, u64) {
    // Names lie in the heap's data behind an empty name at offset 0.
    let mut names = vec![0; 8];
    let mut offsets = Vec::with_capacity(entries.len());
    for entry in entries {
        offsets.push(names.len() as u64);
        names.extend(entry.name.as_bytes());
        names.push(0);
        names.resize(names.len().next_multiple_of(8), 0);
    }
    let mut nodes = Vec::new();
    for (entries, offsets) in entries.chunks(LEAF_ENTRIES).zip(offsets.chunks(LEAF_ENTRIES)) {
        let mut node = b"SNOD\x01\0".to_vec();
        node.extend((entries.len() as u16).to_le_bytes());
        for (entry, offset) in entries.iter().zip(offsets) {
            node.extend(offset.to_le_bytes());
            node.extend(entry.header.to_le_bytes());
            node.extend(u32::from(entry.table.is_some()).to_le_bytes());
            node.extend([0; 4]);
            let (tree, heap) = entry.table.unwrap_or((0, 0));
            node.extend(tree.to_le_bytes());
            node.extend(heap.to_le_bytes());
        }
        node.resize(8 + LEAF_ENTRIES * 40, 0);
        let last = offsets.last().copied().unwrap_or(0);
        nodes.push(Node {
            address: out.bytes(node),
            first: 0u64.to_le_bytes().to_vec(),
            last: last.to_le_bytes().to_vec(),
        });
    }
    // A child's first key is the last name of the child before it.
    let mut before = 0u64.to_le_bytes().to_vec();
    for node in &mut nodes {
        node.first = std::mem::replace(&mut before, node.last.clone());
    }
    let tree = tree(out, nodes, Shape { kind: 0, children: GROUP_CHILDREN, key: 8 });
    let size = names.len() as u64;
    let data = out.bytes(names);
    let mut heap = b"HEAP\0\0\0\0".to_vec();
    heap.extend(size.to_le_bytes());
    // No free block.
    heap.extend(1u64.to_le_bytes());
    heap.extend(data.to_le_bytes());
    (tree, out.bytes(heap))
}

/// A chunk that was written.
pub(super) struct Chunk {
    pub(super) address: u64,
    pub(super) size: u32,
    /// First element along each axis.
    pub(super) start: Vec<u64>,
}

/// Writes the tree of a dataset's chunks, which lie in row-major order; `end` is the place behind the last one.
pub(super) fn chunks(out: &mut Output, chunks: &[Chunk], end: &[u64]) -> u64 {
    let key = |size: u32, start: &[u64]| {
        let mut key = size.to_le_bytes().to_vec();
        key.extend([0; 4]);
        start.iter().for_each(|at| key.extend(at.to_le_bytes()));
        key.extend([0; 8]);
        key
    };
    let mut nodes: Vec<Node> = Vec::with_capacity(chunks.len());
    let mut next = key(0, end);
    for chunk in chunks.iter().rev() {
        let first = key(chunk.size, &chunk.start);
        nodes.push(Node { address: chunk.address, first: first.clone(), last: std::mem::replace(&mut next, first) });
    }
    nodes.reverse();
    tree(out, nodes, Shape { kind: 1, children: CHUNK_CHILDREN, key: 16 + 8 * end.len() })
}

/// What a tree node points to, and the keys on either side of it.
struct Node {
    address: u64,
    first: Vec<u8>,
    last: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Shape {
    kind: u8,
    children: usize,
    key: usize,
}

/// Writes a version 1 B-tree over nodes in order; gives its root's address.
fn tree(out: &mut Output, mut nodes: Vec<Node>, shape: Shape) -> u64 {
    let size = 24 + (shape.children + 1) * shape.key + shape.children * 8;
    let mut level = 0u8;
    loop {
        // The nodes of this level know their neighbours, which follow at known distances.
        let count = nodes.len().div_ceil(shape.children).max(1);
        let mut above = Vec::with_capacity(count);
        let start = out.aligned();
        let mut groups = nodes.chunks(shape.children);
        for number in 0..count {
            let group = groups.next().unwrap_or(&[]);
            let neighbour = |exists: bool, number: usize| {
                if exists { start + (number * size) as u64 } else { u64::MAX }
            };
            let mut bytes = b"TREE".to_vec();
            bytes.extend([shape.kind, level]);
            bytes.extend((group.len() as u16).to_le_bytes());
            bytes.extend(neighbour(number > 0, number.wrapping_sub(1)).to_le_bytes());
            bytes.extend(neighbour(number + 1 < count, number + 1).to_le_bytes());
            for (i, node) in group.iter().enumerate() {
                if i == 0 {
                    bytes.extend(&node.first);
                }
                bytes.extend(node.address.to_le_bytes());
                bytes.extend(&node.last);
            }
            bytes.resize(size, 0);
            let address = out.bytes(bytes);
            let end = |node: Option<&Node>, key: fn(&Node) -> &Vec<u8>| node.map(key).cloned().unwrap_or_default();
            above.push(Node { address, first: end(group.first(), |n| &n.first), last: end(group.last(), |n| &n.last) });
        }
        match above.as_slice() {
            [root] => return root.address,
            _ => nodes = above,
        }
        level += 1;
    }
}
