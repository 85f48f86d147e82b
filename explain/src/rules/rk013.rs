//! RK013: a selector that does not select the pods it is for.

use super::Rule;
use super::build::Object;
use super::finding::{Fix, Severity};
use super::path::{at, find as reach};
use super::pods::{Pods, is_empty, pods, selector, selects, service_selector};
use super::seen::{Found, Seen, Target};
use super::words::distance;
use serin_core::api::LabelSelector;
use serin_core::meaning::services;
use serin_gitops::kustomize::SettingKind;
use serin_gitops::yaml::FieldPath;
use std::collections::{BTreeMap, BTreeSet};

pub(super) static RULE: Rule = Rule {
    id: "RK013",
    severity: Severity::Error,
    title: "a Service, PodDisruptionBudget or spread constraint does not select the pods that it is for",
    page: include_str!("../../../docs/rules/RK013.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let pods = pods(seen);
    let mut judged = BTreeSet::new();
    of_strategy(seen, found, &pods, &mut judged);
    let added = added_labels(seen);
    for (index, object) in seen.objects() {
        let (path, selector) = match (object.kind(), object.group()) {
            ("Service", "") if !judged.contains(&index) => {
                let labels = service_selector(object);
                let selector = LabelSelector {
                    match_labels: Some(labels),
                    match_expressions: None,
                };
                ("spec.selector", Some(selector))
            }
            ("PodDisruptionBudget", "policy") => ("spec.selector", selector(&object.value["spec"]["selector"])),
            ("NetworkPolicy", "networking.k8s.io") => {
                ("spec.podSelector", selector(&object.value["spec"]["podSelector"]))
            }
            _ => continue,
        };
        if let Some(selector) = selector.filter(|selector| !is_empty(selector)) {
            beside(found, &pods, &added, (index, object), path, &selector);
        }
    }
    spread(found, &pods, &added);
}

/// Services that a rollout uses: every label of their selector is one of its pods (contract 01 §9).
fn of_strategy(seen: &Seen<'_>, found: &mut Found<'_, '_>, pods: &[Pods<'_>], judged: &mut BTreeSet<usize>) {
    for (index, object, rollout) in seen.rollouts() {
        let labels = match &rollout.spec.workload_ref {
            None => pods.iter().find(|pods| pods.index == index).map(|pods| &pods.labels),
            Some(reference) => {
                let of =
                    |pods: &&Pods<'_>| pods.object.kind() == reference.kind && pods.object.name() == reference.name;
                pods.iter().find(of).map(|pods| &pods.labels)
            }
        };
        let Some(labels) = labels else { continue };
        let is_service = |object: &Object| object.kind() == "Service" && object.group().is_empty();
        for (_, name) in services(&rollout.spec.strategy) {
            let Target::Here(service) = seen.target(object, name, is_service) else {
                continue;
            };
            let Some(at_index) = seen.objects().position(|(_, other)| std::ptr::eq(other, service)) else {
                continue;
            };
            if !judged.insert(at_index) {
                continue;
            }
            for (key, value) in service_selector(service) {
                if labels.get(&key) != Some(&value) {
                    let has = labels
                        .get(&key)
                        .map_or("do not have it".to_owned(), |it| format!("have {it:?}"));
                    let message = format!(
                        "Service {name:?} selects {key}={value}, but the pods of {} {has}: it sends them no traffic",
                        object.title()
                    );
                    let words = "give selector and pods the same labels; if a transformer added the label, add serin's \
                                 transformer configuration: `serin kustomize init` writes it";
                    let path = at("spec.selector").key(&key);
                    found.add(at_index, &path, message).fix(Fix::words(words));
                }
            }
        }
    }
}

/// Labels that a transformer of the build puts on objects.
fn added_labels(seen: &Seen<'_>) -> BTreeSet<String> {
    let settings = seen.build.layers().iter().flat_map(|layer| &layer.settings);
    settings
        .filter_map(|setting| match &setting.kind {
            SettingKind::Label { key, .. } => Some(key.clone()),
            SettingKind::NamePrefix(_)
            | SettingKind::NameSuffix(_)
            | SettingKind::Namespace(_)
            | SettingKind::Annotation(_)
            | SettingKind::Replacement { .. } => None,
        })
        .collect()
}

/// What selects nothing in the build may select pods of others. It is a fault only where it would select a rollout's pods
/// but for a label that a transformer added to one of them (K24), or but for one value that is mistyped.
fn beside(
    found: &mut Found<'_, '_>,
    pods: &[Pods<'_>],
    added: &BTreeSet<String>,
    (index, object): (usize, &Object),
    path: &str,
    selector: &LabelSelector,
) {
    let met: Vec<&Pods<'_>> = pods.iter().filter(|pods| pods.object.meets(object)).collect();
    if met.iter().any(|pods| selects(selector, &pods.labels)) {
        return;
    }
    for pods in met.iter().filter(|pods| pods.object.is_ours("Rollout")) {
        let Some((key, value)) = only_difference(selector, &pods.labels) else {
            continue;
        };
        let has = pods.labels.get(key);
        let mistyped = has.is_some_and(|has| has.len() > 3 && distance(has, value) == 1);
        if !added.contains(key) && !mistyped {
            continue;
        }
        let has = has.map_or("do not have it".to_owned(), |it| format!("have {it:?}"));
        let message = format!(
            "{} selects {key}={value}, but the pods of {} {has}: it selects no pods of this build",
            object.title(),
            pods.object.title()
        );
        let words = if added.contains(key) {
            "a transformer added the label here and not to the pods: add serin's transformer configuration (`serin kustomize \
             init` writes it)"
        } else {
            "use the label of the pods"
        };
        let labels = if path == "spec.selector" && object.kind() == "Service" {
            at(path)
        } else {
            at(path).key("matchLabels")
        };
        found.add(index, &labels.key(key), message).fix(Fix::words(words));
        return;
    }
}

/// The one label in which a selector and labels differ, if all others agree and at least one does.
fn only_difference<'s>(selector: &'s LabelSelector, labels: &BTreeMap<String, String>) -> Option<(&'s str, &'s str)> {
    let wanted = selector.match_labels.as_ref()?;
    if selector.match_expressions.iter().flatten().next().is_some() {
        return None;
    }
    let mut differ = wanted.iter().filter(|(key, value)| labels.get(*key) != Some(*value));
    let (key, value) = differ.next()?;
    let agree = differ.next().is_none() && (wanted.len() > 1 || labels.contains_key(key));
    agree.then_some((key.as_str(), value.as_str()))
}

/// Spread constraints of a rollout that would count its own pods but for a label that a transformer added (K25).
fn spread(found: &mut Found<'_, '_>, pods: &[Pods<'_>], added: &BTreeSet<String>) {
    for pods in pods.iter().filter(|pods| pods.object.is_ours("Rollout")) {
        let pattern = "spec.template.spec.topologySpreadConstraints[*].labelSelector";
        for (path, value) in reach(&pods.object.value, pattern) {
            let Some(selector) = selector(value).filter(|selector| !is_empty(selector)) else {
                continue;
            };
            if selects(&selector, &pods.labels) {
                continue;
            }
            let Some((key, wanted)) = only_difference(&selector, &pods.labels) else {
                continue;
            };
            if !added.contains(key) {
                continue;
            }
            let message = format!("the spread constraint counts pods with {key}={wanted}, which these pods are not");
            let words = "use the label of the pods, or remove it from the constraint";
            let path: FieldPath = path.key("matchLabels").key(key);
            found.add(pods.index, &path, message).fix(Fix::words(words));
        }
    }
}
