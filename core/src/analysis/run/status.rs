//! The write of a status.

use crate::api::analysis_run::AnalysisRunStatus;
use crate::plan::{StatusWrite, Urgency};
use crate::wire::analysis::Phase;
use serde_json::{Map, Value, json};

/// The merge patch from the recorded status to `next`; none where they are equal.
///
/// Compared are the statuses as they are understood: what is absent equals what is empty.
pub(super) fn write(old: &AnalysisRunStatus, next: &AnalysisRunStatus) -> Option<StatusWrite> {
    let patch = diff(&to_map(old), to_map(next))?;
    Some(StatusWrite {
        patch: json!({"status": patch}),
        urgency: if is_verdict(old, next) {
            Urgency::Now
        } else {
            Urgency::Counters
        },
        message_only: false,
    })
}

/// The run, or a metric of it, has ended.
fn is_verdict(old: &AnalysisRunStatus, next: &AnalysisRunStatus) -> bool {
    let ended = |status: &AnalysisRunStatus| {
        let results = status.metric_results.iter();
        results.filter(|result| Phase::of(&result.phase).is_completed()).count()
    };
    Phase::of(&next.phase).is_completed() || ended(next) != ended(old)
}

fn to_map(status: &AnalysisRunStatus) -> Map<String, Value> {
    match serde_json::to_value(status) {
        Ok(Value::Object(map)) => map,
        Ok(_) | Err(_) => Map::new(),
    }
}

fn diff(before: &Map<String, Value>, after: Map<String, Value>) -> Option<Value> {
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    let mut patch: Map<String, Value> = gone.map(|key| (key.clone(), Value::Null)).collect();
    for (key, value) in after {
        match (before.get(&key), value) {
            (Some(old), new) if *old == new => {}
            (Some(Value::Object(old)), Value::Object(new)) => {
                if let Some(change) = diff(old, new) {
                    patch.insert(key, change);
                }
            }
            (Some(_) | None, new) => {
                patch.insert(key, new);
            }
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}
