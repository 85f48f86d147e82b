//! Templates of analyses, found by the rollouts that name them, and AnalysisRuns as decisions about rollouts see them.

use crate::store::key::{Key, Source};
use crate::store::runs::StoredRun;
use crate::sync::{read, write};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serin_core::api::analysis::AnalysisTemplateRef;
use serin_core::api::analysis_template::AnalysisTemplateSpec;
use serin_core::api::{AnalysisTemplate, ClusterAnalysisTemplate, Rollout, lenient};
use serin_core::observed::{AnalysisRun, Template, Templates};
use serin_core::rollout::references;
use serin_core::wire::analysis::Phase;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, RwLock};

#[derive(Deserialize)]
struct Raw {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
}

fn pruned(mut metadata: ObjectMeta) -> ObjectMeta {
    metadata.managed_fields = None;
    metadata
}

/// As decisions about the rollout of this UID see its runs.
pub(crate) fn observed(runs: &[Arc<StoredRun>], rollout_uid: &str) -> Vec<AnalysisRun> {
    runs.iter().map(|run| run_observed(run, rollout_uid)).collect()
}

fn run_observed(stored: &StoredRun, rollout_uid: &str) -> AnalysisRun {
    let (name, uid, version) = stored.known_as();
    let (meta, run) = (&stored.meta, &stored.run);
    let created = meta.creation_timestamp.as_ref().map(|time| time.0);
    // What is left of a status that does not decode is no verdict.
    let readable = stored.undecodable.is_none();
    AnalysisRun {
        name: name.to_owned(),
        uid: uid.to_owned(),
        resource_version: version.to_owned(),
        created: created.unwrap_or_default(),
        deleting: meta.deletion_timestamp.is_some(),
        foreign: stored.owner.as_ref().is_none_or(|owner| owner.uid != rollout_uid),
        labels: meta.labels.clone().unwrap_or_default(),
        spec: run.spec.clone(),
        phase: if readable {
            Phase::of(&run.status.phase)
        } else {
            Phase::Unset
        },
        message: run.status.message.clone(),
    }
}

/// A template of a namespace, or of the cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredTemplate<const CLUSTER: bool> {
    meta: ObjectMeta,
    template: Template,
}

impl<'de, const CLUSTER: bool> Deserialize<'de> for StoredTemplate<CLUSTER> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Raw { metadata, spec } = Raw::deserialize(deserializer)?;
        let (spec, undecodable) = lenient::part::<AnalysisTemplateSpec>(spec, "spec");
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

    /// All of them, by namespace and name.
    pub(crate) fn all(&self) -> Vec<(Key, Arc<Template>)> {
        let all = read(&self.0);
        let mut all: Vec<(Key, Arc<Template>)> = all
            .iter()
            .map(|(key, (_, template))| (key.clone(), Arc::clone(template)))
            .collect();
        all.sort_unstable_by(|(a, _), (b, _)| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        all
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
        self.named(references::templates(rollout).cloned().collect(), namespace)
    }

    /// The templates of these names, and those that they name in turn.
    pub(crate) fn named(&self, mut open: Vec<AnalysisTemplateRef>, namespace: &str) -> Templates {
        let mut found = Templates::default();
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
    use crate::store::runs::Runs;
    use serde_json::json;

    fn run(name: &str, owner: &str, status: &Value) -> StoredRun {
        let owner = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": owner,
            "controller": true});
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": "5",
                "creationTimestamp": "2026-01-01T00:00:00Z", "ownerReferences": [owner], "labels": {"a": "b"}},
            "spec": {"metrics": [{"name": "m", "provider": {}}], "terminate": true},
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn runs_whose_names_begin_with_that_of_a_rollout_are_its_own_or_foreign() {
        let (runs, web) = (Runs::default(), Key::new("shop", "web"));
        let good = json!({"phase": "Successful", "message": "fine"});
        for (name, owner) in [("web-1-pre", "u"), ("web-2", "e"), ("website", "u"), ("we", "u")] {
            runs.apply(run(name, owner, &good), Source::Event);
        }
        let seen = observed(&runs.of(&web), "u");
        let names: Vec<(&str, bool)> = seen.iter().map(|run| (run.name.as_str(), run.foreign)).collect();
        assert_eq!(names, [("web-1-pre", false), ("web-2", true)]);
        assert_eq!((seen[0].phase, seen[0].message.as_str()), (Phase::Successful, "fine"));
        assert!(seen[0].spec.terminate);
    }

    #[test]
    fn a_run_that_does_not_decode_has_no_verdict() {
        let odd = run("a", "u", &json!({"phase": "Successful", "metricResults": 5}));
        assert_eq!(run_observed(&odd, "u").phase, Phase::Unset);
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
