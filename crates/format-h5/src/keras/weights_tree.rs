//! The tree of `vars` groups in `.weights.h5` files.

use kerox_tensor::Tensor;
use kerox_tensor::trackable::{TensorInfo, TensorSource};

use super::names;
use crate::error::{Error, Result};
use crate::{H5File, Kind};

/// An open `.weights.h5` file, or the member `model.weights.h5` of a `.keras` file.
///
/// ```text
/// layers/dense/vars/0, layers/dense/vars/1, ...   one `vars` group an object, named by its place in the model
/// optimizer/vars/0, ...
/// vars/                                           the model's own variables
/// ```
/// Every dataset's path is a name of the [`TensorSource`]. Keras 2.12 to 2.14 wrote, on Windows, `\` for `/` in the
/// groups' names: such names are split, so that the paths here are the same on every system.
#[derive(Clone, Debug)]
pub struct WeightsTree {
    file: H5File,
    objects: Vec<TreeVariables>,
}

/// The variables of one object in the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeVariables {
    /// The object's path: `layers/dense`, empty for the model itself.
    pub path: String,
    /// The name Keras 3 notes for the object.
    pub name: Option<String>,
    /// The variables in order; their names are the datasets' paths in the file.
    pub variables: Vec<TensorInfo>,
}

impl WeightsTree {
    /// Takes an open file.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for variables of types no tensor has, [`Error::Missing`] for a file without any `vars`
    /// group.
    pub fn new(file: H5File) -> Result<WeightsTree> {
        let mut objects = Vec::new();
        let mut open = vec![(String::new(), String::new())];
        while let Some((stored, path)) = open.pop() {
            for name in file.members(&stored)?.into_iter().rev() {
                let member = if stored.is_empty() { name.to_string() } else { format!("{stored}/{name}") };
                if file.kind(&member) != Some(Kind::Group) {
                    continue;
                }
                let shown = name.replace('\\', "/");
                let shown = if path.is_empty() { shown } else { format!("{path}/{shown}") };
                match shown.rsplit_once('/').unwrap_or(("", &shown)) {
                    (above, "vars") => objects.push(object(&file, &member, above)?),
                    _ => open.push((member, shown)),
                }
            }
        }
        objects.sort_by(|a, b| a.path.cmp(&b.path));
        if objects.is_empty() {
            return Err(file.missing("group", "vars"));
        }
        Ok(WeightsTree { file, objects })
    }

    /// The file behind.
    pub fn file(&self) -> &H5File {
        &self.file
    }

    /// Every object with a `vars` group, sorted by path; also those without variables.
    pub fn objects(&self) -> &[TreeVariables] {
        &self.objects
    }

    /// The object at a path (`layers/dense`, empty for the model itself).
    pub fn object(&self, path: &str) -> Option<&TreeVariables> {
        let path = path.trim_matches('/');
        self.objects.binary_search_by(|object| object.path.as_str().cmp(path)).ok().and_then(|i| self.objects.get(i))
    }

    /// Reads the variables of the object at a path in order.
    ///
    /// # Errors
    /// [`Error::Missing`] where no object has that path, and as [`TensorSource::tensor`] of [`H5File`].
    pub fn read(&self, path: &str) -> Result<Vec<Tensor>> {
        let object = self.object(path).ok_or_else(|| self.file.missing("group", &format!("{path}/vars")))?;
        object.variables.iter().map(|variable| self.file.tensor(&variable.name)).collect()
    }
}

/// The variables in a `vars` group: datasets named by number.
fn object(file: &H5File, vars: &str, path: &str) -> Result<TreeVariables> {
    let mut numbered = Vec::new();
    for name in file.members(vars)? {
        let stored = format!("{vars}/{name}");
        if file.kind(&stored) == Some(Kind::Dataset) {
            numbered.push((name.parse::<u64>().unwrap_or(u64::MAX), file.info(&stored)?));
        }
    }
    numbered.sort_by_key(|(number, _)| *number);
    Ok(TreeVariables {
        path: path.to_string(),
        name: names::text(file, vars, "name")?,
        variables: numbered.into_iter().map(|(_, info)| info).collect(),
    })
}

impl WeightsTree {
    /// The path in the file of the dataset that is listed by this name.
    fn dataset<'a>(&'a self, name: &'a str) -> Result<&'a str> {
        if self.file.kind(name).is_some() {
            return Ok(name);
        }
        let mut all = self.objects.iter().flat_map(|object| &object.variables);
        match all.find(|variable| variable.name.replace('\\', "/") == name.trim_start_matches('/')) {
            Some(variable) => Ok(&variable.name),
            None => Err(self.file.missing("dataset", name)),
        }
    }
}

/// All variables by the path of their dataset, `\` shown as `/`.
impl TensorSource for WeightsTree {
    type Error = Error;

    fn entries(&self) -> Vec<TensorInfo> {
        let mut entries: Vec<TensorInfo> = self.objects.iter().flat_map(|object| object.variables.clone()).collect();
        entries.iter_mut().for_each(|entry| entry.name = entry.name.replace('\\', "/"));
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }

    fn tensor(&self, name: &str) -> Result<Tensor> {
        self.file.tensor(self.dataset(name)?)
    }

    fn for_each_block(&self, name: &str, f: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.file.for_each_block(self.dataset(name)?, f)
    }
}
