//! `autoscaler`: an autoscaler is in the way, or aims wide.

use super::shared::{clause, inferred, observed, short};
use super::{CauseKind, Scope};
use crate::case::{Case, Kind};
use crate::explanation::Cause;
use crate::sources::{Object, text, time};
use jiff::SignedDuration;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "autoscaler",
    docs: "A HorizontalPodAutoscaler or ScaledObject cannot read or set the scale of the Rollout, aims at a Deployment of its \
           name, or changes the number of replicas while the update waits for replicas.",
    remedy: "Point scaleTargetRef at argoproj.io/v1alpha1 Rollout; or wait until the load is steady.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    if case.kind != Kind::Rollout {
        return None;
    }
    let namespace = case.object.namespace();
    let of = ["HorizontalPodAutoscaler", "ScaledObject"];
    let mut scalers = of
        .iter()
        .flat_map(|kind| case.index.of_kind(kind, namespace))
        .filter(|scaler| scaler.text("/spec/scaleTargetRef/name") == case.object.name());
    scalers.find_map(|scaler| {
        aims_wide(case, scaler)
            .or_else(|| cannot_scale(case, scaler))
            .or_else(|| scales_meanwhile(case, scaler))
    })
}

/// It aims at a Deployment of the same name, and there is none.
fn aims_wide(case: &Case<'_>, scaler: &Object) -> Option<Cause> {
    let kind = match scaler.text("/spec/scaleTargetRef/kind") {
        "" => "Deployment",
        kind => kind,
    };
    let wide = kind != "Rollout" && case.rollout.spec.workload_ref.is_none();
    let fails = scaler.condition("AbleToScale");
    if !wide || text(&fails["status"]) != "False" {
        return None;
    }
    let told = format!("aims at {kind}/{}: {}", case.object.name(), text(&fails["message"]));
    let fact = case.fact(
        "autoscaler",
        scaler,
        "spec.scaleTargetRef",
        time(&fails["lastTransitionTime"]),
        &told,
    );
    let summary = format!(
        "{} {} aims at {kind}/{} and not at this Rollout.",
        scaler.kind(),
        scaler.name(),
        case.object.name()
    );
    Some(observed(&CAUSE, summary, vec![fact]))
}

fn cannot_scale(case: &Case<'_>, scaler: &Object) -> Option<Cause> {
    let able = scaler.condition("AbleToScale");
    if text(&able["status"]) != "False" || text(&able["reason"]).starts_with("BackoffBoth") {
        return None;
    }
    let told = format!("{}: {}", text(&able["reason"]), text(&able["message"]));
    let fact = case.fact(
        "autoscaler",
        scaler,
        "status.conditions[AbleToScale]",
        time(&able["lastTransitionTime"]),
        &told,
    );
    let summary = format!(
        "{} {} cannot scale this Rollout: {}.",
        scaler.kind(),
        scaler.name(),
        short(clause(text(&able["message"])), 160)
    );
    Some(observed(&CAUSE, summary, vec![fact]))
}

/// It has just changed the number of replicas, and the update waits for replicas.
fn scales_meanwhile(case: &Case<'_>, scaler: &Object) -> Option<Cause> {
    let scaled = scaler.time("/status/lastScaleTime")?;
    let recent = case.now.duration_since(scaled) < SignedDuration::from_mins(5);
    let (current, desired) = (
        scaler.number("/status/currentReplicas"),
        scaler.number("/status/desiredReplicas"),
    );
    let began = case.newest().and_then(|set| set.object.created());
    let during = began.is_some_and(|at| scaled > at);
    let waits = case.is_overdue() || case.phase().1.contains("replicas need to be updated");
    if !(recent && during && waits) || current == desired || !case.is_updating() {
        return None;
    }
    let told = format!("from {} to {}", current.unwrap_or(0), desired.unwrap_or(0));
    let fact = case.fact("autoscaler", scaler, "status.desiredReplicas", Some(scaled), &told);
    let summary = format!(
        "{} {} scales the Rollout ({told}) while the update waits for its replicas.",
        scaler.kind(),
        scaler.name()
    );
    Some(inferred(&CAUSE, summary, vec![fact]))
}
