//! AnalysisRuns and templates: decoded to what decisions need, found by what rollouts they have to do with.

use crate::store::key::{Key, Source};
use crate::sync::{read, write};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serin_core::api::analysis::AnalysisTemplateRef;
use serin_core::api::analysis_run::{AnalysisRunSpec, AnalysisRunStatus};
use serin_core::api::analysis_template::AnalysisTemplateSpec;
use serin_core::api::{AnalysisTemplate, ClusterAnalysisTemplate, Rollout};
use serin_core::observed::{AnalysisRun, Template, Templates};
use serin_core::rollout::references;
use serin_core::wire::analysis::Phase;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::{Arc, RwLock};

/// An AnalysisRun as stored. What does not decode is left out: such a run has no verdict.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredRun {
    /// Metadata without what nobody reads.
    pub(crate) meta: ObjectMeta,
    /// What it measures.
    pub(crate) spec: AnalysisRunSpec,
    /// What it measured.
    pub(crate) status: AnalysisRunStatus,
    /// Why some of it could not be decoded, field path first.
    pub(crate) undecodable: Option<String>,
}

impl<'de> Deserialize<'de> for StoredRun {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Raw { metadata, spec, status } = Raw::deserialize(deserializer)?;
        let (spec, wrong_spec) = leniently("spec", spec);
        let (status, wrong_status) = leniently("status", status);
        Ok(Self {
            meta: pruned(metadata),
            spec,
            status,
            undecodable: wrong_spec.or(wrong_status),
        })
    }
}

crate::store::stands_for!(StoredRun: serin_core::api::AnalysisRun);

impl StoredRun {
    /// The controller that owns it: kind, name and UID.
    pub(crate) fn owner(&self) -> Option<(&str, &str, &str)> {
        let owners = self.meta.owner_references.iter().flatten();
        let mut owners = owners.filter(|owner| owner.controller == Some(true));
        owners
            .next()
            .map(|owner| (owner.kind.as_str(), owner.name.as_str(), owner.uid.as_str()))
    }

    /// Name, UID and resourceVersion.
    pub(crate) fn known_as(&self) -> (&str, &str, &str) {
        let name = self.meta.name.as_deref().unwrap_or_default();
        (name, self.uid(), self.version())
    }

    fn version(&self) -> &str {
        self.meta.resource_version.as_deref().unwrap_or_default()
    }

    fn uid(&self) -> &str {
        self.meta.uid.as_deref().unwrap_or_default()
    }

    /// What decisions about the rollout of this UID see.
    fn observed(&self, rollout_uid: &str) -> AnalysisRun {
        let time = self.meta.creation_timestamp.as_ref();
        AnalysisRun {
            name: self.meta.name.clone().unwrap_or_default(),
            uid: self.uid().to_owned(),
            resource_version: self.version().to_owned(),
            created: time.map(|time| time.0).unwrap_or_default(),
            deleting: self.meta.deletion_timestamp.is_some(),
            foreign: self.owner().is_none_or(|(_, _, uid)| uid != rollout_uid),
            labels: self.meta.labels.clone().unwrap_or_default(),
            spec: self.spec.clone(),
            phase: Phase::of(&self.status.phase),
            message: self.status.message.clone(),
        }
    }
}

#[derive(Deserialize)]
struct Raw {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
}

fn pruned(mut metadata: ObjectMeta) -> ObjectMeta {
    metadata.managed_fields = None;
    metadata
}

/// What decodes, or nothing and why.
fn leniently<T: DeserializeOwned + Default>(part: &str, value: Value) -> (T, Option<String>) {
    if value.is_null() {
        return (T::default(), None);
    }
    match serde_path_to_error::deserialize(value) {
        Ok(decoded) => (decoded, None),
        Err(error) => (
            T::default(),
            Some(format!("{part}.{}: {}", error.path(), error.inner())),
        ),
    }
}

/// All AnalysisRuns.
#[derive(Default)]
pub(crate) struct Runs(RwLock<BTreeMap<Key, Arc<StoredRun>>>);

impl Runs {
    /// Stores what a watch or a live read returned; returns the rollout to reconcile.
    pub(crate) fn apply(&self, new: StoredRun, source: Source) -> Option<Key> {
        let key = Key::of(&new);
        let touched = rollout_of(&key, &new);
        let mut runs = write(&self.0);
        let newer = runs
            .get(&key)
            .is_none_or(|old| old.uid() != new.uid() || source.replaces(new.version(), old.version()));
        if newer {
            runs.insert(key, Arc::new(new));
        }
        touched.filter(|_| newer)
    }

