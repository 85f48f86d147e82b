//! What the metrics of AnalysisRuns say, for the four causes about analyses.

use super::CauseKind;
use super::shared::{clause, observed, short};
use crate::case::Case;
use crate::explanation::{Cause, Evidence};
use crate::sources::{Object, list, number, text, time};
use serde_json::Value;
use serin_core::wire::condition;

/// How the message of a measurement begins that `noData` decided (decision 50).
const NO_DATA: &str = "no data: ";

/// How a metric ended badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// What was measured is bad.
    Failed,
    /// It could not be measured.
    Error,
    /// The provider had nothing to say: an empty answer, NaN.
    NoData,
    /// Neither good nor bad.
    Inconclusive,
}

/// A metric that ended badly.
pub(super) struct Bad {
    pub(super) verdict: Verdict,
    pub(super) summary: String,
    pub(super) evidence: Vec<Evidence>,
}

/// The cause of one verdict, if a run of the present has it.
pub(super) fn cause(kind: &CauseKind, case: &Case<'_>, verdict: Verdict) -> Option<Cause> {
    let mut found: Vec<Bad> = all(case).into_iter().filter(|bad| bad.verdict == verdict).collect();
    if found.is_empty() {
        return told_by_the_status(case, verdict).map(|(summary, evidence)| observed(kind, summary, evidence));
    }
    let more = found.len() - 1;
    let first = found.remove(0);
    let mut summary = first.summary;
    if more > 0 {
        summary.push_str(&format!(
            " {more} more metric{} likewise.",
            if more == 1 { "" } else { "s" }
        ));
    }
    let mut evidence = first.evidence;
    evidence.extend(found.into_iter().flat_map(|bad| bad.evidence).take(3));
    Some(observed(kind, summary, evidence))
}

/// All metrics that ended badly in runs that did.
pub(super) fn all(case: &Case<'_>) -> Vec<Bad> {
    let mut found = Vec::new();
    for run in &case.runs {
        let phase = run.text("/status/phase");
        if !matches!(phase, "Failed" | "Error" | "Inconclusive") {
            continue;
        }
        let before = found.len();
        for result in run.list("/status/metricResults") {
            if result["dryRun"].as_bool() == Some(true)
                || !matches!(text(&result["phase"]), "Failed" | "Error" | "Inconclusive")
            {
                continue;
            }
            found.push(of_metric(case, run, result));
        }
        if found.len() == before {
            found.push(without_metrics(case, run, phase));
        }
    }
    found
}

/// A run that failed before it measured anything.
fn without_metrics(case: &Case<'_>, run: &Object, phase: &str) -> Bad {
    let message = run.text("/status/message");
    let verdict = match phase {
        "Failed" => Verdict::Failed,
        "Inconclusive" => Verdict::Inconclusive,
        _ if is_no_data(message) => Verdict::NoData,
        _ => Verdict::Error,
    };
    let told = if message.is_empty() { "it says no more" } else { message };
    let summary = format!(
        "AnalysisRun {} ended as {phase}: {}.",
        run.name(),
        short(clause(told), 200)
    );
    let fact = case.fact(
        "analysis",
        run,
        "status.message",
        run.time("/status/completedAt"),
        &format!("{phase}: {told}"),
    );
    Bad {
        verdict,
        summary,
        evidence: vec![fact],
    }
}

