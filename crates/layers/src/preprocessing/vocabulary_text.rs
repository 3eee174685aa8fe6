//! Vocabularies as configurations and files hold them.

use std::path::Path;

use kerox_config_json::{Node, Value as Json};
use kerox_graph::ops::Tokens;

use crate::registry::argument_error;
use crate::{Base, Result};

/// Tokens of one type from a list of a configuration.
pub(super) fn from_json(list: &[Node<'_>], strings: bool) -> Result<Tokens> {
    if strings {
        let texts = list.iter().map(|token| Ok(token.str()?.as_bytes().to_vec()));
        return Ok(Tokens::Strings(texts.collect::<Result<_>>()?));
    }
    Ok(Tokens::Ints(list.iter().map(Node::int).collect::<std::result::Result<_, _>>()?))
}

/// As a configuration holds them.
pub(super) fn to_json(tokens: &Tokens) -> Json {
    match tokens {
        Tokens::Strings(_) => (0..tokens.len()).map(|i| Json::String(tokens.text(i))).collect::<Vec<Json>>().into(),
        Tokens::Ints(tokens) => tokens.iter().map(|&token| Json::Int(token)).collect::<Vec<Json>>().into(),
    }
}

/// The lines of a text, one token a line. An empty last line is none.
pub(super) fn from_text(base: &Base, text: &[u8], strings: bool) -> Result<Tokens> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let lines = text.split(|&b| b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    if strings {
        return Ok(Tokens::Strings(lines.map(<[u8]>::to_vec).collect()));
    }
    let number = |(i, line): (usize, &[u8])| {
        let shown = String::from_utf8_lossy(line).chars().take(60).collect::<String>();
        let wrong =
            || argument_error(base, "vocabulary", format!("an integer in line {}", i + 1), format!("`{shown}`"));
        std::str::from_utf8(line).ok().and_then(|s| s.trim().parse().ok()).ok_or_else(wrong)
    };
    Ok(Tokens::Ints(lines.enumerate().map(number).collect::<Result<_>>()?))
}

/// One token a line, as Keras writes `vocabulary.txt`.
pub(super) fn to_text(tokens: &Tokens) -> Vec<u8> {
    match tokens {
        Tokens::Strings(tokens) => tokens.join(&b'\n'),
        Tokens::Ints(_) => (0..tokens.len()).map(|i| tokens.text(i)).collect::<Vec<String>>().join("\n").into_bytes(),
    }
}

/// The tokens of a file of the user's.
pub(super) fn from_file(base: &Base, path: &Path, strings: bool) -> Result<Tokens> {
    let text = std::fs::read(path).map_err(|error| {
        let found = format!("`{}`: {error}", path.display());
        argument_error(base, "vocabulary", "a file that can be read, one token a line", found)
    })?;
    if text.is_empty() {
        let found = format!("`{}`, which is empty", path.display());
        return Err(argument_error(base, "vocabulary", "a file of at least one token", found));
    }
    from_text(base, &text, strings)
}
