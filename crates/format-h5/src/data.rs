//! From stored elements to tensors and attribute values.

use kerox_tensor::{Buffer, DType, Shape, Tensor};

use crate::attribute::Attribute;
use crate::error::{Decoded, Fault};
use crate::raw::attribute::RawAttribute;
use crate::raw::chunk::Chunked;
use crate::raw::dataspace;
use crate::raw::datatype::{self, Kind, Padding, Stored};
use crate::raw::filter::{self, Filter};
use crate::raw::global_heap;
use crate::raw::header::{Message, kind};
use crate::raw::layout::{self, Layout};
use crate::raw::reader::Reader;

/// Bytes that are handed over at a time: a whole number of elements of every size.
const BLOCK: usize = 1 << 20;

/// What an object header says about a dataset.
#[derive(Clone, Debug)]
pub(crate) struct Dataset {
    pub(crate) stored: Stored,
    /// `None` for a null dataspace.
    pub(crate) shape: Option<Shape>,
    pub(crate) layout: Layout,
    filters: Vec<Filter>,
    fill: Option<Vec<u8>>,
    external: bool,
}

impl Dataset {
    /// Reads the messages; `None` for an object that is no dataset.
    pub(crate) fn read(reader: &Reader<'_>, messages: &[Message]) -> Decoded<Option<Dataset>> {
        let find = |wanted: u16| messages.iter().find(|m| m.kind == wanted);
        let (Some(layout), Some(stored), Some(space)) =
            (find(kind::LAYOUT), find(kind::DATATYPE), find(kind::DATASPACE))
        else {
            return Ok(None);
        };
        let fill = match (find(kind::FILL_VALUE), find(kind::OLD_FILL_VALUE)) {
            (Some(message), _) => layout::fill_value(message.cursor())?,
            (None, Some(message)) => layout::old_fill_value(message.cursor())?,
            (None, None) => None,
        };
        Ok(Some(Dataset {
            stored: datatype::read(&mut stored.cursor())?,
            shape: dataspace::read(reader, space.cursor())?,
            layout: layout::read(reader, layout.cursor())?,
            filters: find(kind::FILTERS).map_or(Ok(Vec::new()), |m| filter::read(m.cursor()))?,
            fill,
            external: find(kind::EXTERNAL_FILES).is_some(),
        }))
    }

    /// Refuses what reaches outside the file.
    pub(crate) fn check(&self) -> Decoded<()> {
        if self.external {
            return Err(Fault::Refused {
                found: "external storage, data in another file".into(),
                advice: "store the data in the file itself",
            });
        }
        Ok(())
    }

    /// The tensor's element type.
    pub(crate) fn dtype(&self) -> Decoded<DType> {
        match &self.stored.kind {
            Kind::Number { dtype, .. } => Ok(*dtype),
            Kind::FixedString { .. } | Kind::VariableString { .. } => Ok(DType::String),
            // Only numpy's bfloat16 comes without a class of its own.
            Kind::Opaque => Ok(DType::BF16),
            Kind::Other(what) => Err(Fault::unsupported(format!("elements of type {what}"))),
        }
    }

    /// Reads the elements.
    pub(crate) fn tensor(&self, reader: &Reader<'_>) -> Decoded<Tensor> {
        self.check()?;
        let Some(shape) = self.shape.clone() else {
            return Err(Fault::unsupported("a dataset without elements (a null dataspace)"));
        };
        let elements = shape.checked_elements()?;
        let total =
            elements.checked_mul(self.stored.size).ok_or(kerox_tensor::Error::TooLarge { shape: shape.clone() })?;
        let dtype = self.dtype()?;
        self.check_size(reader, total as u64)?;
        let swap = match self.stored.kind {
            Kind::Number { dtype: DType::Bool, .. } | Kind::FixedString { .. } | Kind::VariableString { .. } => None,
            Kind::Number { swap, .. } => Some(swap),
            _ => Some(0),
        };
        if let Some(swap) = swap {
            // Straight into the tensor's own memory.
            let mut buffer = Buffer::zeros(dtype, elements)?;
            if let Some(bytes) = buffer.as_bytes_mut() {
                self.fill(reader, bytes)?;
                if swap > 1 {
                    bytes.chunks_exact_mut(swap).for_each(<[u8]>::reverse);
                }
            }
            return Ok(Tensor::from_buffer(buffer, shape)?);
        }
        let mut bytes = vec![0; total];
        self.fill(reader, &mut bytes)?;
        if dtype == DType::Bool {
            return Ok(Tensor::from_bytes(DType::Bool, shape, &bytes)?);
        }
        let strings = strings(reader, &self.stored, &bytes, 0)?;
        Ok(Tensor::from_strings(strings, shape)?)
    }

    /// Hands over the elements' bytes, little-endian, block by block where they lie in a row. Nothing for strings.
    pub(crate) fn for_each_block(&self, reader: &Reader<'_>, f: &mut dyn FnMut(&[u8])) -> Decoded<()> {
        let swap = match self.stored.kind {
            Kind::Number { dtype: DType::Bool, .. } => None,
            Kind::Number { swap, .. } => Some(swap),
            Kind::Opaque => Some(0),
            _ => None,
        };
        let (Some(swap), Some(shape), Layout::Contiguous { address: Some(address), .. }) =
            (swap, &self.shape, &self.layout)
        else {
            f(self.tensor(reader)?.as_bytes().unwrap_or_default());
            return Ok(());
        };
        self.check()?;
        self.dtype()?;
        let elements = shape.checked_elements()?;
        let total = elements.checked_mul(self.stored.size);
        let total = total.ok_or(kerox_tensor::Error::TooLarge { shape: shape.clone() })?;
        self.check_size(reader, total as u64)?;
        let mut block = vec![0; BLOCK.min(total)];
        let mut done = 0;
        while done < total {
            let length = (total - done).min(BLOCK);
            let part = block.get_mut(..length).unwrap_or_default();
            reader.raw.fill(part, address.saturating_add(done as u64))?;
            if swap > 1 {
                part.chunks_exact_mut(swap).for_each(<[u8]>::reverse);
            }
            f(part);
            done += length;
        }
        Ok(())
    }

