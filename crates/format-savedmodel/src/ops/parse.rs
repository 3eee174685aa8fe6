//! Reading lines of the table of operations.

use super::{ArgSpec, ArgType, AttrSpec, OpSpec};
use crate::messages::{AttrList, AttrValue, DataType, TensorShapeProto, attr_value};
use crate::text::TextReader;
use crate::wire::Value;

/// Reads one line; `None` for one that has not the table's form.
pub(super) fn line(line: &str) -> Option<OpSpec> {
    let (head, attrs) = line.split_once(';').unwrap_or((line, ""));
    let (head, outputs) = head.split_once("->")?;
    let (name, inputs) = head.split_once('(')?;
    let attrs = split(attrs).into_iter().map(attr).collect::<Option<Vec<_>>>()?;
    let args = |text: &str| text.split(',').map(str::trim).filter(|a| !a.is_empty()).map(|a| arg(a, &attrs)).collect();
    let (inputs, outputs): (Option<Vec<_>>, Option<Vec<_>>) = (args(inputs.trim().strip_suffix(')')?), args(outputs));
    Some(OpSpec {
        name: name.trim_end_matches('!').to_owned(),
        stateful: name.ends_with('!'),
        inputs: inputs?,
        outputs: outputs?,
        attrs,
    })
}

/// Splits at commas outside of quotes and brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quoted, mut escaped) = (Vec::new(), 0, 0i32, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '[' | '(' if !quoted => depth += 1,
            ']' | ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn arg(text: &str, attrs: &[AttrSpec]) -> Option<ArgSpec> {
    let (name, ty) = text.split_once(':')?;
    let (number_attr, ty) = match ty.split_once('*') {
        Some((number, ty)) => (Some(number.to_owned()), ty),
        None => (None, ty),
    };
    let (is_ref, ty) = (ty.starts_with('&'), ty.trim_start_matches('&'));
    let ty = match attrs.iter().find(|attr| attr.name == ty) {
        Some(attr) if attr.ty == "list(type)" => ArgType::List(ty.to_owned()),
        Some(_) => ArgType::Attr(ty.to_owned()),
        None => ArgType::Fixed(dtype(ty)?),
    };
    Some(ArgSpec { name: name.to_owned(), ty, number_attr, is_ref })
}

fn attr(text: &str) -> Option<AttrSpec> {
    let (name, rest) = text.split_once(':')?;
    let (ty, default) = match rest.split_once('=') {
        Some((ty, value)) => (ty, Some(value)),
        None => (rest, None),
    };
    let default = match default {
        Some(text) => Some(AttrValue::from(value(ty, text)?)),
        None => None,
    };
    Some(AttrSpec { name: name.to_owned(), ty: ty.to_owned(), default })
}

fn dtype(name: &str) -> Option<DataType> {
    (0..=123).map(DataType).find(|dtype| dtype.short_name().as_deref() == Some(name))
}

fn value(ty: &str, text: &str) -> Option<attr_value::Value> {
    if let Some(element) = ty.strip_prefix("list(").and_then(|ty| ty.strip_suffix(')')) {
        let mut list = AttrList::default();
        for part in split(text.strip_prefix('[')?.strip_suffix(']')?) {
            match value(element, part)? {
                attr_value::Value::I(i) => list.i.push(i),
                attr_value::Value::F(f) => list.f.push(f),
                attr_value::Value::B(b) => list.b.push(b),
                attr_value::Value::S(s) => list.s.push(s),
                attr_value::Value::Type(dtype) => list.r#type.push(dtype),
                attr_value::Value::Shape(shape) => list.shape.push(*shape),
                _ => return None,
            }
        }
        return Some(attr_value::Value::List(Box::new(list)));
    }
    Some(match ty {
        "int" => attr_value::Value::I(text.parse().ok()?),
        "float" => attr_value::Value::F(text.parse().ok()?),
        "bool" => attr_value::Value::B(text.parse().ok()?),
        "string" => attr_value::Value::S(Vec::<u8>::read_text(&mut TextReader::new(text)).ok()?),
        "type" => attr_value::Value::Type(dtype(text)?),
        "shape" => attr_value::Value::Shape(Box::new(shape(text)?)),
        _ => return None,
    })
}

fn shape(text: &str) -> Option<TensorShapeProto> {
    if text == "?" {
        return Some(TensorShapeProto::unknown());
    }
    let dims = split(text.strip_prefix('[')?.strip_suffix(']')?);
    Some(TensorShapeProto::from_dims(&dims.iter().map(|dim| dim.parse().ok()).collect::<Vec<_>>()))
}
