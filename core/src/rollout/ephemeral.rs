//! Labels and annotations that pods carry only for as long as their revision plays a part (contract 03 §11, 04 §10.12),
//! laid over those of the pod template (decision 44).
//!
//! The order is: the template, in one write with the record of what it covers there; then the pods, once the template is
//! seen to carry it; then the record of what was given. Stopped at any moment, the next reconcile still knows what is to go
//! and what is to come back. A template that the API server refuses never carries it, so its pods are left alone
//! (decision 46): a pod with labels that its ReplicaSet does not select is no longer its own.

use crate::api::PodTemplate;
use crate::api::rollout::PodTemplateMetadata;
use crate::meaning::Metadata;
use crate::notation::selector;
use crate::observed::{Pod, ReplicaSet};
use crate::plan::draft::Draft;
use crate::plan::{After, NewReplicaSet, News, PodPatch, Secondary, Target};
use crate::rollout::look::Look;
use crate::rollout::refused;
use crate::rollout::revision::{Stable, is_observed};
use crate::validate::{FieldError, labels};
use crate::wire::{COVERED_METADATA, EPHEMERAL_METADATA};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

type Words = BTreeMap<String, String>;
/// Keys to set, or to remove where `None`.
type Changes = BTreeMap<String, Option<String>>;

/// One of the fields of a strategy that give labels and annotations to pods.
struct Field<'a> {
    path: &'static str,
    metadata: &'a PodTemplateMetadata,
    /// Some pods are to carry it now.
    applies: bool,
}

/// What the spec gives to the pods of the revision in service, and to those of the revision under test.
fn fields<'a>(look: &Look<'a>) -> [Option<Field<'a>>; 2] {
    let Metadata { serving, tested } = look.strategy.metadata();
    let (serves, is_tested) = match look.revisions.stable {
        Stable::None | Stable::Newest => (true, false),
        Stable::Other(_) => (true, true),
        Stable::Missing => (false, true),
    };
    let field = |(path, metadata), applies| Field {
        path,
        metadata,
        applies,
    };
    [
        serving.map(|of| field(of, serves)),
        tested.map(|of| field(of, is_tested)),
    ]
}

/// What is wrong with the metadata that some pods are to carry now, if anything is (decision 44).
pub(crate) fn problem(look: &Look<'_>) -> Option<FieldError> {
    wrong(look, true).into_iter().next()
}

fn wrong(look: &Look<'_>, applies: bool) -> Vec<FieldError> {
    let fields = fields(look).into_iter().flatten();
    fields
        .filter(|field| field.applies == applies)
        .flat_map(|field| labels::metadata(&look.rollout.spec, field.metadata, field.path))
        .collect()
}

/// The parts of the spec; `None` if it gives neither: then what was given stays (contract 03 §11).
fn given<'a>(look: &Look<'a>) -> Option<(Option<&'a PodTemplateMetadata>, Option<&'a PodTemplateMetadata>)> {
    let [stable, new] = fields(look).map(|field| field.map(|field| field.metadata));
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
    if is_newest(look, set) {
        return of_new(look);
    }
    let (stable, _) = given(look)?;
    let serves = look.revisions.other_stable().is_some_and(|other| other.uid == set.uid);
    Some(stable.filter(|_| serves).cloned().unwrap_or_default())
}

fn is_newest(look: &Look<'_>, set: &ReplicaSet) -> bool {
    look.revisions.new.is_some_and(|new| new.uid == set.uid)
}

/// What it has been given so far; nothing where the record cannot be read.
fn recorded(set: &ReplicaSet) -> PodTemplateMetadata {
    read(set, EPHEMERAL_METADATA)
}

fn read<T: Default + for<'de> Deserialize<'de>>(set: &ReplicaSet, record: &str) -> T {
    let text = set.annotations.get(record);
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

/// What stood in a pod template under the keys that are laid over it: `null` where nothing did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Covered {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: Changes,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: Changes,
    /// The template was changed, and its pods have yet to follow.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pending: bool,
}

/// Its pods are to carry something else than what it has been given, or have yet to be looked at.
fn is_stale(look: &Look<'_>, set: &ReplicaSet) -> bool {
    let covered = || read::<Covered>(set, COVERED_METADATA);
    wanted(look, set).is_some_and(|wanted| wanted != recorded(set) || covered().pending)
}

/// Its pods must be seen now.
pub(crate) fn needs_pods(look: &Look<'_>, set: &ReplicaSet) -> bool {
    let ready = || Overlay::of(look, set).is_some_and(|overlay| overlay.template_is_in_step());
    is_stale(look, set) && refused::left_alone(look, set).is_none() && ready()
}

