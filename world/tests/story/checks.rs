//! Lines that say what must be true.

use super::Why;
use super::aws;
use super::events;
use super::experiments;
use super::fields::{compare, leaf, replica_set};
use super::file::Line;
use super::plugins;
use super::routes;
use super::runs;
use super::services;
use super::stage::{Stage, length};
use super::workloads;
use serde_json::Value;
use serin_core::api::rollout::Condition;

/// Whether one line holds.
pub fn check(stage: &mut Stage, line: &Line) -> Result<(), Why> {
    let text = line.text.as_str();
    if let Some(rest) = text.strip_prefix("events:") {
        return events::check(stage, line, rest.trim());
    }
    if text == "no events" {
        return events::check(stage, line, "");
    }
    if !line.items.is_empty() {
        return Err(Why::not_understood("a list belongs below `events:`"));
    }
    match text {
        "at rest" => at_rest(stage),
        "no wake" => wake(stage, "none"),
        "no writes" => writes(stage, "0"),
        _ => check_words(stage, text),
    }
}

fn check_words(stage: &mut Stage, text: &str) -> Result<(), Why> {
    let (first, rest) = text
        .split_once(' ')
        .ok_or_else(|| Why::not_understood("no such expectation"))?;
    match first {
        "phase" => phase(stage, rest),
        "step" => step(stage, rest),
        "pods" => match rest.strip_prefix("of ") {
            Some(rest) => super::pods::check(stage, rest),
            None => pods(stage, rest),
        },
        "ReplicaSets" => revisions(stage, rest),
        "ReplicaSet" => replica_set(stage, rest),
        "Service" => services::check(stage, rest),
        "AWS" => aws::check(stage, rest),
        "calls" => plugins::check(stage, rest),
        "told" => plugins::told(stage, rest),
        "runs" => runs::check_all(stage, rest),
        "run" => runs::check(stage, rest),
        "workload" => workloads::check(stage, rest),
        "object" => routes::check(stage, rest),
        "experiments" => experiments::check(stage, rest),
        "experiment" => match rest.strip_prefix("pods ") {
            Some(rest) => experiments::check_pods(stage, rest),
            None => Err(Why::not_understood("no such expectation")),
        },
        "weight" => routes::weight(stage, rest),
        "condition" => condition(stage, rest),
        "conditions" => order_of_conditions(stage, rest),
        "counts" => counts(stage, rest),
        "writes" => writes(stage, rest),
        "wake" => wake(stage, rest),
        "rollout" => {
            let (path, expected) = rest.split_once(": ").ok_or_else(|| Why::not_understood("no value"))?;
            compare(stage, expected, leaf(&stage.world.rollout, path))
        }
        "no" => match rest.strip_prefix("condition ") {
            Some(kind) => same(
                "none",
                &find_condition(stage, kind).map_or("none".to_owned(), |c| describe(&c)),
            ),
            None => Err(Why::not_understood("no such expectation")),
        },
        _ => match text.split_once(": ") {
            Some((path, expected))
                if ["spec.", "status.", "metadata."]
                    .iter()
                    .any(|root| path.starts_with(root)) =>
            {
                compare(stage, expected, leaf(&stage.world.rollout, path))
            }
            _ => Err(Why::not_understood("no such expectation")),
        },
    }
}

fn same(expected: &str, actual: &str) -> Result<(), Why> {
    if expected == actual {
        return Ok(());
    }
    Err(Why::Otherwise {
        expected: expected.to_owned(),
        actual: actual.to_owned(),
    })
}

/// `phase Healthy`, `phase Paused: CanaryPauseStep`.
fn phase(stage: &Stage, expected: &str) -> Result<(), Why> {
    let status = stage.world.current().status;
    let actual = if status.message.is_empty() {
        status.phase
    } else {
        format!("{}: {}", status.phase, status.message)
    };
    same(&stage.with_hashes(expected), &actual)
}

/// `step 1/2`, `step none`.
fn step(stage: &Stage, expected: &str) -> Result<(), Why> {
    let rollout = stage.world.current();
    let steps = rollout
        .spec
        .strategy
        .canary
        .as_ref()
        .map_or(0, |canary| canary.steps.len());
    let actual = match rollout.status.current_step_index {
        Some(index) => format!("{index}/{steps}"),
        None => "none".to_owned(),
    };
    same(expected, &actual)
}

/// `pods r1 3/3, r2 0/1`: available and wanted, every revision that has or wants pods.
fn pods(stage: &Stage, expected: &str) -> Result<(), Why> {
    let mut sets: Vec<_> = stage.world.sets.iter().collect();
    sets.sort_by_key(|set| set.object.revision());
    let now = stage.world.now;
    let wanted: Vec<&str> = expected.split(", ").collect();
    let shown = sets.iter().filter_map(|set| {
        let revision = set.object.revision();
        let named = wanted.iter().any(|item| item.starts_with(&format!("r{revision} ")));
        let any = set.object.replicas > 0 || !set.pods.is_empty() || named;
        any.then(|| format!("r{revision} {}/{}", set.available(now), set.object.replicas))
    });
    let shown: Vec<String> = shown.collect();
    let actual = if shown.is_empty() {
        "none".to_owned()
    } else {
        shown.join(", ")
    };
    same(expected, &actual)
}

