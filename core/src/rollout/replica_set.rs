//! What a ReplicaSet says of itself, and how one is made, kept in step and scaled (contract 02 §1, §4, §6).

use crate::api::PodTemplate;
use crate::identity::sanitised_template;
use crate::observed::{Attempted, Observed, Refusal, Refused, ReplicaSet};
use crate::plan::draft::{Draft, Group, patch_of, target_of};
use crate::plan::{Action, After, EventKind, NewReplicaSet, Ownership, ReplicaSetPatch, RolloutPatch, Target};
use crate::rollout::anti_affinity;
use crate::rollout::availability;
use crate::rollout::conditions;
use crate::rollout::look::Look;
use crate::rollout::refused;
use crate::rollout::revision::{Stable, is_meant, is_observed, ownership};
use crate::wire::{self, event};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl ReplicaSet {
    /// Its pod template hash, from its label.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.labels.get(wire::HASH_LABEL).map_or("", String::as_str)
    }

    /// Its revision; 0 where the annotation is missing or no number.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.annotations
            .get(wire::REVISION)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    }

    /// `spec.replicas` of the rollout when it was last scaled.
    #[must_use]
    pub fn desired_replicas(&self) -> Option<i32> {
        self.annotations
            .get(wire::DESIRED_REPLICAS)
            .and_then(|text| text.parse().ok())
    }

    /// When it may be scaled down.
    #[must_use]
    pub fn scale_down_deadline(&self) -> Option<Timestamp> {
        self.annotations
            .get(wire::SCALE_DOWN_DEADLINE)
            .and_then(|text| text.parse().ok())
    }

    /// Labels of its pod template.
    #[must_use]
    pub fn template_labels(&self) -> &BTreeMap<String, String> {
        self.template_labels.as_ref().unwrap_or(&self.labels)
    }
}

impl Observed {
    /// The creation of a ReplicaSet that the API server refused, if that is what was refused last, for this very spec.
    pub(crate) fn refused_creation(&self) -> Option<&Refused> {
        let rollout = &self.rollout;
        self.refused.as_ref().filter(|refused| {
            refused.what == Attempted::Creation
                && Some(refused.generation) == rollout.metadata.generation
                && refused.collision_count == rollout.status.collision_count
        })
    }
}

impl Refused {
    /// Another owner has the name.
    pub(crate) fn is_collision(&self) -> bool {
        self.what == Attempted::Creation && self.why == Refusal::AlreadyExists
    }
}

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
        .filter(|set| is_meant(look.seen, set))
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
            wire::LAST_APPLIED | wire::REVISION | wire::REVISION_HISTORY | wire::DESIRED_REPLICAS | wire::NOTIFIED
        )
}

/// Whether the newest ReplicaSet was just planned, or is there to be kept in step.
#[derive(Debug)]
pub(crate) enum Creation<'a> {
    /// It does not exist: this plan creates it at its first size, where it may.
    Planned,
    /// It exists.
    Exists(&'a ReplicaSet),
}

impl<'a> Creation<'a> {
    /// Creates the newest ReplicaSet at `size` where it does not exist, and keeps the rollout's revision in step.
    pub(crate) fn plan(look: &Look<'a>, size: i32, draft: &mut Draft) -> Self {
        let creation = match look.revisions.new {
            Some(set) => Self::Exists(set),
            None => Self::Planned,
        };
        if is_refused_and_untold(look) || is_given_up(look) {
            // The status must say so first: it is not written in a look whose creation fails again.
            return creation;
        }
        if look.revisions.new.is_none() {
            create(look, size, draft);
        }
        sync_rollout(look, true, draft);
        creation
    }

    /// As [`Self::plan`], where nothing may be created: the rollout gets the revision of a ReplicaSet that exists, and the
    /// number of replicas that it lacks.
    pub(crate) fn without(look: &Look<'a>, draft: &mut Draft) -> Self {
        sync_rollout(look, look.revisions.new.is_some(), draft);
        look.revisions.new.map_or(Self::Planned, Self::Exists)
    }

