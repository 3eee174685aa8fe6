//! Looks a graph over before anything of it is imported: operations that are missing, functions that call themselves.

use std::collections::{BTreeMap, HashSet};

use kerox_format_savedmodel::messages::NodeDef;
use kerox_format_savedmodel::messages::attr_value::Value;

use crate::library::{Body, Library, Source};
use crate::nodes::is_imported_here;
use crate::order::order;
use crate::{Error, Result};

/// Calls inside calls.
pub(crate) const MAX_DEPTH: usize = 64;

/// The functions a node names, in the order of its attributes.
pub(crate) fn functions_of(node: &NodeDef) -> Vec<&str> {
    let mut names = Vec::new();
    for (_, value) in node.attr.iter() {
        match &value.value {
            Some(Value::Func(func)) => names.push(func.name.as_str()),
            Some(Value::List(list)) => names.extend(list.func.iter().map(|func| func.name.as_str())),
            _ => {}
        }
    }
    names
}

/// What a function computes and does.
pub(crate) fn roots_of(library: &Library<'_>, body: &Body<'_>) -> Result<Vec<Source>> {
    let Some(def) = body.function else { return Ok(Vec::new()) };
    let mut roots = Vec::new();
    for output in def.signature.iter().flat_map(|s| &s.output_arg) {
        let result = def.ret.get(output.name.as_str()).ok_or_else(|| {
            Error::invalid("function", body.name(), format!("a result `{}`", output.name), "none of that name")
        })?;
        roots.push(body.source(library, result, body.name())?);
    }
    for (_, node) in def.control_ret.iter() {
        let at = body.node(node).ok_or_else(|| {
            Error::invalid("function", body.name(), "control outputs among its nodes", format!("`{node}`"))
        })?;
        roots.push(Source::Control(at));
    }
    Ok(roots)
}

struct Scan<'l, 'a> {
    library: &'l Library<'a>,
    unknown: BTreeMap<String, (usize, String)>,
    done: HashSet<&'a str>,
    open: Vec<&'a str>,
}

/// Checks everything that `roots` of a body need.
///
/// # Errors
/// [`Error::UnknownOperations`] with all that are missing; [`Error::Invalid`] for functions that call themselves or are
/// nested too deeply.
pub(crate) fn scan(
    library: &Library<'_>,
    what: &str,
    body: &Body<'_>,
    roots: &[Source],
    fed: &HashSet<Source>,
) -> Result<()> {
    let mut scan = Scan { library, unknown: BTreeMap::new(), done: HashSet::new(), open: Vec::new() };
    if body.function.is_some() {
        scan.open.push(body.name());
    }
    scan.body(body, roots, fed)?;
    if scan.unknown.is_empty() {
        return Ok(());
    }
    let operations = scan.unknown.into_iter().map(|(op, (count, node))| match count {
        1 => format!("`{op}` (node `{node}`)"),
        _ => format!("`{op}` ({count} nodes, the first `{node}`)"),
    });
    Err(Error::UnknownOperations { what: what.to_owned(), operations: operations.collect() })
}

impl<'a> Scan<'_, 'a> {
    fn body(&mut self, body: &Body<'a>, roots: &[Source], fed: &HashSet<Source>) -> Result<()> {
        // Loops of TensorFlow 1 are cycles in the graph: they are named as what they are.
        let loops = body.nodes.iter().filter(|node| matches!(node.op.as_str(), "NextIteration" | "RefNextIteration"));
        let ordered = match order(self.library, body, roots, fed) {
            Ok(ordered) => ordered,
            Err(error) => {
                let mut loops = loops.peekable();
                if loops.peek().is_none() {
                    return Err(error);
                }
                loops.for_each(|node| self.count(node));
                return Ok(());
            }
        };
        for at in ordered {
            let node = &body.nodes[at];
            let is_function = self.library.function(&node.op).is_some();
            if !is_function && !is_imported_here(&node.op) && kerox_graph::ops::find(&node.op).is_none() {
                self.count(node);
                continue;
            }
            if is_function {
                self.function(&node.op, node)?;
            }
            for name in functions_of(node) {
                self.function(name, node)?;
            }
        }
        Ok(())
    }

    fn count(&mut self, node: &NodeDef) {
        self.unknown.entry(node.op.clone()).or_insert_with(|| (0, node.name.clone())).0 += 1;
    }

    fn function(&mut self, name: &str, user: &NodeDef) -> Result<()> {
        let Some(body) = self.library.function(name) else {
            let found = format!("`{name}`");
            return Err(Error::invalid("node", &user.name, "functions of the library", found));
        };
        let body = body.clone();
        if self.open.contains(&name) {
            let path = format!("{} -> {name}", self.open.join(" -> "));
            return Err(Error::invalid("function", name, "functions that do not call themselves", path));
        }
        if self.open.len() >= MAX_DEPTH {
            let expected = format!("at most {MAX_DEPTH} calls inside calls");
            return Err(Error::invalid("function", name, expected, "more"));
        }
        if self.done.contains(name) {
            return Ok(());
        }
        self.open.push(body.name());
        let roots = roots_of(self.library, &body)?;
        self.body(&body, &roots, &HashSet::new())?;
        self.open.pop();
        self.done.insert(body.name());
        Ok(())
    }
}
