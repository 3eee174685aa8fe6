//! Paths with parts to be filled in: `cp-{epoch:04d}-{val_loss:.2f}.ckpt`.

use kerox_config_json::python_float;

use crate::{Error, Result};

/// A number to fill in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Float(f64),
}

enum Part<'t> {
    Text(String),
    Field { name: &'t str, spec: &'t str },
}

fn error(template: &str, expected: &str, found: impl Into<String>) -> Error {
    Error::argument("ModelCheckpoint", "filepath", format!("{expected} in `{template}`"), found)
}

fn parts(template: &str) -> Result<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let (brace, after) = rest[at..].split_at(1);
        if after.starts_with(brace) {
            text.push_str(brace);
            rest = &after[1..];
            continue;
        }
        if brace == "}" {
            return Err(error(template, "braces in pairs (`}}` for a brace itself)", "a single `}`"));
        }
        let Some(end) = after.find('}') else {
            return Err(error(template, "braces in pairs (`{{` for a brace itself)", "a single `{`"));
        };
        let (name, spec) = after[..end].split_once(':').unwrap_or((&after[..end], ""));
        parts.push(Part::Text(std::mem::take(&mut text)));
        parts.push(Part::Field { name, spec });
        rest = &after[end + 1..];
    }
    text.push_str(rest);
    parts.push(Part::Text(text));
    Ok(parts)
}

/// The names in a template.
pub(crate) fn names(template: &str) -> Result<Vec<&str>> {
    let fields = parts(template)?.into_iter().filter_map(|part| match part {
        Part::Field { name, spec } => Some((name, spec)),
        Part::Text(_) => None,
    });
    fields
        .map(|(name, spec)| {
            // Bad formats are found before training as well.
            let probe = if matches!(name, "epoch" | "batch") { Number::Int(1) } else { Number::Float(0.5) };
            format_number(template, spec, probe).map(|_| name)
        })
        .collect()
}

/// The template filled in, as Python's `str.format` does.
pub(crate) fn fill(template: &str, value: impl Fn(&str) -> Option<Number>) -> Result<String> {
    let mut out = String::new();
    for part in parts(template)? {
        match part {
            Part::Text(text) => out.push_str(&text),
            Part::Field { name, spec } => {
                let Some(value) = value(name) else {
                    return Err(error(template, "names of values there are", format!("`{name}`")));
                };
                out.push_str(&format_number(template, spec, value)?);
            }
        }
    }
    Ok(out)
}

fn format_number(template: &str, spec: &str, value: Number) -> Result<String> {
    let bad = || error(template, "a format such as `04d` or `.2f`", format!("`{spec}`"));
    let mut chars: Vec<char> = spec.chars().collect();
    let mut fill = ' ';
    let mut align = None;
    if chars.len() > 1 && matches!(chars[1], '<' | '>' | '^' | '=') {
        (fill, align) = (chars[0], Some(chars[1]));
        chars.drain(..2);
    } else if chars.first().is_some_and(|c| matches!(c, '<' | '>' | '^' | '=')) {
        align = Some(chars.remove(0));
    }
    let sign = match chars.first() {
        Some(&c @ ('+' | '-' | ' ')) => {
            chars.remove(0);
            c
        }
        _ => '-',
    };
    if chars.first() == Some(&'0') {
        chars.remove(0);
        if align.is_none() {
            (fill, align) = ('0', Some('='));
        }
    }
    let mut rest: String = chars.into_iter().collect();
    let kind = match rest.chars().last() {
        Some(c) if c.is_ascii_alphabetic() || c == '%' => {
            rest.pop();
            Some(c)
        }
        _ => None,
    };
    let (width, precision) = match rest.split_once('.') {
        Some((width, precision)) => (width, Some(precision.parse::<usize>().map_err(|_| bad())?)),
        None => (rest.as_str(), None),
    };
    let width = if width.is_empty() { 0 } else { width.parse::<usize>().map_err(|_| bad())? };
    if width > 1000 || precision.is_some_and(|p| p > 100) {
        return Err(bad());
    }
    let body = match (value, kind) {
        (Number::Int(x), None | Some('d')) if precision.is_none() => x.abs().to_string(),
        (Number::Float(_), Some('d')) => {
            return Err(error(template, "a format for numbers with a fraction, such as `.2f`", format!("`{spec}`")));
        }
        (Number::Float(x), None) if precision.is_none() => python_float(x.abs()),
        (value, kind) => {
            let x = match value {
                Number::Int(x) => x as f64,
                Number::Float(x) => x,
            }
            .abs();
            let precision = precision.unwrap_or(6);
            match kind {
                Some('f' | 'F') => format!("{x:.precision$}"),
                Some('%') => format!("{:.precision$}%", x * 100.0),
                Some('e' | 'E') => exponent(x, precision),
                None | Some('g' | 'G') => general(x, precision.max(1)),
                _ => return Err(bad()),
            }
        }
    };
    let is_negative = match value {
        Number::Int(x) => x < 0,
        Number::Float(x) => x < 0.0,
    };
    let sign = match (is_negative, sign) {
        (true, _) => "-",
        (false, '+') => "+",
        (false, ' ') => " ",
        _ => "",
    };
    let missing = width.saturating_sub(body.chars().count() + sign.len());
    let pad = |n: usize| -> String { std::iter::repeat_n(fill, n).collect() };
    Ok(match align {
        Some('<') => format!("{sign}{body}{}", pad(missing)),
        Some('^') => format!("{}{sign}{body}{}", pad(missing / 2), pad(missing - missing / 2)),
        Some('=') => format!("{sign}{}{body}", pad(missing)),
        _ => format!("{}{sign}{body}", pad(missing)),
    })
}

