//! Durations as Go writes and reads them: `1h30m`, `1.5s`, `-500ms`, `0`.
//!
//! Durations in specs are read by upstream with Go's `time.ParseDuration`, which knows no days, wants a unit on every
//! number except `0` and counts in whole nanoseconds of 64 bits. Other readers accept more or less than that, so the
//! rules stand here. The smallest value, `-9223372036854775808ns`, is legal, as it is in Go.

use std::fmt;

/// Nanoseconds per unit, longest spelling first where one begins with another.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),  // micro sign
    ("\u{3bc}s", 1_000), // Greek mu
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The magnitude of the smallest duration; all others are below it.
const LIMIT: u64 = 1 << 63;

/// A span of time in nanoseconds, negative ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(i64);

/// Why a text is not a duration, in the words Go uses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text as a whole makes no sense, or its value does not fit.
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    /// A number, other than a lone `0`, has no unit.
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    /// A unit that does not exist.
    #[error("time: unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// The whole text.
        text: String,
    },
}

impl GoDuration {
    /// From nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From whole seconds; what does not fit becomes the nearest duration that exists.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds, cut towards zero.
    #[must_use]
    pub const fn whole_seconds(self) -> i64 {
        self.0 / 1_000_000_000
    }
}

impl std::str::FromStr for GoDuration {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let invalid = || ParseError::Invalid(text.to_owned());
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if unsigned == "0" {
            return Ok(Self(0));
        }
        if unsigned.is_empty() {
            return Err(invalid());
        }
        let mut rest = unsigned;
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (nanos, after) = part(rest, text)?;
            total = total
                .checked_add(nanos)
                .filter(|sum| *sum <= LIMIT)
                .ok_or_else(invalid)?;
            rest = after;
        }
        match (negative, i64::try_from(total)) {
            (true, Ok(nanos)) => Ok(Self(-nanos)),
            (true, Err(_)) => Ok(Self(i64::MIN)),
            (false, Ok(nanos)) => Ok(Self(nanos)),
            (false, Err(_)) => Err(invalid()),
        }
    }
}

/// Reads one number with its unit; gives its nanoseconds and what follows.
fn part<'a>(rest: &'a str, text: &str) -> Result<(u64, &'a str), ParseError> {
    let invalid = || ParseError::Invalid(text.to_owned());
    let (whole, after) = digits(rest);
    let (fraction, after) = match after.strip_prefix('.') {
        Some(after) => digits(after),
        None => ("", after),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(invalid());
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().map_err(|_| invalid())?
    };
    if whole > LIMIT {
        return Err(invalid());
    }
    let end = after
        .find(|c: char| c == '.' || c.is_ascii_digit())
        .unwrap_or(after.len());
    let (unit, after) = after.split_at(end);
    if unit.is_empty() {
        return Err(ParseError::MissingUnit(text.to_owned()));
    }
    let Some((_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(ParseError::UnknownUnit {
            unit: unit.to_owned(),
            text: text.to_owned(),
        });
    };
    let nanos = whole
        .checked_mul(*size)
        .and_then(|nanos| nanos.checked_add(fraction_nanos(fraction, *size)))
        .filter(|nanos| *nanos <= LIMIT)
        .ok_or_else(invalid)?;
    Ok((nanos, after))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The part of a unit that decimal digits stand for, cut to whole nanoseconds. Digits beyond 18 places are below a
/// nanosecond of an hour and do not count.
fn fraction_nanos(digits: &str, size: u64) -> u64 {
    let kept = &digits[..digits.len().min(18)];
    let Ok(value) = kept.parse::<u128>() else { return 0 };
    let scale = 10_u128.pow(u32::try_from(kept.len()).unwrap_or(18));
    u64::try_from(value * u128::from(size) / scale).unwrap_or(u64::MAX)
}

impl fmt::Display for GoDuration {
    /// As Go prints it: `1h30m0s`, `1.5s`, `500ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match magnitude {
            0 => f.write_str("0s"),
            1..=999 => write!(f, "{magnitude}ns"),
            1_000..=999_999 => write_decimal(f, magnitude, 1_000, "\u{b5}s"),
            1_000_000..=999_999_999 => write_decimal(f, magnitude, 1_000_000, "ms"),
            _ => {
                let minutes = magnitude / 60_000_000_000;
                if minutes >= 60 {
                    write!(f, "{}h", minutes / 60)?;
                }
                if minutes > 0 {
                    write!(f, "{}m", minutes % 60)?;
                }
                write_decimal(f, magnitude % 60_000_000_000, 1_000_000_000, "s")
            }
        }
    }
}

