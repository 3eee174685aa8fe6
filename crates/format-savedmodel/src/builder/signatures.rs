//! Signatures: from a concrete function to names of tensors.

use super::{Concrete, SavedModelBuilder};
use crate::messages::FunctionDef;
use crate::{Error, Result, Structured, TensorSpec};

/// A signature with all that graph and object graph need of it.
pub(super) struct Resolved<'a> {
    pub(super) name: &'a str,
    pub(super) concrete: &'a Concrete,
    /// Inputs in the order of the function's arguments.
    pub(super) inputs: Vec<(&'a str, &'a TensorSpec)>,
    /// Outputs in the order of the function's results.
    pub(super) outputs: Vec<(&'a str, &'a TensorSpec)>,
}

pub(super) fn resolve(builder: &SavedModelBuilder) -> Result<Vec<Resolved<'_>>> {
    let mut resolved: Vec<Resolved<'_>> = Vec::new();
    for (name, function) in &builder.signatures {
        if resolved.iter().any(|other| other.name == name) {
            return Err(Error::build("signature", format!("`{name}`"), "names used once", "it twice"));
        }
        let concrete = builder.concrete_named(function)?;
        let wrong = |what: &str| {
            Error::build("signature", format!("`{name}`"), what, format!("function `{function}` with other values"))
        };
        if !concrete.args.is_empty() {
            return Err(wrong("tensors by keyword only"));
        }
        let Structured::Dict(outputs) = &concrete.output else {
            return Err(wrong("a dictionary of tensors as result"));
        };
        let inputs = tensors(&concrete.kwargs).ok_or_else(|| wrong("tensors as arguments"))?;
        let outputs = tensors(outputs).ok_or_else(|| wrong("a dictionary of tensors as result"))?;
        resolved.push(Resolved { name, concrete, inputs, outputs });
    }
    Ok(resolved)
}

/// Dictionaries are flattened by key.
fn tensors(pairs: &[(String, Structured)]) -> Option<Vec<(&str, &TensorSpec)>> {
    if pairs.iter().any(|(_, value)| !matches!(value, Structured::Tensor(_))) {
        return None;
    }
    let mut found: Vec<(&str, &TensorSpec)> = pairs
        .iter()
        .filter_map(
            |(name, value)| if let Structured::Tensor(spec) = value { Some((name.as_str(), spec)) } else { None },
        )
        .collect();
    found.sort_by_key(|(name, _)| *name);
    Some(found)
}

/// Checks that functions have the arguments that their callers give.
pub(super) fn check_functions(builder: &SavedModelBuilder) -> Result<()> {
    let mut names = std::collections::HashMap::new();
    for function in &builder.functions {
        let name = function.signature.as_ref().map_or("", |signature| &signature.name);
        if name.is_empty() || names.insert(name, function).is_some() {
            return Err(Error::build("function", format!("`{name}`"), "a name of its own", "none or one used twice"));
        }
    }
    let mut concrete_names = std::collections::HashSet::new();
    for concrete in &builder.concrete {
        let place = format!("`{}`", concrete.name);
        let Some(function) = names.get(concrete.name.as_str()) else {
            return Err(Error::build("concrete function", place, "a function of the library", "none"));
        };
        if !concrete_names.insert(&concrete.name) {
            return Err(Error::build("concrete function", place, "it once", "it twice"));
        }
        check_counts(concrete, function)?;
        if concrete.captures.iter().any(|&id| builder.captured_type(id).is_none()) {
            let expected = "variables, tables and assets as captured objects";
            return Err(Error::build("concrete function", place, expected, "another object"));
        }
    }
    Ok(())
}

fn check_counts(concrete: &Concrete, function: &FunctionDef) -> Result<()> {
    let place = format!("`{}`", concrete.name);
    let (arguments, results) =
        function.signature.as_ref().map_or((0, 0), |signature| (signature.input_arg.len(), signature.output_arg.len()));
    let positional: usize = concrete.args.iter().map(|arg| arg.tensors().len()).sum();
    let keyword: usize = concrete.kwargs.iter().map(|(_, arg)| arg.tensors().len()).sum();
    let given = positional + keyword + concrete.captures.len();
    if given != arguments {
        let found = format!("{given} tensors and captured variables");
        return Err(Error::build("concrete function", place, format!("{arguments} arguments"), found));
    }
    let given = concrete.output.tensors().len();
    if given != results {
        return Err(Error::build("concrete function", place, format!("{results} results"), given.to_string()));
    }
    Ok(())
}
