//! `selector-mismatch`: a Service, or the Rollout itself, selects other pods.

use super::shared::{clause, invalid_message, observed};
use super::{CauseKind, Scope};
use crate::case::{Case, Kind};
use crate::explanation::Cause;
use crate::sources::text;
use serde_json::Value;
use serin_core::meaning;
use serin_core::wire::{HASH_LABEL, condition};

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "selector-mismatch",
    docs: "A selector does not match the labels of the pods: of a Service that the Rollout names, or of the Rollout itself. \
           Traffic goes nowhere, or to other pods.",
    remedy: "Make the selector and the labels of the pod template the same.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    if let Some(told) = invalid_message(case) {
        let told = told.split_once("is invalid: ").map_or(told, |(_, rest)| rest);
        let mismatch =
            told.contains("has unmatch label") || (told.contains("selector") && told.contains("does not match"));
        return mismatch.then(|| {
            let evidence = case.condition_fact(case.object, condition::INVALID_SPEC);
            let summary = format!("A selector does not match the pods: {}.", clause(told));
            observed(&CAUSE, summary, evidence.into_iter().collect())
        });
    }
    if case.kind != Kind::Rollout {
        return None;
    }
    let labels = case.object.at("/spec/template/metadata/labels");
    if !labels.is_object() {
        return None;
    }
    for (field, name) in meaning::services(&case.rollout.spec.strategy) {
        let Some(service) = case.sibling("Service", name) else {
            continue;
        };
        let Some((key, wanted)) = unmatched(service.at("/spec/selector"), labels) else {
            continue;
        };
        let has = text(&labels[key]);
        let told = format!(
            "selects {key}={wanted}; the pods have {}",
            if has.is_empty() {
                "no such label".to_owned()
            } else {
                format!("{key}={has}")
            }
        );
        let fact = case.fact("service", service, &format!("spec.selector.{key}"), None, &told);
        let summary =
            format!("Service {name} ({field}) selects {key}={wanted}, which the pods of the Rollout do not have.");
        return Some(observed(&CAUSE, summary, vec![fact]));
    }
    None
}

/// The first label of a selector that the pods do not have; the hash is the controller's.
fn unmatched<'v>(selector: &'v Value, labels: &Value) -> Option<(&'v str, &'v str)> {
    let mut members = selector.as_object()?.iter();
    members
        .find(|(key, value)| key.as_str() != HASH_LABEL && labels[key.as_str()] != **value)
        .map(|(key, value)| (key.as_str(), text(value)))
}