fn write_decimal(f: &mut fmt::Formatter<'_>, nanos: u64, size: u64, unit: &str) -> fmt::Result {
    write!(f, "{}", nanos / size)?;
    let rest = nanos % size;
    if rest > 0 {
        let width = usize::try_from(size.ilog10()).unwrap_or(0);
        let fraction = format!("{rest:0width$}");
        write!(f, ".{}", fraction.trim_end_matches('0'))?;
    }
    f.write_str(unit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn reads_and_prints_as_go() {
        for (text, nanos, printed) in [
            ("0", 0, "0s"),
            ("-0", 0, "0s"),
            ("+5s", 5_000_000_000, "5s"),
            ("5.s", 5_000_000_000, "5s"),
            (".5s", 500_000_000, "500ms"),
            ("-.5s", -500_000_000, "-500ms"),
            ("1h1m1s", 3_661_000_000_000, "1h1m1s"),
            ("90m", 5_400_000_000_000, "1h30m0s"),
            ("1.5h", 5_400_000_000_000, "1h30m0s"),
            ("1m1.001s", 61_001_000_000, "1m1.001s"),
            ("1us1ns", 1_001, "1.001\u{b5}s"),
            ("2\u{3bc}s", 2_000, "2\u{b5}s"),
            ("10ms", 10_000_000, "10ms"),
            ("0.9999999999999999999s", 999_999_999, "999.999999ms"),
            ("9223372036854775807ns", i64::MAX, "2562047h47m16.854775807s"),
            ("-9223372036854775808ns", i64::MIN, "-2562047h47m16.854775808s"),
            ("1s1m", 61_000_000_000, "1m1s"),
        ] {
            let duration: GoDuration = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(duration.nanos(), nanos, "{text}");
            assert_eq!(duration.to_string(), printed, "{text}");
        }
    }

    #[test]
    fn refuses_as_go() {
        for (text, error) in [
            ("", "time: invalid duration \"\""),
            ("-", "time: invalid duration \"-\""),
            (".", "time: invalid duration \".\""),
            (".s", "time: invalid duration \".s\""),
            ("abc", "time: invalid duration \"abc\""),
            (" 1s", "time: invalid duration \" 1s\""),
            ("3", "time: missing unit in duration \"3\""),
            ("1s5", "time: missing unit in duration \"1s5\""),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
            ("1s ", "time: unknown unit \"s \" in duration \"1s \""),
            ("1h-5m", "time: unknown unit \"h-\" in duration \"1h-5m\""),
            (
                "9223372036854775808ns",
                "time: invalid duration \"9223372036854775808ns\"",
            ),
            ("99999999999h", "time: invalid duration \"99999999999h\""),
        ] {
            assert_eq!(text.parse::<GoDuration>().unwrap_err().to_string(), error, "{text}");
        }
    }

    #[test]
    fn seconds_are_cut_towards_zero() {
        for (text, seconds) in [("1999ms", 1), ("-1999ms", -1), ("-500ms", 0), ("1h", 3600)] {
            assert_eq!(text.parse::<GoDuration>().unwrap().whole_seconds(), seconds, "{text}");
        }
        assert_eq!(GoDuration::from_seconds(90).to_string(), "1m30s");
    }
}
