//! What the API server has refused and not accepted since, per object.

use crate::act::Skipped;
use crate::act::standing::Stands;
use crate::cluster::refusal::Failure;
use crate::store::{Key, Owner};
use crate::sync::lock;
use jiff::Timestamp;
use serin_core::observed::{Attempt, Attempted, Refusal, Refused, Standing};
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
    told: Option<(Attempt, Refusal)>,
    stands: Stands,
}

impl Remembered {
    fn of(owner: &Owner) -> Self {
        Self {
            uid: owner.uid.clone(),
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
    /// void; another rollout of that name makes all of them void.
    pub(crate) fn observed(&self, owner: &Owner, collision_count: Option<i32>) -> (Option<Refused>, Vec<Standing>) {
        let mut all = lock(&self.0);
        let Some(remembered) = all.get_mut(&owner.key) else {
            return (None, Vec::new());
        };
        if remembered.uid != owner.uid {
            all.remove(&owner.key);
            return (None, Vec::new());
        }
        remembered.last.take_if(|last| {
            last.refused.generation != owner.generation || last.refused.collision_count != collision_count
        });
        let last = remembered.last.as_ref().map(|last| last.refused.clone());
        (last, remembered.stands.observed(owner.generation))
    }

    /// Remembers a refusal that ended a reconcile; true if an event must report it: once per distinct failure, and of
    /// conflicts only the second in a row, since the first is a neighbour's write and settles by itself.
    pub(crate) fn failed(
        &self,
        owner: &Owner,
        collision_count: Option<i32>,
        what: Attempted,
        failure: &Failure,
        now: Timestamp,
    ) -> bool {
        let mut all = lock(&self.0);
        let remembered = own(&mut all, owner);
        let before = remembered.last.take();
        let repeated =
            before.filter(|before| before.refused.attempt == failure.attempt && before.refused.why == failure.why);
        let in_a_row = repeated.map_or(1, |before| before.in_a_row.saturating_add(1));
        if what == Attempted::Change && failure.why.stands() {
            remembered.stands.refused(failure, owner.generation, now);
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
            generation: owner.generation,
            collision_count,
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

    /// Remembers a refusal that ended nothing (decision 46); true if an event must report it.
    pub(crate) fn skipped(&self, owner: &Owner, skipped: &Skipped, now: Timestamp) -> bool {
        let mut all = lock(&self.0);
        let stands = &mut own(&mut all, owner).stands;
        stands.skipped(skipped, owner.generation, now)
    }

    /// A reconcile ended well after these attempts, and skipped those. A refusal of content stays until that very attempt
    /// goes through; other refusals are over. True if anything that stood is.
    pub(crate) fn went_through(
        &self,
        owner: &Owner,
        attempts: &[Attempt],
        skipped: &[Skipped],
        now: Timestamp,
    ) -> bool {
        let mut all = lock(&self.0);
        let Some(remembered) = all.get_mut(&owner.key) else {
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
        let ended = remembered.stands.ended_well(owner.generation, skipped, now);
        if remembered.last.is_none() && remembered.stands.is_empty() {
            all.remove(&owner.key);
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

/// What is remembered of this very object.
fn own<'a>(all: &'a mut HashMap<Key, Remembered>, owner: &Owner) -> &'a mut Remembered {
    let remembered = all.entry(owner.key.clone()).or_insert_with(|| Remembered::of(owner));
    if remembered.uid != owner.uid {
        *remembered = Remembered::of(owner);
    }
    remembered
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serin_core::api::ObjectMeta;
    use serin_core::observed::{Kind, Verb};
    use std::time::Duration;

    fn owner() -> Owner {
        Owner::new(Kind::Rollout, &Key::new("n", "a"), &ObjectMeta::default())
    }

    fn failure(why: Refusal) -> Failure {
        let attempt = Attempt::new(Verb::Create, Kind::ReplicaSet, "a-1");
        let message = "no".to_owned();
        Failure {
            attempt,
            why,
            message,
            retry_after: Duration::ZERO,
        }
    }

    #[test]
    fn a_failure_is_told_once_until_it_goes_through() {
        let (failures, owner) = (Failures::default(), owner());
        let fail = |why| failures.failed(&owner, None, Attempted::Creation, &failure(why), Timestamp::UNIX_EPOCH);
        assert!(fail(Refusal::Forbidden));
        assert!(!fail(Refusal::Forbidden));
        assert!(fail(Refusal::ServerError));
        assert_eq!(failures.observed(&owner, None).0.unwrap().why, Refusal::ServerError);
        failures.went_through(&owner, &[], &[], Timestamp::UNIX_EPOCH);
        assert_eq!(failures.observed(&owner, None).0, None);
        assert!(fail(Refusal::ServerError));
    }

    #[test]
    fn one_conflict_is_nothing_to_tell_but_two_are() {
        let (failures, owner) = (Failures::default(), owner());
        let fail = || {
            failures.failed(
                &owner,
                None,
                Attempted::Creation,
                &failure(Refusal::Conflict),
                Timestamp::UNIX_EPOCH,
            )
        };
        assert_eq!([fail(), fail(), fail()], [false, true, false]);
    }

    #[test]
    fn refused_content_stays_until_it_goes_through_or_is_edited() {
        let (failures, mut owner) = (Failures::default(), owner());
        failures.failed(
            &owner,
            None,
            Attempted::Creation,
            &failure(Refusal::Invalid),
            Timestamp::UNIX_EPOCH,
        );
        failures.went_through(
            &owner,
            &[Attempt::new(Verb::Patch, Kind::Rollout, "a")],
            &[],
            Timestamp::UNIX_EPOCH,
        );
        assert!(failures.observed(&owner, None).0.is_some());
        owner.generation = 2;
        assert_eq!(failures.observed(&owner, None).0, None);
    }

    #[test]
    fn another_rollout_of_the_same_name_inherits_nothing() {
        let failures = Failures::default();
        let of = |uid: &str| Owner {
            uid: uid.into(),
            ..owner()
        };
        let fail = |owner: &Owner| {
            failures.failed(
                owner,
                None,
                Attempted::Creation,
                &failure(Refusal::Invalid),
                Timestamp::UNIX_EPOCH,
            )
        };
        let (before, replaced) = (of("1"), of("2"));
        assert!(fail(&before));
        assert_eq!(failures.observed(&replaced, None).0, None);
        assert!(fail(&before));
        assert!(fail(&replaced), "told anew");
        assert!(failures.observed(&replaced, None).0.is_some());
    }
}
