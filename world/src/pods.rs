//! Pods as objects: what a decision sees of them where it needs them, evictions, and metadata that is injected.

use super::{World, note};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::api::PodTemplate;
use serin_core::identity::anti_affinity;
use serin_core::observed::Pod as ObservedPod;
use serin_core::plan::{NewReplicaSet, PodPatch, ReplicaSetPatch, Target};
use serin_core::rollout::pods;
use serin_core::wire::SHRUNK_TO;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A pod.
#[derive(Clone, Debug)]
pub struct Pod {
    /// No other has it.
    pub id: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When it is ready, if ever.
    pub ready_at: Option<Timestamp>,
    /// The node that it runs on.
    pub node: i64,
    /// Its `controller.kubernetes.io/pod-deletion-cost`.
    pub cost: i64,
    /// Labels and annotations; shared by those of one template.
    pub injected: Rc<Injected>,
}

/// Labels and annotations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Injected {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

type Changes = BTreeMap<String, Option<String>>;

impl Injected {
    /// Those of the pod template of a new ReplicaSet.
    pub fn of(new: &NewReplicaSet) -> Self {
        let template = new.template.to_value();
        let read = |field: &str| {
            let members = template["metadata"][field].as_object().into_iter().flatten();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            members.map(|(key, value)| (key.clone(), text(value))).collect()
        };
        Self {
            labels: read("labels"),
            annotations: read("annotations"),
        }
    }

    fn change(self: &mut Rc<Self>, labels: &Changes, annotations: &Changes) {
        let change = |of: &mut BTreeMap<String, String>, changes: &Changes| {
            for (key, value) in changes {
                match value {
                    Some(value) => of.insert(key.clone(), value.clone()),
                    None => of.remove(key),
                };
            }
        };
        let injected = Rc::make_mut(self);
        change(&mut injected.labels, labels);
        change(&mut injected.annotations, annotations);
    }
}

/// Ready at an instant.
pub fn is_ready(pod: &Pod, now: Timestamp) -> bool {
    pod.ready_at.is_some_and(|at| at <= now)
}

impl Pod {
    /// When it has been ready for so many seconds.
    pub fn available_at(&self, min_ready_seconds: i32) -> Option<Timestamp> {
        let wait = SignedDuration::from_secs(min_ready_seconds.into());
        self.ready_at.and_then(|at| at.checked_add(wait).ok())
    }

    /// Ready for so many seconds at an instant.
    pub fn is_available(&self, min_ready_seconds: i32, now: Timestamp) -> bool {
        self.available_at(min_ready_seconds).is_some_and(|at| at <= now)
    }

    fn observed(&self, now: Timestamp) -> ObservedPod {
        ObservedPod {
            name: format!("pod-{}", self.id),
            uid: self.id.to_string(),
            created: self.created,
            ready_since: self.ready_at.filter(|at| *at <= now),
            labels: self.injected.labels.clone(),
            annotations: self.injected.annotations.clone(),
            ..ObservedPod::default()
        }
    }
}

impl World {
    /// The pods that a decision needs to see.
    pub fn observed_pods(&self, seen: &Observed) -> BTreeMap<String, Vec<ObservedPod>> {
        let spec = &seen.rollout.spec;
        let canary = spec.strategy.canary.as_ref();
        let blue_green = spec.strategy.blue_green.as_ref();
        let metadata = canary.is_some_and(|of| of.stable_metadata.is_some() || of.canary_metadata.is_some())
            || blue_green.is_some_and(|of| of.active_metadata.is_some() || of.preview_metadata.is_some());
        let noted = seen
            .replica_sets
            .iter()
            .any(|set| set.annotations.contains_key(SHRUNK_TO));
        if !metadata && spec.restart_at.is_none() && !noted {
            // As the decision would say, only faster.
            return BTreeMap::new();
        }
        let needed = pods::needed(seen, self.controllers_now());
        let sets = self.sets.iter().filter(|set| needed.contains(&set.object.name));
        let pods = |set: &super::Set| set.pods.iter().map(|pod| pod.observed(self.now)).collect();
        sets.map(|set| (set.object.name.clone(), pods(set))).collect()
    }

    /// The API server evicts a pod; its ReplicaSet controller will make another.
    pub fn evict(&mut self, target: &Target) {
        note!(self, "evict {}", target.name);
        for index in 0..self.sets.len() {
            let (now, set) = (self.now, &mut self.sets[index]);
            let (before, available) = (set.pods.len(), set.available(now));
            set.pods.retain(|pod| pod.id.to_string() != target.uid);
            let taken = available - set.available(now);
            if set.pods.len() < before {
                self.pods_changed(index);
            }
            if taken > 0 {
                let basis = self.basis.clone();
                self.check_budget(taken, &basis);
                self.check_active_restart(index, &basis);
                // Where all may be unavailable, a restart may take all.
                if self.all_may_be_unavailable() {
                    self.forget_emptied_services();
                } else {
                    self.check_services(&basis);
                }
            }
        }
    }

    /// Labels and annotations of a pod.
    pub fn patch_pod(&mut self, patch: &PodPatch) {
        note!(
            self,
            "patch {} {:?} {:?}",
            patch.target.name,
            patch.labels,
            patch.annotations
        );
        let mut released = false;
        for set in &mut self.sets {
            let selected = set.made.selector["matchLabels"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            for pod in &mut set.pods {
                if pod.id.to_string() == patch.target.uid {
                    pod.injected.change(&patch.labels, &patch.annotations);
                    let has = |(key, value): (&String, &Value)| {
                        pod.injected.labels.get(key).map(String::as_str) == value.as_str()
                    };
                    released |= !selected.iter().all(has);
                }
            }
        }
        if released {
            self.break_rule(format!(
                "{} no longer carries the labels that its ReplicaSet selects: it is released",
                patch.target.name
            ));
        }
    }

    /// Labels and annotations of the pod template of a ReplicaSet: those of pods that are to come.
    pub fn patch_template(&mut self, index: usize, patch: &ReplicaSetPatch) {
        let secondary = &patch.secondary;
        if !secondary.template_labels.is_empty() || !secondary.template_annotations.is_empty() {
            let set = &mut self.sets[index];
            set.injected
                .change(&secondary.template_labels, &secondary.template_annotations);
            let labels = set.injected.labels.clone();
            set.object.template_labels = Some(labels).filter(|labels| *labels != set.object.labels);
            set.object.template_annotations = set.injected.annotations.clone();
        }
        if let Some(terms) = &patch.anti_affinity {
            let template = json!({ "spec": { "affinity": { "podAntiAffinity": terms } } });
            self.sets[index].object.avoids = anti_affinity::avoided(&PodTemplate::new(&template));
        }
    }
}
