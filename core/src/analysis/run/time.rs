//! Times as the API has them: in whole seconds.

use crate::api::Time;
use crate::notation::duration::GoDuration;
use jiff::{SignedDuration, Timestamp};

/// What was, without its fraction of a second.
pub(super) fn stamp(at: Timestamp) -> Time {
    Time(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

/// What is to be, rounded up to a second: never too early.
pub(super) fn stamp_up(at: Timestamp) -> Time {
    let Time(floor) = stamp(at);
    Time(if floor == at { at } else { after_seconds(floor, 1) })
}

/// So many seconds later; no later than the last instant there is.
pub(super) fn after_seconds(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}

/// A Go duration later; one that is too long leads to the first or the last instant there is.
pub(super) fn after(at: Timestamp, duration: GoDuration) -> Timestamp {
    let bound = if duration.nanos() < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    at.checked_add(SignedDuration::from_nanos(duration.nanos()))
        .unwrap_or(bound)
}