/// `ReplicaSets r1, r2`: those that exist.
fn revisions(stage: &Stage, expected: &str) -> Result<(), Why> {
    let mut all: Vec<i64> = stage.world.sets.iter().map(|set| set.object.revision()).collect();
    all.sort_unstable();
    let actual: Vec<String> = all.iter().map(|revision| format!("r{revision}")).collect();
    let actual = if actual.is_empty() {
        "none".to_owned()
    } else {
        actual.join(", ")
    };
    same(expected, &actual)
}

fn find_condition(stage: &Stage, kind: &str) -> Option<Condition> {
    let status = stage.world.current().status;
    status.conditions.into_iter().find(|found| found.r#type == kind)
}

fn describe(found: &Condition) -> String {
    format!("{}={} {}: {}", found.r#type, found.status, found.reason, found.message)
}

/// `condition Paused=True RolloutPaused: Rollout is paused`, `condition Paused updated 5s ago`.
fn condition(stage: &Stage, text: &str) -> Result<(), Why> {
    let kind = text.split(['=', ' ']).next().unwrap_or_default();
    let found = find_condition(stage, kind);
    let time = |words: &str| text.strip_prefix(kind).and_then(|rest| rest.strip_prefix(words));
    if let Some(expected) = time(" updated ").or_else(|| time(" transitioned ")) {
        let at = found.map(|found| {
            if text.contains(" updated ") {
                found.last_update_time
            } else {
                found.last_transition_time
            }
        });
        let value = serde_json::to_value(at).unwrap_or_default();
        return compare(stage, expected, &value);
    }
    let actual = found.map_or_else(|| format!("no condition {kind}"), |found| describe(&found));
    same(&stage.with_hashes(text), &actual)
}

/// `conditions Healthy, Paused`: types, in the order of the list.
fn order_of_conditions(stage: &Stage, expected: &str) -> Result<(), Why> {
    let status = stage.world.current().status;
    let types: Vec<String> = status.conditions.into_iter().map(|found| found.r#type).collect();
    same(expected, &types.join(", "))
}

/// `counts desired 4, current 5, updated 1, ready 4, available 4`, as `kubectl get rollout` prints them.
fn counts(stage: &Stage, expected: &str) -> Result<(), Why> {
    let rollout = &stage.world.rollout;
    let count = |value: &Value| value.as_i64().unwrap_or(0);
    let status = &rollout["status"];
    let actual = format!(
        "desired {}, current {}, updated {}, ready {}, available {}",
        count(&rollout["spec"]["replicas"]),
        count(&status["replicas"]),
        count(&status["updatedReplicas"]),
        count(&status["readyReplicas"]),
        count(&status["availableReplicas"]),
    );
    same(expected, &actual)
}

/// `writes 3`, `writes at most 6`, `writes at most 6, counters aside`: since a story last asked.
fn writes(stage: &mut Stage, expected: &str) -> Result<(), Why> {
    let all = stage.world.writes - stage.writes_told;
    let counters = stage.world.counter_writes - stage.counter_writes_told;
    stage.writes_told = stage.world.writes;
    stage.counter_writes_told = stage.world.counter_writes;
    let (number, actual) = match expected.strip_suffix(", counters aside") {
        Some(number) => (number, all - counters),
        None => (expected, all),
    };
    let (number, most) = match number.strip_prefix("at most ") {
        Some(number) => (number, true),
        None => (number, false),
    };
    let number: usize = number
        .parse()
        .map_err(|_| Why::not_understood(format!("`{number}` is no number")))?;
    if actual == number || most && actual < number {
        return Ok(());
    }
    same(expected, &actual.to_string())
}

/// `wake in 10s: the pause ends`.
fn wake(stage: &Stage, expected: &str) -> Result<(), Why> {
    let actual = stage.world.wake.map_or_else(
        || "none".to_owned(),
        |wake| {
            format!(
                "in {}s: {}",
                wake.at.duration_since(stage.world.now).as_secs_f64(),
                wake.why
            )
        },
    );
    let normal = match expected.strip_prefix("in ").and_then(|rest| rest.split_once(": ")) {
        Some((time, why)) => format!("in {}s: {why}", length(time)?.as_secs_f64()),
        None => expected.to_owned(),
    };
    same(&normal, &actual)
}

/// The plan of one more reconcile is empty, and nothing is waited for.
fn at_rest(stage: &mut Stage) -> Result<(), Why> {
    let plan = stage.world.look();
    if plan.is_empty() && plan.wake.is_none() {
        return Ok(());
    }
    Err(Why::Otherwise {
        expected: "an empty plan and no wake".to_owned(),
        actual: format!("{plan:?}"),
    })
}
