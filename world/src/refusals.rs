//! What the API server refuses for its content, or for want of permission, and what the controller remembers of it
//! (decisions 46, 47).

use super::act::Wrote;
use super::{World, note};
use jiff::SignedDuration;
use serin_core::Observed;
use serin_core::observed::{Attempt, Attempted, Kind, LeftAlone, Refusal, Refused, Standing, Verb};
use serin_core::plan::{Plan, PodPatch, ReplicaSetPatch, ServicePatch};
use std::collections::BTreeMap;

/// How long a refused secondary change is left alone. The real controller waits longer from time to time.
const LEFT_ALONE: SignedDuration = SignedDuration::from_secs(5);

/// Changes that can be refused, the creation of ReplicaSets aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Copied annotations, the history of revisions and overlay metadata of ReplicaSets.
    Copies,
    /// Everything about ReplicaSets that exist.
    ReplicaSets,
    /// Labels and annotations of pods.
    Pods,
    /// Services.
    Services,
    /// The scale of the workload.
    Workloads,
}

/// What is refused, and what stands.
#[derive(Default)]
pub struct Refusals {
    /// What the API server refuses, and how.
    pub of: BTreeMap<Change, (Refusal, String)>,
    /// What the controller remembers.
    pub standing: Vec<Standing>,
    /// UIDs of ReplicaSets of which this reconcile skipped something.
    skipped: Vec<String>,
}

impl World {
    fn refusal(&self, change: Change) -> Option<(Refusal, String)> {
        self.refusals.of.get(&change).cloned()
    }

    /// A reconcile begins to write.
    pub(super) fn begin_to_write(&mut self) {
        self.refusals.skipped.clear();
    }

    /// Patches a ReplicaSet; without its secondary part where the API server does not take the whole.
    pub(super) fn patch_set_or_part(&mut self, patch: &ReplicaSetPatch, seen: &Observed) -> Wrote {
        let attempt = Attempt::new(Verb::Patch, Kind::ReplicaSet, &patch.target.name);
        if let Some((why, message)) = self.refusal(Change::ReplicaSets) {
            if patch.primary().is_some() {
                return self.refuse(&attempt, why, message, seen);
            }
            return self.skip(attempt, (why, message), &patch.target.uid, None);
        }
        let left = self.leaves_selector(patch);
        let refusal = self
            .refusal(Change::Copies)
            .filter(|_| !patch.secondary.is_empty())
            .or(left);
        let Some(refusal) = refusal else {
            return self.patch_set(patch);
        };
        let wrote = patch.primary().map(|primary| self.patch_set(&primary));
        if matches!(wrote, Some(Wrote::Conflict)) {
            return Wrote::Conflict;
        }
        let skipped = self.skip(attempt, refusal, &patch.target.uid, None);
        wrote.unwrap_or(skipped)
    }

    /// Patches a pod, unless something that it depends on was skipped.
    pub(super) fn patch_pod_or_skip(&mut self, patch: &PodPatch) -> Wrote {
        if self.refusals.skipped.contains(&patch.replica_set) {
            return Wrote::Skipped;
        }
        let name = &patch.target.name;
        if let Some(refusal) = self.refusal(Change::Pods) {
            return self.skip(
                Attempt::new(Verb::Patch, Kind::Pod, name),
                refusal,
                &patch.replica_set,
                Some(name),
            );
        }
        self.patch_pod(patch);
        Wrote::Done
    }

    pub(super) fn patch_service_or_fail(&mut self, patch: &ServicePatch, seen: &Observed) -> Wrote {
        let attempt = Attempt::new(Verb::Patch, Kind::Service, &patch.target.name);
        match self.refusal(Change::Services) {
            Some((why, message)) => self.refuse(&attempt, why, message, seen),
            None if self.patch_service(patch) => Wrote::Done,
            None => Wrote::Conflict,
        }
    }

    /// The API server refuses a template that its ReplicaSet does not select.
    fn leaves_selector(&self, patch: &ReplicaSetPatch) -> Option<(Refusal, String)> {
        let set = self.sets.iter().find(|set| set.object.uid == patch.target.uid)?;
        let mut changes = patch.secondary.template_labels.iter();
        let selected = set.made.selector["matchLabels"].as_object()?;
        let leaves = changes.any(|(key, value)| selected.get(key).is_some_and(|of| of.as_str() != value.as_deref()));
        leaves.then(|| {
            let why = "`selector` does not match template `labels`";
            (
                Refusal::Invalid,
                format!("spec.template.metadata.labels: Invalid value: {why}"),
            )
        })
    }

    pub(super) fn skip(
        &mut self,
        attempt: Attempt,
        (why, message): (Refusal, String),
        set: &str,
        pod: Option<&str>,
    ) -> Wrote {
        note!(self, "{attempt}: {message}: skipped");
        self.refusals.skipped.push(set.to_owned());
        let left_alone = Some(LeftAlone {
            replica_set: set.to_owned(),
            pod: pod.map(str::to_owned),
            until: self.controllers_now().checked_add(LEFT_ALONE).expect("lives are short"),
        });
        let same = |standing: &Standing| match &standing.left_alone {
            Some(left) => left.replica_set == set && left.pod.is_some() == pod.is_some(),
            None => false,
        };
        self.stands(same, attempt, why, message, left_alone);
        Wrote::Skipped
    }

    /// A primary change is refused: the rest of the reconcile is not carried out.
    fn refuse(&mut self, attempt: &Attempt, why: Refusal, message: String, seen: &Observed) -> Wrote {
        note!(self, "{attempt}: {message}");
        self.refused = Some(Refused {
            attempt: attempt.clone(),
            what: Attempted::Change,
            generation: seen.rollout.metadata.generation.unwrap_or(0),
            collision_count: seen.rollout.status.collision_count,
            why,
            message: message.clone(),
            at: self.controllers_now(),
        });
        self.stands(
            |standing| standing.attempt == *attempt,
            attempt.clone(),
            why,
            message,
            None,
        );
        self.back_off();
        Wrote::Refused
    }

    fn stands(
        &mut self,
        same: impl Fn(&Standing) -> bool,
        attempt: Attempt,
        why: Refusal,
        message: String,
        left_alone: Option<LeftAlone>,
    ) {
        if !why.stands() {
            return;
        }
        let since = self.controllers_now();
        let standing = &mut self.refusals.standing;
        if let Some(known) = standing.iter_mut().find(|known| same(known)) {
            known.left_alone = left_alone;
            return;
        }
        standing.push(Standing {
            attempt,
            why,
            message,
            since,
            left_alone,
        });
    }

    /// A reconcile went through: what it tried otherwise, or had not to try, stands no more. Tells whether anything ended.
    pub(super) fn look_went_through(&mut self, plan: &Plan) -> bool {
        if plan.only_tells() {
            return false;
        }
        let (now, skipped) = (self.controllers_now(), &self.refusals.skipped);
        let before = self.refusals.standing.len();
        self.refusals.standing.retain(|standing| {
            let left = standing.left_alone.as_ref();
            left.is_some_and(|left| left.until > now || skipped.contains(&left.replica_set))
        });
        self.refusals.standing.len() < before
    }
}
