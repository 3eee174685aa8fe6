//! The header of an array file: a Python dict of three entries.

use super::wrong;
use crate::{Buffer, DType, Result, Shape};

/// What the elements are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Item {
    Plain(DType),
    /// Byte strings of this many bytes.
    Bytes(usize),
    /// Text of this many 32-bit characters.
    Text(usize),
}

#[derive(Clone, Debug)]
pub(super) struct Header {
    item: Item,
    big_endian: bool,
    pub(super) fortran_order: bool,
    pub(super) shape: Shape,
}

/// numpy's name for the elements of a tensor in memory; `None` where it has none, and for strings.
pub(super) fn descr(dtype: DType) -> Option<String> {
    let code = match dtype {
        DType::Bool => "|b1",
        DType::I8 => "|i1",
        DType::U8 => "|u1",
        DType::I16 => "<i2",
        DType::U16 => "<u2",
        DType::I32 => "<i4",
        DType::U32 => "<u4",
        DType::I64 => "<i8",
        DType::U64 => "<u8",
        DType::F16 => "<f2",
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::Complex64 => "<c8",
        DType::Complex128 => "<c16",
        DType::BF16 | DType::String | DType::Resource | DType::Variant => return None,
    };
    Some(code.to_owned())
}

/// A token of the header's Python.
#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    Text(&'a str),
    Word(&'a str),
    Sign(u8),
}

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let bytes = text.as_bytes();
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            b'\'' | b'"' => {
                let length = bytes[at + 1..].iter().position(|&b| b == byte)?;
                tokens.push(Token::Text(text.get(at + 1..at + 1 + length)?));
                at += length + 2;
            }
            b'{' | b'}' | b'(' | b')' | b':' | b',' | b'[' | b']' | b'-' => {
                tokens.push(Token::Sign(byte));
                at += 1;
            }
            _ if byte.is_ascii_alphanumeric() => {
                let length = bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
                tokens.push(Token::Word(text.get(at..at + length)?));
                at += length;
            }
            _ => return None,
        }
    }
    Some(tokens)
}

impl Header {
    pub(super) fn parse(bytes: &[u8], what: &str) -> Result<Header> {
        let broken = || wrong(what, "a header with descr, fortran_order and shape", "something else");
        let text = std::str::from_utf8(bytes).map_err(|_| broken())?;
        let tokens = tokens(text).ok_or_else(broken)?;
        let mut rest = tokens.iter().peekable();
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        if rest.next() != Some(&Token::Sign(b'{')) {
            return Err(broken());
        }
        loop {
            let key = match rest.next() {
                Some(Token::Text(key)) => *key,
                Some(Token::Sign(b'}')) if rest.peek().is_none() => break,
                _ => return Err(broken()),
            };
            if rest.next() != Some(&Token::Sign(b':')) {
                return Err(broken());
            }
            match (key, rest.next()) {
                ("descr", Some(Token::Text(text))) => descr = Some(*text),
                ("descr", Some(Token::Sign(b'['))) => {
                    return Err(wrong(what, "elements of a plain type", "records of several fields"));
                }
                ("fortran_order", Some(Token::Word("True"))) => fortran = Some(true),
                ("fortran_order", Some(Token::Word("False"))) => fortran = Some(false),
                ("shape", Some(Token::Sign(b'('))) => {
                    let mut dims = Shape::scalar();
                    loop {
                        match rest.next() {
                            // Python 2 wrote long integers with an L.
                            Some(Token::Word(word)) if dims.len() < 32 => {
                                dims.push(word.trim_end_matches('L').parse().map_err(|_| broken())?);
                            }
                            Some(Token::Sign(b')')) => break,
                            _ => return Err(broken()),
                        }
                        match rest.next() {
                            Some(Token::Sign(b',')) => {}
                            Some(Token::Sign(b')')) => break,
                            _ => return Err(broken()),
                        }
                    }
                    shape = Some(dims);
                }
                _ => return Err(broken()),
            }
            rest.next_if_eq(&&Token::Sign(b','));
        }
        let (Some(descr), Some(fortran_order), Some(shape)) = (descr, fortran, shape) else { return Err(broken()) };
        let unknown = || wrong(what, "elements of a plain type", format!("`{descr}`"));
        let (order, code) = descr.split_at_checked(1).ok_or_else(unknown)?;
        let (kind, size) = code.split_at_checked(1).ok_or_else(unknown)?;
        let size: usize = size.parse().map_err(|_| unknown())?;
        let item = match (kind, size) {
            ("b", 1) => Item::Plain(DType::Bool),
            ("i", 1) => Item::Plain(DType::I8),
            ("i", 2) => Item::Plain(DType::I16),
            ("i", 4) => Item::Plain(DType::I32),
            ("i", 8) => Item::Plain(DType::I64),
            ("u", 1) => Item::Plain(DType::U8),
            ("u", 2) => Item::Plain(DType::U16),
            ("u", 4) => Item::Plain(DType::U32),
            ("u", 8) => Item::Plain(DType::U64),
            ("f", 2) => Item::Plain(DType::F16),
            ("f", 4) => Item::Plain(DType::F32),
            ("f", 8) => Item::Plain(DType::F64),
            ("c", 8) => Item::Plain(DType::Complex64),
            ("c", 16) => Item::Plain(DType::Complex128),
            ("S", n) | ("a", n) if n <= isize::MAX as usize => Item::Bytes(n),
            ("U", n) if n <= isize::MAX as usize / 4 => Item::Text(n),
            _ => return Err(unknown()),
        };
        let big_endian = match order {
            "<" | "|" | "=" => false,
            ">" => true,
            _ => return Err(unknown()),
        };
        // Strings without length take no bytes in the file, but room in memory.
        if matches!(item, Item::Bytes(0) | Item::Text(0)) && shape.checked_elements()? > 1 << 20 {
            return Err(wrong(what, "at most 1048576 empty strings", format!("shape {shape}")));
        }
        Ok(Header { item, big_endian, fortran_order, shape })
    }

