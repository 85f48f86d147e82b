//! The canonical text of a `resource.Quantity`, as Go prints it after reading (contract 02 §2).
//!
//! Go keeps the text it read where a quick look says that it is canonical already, and that look is not exact: `1.500`
//! and `05m` stay as they are, `1.50` becomes `1500m`. Hashes depend on it, so both paths are here.

use serde_json::Number;

/// More digits than these and Go leaves its 64-bit path.
const FAST_DIGITS: usize = 18;
/// Smallest unit kept: 10^-9; what is finer is rounded away from zero.
const NANO: i64 = -9;
/// Where values with a binary suffix are capped.
const BINARY_MAX: i128 = i64::MAX as i128;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Suffixes n, u, m, k, M, G, T, P, E.
    Decimal,
    /// `e` and a number.
    Exponent,
    /// Suffixes Ki to Ei.
    Binary,
}

/// The parts of a quantity as written.
struct Parts<'a> {
    negative: bool,
    /// No digit at all, such as `-` or `Pi`: zero on Go's 64-bit path, an error on the long one.
    bare: bool,
    /// Digits before the point, without leading zeros (`0` for none).
    whole: &'a str,
    /// Digits after the point.
    fraction: &'a str,
    format: Format,
    /// Of ten, or of two for [`Format::Binary`].
    exponent: i64,
}

/// The canonical text, or `None` where Go cannot read it.
pub(super) fn canonical(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if text == "0" {
        return Some(text.into());
    }
    let parts = split(text)?;
    match small(&parts) {
        Some((_, _, true)) => Some(text.into()),
        Some((mantissa, scale, false)) => Some(print(mantissa, scale, parts.format)),
        None => {
            let (mantissa, scale, format) = large(&parts)?;
            Some(print(mantissa, scale, format))
        }
    }
}

/// What a quantity amounts to, whatever suffix it is written with; `None` where Go cannot read it.
pub(super) fn value(text: &str) -> Option<String> {
    let parts = split(text.trim())?;
    let (mantissa, scale) = match small(&parts) {
        Some((mantissa, scale, _)) => (mantissa, scale),
        None => large(&parts).map(|(mantissa, scale, _)| (mantissa, scale))?,
    };
    Some(print(mantissa, scale, Format::Exponent))
}

/// The canonical text of a quantity written as a number: the API server has printed it in Go's way by then.
pub(super) fn canonical_number(number: &Number) -> Option<String> {
    canonical(&super::encode::go_number(number))
}

fn split(text: &str) -> Option<Parts<'_>> {
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let unpadded = rest.trim_start_matches('0');
    let padded = unpadded.len() < rest.len();
    let (whole, rest) = digits(unpadded);
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    let (format, exponent) = suffix_meaning(suffix)?;
    let bare = !padded && whole.is_empty() && fraction.is_empty();
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(Parts {
        negative,
        bare,
        whole,
        fraction,
        format,
        exponent,
    })
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn suffix_meaning(suffix: &str) -> Option<(Format, i64)> {
    Some(match suffix {
        "n" => (Format::Decimal, -9),
        "u" => (Format::Decimal, -6),
        "m" => (Format::Decimal, -3),
        "" => (Format::Decimal, 0),
        "k" => (Format::Decimal, 3),
        "M" => (Format::Decimal, 6),
        "G" => (Format::Decimal, 9),
        "T" => (Format::Decimal, 12),
        "P" => (Format::Decimal, 15),
        "E" => (Format::Decimal, 18),
        "Ki" => (Format::Binary, 10),
        "Mi" => (Format::Binary, 20),
        "Gi" => (Format::Binary, 30),
        "Ti" => (Format::Binary, 40),
        "Pi" => (Format::Binary, 50),
        "Ei" => (Format::Binary, 60),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            (Format::Exponent, exponent.parse::<i32>().ok()?.into())
        }
    })
}

/// Go's 64-bit path: mantissa, power of ten, and whether the text is kept; `None` where Go takes the long way.
fn small(parts: &Parts<'_>) -> Option<(i128, i64, bool)> {
    let length = parts.whole.len() + parts.fraction.len();
    let binary = parts.format == Format::Binary;
    let (limit, factor, mut scale) = if binary {
        if !parts.fraction.is_empty() {
            return None;
        }
        let used = usize::try_from(parts.exponent * 3 / 10).ok()?;
        (14_usize.checked_sub(used)?, 1_i128 << parts.exponent, 0)
    } else {
        (FAST_DIGITS, 1, parts.exponent)
    };
    if length > limit {
        return None;
    }
    scale -= i64::try_from(parts.fraction.len()).ok()?;
    if scale < NANO {
        return None;
    }
    let shifted = format!("{}{}", parts.whole, parts.fraction);
    let value: i128 = shifted.parse().ok()?;
    let kept = if binary {
        parts.exponent % 10 == 0 && value & 7 != 0
    } else {
        scale % 3 == 0 && !shifted.ends_with("000") && !shifted.starts_with('0')
    };
    let value = value * factor;
    Some((if parts.negative { -value } else { value }, scale, kept))
}

