//! What is remembered of a Deployment whose pods have moved: an annotation of the Rollout.

use crate::api::Rollout;
use crate::observed::Workload;
use crate::rollout::look::{after_seconds, whole_seconds};
use crate::wire::WORKLOAD_MOVED;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Rounds after which people are told.
const TOLD_AFTER_ROUNDS: u32 = 3;

/// Seconds between the first two rounds; then twice as many each time.
const BACK_OFF_SECONDS: i64 = 10;

/// Seconds between two rounds at most.
const MOST_BACK_OFF_SECONDS: i64 = 300;

/// Seconds without another round after which the contest is over.
const OVER_AFTER_SECONDS: i64 = 600;

/// All pods of a Deployment have moved: from now on it has none (decision 2, contract 11 A6).
///
/// The record is written before the Deployment is scaled to 0. Without it a controller that starts could not tell a
/// Deployment that somebody brought back from one that is yet to move.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// UID of the Deployment: another one of the same name has not moved.
    pub uid: String,
    /// Its generation when it was last decided to scale it to 0. While that is its generation, it has not been scaled yet.
    pub generation: i64,
    /// How often it was scaled down again because somebody had brought it back.
    #[serde(default)]
    pub rounds: u32,
    /// When it was last decided, in whole seconds.
    pub at: Timestamp,
}

impl Record {
    /// The record of this workload, if its pods have moved. One that cannot be read counts as none.
    #[must_use]
    pub fn of(rollout: &Rollout, workload: &Workload) -> Option<Self> {
        let text = rollout.metadata.annotations.as_ref()?.get(WORKLOAD_MOVED)?;
        let record: Self = serde_json::from_str(text).ok()?;
        (record.uid == workload.uid).then_some(record)
    }

    /// The pods have moved now.
    pub(super) fn first(workload: &Workload, now: Timestamp) -> Self {
        Self {
            uid: workload.uid.clone(),
            generation: workload.generation,
            rounds: 0,
            at: whole_seconds(now),
        }
    }

    /// Somebody brought it back, and it is scaled down once more.
    pub(super) fn again(&self, workload: &Workload, now: Timestamp) -> Self {
        let before = if self.is_over(now) { 0 } else { self.rounds };
        Self {
            rounds: before.saturating_add(1),
            ..Self::first(workload, now)
        }
    }

    /// When it may be scaled down once more.
    pub(super) fn due(&self) -> Timestamp {
        let seconds = match self.rounds {
            0 => 0,
            rounds => BACK_OFF_SECONDS.saturating_mul(1_i64.checked_shl(rounds - 1).unwrap_or(i64::MAX)),
        };
        after_seconds(self.at, seconds.clamp(0, MOST_BACK_OFF_SECONDS))
    }

    /// When the contest is over, unless there is another round.
    pub(super) fn over_at(&self) -> Timestamp {
        after_seconds(self.at, OVER_AFTER_SECONDS)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.over_at() <= now
    }

    /// Whether people are to be told, while the Deployment has this many pods.
    pub(super) fn is_contested(&self, pods: i32, now: Timestamp) -> bool {
        self.rounds >= TOLD_AFTER_ROUNDS && (pods > 0 || !self.is_over(now))
    }

    /// As the annotation has it.
    pub(super) fn to_text(&self) -> String {
        // Plain data with text keys, which always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn rounds_come_ever_later_and_start_anew_after_a_rest() {
        let (workload, at) = (Workload::default(), Timestamp::from_second(1_000_000).unwrap());
        let mut record = Record::first(&workload, at);
        let mut delays = Vec::new();
        for _ in 0..8 {
            delays.push(record.due().as_second() - record.at.as_second());
            record = record.again(&workload, record.due());
        }
        assert_eq!(delays, [0, 10, 20, 40, 80, 160, 300, 300]);
        let rested = record.again(&workload, record.over_at());
        assert_eq!(rested.rounds, 1);
        let endless = Record {
            rounds: u32::MAX,
            ..record
        };
        assert_eq!(endless.due().as_second() - endless.at.as_second(), 300);
    }

    #[test]
    fn a_record_is_of_one_object() {
        let mut rollout = Rollout::default();
        let workload = Workload {
            uid: "one".to_owned(),
            ..Workload::default()
        };
        let record = Record::first(&workload, Timestamp::UNIX_EPOCH);
        let note = |rollout: &mut Rollout, text: String| {
            let annotations = rollout.metadata.annotations.get_or_insert_default();
            annotations.insert(WORKLOAD_MOVED.to_owned(), text);
        };
        note(&mut rollout, record.to_text());
        assert_eq!(Record::of(&rollout, &workload), Some(record));
        let other = Workload {
            uid: "two".to_owned(),
            ..Workload::default()
        };
        assert_eq!(Record::of(&rollout, &other), None);
        note(&mut rollout, "yes".to_owned());
        assert_eq!(Record::of(&rollout, &workload), None);
    }
}
