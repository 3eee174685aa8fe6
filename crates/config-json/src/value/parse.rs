//! JSON text to values, as Python's `json.loads` reads it, within bounds.

use crate::{Config, Error, Result, Value};

/// Bounds that protect against hostile documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Lists and objects inside each other; 256 by default (a nested model takes four levels).
    pub depth: usize,
    /// Bytes of the text; 256 MiB by default.
    pub bytes: usize,
    /// Values of all kinds together; 16 million by default.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { depth: 256, bytes: 256 << 20, values: 16_000_000 }
    }
}

/// Python's own bound on the digits of an integer (`sys.int_info.default_max_str_digits`).
const MAX_DIGITS: usize = 4300;

pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Value> {
    if bytes.len() > limits.bytes {
        return Err(Error::Limit { what: "bytes", limit: limits.bytes, offset: limits.bytes });
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let offset = e.valid_up_to();
        Error::Encoding { offset, byte: bytes.get(offset).copied().unwrap_or_default() }
    })?;
    let mut parser = Parser { text, at: 0, depth: 0, values: 0, limits };
    if text.starts_with('\u{feff}') {
        parser.at = 3;
    }
    parser.skip_space();
    let value = parser.value()?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(parser.unexpected("the end of the document"));
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    values: usize,
    limits: &'a Limits,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<Value> {
        self.values += 1;
        if self.values > self.limits.values {
            return Err(Error::Limit { what: "values", limit: self.limits.values, offset: self.at });
        }
        match self.peek() {
            Some(b'{') => self.nested(Self::map),
            Some(b'[') => self.nested(Self::list),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                for (word, value) in [
                    ("null", Value::Null),
                    ("true", Value::Bool(true)),
                    ("false", Value::Bool(false)),
                    ("NaN", Value::Float(f64::NAN)),
                    ("Infinity", Value::Float(f64::INFINITY)),
                ] {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(self.unexpected("a JSON value"))
            }
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value>) -> Result<Value> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(Error::Limit { what: "nested levels", limit: self.limits.depth, offset: self.at });
        }
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn list(&mut self) -> Result<Value> {
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(items));
        }
        loop {
            self.skip_space();
            items.push(self.value()?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::List(items));
                }
                _ => return Err(self.unexpected("`,` or `]`")),
            }
        }
    }

    fn map(&mut self) -> Result<Value> {
        let mut map = Config::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Map(map));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("`:`"));
            }
            self.at += 1;
            self.skip_space();
            let value = self.value()?;
            map.insert(key, value);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Map(map));
                }
                _ => return Err(self.unexpected("`,` or `}`")),
            }
        }
    }

    fn string(&mut self) -> Result<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|b| b >= 0x20 && b != b'"' && b != b'\\') {
                self.at += 1;
            }
            // Both ends stand at ASCII bytes or at the end of the text, so they are character boundaries.
            out.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    let c = self.escape()?;
                    out.push(c);
                }
                _ => return Err(self.unexpected("a closing quote or an escaped character")),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        self.at += 1;
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.unexpected("one of the escapes \" \\ / b f n r t u")),
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode_escape(&mut self) -> Result<char> {
        let start = self.at;
        let first = self.hex4()?;
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            self.at += 1;
            units.push(self.hex4()?);
        }
        match char::decode_utf16(units.iter().copied()).next() {
            Some(Ok(c)) if c.len_utf16() == units.len() => Ok(c),
            _ => {
                self.at = start;
                Err(self.unexpected("a pair of surrogates, which together make one character"))
            }
        }
    }

    /// Reads `uXXXX`, standing at the `u`.
    fn hex4(&mut self) -> Result<u16> {
        let digits = self.text.get(self.at + 1..self.at + 5).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|d| u16::from_str_radix(d, 16).ok());
        let Some(unit) = unit else { return Err(self.unexpected("four hexadecimal digits")) };
        self.at += 5;
        Ok(unit)
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Value> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        if negative {
            self.at += 1;
            if self.text[self.at..].starts_with("Infinity") {
                self.at += "Infinity".len();
                return Ok(Value::Float(f64::NEG_INFINITY));
            }
        }
        let n_digits = if self.peek() == Some(b'0') {
            self.at += 1;
            1
        } else {
            self.digits()
        };
        if n_digits == 0 {
            return Err(self.unexpected("a digit"));
        }
        if n_digits > MAX_DIGITS {
            return Err(Error::Limit { what: "digits in one number", limit: MAX_DIGITS, offset: start });
        }
        let mut is_float = false;
        if self.peek() == Some(b'.') {
            self.at += 1;
            is_float = true;
            if self.digits() == 0 {
                return Err(self.unexpected("a digit"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            is_float = true;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.unexpected("a digit"));
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if is_float {
            return text.parse().map(Value::Float).map_err(|_| self.unexpected("a number"));
        }
        Ok(text.parse().map_or_else(|_| Value::BigInt(text.into()), Value::Int))
    }

    fn unexpected(&self, expected: &str) -> Error {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let found = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) if c.is_control() => format!("control character U+{:04X}", c as u32),
            Some(c) => format!("`{c}`"),
            None => "the end of the text".to_owned(),
        };
        Error::Syntax {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            offset: self.at,
            expected: expected.to_owned(),
            found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, written: &str) {
        assert_eq!(Value::parse(text).unwrap().to_string(), written, "{text}");
    }

    fn fails(text: &str, message: &str) {
        assert_eq!(Value::parse(text).unwrap_err().to_string(), message, "{text}");
    }

    /// Expected texts are `json.dumps(json.loads(text))` of CPython 3.11.
    #[test]
    fn reads_what_python_reads() {
        check("-0", "0");
        check("-0.0", "-0.0");
        check("1E5", "100000.0");
        check("1e400", "Infinity");
        check("[NaN, Infinity, -Infinity]", "[NaN, Infinity, -Infinity]");
        check("123456789012345678901234567890", "123456789012345678901234567890");
        check("-9223372036854775808", "-9223372036854775808");
        check("9223372036854775808", "9223372036854775808");
        check(r#"{"a": 1, "b": 2, "a": 3}"#, r#"{"a": 3, "b": 2}"#);
        check(r#""\ud83d\ude00 \u00e9""#, r#""\ud83d\ude00 \u00e9""#);
        check("\u{feff} \t\r\n[ ] ", "[]");
        check("\"é\u{7f}\"", "\"\\u00e9\\u007f\"");
    }

    #[test]
    fn errors_say_where() {
        fails("{\"a\": 1,\n \"é\" 2}", "parse JSON at line 2 column 6 (byte 15): expected `:`, found `2`");
        fails("[1, 2", "parse JSON at line 1 column 6 (byte 5): expected `,` or `]`, found the end of the text");
        fails("", "parse JSON at line 1 column 1 (byte 0): expected a JSON value, found the end of the text");
        fails("01", "parse JSON at line 1 column 2 (byte 1): expected the end of the document, found `1`");
        fails("{'a': 1}", "parse JSON at line 1 column 2 (byte 1): expected a key in double quotes, found `'`");
        fails("[1,]", "parse JSON at line 1 column 4 (byte 3): expected a JSON value, found `]`");
        fails("1.", "parse JSON at line 1 column 3 (byte 2): expected a digit, found the end of the text");
        fails("-", "parse JSON at line 1 column 2 (byte 1): expected a digit, found the end of the text");
        fails(
            "\"a\nb\"",
            "parse JSON at line 1 column 3 (byte 2): expected a closing quote or an escaped character, \
             found control character U+000A",
        );
        for lone in [r#""\ud800""#, r#""\ud800\u0041""#, r#""\udc00""#, r#""\u12g4""#, r#""\x""#, "\"\\"] {
            assert!(matches!(Value::parse(lone), Err(Error::Syntax { .. })), "{lone}");
        }
    }

    #[test]
    fn hostile_sizes_are_refused() {
        let deep = "[".repeat(1_000_000);
        assert_eq!(
            Value::parse(&deep).unwrap_err().to_string(),
            "parse JSON at byte 256: expected at most 256 nested levels, found more; \
             raise the limit with `Limits` if the file is trusted"
        );
        let limits = Limits { values: 10, ..Limits::default() };
        assert!(matches!(
            Value::parse_bytes(b"[1,2,3,4,5,6,7,8,9,10]", &limits),
            Err(Error::Limit { what: "values", .. })
        ));
        let limits = Limits { bytes: 4, ..Limits::default() };
        assert!(matches!(Value::parse_bytes(b"[1,2]", &limits), Err(Error::Limit { what: "bytes", .. })));
        assert!(matches!(Value::parse(&"9".repeat(5000)), Err(Error::Limit { what: "digits in one number", .. })));
        assert_eq!(
            Value::parse_bytes(b"\"a\xff\"", &Limits::default()),
            Err(Error::Encoding { offset: 2, byte: 0xff })
        );
    }

    #[test]
    fn many_keys_stay_linear() {
        let text: String = (0..200_000).map(|i| format!("\"k{i}\":{i},")).collect();
        let value = Value::parse(&format!("{{{}\"end\":1}}", text)).unwrap();
        assert_eq!(value.get("k199999"), Some(&Value::Int(199_999)));
    }

    #[test]
    fn documents_encoded_twice() {
        let once = r#"{"class_name": "Sequential", "config": [1]}"#;
        let twice = Value::from(once).to_string();
        let value = Value::parse_document(twice.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(value.to_string(), once);
        let plain = Value::parse_document(b"\"relu\"", &Limits::default()).unwrap();
        assert_eq!(plain, Value::from("relu"));
        assert!(Value::parse_document(br#""{\"a\": }""#, &Limits::default()).is_err());
    }
}
