//! `field-fight`: two writers set one field to and fro.

mod routes;

use super::shared::{inferred, observed};
use super::{CauseKind, Scope};
use crate::case::age::age;
use crate::case::{Case, Kind};
use crate::explanation::{Cause, Evidence};
use crate::sources::{Object, text, time};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use serin_core::meaning;
use serin_core::wire::{FIELD_MANAGER, HASH_LABEL};

/// Writes so near to each other belong to one fight.
const NEAR: SignedDuration = SignedDuration::from_mins(10);
/// A fight whose last blow is older is over.
const RECENT: SignedDuration = SignedDuration::from_mins(30);

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "field-fight",
    docs: "Two writers set the same field again and again: the selector of a Service (the controller and a GitOps \
           tool), the weights of a route (the controller and a GitOps tool, or another controller), or spec.replicas (an \
           autoscaler and Git). Told with managers and times from managedFields. Of a route it is also seen in the controller's \
           events: three times the same write, and no new weight.",
    remedy: "Take the field out of Git, or let Argo CD ignore it (ignoreDifferences).",
    detect,
    scope: Scope::Trouble,
};

/// A writer of a field, and when it last wrote to the object.
struct Writer<'a> {
    name: &'a str,
    at: Option<Timestamp>,
    owns: bool,
}

fn detect(case: &Case<'_>) -> Option<Cause> {
    if case.kind != Kind::Rollout {
        return None;
    }
    services(case)
        .or_else(|| replicas(case))
        .or_else(|| routes::weights(case))
        .or_else(|| routes::events(case))
}

/// Whether a manager is a controller of rollouts.
fn is_controller(name: &str) -> bool {
    name == FIELD_MANAGER
        || name.contains("rollouts-controller")
        || name == "argo-rollouts"
        || name.starts_with("serin")
}

/// Whether a manager scales.
fn is_scaler(name: &str) -> bool {
    name == "kube-controller-manager" || name.contains("autoscaler") || name.contains("keda")
}

fn writers<'a>(object: &'a Object, path: &[&str]) -> Vec<Writer<'a>> {
    let entries = object.list("/metadata/managedFields").iter();
    let entries = entries.filter(|entry| text(&entry["subresource"]) != "status");
    entries
        .map(|entry| Writer {
            name: text(&entry["manager"]),
            at: time(&entry["time"]),
            owns: path
                .iter()
                .try_fold(&entry["fieldsV1"], |at, step| at.get(*step))
                .is_some_and(|it| *it != Value::Null),
        })
        .collect()
}

/// A controller and another that own the field, or of which the other owns it now, and whose writes are near and recent.
fn fight<'w, 'a>(
    case: &Case<'_>,
    writers: &'w [Writer<'a>],
    ours: fn(&str) -> bool,
) -> Option<(&'w Writer<'a>, &'w Writer<'a>)> {
    let own = writers
        .iter()
        .filter(|it| ours(it.name))
        .max_by_key(|it| (it.owns, it.at))?;
    let other = writers
        .iter()
        .filter(|it| !ours(it.name) && it.owns)
        .max_by_key(|it| it.at)?;
    let (own_at, other_at) = (own.at?, other.at?);
    let near = own_at.duration_since(other_at).abs() <= NEAR;
    let recent = case.now.duration_since(own_at.max(other_at)) <= RECENT;
    (near && recent).then_some((own, other))
}

fn facts(case: &Case<'_>, object: &Object, field: &str, writers: [&Writer<'_>; 2]) -> Vec<Evidence> {
    writers
        .iter()
        .map(|it| {
            case.fact(
                "managedFields",
                object,
                field,
                it.at,
                &format!(
                    "{} {}",
                    it.name,
                    if it.owns { "owns it" } else { "wrote to the object" }
                ),
            )
        })
        .collect()
}

/// The selector of a Service.
fn services(case: &Case<'_>) -> Option<Cause> {
    for (_, name) in meaning::services(&case.rollout.spec.strategy) {
        let Some(service) = case.sibling("Service", name) else {
            continue;
        };
        let all = writers(service, &["f:spec", "f:selector"]);
        let Some((own, other)) = fight(case, &all, is_controller) else {
            continue;
        };
        let hash = text(&service.at("/spec/selector")[HASH_LABEL]);
        let known = case.sets.iter().any(|set| set.hash == hash);
        let lost = hash.is_empty() || !known;
        let explicit = writers(service, &["f:spec", "f:selector", &format!("f:{HASH_LABEL}")]);
        let claims = explicit.iter().any(|it| it.owns && !is_controller(it.name));
        if !(lost || claims) {
            // The other owns the selector's own labels, as Git should.
            continue;
        }
        let field = format!("spec.selector.{HASH_LABEL}");
        let mut evidence = facts(case, service, &field, [own, other]);
        let told = if hash.is_empty() {
            "is not set".to_owned()
        } else {
            format!("is {hash}")
        };
        evidence.push(case.fact("service", service, &field, None, &told));
        let summary = format!(
            "{} and {} both write the selector of Service {name} ({} and {} ago); its pod template hash {told}.",
            own.name,
            other.name,
            age(case.now, own.at),
            age(case.now, other.at)
        );
        return Some(observed(&CAUSE, summary, evidence));
    }
    None
}

/// `spec.replicas` of the Rollout.
fn replicas(case: &Case<'_>) -> Option<Cause> {
    let all = writers(case.object, &["f:spec", "f:replicas"]);
    let (own, other) = fight(case, &all, is_scaler)?;
    let scaled = case
        .index
        .of_kind("HorizontalPodAutoscaler", case.object.namespace())
        .any(|it| it.text("/spec/scaleTargetRef/name") == case.object.name());
    if !scaled && !own.owns {
        return None;
    }
    let summary = format!(
        "{} and {} both set spec.replicas ({} and {} ago).",
        own.name,
        other.name,
        age(case.now, own.at),
        age(case.now, other.at)
    );
    let evidence = facts(case, case.object, "spec.replicas", [own, other]);
    Some(if own.owns {
        observed(&CAUSE, summary, evidence)
    } else {
        inferred(&CAUSE, summary, evidence)
    })
}