/// The text of a record; none for nothing.
fn record<T: Default + PartialEq + Serialize>(record: &T) -> Option<String> {
    if *record == T::default() {
        return None;
    }
    serde_json::to_string(record).ok()
}

/// What brings a ReplicaSet in step.
pub(crate) enum Change {
    /// Of the ReplicaSet itself: its pod template, or the record of what was given.
    ReplicaSet(Secondary),
    /// Of its pods.
    Pods(Vec<PodPatch>),
}

/// Gives the ReplicaSet that is to be created its part.
pub(crate) fn dress(look: &Look<'_>, new: &mut NewReplicaSet) {
    let Some(metadata) = of_new(look) else { return };
    let mut template = new.template.to_value();
    let covered = Covered {
        labels: put(&mut template["metadata"]["labels"], &metadata.labels),
        annotations: put(&mut template["metadata"]["annotations"], &metadata.annotations),
        pending: false,
    };
    new.template = PodTemplate::new(&template);
    let records = [
        (EPHEMERAL_METADATA, record(&metadata)),
        (COVERED_METADATA, record(&covered)),
    ];
    for (annotation, record) in records {
        new.annotations
            .extend(record.map(|record| (annotation.to_owned(), record)));
    }
}

/// What brings the ReplicaSets that exist, and their pods, in step.
pub(crate) fn changes<'a>(look: &'a Look<'a>) -> impl Iterator<Item = (&'a ReplicaSet, Change)> {
    let stale = look.revisions.all().filter(|set| is_stale(look, set));
    stale.filter_map(|set| Some((set, Overlay::of(look, set)?.change()?)))
}

/// Tells of a field that applies to nobody now, once per edit: it must not stop a rollout that is well.
pub(crate) fn warn(look: &Look<'_>, draft: &mut Draft) {
    if is_observed(look.seen) {
        return;
    }
    for error in wrong(look, false) {
        let error = error.to_string();
        draft.tell(News::InvalidMetadata { error }, After::Status);
    }
}

/// Lays `added` over what is there; what it covers.
fn put(into: &mut Value, added: &Words) -> Changes {
    let mut covered = Changes::new();
    for (key, value) in added {
        let before = into[key.as_str()].as_str().map(str::to_owned);
        covered.insert(key.clone(), before);
        into[key.as_str()] = Value::from(value.as_str());
    }
    covered
}

/// The labels, or the annotations, of one pod template and of the pods made from it.
struct Side {
    /// What they are to be; keys of which that is not known are not named.
    target: Changes,
    /// What of it the template lacks.
    missing: Changes,
    /// What the overlay covers, what is taken off now included.
    covered: Changes,
}

/// What stands under a key that is laid over.
enum Original {
    Known(Option<String>),
    /// Nobody noted it: what is there stays.
    Unknown,
}

impl Side {
    /// `original`: of a key that was laid over without a record of ours, as before a takeover.
    fn of(
        wanted: &Words,
        given: &Words,
        noted: &Changes,
        template: &Words,
        original: impl Fn(&str) -> Original,
    ) -> Self {
        let (mut target, mut covered) = (Changes::new(), Changes::new());
        for key in wanted.keys().chain(given.keys()).chain(noted.keys()) {
            let below = match noted.get(key) {
                Some(noted) => Original::Known(noted.clone()),
                None if given.contains_key(key) => original(key),
                None => Original::Known(template.get(key).cloned()),
            };
            if let Some(value) = wanted.get(key) {
                target.insert(key.clone(), Some(value.clone()));
            } else if let Original::Known(value) = &below {
                target.insert(key.clone(), value.clone());
            }
            if let Original::Known(value) = below {
                covered.insert(key.clone(), value);
            }
        }
        Self {
            missing: lacks(template, &target),
            target,
            covered,
        }
    }
}

/// A ReplicaSet and what its pods are to carry.
struct Overlay<'a> {
    look: &'a Look<'a>,
    set: &'a ReplicaSet,
    wanted: PodTemplateMetadata,
    labels: Side,
    annotations: Side,
}

