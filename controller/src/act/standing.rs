//! Refusals that stand: of the content of a change, or for lack of permission (decisions 46, 47).

use crate::act::Skipped;
use crate::cluster::refusal::Failure;
use jiff::{SignedDuration, Timestamp};
use serin_core::observed::{Attempt, LeftAlone, Standing};
use std::collections::BTreeMap;

/// First wait after a secondary change was refused.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(1);
/// Longest wait after secondary changes were refused.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(1);

/// What is refused; it stands while it is refused in the same way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// A primary change.
    Change(Attempt),
    /// The secondary changes of a ReplicaSet, by its UID.
    ReplicaSet(String),
    /// Those of its pods.
    Pods(String),
}

struct Stand {
    standing: Standing,
    /// Generation of the rollout at the last try: after an edit it is tried at once.
    generation: i64,
    tries: u32,
}

/// What stands of one rollout.
#[derive(Default)]
pub(crate) struct Stands(BTreeMap<Subject, Stand>);

impl Stands {
    /// What decisions see, oldest first.
    pub(crate) fn observed(&self, generation: i64) -> Vec<Standing> {
        let observed = |stand: &Stand| {
            let mut standing = stand.standing.clone();
            if let Some(left) = standing.left_alone.as_mut().filter(|_| stand.generation != generation) {
                left.until = standing.since;
            }
            standing
        };
        let mut all: Vec<Standing> = self.0.values().map(observed).collect();
        all.sort_by_key(|standing| standing.since);
        all
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A primary change was refused; true if it was not before.
    pub(crate) fn refused(&mut self, failure: &Failure, generation: i64, now: Timestamp) -> bool {
        let subject = Subject::Change(failure.attempt.clone());
        self.add(subject, failure, generation, now, None)
    }

    /// A secondary change was; true if it was not before.
    pub(crate) fn skipped(&mut self, skipped: &Skipped, generation: i64, now: Timestamp) -> bool {
        let uid = skipped.replica_set.clone();
        let subject = match &skipped.pod {
            None => Subject::ReplicaSet(uid.clone()),
            Some(_) => Subject::Pods(uid.clone()),
        };
        let left = LeftAlone {
            replica_set: uid,
            pod: skipped.pod.clone(),
            until: now,
        };
        self.add(subject, &skipped.failure, generation, now, Some(left))
    }

    fn add(
        &mut self,
        subject: Subject,
        failure: &Failure,
        generation: i64,
        now: Timestamp,
        left_alone: Option<LeftAlone>,
    ) -> bool {
        let before = self.0.remove(&subject);
        let before = before.filter(|before| before.standing.why == failure.why);
        let new = before.is_none();
        let tries = before.as_ref().map_or(0, |before| before.tries.saturating_add(1));
        let mut standing = before.map_or_else(
            || Standing {
                attempt: failure.attempt.clone(),
                why: failure.why,
                message: failure.message.clone(),
                since: now,
                left_alone: None,
            },
            |before| before.standing,
        );
        standing.left_alone = left_alone.map(|left| LeftAlone {
            until: now.saturating_add(wait(tries)).unwrap_or(Timestamp::MAX),
            ..left
        });
        let stand = Stand {
            standing,
            generation,
            tries,
        };
        self.0.insert(subject, stand);
        new
    }

    /// A reconcile ended well, and skipped these: what it tried otherwise, or no longer had to try, stands no more. True if
    /// that ends anything.
    pub(crate) fn ended_well(&mut self, generation: i64, skipped: &[Skipped], now: Timestamp) -> bool {
        let before = self.0.len();
        self.0.retain(|subject, stand| {
            let of = |uid: &str, pod: bool| {
                let mut same = skipped.iter().filter(|one| one.replica_set == *uid);
                same.any(|one| one.pod.is_some() == pod)
            };
            let left = stand.standing.left_alone.as_ref();
            let waits = left.is_some_and(|left| left.until > now) && stand.generation == generation;
            match subject {
                Subject::Change(_) => false,
                Subject::ReplicaSet(uid) => waits || of(uid, false),
                Subject::Pods(uid) => waits || of(uid, true),
            }
        });
        self.0.len() < before
    }
}

fn wait(tries: u32) -> SignedDuration {
    let factor = 1_i32.checked_shl(tries).filter(|factor| *factor > 0);
    let wait = factor.and_then(|factor| FIRST_WAIT.checked_mul(factor));
    wait.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serin_core::observed::{Kind, Refusal, Verb};
    use std::time::Duration;

    fn failure(kind: Kind, name: &str, why: Refusal) -> Failure {
        Failure {
            attempt: Attempt::new(Verb::Patch, kind, name),
            why,
            message: "no".into(),
            retry_after: Duration::ZERO,
        }
    }

    fn of_pod(name: &str) -> Skipped {
        Skipped {
            failure: failure(Kind::Pod, name, Refusal::Forbidden),
            replica_set: "set".into(),
            pod: Some(name.into()),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn it_stands_from_its_beginning_and_is_left_alone_for_longer_each_time() {
        let mut stands = Stands::default();
        assert!(stands.skipped(&of_pod("a"), 1, at(0)));
        let mut waits = Vec::new();
        let mut now = at(0);
        for _ in 0..9 {
            let standing = stands.observed(1).remove(0);
            let left = standing.left_alone.unwrap();
            assert_eq!((standing.since, &*standing.attempt.name), (at(0), "a"));
            waits.push((left.until - now).get_seconds());
            now = left.until;
            assert!(!stands.skipped(&of_pod("b"), 1, now));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn it_ends_when_a_reconcile_ends_well_that_was_free_to_try_it() {
        let mut stands = Stands::default();
        let skipped = of_pod("a");
        stands.skipped(&skipped, 1, at(0));
        assert!(!stands.ended_well(1, &[], at(0)), "it was left alone");
        assert!(
            !stands.ended_well(1, std::slice::from_ref(&skipped), at(1)),
            "refused again"
        );
        assert!(stands.ended_well(1, &[], at(1)));
        assert!(stands.observed(1).is_empty());
    }

    #[test]
    fn an_edit_lets_it_be_tried_at_once_and_it_still_stands() {
        let mut stands = Stands::default();
        stands.skipped(&of_pod("a"), 1, at(0));
        let left = stands.observed(2).remove(0).left_alone.unwrap();
        assert_eq!(left.until, at(0));
        stands.skipped(&of_pod("a"), 2, at(20));
        assert_eq!(stands.observed(2)[0].since, at(0));
    }

    #[test]
    fn another_kind_of_refusal_begins_anew() {
        let mut stands = Stands::default();
        stands.refused(&failure(Kind::Service, "web", Refusal::Forbidden), 0, at(0));
        assert!(stands.refused(&failure(Kind::Service, "web", Refusal::Invalid), 0, at(9)));
        assert!(stands.refused(&failure(Kind::Service, "other", Refusal::Invalid), 0, at(10)));
        let since: Vec<_> = stands.observed(0).iter().map(|standing| standing.since).collect();
        assert_eq!(since, [at(9), at(10)]);
        assert!(stands.ended_well(0, &[], at(11)));
    }
}
