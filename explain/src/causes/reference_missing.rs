//! `reference-missing`: something that is named does not exist.

use super::shared::{complaints, containers, invalid_message, observed, pods, quoted_after, warning};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::{Cause, Evidence};
use crate::sources::text;
use serin_core::wire::condition;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "reference-missing",
    docs: "A Service, Ingress, AnalysisTemplate, workload, ConfigMap, Secret, service account or volume claim that is named does \
           not exist, or lacks a key. A name with a hash of kustomize that has changed is told as such.",
    remedy: "Create what is missing, or correct the name.",
    detect,
    scope: Scope::Trouble,
};

/// What stands before the quoted name in messages, and the kind that it means.
const WORDS: [(&str, &str); 12] = [
    ("ClusterAnalysisTemplate ", "ClusterAnalysisTemplate"),
    ("AnalysisTemplate ", "AnalysisTemplate"),
    ("ingress.networking.k8s.io ", "Ingress"),
    ("ingresses.networking.k8s.io ", "Ingress"),
    ("deployments.apps ", "Deployment"),
    ("replicasets.apps ", "ReplicaSet"),
    ("podtemplates ", "PodTemplate"),
    ("serviceaccount ", "ServiceAccount"),
    ("service ", "Service"),
    ("configmap ", "ConfigMap"),
    ("secret ", "Secret"),
    ("persistentvolumeclaim ", "PersistentVolumeClaim"),
];

fn detect(case: &Case<'_>) -> Option<Cause> {
    of_the_spec(case).or_else(|| of_pods(case)).or_else(|| of_runs(case))
}

/// What a message says is missing: kind and name.
fn missing(told: &str) -> Option<(&'static str, &str)> {
    if !told.contains("not found") {
        return None;
    }
    WORDS.iter().find_map(|(word, kind)| {
        // The name must be what is not found, not the object in which something is missing.
        told.match_indices(word).find_map(|(at, _)| {
            let rest = &told[at..];
            let name = quoted_after(rest, word)?;
            let behind = ['"', '\'', '`']
                .iter()
                .any(|quote| rest.contains(&format!("{name}{quote} not found")));
            behind.then_some((*kind, name))
        })
    })
}

/// Whether a text says that an object is missing that is no route.
pub(super) fn says_so(told: &str) -> bool {
    missing(told).is_some()
}

/// A key that a ConfigMap or Secret lacks.
fn missing_key(told: &str) -> Option<String> {
    let kubelet = told.split_once("couldn't find key ").map(|(_, rest)| rest);
    if let Some((key, holder)) = kubelet.and_then(|rest| rest.split_once(" in ")) {
        let holder = holder.trim_end_matches(['.', ')']);
        return Some(format!("Key {key} is missing in {holder}"));
    }
    let run = told.split_once("key '")?.1;
    let (key, rest) = run.split_once("' does not exist in secret '")?;
    let (secret, _) = rest.split_once('\'')?;
    Some(format!("Key {key} is missing in Secret {secret}"))
}

fn of_the_spec(case: &Case<'_>) -> Option<Cause> {
    let told = invalid_message(case)?;
    let (kind, name) = missing(told)?;
    let name = name.rsplit('/').next().unwrap_or(name);
    if case.sibling(kind, name).is_some() {
        // It was created since: the controller looks again by itself.
        return None;
    }
    let evidence = case.condition_fact(case.object, condition::INVALID_SPEC);
    Some(told_of(case, kind, name, "the Rollout", evidence.into_iter().collect()))
}

fn of_pods(case: &Case<'_>) -> Option<Cause> {
    let mut found = None;
    let hits = containers(case, |pod, container| {
        let (reason, message) = container.waiting();
        let what = what(message)?;
        found.get_or_insert(what);
        let told = format!("container {}: {reason} {message}", container.name);
        Some(case.fact(
            "pod",
            pod.object,
            &container.field("state.waiting"),
            pod.object.created(),
            &told,
        ))
    });
    let mut evidence: Vec<Evidence> = hits.into_iter().map(|hit| hit.evidence).take(2).collect();
    if found.is_none() {
        let hits = pods(case, |pod| {
            let event = warning(case, pod.object, &["FailedMount", "FailedAttachVolume", "Failed"]);
            let scheduled = pod.object.condition("PodScheduled");
            let unbound = text(&scheduled["message"]);
            let fact = event.filter(|event| what(&event.text).is_some()).or_else(|| {
                what(unbound)?;
                case.condition_fact(pod.object, "PodScheduled")
            })?;
            let waits = !pod.is_ready();
            found = found.take().or_else(|| what(&fact.text));
            waits.then_some(fact)
        });
        evidence = hits.into_iter().map(|hit| hit.evidence).take(2).collect();
    }
    if evidence.is_empty() {
        let (told, fact) = complaints(case).into_iter().find(|(told, _)| what(told).is_some())?;
        if invalid_message(case) == Some(told.as_str()) {
            return None;
        }
        found = what(&told);
        evidence.push(fact);
    }
    Some(match found? {
        Missing::Object(kind, name) => told_of(case, kind, &name, "the pods", evidence),
        Missing::Key(told) => observed(&CAUSE, format!("{told}, which the pods need."), evidence),
    })
}

