//! What is written and said after the actions: the status, then events.

use crate::act::{Act, Done, Error};
use crate::queue::{Due, Reason};
use crate::store::Key;
use crate::sync::lock;
use jiff::Timestamp;
use serin_core::observed::Attempted;
use serin_core::plan::{After, Event, Plan, StatusWrite, Urgency, WakeReason};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// Counter-only changes are written at most this often (decision 28).
pub(crate) const COUNTERS_PAUSE: Duration = Duration::from_millis(250);

/// Since when counter-only changes are held back.
#[derive(Default)]
pub(crate) struct Held(Mutex<HashMap<Key, Instant>>);

impl Held {
    /// How long a write is to wait; `None` if it is to be made now.
    fn hold(&self, key: &Key, plan: &Plan, write: &StatusWrite) -> Option<Duration> {
        // An event that tells of the status would not come again.
        let announced = plan.events.iter().any(|event| event.after == After::Status);
        let mut held = lock(&self.0);
        match write.urgency {
            Urgency::Counters if !announced => {
                let since = held.entry(key.clone()).or_insert_with(Instant::now).elapsed();
                COUNTERS_PAUSE.checked_sub(since).filter(|rest| !rest.is_zero())
            }
            Urgency::Counters | Urgency::Now => None,
        }
    }

    /// How many rollouts it knows something of.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    pub(crate) fn forget(&self, key: &Key) {
        lock(&self.0).remove(key);
    }
}

/// What became of the status.
pub(crate) enum Status {
    /// Written, or there was none to write.
    Settled,
    /// Held back for so long.
    Held(Due),
    /// Refused, or not tried because an action failed; and what failed.
    Failed(Error, Attempted),
}

/// Writes the status once all actions went through.
pub(crate) async fn write_status(act: &mut Act<'_>, held: &Held, plan: &Plan, done: &Done) -> Status {
    if let Some((error, what)) = &done.error {
        return Status::Failed(error.clone(), *what);
    }
    let Some(write) = &plan.status else {
        held.forget(act.key);
        return Status::Settled;
    };
    if let Some(after) = held.hold(act.key, plan, write) {
        return Status::Held(Due {
            after,
            why: Reason::Wake(WakeReason::CountersDue),
        });
    }
    match act.write_status(write).await {
        Ok(()) => {
            held.forget(act.key);
            Status::Settled
        }
        Err(error) => Status::Failed(error, Attempted::Status),
    }
}

/// Tells of a new message that was written without a new phase.
pub(crate) async fn announce_message(act: &mut Act<'_>, plan: &Plan, status: Status, now: Timestamp) -> Status {
    let written = matches!(status, Status::Settled) && plan.status.as_ref().is_some_and(|write| write.message_only);
    if !written {
        return status;
    }
    match act.announce_message(now).await {
        Ok(()) => Status::Settled,
        Err(error) => Status::Failed(error, Attempted::Change),
    }
}

/// The events whose cause went through, in order.
pub(crate) fn due_events<'p>(plan: &'p Plan, done: &Done, status: &Status) -> impl Iterator<Item = &'p Event> {
    let (gone_through, settled) = (done.gone_through, matches!(status, Status::Settled));
    plan.events.iter().filter(move |event| match event.after {
        After::Action(index) => index < gone_through,
        After::Status => settled,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serin_core::plan::News;

    fn write(urgency: Urgency) -> StatusWrite {
        StatusWrite {
            patch: serde_json::json!({"status": {}}),
            urgency,
            message_only: false,
        }
    }

    fn event(after: After) -> Event {
        Event {
            news: News::Resumed,
            after,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn counters_wait_250_ms_from_the_first() {
        let (held, key, plan) = (Held::default(), Key::new("n", "a"), Plan::default());
        assert_eq!(held.hold(&key, &plan, &write(Urgency::Counters)), Some(COUNTERS_PAUSE));
        tokio::time::advance(Duration::from_millis(200)).await;
        assert_eq!(
            held.hold(&key, &plan, &write(Urgency::Counters)),
            Some(Duration::from_millis(50))
        );
        assert_eq!(held.hold(&key, &plan, &write(Urgency::Now)), None);
        tokio::time::advance(Duration::from_millis(50)).await;
        assert_eq!(held.hold(&key, &plan, &write(Urgency::Counters)), None);
    }

    #[test]
    fn events_are_sent_only_if_their_cause_went_through() {
        let events = vec![event(After::Action(0)), event(After::Status), event(After::Action(1))];
        let plan = Plan {
            events,
            ..Plan::default()
        };
        let failed = Done {
            gone_through: 1,
            error: Some((Error::NotLeading, Attempted::Change)),
            skipped: Vec::new(),
        };
        assert_eq!(
            due_events(&plan, &failed, &Status::Failed(Error::NotLeading, Attempted::Change)).count(),
            1
        );
        let done = Done {
            gone_through: 2,
            error: None,
            skipped: Vec::new(),
        };
        assert_eq!(due_events(&plan, &done, &Status::Settled).count(), 3);
    }
}
