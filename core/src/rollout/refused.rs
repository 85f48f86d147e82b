//! Changes that the API server refuses: what they leave alone, and when users are told by a condition (decisions 46, 47).

use crate::api::rollout::{Condition, RolloutStatus};
use crate::observed::{Attempt, Attempted, LeftAlone, Refusal, ReplicaSet, Standing};
use crate::plan::draft::Draft;
use crate::plan::{Plan, Wake, WakeReason};
use crate::rollout::conditions::{self, TRUE};
use crate::rollout::look::{Look, after_seconds};
use crate::rollout::order::Actions;
use crate::rollout::status;
use crate::wire::condition::REFUSED;
use jiff::Timestamp;

/// Seconds that a refusal lasts before a condition tells of it.
const TOLD_AFTER_SECONDS: i64 = 10;

/// What was tried, what the API server said, and what to do: the text of events and of the condition Refused.
#[must_use]
pub fn told(attempt: &Attempt, why: Refusal, message: &str) -> String {
    format!("{}{message} ({})", subject(attempt), advice(why))
}

/// How every text about an attempt begins.
fn subject(attempt: &Attempt) -> String {
    format!("Could not {attempt}: ")
}

fn advice(why: Refusal) -> &'static str {
    match why {
        Refusal::Forbidden => {
            "grant the controller's service account this permission in its ClusterRole or Role; the controller retries by itself"
        }
        Refusal::AlreadyExists => "another object has this name; the controller tries another name",
        Refusal::Conflict => {
            "something else keeps changing this object: its managedFields name what; the controller retries with the newer version"
        }
        Refusal::NotFound => "the object is gone; nothing needs to be done",
        Refusal::Invalid => {
            "the API server does not accept the content: correct the field that it names in the rollout"
        }
        Refusal::TooManyRequests => "the API server, a quota or a policy asks to wait; the controller retries",
        Refusal::ServerError => "the API server or a webhook failed: read its logs; the controller retries",
        Refusal::Timeout => {
            "the API server did not answer: check that it can be reached and is not overloaded; the controller retries"
        }
    }
}

impl Standing {
    fn due(&self) -> Timestamp {
        after_seconds(self.since, TOLD_AFTER_SECONDS)
    }

    fn is_told_by(&self, condition: &Condition) -> bool {
        condition.message.starts_with(&subject(&self.attempt)) && condition.reason == format!("{:?}", self.why)
    }

    fn condition(&self, look: &Look<'_>) -> Condition {
        let (reason, message) = (format!("{:?}", self.why), told(&self.attempt, self.why, &self.message));
        conditions::new(REFUSED, TRUE, &reason, message, &look.stamp())
    }
}

/// What is left alone now of the secondary changes of a ReplicaSet, because the API server refused them.
pub(crate) fn left_alone<'a>(look: &Look<'a>, set: &ReplicaSet) -> Option<&'a LeftAlone> {
    let all = of(look, set).filter(|left| left.until > look.now);
    // The ReplicaSet itself before its pods: these depend on it.
    all.min_by_key(|left| left.pod.is_some())
}

/// The pod that the API server last refused to patch.
pub(crate) fn pod<'a>(look: &Look<'a>, set: &ReplicaSet) -> Option<&'a str> {
    of(look, set).find_map(|left| left.pod.as_deref())
}

/// Whether the object of this UID is left alone now, because the API server refused a secondary change of it.
pub(crate) fn is_left_alone(look: &Look<'_>, uid: &str) -> bool {
    of_uid(look, uid).any(|left| left.until > look.now)
}

/// Whether the API server refused a secondary change of the object of this UID, and has not taken one since.
pub(crate) fn is_standing(look: &Look<'_>, uid: &str) -> bool {
    of_uid(look, uid).next().is_some()
}

fn of<'a>(look: &Look<'a>, set: &ReplicaSet) -> impl Iterator<Item = &'a LeftAlone> {
    of_uid(look, &set.uid)
}

fn of_uid<'a>(look: &Look<'a>, uid: &str) -> impl Iterator<Item = &'a LeftAlone> {
    let left = look
        .seen
        .standing
        .iter()
        .filter_map(|standing| standing.left_alone.as_ref());
    left.filter(move |left| left.replica_set == uid)
}

/// A primary change stops all that comes after it, the status included. So a refusal that lasts is told in a reconcile of its
/// own, before it is tried again; not where it is the status that is refused.
pub(crate) fn tell_first(look: &Look<'_>) -> Option<Plan> {
    let old = &look.rollout.status;
    let status_refused = look
        .seen
        .refused
        .as_ref()
        .is_some_and(|refused| refused.what == Attempted::Status);
    if status_refused || conditions::get(old, REFUSED).is_some() {
        return None;
    }
    let mut stopping = look
        .seen
        .standing
        .iter()
        .filter(|standing| standing.left_alone.is_none());
    let lasting = stopping.find(|standing| standing.due() <= look.now)?;
    let mut next = old.clone();
    conditions::set(&mut next, lasting.condition(look));
    Some(Plan {
        status: status::write(old, &next),
        wake: Some(Wake {
            at: look.now,
            why: WakeReason::RefusalTold,
        }),
        ..Plan::default()
    })
}

/// Adds the condition where a refusal has lasted, removes it where it is over, and asks for the reconciles that are due.
pub(crate) fn settle(look: &Look<'_>, next: &mut RolloutStatus, actions: &Actions, draft: &mut Draft) {
    let standing = &look.seen.standing;
    let told = conditions::get(next, REFUSED).is_some_and(|told| {
        // Frozen at its beginning, also over a restart of the controller.
        standing.iter().any(|standing| standing.is_told_by(told))
    });
    let lasting = standing.iter().find(|standing| standing.due() <= look.now);
    if let Some(lasting) = lasting.filter(|_| !told) {
        conditions::remove(next, REFUSED);
        conditions::set(next, lasting.condition(look));
    } else if !told && !actions.have_secondary() {
        // What this very plan tries again may be what the condition tells of.
        conditions::remove(next, REFUSED);
    }
    let young = standing.iter().map(Standing::due).filter(|due| *due > look.now);
    if let Some(at) = young.min().filter(|_| !told) {
        let why = WakeReason::RefusalToTell;
        draft.wake(Wake { at, why });
    }
    for standing in standing {
        let left = standing.left_alone.as_ref();
        if let Some(left) = left.filter(|left| left.until > look.now) {
            let (at, why) = (left.until, WakeReason::Refused(standing.why));
            draft.wake(Wake { at, why });
        }
    }
}
