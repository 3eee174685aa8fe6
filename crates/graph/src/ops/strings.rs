//! Operations on byte strings.

use std::sync::Arc;

use kerox_tensor::{DType, Tensor, fingerprint64};
use regex_lite::{Regex, RegexBuilder};

use super::declaration::Declaration;
use super::dispatch::argument;
use super::dynamic::{Arguments, ints, run_interpreted};
use super::hash::sip_hash;
use crate::{Attr, Attrs, Dims, Infer, Op, Result, Run, RunContext, RuntimeValue, ValueInfo};

/// What a [`StringMap`] does with each string.
#[derive(Clone, Debug)]
pub enum StringKind {
    /// `StringLower`; whether of all letters or only of ASCII's.
    Lower(bool),
    /// `StringUpper`; whether of all letters or only of ASCII's.
    Upper(bool),
    /// `StringStrip`: white space at both ends removed.
    Strip,
    /// `StringLength`; whether characters are counted instead of bytes.
    Length(bool),
    /// `StringToNumber`, to that type.
    ToNumber(DType),
    /// `StringToHashBucketFast`: FarmHash's fingerprint modulo the number of buckets.
    HashFast(u64),
    /// `StringToHashBucketStrong`: SipHash with a key modulo the number of buckets.
    HashStrong(u64, [u64; 2]),
    /// `StaticRegexReplace`: matches of the expression replaced; `\1` is the first group.
    Replace {
        /// The expression.
        pattern: Pattern,
        /// What takes a match's place.
        rewrite: String,
        /// Whether all matches are replaced or the first.
        global: bool,
    },
    /// `StaticRegexReplace` of all of ASCII's punctuation by nothing.
    StripPunctuation,
    /// `StaticRegexFullMatch`: whether the expression matches the whole string.
    FullMatch(Pattern),
}

/// A compiled regular expression with its text.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

/// The expression by which Keras finds punctuation.
const PUNCTUATION: &str = r##"[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']"##;

/// Bytes a compiled expression may take.
const MAX_REGEX: usize = 1 << 20;

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where it is none, or too large.
    pub fn new(text: &str, whole: bool) -> Result<Pattern> {
        let wrapped = if whole { format!("^(?:{text})$") } else { text.to_string() };
        let regex = RegexBuilder::new(&wrapped).size_limit(MAX_REGEX).nest_limit(100).build();
        let shown: String = text.chars().take(80).collect();
        let wrong = |e: regex_lite::Error| argument("StaticRegexReplace", "", "pattern", e.to_string(), shown);
        Ok(Pattern { text: text.to_string(), regex: regex.map_err(wrong)? })
    }

    /// Whether text matches.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where it is not UTF-8.
    pub fn is_match(&self, input: &[u8]) -> Result<bool> {
        Ok(self.regex.is_match(utf8(input)?))
    }

    fn replace(&self, input: &[u8], rewrite: &str, global: bool) -> Result<Vec<u8>> {
        let text = utf8(input)?;
        let mut result = String::with_capacity(text.len());
        let (mut end, mut last) = (0, None);
        for found in self.regex.captures_iter(text).take(if global { usize::MAX } else { 1 }) {
            let Some(whole) = found.get(0) else { break };
            // An empty match right behind a match is none.
            if whole.is_empty() && last == Some(whole.start()) {
                continue;
            }
            last = Some(whole.end());
            result.push_str(&text[end..whole.start()]);
            let mut escaped = false;
            for c in rewrite.chars() {
                match (escaped, c) {
                    (false, '\\') => {
                        escaped = true;
                        continue;
                    }
                    (true, '0'..='9') => {
                        let group = c.to_digit(10).unwrap_or(0) as usize;
                        result.push_str(found.get(group).map_or("", |m| m.as_str()));
                    }
                    _ => result.push(c),
                }
                escaped = false;
            }
            end = whole.end();
        }
        result.push_str(&text[end..]);
        Ok(result.into_bytes())
    }
}

fn utf8(input: &[u8]) -> Result<&str> {
    std::str::from_utf8(input)
        .map_err(|_| argument("RegexReplace", "", "input", "UTF-8 text", String::from_utf8_lossy(input).into_owned()))
}

/// One of the operations that look at each string on its own.
#[derive(Clone, Debug)]
pub struct StringMap(
    /// What is done.
    pub StringKind,
);

fn map(kind: StringKind) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(StringMap(kind)))
}

fn unicode(attrs: &Attrs) -> Result<bool> {
    Ok(attrs.string_or("encoding", "")?.eq_ignore_ascii_case("utf-8"))
}

