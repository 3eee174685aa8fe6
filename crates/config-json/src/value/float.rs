//! Floats as Python prints them.

/// The text of a float as Python's `repr` and `json.dumps` write it: the fewest digits that read back exactly, plain
/// between 1e-4 and 1e16, else with an exponent of at least two digits.
///
/// # Example
/// ```
/// use kerox_config_json::python_float;
/// assert_eq!(python_float(1e-7), "1e-07");
/// assert_eq!(python_float(0.001f32 as f64), "0.0010000000474974513");
/// assert_eq!(python_float(1e16), "1e+16");
/// assert_eq!(python_float(-0.0), "-0.0");
/// ```
/// # Source
/// CPython `Objects/floatobject.c`, `float_repr_style = 'short'`; `json/encoder.py` for `NaN` and `Infinity`.
pub fn python_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    if !(-4..16).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{point}{rest}e{exponent_sign}{:02}", exponent.abs());
    }
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize));
    }
    let before_point = exponent as usize + 1;
    if digits.len() <= before_point {
        format!("{sign}{digits}{}.0", "0".repeat(before_point - digits.len()))
    } else {
        let (whole, fraction) = digits.split_at(before_point);
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected texts are what CPython 3.11 prints.
    #[test]
    fn same_as_python() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (1e-7, "1e-07"),
            (1e-4, "0.0001"),
            (0.00012345, "0.00012345"),
            (9.999e-5, "9.999e-05"),
            (0.1, "0.1"),
            (0.9f32 as f64, "0.8999999761581421"),
            (0.001f32 as f64, "0.0010000000474974513"),
            (1e-7f32 as f64, "1.0000000116860974e-07"),
            (1e15, "1000000000000000.0"),
            (9007199254740993.0, "9007199254740992.0"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (1e16, "1e+16"),
            (1e22, "1e+22"),
            (1e100, "1e+100"),
            (1.5e300, "1.5e+300"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (-2.5, "-2.5"),
            (1.0 / 3.0, "0.3333333333333333"),
            (2.0 / 3.0, "0.6666666666666666"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(python_float(value), expected);
        }
    }
}
