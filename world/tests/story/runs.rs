//! AnalysisRuns and templates: what people and the engine do to them, and what they look like.

use super::Why;
use super::fields::{compare, leaf};
use super::stage::{Stage, yaml};
use serde_json::{Value, json};
use serin_core::wire::analysis::Phase;

/// Carries out one line about templates or runs; none if it is about something else.
pub fn act(stage: &mut Stage, text: &str) -> Option<Result<(), Why>> {
    for (kind, cluster) in [("AnalysisTemplate ", false), ("ClusterAnalysisTemplate ", true)] {
        if let Some(rest) = text.strip_prefix("create ").and_then(|rest| rest.strip_prefix(kind)) {
            return Some(create(stage, rest, cluster));
        }
        if let Some(name) = text.strip_prefix("delete ").and_then(|rest| rest.strip_prefix(kind)) {
            stage.world.delete_template(name);
            return Some(Ok(()));
        }
    }
    if let Some(name) = text.strip_prefix("terminate run ") {
        return Some(find(stage, name).map(|index| stage.world.terminate_by_hand(index)));
    }
    if let Some(name) = text.strip_prefix("delete run ") {
        return Some(find(stage, name).map(|index| _ = stage.world.runs.remove(index)));
    }
    let (name, end) = text.strip_prefix("run ")?.split_once(" is ")?;
    Some(turn(stage, name, end))
}

/// `load`, with a metric of the same name, or `load: {args: [{name: a}]}`.
fn create(stage: &mut Stage, text: &str, cluster: bool) -> Result<(), Why> {
    let (name, spec) = match text.split_once(": ") {
        Some((name, spec)) => (name, yaml(spec)?),
        None => (text, json!({})),
    };
    let mut whole = json!({"metrics": [{"name": name, "provider": {"web": {"url": "https://example.com"}}}]});
    serin_world::merge(&mut whole, &spec);
    let created = stage.world.create_template(name, cluster, &whole);
    created.map_err(|error| Why::not_understood(error.to_string()))
}

/// `Successful`, or `Failed: a message`.
fn turn(stage: &mut Stage, name: &str, text: &str) -> Result<(), Why> {
    let (phase, message) = text.split_once(": ").unwrap_or((text, ""));
    let phase = match Phase::of(phase) {
        Phase::Unset => return Err(Why::not_understood(format!("`{phase}` is no phase"))),
        phase => phase,
    };
    let index = find(stage, name)?;
    stage.world.end_run(index, phase, message);
    Ok(())
}

fn find(stage: &Stage, name: &str) -> Result<usize, Why> {
    let name = stage.with_hashes(name);
    stage.world.find_run(&name).ok_or_else(|| Why::Otherwise {
        expected: format!("run {name}"),
        actual: shown(stage),
    })
}

/// All runs, oldest first: name and phase, or that it was asked to end.
fn shown(stage: &Stage) -> String {
    let runs = stage.world.runs.iter().map(|run| {
        let state = match run.object.phase {
            _ if run.object.spec.terminate => "terminated",
            Phase::Unset => "new",
            phase => phase.as_str(),
        };
        format!("{} {state}", run.object.name)
    });
    let runs: Vec<String> = runs.collect();
    if runs.is_empty() {
        return "none".to_owned();
    }
    runs.join(", ")
}

/// `runs web-<r2>-2-1 Running`, `runs none`.
pub fn check_all(stage: &Stage, expected: &str) -> Result<(), Why> {
    let (expected, actual) = (stage.with_hashes(expected), shown(stage));
    if expected == actual {
        return Ok(());
    }
    Err(Why::Otherwise { expected, actual })
}

/// `run web-<r2>-2-1 label rollout-type: Step`, `run web-<r2>-2-1 spec.args: […]`.
pub fn check(stage: &Stage, text: &str) -> Result<(), Why> {
    let (name, rest) = text.split_once(' ').ok_or_else(|| Why::not_understood("no field"))?;
    let (path, expected) = rest
        .split_once(": ")
        .ok_or_else(|| Why::not_understood("no `: ` and value"))?;
    let made: Value = serde_json::to_value(&stage.world.runs[find(stage, name)?].made)
        .map_err(|error| Why::not_understood(error.to_string()))?;
    compare(stage, expected, leaf(&made, path))
}
