//! A plan in the making: its events, in the order in which users know them, and when it looks again. Its actions come
//! from [`crate::rollout`]'s `order` alone.

use crate::observed::ReplicaSet;
use crate::plan::{Action, After, Event, EventKind, Plan, ReplicaSetPatch, StatusWrite, Target, Wake};

/// Events come in groups; the groups are sent in this order whatever order they were found in (contract 03 §15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// A rollout is first seen.
    Seen,
    /// Its revision changes.
    Updated,
    /// A ReplicaSet is created.
    Created,
    /// Steps are skipped.
    Skip,
    /// The Service of the preview is switched.
    Preview,
    /// An update began.
    Began,
    /// ReplicaSets are scaled.
    Scaling,
    /// Services of traffic are switched.
    Traffic,
    /// A step is done, the update is aborted, paused, resumed, completed.
    Course,
}

/// Collects what a look says: events, and when it looks again.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    events: Vec<(Group, Event)>,
    wake: Option<Wake>,
}

impl Draft {
    /// Adds an event.
    pub(crate) fn tell(&mut self, group: Group, kind: EventKind, reason: &str, message: String, after: After) {
        self.events.push((
            group,
            Event {
                kind,
                reason: reason.to_owned(),
                message,
                after,
            },
        ));
    }

    /// Asks for a look; the earliest wins.
    pub(crate) fn wake(&mut self, wake: Wake) {
        if self.wake.is_none_or(|old| wake.at < old.at) {
            self.wake = Some(wake);
        }
    }

    /// The plan that makes these changes.
    pub(crate) fn finish(mut self, actions: Vec<Action>, status: Option<StatusWrite>) -> Plan {
        self.events.sort_by_key(|(group, _)| *group);
        let events = self.events.into_iter().map(|(_, event)| event).collect();
        Plan {
            actions,
            status,
            events,
            wake: self.wake,
        }
    }
}

/// A patch of a ReplicaSet that changes nothing yet.
pub(crate) fn patch_of(set: &ReplicaSet) -> ReplicaSetPatch {
    ReplicaSetPatch {
        target: target_of(set),
        ..ReplicaSetPatch::default()
    }
}

/// A ReplicaSet in the version decided upon.
pub(crate) fn target_of(set: &ReplicaSet) -> Target {
    Target {
        name: set.name.clone(),
        uid: set.uid.clone(),
        resource_version: set.resource_version.clone(),
    }
}
