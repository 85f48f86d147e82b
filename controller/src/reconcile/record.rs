//! What follows the actions: the status, then events.

use crate::act::held::Held;
use crate::act::{Act, Done, Error};
use crate::queue::{Due, Reason};
use jiff::Timestamp;
use serin_core::observed::Attempted;
use serin_core::plan::{After, Event, Plan, WakeReason};

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
        held.forget(&act.owner.key);
        return Status::Settled;
    };
    if let Some(after) = held.hold(&act.owner.key, plan, write) {
        return Status::Held(Due {
            after,
            why: Reason::Wake(WakeReason::CountersDue),
        });
    }
    match act.write_status(write).await {
        Ok(()) => {
            held.forget(&act.owner.key);
            Status::Settled
        }
        Err(error) => Status::Failed(error, Attempted::Status),
    }
}

/// Announces a new message that was written without a new phase.
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

    fn event(after: After) -> Event {
        Event {
            news: News::Resumed,
            after,
        }
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