/// Go's path for everything else, on arbitrary precision there and 128 bits here; `None` beyond those.
fn large(parts: &Parts<'_>) -> Option<(i128, i64, Format)> {
    if parts.bare {
        return None;
    }
    let mut mantissa: i128 = format!("{}{}", parts.whole, parts.fraction).parse().ok()?;
    let mut scale = -i64::try_from(parts.fraction.len()).ok()?;
    let mut format = parts.format;
    if format == Format::Binary {
        let factor = 1_i128 << parts.exponent;
        let whole: i128 = parts.whole.parse().ok()?;
        if whole.checked_mul(factor).is_none_or(|whole| whole >= BINARY_MAX) {
            (mantissa, scale) = (BINARY_MAX, 0);
        } else {
            mantissa = mantissa.checked_mul(factor)?;
        }
    } else {
        scale += parts.exponent;
    }
    if scale < NANO && mantissa != 0 {
        let divisor = u32::try_from(NANO - scale)
            .ok()
            .and_then(|digits| 10_i128.checked_pow(digits));
        // A divisor beyond 128 bits is greater than any mantissa.
        mantissa = divisor.map_or(1, |divisor| mantissa / divisor + i128::from(mantissa % divisor != 0));
        scale = NANO;
    }
    if format == Format::Binary {
        // Only a fraction takes the scale below 0 here, and never below NANO.
        let unit = 10_i128.checked_pow(u32::try_from(-scale).ok()?)?;
        if mantissa < unit && mantissa > 0 {
            format = Format::Decimal;
        }
    }
    Some((if parts.negative { -mantissa } else { mantissa }, scale, format))
}

fn print(mantissa: i128, scale: i64, format: Format) -> String {
    if mantissa == 0 {
        return "0".into();
    }
    if format == Format::Binary
        && let Some(whole) = whole(mantissa, scale)
        && whole.abs() >= 1024
    {
        return print_binary(whole);
    }
    let format = if format == Format::Binary {
        Format::Decimal
    } else {
        format
    };
    print_decimal(mantissa, scale, format)
}

/// The value as an integer, if it is one.
fn whole(mantissa: i128, scale: i64) -> Option<i128> {
    let power = 10_i128.checked_pow(u32::try_from(scale.abs()).ok()?)?;
    if scale >= 0 {
        return mantissa.checked_mul(power);
    }
    (mantissa % power == 0).then(|| mantissa / power)
}

fn print_binary(mut value: i128) -> String {
    const SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let mut times = 0;
    while value % 1024 == 0 {
        value /= 1024;
        times += 1;
    }
    format!("{value}{}", SUFFIXES.get(times).unwrap_or(&""))
}

fn print_decimal(mut mantissa: i128, mut scale: i64, format: Format) -> String {
    while mantissa % 10 == 0 {
        mantissa /= 10;
        scale += 1;
    }
    let zeros = "0".repeat(usize::try_from(scale.rem_euclid(3)).unwrap_or(0));
    let scale = scale - scale.rem_euclid(3);
    if format == Format::Exponent {
        let exponent = if scale == 0 { String::new() } else { format!("e{scale}") };
        return format!("{mantissa}{zeros}{exponent}");
    }
    let suffix = match scale {
        -9 => "n",
        -6 => "u",
        -3 => "m",
        3 => "k",
        6 => "M",
        9 => "G",
        12 => "T",
        15 => "P",
        18 => "E",
        // Go prints no suffix where it has none.
        _ => "",
    };
    format!("{mantissa}{zeros}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::canonical;

    /// Texts and what Go made of them; empty where it refused.
    const MADE_BY_GO: &str = include_str!("../../tests/hash_quantities.txt");

    #[test]
    fn canonical_as_go_has_it() {
        for line in MADE_BY_GO.lines().filter(|line| !line.starts_with('#')) {
            let (text, expected) = line.split_once(" -> ").unwrap_or((line.trim_end_matches(" ->"), ""));
            assert_eq!(canonical(text).unwrap_or_default(), expected, "{text:?}");
        }
    }
}