    /// Forgets a run, unless another of the same name has taken its place; returns the rollout to reconcile.
    pub(crate) fn delete(&self, key: &Key, uid: &str) -> Option<Key> {
        let mut runs = write(&self.0);
        let gone = runs.get(key).filter(|run| run.uid() == uid)?;
        let touched = rollout_of(key, gone);
        runs.remove(key);
        touched
    }

    /// Forgets everything that a complete list did not name; returns the rollouts to reconcile.
    pub(crate) fn keep_only(&self, listed: &HashSet<Key>) -> Vec<Key> {
        let mut touched = Vec::new();
        write(&self.0).retain(|key, run| {
            let stays = listed.contains(key);
            touched.extend(rollout_of(key, run).filter(|_| !stays));
            stays
        });
        touched
    }

    /// The runs whose names begin with that of a rollout, whoever owns them.
    pub(crate) fn of(&self, rollout: &Key) -> Vec<Arc<StoredRun>> {
        let prefix = format!("{}-", rollout.name);
        let runs = read(&self.0);
        let from = (Bound::Included(rollout.sibling(&prefix)), Bound::Unbounded);
        let named = runs
            .range(from)
            .take_while(|(key, _)| key.namespace == rollout.namespace && key.name.starts_with(&prefix));
        named.map(|(_, run)| Arc::clone(run)).collect()
    }
}

fn rollout_of(key: &Key, run: &StoredRun) -> Option<Key> {
    let (kind, name, _) = run.owner()?;
    (kind == "Rollout").then(|| key.sibling(name))
}

/// As decisions about a rollout see its runs.
pub(crate) fn observed(runs: &[Arc<StoredRun>], rollout_uid: &str) -> Vec<AnalysisRun> {
    runs.iter().map(|run| run.observed(rollout_uid)).collect()
}

/// A template of a namespace, or of the cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredTemplate<const CLUSTER: bool> {
    meta: ObjectMeta,
    template: Template,
}

impl<'de, const CLUSTER: bool> Deserialize<'de> for StoredTemplate<CLUSTER> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Raw { metadata, spec, .. } = Raw::deserialize(deserializer)?;
        let (spec, undecodable) = leniently::<AnalysisTemplateSpec>("spec", spec);
        Ok(Self {
            meta: pruned(metadata),
            template: Template { spec, undecodable },
        })
    }
}

crate::store::stands_for!(StoredTemplate<false>: AnalysisTemplate);
crate::store::stands_for!(StoredTemplate<true>: ClusterAnalysisTemplate);

type ByKey = HashMap<Key, (String, Arc<Template>)>;

/// All templates; those of the cluster have an empty namespace.
#[derive(Default)]
pub(crate) struct AllTemplates(RwLock<ByKey>);

impl AllTemplates {
    /// Stores what a watch returned; tells whether it is new.
    pub(crate) fn apply<const CLUSTER: bool>(&self, new: StoredTemplate<CLUSTER>, source: Source) -> bool
    where
        StoredTemplate<CLUSTER>: kube::Resource,
    {
        let key = Key::of(&new);
        let version = new.meta.resource_version.unwrap_or_default();
        let mut all = write(&self.0);
        let newer = all
            .get(&key)
            .is_none_or(|(stored, _)| source.replaces(&version, stored));
        if newer {
            all.insert(key, (version, Arc::new(new.template)));
        }
        newer
    }

    /// Forgets a template.
    pub(crate) fn delete(&self, key: &Key) {
        write(&self.0).remove(key);
    }

    /// Forgets everything that a complete list, of the cluster or of namespaces, did not name.
    pub(crate) fn keep_only(&self, cluster: bool, listed: &HashSet<Key>) {
        write(&self.0).retain(|key, _| key.namespace.is_empty() != cluster || listed.contains(key));
    }