fn of_metric(case: &Case<'_>, run: &Object, result: &Value) -> Bad {
    let name = text(&result["name"]);
    let metric = list(run.at("/spec/metrics"))
        .iter()
        .find(|metric| text(&metric["name"]) == name)
        .unwrap_or(&Value::Null);
    let phase = text(&result["phase"]);
    let bad: Vec<&Value> = list(&result["measurements"])
        .iter()
        .filter(|it| text(&it["phase"]) == phase)
        .collect();
    let verdict = verdict(phase, text(&result["message"]), &bad);
    let at = bad
        .last()
        .and_then(|it| time(&it["finishedAt"]))
        .or_else(|| run.time("/status/completedAt"));
    let field = format!("status.metricResults[{name}]");
    let run_name = run.name();
    let values = values(&bad);
    let asked = conditions(metric);
    let limit = limit(metric, result, phase);
    let message = newest_message(&bad);
    let compared = metric["compare"].is_object().then_some(message).flatten();
    let summary = match (verdict, compared) {
        (Verdict::Failed, Some(told)) => {
            format!("Metric {name} of AnalysisRun {run_name} failed: {}.", short(told, 240))
        }
        (Verdict::Inconclusive, Some(told)) => {
            let measurements = number(&result["count"]).unwrap_or(0);
            format!(
                "Metric {name} of AnalysisRun {run_name} is inconclusive after {measurements} measurements: {}.",
                short(told, 240)
            )
        }
        (Verdict::Failed, None) => {
            let measured = if values.is_empty() {
                String::new()
            } else {
                format!(": it measured {values}")
            };
            let wanted = if asked.is_empty() {
                String::new()
            } else {
                format!(", and the condition is {asked}")
            };
            format!("Metric {name} of AnalysisRun {run_name} failed{measured}{wanted} ({limit}).")
        }
        (Verdict::Error, _) => {
            let told = message.unwrap_or_else(|| text(&result["message"]));
            format!(
                "Metric {name} of AnalysisRun {run_name} cannot be measured: {} ({limit}).",
                short(clause(told), 180)
            )
        }
        (Verdict::NoData, _) => {
            let shown = if values.is_empty() { "nothing" } else { &values };
            let told = match message.and_then(|message| message.strip_prefix(NO_DATA)) {
                Some(why) => short(why, 180),
                None => format!("the provider answered {shown}"),
            };
            format!("Metric {name} of AnalysisRun {run_name} has no data: {told} ({limit}).")
        }
        (Verdict::Inconclusive, None) => {
            let measured = if values.is_empty() {
                String::new()
            } else {
                format!(": it measured {values}")
            };
            format!(
                "Metric {name} of AnalysisRun {run_name} is inconclusive{measured}; neither condition held ({asked}; {limit})."
            )
        }
    };
    let mut evidence = vec![case.fact(
        "analysis",
        run,
        &field,
        at,
        &format!(
            "{phase}; values: {}; {limit}",
            if values.is_empty() { "none" } else { &values }
        ),
    )];
    if !asked.is_empty() {
        evidence.push(case.fact("analysis", run, &format!("spec.metrics[{name}]"), None, &asked));
    }
    if let Some(message) = message {
        evidence.push(case.fact("analysis", run, &format!("{field}.measurements"), at, message));
    }
    Bad {
        verdict,
        summary,
        evidence,
    }
}

/// What the newest measurement that says something says.
fn newest_message<'r>(bad: &[&'r Value]) -> Option<&'r str> {
    let messages = bad.iter().rev().map(|it| text(&it["message"]));
    messages.into_iter().find(|it| !it.is_empty())
}

fn verdict(phase: &str, message: &str, bad: &[&Value]) -> Verdict {
    if bad.last().is_some_and(|it| text(&it["message"]).starts_with(NO_DATA)) {
        return Verdict::NoData;
    }
    let mute = |it: &&Value| is_nothing(text(&it["value"]));
    let empty = !bad.is_empty() && bad.iter().all(mute);
    let said = is_no_data(message) || bad.iter().any(|it| is_no_data(text(&it["message"])));
    match phase {
        "Error" if said => Verdict::NoData,
        "Error" => Verdict::Error,
        "Failed" if empty && bad.iter().any(|it| !text(&it["value"]).is_empty()) => Verdict::NoData,
        "Failed" => Verdict::Failed,
        _ if empty && bad.iter().any(|it| !text(&it["value"]).is_empty()) => Verdict::NoData,
        _ => Verdict::Inconclusive,
    }
}

/// What a provider without data answers.
fn is_nothing(value: &str) -> bool {
    let inner = value.trim().trim_start_matches('[').trim_end_matches(']').trim();
    inner.is_empty()
        || inner
            .split(',')
            .all(|part| matches!(part.trim(), "NaN" | "nan" | "null" | "<nil>" | "\"NaN\""))
}