    /// Wants the bytes the shape claims to be there, before they are allocated.
    fn check_size(&self, reader: &Reader<'_>, total: u64) -> Decoded<()> {
        let unstored = |stored: u64| {
            let most = reader.raw.limits.max_unstored_bytes.saturating_add(stored);
            if total > most {
                return Err(Fault::Limit { unit: "bytes", expected: most, found: total });
            }
            Ok(())
        };
        match &self.layout {
            _ if total == 0 => Ok(()),
            Layout::Compact(bytes) if bytes.len() as u64 != total => {
                Err(Fault::corrupt(0, format!("{total} bytes of data"), format!("{}", bytes.len())))
            }
            Layout::Compact(_) => Ok(()),
            Layout::Contiguous { address: None, .. } => unstored(0),
            Layout::Contiguous { address: Some(address), size } => {
                if size.is_some_and(|size| size < total) {
                    let found = format!("{}", size.unwrap_or(0));
                    return Err(Fault::corrupt(reader.at(*address), format!("{total} bytes of data"), found));
                }
                reader.raw.check(*address, total)
            }
            Layout::Chunked { dims, index } => {
                let chunked = self.chunked(dims, index)?;
                unstored(chunked.covered(&chunked.find(reader)?)?)
            }
        }
    }

    fn chunked<'a>(&'a self, dims: &'a [u64], index: &'a layout::Index) -> Decoded<Chunked<'a>> {
        let shape = self.shape.as_ref().ok_or_else(|| Fault::unsupported("chunks without a shape"))?;
        Ok(Chunked { shape, dims, index, filters: &self.filters, element: self.stored.size })
    }

    /// Reads the elements' bytes.
    fn fill(&self, reader: &Reader<'_>, out: &mut [u8]) -> Decoded<()> {
        if out.is_empty() {
            return Ok(());
        }
        match &self.layout {
            Layout::Compact(bytes) => {
                out.copy_from_slice(bytes);
                Ok(())
            }
            Layout::Contiguous { address: Some(address), .. } => reader.raw.fill(out, *address),
            Layout::Contiguous { address: None, .. } => {
                self.fill_value(out);
                Ok(())
            }
            Layout::Chunked { dims, index } => {
                self.fill_value(out);
                let chunked = self.chunked(dims, index)?;
                chunked.read(reader, &chunked.find(reader)?, out)
            }
        }
    }

    fn fill_value(&self, out: &mut [u8]) {
        if let Some(fill) = self.fill.as_ref().filter(|fill| fill.len() == self.stored.size) {
            out.chunks_exact_mut(fill.len()).for_each(|element| element.copy_from_slice(fill));
        }
    }
}

/// The strings in stored elements.
fn strings(reader: &Reader<'_>, stored: &Stored, bytes: &[u8], at: u64) -> Decoded<Vec<Vec<u8>>> {
    match stored.kind {
        Kind::VariableString { .. } => global_heap::strings(reader, bytes, at, &mut 0),
        Kind::FixedString { padding, .. } => Ok(bytes
            .chunks_exact(stored.size.max(1))
            .map(|string| {
                let end = match padding {
                    Padding::NullTerminated => string.iter().position(|&b| b == 0).unwrap_or(string.len()),
                    Padding::Null => string.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1),
                    Padding::Space => string.iter().rposition(|&b| b != b' ' && b != 0).map_or(0, |last| last + 1),
                };
                string.get(..end).unwrap_or(&[]).to_vec()
            })
            .collect()),
        _ => Err(Fault::unsupported("strings of another type")),
    }
}

/// The value of an attribute as it is stored.
pub(crate) fn attribute(reader: &Reader<'_>, raw: &RawAttribute) -> Decoded<Attribute> {
    let Some(shape) = raw.shape.clone() else { return Ok(Attribute::Empty) };
    match &raw.stored.kind {
        Kind::FixedString { .. } if raw.stored.size == 0 => {
            let values = vec![Vec::new(); shape.checked_elements()?.min(1 << 16)];
            Ok(Attribute::Strings { shape, values })
        }
        Kind::FixedString { .. } | Kind::VariableString { .. } => {
            Ok(Attribute::Strings { values: strings(reader, &raw.stored, &raw.data, raw.at)?, shape })
        }
        Kind::Number { dtype, swap } => {
            let mut bytes = raw.data.clone();
            if *swap > 1 {
                bytes.chunks_exact_mut(*swap).for_each(<[u8]>::reverse);
            }
            Ok(Attribute::Numbers(Tensor::from_bytes(*dtype, shape, &bytes)?))
        }
        Kind::Opaque => Ok(Attribute::Numbers(Tensor::from_bytes(DType::BF16, shape, &raw.data)?)),
        Kind::Other(what) => Err(Fault::unsupported(format!("the attribute `{}` of type {what}", raw.name))),
    }
}
