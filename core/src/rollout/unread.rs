//! A status of which something cannot be read: what holds the rollout, and what is written anew.

use crate::api::lenient::Unread;
use crate::observed::Observed;
use crate::plan::draft::Draft;
use crate::plan::{After, News, Plan};
use crate::rollout::conditions::{self, TRUE};
use crate::rollout::look::stamp;
use crate::rollout::status;
use crate::wire::condition::STATUS_UNREADABLE;
use crate::wire::phase;
use jiff::Timestamp;

/// Fields that nothing but the stored status knows. Without them a pause, an abort or the stable revision would be
/// forgotten; unknown is never success (invariant 6).
const HOLDING: [&str; 8] = [
    "stableRS",
    "currentPodHash",
    "currentStepIndex",
    "abort",
    "abortedAt",
    "promoteFull",
    "pauseConditions",
    "controllerPause",
];

impl Unread {
    /// Whether the rollout is held while this cannot be read.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.path.first().is_none_or(|field| HOLDING.contains(&field.as_str()))
    }

    /// Whether it is (a part of) this field of the status.
    fn is_of(&self, field: &str) -> bool {
        self.path.first().is_none_or(|first| first == field)
    }
}

/// Whether conditions are missing that may have said something of the recorded generation.
pub(crate) fn conditions_missing(seen: &Observed) -> bool {
    seen.unread.iter().any(|unread| unread.is_of("conditions"))
}

/// Why the rollout is held, if it is.
pub(crate) fn why_held(seen: &Observed) -> Option<&str> {
    let holding = seen.unread.iter().find(|unread| unread.holds())?;
    Some(&holding.why)
}

/// Holds the rollout and says why: nothing is changed but the conditions, the phase and the message.
///
/// The generation does not count as observed, as nothing is made of it. Where the status can be read nowhere, only an event
/// tells, at each reconcile: a write would destroy what a person may still mend.
pub(crate) fn hold(seen: &Observed, now: Timestamp) -> Option<Plan> {
    let why = why_held(seen)?;
    let name = seen.rollout.metadata.name.as_deref().unwrap_or_default();
    let message = format!(
        "{why}: nothing is scaled or promoted until you mend or remove it: kubectl edit rollout {name} --subresource=status"
    );
    let old = &seen.rollout.status;
    let (mut next, mut draft) = (old.clone(), Draft::default());
    if seen.unread.iter().any(|unread| unread.path.is_empty()) {
        draft.tell(News::StatusUnreadable { message }, After::Status);
        return Some(draft.finish(Vec::new(), None));
    }
    let told = conditions::get(old, STATUS_UNREADABLE).is_some_and(|told| told.message == message);
    if !told {
        conditions::remove(&mut next, STATUS_UNREADABLE);
        let (kind, reason) = (STATUS_UNREADABLE, STATUS_UNREADABLE);
        conditions::set(
            &mut next,
            conditions::new(kind, TRUE, reason, message.clone(), &stamp(now)),
        );
        let news = News::StatusUnreadable {
            message: message.clone(),
        };
        draft.tell(news, After::Status);
    }
    phase::DEGRADED.clone_into(&mut next.phase);
    next.message = format!("{STATUS_UNREADABLE}: {message}");
    Some(draft.finish(Vec::new(), status::write(old, &next)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_status_that_can_be_read_nowhere_is_told_and_left_as_it_is() {
        let seen = Observed {
            unread: vec![Unread {
                path: Vec::new(),
                why: "status: invalid type".to_owned(),
            }],
            ..Observed::default()
        };
        let plan = crate::decide(&seen, Timestamp::UNIX_EPOCH);
        assert_eq!((plan.actions.len(), plan.status), (0, None));
        let told: Vec<&str> = plan.events.iter().map(|event| event.news.reason()).collect();
        assert_eq!(told, [STATUS_UNREADABLE]);
    }
}
