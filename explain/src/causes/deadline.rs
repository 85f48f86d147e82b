//! `deadline`: the update made no progress in time.

use super::shared::{condition_time, inferred, observed};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;
use serin_core::wire::condition;

/// Seconds without progress where the spec says nothing (contract 01 §2).
const DEFAULT_SECONDS: i64 = 600;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "deadline",
    docs: "The update made no progress for progressDeadlineSeconds. Told with what waited on what. Where the pods are gone, \
           nothing says why any more.",
    remedy: "Mend what the pods waited for; the roots stand before this.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    if !case.is_overdue() {
        return None;
    }
    let seconds = case
        .object
        .number("/spec/progressDeadlineSeconds")
        .unwrap_or(DEFAULT_SECONDS);
    let fact = case.condition_fact(case.object, condition::PROGRESSING);
    let mut evidence: Vec<_> = fact.into_iter().collect();
    let set = case.newest();
    let gone = set.is_none_or(|set| set.current == 0 && set.wanted == 0)
        || !case.pods.iter().any(|pod| {
            pod.set
                .and_then(|at| case.sets.get(at))
                .is_some_and(|set| set.part.is_new())
        });
    let what = match set {
        Some(set) if gone && set.wanted == 0 => {
            format!("{} did not become available, and its pods are gone", set.words())
        }
        Some(set) => format!(
            "{} of {} pods of {} are available",
            set.available,
            set.wanted,
            set.words()
        ),
        None => "its pods did not become available".to_owned(),
    };
    if let Some(set) = set {
        let told = format!(
            "{} wanted, {} exist, {} ready, {} available",
            set.wanted, set.current, set.ready, set.available
        );
        evidence.push(case.fact(
            "replicaset",
            set.object,
            "status",
            condition_time(case.object, condition::PROGRESSING),
            &told,
        ));
    }
    let summary = format!("The update made no progress for {seconds} s: {what}.");
    Some(if gone {
        inferred(&CAUSE, summary, evidence)
    } else {
        observed(&CAUSE, summary, evidence)
    })
}