fn exponent(x: f64, precision: usize) -> String {
    let text = format!("{x:.precision$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let exponent: i32 = exponent.parse().unwrap_or(0);
            format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
        None => text,
    }
}

fn general(x: f64, precision: usize) -> String {
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 { "0".into() } else { python_float(x) };
    }
    let scientific = exponent(x, precision - 1);
    let power: i32 = scientific.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let trim = |s: &str| s.trim_end_matches('0').trim_end_matches('.').to_string();
    if power < -4 || power >= precision as i32 {
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
        let mantissa = if mantissa.contains('.') { trim(mantissa) } else { mantissa.to_string() };
        return format!("{mantissa}e{exponent}");
    }
    let digits = (precision as i32 - 1 - power).max(0) as usize;
    let text = format!("{x:.digits$}");
    if text.contains('.') { trim(&text) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> String {
        fill(template, |name| match name {
            "epoch" => Some(Number::Int(7)),
            "loss" => Some(Number::Float(0.123_456_789)),
            "big" => Some(Number::Float(-12345.678)),
            _ => None,
        })
        .unwrap()
    }

    #[test]
    fn numbers_are_formatted_as_in_python() {
        // Expected values: '...'.format(epoch=7, loss=0.123456789, big=-12345.678) of Python 3.
        for (template, expected) in [
            ("cp-{epoch:04d}.ckpt", "cp-0007.ckpt"),
            ("{epoch}", "7"),
            ("{epoch:>3}|{epoch:<3}|{epoch:^3}", "  7|7  | 7 "),
            ("{epoch:+d}", "+7"),
            ("{epoch:.1f}", "7.0"),
            ("{loss:.2f}", "0.12"),
            ("{loss}", "0.123456789"),
            ("{loss:.3e}", "1.235e-01"),
            ("{loss:.3g}", "0.123"),
            ("{loss:08.3f}", "0000.123"),
            ("{loss:.1%}", "12.3%"),
            ("{big:.1f}", "-12345.7"),
            ("{big:010.1f}", "-0012345.7"),
            ("{big:.3g}", "-1.23e+04"),
            ("{{x}}{epoch}", "{x}7"),
        ] {
            assert_eq!(filled(template), expected, "{template}");
        }
    }

    #[test]
    fn what_is_wrong_is_found_before_training() {
        assert_eq!(names("a/{epoch:02d}-{val_loss:.2f}").unwrap(), ["epoch", "val_loss"]);
        for template in ["{epoch", "epoch}", "{loss:d}", "{epoch:z}", "{epoch:99999d}"] {
            assert!(names(template).is_err(), "{template}");
        }
    }
}
