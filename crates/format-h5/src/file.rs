//! Open HDF5 files.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use kerox_tensor::Tensor;
use kerox_tensor::trackable::{TensorInfo, TensorSource};

use crate::attribute::Attribute;
use crate::data::{self, Dataset};
use crate::error::{Decoded, Error, Fault, Result};
use crate::raw::group::{self, Link};
use crate::raw::reader::{Raw, Reader};
use crate::raw::{attribute, header, superblock};
use crate::{FileAt, Limits, ReadAt};

/// An open HDF5 file: its metadata in memory, its data where they are until a tensor is asked for.
///
/// Clones share the file. Any number of threads may read at a time. Paths are written with or without a leading `/`.
///
/// # Example
/// ```
/// use kerox_format_h5::{H5File, write::Group};
/// use kerox_tensor::{Tensor, trackable::TensorSource};
///
/// let mut root = Group::new();
/// root.dataset("dense/kernel:0", Tensor::from_vec(vec![1.0f32, 2.0], [1, 2])?)?;
/// let file = H5File::from_bytes("example.h5", root.to_bytes()?)?;
/// assert_eq!(file.entries()[0].name, "dense/kernel:0");
/// assert_eq!(file.tensor("dense/kernel:0")?.as_slice::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct H5File(Arc<Inner>);

struct Inner {
    name: String,
    raw: Raw,
    nodes: Vec<Node>,
    /// Paths of the datasets, sorted, each with its node.
    datasets: Vec<(String, usize)>,
}

struct Node {
    address: u64,
    content: Content,
}

enum Content {
    Group {
        members: Vec<(String, Link, Option<usize>)>,
        index: HashMap<String, usize>,
    },
    Dataset(Box<Dataset>),
    /// A committed datatype.
    Other,
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A group.
    Group,
    /// A dataset.
    Dataset,
    /// A committed datatype, which holds no data.
    Datatype,
}

