//! `replicaset-refused`: a ReplicaSet, or its pods, may not be created.

use super::shared::{clause, is_rbac, observed, short, warning};
use super::{CauseKind, Scope};
use crate::case::{Case, Part};
use crate::explanation::{Cause, Evidence};
use crate::sources::text;
use serin_core::wire::condition;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "replicaset-refused",
    docs: "The API server refuses the ReplicaSet or its pods: a quota is used up, an admission webhook or Pod Security says no. \
           Seen in the condition ReplicaFailure of a ReplicaSet that lacks pods, or in Progressing with ReplicaSetCreateError.",
    remedy: "Raise the quota or free some of it, or change the pod template to what the rule asks for.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    of_pods(case).or_else(|| of_the_set(case))
}

/// Pods of a ReplicaSet that lacks some.
fn of_pods(case: &Case<'_>) -> Option<Cause> {
    for set in case
        .sets
        .iter()
        .filter(|set| set.part != Part::Old && set.current < set.wanted)
    {
        let failure = set.object.condition(condition::REPLICA_FAILURE);
        let fact = if text(&failure["status"]) == "True" {
            case.condition_fact(set.object, condition::REPLICA_FAILURE)
        } else {
            warning(case, set.object, &["FailedCreate"])
        };
        let Some(fact) = fact.filter(|fact| !is_rbac(&fact.text)) else {
            continue;
        };
        let (kind, told) = (what_refused(&fact.text), short(clause(said(&fact.text)), 170));
        let missing = set.wanted - set.current;
        let pods = if missing == 1 { "pod" } else { "pods" };
        let summary = format!("{kind} refuses {missing} {pods} of {}: {told}.", set.words());
        let mut evidence = vec![fact];
        evidence.extend(quotas(case, &evidence[0].text));
        return Some(observed(&CAUSE, summary, evidence));
    }
    None
}

/// The ReplicaSet itself.
fn of_the_set(case: &Case<'_>) -> Option<Cause> {
    let progressing = case.object.condition(condition::PROGRESSING);
    let failed = text(&progressing["reason"]) == condition::REPLICA_SET_CREATE_ERROR && case.newest().is_none();
    let told = text(&progressing["message"]);
    if !failed || is_rbac(told) {
        return None;
    }
    let fact = case.condition_fact(case.object, condition::PROGRESSING)?;
    let summary = format!(
        "{} refuses the new ReplicaSet: {}.",
        what_refused(told),
        short(clause(said(told)), 170)
    );
    let mut evidence = vec![fact];
    evidence.extend(quotas(case, told));
    Some(observed(&CAUSE, summary, evidence))
}

fn what_refused(told: &str) -> &'static str {
    if told.contains("exceeded quota") || told.contains("failed quota") {
        "A quota"
    } else if told.contains("PodSecurity") || told.contains("pod security") {
        "Pod Security"
    } else if told.contains("security context constraint") {
        "A security context constraint"
    } else if told.contains("admission webhook") {
        "An admission webhook"
    } else if told.contains("ValidatingAdmissionPolicy") {
        "An admission policy"
    } else if told.contains("LimitRange") || told.contains("usage per Container") || told.contains("usage per Pod") {
        "A LimitRange"
    } else {
        "The API server"
    }
}

/// The words behind `is forbidden:` and the like.
fn said(told: &str) -> &str {
    let told = told.split_once("forbidden: ").map_or(told, |(_, rest)| rest);
    told.strip_prefix("FailedCreate: ").unwrap_or(told)
}

/// The quotas of the namespace that the message names, with what is used.
fn quotas(case: &Case<'_>, told: &str) -> Vec<Evidence> {
    let quotas = case.index.of_kind("ResourceQuota", case.object.namespace());
    quotas
        .filter(|quota| told.contains(&format!("quota: {}", quota.name())))
        .map(|quota| {
            let hard = quota.at("/status/hard").as_object();
            let all: Vec<String> = hard
                .into_iter()
                .flatten()
                .map(|(name, hard)| format!("{name} {} of {}", text(&quota.at("/status/used")[name]), text(hard)))
                .collect();
            case.fact(
                "quota",
                quota,
                "status.used",
                None,
                &format!("used: {}", all.join(", ")),
            )
        })
        .collect()
}
