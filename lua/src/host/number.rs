//! Number text as gopher-lua gives and reads it (contract 13 §1.6).

/// A number as gopher-lua's `tostring` prints it: integral ones in full, others in the shortest form that reads back,
/// with an exponent below 1e-4 and from 1e21 for integral, from 1e6 for other ones.
pub(super) fn text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if let Some(integer) = integral(number) {
        return integer.to_string();
    }
    // Rust's `e` form has the same shortest digits; only the layout differs.
    let scientific = format!("{number:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        Ok(_) | Err(_) => format!("{number}"),
    }
}

/// The number as an integer of 64 bits, if it is one.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
pub(super) fn integral(number: f64) -> Option<i64> {
    const BOUND: f64 = 9_223_372_036_854_775_808.0; // 2^63
    (number.fract() == 0.0 && (-BOUND..BOUND).contains(&number)).then_some(number as i64)
}

/// What gopher-lua's `tonumber` makes of a text: without a dot it must be a whole number (so `1e3` is none).
pub(super) fn parse(text: &str, base: Option<u32>) -> Option<f64> {
    let text = text.trim_matches([' ', '\n', '\t']);
    if text.contains('.') {
        return float(text);
    }
    let (digits, radix) = match (base, text.get(..2)) {
        (None, Some("0x" | "0X")) => (&text[2..], 16),
        (base, _) => (text, base.unwrap_or(10)),
    };
    #[expect(clippy::cast_precision_loss, reason = "numbers of Lua are floats")]
    i64::from_str_radix(digits, radix).ok().map(|integer| integer as f64)
}

/// A decimal fraction. Rust reads the same ones as Go but for the words `inf` and `nan`, which hold no dot.
fn float(text: &str) -> Option<f64> {
    let number = text.parse::<f64>().ok()?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_in_gopher_lua() {
        for (number, expected) in [
            (1.0 / 3.0, "0.3333333333333333"),
            (1e15, "1000000000000000"),
            (-0.5, "-0.5"),
            (0.0001, "0.0001"),
            (0.000_012_34, "1.234e-05"),
            (999_999.5, "999999.5"),
            (1_234_567.5, "1.2345675e+06"),
            (1e19, "1e+19"),
            (1e300, "1e+300"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(text(number), expected);
        }
    }

    #[test]
    fn texts_are_numbers_only_where_gopher_lua_says_so() {
        for (text, base, expected) in [
            ("12", None, Some(12.0)),
            (" -7\n", None, Some(-7.0)),
            ("1e3", None, None),
            ("1.5e3", None, Some(1500.0)),
            ("0x1F", None, Some(31.0)),
            ("0x1F", Some(16), None),
            ("ff", Some(16), Some(255.0)),
            ("99999999999999999999", None, None),
            ("", None, None),
            ("1.2.3", None, None),
        ] {
            assert_eq!(parse(text, base), expected, "{text}");
        }
    }
}
