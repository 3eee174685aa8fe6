//! The Python signature of a function.

use crate::messages::saved_object_graph::FunctionSpec;
use crate::{Error, Result, Structured};

/// What `inspect.getfullargspec` says of a function, `self` left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArgSpec {
    /// Arguments by position.
    pub args: Vec<String>,
    /// Name of `*args`.
    pub varargs: Option<String>,
    /// Name of `**kwargs`.
    pub varkw: Option<String>,
    /// Defaults of the last arguments.
    pub defaults: Vec<Structured>,
    /// Arguments by keyword only.
    pub kwonlyargs: Vec<String>,
    /// Their defaults.
    pub kwonlydefaults: Vec<(String, Structured)>,
}

impl ArgSpec {
    /// A signature of arguments by position, the last of which have defaults.
    pub fn positional(args: &[&str], defaults: Vec<Structured>) -> ArgSpec {
        ArgSpec { args: args.iter().map(|&arg| arg.into()).collect(), defaults, ..ArgSpec::default() }
    }

    /// Reads the message.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no named tuple with these fields.
    pub fn decode(spec: &FunctionSpec) -> Result<ArgSpec> {
        let wrong = || Error::invalid("function spec", "`fullargspec`", "a named tuple `FullArgSpec`", "another value");
        let full = Structured::decode(spec.fullargspec.as_deref().ok_or_else(wrong)?)?;
        let names = |field: &str| match full.field(field) {
            Some(Structured::List(values) | Structured::Tuple(values)) => values
                .iter()
                .map(|value| if let Structured::Str(name) = value { Ok(name.clone()) } else { Err(wrong()) })
                .collect::<Result<Vec<String>>>(),
            Some(Structured::None) | None => Ok(Vec::new()),
            Some(_) => Err(wrong()),
        };
        let name = |field: &str| match full.field(field) {
            Some(Structured::Str(name)) => Some(name.clone()),
            _ => None,
        };
        let defaults = match full.field("defaults") {
            Some(Structured::Tuple(values) | Structured::List(values)) => values.clone(),
            _ => Vec::new(),
        };
        let kwonlydefaults = match full.field("kwonlydefaults") {
            Some(Structured::Dict(pairs)) => pairs.clone(),
            _ => Vec::new(),
        };
        Ok(ArgSpec {
            args: names("args")?,
            varargs: name("varargs"),
            varkw: name("varkw"),
            defaults,
            kwonlyargs: names("kwonlyargs")?,
            kwonlydefaults,
        })
    }

    /// Writes the message, as of a method whose `self` is taken out.
    pub fn encode(&self) -> FunctionSpec {
        let names = |names: &[String]| Structured::List(names.iter().cloned().map(Structured::Str).collect());
        let name = |name: &Option<String>| name.clone().map_or(Structured::None, Structured::Str);
        let or_none = |empty: bool, value: Structured| if empty { Structured::None } else { value };
        let fields = vec![
            ("args".into(), names(&self.args)),
            ("varargs".into(), name(&self.varargs)),
            ("varkw".into(), name(&self.varkw)),
            ("defaults".into(), or_none(self.defaults.is_empty(), Structured::Tuple(self.defaults.clone()))),
            ("kwonlyargs".into(), names(&self.kwonlyargs)),
            (
                "kwonlydefaults".into(),
                or_none(self.kwonlydefaults.is_empty(), Structured::Dict(self.kwonlydefaults.clone())),
            ),
            ("annotations".into(), Structured::Dict(Vec::new())),
        ];
        let full = Structured::NamedTuple { name: "FullArgSpec".into(), fields };
        FunctionSpec {
            fullargspec: Some(Box::new(full.encode())),
            input_signature: Some(Box::new(Structured::None.encode())),
            ..FunctionSpec::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let mut spec = ArgSpec::positional(&["inputs", "training"], vec![Structured::Bool(false)]);
        spec.kwonlyargs = vec!["x".into()];
        spec.varkw = Some("kwargs".into());
        spec.kwonlydefaults = vec![("x".into(), Structured::None)];
        assert_eq!(ArgSpec::decode(&spec.encode()).unwrap(), spec);
        assert!(ArgSpec::decode(&FunctionSpec::default()).is_err());
    }
}
