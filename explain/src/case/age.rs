//! Ages and waits, as `kubectl` writes them.

use jiff::Timestamp;

/// How long ago something was; empty where that is not known.
#[must_use]
pub fn age(now: Timestamp, then: Option<Timestamp>) -> String {
    then.map_or_else(String::new, |then| duration(now.as_second() - then.as_second()))
}

/// Seconds as `kubectl` prints ages: two units while the first is small.
#[must_use]
pub fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let two = |large: i64, of: &str, small: i64, unit: &str| {
        if small == 0 {
            format!("{large}{of}")
        } else {
            format!("{large}{of}{small}{unit}")
        }
    };
    match seconds {
        ..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        _ => two(days / 365, "y", days % 365, "d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_kubectl_prints_them() {
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (150, "2m30s"),
            (300, "5m"),
            (3600, "60m"),
            (12_000, "3h20m"),
            (90_000, "25h"),
            (200_000, "2d7h"),
            (1_000_000, "11d"),
            (-5, "0s"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