fn buckets(attrs: &Attrs) -> Result<u64> {
    let n = u64::try_from(attrs.int("num_buckets")?).ok().filter(|&n| n > 0);
    n.ok_or_else(|| attrs.wrong("num_buckets", "at least 1", attrs.get("num_buckets")))
}

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "StringLower", signature: "input -> output", build: |a| map(StringKind::Lower(unicode(a)?)) },
    Declaration { name: "StringUpper", signature: "input -> output", build: |a| map(StringKind::Upper(unicode(a)?)) },
    Declaration { name: "StringStrip", signature: "input -> output", build: |_| map(StringKind::Strip) },
    Declaration {
        name: "StringLength",
        signature: "input -> output",
        build: |a| map(StringKind::Length(a.string_or("unit", "BYTE")? == "UTF8_CHAR")),
    },
    Declaration {
        name: "StringToNumber",
        signature: "string_tensor -> output",
        build: |a| map(StringKind::ToNumber(a.dtype_or("out_type", DType::F32)?)),
    },
    Declaration {
        name: "StringToHashBucketFast",
        signature: "input -> output",
        build: |a| map(StringKind::HashFast(buckets(a)?)),
    },
    Declaration {
        name: "StringToHashBucketStrong",
        signature: "input -> output",
        build: |a| match a.ints("key")?[..] {
            [x, y] => map(StringKind::HashStrong(buckets(a)?, [x as u64, y as u64])),
            _ => Err(a.wrong("key", "2 integers", a.get("key"))),
        },
    },
    Declaration {
        name: "StaticRegexReplace",
        signature: "input -> output",
        build: |a| {
            map(StringKind::Replace {
                pattern: Pattern::new(&a.string("pattern")?, false)?,
                rewrite: a.string("rewrite")?,
                global: a.bool_or("replace_global", true)?,
            })
        },
    },
    Declaration {
        name: "StaticRegexFullMatch",
        signature: "input -> output",
        build: |a| map(StringKind::FullMatch(Pattern::new(&a.string("pattern")?, true)?)),
    },
    Declaration {
        name: "RegexReplace",
        signature: "input, pattern, rewrite -> output",
        build: |a| Ok(Arc::new(RegexReplace { global: a.bool_or("replace_global", true)? })),
    },
    Declaration {
        name: "StringSplitV2",
        signature: "input, sep -> indices, values, shape",
        build: |a| Ok(Arc::new(StringSplit { max_splits: usize::try_from(a.int_or("maxsplit", -1)?).ok() })),
    },
    Declaration {
        name: "StringJoin",
        signature: "inputs[N] -> output",
        build: |a| Ok(Arc::new(StringJoin { separator: a.string_or("separator", "")?.into_bytes() })),
    },
    Declaration { name: "AsString", signature: "input -> output", build: AsString::build },
];

