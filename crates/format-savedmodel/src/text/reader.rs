//! Reading messages out of the text format.

use super::lexer::{Lexer, Token};
use crate::messages::{Any, AssetFileDef, AttrValue, SignatureDef, TensorInfo, VariableDef};
use crate::wire::{MAX_DEPTH, Message, Reader};
use crate::{Error, Result};

/// A cursor over the text format.
#[derive(Clone, Debug)]
pub struct TextReader<'a> {
    lexer: Lexer<'a>,
    /// Where the last token began.
    place: (u32, u32),
    depth: u32,
}

impl<'a> TextReader<'a> {
    /// A cursor at the start of a text.
    pub fn new(text: &'a str) -> TextReader<'a> {
        TextReader { lexer: Lexer::new(text), place: (1, 1), depth: 0 }
    }

    fn next(&mut self) -> Token {
        self.place = self.lexer.place();
        self.lexer.next()
    }

    fn peek(&self) -> Token {
        self.lexer.clone().next()
    }

    fn accept(&mut self, symbol: char) -> bool {
        let found = self.peek() == Token::Symbol(symbol);
        if found {
            self.next();
        }
        found
    }

    /// An error at the last token.
    pub(crate) fn wrong(&self, expected: impl Into<String>, found: impl Into<String>) -> Error {
        let (line, column) = self.place;
        Error::Text { file: String::new(), line, column, expected: expected.into(), found: found.into() }
    }

    /// Reads fields until the text ends.
    pub(crate) fn message(&mut self, message: &mut impl Message) -> Result<()> {
        self.fields_until(None, |name, text| message.merge_text_field(name, text))
    }

    /// Reads `{ fields }`.
    pub(crate) fn nested<M: Message>(&mut self, message: &mut M) -> Result<()> {
        self.fields(|name, text| match name.strip_prefix('[') {
            Some(type_url) if M::NAME == Any::NAME => {
                let any = text.expanded(type_url)?;
                message.merge(&mut Reader::new(&any.encode()))?;
                Ok(true)
            }
            Some(_) => Ok(false),
            None => message.merge_text_field(name, text),
        })
    }

    /// Reads the message in an `Any` that is written out: `[type.googleapis.com/tensorflow.AssetFileDef] { ... }`.
    fn expanded(&mut self, type_url: &str) -> Result<Any> {
        fn bytes<M: Message>(text: &mut TextReader<'_>) -> Result<Vec<u8>> {
            let mut message = M::default();
            text.nested(&mut message)?;
            Ok(message.encode())
        }
        let value = match type_url.rsplit('/').next().unwrap_or("") {
            "tensorflow.AssetFileDef" => bytes::<AssetFileDef>(self)?,
            "tensorflow.AttrValue" => bytes::<AttrValue>(self)?,
            "tensorflow.SignatureDef" => bytes::<SignatureDef>(self)?,
            "tensorflow.TensorInfo" => bytes::<TensorInfo>(self)?,
            "tensorflow.VariableDef" => bytes::<VariableDef>(self)?,
            _ => return Err(self.wrong("a message type known in `Any`", format!("`{type_url}`"))),
        };
        Ok(Any { type_url: type_url.to_owned(), value, ..Any::default() })
    }

    /// Reads `{ fields }`, handing over each field's name; the callback answers false for one it does not know.
    pub(crate) fn fields(&mut self, field: impl FnMut(&str, &mut Self) -> Result<bool>) -> Result<()> {
        self.accept(':');
        let close = match self.next() {
            Token::Symbol('{') => '}',
            Token::Symbol('<') => '>',
            token => return Err(self.wrong("`{`", token.to_string())),
        };
        if self.depth >= MAX_DEPTH {
            return Err(self.wrong(format!("at most {MAX_DEPTH} nested messages"), "one more"));
        }
        self.depth += 1;
        self.fields_until(Some(close), field)?;
        self.depth -= 1;
        Ok(())
    }

    fn fields_until(
        &mut self,
        close: Option<char>,
        mut field: impl FnMut(&str, &mut Self) -> Result<bool>,
    ) -> Result<()> {
        loop {
            match self.next() {
                Token::Symbol(symbol) if Some(symbol) == close => return Ok(()),
                Token::End if close.is_none() => return Ok(()),
                Token::Ident(name) => {
                    let place = self.place;
                    if !field(&name, self)? {
                        self.place = place;
                        return Err(self.wrong("a field of the message", format!("`{name}`")));
                    }
                    if !self.accept(',') {
                        self.accept(';');
                    }
                }
                Token::Symbol('[') => {
                    let place = self.place;
                    let name = self.bracketed()?;
                    if !field(&name, self)? {
                        self.place = place;
                        return Err(self.wrong("a field of the message", format!("`{name}]`")));
                    }
                }
                token => return Err(self.wrong("a field's name", token.to_string())),
            }
        }
    }

    /// The rest of `[a.b/c]`, with the opening bracket and without the closing one.
    fn bracketed(&mut self) -> Result<String> {
        let mut name = String::from("[");
        loop {
            match self.next() {
                Token::Symbol(']') => return Ok(name),
                Token::Ident(part) | Token::Number(part) => name.push_str(&part),
                Token::Symbol(symbol @ ('.' | '/' | '-')) => name.push(symbol),
                token => return Err(self.wrong("`]`", token.to_string())),
            }
        }
    }

    /// Reads one value or a list of values in brackets.
    pub(crate) fn list(&mut self, mut value: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        let before = self.clone();
        self.accept(':');
        if !self.accept('[') {
            *self = before;
            return value(self);
        }
        if self.accept(']') {
            return Ok(());
        }
        loop {
            value(self)?;
            match self.next() {
                Token::Symbol(',') => {}
                Token::Symbol(']') => return Ok(()),
                token => return Err(self.wrong("`,` or `]`", token.to_string())),
            }
        }
    }

    /// The next token of a scalar, after a colon where there is one (in a list there is none).
    fn scalar(&mut self) -> (bool, Token) {
        self.accept(':');
        let negative = self.accept('-');
        (negative, self.next())
    }

    pub(crate) fn integer(&mut self) -> Result<i128> {
        let (negative, token) = self.scalar();
        let parsed = match &token {
            Token::Number(digits) => parse_integer(digits),
            _ => None,
        };
        let value = parsed.ok_or_else(|| self.wrong("an integer", token.to_string()))?;
        Ok(if negative { -value } else { value })
    }

    pub(crate) fn float(&mut self) -> Result<f64> {
        let (negative, token) = self.scalar();
        let parsed = match &token {
            Token::Number(digits) if digits.to_ascii_lowercase().starts_with("0x") => None,
            Token::Number(digits) => digits.trim_end_matches(['f', 'F']).parse().ok(),
            Token::Ident(name) => match name.to_ascii_lowercase().as_str() {
                "inf" | "infinity" | "inff" => Some(f64::INFINITY),
                "nan" | "nanf" => Some(f64::NAN),
                _ => None,
            },
            _ => None,
        };
        let value: f64 = parsed.ok_or_else(|| self.wrong("a number", token.to_string()))?;
        Ok(if negative { -value } else { value })
    }

    pub(crate) fn boolean(&mut self) -> Result<bool> {
        let (negative, token) = self.scalar();
        let word = match &token {
            Token::Ident(word) | Token::Number(word) if !negative => word.as_str(),
            _ => "",
        };
        match word {
            "true" | "True" | "t" | "1" => Ok(true),
            "false" | "False" | "f" | "0" => Ok(false),
            _ => Err(self.wrong("true or false", token.to_string())),
        }
    }

    /// Pieces of a string, joined.
    pub(crate) fn string(&mut self) -> Result<Vec<u8>> {
        self.accept(':');
        let mut bytes = match self.next() {
            Token::String(bytes) => bytes,
            token => return Err(self.wrong("a string", token.to_string())),
        };
        while let Token::String(more) = self.peek() {
            self.next();
            bytes.extend_from_slice(&more);
        }
        Ok(bytes)
    }

    pub(crate) fn enumerator(&mut self, values: &[(&str, i32)]) -> Result<i32> {
        let (negative, token) = self.scalar();
        let found = match &token {
            Token::Ident(name) if !negative => values.iter().find(|(n, _)| n == name).map(|&(_, value)| value),
            Token::Number(digits) => {
                parse_integer(digits).and_then(|value| i32::try_from(if negative { -value } else { value }).ok())
            }
            _ => None,
        };
        found.ok_or_else(|| self.wrong("a known enumerator", token.to_string()))
    }
}

fn parse_integer(digits: &str) -> Option<i128> {
    let value = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        u64::from_str_radix(hex, 16).ok()?
    } else if digits.len() > 1 && digits.starts_with('0') {
        u64::from_str_radix(digits, 8).ok()?
    } else {
        digits.parse().ok()?
    };
    Some(i128::from(value))
}

