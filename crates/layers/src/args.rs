//! The arguments of a call: tensors in lists and under names, and constants, as Keras's `call` takes them.

use kerox_config_json::Value as Json;

/// One argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg<T> {
    /// A tensor.
    Tensor(T),
    /// A list or tuple of arguments.
    List(Vec<Arg<T>>),
    /// A dictionary of arguments.
    Map(Vec<(String, Arg<T>)>),
    /// A constant: a number, string, bool or list of them.
    Const(Json),
    /// `None`.
    None,
}

impl<T> Arg<T> {
    /// The tensors in the argument, in order; those of a dictionary in the order of its sorted keys.
    pub fn tensors(&self) -> Vec<&T> {
        match self {
            Arg::Tensor(tensor) => vec![tensor],
            Arg::List(list) => list.iter().flat_map(Arg::tensors).collect(),
            Arg::Map(entries) => {
                let mut sorted: Vec<&(String, Arg<T>)> = entries.iter().collect();
                sorted.sort_by(|a, b| a.0.cmp(&b.0));
                sorted.into_iter().flat_map(|(_, arg)| arg.tensors()).collect()
            }
            Arg::Const(_) | Arg::None => Vec::new(),
        }
    }

    /// The same argument with every tensor replaced.
    ///
    /// # Errors
    /// The first that `f` gives.
    pub fn try_map<U, E>(&self, f: &mut impl FnMut(&T) -> Result<U, E>) -> Result<Arg<U>, E> {
        Ok(match self {
            Arg::Tensor(tensor) => Arg::Tensor(f(tensor)?),
            Arg::List(list) => Arg::List(list.iter().map(|a| a.try_map(f)).collect::<Result<_, E>>()?),
            Arg::Map(entries) => {
                let entry = |(key, arg): &(String, Arg<T>)| Ok((key.clone(), arg.try_map(f)?));
                Arg::Map(entries.iter().map(entry).collect::<Result<_, E>>()?)
            }
            Arg::Const(value) => Arg::Const(value.clone()),
            Arg::None => Arg::None,
        })
    }
}

/// All arguments of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Args<T> {
    /// Positional arguments; the first is Keras's `inputs`.
    pub args: Vec<Arg<T>>,
    /// Keyword arguments: `mask`, `initial_state`, `training`, ...
    pub kwargs: Vec<(String, Arg<T>)>,
}

impl<T> Default for Args<T> {
    fn default() -> Args<T> {
        Args { args: Vec::new(), kwargs: Vec::new() }
    }
}

impl<T> Args<T> {
    /// One tensor.
    pub fn one(tensor: T) -> Args<T> {
        Args { args: vec![Arg::Tensor(tensor)], kwargs: Vec::new() }
    }

    /// One tensor, or a list of them where there are more.
    pub fn inputs(tensors: impl IntoIterator<Item = T>) -> Args<T> {
        let mut list: Vec<Arg<T>> = tensors.into_iter().map(Arg::Tensor).collect();
        let first = if list.len() == 1 { list.remove(0) } else { Arg::List(list) };
        Args { args: vec![first], kwargs: Vec::new() }
    }

    /// A list of tensors, even where there is just one.
    pub fn list(tensors: impl IntoIterator<Item = T>) -> Args<T> {
        Args { args: vec![Arg::List(tensors.into_iter().map(Arg::Tensor).collect())], kwargs: Vec::new() }
    }

    /// Adds a keyword argument.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, arg: Arg<T>) -> Args<T> {
        self.kwargs.push((name.into(), arg));
        self
    }

    /// A keyword argument that is there and not `None`.
    pub fn kwarg(&self, name: &str) -> Option<&Arg<T>> {
        self.kwargs.iter().find(|(n, a)| n == name && !matches!(a, Arg::None)).map(|(_, a)| a)
    }

    /// The argument at that position, or under that name, that is not `None`.
    pub fn get(&self, position: usize, name: &str) -> Option<&Arg<T>> {
        self.args.get(position).filter(|a| !matches!(a, Arg::None)).or_else(|| self.kwarg(name))
    }

    /// Every tensor, positional ones first; those under names in the order of the sorted names.
    pub fn tensors(&self) -> Vec<&T> {
        let mut named: Vec<&(String, Arg<T>)> = self.kwargs.iter().collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        self.args.iter().chain(named.into_iter().map(|(_, arg)| arg)).flat_map(Arg::tensors).collect()
    }

    /// The tensors of the first argument: what Keras calls `inputs`.
    pub fn first(&self) -> Vec<&T> {
        self.args.first().map(Arg::tensors).unwrap_or_default()
    }

    /// The same arguments with every tensor replaced.
    ///
    /// # Errors
    /// The first that `f` gives.
    pub fn try_map<U, E>(&self, mut f: impl FnMut(&T) -> Result<U, E>) -> Result<Args<U>, E> {
        Ok(Args {
            args: self.args.iter().map(|a| a.try_map(&mut f)).collect::<Result<_, E>>()?,
            kwargs: self
                .kwargs
                .iter()
                .map(|(name, a)| Ok((name.clone(), a.try_map(&mut f)?)))
                .collect::<Result<_, E>>()?,
        })
    }
}