impl Op for StringMap {
    fn name(&self) -> &'static str {
        match self.0 {
            StringKind::Lower(_) => "StringLower",
            StringKind::Upper(_) => "StringUpper",
            StringKind::Strip => "StringStrip",
            StringKind::Length(_) => "StringLength",
            StringKind::ToNumber(_) => "StringToNumber",
            StringKind::HashFast(_) => "StringToHashBucketFast",
            StringKind::HashStrong(..) => "StringToHashBucketStrong",
            StringKind::Replace { .. } | StringKind::StripPunctuation => "StaticRegexReplace",
            StringKind::FullMatch(_) => "StaticRegexFullMatch",
        }
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let text = |s: &str| Attr::String(s.as_bytes().to_vec());
        match &self.0 {
            StringKind::Lower(all) | StringKind::Upper(all) => {
                vec![("encoding", text(if *all { "utf-8" } else { "" }))]
            }
            StringKind::Strip => Vec::new(),
            StringKind::Length(chars) => vec![("unit", text(if *chars { "UTF8_CHAR" } else { "BYTE" }))],
            StringKind::ToNumber(to) => vec![("out_type", Attr::Type(*to))],
            StringKind::HashFast(n) => vec![("num_buckets", Attr::Int(*n as i64))],
            StringKind::HashStrong(n, key) => vec![
                ("num_buckets", Attr::Int(*n as i64)),
                ("key", Attr::List(key.iter().map(|&k| Attr::Int(k as i64)).collect())),
            ],
            StringKind::Replace { pattern, rewrite, global } => vec![
                ("pattern", text(&pattern.text)),
                ("rewrite", text(rewrite)),
                ("replace_global", Attr::Bool(*global)),
            ],
            StringKind::StripPunctuation => {
                vec![("pattern", text(PUNCTUATION)), ("rewrite", text("")), ("replace_global", Attr::Bool(true))]
            }
            StringKind::FullMatch(pattern) => vec![("pattern", text(&pattern.text))],
        }
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        cx.of_dtype(0, DType::String)?;
        let dtype = match self.0 {
            StringKind::Length(_) => DType::I32,
            StringKind::ToNumber(to) => to,
            StringKind::HashFast(_) | StringKind::HashStrong(..) => DType::I64,
            StringKind::FullMatch(_) => DType::Bool,
            _ => DType::String,
        };
        Ok(vec![ValueInfo::new(dtype, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let inputs = run.inputs[0].slice::<Vec<u8>>()?;
        let output = &mut run.outputs[0];
        macro_rules! each {
            ($type:ty, $s:ident => $result:expr) => {{
                for (o, $s) in output.slice::<$type>()?.iter_mut().zip(inputs) {
                    *o = $result;
                }
            }};
        }
        match &self.0 {
            StringKind::Lower(false) => each!(Vec<u8>, s => s.to_ascii_lowercase()),
            StringKind::Upper(false) => each!(Vec<u8>, s => s.to_ascii_uppercase()),
            StringKind::Lower(true) => {
                each!(Vec<u8>, s => utf8(s)?.chars().flat_map(char::to_lowercase).collect::<String>().into_bytes())
            }
            StringKind::Upper(true) => each!(Vec<u8>, s => utf8(s)?.to_uppercase().into_bytes()),
            StringKind::Strip => each!(Vec<u8>, s => s.trim_ascii().to_vec()),
            StringKind::Length(false) => each!(i32, s => i32::try_from(s.len()).unwrap_or(i32::MAX)),
            // Every byte that does not continue a character begins one.
            StringKind::Length(true) => each!(i32, s => s.iter().filter(|&&b| b & 0xc0 != 0x80).count() as i32),
            StringKind::HashFast(n) => each!(i64, s => (fingerprint64(s) % n) as i64),
            StringKind::HashStrong(n, key) => each!(i64, s => (sip_hash(*key, s) % n) as i64),
            StringKind::Replace { pattern, rewrite, global } => {
                each!(Vec<u8>, s => pattern.replace(s, rewrite, *global)?);
            }
            StringKind::StripPunctuation => {
                each!(Vec<u8>, s => s.iter().copied().filter(|b| !b.is_ascii_punctuation()).collect());
            }
            StringKind::FullMatch(pattern) => each!(bool, s => pattern.is_match(s)?),
            StringKind::ToNumber(DType::F32) => each!(f32, s => number(s)?),
            StringKind::ToNumber(DType::F64) => each!(f64, s => number(s)?),
            StringKind::ToNumber(DType::I32) => each!(i32, s => number(s)?),
            StringKind::ToNumber(DType::I64) => each!(i64, s => number(s)?),
            StringKind::ToNumber(other) => return Err(super::dispatch::unsupported("StringToNumber", *other)),
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr>(s: &[u8]) -> Result<T> {
    let text = std::str::from_utf8(s).unwrap_or("").trim();
    let shown: String = String::from_utf8_lossy(s).chars().take(60).collect();
    text.parse().map_err(|_| argument("StringToNumber", "", "input", "a number", format!("`{shown}`")))
}

/// `RegexReplace(input, pattern, rewrite)`.
#[derive(Clone, Copy, Debug)]
pub struct RegexReplace {
    /// Whether all matches are replaced or the first.
    pub global: bool,
}

impl Op for RegexReplace {
    fn name(&self) -> &'static str {
        "RegexReplace"
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("replace_global", Attr::Bool(self.global))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        cx.of_dtype(0, DType::String)?;
        Ok(vec![ValueInfo::new(DType::String, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut a = Arguments::new("RegexReplace", cx, inputs);
        let input = a.tensor()?;
        let pattern = Pattern::new(utf8(&a.bytes()?)?, false)?;
        let rewrite = a.bytes()?;
        let rewrite = utf8(&rewrite)?;
        let strings = input.as_slice::<Vec<u8>>()?;
        let replaced = strings.iter().map(|s| pattern.replace(s, rewrite, self.global)).collect::<Result<Vec<_>>>()?;
        Ok(vec![Tensor::from_vec(replaced, input.shape().clone())?.into()])
    }
}

/// `StringSplitV2(input, sep)`: a vector of strings taken apart, as Python's `str.split` does; as a sparse matrix.
#[derive(Clone, Copy, Debug)]
pub struct StringSplit {
    /// Splits at most, if there is a bound.
    pub max_splits: Option<usize>,
}

impl StringSplit {
    fn split<'s>(&self, s: &'s [u8], separator: &[u8]) -> Vec<&'s [u8]> {
        let max = self.max_splits.unwrap_or(usize::MAX);
        let mut parts = Vec::new();
        let mut rest = s;
        if separator.is_empty() {
            rest = rest.trim_ascii();
            while let Some(at) = rest.iter().position(u8::is_ascii_whitespace).filter(|_| parts.len() < max) {
                parts.push(&rest[..at]);
                rest = rest[at..].trim_ascii_start();
            }
            if !rest.is_empty() {
                parts.push(rest);
            }
            return parts;
        }
        while parts.len() < max {
            let Some(at) = rest.windows(separator.len()).position(|w| w == separator) else { break };
            parts.push(&rest[..at]);
            rest = &rest[at + separator.len()..];
        }
        parts.push(rest);
        parts
    }
}

/// Parts of the strings of a vector as a sparse matrix: places, parts and shape.
pub(super) fn parts_of_vector(cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
    cx.of_dtype(0, DType::String)?;
    cx.of_rank(0, 1)?;
    Ok(vec![
        ValueInfo::new(DType::I64, [None, Some(2)]),
        ValueInfo::new(DType::String, [None]),
        ValueInfo::new(DType::I64, [Some(2)]),
    ])
}

impl Op for StringSplit {
    fn name(&self) -> &'static str {
        "StringSplitV2"
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("maxsplit", Attr::Int(self.max_splits.map_or(-1, |n| n as i64)))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        parts_of_vector(cx)
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut a = Arguments::new("StringSplitV2", cx, inputs);
        let input = a.tensor()?;
        let separator = a.bytes()?;
        let rows = input.as_slice::<Vec<u8>>()?;
        let (mut indices, mut values, mut widest) = (Vec::new(), Vec::new(), 0);
        for (row, s) in rows.iter().enumerate() {
            let parts = self.split(s, &separator);
            widest = widest.max(parts.len());
            for (column, part) in parts.into_iter().enumerate() {
                indices.extend([row as i64, column as i64]);
                values.push(part.to_vec());
            }
        }
        let n = values.len();
        Ok(vec![
            Tensor::from_vec(indices, [n, 2])?.into(),
            Tensor::from_vec(values, [n])?.into(),
            Tensor::from_vec(vec![rows.len() as i64, widest as i64], [2])?.into(),
        ])
    }
}

/// `StringJoin(inputs...)`: strings of one shape (scalars go with any) put together element by element.
#[derive(Clone, Debug)]
pub struct StringJoin {
    /// What comes between.
    pub separator: Vec<u8>,
}

impl Op for StringJoin {
    fn name(&self) -> &'static str {
        "StringJoin"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("N", Attr::Int(inputs.len() as i64)), ("separator", Attr::String(self.separator.clone()))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let mut dims = Dims::scalar();
        for i in 0..cx.inputs().len() {
            cx.of_dtype(i, DType::String)?;
            let other = cx.dims(i)?;
            if dims.rank() == Some(0) {
                dims = other.clone();
            } else if other.rank() != Some(0) {
                let wrong = || cx.wrong(&format!("input {i}"), dims.to_string(), other.to_string());
                dims = dims.merge(other).ok_or_else(wrong)?;
            }
        }
        Ok(vec![ValueInfo::new(DType::String, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        for (k, output) in run.outputs[0].slice::<Vec<u8>>()?.iter_mut().enumerate() {
            output.clear();
            for (i, input) in run.inputs.iter().enumerate() {
                if i > 0 {
                    output.extend_from_slice(&self.separator);
                }
                output.extend_from_slice(&input.slice::<Vec<u8>>()?[if input.shape.rank() == 0 { 0 } else { k }]);
            }
        }
        Ok(())
    }
}

/// `AsString`: numbers and bools as text, as C's `printf` writes them.
#[derive(Clone, Debug)]
pub struct AsString {
    /// Digits behind the point; 6 where `None`.
    pub precision: Option<usize>,
    /// Whether floats are written with an exponent.
    pub scientific: bool,
    /// Whether floats are written as short as possible.
    pub shortest: bool,
    /// The least width.
    pub width: usize,
    /// What the text is filled up with from the left (or right, with `-`); a space where empty.
    pub fill: String,
}

impl AsString {
    fn build(attrs: &Attrs) -> Result<Arc<dyn Op>> {
        let width = usize::try_from(attrs.int_or("width", -1)?).unwrap_or(0);
        if width > 1000 {
            return Err(attrs.wrong("width", "at most 1000", attrs.get("width")));
        }
        let precision = usize::try_from(attrs.int_or("precision", -1)?).ok();
        if precision.is_some_and(|p| p > 1000) {
            return Err(attrs.wrong("precision", "at most 1000", attrs.get("precision")));
        }
        let fill = attrs.string_or("fill", "")?;
        if !matches!(fill.as_str(), "" | " " | "0" | "-" | "+") {
            return Err(attrs.wrong("fill", "nothing, a space, `0`, `+` or `-`", attrs.get("fill")));
        }
        let (scientific, shortest) = (attrs.bool_or("scientific", false)?, attrs.bool_or("shortest", false)?);
        Ok(Arc::new(AsString { precision, scientific, shortest, width, fill }))
    }

    fn float(&self, value: f64) -> String {
        if !value.is_finite() {
            let text = if value.is_nan() {
                "nan"
            } else if value > 0.0 {
                "inf"
            } else {
                "-inf"
            };
            return text.into();
        }
        if self.shortest {
            return general(value, self.precision);
        }
        let precision = self.precision.unwrap_or(6);
        if self.scientific { exponent(&format!("{value:.precision$e}")) } else { format!("{value:.precision$}") }
    }

    fn padded(&self, text: String) -> Vec<u8> {
        let text = if self.fill == "+" && !text.starts_with('-') { format!("+{text}") } else { text };
        let missing = self.width.saturating_sub(text.len());
        match self.fill.as_str() {
            "-" => format!("{text}{}", " ".repeat(missing)),
            "0" => match text.strip_prefix('-') {
                Some(digits) => format!("-{}{digits}", "0".repeat(missing)),
                None => format!("{}{text}", "0".repeat(missing)),
            },
            _ => format!("{}{text}", " ".repeat(missing)),
        }
        .into_bytes()
    }
}

/// Rust's `1e5` as C's `1e+05`.
fn exponent(text: &str) -> String {
    let (digits, power) = text.split_once('e').unwrap_or((text, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
}

/// C's `%g`.
fn general(value: f64, precision: Option<usize>) -> String {
    let precision = precision.unwrap_or(6).max(1);
    let text = format!("{value:.*e}", precision - 1);
    let power: i32 = text.split_once('e').and_then(|(_, p)| p.parse().ok()).unwrap_or(0);
    let trim =
        |s: &str| if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_string() } else { s.into() };
    if power < -4 || power >= precision as i32 {
        let digits = text.split_once('e').map_or("", |(d, _)| d);
        return exponent(&format!("{}e{power}", trim(digits)));
    }
    trim(&format!("{value:.*}", usize::try_from(precision as i32 - 1 - power).unwrap_or(0)))
}

impl Op for AsString {
    fn name(&self) -> &'static str {
        "AsString"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("T", Attr::Type(inputs[0].dtype)),
            ("precision", Attr::Int(self.precision.map_or(-1, |p| p as i64))),
            ("scientific", Attr::Bool(self.scientific)),
            ("shortest", Attr::Bool(self.shortest)),
            ("width", Attr::Int(if self.width == 0 { -1 } else { self.width as i64 })),
            ("fill", Attr::String(self.fill.clone().into_bytes())),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        Ok(vec![ValueInfo::new(DType::String, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let input = Arguments::new("AsString", cx, inputs).tensor()?;
        let texts: Vec<String> = match input.dtype() {
            DType::F32 => input.as_slice::<f32>()?.iter().map(|&v| self.float(v.into())).collect(),
            DType::F64 => input.as_slice::<f64>()?.iter().map(|&v| self.float(v)).collect(),
            DType::Bool => input.as_slice::<bool>()?.iter().map(bool::to_string).collect(),
            DType::String => return Ok(vec![input.into()]),
            other => match ints(&input) {
                Some(values) => values.iter().map(i64::to_string).collect(),
                None => return Err(super::dispatch::unsupported("AsString", other)),
            },
        };
        let texts: Vec<Vec<u8>> = texts.into_iter().map(|text| self.padded(text)).collect();
        Ok(vec![Tensor::from_vec(texts, input.shape().clone())?.into()])
    }
}