impl<'a> Overlay<'a> {
    fn of(look: &'a Look<'a>, set: &'a ReplicaSet) -> Option<Self> {
        let wanted = wanted(look, set)?;
        let (given, noted) = (recorded(set), read::<Covered>(set, COVERED_METADATA));
        let written = look.rollout.spec.template.as_ref();
        let asked = look.rollout.spec.selector.as_ref();
        let label = |key: &str| {
            // A ReplicaSet is made with the labels of its template, before anything is laid over them.
            let own = if is_newest(look, set) {
                let labels = written.map(PodTemplate::labels);
                labels.and_then(|labels| Some(labels.get(key)?.as_str()?.to_owned()))
            } else {
                set.labels.get(key).cloned()
            };
            if own.is_none() && asked.is_some_and(|asked| selector::names(asked, key)) {
                return Original::Unknown;
            }
            Original::Known(own)
        };
        let annotation = |key: &str| {
            if !is_newest(look, set) {
                return Original::Unknown;
            }
            let annotations = written.map(PodTemplate::annotations);
            Original::Known(annotations.and_then(|all| Some(all.get(key)?.as_str()?.to_owned())))
        };
        Some(Self {
            labels: Side::of(
                &wanted.labels,
                &given.labels,
                &noted.labels,
                set.template_labels(),
                label,
            ),
            annotations: Side::of(
                &wanted.annotations,
                &given.annotations,
                &noted.annotations,
                &set.template_annotations,
                annotation,
            ),
            look,
            set,
            wanted,
        })
    }

    fn template_is_in_step(&self) -> bool {
        self.labels.missing.is_empty() && self.annotations.missing.is_empty()
    }

    /// The template, then the pods, then the record; nothing while it is left alone.
    fn change(self) -> Option<Change> {
        let left_alone = refused::left_alone(self.look, self.set);
        if left_alone.is_some_and(|left| left.pod.is_none()) {
            return None;
        }
        // A status that is older than its spec may hide pods (decision 45).
        if !self.set.is_empty() {
            if !self.template_is_in_step() {
                return Some(self.write(false));
            }
            let pods = self.look.seen.pods.get(&self.set.name).filter(|_| left_alone.is_none());
            let patches = self.patches(pods?);
            if !patches.is_empty() {
                return Some(Change::Pods(patches));
            }
        }
        Some(self.write(true))
    }

    /// The patch of the ReplicaSet; `settled` if no pod is otherwise and none can come of an older template.
    fn write(self, settled: bool) -> Change {
        let kept = |covered: Changes, wanted: &Words| -> Changes {
            let kept = covered.into_iter();
            kept.filter(|(key, _)| !settled || wanted.contains_key(key)).collect()
        };
        let covered = Covered {
            labels: kept(self.labels.covered, &self.wanted.labels),
            annotations: kept(self.annotations.covered, &self.wanted.annotations),
            pending: !settled,
        };
        let mut records = vec![(COVERED_METADATA, record(&covered))];
        if settled {
            records.push((EPHEMERAL_METADATA, record(&self.wanted)));
        }
        let annotations = &self.set.annotations;
        records.retain(|(annotation, record)| annotations.get(*annotation) != record.as_ref());
        Change::ReplicaSet(Secondary {
            template_labels: self.labels.missing,
            template_annotations: self.annotations.missing,
            annotations: records
                .into_iter()
                .map(|(name, text)| (name.to_owned(), text))
                .collect(),
        })
    }

    /// What of it the pods lack; those after one that the API server refused to patch come first.
    fn patches(&self, pods: &[Pod]) -> Vec<PodPatch> {
        let mut patches: Vec<PodPatch> = pods
            .iter()
            .filter(|pod| !pod.deleting)
            .filter_map(|pod| self.patch(pod))
            .collect();
        if let Some(refused) = refused::pod(self.look, self.set) {
            let after = patches.iter().position(|patch| patch.target.name.as_str() > refused);
            patches.rotate_left(after.unwrap_or(0));
        }
        patches
    }

    fn patch(&self, pod: &Pod) -> Option<PodPatch> {
        let patch = PodPatch {
            target: Target {
                name: pod.name.clone(),
                uid: pod.uid.clone(),
                resource_version: pod.resource_version.clone(),
            },
            replica_set: self.set.uid.clone(),
            labels: lacks(&pod.labels, &self.labels.target),
            annotations: lacks(&pod.annotations, &self.annotations.target),
        };
        (!patch.labels.is_empty() || !patch.annotations.is_empty()).then_some(patch)
    }
}

/// What of the changes is not there yet.
fn lacks(has: &Words, changes: &Changes) -> Changes {
    let missing = changes.iter().filter(|(key, value)| has.get(*key) != value.as_ref());
    missing.map(|(key, value)| (key.clone(), value.clone())).collect()
}