    /// The templates that a rollout names, and those that they name in turn.
    pub(crate) fn of(&self, rollout: &Rollout, namespace: &str) -> Templates {
        let mut found = Templates::default();
        let mut open: Vec<AnalysisTemplateRef> = references::templates(rollout).cloned().collect();
        if open.is_empty() {
            return found;
        }
        let all = read(&self.0);
        while let Some(reference) = open.pop() {
            let cluster = reference.cluster_scope == Some(true);
            let (of, within) = if cluster {
                (&mut found.cluster, "")
            } else {
                (&mut found.namespaced, namespace)
            };
            let name = reference.template_name;
            let Some((_, template)) = all.get(&Key::new(within, &name)).filter(|_| !of.contains_key(&name)) else {
                continue;
            };
            open.extend(template.spec.templates.iter().cloned());
            of.insert(name, Template::clone(template));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn run(name: &str, version: &str, owner: &Value, status: &Value) -> StoredRun {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": version,
                "creationTimestamp": "2026-01-01T00:00:00Z", "ownerReferences": owner, "labels": {"step-index": "1"}},
            "spec": {"metrics": [{"name": "m", "provider": {}}], "terminate": true},
            "status": status,
        }))
        .unwrap()
    }

    fn owned(kind: &str, name: &str, uid: &str) -> Value {
        json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "name": name, "uid": uid, "controller": true}])
    }

    #[test]
    fn runs_wake_the_rollout_that_owns_them() {
        let runs = Runs::default();
        let (web, good) = (
            Key::new("shop", "web"),
            json!({"phase": "Successful", "message": "fine"}),
        );
        let ours = owned("Rollout", "web", "u");
        assert_eq!(
            runs.apply(run("web-1-pre", "5", &ours, &good), Source::Event),
            Some(web.clone())
        );
        assert_eq!(runs.apply(run("web-1-pre", "4", &ours, &good), Source::Event), None);
        assert_eq!(
            runs.apply(
                run("web-2", "6", &owned("Experiment", "web", "e"), &good),
                Source::Event
            ),
            None
        );
        assert_eq!(runs.apply(run("website", "7", &json!([]), &good), Source::Event), None);
        let seen = observed(&runs.of(&web), "u");
        let names: Vec<(&str, bool)> = seen.iter().map(|run| (run.name.as_str(), run.foreign)).collect();
        assert_eq!(names, [("web-1-pre", false), ("web-2", true)]);
        assert_eq!((seen[0].phase, seen[0].message.as_str()), (Phase::Successful, "fine"));
        assert!(seen[0].spec.terminate);
        let key = web.sibling("web-1-pre");
        assert_eq!(runs.delete(&key, "another"), None);
        assert_eq!(runs.delete(&key, "uid-web-1-pre"), Some(web));
    }

    #[test]
    fn a_run_that_does_not_decode_has_no_verdict() {
        let odd = run(
            "a",
            "1",
            &json!([]),
            &json!({"phase": "Successful", "metricResults": 5}),
        );
        assert_eq!(odd.observed("u").phase, Phase::Unset);
        assert!(odd.undecodable.unwrap().starts_with("status.metricResults: "));
    }

    #[test]
    fn templates_are_found_with_those_that_they_name() {
        let templates = AllTemplates::default();
        let apply = |name: &str, spec: Value| {
            let template: StoredTemplate<false> = serde_json::from_value(
                json!({"metadata": {"name": name, "namespace": "shop", "resourceVersion": "1"}, "spec": spec}),
            )
            .unwrap();
            templates.apply(template, Source::Event)
        };
        assert!(apply(
            "a",
            json!({"templates": [{"templateName": "b"}, {"templateName": "c", "clusterScope": true}]})
        ));
        assert!(apply("b", json!({"templates": [{"templateName": "a"}]})));
        assert!(apply("odd", json!({"metrics": 5})));
        assert!(!apply("odd", json!({"metrics": []})));
        let cluster: StoredTemplate<true> =
            serde_json::from_value(json!({"metadata": {"name": "c", "resourceVersion": "1"}, "spec": {}})).unwrap();
        templates.apply(cluster, Source::Event);
        let rollout: Rollout = serde_json::from_value(json!({"spec": {"strategy": {"canary": {
            "analysis": {"templates": [{"templateName": "a"}, {"templateName": "odd"}]}}}}}))
        .unwrap();
        let found = templates.of(&rollout, "shop");
        assert_eq!(found.namespaced.keys().collect::<Vec<_>>(), ["a", "b", "odd"]);
        assert_eq!(found.cluster.keys().collect::<Vec<_>>(), ["c"]);
        let why = found.namespaced["odd"].undecodable.as_deref().unwrap();
        assert!(why.starts_with("spec.metrics: "), "{why}");
        assert!(templates.of(&rollout, "other").namespaced.is_empty());
        templates.keep_only(true, &HashSet::new());
        assert!(templates.of(&rollout, "shop").cluster.is_empty());
    }
}
