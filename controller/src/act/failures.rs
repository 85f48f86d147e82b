//! What the API server refused and has not taken since, per rollout.

use crate::act::Skipped;
use crate::act::standing::Stands;
use crate::cluster::refusal::Failure;
use crate::store::Key;
use crate::sync::lock;
use jiff::Timestamp;
use serin_core::api::Rollout;
use serin_core::observed::{Attempted, Refusal, Refused, Standing};
use std::collections::HashMap;
use std::sync::Mutex;

struct Last {
    refused: Refused,
    in_a_row: u32,
}

struct Remembered {
    /// UID of the rollout: another of the same name, as after `kubectl replace --force`, inherits nothing.
    uid: String,
    last: Option<Last>,
    told: Option<(String, Refusal)>,
    stands: Stands,
}

impl Remembered {
    fn of(rollout: &Rollout) -> Self {
        Self {
            uid: uid_of(rollout).to_owned(),
            last: None,
            told: None,
            stands: Stands::default(),
        }
    }
}

/// Refusals of all rollouts.
#[derive(Default)]
pub(crate) struct Failures(Mutex<HashMap<Key, Remembered>>);

impl Failures {
    /// What decisions see of it: the last, and all that stand. An edit, or a new name after a collision, makes the last
    /// news of yesterday; another rollout of that name makes everything so.
    pub(crate) fn observed(&self, key: &Key, rollout: &Rollout) -> (Option<Refused>, Vec<Standing>) {
        let mut all = lock(&self.0);
        let Some(remembered) = all.get_mut(key) else {
            return (None, Vec::new());
        };
        if remembered.uid != uid_of(rollout) {
            all.remove(key);
            return (None, Vec::new());
        }
        remembered.last.take_if(|last| {
            Some(last.refused.generation) != rollout.metadata.generation.or(Some(0))
                || last.refused.collision_count != rollout.status.collision_count
        });
        let last = remembered.last.as_ref().map(|last| last.refused.clone());
        (last, remembered.stands.observed(rollout.metadata.generation))
    }

    /// Remembers a refusal that ended a look; true if it is to be told by an event: once per distinct failure, and of
    /// conflicts only the second in a row, since the first is a neighbour's write and settles by itself.
    pub(crate) fn failed(
        &self,
        key: &Key,
        rollout: &Rollout,
        what: Attempted,
        failure: &Failure,
        now: Timestamp,
    ) -> bool {
        let mut all = lock(&self.0);
        let remembered = own(&mut all, key, rollout);
        let before = remembered.last.take();
        let repeated =
            before.filter(|before| before.refused.attempt == failure.attempt && before.refused.why == failure.why);
        let in_a_row = repeated.map_or(1, |before| before.in_a_row.saturating_add(1));
        if what == Attempted::Change && failure.why.stands() {
            remembered.stands.refused(failure, rollout.metadata.generation, now);
        }
        let this = (failure.attempt.clone(), failure.why);
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
        let tell = worth_telling && remembered.told.as_ref() != Some(&this);
        let refused = Refused {
            attempt: failure.attempt.clone(),
            what,
            generation: rollout.metadata.generation.unwrap_or_default(),
            collision_count: rollout.status.collision_count,
            why: failure.why,
            message: failure.message.clone(),
            at: now,
        };
        remembered.last = Some(Last { refused, in_a_row });
        if tell {
            remembered.told = Some(this);
        }
        tell
    }

    /// Remembers a refusal that ended nothing (decision 46); true if it is to be told by an event.
    pub(crate) fn skipped(&self, key: &Key, rollout: &Rollout, skipped: &Skipped, now: Timestamp) -> bool {
        let mut all = lock(&self.0);
        let stands = &mut own(&mut all, key, rollout).stands;
        stands.skipped(skipped, rollout.metadata.generation, now)
    }

    /// A look ended well after these attempts, and skipped those. What the content of an object caused stays until that
    /// very attempt goes through; what the world caused is over. True if anything that stood is.
    pub(crate) fn went_through(
        &self,
        key: &Key,
        rollout: &Rollout,
        attempts: &[String],
        skipped: &[Skipped],
        now: Timestamp,
    ) -> bool {
        let mut all = lock(&self.0);
        let Some(remembered) = all.get_mut(key) else {
            return false;
        };
        let over = remembered.last.take_if(|last| {
            attempts.contains(&last.refused.attempt)
                || match last.refused.why {
                    Refusal::Invalid | Refusal::AlreadyExists => false,
                    Refusal::Forbidden
                    | Refusal::Conflict
                    | Refusal::NotFound
                    | Refusal::TooManyRequests
                    | Refusal::ServerError
                    | Refusal::Timeout => true,
                }
        });
        if over.is_some() {
            remembered.told = None;
        }
        let ended = remembered.stands.ended_well(rollout.metadata.generation, skipped, now);
        if remembered.last.is_none() && remembered.stands.is_empty() {
            all.remove(key);
        }
        ended
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

/// What is remembered of this very rollout.
fn own<'a>(all: &'a mut HashMap<Key, Remembered>, key: &Key, rollout: &Rollout) -> &'a mut Remembered {
    let remembered = all.entry(key.clone()).or_insert_with(|| Remembered::of(rollout));
    if remembered.uid != uid_of(rollout) {
        *remembered = Remembered::of(rollout);
    }
    remembered
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
        let fail = |why| {
            failures.failed(
                &key,
                &rollout,
                Attempted::Creation,
                &failure(why),
                Timestamp::UNIX_EPOCH,
            )
        };
        assert!(fail(Refusal::Forbidden));
        assert!(!fail(Refusal::Forbidden));
        assert!(fail(Refusal::ServerError));
        assert_eq!(failures.observed(&key, &rollout).0.unwrap().why, Refusal::ServerError);
        failures.went_through(&key, &rollout, &[], &[], Timestamp::UNIX_EPOCH);
        assert_eq!(failures.observed(&key, &rollout).0, None);
        assert!(fail(Refusal::ServerError));
    }

    #[test]
    fn one_conflict_is_nothing_to_tell_but_two_are() {
        let (failures, key, rollout) = (Failures::default(), Key::new("n", "a"), Rollout::default());
        let fail = || {
            failures.failed(
                &key,
                &rollout,
                Attempted::Creation,
                &failure(Refusal::Conflict),
                Timestamp::UNIX_EPOCH,
            )
        };
        assert_eq!([fail(), fail(), fail()], [false, true, false]);
    }

    #[test]
    fn refused_content_stays_until_it_goes_through_or_is_edited() {
        let (failures, key, mut rollout) = (Failures::default(), Key::new("n", "a"), Rollout::default());
        failures.failed(
            &key,
            &rollout,
            Attempted::Creation,
            &failure(Refusal::Invalid),
            Timestamp::UNIX_EPOCH,
        );
        failures.went_through(&key, &rollout, &["patch Rollout a".into()], &[], Timestamp::UNIX_EPOCH);
        assert!(failures.observed(&key, &rollout).0.is_some());
        rollout.metadata.generation = Some(2);
        assert_eq!(failures.observed(&key, &rollout).0, None);
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
        let fail = |rollout| {
            failures.failed(
                &key,
                rollout,
                Attempted::Creation,
                &failure(Refusal::Invalid),
                Timestamp::UNIX_EPOCH,
            )
        };
        let (before, replaced) = (rollout("1"), rollout("2"));
        assert!(fail(&before));
        assert_eq!(failures.observed(&key, &replaced).0, None);
        assert!(fail(&before));
        assert!(fail(&replaced), "told anew");
        assert!(failures.observed(&key, &replaced).0.is_some());
    }
}
