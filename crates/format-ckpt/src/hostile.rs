//! Tests with files that no writer makes: claims beyond what is there, and forms TensorFlow never writes.

use std::fs;
use std::path::PathBuf;

use kerox_tensor::{Buffer, DType};
use prost::Message;

use crate::coding::put_varint;
use crate::layout::TABLE_MAGIC;
use crate::proto::{BundleEntry, BundleHeader, Dim, Extent, TensorShape, TensorSlice, VersionDef};
use crate::slices::slice_key;
use crate::table::{BlockBuilder, write_table};
use crate::{CheckpointReader, Error, Result, crc};

struct Files {
    _dir: tempfile::TempDir,
    prefix: PathBuf,
}

/// A checkpoint of any entries and data.
fn files(header: BundleHeader, entries: &[(Vec<u8>, BundleEntry)], data: &[u8]) -> Files {
    let mut table = Vec::new();
    let entries = entries.iter().map(|(key, entry)| (key.as_slice(), entry.encode_to_vec()));
    write_table(&mut table, std::iter::once((&b""[..], header.encode_to_vec())).chain(entries)).unwrap();
    of_table(&table, data)
}

fn of_table(table: &[u8], data: &[u8]) -> Files {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("p");
    fs::write(dir.path().join("p.index"), table).unwrap();
    fs::write(dir.path().join("p.data-00000-of-00001"), data).unwrap();
    Files { _dir: dir, prefix }
}

fn header() -> BundleHeader {
    let version = Some(VersionDef { producer: 1, min_consumer: 0, bad_consumers: Vec::new() });
    BundleHeader { num_shards: 1, endianness: 0, version }
}

fn shape(dims: &[i64]) -> Option<TensorShape> {
    let dim = dims.iter().map(|&size| Dim { size, name: String::new() }).collect();
    Some(TensorShape { dim, unknown_rank: false })
}

fn entry(dtype: i32, dims: &[i64], size: i64, bytes: &[u8]) -> BundleEntry {
    let crc32c = crc::masked(bytes);
    BundleEntry { dtype, shape: shape(dims), size, crc32c, ..BundleEntry::default() }
}

fn read(header: BundleHeader, entry: BundleEntry, data: &[u8]) -> Result<Buffer> {
    let files = files(header, &[(b"x".to_vec(), entry)], data);
    Ok(CheckpointReader::open(&files.prefix)?.get_tensor("x")?.into_buffer())
}

#[test]
fn a_small_index_cannot_claim_a_large_tensor() {
    let huge = i64::MAX / 4;
    let refused: [(BundleEntry, &str); 8] = [
        (entry(7, &[1 << 40], 8, b""), "at least 1099511627776 bytes for strings"),
        (entry(7, &[1 << 40], 1 << 41, b""), "found 8 left"),
        (entry(1, &[1 << 40], 1 << 42, b""), "found 8 left"),
        (entry(1, &[1 << 40], 8, b""), "expected 4398046511104 bytes"),
        (entry(1, &[huge, huge], 8, b""), "read tensor `x`"),
        (entry(1, &[-1], 8, b""), "an axis of length -1"),
        (BundleEntry { offset: i64::MAX, ..entry(1, &[2], 8, b"") }, "found 0 left"),
        (BundleEntry { offset: -8, ..entry(1, &[2], 8, b"") }, "an offset of at least 0"),
    ];
    for (entry, text) in refused {
        let error = read(header(), entry, &[0; 8]).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    // 142 bytes with a string tensor of a shape no memory holds.
    let small = files(header(), &[(b"x".to_vec(), entry(7, &[1 << 60], 0, b""))], b"");
    assert!(fs::metadata(small.prefix.with_file_name("p.index")).unwrap().len() < 160);
    assert!(CheckpointReader::open(&small.prefix).unwrap().get_tensor("x").is_err());
}

#[test]
fn pieces_must_make_up_the_whole() {
    let extent = |start, length| TensorSlice { extent: vec![Extent { start, length: Some(length) }] };
    let read = |full: i64, places: &[(i64, i64)]| {
        let slices: Vec<TensorSlice> = places.iter().map(|&(start, length)| extent(start, length)).collect();
        let whole = BundleEntry { dtype: 1, shape: shape(&[full]), slices: slices.clone(), ..BundleEntry::default() };
        let mut entries: Vec<(Vec<u8>, BundleEntry)> = slices
            .iter()
            .zip(places)
            .map(|(slice, &(_, length))| {
                let bytes = vec![0; 4 * length.clamp(0, 100) as usize];
                (slice_key("x", slice), entry(1, &[length], 4 * length, &bytes))
            })
            .collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|a, b| a.0 == b.0);
        entries.push((b"x".to_vec(), whole));
        let files = files(header(), &entries, &[0; 64]);
        CheckpointReader::open(&files.prefix)?.get_tensor("x")
    };
    assert_eq!(read(4, &[(0, 2), (2, 2)]).unwrap().len(), 4);
    for places in [&[(0, 2)][..], &[(0, 2), (1, 2)], &[(0, 2), (0, 2)], &[(0, 4), (2, 2)], &[(3, 4)]] {
        let error = read(4, places).unwrap_err();
        assert!(matches!(error, Error::Entry { .. }), "{error}");
    }
    assert!(read(1 << 40, &[(0, 1 << 39), (1 << 39, 1 << 39)]).is_err());
}

