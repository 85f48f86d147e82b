//! An object of a build, and what it refers to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::compare::{is_same, meaning};
use crate::explanation::ObjectName;

/// Kinds that bear on all pods of a namespace, whatever they are called.
const OF_THE_NAMESPACE: [&str; 2] = ["ResourceQuota", "LimitRange"];

/// Kinds whose changes are those of another workload.
const WORKLOADS: [&str; 7] = [
    "Rollout",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Experiment",
];

/// How far references are followed: a rollout names a VirtualService, which names a Service.
const DEEPEST: usize = 3;

type Key<'a> = (&'a str, &'a str, &'a str);

/// The objects of a build.
#[derive(Debug, Clone)]
pub(super) struct Objects<'a> {
    pub(super) all: Vec<&'a Value>,
    /// The namespace of those that have none.
    pub(super) namespace: &'a str,
}

impl<'a> Objects<'a> {
    /// The place of an object.
    pub(super) fn find(&self, wanted: &ObjectName) -> Option<usize> {
        self.all.iter().position(|object| {
            let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
            let group = version.split_once('/').map_or("", |(group, _)| group);
            let (kind, namespace, name) = key(object);
            let namespace = if namespace.is_empty() {
                self.namespace
            } else {
                namespace
            };
            let is_here = namespace.is_empty() || wanted.namespace.is_empty() || namespace == wanted.namespace;
            let is_ours =
                group == "argoproj.io" || !matches!(wanted.kind.as_str(), "Rollout" | "AnalysisRun" | "Experiment");
            is_here && is_ours && kind == wanted.kind && name == wanted.name
        })
    }

    /// An object.
    pub(super) fn get(&self, wanted: &ObjectName) -> Option<&'a Value> {
        self.all.get(self.find(wanted)?).copied()
    }

    /// The pods of an object, in the form in which two say the same if they are equal.
    pub(super) fn pods(&self, wanted: &ObjectName) -> Option<Value> {
        meaning(self.get(wanted)?)
    }
}

/// The object and what it refers to in its build, by kind, namespace and name.
fn related<'a>(objects: &Objects<'a>, object: &ObjectName) -> BTreeMap<Key<'a>, &'a Value> {
    let Some(subject) = objects.get(object) else {
        return BTreeMap::new();
    };
    let mut found: BTreeMap<Key<'a>, &'a Value> = BTreeMap::from([(key(subject), subject)]);
    let mut ahead = vec![subject];
    for _ in 0..DEEPEST {
        let mut words = BTreeSet::new();
        ahead
            .drain(..)
            .for_each(|object| texts(object.get("spec").unwrap_or(object), &mut words));
        for &other in &objects.all {
            let (kind, _, name) = key(other);
            let is_workload = WORKLOADS.contains(&kind) && Some(name) != workload_of(subject);
            if !is_workload && words.contains(name) && found.insert(key(other), other).is_none() {
                ahead.push(other);
            }
        }
    }
    let aims_at_it = |other: &&'a Value| {
        let aim = ["/spec/scaleTargetRef/name", "/spec/targetRef/name"]
            .iter()
            .find_map(|path| other.pointer(path))
            .and_then(Value::as_str);
        aim == Some(object.name.as_str()) || OF_THE_NAMESPACE.contains(&key(other).0) || selects(other, subject)
    };
    found.extend(
        objects
            .all
            .iter()
            .copied()
            .filter(aims_at_it)
            .map(|other| (key(other), other)),
    );
    found
}

/// Whether two builds differ in the object or in what it refers to.
pub(super) fn differ(before: Option<&Objects<'_>>, after: Option<&Objects<'_>>, object: &ObjectName) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return before.is_some() || after.is_some();
    };
    let (before, after) = (related(before, object), related(after, object));
    let keys: BTreeSet<&Key<'_>> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .any(|key| !is_same(before.get(key).copied(), after.get(key).copied()))
}

fn key(object: &Value) -> Key<'_> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    (text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
}

/// The Deployment whose pods a Rollout runs.
fn workload_of(rollout: &Value) -> Option<&str> {
    rollout.pointer("/spec/workloadRef/name").and_then(Value::as_str)
}

/// Whether the other is a PodDisruptionBudget or NetworkPolicy that selects the object's pods.
fn selects(other: &Value, subject: &Value) -> bool {
    let selector = match key(other).0 {
        "PodDisruptionBudget" => other.pointer("/spec/selector/matchLabels"),
        "NetworkPolicy" => other.pointer("/spec/podSelector/matchLabels"),
        _ => return false,
    };
    let labels = subject.pointer("/spec/template/metadata/labels");
    let selector = selector
        .and_then(Value::as_object)
        .filter(|selector| !selector.is_empty());
    selector.is_some_and(|selector| {
        selector
            .iter()
            .all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
    })
}

/// All texts of an object: any of them can be a name.
fn texts<'a>(value: &'a Value, into: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => members.values().for_each(|value| texts(value, into)),
        Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        Value::String(text) => _ = into.insert(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
