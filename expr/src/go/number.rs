//! Numbers as `strconv` reads and writes them.

use std::borrow::Cow;

/// What `strconv` says of a text that is no number, and of a number that is too large.
const SYNTAX: &str = "invalid syntax";
const RANGE: &str = "value out of range";

/// An `int64` in base ten, as `strconv.ParseInt` reads it.
///
/// # Errors
/// `invalid syntax` or `value out of range`.
pub fn parse_int(text: &str) -> Result<i64, &'static str> {
    integer(text, |digits| (digits, 10))
}

/// An `int64` in the base that its prefix says: `0x`, `0o`, `0b`.
pub(crate) fn parse_prefixed_int(text: &str) -> Result<i64, &'static str> {
    integer(text, |digits| match digits.split_at_checked(2) {
        Some(("0x" | "0X", digits)) => (digits, 16),
        Some(("0o" | "0O", digits)) => (digits, 8),
        Some(("0b" | "0B", digits)) => (digits, 2),
        _ => (digits, 10),
    })
}

fn integer(text: &str, base: impl Fn(&str) -> (&str, u32)) -> Result<i64, &'static str> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = base(digits);
    if digits.is_empty() || !digits.chars().all(|it| it.is_digit(radix)) {
        return Err(SYNTAX);
    }
    let number = u64::from_str_radix(digits, radix).map_err(|_| RANGE)?;
    let number = if is_negative {
        -i128::from(number)
    } else {
        i128::from(number)
    };
    i64::try_from(number).map_err(|_| RANGE)
}

/// A `float64`, as `strconv.ParseFloat` reads it.
///
/// # Errors
/// `invalid syntax` or `value out of range`.
pub fn parse_float(text: &str) -> Result<f64, &'static str> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text).to_lowercase();
    if unsigned.starts_with("0x") {
        return hexadecimal(&unsigned, text.starts_with('-'));
    }
    let number: f64 = without_underscores(text)?.parse().map_err(|_| SYNTAX)?;
    if number.is_infinite() && !unsigned.starts_with("inf") {
        return Err(RANGE);
    }
    Ok(number)
}

/// Underscores may stand between digits.
fn without_underscores(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if !text.contains('_') {
        return Ok(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|it| bytes.get(it)).is_some_and(u8::is_ascii_digit);
    let mut places = text.match_indices('_').map(|(at, _)| at);
    if places.all(|at| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1))) {
        Ok(Cow::Owned(text.replace('_', "")))
    } else {
        Err(SYNTAX)
    }
}

/// `0x1.8p1`: a mantissa, and an exponent of two that must be there.
fn hexadecimal(text: &str, is_negative: bool) -> Result<f64, &'static str> {
    let (mantissa, exponent) = text.get(2..).and_then(|it| it.split_once('p')).ok_or(SYNTAX)?;
    let exponent = i32::try_from(parse_int(exponent).map_err(|_| SYNTAX)?).map_err(|_| RANGE)?;
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && part.is_empty() {
        return Err(SYNTAX);
    }
    let mut number = 0.0_f64;
    for digit in whole.chars().chain(part.chars()).filter(|it| *it != '_') {
        number = number * 16.0 + f64::from(digit.to_digit(16).ok_or(SYNTAX)?);
    }
    let places = i32::try_from(part.len()).map_err(|_| RANGE)?.saturating_mul(4);
    number *= 2.0_f64.powi(exponent.saturating_sub(places));
    if number.is_infinite() {
        return Err(RANGE);
    }
    Ok(if is_negative { -number } else { number })
}

/// `int64(x)` of a `float64`, as Go's compiler does it on amd64: what is out of range is the least number.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub fn truncate(number: f64) -> i64 {
    // Exactly representable, unlike i64::MAX.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if (-BEYOND..BEYOND).contains(&number) {
        number as i64
    } else {
        i64::MIN
    }
}

