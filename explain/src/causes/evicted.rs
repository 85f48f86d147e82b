//! `evicted`: nodes drove pods away.

use super::shared::{clause, observed, short};
use super::{CauseKind, Scope};
use crate::case::{Case, Part};
use crate::explanation::Cause;
use crate::sources::{text, time};

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "evicted",
    docs: "Pods were driven away by their nodes (memory, disk) or by the scheduler (preemption), and the revision lacks pods \
           now. Seen in pods that have failed with reason Evicted, and in their condition DisruptionTarget.",
    remedy: "Look at the node's memory and disk, and at requests and priority of the pods.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    for set in case.sets.iter().filter(|set| set.part != Part::Old && set.lacks_pods()) {
        let gone: Vec<_> = case
            .index
            .owned("Pod", set.object)
            .filter(|pod| pod.text("/status/reason") == "Evicted" || is_disrupted(pod.condition("DisruptionTarget")))
            .collect();
        let Some(first) = gone.first() else { continue };
        let disrupted = first.condition("DisruptionTarget");
        let message = match first.text("/status/message") {
            "" => text(&disrupted["message"]),
            told => told,
        };
        let evidence = gone.iter().take(3).map(|pod| {
            let told = format!("{} {}", pod.text("/status/reason"), pod.text("/status/message"));
            let at = time(&pod.condition("DisruptionTarget")["lastTransitionTime"]).or(pod.created());
            let told = if told.trim().is_empty() {
                message.to_owned()
            } else {
                told
            };
            case.fact("pod", pod, "status.reason", at, &told)
        });
        let pods = if gone.len() == 1 {
            "A pod".to_owned()
        } else {
            format!("{} pods", gone.len())
        };
        let was = if gone.len() == 1 { "was" } else { "were" };
        let summary = format!(
            "{pods} of {} {was} evicted: {}.",
            set.words(),
            short(clause(message), 140)
        );
        return Some(observed(&CAUSE, summary, evidence.collect()));
    }
    None
}

/// Preemption and pressure, not an eviction that somebody asked for nor a lost node.
fn is_disrupted(condition: &serde_json::Value) -> bool {
    text(&condition["status"]) == "True"
        && matches!(
            text(&condition["reason"]),
            "PreemptionByScheduler" | "TerminationByKubelet"
        )
}
