//! What a ReplicaSet says of itself, and how one is made, kept in step and scaled (contract 02 §1, §4, §6).

use crate::api::{PodTemplate, Rollout};
use crate::identity::sanitised_template;
use crate::observed::ReplicaSet;
use crate::plan::draft::Draft;
use crate::plan::{After, NewReplicaSet, News, ReplicaSetPatch, RolloutPatch, Target};
use crate::rollout::anti_affinity;
use crate::rollout::availability;
use crate::rollout::conditions;
use crate::rollout::look::Look;
use crate::rollout::refused;
use crate::rollout::revision::{Stable, belongs, is_observed};
use crate::wire;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Name of the ReplicaSet of the newest revision (contract 02 §4).
pub(crate) fn name_of_new(look: &Look<'_>) -> String {
    format!("{}-{}", look.name(), look.revisions.new_hash)
}

/// Revision of the newest ReplicaSet: the one it has, or the one it gets.
pub(crate) fn newest_revision(look: &Look<'_>) -> i64 {
    let newest = look
        .seen
        .replica_sets
        .iter()
        .filter(|set| belongs(look.seen, set))
        .filter(|set| look.revisions.new.is_none_or(|new| new.uid != set.uid));
    let after_others = newest.map(ReplicaSet::revision).max().unwrap_or(0).saturating_add(1);
    look.revisions
        .new
        .map_or(after_others, |new| new.revision().max(after_others))
}

/// Whether an annotation of the rollout is copied to its ReplicaSets (contract 02 §1). Serin's own annotations speak of
/// the Rollout alone.
fn is_copied(annotation: &str) -> bool {
    !annotation.starts_with(wire::OWN_PREFIX)
        && !matches!(
            annotation,
            wire::LAST_APPLIED
                | wire::REVISION
                | wire::REVISION_HISTORY
                | wire::DESIRED_REPLICAS
                | wire::NOTIFIED
                // Upstream copies it: each scaling of the workload rewrites the ReplicaSet (contract 11 C8).
                | wire::WORKLOAD_GENERATION
        )
}

/// Whether the newest ReplicaSet may be created, and the rollout get its revision. Where a creation was refused, the status
/// must say so first: it is not written in a reconcile whose creation fails again.
pub(crate) fn may_be_created(look: &Look<'_>) -> bool {
    !is_refused_and_untold(look) && !is_given_up(look)
}

/// The ReplicaSet of this very template is stable and was given up for its labels. Its name is taken; a second one beside
/// it would replace all pods once the labels are mended (decision 8).
fn is_given_up(look: &Look<'_>) -> bool {
    let (name, stable) = (name_of_new(look), look.rollout.status.stable_rs.as_str());
    let mut given_up = look.seen.replica_sets.iter().filter(|set| set.orphan && !set.deleting);
    look.revisions.stable == Stable::Missing
        && look.revisions.new.is_none()
        && given_up.any(|set| set.name == name && set.hash() == stable)
}

/// The status has yet to speak of this refusal, or of the edit for which the creation was tried.
fn is_refused_and_untold(look: &Look<'_>) -> bool {
    look.seen
        .refused_creation()
        .is_some_and(|refused| refused.is_collision() || !failure_is_told(look) || !is_observed(look.seen))
}

/// How the message begins that the newest ReplicaSet cannot be created; what the API server says follows (contract 02 §4).
pub(crate) fn creation_failed(look: &Look<'_>) -> String {
    format!("Failed to create new replica set \"{}\": ", name_of_new(look))
}

/// Whether the status says that this very ReplicaSet cannot be created.
pub(crate) fn failure_is_told(look: &Look<'_>) -> bool {
    conditions::get(&look.rollout.status, wire::condition::PROGRESSING).is_some_and(|found| {
        found.reason == wire::condition::REPLICA_SET_CREATE_ERROR && found.message.starts_with(&creation_failed(look))
    })
}

/// Tells of the newest ReplicaSet, which is created with so many pods. A leaf that cannot be decoded is left out of it
/// alone, and the user reads of that (decision 7).
pub(crate) fn tell_created(look: &Look<'_>, name: &str, size: i32, after: After, draft: &mut Draft) {
    let (name, revision) = (name.to_owned(), newest_revision(look));
    draft.tell(
        News::ReplicaSetCreated {
            name: name.clone(),
            revision,
        },
        after,
    );
    let fields = look.seen.identity.undecodable.clone();
    if !fields.is_empty() {
        let name = name.clone();
        draft.tell(News::UndecodableTemplate { name, fields }, after);
    }
    if size > 0 {
        let (from, to) = (0, size);
        draft.tell(
            News::Scaled {
                name,
                revision,
                from,
                to,
            },
            after,
        );
    }
}

