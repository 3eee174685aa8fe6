//! The tree to blocks with addresses, and the blocks to bytes.

use std::io::{BufWriter, Write};

use flate2::Compression as Level;
use flate2::write::ZlibEncoder;
use kerox_tensor::{DType, Tensor};

use super::attribute::Charset;
use super::group::{Compression, Dataset, Group, Member};
use super::heap::Heap;
use super::message::{self, Messages};
use super::symbols::{self, Chunk, Entry};
use crate::error::{Error, Result};
use crate::raw::filter;
use crate::raw::header::kind;

const SUPERBLOCK: u64 = 96;
/// Bytes of a chunk aimed at.
const CHUNK: usize = 1 << 20;

/// The blocks after the superblock, each at a multiple of 8.
pub(super) struct Output {
    blocks: Vec<Block>,
    next: u64,
}

enum Block {
    Bytes(Vec<u8>),
    Tensor(Tensor),
}

impl Output {
    /// Appends bytes and gives their address.
    pub(super) fn bytes(&mut self, bytes: Vec<u8>) -> u64 {
        let address = self.aligned();
        self.next = address + bytes.len() as u64;
        self.blocks.push(Block::Bytes(bytes));
        address
    }

    fn tensor(&mut self, tensor: &Tensor) -> u64 {
        let address = self.aligned();
        self.next = address + tensor.as_bytes().map_or(0, |bytes| bytes.len() as u64);
        self.blocks.push(Block::Tensor(tensor.clone()));
        address
    }

    /// The address of the next block.
    pub(super) fn aligned(&self) -> u64 {
        self.next.next_multiple_of(8)
    }
}

/// Writes a tree as a file.
pub(super) fn write(root: &Group, out: &mut dyn Write) -> Result<()> {
    let mut blocks = Output { blocks: Vec::new(), next: SUPERBLOCK };
    let mut heap = Heap::collect(root, SUPERBLOCK);
    let collections = std::mem::take(&mut heap.bytes);
    if !collections.is_empty() {
        blocks.bytes(collections);
    }
    let root = group(root, &mut blocks, &mut heap)?;
    let end = blocks.aligned();
    let io = |source| Error::Io { operation: "write HDF5 file", file: "output".into(), source };
    let mut out = BufWriter::with_capacity(1 << 16, out);
    out.write_all(&superblock(&root, end)).map_err(io)?;
    let mut at = SUPERBLOCK;
    let padding = [0; 8];
    for block in &blocks.blocks {
        let bytes = match block {
            Block::Bytes(bytes) => bytes.as_slice(),
            Block::Tensor(tensor) => tensor.as_bytes().unwrap_or(&[]),
        };
        out.write_all(bytes).map_err(io)?;
        at += bytes.len() as u64;
        let gap = (at.next_multiple_of(8) - at) as usize;
        out.write_all(padding.get(..gap).unwrap_or(&[])).map_err(io)?;
        at += gap as u64;
    }
    out.flush().map_err(io)
}

