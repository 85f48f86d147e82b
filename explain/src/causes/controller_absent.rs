//! `controller-absent`: no controller serves the Rollout.

use super::shared::observed;
use super::{CauseKind, Scope};
use crate::case::age::age;
use crate::case::{Case, Kind, event_time};
use crate::explanation::{Cause, Evidence};
use crate::sources::{Object, text};
use jiff::{SignedDuration, Timestamp};
use serin_core::wire::INSTANCE_ID;

/// Name of the Lease, before the instance id (contract 09 §2).
const LEASE: &str = "argo-rollouts-controller-lock";
/// How much later than its duration a Lease is given up here: clocks differ.
const MARGIN: SignedDuration = SignedDuration::from_secs(45);
/// A status that was written so recently had a writer.
const LIFE: SignedDuration = SignedDuration::from_secs(60);

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "controller-absent",
    docs: "No controller leads: its Lease has no holder or is not renewed, or the Rollout carries the instance id of a \
           controller that does not run. Nothing that a controller has to do will happen. Without permission to read Leases it \
           is not guessed.",
    remedy: "Start the controller, or correct the label argo-rollouts.argoproj.io/controller-instance-id.",
    detect,
    scope: Scope::Trouble,
};

/// What is known of the controller that serves an object.
pub(super) enum Leader<'a> {
    /// One leads.
    Leads(&'a Object),
    /// None does, and this is why.
    Absent(String, Vec<Evidence>),
    /// That cannot be told.
    Unknown,
}

fn detect(case: &Case<'_>) -> Option<Cause> {
    match leader(case) {
        Leader::Absent(summary, evidence) => Some(observed(&CAUSE, summary, evidence)),
        Leader::Leads(_) | Leader::Unknown => None,
    }
}

/// The controller that serves the object of the case.
pub(super) fn leader<'a>(case: &Case<'a>) -> Leader<'a> {
    if !case.was_listed("Lease") {
        return Leader::Unknown;
    }
    let instance = case.object.label(INSTANCE_ID);
    let name = if instance.is_empty() {
        LEASE.to_owned()
    } else {
        format!("{LEASE}-{instance}")
    };
    let leases: Vec<_> = case
        .index
        .all("Lease")
        .filter(|lease| lease.name() == name && serves(case, lease.namespace()))
        .collect();
    if let Some(lease) = leases.iter().find(|lease| is_held(case, lease)) {
        return Leader::Leads(lease);
    }
    if runs_without_lease(case, instance) || last_sign(case).is_some_and(|at| case.now.duration_since(at) < LIFE) {
        return Leader::Unknown;
    }
    if leases.is_empty() && !nobody_acts(case) {
        return Leader::Unknown;
    }
    let mut evidence: Vec<Evidence> = leases.iter().map(|lease| lease_fact(case, lease)).collect();
    evidence.extend(deployments(case).map(|deployment| {
        let ready = deployment.number("/status/readyReplicas").unwrap_or(0);
        let told = format!(
            "{ready} of {} pods ready",
            deployment.number("/spec/replicas").unwrap_or(1)
        );
        case.fact("controller", deployment, "status.readyReplicas", None, &told)
    }));
    let summary = if !instance.is_empty() {
        let told = format!("{INSTANCE_ID}={instance}");
        evidence.insert(0, case.fact("label", case.object, "metadata.labels", None, &told));
        format!(
            "No controller with --instance-id {instance} leads, and the label of this object asks for that one: nobody acts on it."
        )
    } else if let Some(lease) = leases.first() {
        let renewed = age(case.now, lease.time("/spec/renewTime"));
        let since = if renewed.is_empty() {
            "has no holder".to_owned()
        } else {
            format!("was last renewed {renewed} ago")
        };
        format!(
            "No controller runs: Lease {}/{} {since}. Nothing happens until one does.",
            lease.namespace(),
            lease.name()
        )
    } else {
        evidence.push(case.fact(
            "lease",
            case.object,
            "",
            None,
            &format!("there is no Lease {name} in any namespace that was read"),
        ));
        "No controller runs: none has ever taken the Lease. Nothing happens until one does.".to_owned()
    };
    Leader::Absent(summary, evidence)
}

/// Where there is no Lease of this name, something else must say that nobody acts: a Deployment without pods, the Lease of
/// another instance, or a change that nobody has looked at. Some controllers lead without a Lease.
fn nobody_acts(case: &Case<'_>) -> bool {
    let ready = deployments(case).any(|it| it.number("/status/readyReplicas").unwrap_or(0) > 0);
    let down = deployments(case).next().is_some() && !ready;
    let other = case.index.all("Lease").next().is_some();
    let unseen = !case.generation_is_observed() || case.object.text("/status/phase").is_empty();
    down || other || (unseen && !ready)
}

fn lease_fact(case: &Case<'_>, lease: &Object) -> Evidence {
    let holder = lease.text("/spec/holderIdentity");
    let told = if holder.is_empty() {
        "no holder".to_owned()
    } else {
        format!("held by {holder}, not renewed since")
    };
    case.fact("lease", lease, "spec.renewTime", lease.time("/spec/renewTime"), &told)
}

fn is_held(case: &Case<'_>, lease: &Object) -> bool {
    let seconds = lease.number("/spec/leaseDurationSeconds").unwrap_or(15);
    let limit = SignedDuration::from_secs(seconds) + MARGIN;
    let renewed = lease.time("/spec/renewTime");
    !lease.text("/spec/holderIdentity").is_empty() && renewed.is_some_and(|at| case.now.duration_since(at) <= limit)
}

/// Deployments of controllers.
fn deployments<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Object> {
    case.index.all("Deployment").filter(|it| {
        let name = it.label("app.kubernetes.io/name");
        matches!(name, "argo-rollouts" | "serin") || it.label("app.kubernetes.io/component") == "rollouts-controller"
    })
}

fn arguments(deployment: &Object) -> impl Iterator<Item = &str> {
    deployment
        .list("/spec/template/spec/containers")
        .iter()
        .flat_map(|container| crate::sources::list(&container["args"]))
        .map(text)
}

/// A controller that is bound to its namespace serves no other.
fn serves(case: &Case<'_>, lease_namespace: &str) -> bool {
    let mut own = deployments(case)
        .filter(|it| it.namespace() == lease_namespace)
        .peekable();
    let bound = own.peek().is_some()
        && own.all(|it| arguments(it).any(|it| matches!(it, "--namespaced" | "--namespaced=true")));
    !bound || lease_namespace == case.object.namespace()
}

/// A controller with `--leader-elect=false` has no Lease.
fn runs_without_lease(case: &Case<'_>, instance: &str) -> bool {
    deployments(case).any(|it| {
        let without = arguments(it).any(|it| it == "--leader-elect=false");
        let flag = format!("--instance-id={instance}");
        let same = instance.is_empty() || arguments(it).any(|it| it == flag || it == instance);
        without && same && it.number("/status/readyReplicas").unwrap_or(0) > 0
    })
}

/// When the controller last did something for the object that can be seen.
fn last_sign(case: &Case<'_>) -> Option<Timestamp> {
    let conditions = case.object.list("/status/conditions").iter();
    let updated = conditions
        .filter_map(|it| crate::sources::time(&it["lastUpdateTime"]))
        .max();
    let event = match case.kind {
        Kind::Rollout => case
            .events(case.object)
            .into_iter()
            .find(|event| event.text("/source/component") == "rollouts-controller"),
        Kind::AnalysisRun | Kind::Experiment => None,
    };
    updated.max(event.and_then(event_time))
}
