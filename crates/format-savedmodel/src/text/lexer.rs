//! Tokens of the text format.

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A name, and also `true`, `inf` or an enumerator.
    Ident(String),
    /// A number as it stands, without sign.
    Number(String),
    /// One piece of a string, unescaped.
    String(Vec<u8>),
    /// Punctuation.
    Symbol(char),
    /// The end of the text.
    End,
    /// Something that is no token; the reason.
    Bad(&'static str),
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Token::Ident(name) => write!(f, "`{name}`"),
            Token::Number(number) => write!(f, "`{number}`"),
            Token::String(_) => f.write_str("a string"),
            Token::Symbol(symbol) => write!(f, "`{symbol}`"),
            Token::End => f.write_str("the end"),
            Token::Bad(reason) => f.write_str(reason),
        }
    }
}

/// Cuts text into tokens.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
    line_start: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text: text.as_bytes(), at: 0, line: 1, line_start: 0 }
    }

    /// Line and column of the next token, from 1.
    pub(crate) fn place(&mut self) -> (u32, u32) {
        self.skip_space();
        (self.line, (self.at - self.line_start) as u32 + 1)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b'\n' {
            self.line += 1;
            self.line_start = self.at;
        }
        Some(byte)
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'#' {
                while self.peek().is_some_and(|b| b != b'\n') {
                    self.bump();
                }
            } else if byte.is_ascii_whitespace() || byte == 0x0b {
                self.bump();
            } else {
                return;
            }
        }
    }

    fn run(&mut self, accept: impl Fn(u8) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(&accept) {
            self.at += 1;
        }
        String::from_utf8_lossy(self.text.get(start..self.at).unwrap_or(&[])).into_owned()
    }

    pub(crate) fn next(&mut self) -> Token {
        self.skip_space();
        let Some(byte) = self.peek() else { return Token::End };
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Token::Ident(self.run(|b| b.is_ascii_alphanumeric() || b == b'_')),
            b'0'..=b'9' => self.number(),
            b'.' if self.text.get(self.at + 1).is_some_and(u8::is_ascii_digit) => self.number(),
            b'"' | b'\'' => self.string(byte),
            _ if byte.is_ascii_graphic() => {
                self.at += 1;
                Token::Symbol(byte as char)
            }
            _ => Token::Bad("a byte that is no token"),
        }
    }

    fn number(&mut self) -> Token {
        let start = self.at;
        while let Some(byte) = self.peek() {
            let signed = matches!(byte, b'+' | b'-') && matches!(self.text.get(self.at - 1), Some(b'e' | b'E'));
            let hex = self.text.get(start..start + 2).is_some_and(|p| p.eq_ignore_ascii_case(b"0x"));
            if byte.is_ascii_alphanumeric() || byte == b'.' || (signed && !hex && self.at > start) {
                self.at += 1;
            } else {
                break;
            }
        }
        Token::Number(String::from_utf8_lossy(self.text.get(start..self.at).unwrap_or(&[])).into_owned())
    }

    fn string(&mut self, quote: u8) -> Token {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            match self.bump() {
                None | Some(b'\n') => return Token::Bad("a string that is not closed"),
                Some(byte) if byte == quote => return Token::String(out),
                Some(b'\\') => {
                    if let Err(reason) = self.escape(&mut out) {
                        return Token::Bad(reason);
                    }
                }
                Some(byte) => out.push(byte),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let byte = self.bump().ok_or("a string that is not closed")?;
        match byte {
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'\\' | b'\'' | b'"' | b'?' => out.push(byte),
            b'0'..=b'7' => {
                self.at -= 1;
                out.push(self.digits(8, 3).filter(|&v| v < 256).ok_or("an octal escape above 377")? as u8);
            }
            b'x' | b'X' => out.push(self.digits(16, 2).ok_or("`\\x` without digits")? as u8),
            b'u' | b'U' => {
                let width = if byte == b'u' { 4 } else { 8 };
                let start = self.at;
                let code = self.digits(16, width).filter(|_| self.at - start == width);
                let character = code.and_then(char::from_u32).ok_or("an escape that is no Unicode character")?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return Err("an unknown escape"),
        }
        Ok(())
    }

    fn digits(&mut self, radix: u32, most: usize) -> Option<u32> {
        let start = self.at;
        let mut value = 0u32;
        while self.at - start < most {
            let Some(digit) = self.peek().and_then(|b| (b as char).to_digit(radix)) else { break };
            value = value << radix.trailing_zeros() | digit;
            self.at += 1;
        }
        (self.at > start).then_some(value)
    }
}
