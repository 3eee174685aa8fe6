//! Reading checkpoints.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use kerox_fs::Snapshot;
use kerox_tensor::trackable::{TensorInfo, TensorSource};
use kerox_tensor::{Buffer, DType, Shape, Tensor, parallel};
use prost::Message;

use crate::entry::Entry;
use crate::layout::{OBJECT_GRAPH_KEY, shard_name};
use crate::proto::BundleHeader;
use crate::read_at::read_exact_at;
use crate::table::TableReader;
use crate::v1::V1Reader;
use crate::{Error, ObjectGraph, Result, crc, nearest, slices, strings};

/// Bytes read and checksummed at a time: they stay in the processor's cache between the two.
const BLOCK: usize = 1 << 18;

/// An open checkpoint: its index in memory, its data files open.
///
/// Opening reads the index only. Each [`CheckpointReader::get_tensor`] reads that tensor only and checks its
/// checksum. The files are opened together: a save over the same prefix meanwhile changes nothing for this reader.
/// It may be used from several threads at once.
///
/// # Example
/// ```
/// use kerox_format_ckpt::{BundleWriter, CheckpointReader, WriteOptions};
/// use kerox_tensor::Tensor;
///
/// # let dir = tempfile::tempdir()?;
/// # let prefix = dir.path().join("cp.ckpt");
/// let mut writer = BundleWriter::create(&prefix, &WriteOptions::new())?;
/// writer.put("dense/kernel", &Tensor::from_vec(vec![1f32, 2.0], [2, 1])?)?;
/// writer.finish()?;
///
/// let reader = CheckpointReader::open(&prefix)?;
/// assert_eq!(reader.variable_to_shape_map()["dense/kernel"][..], [2, 1]);
/// assert_eq!(reader.get_tensor("dense/kernel")?.as_slice::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `tf.train.load_checkpoint`; tensorflow/core/util/tensor_bundle.
#[derive(Debug)]
pub struct CheckpointReader {
    prefix: PathBuf,
    index: PathBuf,
    big_endian: bool,
    shards: u32,
    entries: BTreeMap<String, Entry>,
    pieces: HashMap<Vec<u8>, Entry>,
    files: BTreeMap<u32, DataFile>,
    graph: OnceLock<Option<ObjectGraph>>,
    v1: Option<V1Reader>,
}

#[derive(Debug)]
struct DataFile {
    path: PathBuf,
    /// The open file and its length; `None` where it is missing.
    file: Option<(File, u64)>,
}