enum Missing {
    Object(&'static str, String),
    Key(String),
}

fn what(told: &str) -> Option<Missing> {
    let object =
        missing(told).map(|(kind, name)| Missing::Object(kind, name.rsplit('/').next().unwrap_or(name).to_owned()));
    object.or_else(|| missing_key(told).map(Missing::Key))
}

fn of_runs(case: &Case<'_>) -> Option<Cause> {
    let bad = case
        .runs
        .iter()
        .find(|run| run.text("/status/phase") == "Error" && what(run.text("/status/message")).is_some())?;
    let evidence = vec![case.fact(
        "status",
        bad,
        "status.message",
        bad.time("/status/completedAt"),
        bad.text("/status/message"),
    )];
    Some(match what(bad.text("/status/message"))? {
        Missing::Object(kind, name) => told_of(case, kind, &name, "the analysis", evidence),
        Missing::Key(told) => observed(&CAUSE, format!("{told}, which the analysis needs."), evidence),
    })
}

/// The sentence, with the object of almost the same name, if the name carries a hash of kustomize.
fn told_of(case: &Case<'_>, kind: &str, name: &str, who: &str, mut evidence: Vec<Evidence>) -> Cause {
    let names = if who == "the Rollout" { "names" } else { "need" };
    let names = if who == "the analysis" { "needs" } else { names };
    let mut summary = format!("{kind} {name}, which {who} {names}, does not exist.");
    let base = unhashed(name);
    let other = base.and_then(|base| {
        let mut same = case.index.of_kind(kind, case.object.namespace());
        same.find(|object| unhashed(object.name()) == Some(base) && object.name() != name)
    });
    if let Some(other) = other {
        summary.push_str(&format!(
            " {} exists: the hash in the name has changed, and the old one was removed.",
            other.name()
        ));
        evidence.push(case.fact(&kind.to_lowercase(), other, "metadata.name", other.created(), "exists"));
    }
    observed(&CAUSE, summary, evidence)
}

/// A name without the hash that kustomize puts behind it: ten letters and digits, without vowels.
fn unhashed(name: &str) -> Option<&str> {
    let (base, hash) = name.rsplit_once('-')?;
    let alphabet = "bcdfghjkmnpqrstvwxz2456789kht";
    (hash.len() == 10 && hash.chars().all(|c| alphabet.contains(c))).then_some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_what_is_missing() {
        for (told, expected) in [
            (
                "spec.strategy.canary.canaryService: Invalid value: \"web\": service \"web\" not found",
                Some(("Service", "web")),
            ),
            (
                "spec.strategy.canary.steps[1].analysis.templates: Invalid value: \"t\": AnalysisTemplate 't' not found",
                Some(("AnalysisTemplate", "t")),
            ),
            (
                "ClusterAnalysisTemplate 'c' not found",
                Some(("ClusterAnalysisTemplate", "c")),
            ),
            ("configmap \"web-config\" not found", Some(("ConfigMap", "web-config"))),
            (
                "MountVolume.SetUp failed for volume \"x\" : secret \"tls\" not found",
                Some(("Secret", "tls")),
            ),
            (
                "deployments.apps \"demo/web\" not found",
                Some(("Deployment", "demo/web")),
            ),
            ("Service \"web\" has unmatch label \"app\" in rollout", None),
            ("manifest for web:1 not found", None),
        ] {
            assert_eq!(missing(told), expected, "{told}");
        }
        assert_eq!(
            missing_key("couldn't find key K in ConfigMap demo/web").unwrap_or_default(),
            "Key K is missing in ConfigMap demo/web"
        );
        assert_eq!(unhashed("web-settings-5dhb468ddh"), Some("web-settings"));
        assert_eq!(unhashed("web-settings"), None);
    }
}