/// What an engine says of no data (contract 06 §10).
fn is_no_data(message: &str) -> bool {
    [
        "no data returned",
        "metric result is nil or empty",
        "slice index out of range",
        "index out of range",
        "no data",
    ]
    .iter()
    .any(|saying| message.contains(saying))
}

/// The newest values, oldest first, with the number of samples where it was counted.
fn values(bad: &[&Value]) -> String {
    let values: Vec<String> = bad
        .iter()
        .filter(|it| !text(&it["value"]).is_empty())
        .map(|it| {
            let value = short(text(&it["value"]), 40);
            match text(&it["metadata"]["samples"]) {
                "" => value,
                samples => format!("{value} of {samples} samples"),
            }
        })
        .collect();
    let skipped = values.len().saturating_sub(4);
    let shown = values[skipped..].join(", ");
    if skipped > 0 { format!("…, {shown}") } else { shown }
}

fn conditions(metric: &Value) -> String {
    let told = [("successCondition", "success"), ("failureCondition", "failure")];
    let told = told.iter().filter_map(|(field, word)| {
        let condition = text(&metric[*field]);
        (!condition.is_empty()).then(|| format!("{word} if {condition}"))
    });
    told.collect::<Vec<_>>().join(", ")
}

fn limit(metric: &Value, result: &Value, phase: &str) -> String {
    let (count, field, default) = match phase {
        "Failed" => ("failed", "failureLimit", 0),
        "Error" => ("consecutiveError", "consecutiveErrorLimit", 4),
        _ => ("inconclusive", "inconclusiveLimit", 0),
    };
    let word = match phase {
        "Failed" => "failed",
        "Error" => "errors in a row",
        _ => "inconclusive",
    };
    let count = number(&result[count]).unwrap_or(0);
    let limit = number(&metric[field]).unwrap_or(default);
    format!("{count} {word}, limit {limit}")
}

/// What the status of the Rollout says about a run that is not there to be read.
fn told_by_the_status(case: &Case<'_>, wanted: Verdict) -> Option<(String, Vec<Evidence>)> {
    if case
        .runs
        .iter()
        .any(|run| matches!(run.text("/status/phase"), "Failed" | "Error" | "Inconclusive"))
    {
        return None;
    }
    let reason = case.abort_reason().unwrap_or_default();
    let analysis = reason.contains("analysis phase error/failed");
    let inconclusive = case
        .object
        .list("/status/pauseConditions")
        .iter()
        .find(|it| text(&it["reason"]) == "InconclusiveAnalysisRun");
    let verdict = if analysis && is_no_data(reason) {
        Verdict::NoData
    } else if analysis && reason.contains("assessed Error") {
        Verdict::Error
    } else if analysis {
        Verdict::Failed
    } else if inconclusive.is_some() {
        Verdict::Inconclusive
    } else {
        return None;
    };
    if verdict != wanted {
        return None;
    }
    if let Some(pause) = inconclusive.filter(|_| wanted == Verdict::Inconclusive) {
        let fact = case.fact(
            "status",
            case.object,
            "status.pauseConditions",
            time(&pause["startTime"]),
            "InconclusiveAnalysisRun",
        );
        return Some((
            "An analysis was inconclusive, and the rollout waits for a person.".to_owned(),
            vec![fact],
        ));
    }
    let told = reason.split_once("error/failed: ").map_or(reason, |(_, rest)| rest);
    let fact = case.condition_fact(case.object, condition::PROGRESSING)?;
    Some((
        format!(
            "The analysis failed: {}. Its AnalysisRun was not read.",
            short(clause(told), 200)
        ),
        vec![fact],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_answer_is_no_data() {
        for value in ["", "[]", "[NaN]", "NaN", "[NaN,NaN]", "null", "[ ]"] {
            assert!(is_nothing(value), "{value}");
        }
        for value in ["[0]", "0", "[0.5,NaN]", "false"] {
            assert!(!is_nothing(value), "{value}");
        }
    }
}