/// The newest ReplicaSet, as it is created.
pub(crate) fn manifest(look: &Look<'_>, replicas: i32) -> NewReplicaSet {
    let spec = &look.rollout.spec;
    let hash = Value::from(look.revisions.new_hash);
    let template = spec.template.clone().unwrap_or_else(|| PodTemplate::new(&json!({})));
    let (mut template, _) = sanitised_template(&template);
    template["metadata"]["labels"][wire::HASH_LABEL] = hash.clone();
    anti_affinity::inject(look, &mut template);
    let mut selector = serde_json::to_value(&spec.selector).unwrap_or_default();
    selector["matchLabels"][wire::HASH_LABEL] = hash;
    let labels = template["metadata"]["labels"].as_object().into_iter().flatten();
    let labels = labels
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    let copied = look
        .rollout
        .metadata
        .annotations
        .iter()
        .flatten()
        .filter(|(key, _)| is_copied(key));
    let mut annotations: BTreeMap<String, String> = copied.map(|(key, value)| (key.clone(), value.clone())).collect();
    annotations.insert(wire::REVISION.to_owned(), newest_revision(look).to_string());
    annotations.insert(wire::DESIRED_REPLICAS.to_owned(), look.replicas.to_string());
    NewReplicaSet {
        name: name_of_new(look),
        labels,
        annotations,
        selector,
        template: PodTemplate::new(&template),
        replicas: replicas.max(0),
        min_ready_seconds: spec.min_ready_seconds,
    }
}

/// The rollout's own revision annotation where it is to be `revised`, and `spec.replicas` where it is absent (decision
/// 22), with the annotations that speak of its workload; `None` where nothing changes.
pub(crate) fn revise(
    look: &Look<'_>,
    revised: bool,
    of_workload: BTreeMap<String, Option<String>>,
) -> Option<RolloutPatch> {
    let revision = newest_revision(look).to_string();
    let annotations = look.rollout.metadata.annotations.as_ref();
    let recorded = annotations.and_then(|all| all.get(wire::REVISION));
    let stale = revised && recorded != Some(&revision);
    let mut patch = RolloutPatch {
        target: target(look.rollout),
        annotations: of_workload,
        replicas: look.is_unsized().then_some(look.replicas),
    };
    if stale {
        patch.annotations.insert(wire::REVISION.to_owned(), Some(revision));
    }
    (!patch.annotations.is_empty() || patch.replicas.is_some()).then_some(patch)
}

/// The rollout in the version decided upon.
pub(crate) fn target(rollout: &Rollout) -> Target {
    let metadata = &rollout.metadata;
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    Target {
        name: part(&metadata.name),
        uid: part(&metadata.uid),
        resource_version: part(&metadata.resource_version),
    }
}

/// Annotations that are copied, and the history of revisions (contract 02 §4, last item), unless the API server refused
/// them a moment ago (decision 46).
fn keep_copies(look: &Look<'_>, set: &ReplicaSet, patch: &mut ReplicaSetPatch) {
    if refused::left_alone(look, set).is_some_and(|left| left.pod.is_none()) {
        return;
    }
    let revision = newest_revision(look);
    let patch = &mut patch.secondary;
    for (key, value) in look
        .rollout
        .metadata
        .annotations
        .iter()
        .flatten()
        .filter(|(key, _)| is_copied(key))
    {
        if set.annotations.get(key) != Some(value) {
            patch.annotations.insert(key.clone(), Some(value.clone()));
        }
    }
    if let Some(former) = set
        .annotations
        .get(wire::REVISION)
        .filter(|_| set.revision() < revision)
    {
        let history = match set.annotations.get(wire::REVISION_HISTORY) {
            Some(history) if !history.is_empty() => format!("{history},{former}"),
            Some(_) | None => former.clone(),
        };
        patch
            .annotations
            .insert(wire::REVISION_HISTORY.to_owned(), Some(history));
    }
}

/// Revision and its history, annotations, minReadySeconds, anti-affinity (contract 02 §4, last item).
pub(crate) fn keep_in_step(look: &Look<'_>, set: &ReplicaSet, patch: &mut ReplicaSetPatch) {
    let revision = newest_revision(look);
    if set.revision() < revision {
        patch
            .annotations
            .insert(wire::REVISION.to_owned(), Some(revision.to_string()));
    }
    if set.min_ready_seconds != look.rollout.spec.min_ready_seconds {
        patch.min_ready_seconds = Some(look.rollout.spec.min_ready_seconds);
    }
    anti_affinity::keep_in_step(look, set, patch);
    keep_copies(look, set, patch);
}

/// The size, and what goes with it; nothing where both are as wanted.
pub(crate) fn scale(look: &Look<'_>, set: &ReplicaSet, size: i32, patch: &mut ReplicaSetPatch) {
    // Validation lets a negative previewReplicaCount through (contract 11 E).
    let size = size.max(0);
    if size != set.replicas {
        patch.replicas = Some(size);
        availability::remember(set, size, patch);
    }
    let resized = size != set.replicas || set.replicas > 0;
    if resized && set.desired_replicas() != Some(look.replicas) {
        patch
            .annotations
            .insert(wire::DESIRED_REPLICAS.to_owned(), Some(look.replicas.to_string()));
    }
    if size == 0 && set.annotations.contains_key(wire::SCALE_DOWN_DEADLINE) {
        patch.annotations.insert(wire::SCALE_DOWN_DEADLINE.to_owned(), None);
    }
}