#[test]
fn tables_that_lie_are_refused() {
    let damaged = |table: &[u8], text: &str| {
        let error = CheckpointReader::open(of_table(table, b"").prefix).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(text), "{error}");
    };
    let raw = |entries: &[(&[u8], Vec<u8>)]| {
        let mut table = Vec::new();
        write_table(&mut table, entries.iter().map(|(key, value)| (*key, value.clone()))).unwrap();
        table
    };
    damaged(&raw(&[]), "found an empty table");
    damaged(&raw(&[(b"x", Vec::new())]), "expected the header");
    let ordered = [(&b""[..], header().encode_to_vec()), (b"b", Vec::new()), (b"a", Vec::new())];
    damaged(&raw(&ordered), "keys in ascending order");
    // Keys that share a prefix again and again: 100 kB that claim to hold 2 GB.
    let mut bomb = Vec::new();
    put_varint(&mut bomb, 0);
    put_varint(&mut bomb, 50_000);
    put_varint(&mut bomb, 0);
    bomb.extend(vec![b'k'; 50_000]);
    for i in 0..10_000u32 {
        put_varint(&mut bomb, 50_000);
        put_varint(&mut bomb, 4);
        put_varint(&mut bomb, 0);
        bomb.extend(i.to_be_bytes());
    }
    bomb.extend([0, 0, 0, 0, 1, 0, 0, 0]);
    damaged(&with_block(&bomb, 0), "keys that the block's size explains");
    // A compressed block that claims four gigabytes.
    damaged(&with_block(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0], 1), "a block compressed by snappy");
    damaged(&with_block(&[], 7), "compression type 0 or 1, found 7");
}

#[test]
fn compressed_blocks_are_read() {
    let mut block = BlockBuilder::new(16);
    let bytes = 1f32.to_le_bytes();
    block.add(b"", &header().encode_to_vec());
    for i in 0..50 {
        let key = format!("layer_{i:03}/kernel");
        block.add(key.as_bytes(), &entry(1, &[], 4, &bytes).encode_to_vec());
    }
    let block = block.finish();
    let compressed = snap::raw::Encoder::new().compress_vec(&block).unwrap();
    assert!(compressed.len() < block.len());
    let files = of_table(&with_block(&compressed, 1), &bytes);
    let reader = CheckpointReader::open(&files.prefix).unwrap();
    assert_eq!(reader.keys().count(), 50);
    assert_eq!(reader.get_tensor("layer_049/kernel").unwrap().to_scalar::<f32>(), Ok(1.0));
}

