//! What the API server refused and has not taken since, per rollout.

use crate::refusal::Failure;
use crate::store::Key;
use crate::sync::lock;
use jiff::Timestamp;
use serin_core::api::Rollout;
use serin_core::observed::{Refusal, Refused};
use std::collections::HashMap;
use std::sync::Mutex;

struct Remembered {
    /// UID of the rollout: another of the same name, as after `kubectl replace --force`, inherits nothing.
    uid: String,
    refused: Refused,
    in_a_row: u32,
    told: Option<(String, Refusal)>,
}

/// Refusals of all rollouts.
#[derive(Default)]
pub(crate) struct Failures(Mutex<HashMap<Key, Remembered>>);

impl Failures {
    /// What decisions see of it. An edit, a new name after a collision, or another rollout of that name makes it news of
    /// yesterday.
    pub(crate) fn observed(&self, key: &Key, rollout: &Rollout) -> Option<Refused> {
        let mut all = lock(&self.0);
        let remembered = all.get(key)?;
        let same = remembered.uid == uid_of(rollout)
            && Some(remembered.refused.generation) == rollout.metadata.generation.or(Some(0))
            && remembered.refused.collision_count == rollout.status.collision_count;
        if !same {
            all.remove(key);
            return None;
        }
        Some(remembered.refused.clone())
    }

    /// Remembers a refusal; true if it is to be told by an event: once per distinct failure, and of conflicts only the
    /// second in a row, since the first is a neighbour's write and settles by itself.
    pub(crate) fn failed(&self, key: &Key, rollout: &Rollout, failure: &Failure, now: Timestamp) -> bool {
        let mut all = lock(&self.0);
        let before = all.remove(key).filter(|before| before.uid == uid_of(rollout));
        let repeated = before
            .as_ref()
            .is_some_and(|before| before.refused.attempt == failure.attempt && before.refused.why == failure.why);
        let in_a_row = before
            .as_ref()
            .filter(|_| repeated)
            .map_or(1, |before| before.in_a_row.saturating_add(1));
        let this = (failure.attempt.clone(), failure.why);
        let told = before.and_then(|before| before.told);
        let worth_telling = match failure.why {
            Refusal::NotFound => false,
            Refusal::Conflict => in_a_row > 1,
            Refusal::Forbidden
            | Refusal::AlreadyExists
            | Refusal::Invalid
            | Refusal::TooManyRequests
            | Refusal::ServerError
            | Refusal::Timeout => true,
        };
        let tell = worth_telling && told.as_ref() != Some(&this);
        let remembered = Remembered {
            uid: uid_of(rollout).to_owned(),
            refused: Refused {
                attempt: failure.attempt.clone(),
                creating_replica_set: failure.attempt.starts_with("create ReplicaSet "),
                generation: rollout.metadata.generation.unwrap_or_default(),
                collision_count: rollout.status.collision_count,
                why: failure.why,
                message: failure.message.clone(),
                at: now,
            },
            in_a_row,
            told: if tell { Some(this) } else { told },
        };
        all.insert(key.clone(), remembered);
        tell
    }

    /// A look ended well after these attempts. What the content of an object caused stays until that very attempt goes
    /// through; what the world caused is over.
    pub(crate) fn went_through(&self, key: &Key, attempts: &[String]) {
        let mut all = lock(&self.0);
        let over = all.get(key).is_some_and(|remembered| {
            attempts.contains(&remembered.refused.attempt)
                || match remembered.refused.why {
                    Refusal::Invalid | Refusal::AlreadyExists => false,
                    Refusal::Forbidden
                    | Refusal::Conflict
                    | Refusal::NotFound
                    | Refusal::TooManyRequests
                    | Refusal::ServerError
                    | Refusal::Timeout => true,
                }
        });
        if over {
            all.remove(key);
        }
    }

    /// How many rollouts it knows something of.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// The rollout is gone.
    pub(crate) fn forget(&self, key: &Key) {
        lock(&self.0).remove(key);
    }
}

fn uid_of(rollout: &Rollout) -> &str {
    rollout.metadata.uid.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use std::time::Duration;

    fn failure(why: Refusal) -> Failure {
        let (attempt, message) = ("create ReplicaSet a-1".to_owned(), "no".to_owned());
        Failure {
            attempt,
            why,
            message,
            retry_after: Duration::ZERO,
        }
    }

    #[test]
    fn a_failure_is_told_once_until_it_goes_through() {
        let (failures, key, rollout) = (Failures::default(), Key::new("n", "a"), Rollout::default());
        let fail = |why| failures.failed(&key, &rollout, &failure(why), Timestamp::UNIX_EPOCH);
        assert!(fail(Refusal::Forbidden));
        assert!(!fail(Refusal::Forbidden));
        assert!(fail(Refusal::ServerError));
        assert_eq!(failures.observed(&key, &rollout).unwrap().why, Refusal::ServerError);
        failures.went_through(&key, &[]);
        assert_eq!(failures.observed(&key, &rollout), None);
        assert!(fail(Refusal::ServerError));
    }

    #[test]
    fn one_conflict_is_nothing_to_tell_but_two_are() {
        let (failures, key, rollout) = (Failures::default(), Key::new("n", "a"), Rollout::default());
        let fail = || failures.failed(&key, &rollout, &failure(Refusal::Conflict), Timestamp::UNIX_EPOCH);
        assert_eq!([fail(), fail(), fail()], [false, true, false]);
    }

    #[test]
    fn refused_content_stays_until_it_goes_through_or_is_edited() {
        let (failures, key, mut rollout) = (Failures::default(), Key::new("n", "a"), Rollout::default());
        failures.failed(&key, &rollout, &failure(Refusal::Invalid), Timestamp::UNIX_EPOCH);
        failures.went_through(&key, &["patch Rollout a".into()]);
        assert!(failures.observed(&key, &rollout).unwrap().creating_replica_set);
        rollout.metadata.generation = Some(2);
        assert_eq!(failures.observed(&key, &rollout), None);
    }

    #[test]
    fn another_rollout_of_the_same_name_inherits_nothing() {
        let (failures, key) = (Failures::default(), Key::new("n", "a"));
        let rollout = |uid: &str| {
            let mut rollout = Rollout::default();
            rollout.metadata.uid = Some(uid.into());
            rollout.metadata.generation = Some(1);
            rollout
        };
        let fail = |rollout| failures.failed(&key, rollout, &failure(Refusal::Invalid), Timestamp::UNIX_EPOCH);
        let (before, replaced) = (rollout("1"), rollout("2"));
        assert!(fail(&before));
        assert_eq!(failures.observed(&key, &replaced), None);
        assert!(fail(&before));
        assert!(fail(&replaced), "told anew");
        assert!(failures.observed(&key, &replaced).is_some());
    }
}