    /// Keeps an existing ReplicaSet in step with the rollout, and scales it to `size`, in one patch. Its scale-down
    /// deadline is dropped unless it is to be kept.
    pub(crate) fn sync(&self, look: &Look<'_>, size: Option<i32>, keep_deadline: bool, draft: &mut Draft) {
        match self {
            Self::Planned => {}
            Self::Exists(set) => {
                let mut patch = patch_of(set);
                keep_in_step(look, set, &mut patch);
                if let Some(size) = size {
                    scale(look, set, size, &mut patch);
                }
                if !keep_deadline && set.annotations.contains_key(wire::SCALE_DOWN_DEADLINE) {
                    patch.annotations.insert(wire::SCALE_DOWN_DEADLINE.to_owned(), None);
                }
                push(look, set, patch, draft);
            }
        }
    }
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

fn create(look: &Look<'_>, size: i32, draft: &mut Draft) {
    let size = size.max(0);
    let revision = newest_revision(look);
    let name = name_of_new(look);
    let after = draft.act(Action::CreateReplicaSet(Box::new(manifest(
        look,
        name.clone(),
        revision,
        size,
    ))));
    let message = format!("Created ReplicaSet {name} (revision {revision})");
    draft.tell(
        Group::Created,
        EventKind::Normal,
        event::NEW_REPLICA_SET_CREATED,
        message,
        after,
    );
    tell_undecodable(look, &name, after, draft);
    if size > 0 {
        tell_scaled(draft, &name, revision, (0, size), after);
    }
}

/// A leaf that cannot be decoded is left out of the ReplicaSet alone, and the user is told (decision 7).
fn tell_undecodable(look: &Look<'_>, name: &str, after: After, draft: &mut Draft) {
    const NAMED: usize = 5;
    let fields = &look.seen.identity.undecodable;
    if fields.is_empty() {
        return;
    }
    let named = fields.iter().take(NAMED).map(|field| format!("spec.template.{field}"));
    let mut named = named.collect::<Vec<_>>().join(", ");
    if fields.len() > NAMED {
        named = format!("{named} and {} more", fields.len() - NAMED);
    }
    let message = format!("Not decodable, and left out of ReplicaSet {name}: {named}");
    let reason = event::UNDECODABLE_TEMPLATE;
    draft.tell(Group::Created, EventKind::Warning, reason, message, after);
}

fn manifest(look: &Look<'_>, name: String, revision: i64, replicas: i32) -> NewReplicaSet {
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
    annotations.insert(wire::REVISION.to_owned(), revision.to_string());
    annotations.insert(wire::DESIRED_REPLICAS.to_owned(), look.replicas.to_string());
    NewReplicaSet {
        name,
        labels,
        annotations,
        selector,
        template: PodTemplate::new(&template),
        replicas,
        min_ready_seconds: spec.min_ready_seconds,
    }
}

/// The rollout's own revision annotation, and `spec.replicas` where it is absent (decision 22).
fn sync_rollout(look: &Look<'_>, revised: bool, draft: &mut Draft) {
    let revision = newest_revision(look).to_string();
    let metadata = &look.rollout.metadata;
    let recorded = metadata
        .annotations
        .as_ref()
        .and_then(|annotations| annotations.get(wire::REVISION));
    let stale = revised && recorded != Some(&revision);
    let replicas = look.rollout.spec.replicas.is_none().then_some(look.replicas);
    if !stale && replicas.is_none() {
        return;
    }
    let target = Target {
        name: look.name().to_owned(),
        uid: metadata.uid.clone().unwrap_or_default(),
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
    };
    let annotations = stale.then(|| (wire::REVISION.to_owned(), Some(revision.clone())));
    let annotations = annotations.into_iter().collect();
    let after = draft.act(Action::PatchRollout(RolloutPatch {
        target,
        annotations,
        replicas,
    }));
    if stale {
        let message = format!("Rollout updated to revision {revision}");
        draft.tell(
            Group::Updated,
            EventKind::Normal,
            event::ROLLOUT_UPDATED,
            message,
            after,
        );
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
fn keep_in_step(look: &Look<'_>, set: &ReplicaSet, patch: &mut ReplicaSetPatch) {
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

/// Makes the rollout the owner of ReplicaSets that nobody owns and that its selector means, and gives up those that it
/// no longer means; anything else is done once that is so (contract 02 §3). Tells whether there are any.
pub(crate) fn claim(look: &Look<'_>, draft: &mut Draft) -> bool {
    let changes = look
        .seen
        .replica_sets
        .iter()
        .filter_map(|set| Some((set, ownership(look.seen, set)?)));
    let changes: Vec<(&ReplicaSet, Ownership)> = changes.collect();
    for (set, ownership) in &changes {
        draft.act(Action::PatchReplicaSet(ReplicaSetPatch {
            ownership: Some(*ownership),
            ..patch_of(set)
        }));
    }
    !changes.is_empty()
}

/// Scales a ReplicaSet that is not the newest (contract 02 §6).
pub(crate) fn resize(look: &Look<'_>, set: &ReplicaSet, size: i32, draft: &mut Draft) {
    let mut patch = patch_of(set);
    scale(look, set, size, &mut patch);
    push(look, set, patch, draft);
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

/// A ReplicaSet of a canary that is paused by hand: its size, and the record of the proportion that it had (decision 41).
pub(crate) fn follow(look: &Look<'_>, set: &ReplicaSet, size: i32, record: Option<String>, draft: &mut Draft) {
    let mut patch = patch_of(set);
    if look.revisions.new.is_some_and(|new| new.uid == set.uid) {
        keep_in_step(look, set, &mut patch);
    }
    if size != set.replicas {
        patch.replicas = Some(size);
        availability::remember(set, size, &mut patch);
    }
    let mut annotate = |key: &str, value: Option<String>| {
        if set.annotations.get(key) != value.as_ref() {
            patch.annotations.insert(key.to_owned(), value);
        }
    };
    if size != set.replicas || set.replicas > 0 {
        annotate(wire::DESIRED_REPLICAS, Some(look.replicas.to_string()));
    }
    annotate(wire::SIZE_AT_PAUSE, record);
    push(look, set, patch, draft);
}

pub(crate) fn push(look: &Look<'_>, set: &ReplicaSet, patch: ReplicaSetPatch, draft: &mut Draft) {
    if patch == patch_of(set) {
        return;
    }
    let size = patch.replicas;
    let after = draft.act(Action::PatchReplicaSet(patch));
    if let Some(size) = size {
        let is_new = look.revisions.new.is_some_and(|new| new.uid == set.uid);
        let revision = if is_new { newest_revision(look) } else { set.revision() };
        tell_scaled(draft, &set.name, revision, (set.replicas, size), after);
    }
}

fn tell_scaled(draft: &mut Draft, name: &str, revision: i64, (from, to): (i32, i32), after: After) {
    let direction = if to > from { "up" } else { "down" };
    let message = format!("Scaled {direction} ReplicaSet {name} (revision {revision}) from {from} to {to}");
    draft.tell(
        Group::Scaling,
        EventKind::Normal,
        event::SCALING_REPLICA_SET,
        message,
        after,
    );
}

/// Deletes the oldest ReplicaSets beyond `revisionHistoryLimit` (contract 02 §6). One in that range that still has
/// pods is passed over, not replaced by another.
pub(crate) fn clean_up(look: &Look<'_>, draft: &mut Draft) {
    let limit = usize::try_from(look.rollout.spec.revision_history_limit_or_default()).unwrap_or(0);
    let mut old = look.revisions.others.clone();
    old.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
    let surplus = old.len().saturating_sub(limit);
    for set in old.into_iter().take(surplus) {
        if set.is_empty() {
            draft.act(Action::DeleteReplicaSet(target_of(set)));
        }
    }
}