    /// Bytes of an element.
    pub(super) fn item(&self) -> usize {
        match self.item {
            Item::Plain(dtype) => dtype.size().unwrap_or(0),
            Item::Bytes(n) => n,
            Item::Text(n) => 4 * n,
        }
    }

    /// Turns elements in row-major order into a buffer.
    pub(super) fn decode(&self, mut data: Vec<u8>, elements: usize, what: &str) -> Result<Buffer> {
        match self.item {
            Item::Plain(dtype) => {
                if self.big_endian {
                    // Each half of a complex number is a number of its own.
                    let complex = matches!(dtype, DType::Complex64 | DType::Complex128);
                    let size = self.item() / if complex { 2 } else { 1 };
                    data.chunks_exact_mut(size).for_each(<[u8]>::reverse);
                }
                Buffer::from_bytes(dtype, &data).map_err(|error| match error {
                    crate::Error::NotBool { found, .. } => wrong(what, "bool elements of 0 or 1", found.to_string()),
                    other => other,
                })
            }
            Item::Bytes(0) | Item::Text(0) => Ok(Buffer::String(vec![Vec::new(); elements])),
            Item::Bytes(n) => Ok(Buffer::String(data.chunks_exact(n).map(|s| trimmed(s).to_vec()).collect())),
            Item::Text(n) => {
                let text = |item: &[u8]| -> Option<Vec<u8>> {
                    let code = |b: &[u8]| {
                        let b = [b[0], b[1], b[2], b[3]];
                        if self.big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
                    };
                    let text: Option<String> = item.chunks_exact(4).map(|b| char::from_u32(code(b))).collect();
                    Some(trimmed(text?.as_bytes()).to_vec())
                };
                let strings: Option<Vec<Vec<u8>>> = data.chunks_exact(4 * n).map(text).collect();
                strings.map(Buffer::String).ok_or_else(|| wrong(what, "text of Unicode characters", "other numbers"))
            }
        }
    }
}

/// Without the zero bytes at the end, with which numpy fills up.
fn trimmed(s: &[u8]) -> &[u8] {
    &s[..s.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1)]
}
