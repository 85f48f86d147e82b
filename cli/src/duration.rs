//! Durations as people see and type them: Kubernetes' short form for ages, Go's form for flags.

use jiff::{SignedDuration, Timestamp};
use serin_core::notation::duration::{GoDuration, ParseError};
use std::time::Duration;

/// `5s`, `3m20s`, `2d3h`: at most two units, the second only while it matters (contract 10 §1).
#[must_use]
pub(crate) fn human(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match seconds {
        ..=-2 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, 'y', days % 365, 'd'),
        252_288_000.. => format!("{}y", days / 365),
    }
}

fn two(large: i64, large_unit: char, small: i64, small_unit: char) -> String {
    if small == 0 {
        format!("{large}{large_unit}")
    } else {
        format!("{large}{large_unit}{small}{small_unit}")
    }
}

/// How long ago, as [`human`] has it; `<unknown>` without a creation time, as kubectl has it.
#[must_use]
pub(crate) fn age(created: Option<Timestamp>, now: Timestamp) -> String {
    created.map_or_else(|| "<unknown>".to_owned(), |created| human(now.duration_since(created)))
}

/// Reads Go's notation, `300ms`, `1.5h`, `2h45m`, `-1m`; a negative result is clamped to zero by the caller.
///
/// # Errors
/// Go's own text, since scripts know it: `time: missing unit in duration "5"`.
pub(crate) fn parse_go(text: &str) -> Result<SignedDuration, String> {
    let duration: GoDuration = text.parse().map_err(|error: ParseError| error.to_string())?;
    Ok(SignedDuration::from_nanos(duration.nanos()))
}

/// [`parse_go`] for waits: a negative one is over at once.
#[must_use]
pub(crate) fn as_wait(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn ages_have_at_most_two_units() {
        let table = [
            (-5, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (200, "3m20s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (14_340, "3h59m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (183_600, "2d3h"),
            (691_200, "8d"),
            (63_071_999, "729d"),
            (63_072_000 + 86_400, "2y1d"),
            (252_288_000, "8y"),
        ];
        for (seconds, text) in table {
            assert_eq!(human(SignedDuration::from_secs(seconds)), text, "{seconds} s");
        }
    }

    #[test]
    fn go_durations() {
        let table = [
            ("0", 0),
            ("300ms", 300),
            ("1.5h", 5_400_000),
            ("2h45m", 9_900_000),
            ("-1m", -60_000),
            ("+2s", 2_000),
        ];
        for (text, milliseconds) in table {
            assert_eq!(parse_go(text).unwrap().as_millis(), milliseconds, "{text}");
        }
    }

    #[test]
    fn go_duration_errors_are_gos() {
        let table = [
            ("5", r#"time: missing unit in duration "5""#),
            ("", r#"time: invalid duration """#),
            ("x", r#"time: invalid duration "x""#),
            ("5q", r#"time: unknown unit "q" in duration "5q""#),
            ("9999999h", r#"time: invalid duration "9999999h""#),
        ];
        for (text, error) in table {
            assert_eq!(parse_go(text).unwrap_err(), error);
        }
    }
}
