//! Durations as `time.ParseDuration` reads and `time.Duration` writes them.

use super::quote::quoted;

const SECOND: u64 = 1_000_000_000;

/// The largest number of nanoseconds that a negative duration may have.
const LARGEST: u64 = 1 << 63;

/// A duration in nanoseconds, from a text like `1h30m`.
///
/// # Errors
/// Go's text of what is wrong.
pub fn parse(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quoted(text));
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let whole_end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
        let (whole, after) = rest.split_at(whole_end);
        let (part, after) = match after.strip_prefix('.') {
            Some(after) => after.split_at(after.find(|it: char| !it.is_ascii_digit()).unwrap_or(after.len())),
            None => ("", after),
        };
        if whole.is_empty() && part.is_empty() {
            return Err(invalid());
        }
        let end = after
            .find(|it: char| it == '.' || it.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quoted(text)));
        }
        let scale =
            scale(unit).ok_or_else(|| format!("time: unknown unit {} in duration {}", quoted(unit), quoted(text)))?;
        let whole: u64 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| invalid())?
        };
        let amount = whole
            .checked_mul(scale)
            .filter(|it| *it <= LARGEST)
            .ok_or_else(invalid)?;
        let amount = amount.checked_add(fraction(part, scale)).ok_or_else(invalid)?;
        total = total
            .checked_add(amount)
            .filter(|it| *it <= LARGEST)
            .ok_or_else(invalid)?;
        rest = after;
    }
    if is_negative {
        return Ok(0_i64.wrapping_sub_unsigned(total));
    }
    i64::try_from(total).map_err(|_| invalid())
}

fn scale(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3_600 * SECOND,
        _ => return None,
    })
}

/// So much of a unit as the digits after its point say, rounded down.
fn fraction(digits: &str, scale: u64) -> u64 {
    let mut amount: u128 = 0;
    let mut of: u128 = 1;
    for digit in digits.bytes().take(18) {
        amount = amount * 10 + u128::from(digit - b'0');
        of *= 10;
    }
    u64::try_from(amount * u128::from(scale) / of).unwrap_or_default()
}

/// A duration as Go writes it: `1h30m0s`, `1.5s`, `100ms`.
#[must_use]
pub fn text(nanoseconds: i64) -> String {
    let total = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    if total == 0 {
        return "0s".to_owned();
    }
    if total < SECOND {
        let (scale, unit) = match total {
            0..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "µs"),
            _ => (1_000_000, "ms"),
        };
        return format!("{sign}{}{unit}", decimal(total, scale));
    }
    let (minutes, seconds) = (total / (60 * SECOND), decimal(total % (60 * SECOND), SECOND));
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// A number of units with the digits of the rest, without zeros at the end.
fn decimal(amount: u64, scale: u64) -> String {
    let (whole, rest) = (amount / scale, amount % scale);
    if rest == 0 {
        return whole.to_string();
    }
    let width = scale.ilog10() as usize;
    let digits = format!("{rest:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}