impl CheckpointReader {
    /// Opens the checkpoint whose files are called `<prefix>.index` and `<prefix>.data-SSSSS-of-NNNNN`, or a V1
    /// checkpoint called `<prefix>`.
    ///
    /// A missing data file is an error only when one of its tensors is read.
    ///
    /// # Errors
    /// [`Error::NotFound`] with the names of checkpoints that are there; [`Error::Damaged`], [`Error::Entry`].
    pub fn open(prefix: impl AsRef<Path>) -> Result<CheckpointReader> {
        let prefix = prefix.as_ref();
        let stem = prefix.file_name().map(|name| name.to_string_lossy().into_owned());
        let Some(stem) = stem else { return Err(not_found(prefix)) };
        let snapshot = Snapshot::of(prefix.parent().unwrap_or(Path::new(".")));
        let index = prefix.with_file_name(format!("{stem}.index"));
        let file = match File::open(snapshot.path(format!("{stem}.index"))) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return match V1Reader::open(prefix)? {
                    Some(v1) => CheckpointReader::from_v1(prefix, v1),
                    None => Err(not_found(prefix)),
                };
            }
            Err(error) => return Err(Error::io("open", &index)(error)),
        };
        let table = TableReader::open(file, &index)?;
        let mut reader = CheckpointReader {
            prefix: prefix.to_path_buf(),
            index: index.clone(),
            big_endian: false,
            shards: 0,
            entries: BTreeMap::new(),
            pieces: HashMap::new(),
            files: BTreeMap::new(),
            graph: OnceLock::new(),
            v1: None,
        };
        let mut header = None;
        table.scan(|key, value| {
            if key.is_empty() {
                header = Some(reader.header(value)?);
                return Ok(());
            }
            if header.is_none() {
                let found = format!("key `{}`", key.escape_ascii());
                return Err(reader.damaged("the header, under the empty key", found));
            }
            if key.first() == Some(&0) {
                let entry = Entry::decode(&index, &key.escape_ascii().to_string(), value)?;
                reader.pieces.insert(key.to_vec(), entry);
                return Ok(());
            }
            let name = std::str::from_utf8(key)
                .map_err(|_| reader.damaged("keys in UTF-8", format!("`{}`", key.escape_ascii())))?;
            let entry = Entry::decode(&index, name, value)?;
            reader.entries.insert(name.to_string(), entry);
            Ok(())
        })?;
        let header =
            header.ok_or_else(|| reader.damaged("the header, under the empty key", "an empty table".into()))?;
        reader.big_endian = header.endianness == 1;
        reader.shards = header.num_shards as u32;
        let used: Vec<u32> = reader.entries.values().chain(reader.pieces.values()).map(|entry| entry.shard).collect();
        for shard in used {
            if shard >= reader.shards {
                let expected = format!("shards below the header's {}", reader.shards);
                return Err(reader.damaged(&expected, format!("shard {shard}")));
            }
            if reader.files.contains_key(&shard) {
                continue;
            }
            let name = shard_name(&stem, shard, reader.shards);
            let path = prefix.with_file_name(&name);
            let file = match File::open(snapshot.path(&name)) {
                Ok(file) => {
                    let length = file.metadata().map_err(Error::io("read", &path))?.len();
                    Some((file, length))
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => return Err(Error::io("open", &path)(error)),
            };
            reader.files.insert(shard, DataFile { path, file });
        }
        Ok(reader)
    }

    fn from_v1(prefix: &Path, v1: V1Reader) -> Result<CheckpointReader> {
        Ok(CheckpointReader {
            prefix: prefix.to_path_buf(),
            index: prefix.to_path_buf(),
            big_endian: false,
            shards: 0,
            entries: v1.entries(),
            pieces: HashMap::new(),
            files: BTreeMap::new(),
            graph: OnceLock::new(),
            v1: Some(v1),
        })
    }

    fn header(&self, value: &[u8]) -> Result<BundleHeader> {
        let header = BundleHeader::decode(value).map_err(|e| self.damaged("a BundleHeaderProto", e.to_string()))?;
        if header.num_shards < 0 {
            return Err(self.damaged("a number of shards", header.num_shards.to_string()));
        }
        if !(0..=1).contains(&header.endianness) {
            return Err(self.damaged("byte order 0 (little) or 1 (big)", header.endianness.to_string()));
        }
        let needed = header.version.as_ref().map_or(0, |version| version.min_consumer);
        if needed > 1 {
            return Err(Error::Unsupported {
                operation: "open checkpoint",
                what: self.prefix.display().to_string(),
                expected: "a format for readers of version 1".into(),
                found: format!("one for readers of version {needed}"),
            });
        }
        Ok(header)
    }

    /// The path without `.index`.
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// Number of data files the checkpoint consists of; 0 for a V1 checkpoint.
    pub fn shards(&self) -> u32 {
        self.shards
    }

    /// Whether this is a V1 checkpoint, as TensorFlow wrote them before 1.0.
    pub fn is_v1(&self) -> bool {
        self.v1.is_some()
    }

    /// The keys, sorted. Those of an unreadable type (quantized numbers) are among them.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Whether there is a tensor of that key.
    pub fn has_tensor(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The shape of every tensor.
    pub fn variable_to_shape_map(&self) -> BTreeMap<String, Shape> {
        self.entries.iter().map(|(key, entry)| (key.clone(), entry.shape.clone())).collect()
    }

    /// The type of every tensor whose type this crate knows.
    pub fn variable_to_dtype_map(&self) -> BTreeMap<String, DType> {
        self.entries.iter().filter_map(|(key, entry)| Some((key.clone(), entry.dtype(key).ok()?))).collect()
    }

    /// Type and shape of a tensor.
    ///
    /// # Errors
    /// [`Error::NoKey`] with the nearest keys; [`Error::Unsupported`] for quantized types.
    pub fn info(&self, key: &str) -> Result<TensorInfo> {
        let entry = self.entry(key)?;
        Ok(TensorInfo { name: key.into(), dtype: entry.dtype(key)?, shape: entry.shape.clone() })
    }

    /// Bytes a tensor takes in the data files (pieces of a partitioned one together).
    pub fn stored_size(&self, key: &str) -> Result<u64> {
        let entry = self.entry(key)?;
        let pieces = entry.slices.iter().filter_map(|slice| self.pieces.get(&slices::slice_key(key, slice)));
        Ok(pieces.map(|piece| piece.size).fold(entry.size, u64::saturating_add))
    }

    /// Reads one tensor, straight into its buffer, and checks its checksum.
    ///
    /// # Errors
    /// [`Error::NoKey`], [`Error::MissingShard`], [`Error::Short`], [`Error::Checksum`], [`Error::Entry`],
    /// [`Error::Unsupported`] for quantized types, resources and variants.
    pub fn get_tensor(&self, key: &str) -> Result<Tensor> {
        let entry = self.entry(key)?;
        let buffer = match &self.v1 {
            Some(v1) => v1.read(key)?,
            None if entry.slices.is_empty() => self.read_plain_or_strings(key, entry)?,
            None => self.read_pieces(key, entry)?,
        };
        Tensor::from_buffer(buffer, entry.shape.clone()).map_err(Error::tensor(key))
    }

    /// Reads a tensor's bytes and checks their checksum, keeping nothing.
    ///
    /// # Errors
    /// As [`CheckpointReader::get_tensor`].
    pub fn verify(&self, key: &str) -> Result<()> {
        self.for_each_block(key, &mut |_| {})
    }

    /// Hands over a tensor's bytes, little-endian and in row-major order, block by block, and checks their checksum at
    /// the end. Strings are checked and not handed over.
    ///
    /// # Errors
    /// As [`CheckpointReader::get_tensor`].
    pub fn for_each_block(&self, key: &str, f: &mut dyn FnMut(&[u8])) -> Result<()> {
        let entry = self.entry(key)?;
        let strings = entry.dtype(key)? == DType::String;
        if self.v1.is_some() || strings || !entry.slices.is_empty() || self.big_endian {
            f(self.get_tensor(key)?.as_bytes().unwrap_or_default());
            return Ok(());
        }
        self.check_size(key, entry, entry.dtype(key)?)?;
        let (file, path) = self.place(key, entry)?;
        let mut block = vec![0u8; BLOCK.min(entry.size as usize)];
        let (mut crc, mut done) = (0, 0u64);
        while done < entry.size {
            let length = (entry.size - done).min(BLOCK as u64) as usize;
            let part = block.get_mut(..length).unwrap_or_default();
            read_exact_at(file, part, entry.offset + done).map_err(Error::io("read", path))?;
            crc = crc32c::crc32c_append(crc, part);
            f(part);
            done += length as u64;
        }
        self.compare(key, entry, path, crc::mask(crc))
    }

    /// The objects and their edges; `None` in a name-based (TensorFlow 1) checkpoint.
    ///
    /// # Errors
    /// [`Error::Entry`] where the graph is damaged; otherwise as [`CheckpointReader::get_tensor`].
    pub fn object_graph(&self) -> Result<Option<&ObjectGraph>> {
        if let Some(graph) = self.graph.get() {
            return Ok(graph.as_ref());
        }
        let graph = match self.entries.contains_key(OBJECT_GRAPH_KEY) {
            false => None,
            true => {
                let fault = |found: String| Error::Entry {
                    file: self.index.clone(),
                    key: OBJECT_GRAPH_KEY.into(),
                    expected: "a TrackableObjectGraph".into(),
                    found,
                };
                let tensor = self.get_tensor(OBJECT_GRAPH_KEY)?;
                let strings = tensor.as_slice::<Vec<u8>>().map_err(Error::tensor(OBJECT_GRAPH_KEY))?;
                let [bytes] = strings else { return Err(fault(format!("{} strings", strings.len()))) };
                Some(ObjectGraph::decode(bytes).map_err(fault)?)
            }
        };
        Ok(self.graph.get_or_init(|| graph).as_ref())
    }

    /// One line a tensor: key, type, shape.
    pub fn debug_string(&self) -> String {
        let line = |(key, entry): (&String, &Entry)| {
            let dtype = entry.dtype(key).map_or_else(|_| format!("type {}", entry.dtype_number), |d| d.to_string());
            format!("{key} ({dtype}) {}\n", entry.shape)
        };
        self.entries.iter().map(line).collect()
    }

    fn entry(&self, key: &str) -> Result<&Entry> {
        self.entries.get(key).ok_or_else(|| Error::NoKey {
            prefix: self.prefix.clone(),
            key: key.into(),
            nearest: nearest::nearest(key, self.keys()),
        })
    }

    fn read_plain_or_strings(&self, key: &str, entry: &Entry) -> Result<Buffer> {
        let dtype = entry.dtype(key)?;
        if dtype == DType::String {
            return self.read_strings(key, entry);
        }
        let elements = self.check_size(key, entry, dtype)?;
        let (file, path) = self.place(key, entry)?;
        let mut buffer = match dtype {
            // Not every byte is a bool: they are looked at before they become elements.
            DType::Bool => Buffer::U8(vec![0; elements]),
            _ => Buffer::zeros(dtype, elements).map_err(Error::tensor(key))?,
        };
        if let Some(bytes) = buffer.as_bytes_mut() {
            self.fill(key, entry, dtype, (file, path), bytes)?;
        }
        match (dtype, buffer) {
            (DType::Bool, Buffer::U8(bytes)) => Buffer::from_bytes(DType::Bool, &bytes).map_err(Error::tensor(key)),
            (_, buffer) => Ok(buffer),
        }
    }

    /// Reads one tensor into a buffer that is there, where it lies in the file as it does in memory: whether it did. After an
    /// error the elements are not to be used.
    pub(crate) fn read_into(&self, key: &str, buffer: &mut Buffer) -> Result<bool> {
        let entry = self.entry(key)?;
        let dtype = entry.dtype(key)?;
        if self.v1.is_some() || !entry.slices.is_empty() || dtype == DType::String || dtype != buffer.dtype() {
            return Ok(false);
        }
        if self.check_size(key, entry, dtype)? != buffer.len() {
            return Ok(false);
        }
        let place = self.place(key, entry)?;
        match buffer.as_bytes_mut() {
            Some(bytes) => self.fill(key, entry, dtype, place, bytes).map(|()| true),
            None => Ok(false),
        }
    }

    /// Fills `bytes` with the elements of an entry, whose size they have, and checks their checksum.
    fn fill(
        &self,
        key: &str,
        entry: &Entry,
        dtype: DType,
        (file, path): (&File, &Path),
        bytes: &mut [u8],
    ) -> Result<()> {
        let crc = read_with_checksum(file, entry.offset, bytes).map_err(Error::io("read", path))?;
        self.compare(key, entry, path, crc::mask(crc))?;
        // Complex numbers are two numbers each.
        let width = match dtype {
            DType::Complex64 => 4,
            DType::Complex128 => 8,
            other => other.size().unwrap_or(1),
        };
        if self.big_endian != cfg!(target_endian = "big") && width > 1 {
            bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        Ok(())
    }

    fn read_strings(&self, key: &str, entry: &Entry) -> Result<Buffer> {
        let fault = |expected: String, found: String| Error::Entry {
            file: self.index.clone(),
            key: key.into(),
            expected,
            found,
        };
        let elements = entry.shape.checked_elements().map_err(Error::tensor(key))?;
        if elements as u64 > entry.size {
            let expected = format!("at least {elements} bytes for strings of shape {}", entry.shape);
            return Err(fault(expected, format!("{} bytes", entry.size)));
        }
        let (file, path) = self.place(key, entry)?;
        let mut bytes = vec![0u8; entry.size as usize];
        read_exact_at(file, &mut bytes, entry.offset).map_err(Error::io("read", path))?;
        strings::decode(&bytes, elements, self.big_endian, entry.crc).map(Buffer::String).map_err(|error| match error {
            strings::Fault::Layout(expected, found) => fault(expected, found),
            strings::Fault::Checksum(expected, found) => {
                Error::Checksum { key: key.into(), file: path.into(), offset: entry.offset, expected, found }
            }
        })
    }

    fn read_pieces(&self, key: &str, entry: &Entry) -> Result<Buffer> {
        let fault = |expected: &str, found: String| Error::Entry {
            file: self.index.clone(),
            key: key.into(),
            expected: expected.into(),
            found,
        };
        let dtype = entry.dtype(key)?;
        let elements = entry.shape.checked_elements().map_err(Error::tensor(key))?;
        let mut pieces = Vec::new();
        let mut covered = 0usize;
        for slice in &entry.slices {
            let ranges =
                slices::ranges(slice, &entry.shape).map_err(|found| fault("pieces within the tensor", found))?;
            let piece = self
                .pieces
                .get(&slices::slice_key(key, slice))
                .ok_or_else(|| fault("an entry for every piece", format!("none for {ranges:?}")))?;
            let lengths: Shape = ranges.iter().map(ExactSizeIterator::len).collect();
            if piece.shape != lengths || piece.dtype_number != entry.dtype_number || !piece.slices.is_empty() {
                return Err(fault(&format!("a piece of shape {lengths}"), format!("one of shape {}", piece.shape)));
            }
            // What a piece claims must be in its file before the whole is allocated.
            if dtype == DType::String {
                self.place(key, piece)?;
                if lengths.checked_elements().map_err(Error::tensor(key))? as u64 > piece.size {
                    return Err(fault("a byte a string at least", format!("{} bytes", piece.size)));
                }
            } else {
                self.check_size(key, piece, dtype)?;
                self.place(key, piece)?;
            }
            covered = covered.saturating_add(lengths.checked_elements().map_err(Error::tensor(key))?);
            pieces.push((ranges, piece));
        }
        if covered != elements {
            return Err(fault(&format!("pieces of {elements} elements"), format!("pieces of {covered}")));
        }
        if slices::overlap(pieces.iter().map(|(ranges, _)| ranges.as_slice())) {
            return Err(fault("pieces that do not overlap", "some that do".into()));
        }
        let mut whole = Buffer::zeros(dtype, elements).map_err(Error::tensor(key))?;
        for (ranges, piece) in &pieces {
            let buffer = self.read_plain_or_strings(key, piece)?;
            slices::copy_piece(&mut whole, &entry.shape, ranges, &buffer).ok_or_else(|| {
                fault("pieces of the tensor's type", format!("{} of {}", buffer.len(), buffer.dtype()))
            })?;
        }
        Ok(whole)
    }

    /// The number of elements, after comparing the size stored with that of the shape.
    fn check_size(&self, key: &str, entry: &Entry, dtype: DType) -> Result<usize> {
        let fault = |expected: String| Error::Entry {
            file: self.index.clone(),
            key: key.into(),
            expected,
            found: format!("{} bytes", entry.size),
        };
        let elements = entry.shape.checked_elements().map_err(Error::tensor(key))?;
        let size = dtype.size().ok_or_else(|| Error::Unsupported {
            operation: "read tensor",
            what: key.into(),
            expected: "numbers, bools or strings".into(),
            found: dtype.to_string(),
        })?;
        if (elements as u64).checked_mul(size as u64) != Some(entry.size) {
            return Err(fault(format!("{} bytes ({dtype} {})", elements.saturating_mul(size), entry.shape)));
        }
        Ok(elements)
    }

    /// The data file of an entry, which is long enough.
    fn place(&self, key: &str, entry: &Entry) -> Result<(&File, &Path)> {
        let data = self.files.get(&entry.shard);
        let Some(DataFile { path, file }) = data else {
            return Err(Error::MissingShard { key: key.into(), file: self.prefix.clone() });
        };
        let Some((file, length)) = file else {
            return Err(Error::MissingShard { key: key.into(), file: path.clone() });
        };
        match entry.offset.checked_add(entry.size) {
            Some(end) if end <= *length => Ok((file, path)),
            _ => Err(Error::Short {
                key: key.into(),
                file: path.clone(),
                offset: entry.offset,
                expected: entry.size,
                found: length.saturating_sub(entry.offset),
            }),
        }
    }

    fn compare(&self, key: &str, entry: &Entry, path: &Path, found: u32) -> Result<()> {
        if found == entry.crc {
            return Ok(());
        }
        let (key, file, offset, expected) = (key.to_string(), path.to_path_buf(), entry.offset, entry.crc);
        Err(Error::Checksum { key, file, offset, expected, found })
    }

    fn damaged(&self, expected: &str, found: String) -> Error {
        Error::Damaged { file: self.index.clone(), offset: 0, expected: expected.into(), found }
    }
}

impl TensorSource for CheckpointReader {
    type Error = Error;
    fn entries(&self) -> Vec<TensorInfo> {
        self.keys().filter_map(|key| self.info(key).ok()).collect()
    }
    fn tensor(&self, name: &str) -> Result<Tensor> {
        self.get_tensor(name)
    }
}

fn not_found(prefix: &Path) -> Error {
    let name = prefix.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let dir = match prefix.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let stems: Vec<String> = files
        .filter_map(|file| file.file_name().to_string_lossy().strip_suffix(".index").map(str::to_string))
        .collect();
    Error::NotFound { prefix: prefix.to_path_buf(), nearest: nearest::nearest(&name, stems.iter().map(String::as_str)) }
}

/// Fills `bytes` from a file and gives their checksum. Threads share what is large: fetching pages of fresh memory and
/// checksums take as long as reading from the system's cache.
fn read_with_checksum(file: &File, offset: u64, bytes: &mut [u8]) -> std::io::Result<u32> {
    let parts: Mutex<Vec<(usize, usize, std::io::Result<u32>)>> = Mutex::new(Vec::new());
    parallel::split_rows(bytes, BLOCK, 2 * BLOCK, |first, part| {
        let begin = first * BLOCK;
        let read = |part: &mut [u8]| {
            let mut crc = 0;
            for (i, block) in part.chunks_mut(BLOCK).enumerate() {
                read_exact_at(file, block, offset + (begin + i * BLOCK) as u64)?;
                crc = crc32c::crc32c_append(crc, block);
            }
            Ok(crc)
        };
        let result = read(part);
        parts.lock().unwrap_or_else(PoisonError::into_inner).push((begin, part.len(), result));
    });
    let mut parts = parts.into_inner().unwrap_or_else(PoisonError::into_inner);
    parts.sort_by_key(|part| part.0);
    let mut whole = 0;
    for (_, length, crc) in parts {
        whole = crc32c::crc32c_combine(whole, crc?, length);
    }
    Ok(whole)
}