impl H5File {
    /// Opens a file and reads its metadata.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::NotHdf5`], [`Error::Corrupt`] (also for a file cut short), [`Error::Refused`] for
    /// anything that reaches outside the file or in circles, [`Error::Unsupported`], [`Error::Limit`].
    pub fn open(path: impl AsRef<Path>) -> Result<H5File> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let io = |source| Error::Io { operation: "open HDF5 file", file: name.clone(), source };
        let file = File::open(path).and_then(FileAt::new).map_err(io)?;
        H5File::from_source(name, Arc::new(file), Limits::default())
    }

    /// Opens a file in memory. `name` stands for it in errors.
    ///
    /// # Errors
    /// As [`H5File::open`].
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Result<H5File> {
        H5File::from_source(name, Arc::new(bytes.into()), Limits::default())
    }

    /// Opens a file that lies anywhere: in memory, in an archive, behind a user block.
    ///
    /// # Errors
    /// As [`H5File::open`].
    pub fn from_source(name: impl Into<String>, source: Arc<dyn ReadAt>, limits: Limits) -> Result<H5File> {
        let name = name.into();
        let io = |source| Error::Io { operation: "open HDF5 file", file: name.clone(), source };
        let Some(start) = superblock::find(&*source).map_err(io)? else {
            let mut head = vec![0; source.len().min(8) as usize];
            source.read_exact_at(&mut head, 0).map_err(io)?;
            let found = if head.is_empty() { "an empty file".into() } else { format!("`{}`", head.escape_ascii()) };
            return Err(Error::NotHdf5 { file: name, found });
        };
        let superblock = superblock::read(&*source, start).map_err(|fault| fault.locate(&name, "/"))?;
        let raw = Raw::new(source, superblock, limits);
        let mut scan = Scan { name: &name, reader: raw.reader(), nodes: Vec::new(), by_address: HashMap::new() };
        scan.object(raw.superblock.root, "", &mut Vec::new())?;
        let nodes = scan.nodes;
        let mut file = Inner { name, raw, nodes, datasets: Vec::new() };
        file.datasets = file.list()?;
        Ok(H5File(Arc::new(file)))
    }

    /// The name given when the file was opened.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What is at a path; `None` where nothing is.
    pub fn kind(&self, path: &str) -> Option<Kind> {
        Some(match self.0.lookup(path)?.content {
            Content::Group { .. } => Kind::Group,
            Content::Dataset(_) => Kind::Dataset,
            Content::Other => Kind::Datatype,
        })
    }

    /// The names in a group, in the order of the file (sorted, in what h5py writes by default).
    ///
    /// # Errors
    /// [`Error::Missing`] where no group is.
    pub fn members(&self, path: &str) -> Result<Vec<&str>> {
        self.0.members(path).ok_or_else(|| self.missing("group", path))
    }

    /// An attribute of a group or dataset; `None` where it has none of that name.
    ///
    /// # Errors
    /// [`Error::Missing`] where no object is, [`Error::Corrupt`], [`Error::Unsupported`] for types that are neither
    /// numbers nor strings.
    pub fn attribute(&self, path: &str, name: &str) -> Result<Option<Attribute>> {
        let node = self.0.lookup(path).ok_or_else(|| self.missing("object", path))?;
        let reader = self.0.raw.reader();
        let attribute = || -> Decoded<Option<Attribute>> {
            let all = attribute::all(&reader, &header::read(&reader, node.address)?)?;
            all.iter().find(|raw| raw.name == name).map(|raw| data::attribute(&reader, raw)).transpose()
        };
        attribute().map_err(|fault| fault.locate(&self.0.name, path))
    }

    /// The names of an object's attributes, in the order of the file.
    ///
    /// # Errors
    /// As [`H5File::attribute`].
    pub fn attribute_names(&self, path: &str) -> Result<Vec<String>> {
        let node = self.0.lookup(path).ok_or_else(|| self.missing("object", path))?;
        let reader = self.0.raw.reader();
        let names = || -> Decoded<Vec<String>> {
            let all = attribute::all(&reader, &header::read(&reader, node.address)?)?;
            Ok(all.into_iter().map(|raw| raw.name).collect())
        };
        names().map_err(|fault| fault.locate(&self.0.name, path))
    }

    /// Type and shape of a dataset.
    ///
    /// # Errors
    /// [`Error::Missing`] where no dataset is, [`Error::Unsupported`] for types no tensor has.
    pub fn info(&self, path: &str) -> Result<TensorInfo> {
        let dataset = self.0.dataset(path).ok_or_else(|| self.missing("dataset", path))?;
        let dtype = dataset.dtype().map_err(|fault| fault.locate(&self.0.name, path))?;
        let shape = dataset.shape.clone().unwrap_or_else(|| [0].into());
        Ok(TensorInfo { name: path.trim_start_matches('/').to_string(), dtype, shape })
    }

    /// The paths of all datasets without leading `/`, sorted; also of those whose type no tensor has.
    pub fn datasets(&self) -> impl Iterator<Item = &str> {
        self.0.datasets.iter().map(|(path, _)| path.as_str())
    }

    /// Number of bytes of the file.
    pub fn size(&self) -> u64 {
        self.0.raw.source.len()
    }

    /// The error for a path that leads nowhere or to something else.
    pub(crate) fn missing(&self, kind: &'static str, path: &str) -> Error {
        let mut last = String::new();
        let mut names = self.0.members("").unwrap_or_default();
        // The deepest group that is there, and what it holds.
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let next = format!("{last}/{part}");
            match self.0.members(&next) {
                Some(members) => (last, names) = (next, members),
                None => break,
            }
        }
        let place = if last.is_empty() { "/" } else { &last };
        let found = match self.kind(path) {
            Some(Kind::Group) => "a group".into(),
            Some(Kind::Dataset) => "a dataset".into(),
            Some(Kind::Datatype) => "a datatype".into(),
            None if names.is_empty() => format!("the empty group `{place}`"),
            None => {
                let shown: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
                let more = if names.len() > 8 { ", ..." } else { "" };
                format!("only {}{more} in `{place}`", shown.join(", "))
            }
        };
        Error::Missing { file: self.0.name.clone(), path: path.to_string(), kind, found }
    }
}

impl fmt::Debug for H5File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "H5File({:?}, {} datasets)", self.0.name, self.0.datasets.len())
    }
}

/// All datasets by path. Those whose type no tensor has (references, times, ...) are left out.
impl TensorSource for H5File {
    type Error = Error;

    fn entries(&self) -> Vec<TensorInfo> {
        self.datasets().filter_map(|path| self.info(path).ok()).collect()
    }

    fn tensor(&self, name: &str) -> Result<Tensor> {
        let dataset = self.0.dataset(name).ok_or_else(|| self.missing("dataset", name))?;
        dataset.tensor(&self.0.raw.reader()).map_err(|fault| fault.locate(&self.0.name, name))
    }

    fn for_each_block(&self, name: &str, f: &mut dyn FnMut(&[u8])) -> Result<()> {
        let dataset = self.0.dataset(name).ok_or_else(|| self.missing("dataset", name))?;
        dataset.for_each_block(&self.0.raw.reader(), f).map_err(|fault| fault.locate(&self.0.name, name))
    }
}

/// Soft links followed one after another.
const MAX_SOFT_LINKS: usize = 16;

impl Inner {
    fn lookup(&self, path: &str) -> Option<&Node> {
        self.nodes.get(self.find(0, path, &mut 0)?)
    }

    fn members(&self, path: &str) -> Option<Vec<&str>> {
        match &self.lookup(path)?.content {
            Content::Group { members, .. } => Some(members.iter().map(|(name, ..)| name.as_str()).collect()),
            _ => None,
        }
    }

    fn dataset(&self, path: &str) -> Option<&Dataset> {
        match &self.lookup(path)?.content {
            Content::Dataset(dataset) => Some(dataset),
            _ => None,
        }
    }