/// A table of one data block as it stands.
fn with_block(block: &[u8], kind: u8) -> Vec<u8> {
    let mut table = Vec::new();
    let mut put = |block: &[u8], kind: u8| {
        let mut handle = Vec::new();
        put_varint(&mut handle, table.len() as u64);
        put_varint(&mut handle, block.len() as u64);
        let start = table.len();
        table.extend(block);
        table.push(kind);
        let crc = crc::masked(&table[start..]);
        table.extend(crc.to_le_bytes());
        handle
    };
    let data = put(block, kind);
    let metaindex = put(&BlockBuilder::new(16).finish(), 0);
    let mut index = BlockBuilder::new(1);
    index.add(&[0xff; 4], &data);
    let index = put(&index.finish(), 0);
    let mut footer = [metaindex, index].concat();
    footer.resize(40, 0);
    table.extend(footer);
    table.extend(TABLE_MAGIC.to_le_bytes());
    table
}

#[test]
fn big_endian_checkpoints_are_read() {
    let big = BundleHeader { endianness: 1, ..header() };
    let check = |dtype: i32, dims: &[i64], bytes: &[u8], expected: Buffer| {
        let size = bytes.len() as i64;
        assert_eq!(read(big.clone(), entry(dtype, dims, size, bytes), bytes).unwrap(), expected);
    };
    check(1, &[2], &[0x3f, 0x80, 0, 0, 0x40, 0, 0, 0], Buffer::F32(vec![1.0, 2.0]));
    check(9, &[1], &[0, 0, 0, 0, 0, 0, 1, 2], Buffer::I64(vec![258]));
    check(4, &[2], &[7, 8], Buffer::U8(vec![7, 8]));
    check(8, &[1], &[0x3f, 0x80, 0, 0, 0x40, 0, 0, 0], Buffer::Complex64(vec![[1.0, 2.0]]));
    // Lengths and their checksum are numbers too.
    let lengths = crc32c::crc32c(&[0, 0, 0, 2, 0, 0, 0, 0]);
    let stored = crc::mask(lengths).to_be_bytes();
    let bytes = [&[2, 0][..], &stored, b"ab"].concat();
    let crc = crc32c::crc32c_append(crc32c::crc32c_append(lengths, &stored), b"ab");
    let strings = BundleEntry { crc32c: crc::mask(crc), ..entry(7, &[2], bytes.len() as i64, b"") };
    let read = read(big, strings, &bytes).unwrap();
    assert_eq!(read, Buffer::String(vec![b"ab".to_vec(), Vec::new()]));
}

#[test]
fn what_cannot_be_read_is_listed_and_refused_by_name() {
    let quantized = files(header(), &[(b"q".to_vec(), entry(11, &[4], 4, &[0; 4]))], &[0; 4]);
    let reader = CheckpointReader::open(&quantized.prefix).unwrap();
    assert_eq!(reader.keys().collect::<Vec<_>>(), ["q"]);
    assert!(reader.variable_to_dtype_map().is_empty());
    let error = reader.get_tensor("q").unwrap_err().to_string();
    let expected = "read tensor `q`: expected a type that is not quantized, found TensorFlow's type number 11";
    assert_eq!(error, expected);
    let error = read(header(), entry(21, &[], 0, b""), b"").unwrap_err().to_string();
    assert_eq!(error, "read tensor `x`: expected numbers, bools or strings, found variant");
    let bool_of_two = read(header(), entry(10, &[1], 1, &[2]), &[2]).unwrap_err();
    assert!(matches!(bool_of_two, Error::Tensor { .. }), "{bool_of_two}");
    let future = VersionDef { producer: 9, min_consumer: 2, bad_consumers: Vec::new() };
    let error = read(BundleHeader { version: Some(future), ..header() }, entry(1, &[], 4, b""), b"").unwrap_err();
    assert!(error.to_string().contains("found one for readers of version 2"), "{error}");
    assert_eq!(DType::STORABLE.len(), 16);
}