#[cfg(test)]
mod tests {
    use crate::messages::{AttrValue, NodeDef, TensorProto, attr_value};
    use crate::wire::Message;

    #[test]
    fn every_form_of_value() {
        let node = NodeDef::from_text(
            r#"# a comment
            name: "a" 'b' "\x41\101\u00e9\n"  op: "NoOp"; input: ["x", '^y'], input: "z"
            attr { key: "f" value { f: -1.5e3f } } attr < key: "i" value: < i: -0x10 > >
            attr { key: "l" value { list { i: [1, 010, -3] b: true b: 0 type: DT_FLOAT type: 3 f: inf f: -nan } } }"#,
        )
        .unwrap();
        assert_eq!(node.name, "abAAé\n");
        assert_eq!(node.input, ["x", "^y", "z"]);
        let value = |key: &str| node.attr.get(key).unwrap().value.clone().unwrap();
        assert_eq!(value("f"), attr_value::Value::F(-1500.0));
        assert_eq!(value("i"), attr_value::Value::I(-16));
        let attr_value::Value::List(list) = value("l") else { panic!() };
        assert_eq!(list.i, [1, 8, -3]);
        assert_eq!(list.b, [true, false]);
        assert_eq!((list.r#type[0].0, list.r#type[1].0), (1, 3));
        assert!(list.f[0].is_infinite() && list.f[1].is_nan());
    }

    fn fails(text: &str, expected: &str) {
        assert_eq!(AttrValue::from_text(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn mistakes_are_placed() {
        let head = "read protobuf message";
        fails("i: x", &format!("{head} line 1 column 4: expected an integer, found `x`"));
        fails("\n  j: 1", &format!("{head} line 2 column 3: expected a field of the message, found `j`"));
        fails("s: \"a", &format!("{head} line 1 column 4: expected a string, found a string that is not closed"));
        fails("type: DT_FLOT", &format!("{head} line 1 column 7: expected a known enumerator, found `DT_FLOT`"));
        fails("list { i: 1", &format!("{head} line 1 column 12: expected a field's name, found the end"));
        fails(
            "i: 9223372036854775808",
            &format!("{head} line 1 column 4: expected a value of i64, found 9223372036854775808"),
        );
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let text = "tensor { variant_val { tensors ".to_owned() + &"{ variant_val { tensors ".repeat(5000);
        let error = AttrValue::from_text(&text).unwrap_err().to_string();
        assert!(error.contains("at most 100 nested messages"), "{error}");
        assert!(TensorProto::from_text("dtype: DT_STRING string_val: \"\\377\"").unwrap().string_val[0] == [255]);
    }
}
