//! A plan in the making: actions in their order, and events in the order in which users know them.

use crate::observed::ReplicaSet;
use crate::plan::{Action, After, Event, EventKind, NewReplicaSet, Plan, ReplicaSetPatch, StatusWrite, Target, Wake};

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

/// Collects what a look decides.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    actions: Vec<Action>,
    events: Vec<(Group, Event)>,
    wake: Option<Wake>,
}

impl Draft {
    /// Adds an action; its index is what events refer to.
    pub(crate) fn act(&mut self, action: Action) -> After {
        self.actions.push(action);
        After::Action(self.actions.len() - 1)
    }

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

    /// Whether any ReplicaSet is created or changes its size.
    pub(crate) fn resizes(&self) -> bool {
        self.actions.iter().any(|action| match action {
            Action::CreateReplicaSet(_) => true,
            Action::PatchReplicaSet(patch) => patch.replicas.is_some(),
            Action::DeleteReplicaSet(_)
            | Action::PatchService(_)
            | Action::PatchPod(_)
            | Action::EvictPod(_)
            | Action::PatchRollout(_) => false,
        })
    }

    /// Whether the selector of any Service changes.
    pub(crate) fn switches(&self) -> bool {
        self.actions.iter().any(|action| match action {
            Action::PatchService(_) => true,
            Action::CreateReplicaSet(_)
            | Action::PatchReplicaSet(_)
            | Action::DeleteReplicaSet(_)
            | Action::PatchPod(_)
            | Action::EvictPod(_)
            | Action::PatchRollout(_) => false,
        })
    }

    /// Whether anything is written that rollouts work without (decision 46).
    pub(crate) fn has_secondary(&self) -> bool {
        self.actions.iter().any(|action| match action {
            Action::PatchReplicaSet(patch) => !patch.secondary.is_empty(),
            Action::PatchPod(_) => true,
            Action::CreateReplicaSet(_)
            | Action::DeleteReplicaSet(_)
            | Action::PatchService(_)
            | Action::EvictPod(_)
            | Action::PatchRollout(_) => false,
        })
    }

    /// Adds to the patch of a ReplicaSet, one that is planned already where there is one; a ReplicaSet that is to be
    /// deleted is left alone.
    pub(crate) fn amend(&mut self, set: &ReplicaSet, change: impl FnOnce(&mut ReplicaSetPatch)) {
        for action in &mut self.actions {
            match action {
                Action::PatchReplicaSet(patch) if patch.target.uid == set.uid => return change(patch),
                Action::DeleteReplicaSet(target) if target.uid == set.uid => return,
                Action::CreateReplicaSet(_)
                | Action::PatchReplicaSet(_)
                | Action::DeleteReplicaSet(_)
                | Action::PatchService(_)
                | Action::PatchPod(_)
                | Action::EvictPod(_)
                | Action::PatchRollout(_) => {}
            }
        }
        let mut patch = patch_of(set);
        change(&mut patch);
        self.actions.push(Action::PatchReplicaSet(patch));
    }

    /// The ReplicaSet that the plan creates.
    pub(crate) fn creation(&mut self) -> Option<&mut NewReplicaSet> {
        self.actions.iter_mut().find_map(|action| match action {
            Action::CreateReplicaSet(new) => Some(&mut **new),
            Action::PatchReplicaSet(_)
            | Action::DeleteReplicaSet(_)
            | Action::PatchService(_)
            | Action::PatchPod(_)
            | Action::EvictPod(_)
            | Action::PatchRollout(_) => None,
        })
    }

    /// The plan.
    pub(crate) fn finish(mut self, status: Option<StatusWrite>) -> Plan {
        self.events.sort_by_key(|(group, _)| *group);
        let events = self.events.into_iter().map(|(_, event)| event).collect();
        Plan {
            actions: self.actions,
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
