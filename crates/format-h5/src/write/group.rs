//! The tree to write.

use std::collections::BTreeMap;
use std::io::Write;

use kerox_tensor::Tensor;

use super::attribute::WriteAttribute;
use super::encode;
use crate::error::{Error, Result};

/// How a dataset is compressed: deflate, which every HDF5 library reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// Effort from 0 to 9; h5py's default is 4.
    pub level: u8,
    /// Whether bytes of equal significance are put together first, which helps with floats.
    pub shuffle: bool,
}

impl Default for Compression {
    fn default() -> Compression {
        Compression { level: 4, shuffle: true }
    }
}

/// A group to write: attributes, and groups and tensors by name. Tensors are shared, not copied.
///
/// # Example
/// ```
/// use kerox_format_h5::{H5File, write::{Charset, Group, WriteAttribute}};
/// use kerox_tensor::Tensor;
///
/// let mut root = Group::new();
/// root.attribute("backend", WriteAttribute::String("tensorflow".into(), Charset::Utf8));
/// root.group("layers/dense/vars")?.dataset("0", Tensor::scalar(1.5f32))?;
/// let file = H5File::from_bytes("example.weights.h5", root.to_bytes()?)?;
/// assert_eq!(file.members("layers/dense")?, ["vars"]);
/// # Ok::<(), kerox_format_h5::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Group {
    pub(super) path: String,
    pub(super) attributes: Vec<(String, WriteAttribute)>,
    pub(super) members: BTreeMap<String, Member>,
}

#[derive(Clone, Debug)]
pub(super) enum Member {
    Group(Group),
    Dataset(Dataset),
}

#[derive(Clone, Debug)]
pub(super) struct Dataset {
    pub(super) path: String,
    pub(super) tensor: Tensor,
    pub(super) compression: Option<Compression>,
    pub(super) attributes: Vec<(String, WriteAttribute)>,
}

impl Group {
    /// An empty root group.
    pub fn new() -> Group {
        Group::default()
    }

    /// Sets an attribute; an earlier value of that name is replaced.
    pub fn attribute(&mut self, name: impl Into<String>, value: WriteAttribute) {
        set(&mut self.attributes, name.into(), value);
    }

    /// The group at a path below this one, made with all groups between where they are missing. An empty path is this
    /// group.
    ///
    /// # Errors
    /// [`Error::Duplicate`] where a dataset is in the way, [`Error::Unwritable`] for names HDF5 cannot hold.
    pub fn group(&mut self, path: &str) -> Result<&mut Group> {
        let mut group = self;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            check_name(&group.path, name)?;
            let path = format!("{}/{name}", group.path);
            let member = group.members.entry(name.to_string()).or_insert_with(|| {
                Member::Group(Group { path: path.clone(), attributes: Vec::new(), members: BTreeMap::new() })
            });
            group = match member {
                Member::Group(group) => group,
                Member::Dataset(_) => return Err(Error::Duplicate { path }),
            };
        }
        Ok(group)
    }

    /// Adds a tensor at a path below this group, with the groups between.
    ///
    /// # Errors
    /// As [`Group::group`]; [`Error::Duplicate`] where anything has that path already.
    pub fn dataset(&mut self, path: &str, tensor: Tensor) -> Result<()> {
        self.insert(path, tensor, None)
    }

    /// As [`Group::dataset`], compressed. Scalars, empty tensors and strings stay as they are.
    ///
    /// # Errors
    /// As [`Group::dataset`].
    pub fn compressed(&mut self, path: &str, tensor: Tensor, compression: Compression) -> Result<()> {
        self.insert(path, tensor, Some(compression))
    }

    fn insert(&mut self, path: &str, tensor: Tensor, compression: Option<Compression>) -> Result<()> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let group = self.group(above)?;
        check_name(&group.path, name)?;
        let path = format!("{}/{name}", group.path);
        if group.members.contains_key(name) {
            return Err(Error::Duplicate { path });
        }
        let dataset = Dataset { path, tensor, compression, attributes: Vec::new() };
        group.members.insert(name.to_string(), Member::Dataset(dataset));
        Ok(())
    }

    /// Sets an attribute of a dataset of this group (not below); an earlier value of that name is replaced.
    ///
    /// # Errors
    /// [`Error::Missing`] where no dataset has that name.
    pub fn dataset_attribute(&mut self, dataset: &str, name: impl Into<String>, value: WriteAttribute) -> Result<()> {
        match self.members.get_mut(dataset) {
            Some(Member::Dataset(found)) => {
                set(&mut found.attributes, name.into(), value);
                Ok(())
            }
            _ => Err(Error::Missing {
                file: "the tree to write".into(),
                path: format!("{}/{dataset}", self.path),
                kind: "dataset",
                found: "none".into(),
            }),
        }
    }

    /// Whether there is neither a member nor an attribute.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.attributes.is_empty()
    }

    /// Writes the tree as a file, from front to back.
    ///
    /// # Errors
    /// [`Error::Unwritable`] for attributes over 64 KB, [`Error::Io`]; the former come before anything is written.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<()> {
        encode::write(self, out)
    }

    /// The bytes of the tree as a file.
    ///
    /// # Errors
    /// As [`Group::write_to`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes)?;
        Ok(bytes)
    }
}

fn set(attributes: &mut Vec<(String, WriteAttribute)>, name: String, value: WriteAttribute) {
    match attributes.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => attributes.push((name, value)),
    }
}

fn check_name(path: &str, name: &str) -> Result<()> {
    if name.is_empty() || name == "." || name.contains('\0') {
        return Err(Error::Unwritable {
            path: path.to_string(),
            expected: "a name that is not empty, not `.` and has no null character".into(),
            found: format!("`{}`", name.escape_debug()),
        });
    }
    Ok(())
}
