//! What the inputs of a node refer to.

use crate::{Error, Result};

/// An input of a node, an entry of `FunctionDef.ret`, or a tensor's name.
///
/// # Example
/// ```
/// use kerox_format_savedmodel::NodeInput;
///
/// assert_eq!(NodeInput::parse("dense/MatMul:product:0")?, NodeInput::Output { node: "dense/MatMul", output: "product", index: 0 });
/// assert_eq!(NodeInput::parse("x:1")?, NodeInput::Tensor { node: "x", index: 1 });
/// assert_eq!(NodeInput::parse("^init")?, NodeInput::Control { node: "init" });
/// # Ok::<(), kerox_format_savedmodel::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeInput<'a> {
    /// `node` or `node:index`. In a graph: an output of a node, counted over all its outputs. In a function: an
    /// argument, or a tensor of an argument that is a list.
    Tensor {
        /// Node or argument.
        node: &'a str,
        /// Place, from 0.
        index: usize,
    },
    /// `node:output:index`, in functions only: a tensor of a named output.
    Output {
        /// Node.
        node: &'a str,
        /// Output, as the operation declares it.
        output: &'a str,
        /// Place in that output, from 0.
        index: usize,
    },
    /// `^node`: the node has to run first.
    Control {
        /// Node.
        node: &'a str,
    },
}

impl<'a> NodeInput<'a> {
    /// Takes an input apart.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty name, more than two colons, or a place that is no number.
    pub fn parse(input: &'a str) -> Result<NodeInput<'a>> {
        let wrong = || {
            let expected = "`node`, `node:index`, `node:output:index` or `^node`";
            Error::invalid("node input", format!("`{input}`"), expected, "another form")
        };
        if let Some(node) = input.strip_prefix('^') {
            return if node.is_empty() || node.contains(':') { Err(wrong()) } else { Ok(NodeInput::Control { node }) };
        }
        let mut parts = input.split(':');
        let (node, second, third, rest) = (parts.next().unwrap_or(""), parts.next(), parts.next(), parts.next());
        if node.is_empty() || rest.is_some() {
            return Err(wrong());
        }
        match (second, third) {
            (None, _) => Ok(NodeInput::Tensor { node, index: 0 }),
            (Some(second), None) => match second.parse() {
                Ok(index) => Ok(NodeInput::Tensor { node, index }),
                Err(_) if second.is_empty() => Err(wrong()),
                Err(_) => Ok(NodeInput::Output { node, output: second, index: 0 }),
            },
            (Some(output), Some(index)) if !output.is_empty() => {
                Ok(NodeInput::Output { node, output, index: index.parse().map_err(|_| wrong())? })
            }
            _ => Err(wrong()),
        }
    }

    /// The node or argument.
    pub fn node(&self) -> &'a str {
        match *self {
            NodeInput::Tensor { node, .. } | NodeInput::Output { node, .. } | NodeInput::Control { node } => node,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!(NodeInput::parse("a/b").unwrap(), NodeInput::Tensor { node: "a/b", index: 0 });
        assert_eq!(NodeInput::parse("a:z").unwrap(), NodeInput::Output { node: "a", output: "z", index: 0 });
        for wrong in ["", "^", ":0", "a:b:c", "a:b:0:1", "^a:0", "a::0", "a:"] {
            assert!(NodeInput::parse(wrong).is_err(), "{wrong}");
        }
    }
}