    /// The node at a path that starts at another node.
    fn find(&self, from: usize, path: &str, hops: &mut usize) -> Option<usize> {
        let mut at = if path.starts_with('/') { 0 } else { from };
        for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
            let Content::Group { members, index } = &self.nodes.get(at)?.content else { return None };
            at = match members.get(*index.get(part)?)? {
                (_, _, Some(node)) => *node,
                (_, Link::Soft(target), None) => {
                    *hops += 1;
                    if *hops > MAX_SOFT_LINKS {
                        return None;
                    }
                    self.find(at, target, hops)?
                }
                _ => return None,
            };
        }
        Some(at)
    }

    /// The paths of all datasets, sorted; soft links to datasets among them.
    fn list(&self) -> Result<Vec<(String, usize)>> {
        let mut paths = Vec::new();
        let mut bytes = 0usize;
        let most = usize::try_from(self.raw.len().saturating_mul(4)).unwrap_or(usize::MAX).saturating_add(64 << 20);
        let mut open = vec![(String::new(), 0usize)];
        let mut objects = 0usize;
        while let Some((path, at)) = open.pop() {
            match self.nodes.get(at).map(|node| &node.content) {
                Some(Content::Dataset(_)) => paths.push((path, at)),
                Some(Content::Group { members, .. }) => {
                    objects += members.len();
                    for (name, link, node) in members {
                        let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                        bytes = bytes.saturating_add(path.len());
                        if objects > self.raw.limits.max_objects || bytes > most {
                            let expected = self.raw.limits.max_objects as u64;
                            let fault = Fault::Limit { unit: "objects", expected, found: expected + 1 };
                            return Err(fault.locate(&self.name, &path));
                        }
                        match (link, node) {
                            (_, Some(node)) => open.push((path, *node)),
                            (Link::Soft(target), None) => {
                                let mut hops = 1;
                                let node = self.find(at, target, &mut hops);
                                if hops > MAX_SOFT_LINKS {
                                    let found = format!("the soft link to `{target}` that leads in a circle");
                                    let fault = Fault::Refused { found, advice: "remove the link" };
                                    return Err(fault.locate(&self.name, &path));
                                }
                                let target = node.and_then(|node| self.nodes.get(node));
                                if let Some(Node { content: Content::Dataset(_), .. }) = target {
                                    open.push((path, node.unwrap_or(0)));
                                }
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        paths.sort();
        Ok(paths)
    }
}

/// Reads the object headers that can be reached from the root.
struct Scan<'a> {
    name: &'a str,
    reader: Reader<'a>,
    nodes: Vec<Node>,
    by_address: HashMap<u64, usize>,
}

impl Scan<'_> {
    /// Reads an object and what is below it; gives its node. `above` holds the addresses of the groups around it.
    fn object(&mut self, address: u64, path: &str, above: &mut Vec<u64>) -> Result<usize> {
        let limits = &self.reader.raw.limits;
        let fail = |fault: Fault| fault.locate(self.name, path);
        if above.contains(&address) {
            let found = "a hard link to a group around it".to_string();
            return Err(fail(Fault::Refused { found, advice: "remove the link" }));
        }
        if let Some(&node) = self.by_address.get(&address) {
            return Ok(node);
        }
        if above.len() > limits.max_depth {
            let (expected, found) = (limits.max_depth as u64, above.len() as u64);
            return Err(fail(Fault::Limit { unit: "groups inside groups", expected, found }));
        }
        if self.nodes.len() >= limits.max_objects {
            return Err(fail(group::too_many(&self.reader, self.nodes.len())));
        }
        let messages = header::read(&self.reader, address).map_err(fail)?;
        let members = group::members(&self.reader, &messages).map_err(fail)?;
        let node = self.nodes.len();
        self.nodes.push(Node { address, content: Content::Other });
        self.by_address.insert(address, node);
        let content = match members {
            Some(found) => {
                above.push(address);
                let mut members = Vec::with_capacity(found.len());
                let mut index = HashMap::with_capacity(found.len());
                for (name, link) in found {
                    let child = match link {
                        Link::Hard(child) => {
                            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                            Some(self.object(child, &path, above)?)
                        }
                        Link::Soft(_) => None,
                    };
                    index.insert(name.clone(), members.len());
                    members.push((name, link, child));
                }
                above.pop();
                Content::Group { members, index }
            }
            None => match Dataset::read(&self.reader, &messages).map_err(fail)? {
                Some(dataset) => {
                    dataset.check().map_err(fail)?;
                    Content::Dataset(Box::new(dataset))
                }
                None if node == 0 => {
                    let at = self.reader.at(address);
                    return Err(fail(Fault::corrupt(at, "the root group", "an object without members")));
                }
                None => Content::Other,
            },
        };
        if let Some(slot) = self.nodes.get_mut(node) {
            slot.content = content;
        }
        Ok(node)
    }
}