/// `math.Pow`: squares are multiplied for the whole part of the exponent, as in Go, so that the last digit is the same.
#[must_use]
pub(crate) fn power(base: f64, exponent: f64) -> f64 {
    /// Beyond it every power of two is an overflow.
    const FAR: i64 = 1 << 12;
    /// From here on the loop does not matter.
    const HUGE: f64 = 9.0e15;
    let (mut whole, mut part) = (exponent.abs().trunc(), exponent.abs().fract());
    let is_plain = base.is_normal() && whole < HUGE && (part == 0.0 || base > 0.0);
    if !is_plain || (whole == 0.0 && part == 0.5) {
        return base.powf(exponent);
    }
    if part > 0.5 {
        part -= 1.0;
        whole += 1.0;
    }
    let (mut square, mut square_exponent) = fraction_of_two(base);
    let mut product = if part == 0.0 { 1.0 } else { (part * base.ln()).exp() };
    let mut product_exponent = 0_i64;
    let mut rest = truncate(whole);
    while rest != 0 {
        if square_exponent.abs() > FAR {
            product_exponent += square_exponent;
            break;
        }
        if rest & 1 == 1 {
            product *= square;
            product_exponent += square_exponent;
        }
        square *= square;
        square_exponent <<= 1;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        rest >>= 1;
    }
    if exponent < 0.0 {
        product = 1.0 / product;
        product_exponent = -product_exponent;
    }
    scaled(product, product_exponent)
}

/// A number as a fraction from one half to one, and a power of two.
fn fraction_of_two(number: f64) -> (f64, i64) {
    const BIAS: i64 = 1022;
    let bits = number.to_bits();
    let exponent = (bits >> 52 & 0x7FF).cast_signed() - BIAS;
    let fraction = f64::from_bits((bits & !(0x7FF << 52)) | BIAS.cast_unsigned() << 52);
    (fraction, exponent)
}

/// A number times a power of two.
fn scaled(number: f64, exponent: i64) -> f64 {
    let exponent = i32::try_from(exponent.clamp(-4_000, 4_000)).unwrap_or_default();
    // In two steps, so that the factor itself is in range.
    let half = exponent / 2;
    let (first, second) = (half.clamp(-1_000, 1_000), (exponent - half).clamp(-1_000, 1_000));
    number * 2.0_f64.powi(first) * 2.0_f64.powi(second)
}

/// The shortest digits that lead back to the number, and its decimal exponent.
fn shortest(number: f64) -> (bool, String, i32) {
    let written = format!("{number:e}");
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let is_negative = mantissa.starts_with('-');
    let digits = mantissa.chars().filter(char::is_ascii_digit).collect();
    (is_negative, digits, exponent.parse().unwrap_or_default())
}

fn special(number: f64) -> Option<&'static str> {
    if number.is_nan() {
        Some("NaN")
    } else if number == f64::INFINITY {
        Some("+Inf")
    } else if number == f64::NEG_INFINITY {
        Some("-Inf")
    } else {
        None
    }
}

/// A `float64` as `%v` writes it: with an exponent below 1e-4, and from 1e+06 on.
#[must_use]
pub fn general(number: f64) -> String {
    if let Some(special) = special(number) {
        return special.to_owned();
    }
    let (_, _, exponent) = shortest(number);
    if (-4..6).contains(&exponent) {
        fixed(number)
    } else {
        scientific(number)
    }
}

/// A `float64` without an exponent, in its shortest digits.
#[must_use]
pub fn fixed(number: f64) -> String {
    special(number).map_or_else(|| format!("{number}"), str::to_owned)
}

/// `1.5e+06`: at least two digits of exponent.
#[must_use]
pub fn scientific(number: f64) -> String {
    if let Some(special) = special(number) {
        return special.to_owned();
    }
    let (is_negative, digits, exponent) = shortest(number);
    let mut out = String::new();
    if is_negative {
        out.push('-');
    }
    let (first, rest) = digits.split_at(1.min(digits.len()));
    out.push_str(first);
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    out + &format!("e{sign}{:02}", exponent.unsigned_abs())
}
