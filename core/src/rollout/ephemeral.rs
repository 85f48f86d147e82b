//! Labels and annotations that pods carry only for as long as their revision plays a part (contract 03 §11, 04 §10.12).
//!
//! What a ReplicaSet has been given is recorded in an annotation of it. The record is written last, once the template
//! and all pods are as they should be: stopped at any moment, the next look still knows which keys to take away.

use crate::api::rollout::PodTemplateMetadata;
use crate::observed::{Pod, ReplicaSet};
use crate::plan::draft::Draft;
use crate::plan::{Action, PodPatch, ReplicaSetPatch, Target};
use crate::rollout::look::Look;
use crate::rollout::revision::Stable;
use crate::wire::EPHEMERAL_METADATA;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the spec gives to the pods of the revision in service, and to those of the revision under test. `None` if it
/// gives neither: then what was given stays (contract 03 §11).
fn given<'a>(look: &Look<'a>) -> Option<(Option<&'a PodTemplateMetadata>, Option<&'a PodTemplateMetadata>)> {
    let strategy = &look.rollout.spec.strategy;
    let (stable, new) = match (&strategy.canary, &strategy.blue_green) {
        (Some(canary), _) => (canary.stable_metadata.as_ref(), canary.canary_metadata.as_ref()),
        (None, Some(blue)) => (blue.active_metadata.as_ref(), blue.preview_metadata.as_ref()),
        (None, None) => (None, None),
    };
    (stable.is_some() || new.is_some()).then_some((stable, new))
}

/// What the pods of the newest revision are to carry.
fn of_new(look: &Look<'_>) -> Option<PodTemplateMetadata> {
    let (stable, new) = given(look)?;
    let part = match look.revisions.stable {
        Stable::None | Stable::Newest => stable,
        Stable::Other(_) | Stable::Missing => new,
    };
    Some(part.cloned().unwrap_or_default())
}

/// What the pods of an existing ReplicaSet are to carry.
fn wanted(look: &Look<'_>, set: &ReplicaSet) -> Option<PodTemplateMetadata> {
    if look.revisions.new.is_some_and(|new| new.uid == set.uid) {
        return of_new(look);
    }
    let (stable, _) = given(look)?;
    let serves = look.revisions.other_stable().is_some_and(|other| other.uid == set.uid);
    Some(stable.filter(|_| serves).cloned().unwrap_or_default())
}

/// What it has been given so far; nothing where the record cannot be read.
fn recorded(set: &ReplicaSet) -> PodTemplateMetadata {
    let text = set.annotations.get(EPHEMERAL_METADATA);
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

/// Its pods are to carry something else than what it has been given.
pub(crate) fn is_stale(look: &Look<'_>, set: &ReplicaSet) -> bool {
    wanted(look, set).is_some_and(|wanted| wanted != recorded(set))
}

/// The text of the record; none for nothing.
fn record(metadata: &PodTemplateMetadata) -> Option<String> {
    if *metadata == PodTemplateMetadata::default() {
        return None;
    }
    serde_json::to_string(metadata).ok()
}

/// Gives the ReplicaSet that is created its part, and brings the others and their pods in step.
pub(crate) fn plan(look: &Look<'_>, draft: &mut Draft) {
    if let (Some(metadata), Some(new)) = (of_new(look), draft.creation()) {
        let mut template = new.template.to_value();
        put(&mut template["metadata"]["labels"], &metadata.labels);
        put(&mut template["metadata"]["annotations"], &metadata.annotations);
        new.template = crate::api::PodTemplate::new(&template);
        if let Some(record) = record(&metadata) {
            new.annotations.insert(EPHEMERAL_METADATA.to_owned(), record);
        }
    }
    for set in look.revisions.all() {
        if let Some(wanted) = wanted(look, set).filter(|wanted| *wanted != recorded(set)) {
            sync(look, set, &wanted, draft);
        }
    }
}

fn put(into: &mut Value, added: &BTreeMap<String, String>) {
    if !added.is_empty() {
        for (key, value) in added {
            into[key.as_str()] = Value::from(value.as_str());
        }
    }
}

/// The template and the pods first, the record once no pod is otherwise and none can come of the old template.
fn sync(look: &Look<'_>, set: &ReplicaSet, wanted: &PodTemplateMetadata, draft: &mut Draft) {
    let before = recorded(set);
    let labels = changes(&before.labels, &wanted.labels);
    let annotations = changes(&before.annotations, &wanted.annotations);
    let pods = match look.seen.pods.get(&set.name) {
        Some(pods) => pods.as_slice(),
        None if set.has_pods() => return,
        None => &[],
    };
    let patches: Vec<PodPatch> = pods
        .iter()
        .filter(|pod| !pod.deleting)
        .filter_map(|pod| patch(pod, &labels, &annotations))
        .collect();
    let settled = patches.is_empty();
    draft.amend(set, |patch: &mut ReplicaSetPatch| {
        patch.template_labels = labels;
        patch.template_annotations = annotations;
        if settled {
            patch.annotations.insert(EPHEMERAL_METADATA.to_owned(), record(wanted));
        }
    });
    for patch in patches {
        draft.act(Action::PatchPod(patch));
    }
}

/// Keys to set, and keys given before that go.
fn changes(before: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> BTreeMap<String, Option<String>> {
    let gone = before.keys().filter(|key| !wanted.contains_key(*key));
    let set = wanted.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
    gone.map(|key| (key.clone(), None)).chain(set).collect()
}

/// What of the changes a pod lacks.
fn patch(
    pod: &Pod,
    labels: &BTreeMap<String, Option<String>>,
    annotations: &BTreeMap<String, Option<String>>,
) -> Option<PodPatch> {
    let lacks = |has: &BTreeMap<String, String>, changes: &BTreeMap<String, Option<String>>| {
        let missing = changes.iter().filter(|(key, value)| has.get(*key) != value.as_ref());
        missing
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    let patch = PodPatch {
        target: Target {
            name: pod.name.clone(),
            uid: pod.uid.clone(),
            resource_version: pod.resource_version.clone(),
        },
        labels: lacks(&pod.labels, labels),
        annotations: lacks(&pod.annotations, annotations),
    };
    (!patch.labels.is_empty() || !patch.annotations.is_empty()).then_some(patch)
}
