//! Durations as Go writes and reads them: `1h30m`, `1.5s`, `-500ms`, `0`.
//!
//! Durations in specs are read by upstream with Go's `time.ParseDuration`, which knows no days, wants a unit on every
//! number except `0` and counts in whole nanoseconds of 64 bits. Other readers accept more or less than that, so the
//! rules stand with the language of conditions, which has durations, too. The smallest value, `-9223372036854775808ns`, is
//! legal, as it is in Go.

use serin_expr::go::duration;
use std::fmt;

/// A span of time in nanoseconds, negative ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(i64);

/// Why a text is not a duration, in the words Go uses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(String);

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
        duration::parse(text).map(Self).map_err(ParseError)
    }
}

impl fmt::Display for GoDuration {
    /// As Go prints it: `1h30m0s`, `1.5s`, `500ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&duration::text(self.0))
    }
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