/// Superblock 0 with 8-byte addresses, group leaf K 4 and internal K 16.
fn superblock(root: &Entry, end: u64) -> Vec<u8> {
    let mut bytes = crate::raw::superblock::SIGNATURE.to_vec();
    bytes.extend([0, 0, 0, 0, 0, 8, 8, 0, 4, 0, 16, 0, 0, 0, 0, 0]);
    let (tree, heap) = root.table.unwrap_or((0, 0));
    // Base address, free space, end of file, driver; then the root's symbol table entry.
    for value in [0, u64::MAX, end, u64::MAX, 0, root.header, 1, tree, heap] {
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

fn group(group_to_write: &Group, out: &mut Output, heap: &mut Heap) -> Result<Entry> {
    let mut entries = Vec::with_capacity(group_to_write.members.len());
    for (name, member) in &group_to_write.members {
        let mut entry = match member {
            Member::Group(member) => group(member, out, heap)?,
            Member::Dataset(member) => dataset(member, out, heap)?,
        };
        entry.name.clone_from(name);
        entries.push(entry);
    }
    let (tree, names) = symbols::table(out, &entries);
    let mut messages = Messages::default();
    let mut body = tree.to_le_bytes().to_vec();
    body.extend(names.to_le_bytes());
    messages.push(kind::SYMBOL_TABLE, 0, &body);
    messages.attributes(&group_to_write.path, &group_to_write.attributes, heap)?;
    let header = out.bytes(messages.header(&group_to_write.path)?);
    Ok(Entry { name: String::new(), header, table: Some((tree, names)) })
}

fn dataset(dataset: &Dataset, out: &mut Output, heap: &mut Heap) -> Result<Entry> {
    let tensor = &dataset.tensor;
    if tensor.rank() > 32 {
        return Err(Error::Unwritable {
            path: dataset.path.clone(),
            expected: "at most 32 axes".into(),
            found: format!("{}", tensor.rank()),
        });
    }
    let element = tensor.dtype().size().unwrap_or(16);
    let datatype = match tensor.dtype() {
        DType::String => Some(message::variable_string(Charset::Ascii)),
        dtype => message::datatype(dtype),
    };
    let datatype = datatype.ok_or_else(|| Error::Unwritable {
        path: dataset.path.clone(),
        expected: "numbers, bools or strings".into(),
        found: tensor.dtype().to_string(),
    })?;
    let row = tensor.shape().iter().skip(1).product::<usize>() * element;
    // Chunk lengths are `u32`, and so are the bytes of a chunk.
    let fits = tensor.shape().iter().all(|&n| u32::try_from(n).is_ok()) && row < (1 << 31);
    let compression = dataset.compression.filter(|_| {
        fits && tensor.rank() > 0 && tensor.rank() < 32 && !tensor.is_empty() && tensor.as_bytes().is_some()
    });
    let mut messages = Messages::default();
    messages.push(kind::DATASPACE, 0, &message::dataspace(tensor.shape()));
    messages.push(kind::DATATYPE, 1, &datatype);
    messages.push(kind::FILL_VALUE, 1, &message::fill_value(compression.is_some()));
    match compression {
        Some(compression) => {
            let (tree, chunk) = compress(tensor, compression, row, element, out);
            messages.push(kind::FILTERS, 1, &message::filters(compression, element));
            messages.push(kind::LAYOUT, 0, &message::chunked(tree, &chunk, element));
        }
        None if tensor.is_empty() => messages.push(kind::LAYOUT, 0, &message::contiguous(None, 0)),
        None => {
            let size = (tensor.len() * element) as u64;
            let address = match tensor.as_bytes() {
                Some(_) => out.tensor(tensor),
                None => {
                    let mut references = Vec::with_capacity(16 * tensor.len());
                    (0..tensor.len()).for_each(|_| references.extend(heap.next()));
                    out.bytes(references)
                }
            };
            messages.push(kind::LAYOUT, 0, &message::contiguous(Some(address), size));
        }
    }
    messages.attributes(&dataset.path, &dataset.attributes, heap)?;
    let header = out.bytes(messages.header(&dataset.path)?);
    Ok(Entry { name: String::new(), header, table: None })
}

/// Writes the chunks of a tensor (runs of rows) and their tree; gives its address and the chunk's lengths.
fn compress(
    tensor: &Tensor,
    compression: Compression,
    row: usize,
    element: usize,
    out: &mut Output,
) -> (u64, Vec<u32>) {
    let length = tensor.shape().first().copied().unwrap_or(1);
    let rows = (CHUNK / row.max(1)).clamp(1, length.max(1));
    let bytes = tensor.as_bytes().unwrap_or(&[]);
    let mut chunks = Vec::new();
    let mut start = vec![0u64; tensor.rank()];
    for (number, part) in bytes.chunks(rows * row).enumerate() {
        // The last chunk is stored whole.
        let mut raw = part.to_vec();
        raw.resize(rows * row, 0);
        if compression.shuffle {
            raw = filter::shuffle(&raw, element);
        }
        let mut zip = ZlibEncoder::new(Vec::with_capacity(raw.len() / 2), Level::new(compression.level.min(9).into()));
        // Writing into memory does not fail.
        let deflated = zip.write_all(&raw).and_then(|()| zip.finish()).unwrap_or_default();
        if let Some(first) = start.first_mut() {
            *first = (number * rows) as u64;
        }
        let size = deflated.len() as u32;
        chunks.push(Chunk { address: out.bytes(deflated), size, start: start.clone() });
    }
    if let Some(first) = start.first_mut() {
        *first += rows as u64;
    }
    let tree = symbols::chunks(out, &chunks, &start);
    let mut lengths: Vec<u32> = tensor.shape().iter().map(|&n| n as u32).collect();
    if let Some(first) = lengths.first_mut() {
        *first = rows as u32;
    }
    (tree, lengths)
}
