//! Lines that say what people and the cluster do.

use super::Why;
use super::aws;
use super::experiments;
use super::fields::nested;
use super::plugins;
use super::routes;
use super::runs;
use super::services;
use super::stage::{Stage, length, yaml};
use super::workloads;
use serde_json::{Value, json};
use serin_core::hooks::request::{self, Patches, Promotion};
use serin_core::observed::{Refusal, ReplicaFailure};
use serin_world::refusals::Change;

/// Seconds that a first deployment may take.
const DEPLOYED_WITHIN: i64 = 120;

/// Carries out one line, and lets the controller reconcile until nothing is left to do at that instant.
pub fn act(stage: &mut Stage, text: &str) -> Result<(), Why> {
    match text {
        "apply" => {}
        "forget the events so far" => stage.forget(),
        "apply, and wait until Healthy" => deploy(stage)?,
        "promote" => promote(stage, Promotion::Next)?,
        "promote --skip-current-step" => promote(stage, Promotion::SkipCurrentStep)?,
        "promote --full" => promote(stage, Promotion::Full)?,
        "abort" => send(stage, &request::abort()),
        "retry" => send(stage, &request::retry()),
        "delete the rollout" => delete(stage),
        "the controller stops" => stage.world.stopped = true,
        "the controller starts" => {
            stage.world.stopped = false;
            stage.world.refused = None;
            stage.world.forget_calls();
            stage.world.forget_answers();
            stage.world.refusals.standing.clear();
            stage.world.read_again();
        }
        "the name of the next ReplicaSet is taken" => stage.world.names_taken += 1,
        "the API server accepts ReplicaSets again" => stage.world.refuse_creation = None,
        "the stored object decodes again" => stage.world.undecodable = None,
        _ => act_with_words(stage, text)?,
    }
    stage.world.settle();
    Ok(())
}

fn act_with_words(stage: &mut Stage, text: &str) -> Result<(), Why> {
    if let Some(result) = services::act(stage, text)
        .or_else(|| workloads::act(stage, text))
        .or_else(|| runs::act(stage, text))
        .or_else(|| plugins::act(stage, text))
        .or_else(|| routes::act(stage, text))
        .or_else(|| experiments::act(stage, text))
        .or_else(|| aws::act(stage, text))
    {
        return result;
    }
    if let Some(time) = text.strip_prefix("wait ") {
        stage.world.pass(length(time)?);
    } else if let Some(time) = between(text, "the ReplicaSet controller is ", " late") {
        stage.world.controller_late = length(time)?.as_secs();
    } else if let Some(time) = between(text, "the ReplicaSet controller sees pods ", " late") {
        stage.world.pods_late = length(time)?.as_secs();
    } else if let Some(image) = text.strip_prefix("set image ") {
        set_image(stage, image)?;
    } else if let Some(replicas) = text.strip_prefix("scale ") {
        edit(stage, &format!("spec.replicas: {replicas}"))?;
    } else if let Some(change) = text.strip_prefix("edit ") {
        edit(stage, change)?;
    } else if let Some(change) = text.strip_prefix("annotate the ReplicaSet of ") {
        annotate_by_hand(stage, change)?;
    } else if let Some(pair) = text.strip_prefix("annotate ") {
        let (key, value) = pair.split_once('=').ok_or_else(|| Why::not_understood("no `=`"))?;
        stage
            .world
            .edit(&json!({ "metadata": { "annotations": { key: value } } }));
    } else if let Some(time) = text
        .strip_prefix("pods need ")
        .and_then(|rest| rest.strip_suffix(" to become ready"))
    {
        stage.world.ready_after = length(time)?.as_secs();
    } else if let Some(revision) = text
        .strip_prefix("one pod of ")
        .and_then(|rest| rest.strip_suffix(" fails"))
    {
        let index = stage.find(revision)?;
        stage.world.fail_pods(index, 1);
    } else if let Some(revision) = between(text, "one pod of ", " becomes ready") {
        let index = stage.find(revision)?;
        stage.world.ready_one(index);
    } else if let Some(revision) = text
        .strip_prefix("all pods of ")
        .and_then(|rest| rest.strip_suffix(" fail"))
    {
        let index = stage.find(revision)?;
        stage.world.fail_pods(index, usize::MAX);
    } else if let Some(revision) = text
        .strip_prefix("the pods of ")
        .and_then(|rest| rest.strip_suffix(" recover"))
    {
        let index = stage.find(revision)?;
        stage.world.heal_pods(index);
    } else if let Some(revision) = text.strip_prefix("delete the ReplicaSet of ") {
        let index = stage.find(revision)?;
        stage.world.lose_set(index);
    } else if let Some((revision, size)) = text
        .strip_prefix("somebody scales the ReplicaSet of ")
        .and_then(|rest| rest.split_once(" to "))
    {
        scale_by_hand(stage, revision, size)?;
    } else if let Some((revision, label)) = text
        .strip_prefix("somebody labels the ReplicaSet of ")
        .and_then(|rest| rest.split_once(' '))
    {
        label_by_hand(stage, revision, label)?;
    } else if let Some(refusal) = text.strip_prefix("the API server refuses ReplicaSets: ") {
        stage.world.refuse_creation = Some(parse_refusal(refusal)?);
    } else if let Some(rest) = text.strip_prefix("the API server refuses changes of ") {
        let (what, refusal) = rest.split_once(": ").ok_or_else(|| Why::not_understood("no refusal"))?;
        let refusal = parse_refusal(refusal)?;
        stage.world.refusals.of.insert(parse_change(what)?, refusal);
    } else if let Some(what) = text
        .strip_prefix("the API server accepts changes of ")
        .and_then(|rest| rest.strip_suffix(" again"))
    {
        stage.world.refusals.of.remove(&parse_change(what)?);
    } else if let Some(problem) = text.strip_prefix("the stored object does not decode: ") {
        stage.world.undecodable = Some(problem.to_owned());
    } else if let Some(report) = text.strip_prefix("the ReplicaSet of ") {
        report_failure(stage, report)?;
    } else {
        return Err(Why::not_understood("no such act"));
    }
    Ok(())
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    text.strip_prefix(start)?.strip_suffix(end)
}

fn deploy(stage: &mut Stage) -> Result<(), Why> {
    for _ in 0..DEPLOYED_WITHIN {
        stage.world.wait(1);
        if stage.world.rollout["status"]["phase"] == "Healthy" {
            stage.world.wait(1);
            stage.forget();
            return Ok(());
        }
    }
    Err(Why::Otherwise {
        expected: format!("Healthy within {DEPLOYED_WITHIN} s"),
        actual: stage.world.rollout["status"].to_string(),
    })
}

/// What the kubectl plugin sends.
fn promote(stage: &mut Stage, promotion: Promotion) -> Result<(), Why> {
    let patches = request::promote(&stage.world.current(), promotion);
    send(stage, &patches.map_err(|error| Why::not_understood(error.to_string()))?);
    Ok(())
}

fn send(stage: &mut Stage, patches: &Patches) {
    if let Some(patch) = &patches.status {
        stage.world.edit_status(&patch["status"]);
    }
    if let Some(patch) = &patches.spec {
        stage.world.edit(patch);
    }
}

fn delete(stage: &mut Stage) {
    let now = stage.world.now.to_string();
    stage.world.edit(&json!({ "metadata": { "deletionTimestamp": now } }));
}

fn scale_by_hand(stage: &mut Stage, revision: &str, size: &str) -> Result<(), Why> {
    let size = size
        .parse()
        .map_err(|_| Why::not_understood(format!("`{size}` is no number")))?;
    let index = stage.find(revision)?;
    stage.world.scale_by_hand(index, size);
    Ok(())
}

/// `r1 team=shop`; nothing after the `=` removes the annotation.
fn annotate_by_hand(stage: &mut Stage, text: &str) -> Result<(), Why> {
    let (revision, pair) = text
        .split_once(' ')
        .ok_or_else(|| Why::not_understood("no annotation"))?;
    let (key, value) = pair.split_once('=').ok_or_else(|| Why::not_understood("no `=`"))?;
    let index = stage.find(revision)?;
    stage
        .world
        .annotate_by_hand(index, key, Some(value).filter(|value| !value.is_empty()));
    Ok(())
}

/// `r1 app=shop`.
fn label_by_hand(stage: &mut Stage, revision: &str, label: &str) -> Result<(), Why> {
    let (key, value) = label.split_once('=').ok_or_else(|| Why::not_understood("no `=`"))?;
    let index = stage.find(revision)?;
    let set = &mut stage.world.sets[index];
    set.object.labels.insert(key.to_owned(), value.to_owned());
    let failure = set.object.failure.clone();
    // For the sake of its version.
    stage.world.set_failure(index, failure);
    Ok(())
}

/// `web:good-1`, or `web:good-1 and spec.replicas: 3`: one write.
fn set_image(stage: &mut Stage, text: &str) -> Result<(), Why> {
    let (image, more) = text
        .split_once(" and ")
        .map_or((text, ""), |(image, more)| (image, more));
    let mut containers = stage.world.rollout["spec"]["template"]["spec"]["containers"].clone();
    containers[0]["image"] = image.into();
    let mut change = json!({ "spec": { "template": { "spec": { "containers": containers } } } });
    if !more.is_empty() {
        serin_world::merge(&mut change, &changes(more)?);
    }
    stage.world.edit(&change);
    Ok(())
}

/// `spec.replicas: 3`, several with `and`; of the status by way of its subresource.
fn edit(stage: &mut Stage, text: &str) -> Result<(), Why> {
    let mut change = changes(&stage.with_hashes(text))?;
    let status = change.as_object_mut().and_then(|change| change.remove("status"));
    if let Some(status) = status {
        stage.world.edit_status(&status);
    }
    if change != json!({}) {
        stage.world.edit(&change);
    }
    Ok(())
}

fn changes(text: &str) -> Result<Value, Why> {
    let mut all = json!({});
    for part in text.split(" and ") {
        let (path, value) = part
            .split_once(": ")
            .ok_or_else(|| Why::not_understood(format!("`{part}` is no change, such as spec.replicas: 3")))?;
        // A null removes the field: kept for the merge of the whole.
        overlay(&mut all, nested(path, yaml(value)?));
    }
    Ok(all)
}

/// Merges objects, keeping nulls.
fn overlay(target: &mut Value, change: Value) {
    match (target, change) {
        (Value::Object(target), Value::Object(change)) => {
            for (key, value) in change {
                overlay(target.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, change) => *target = change,
    }
}

fn parse_change(text: &str) -> Result<Change, Why> {
    match text {
        "copies" => Ok(Change::Copies),
        "ReplicaSets" => Ok(Change::ReplicaSets),
        "Pods" => Ok(Change::Pods),
        "Services" => Ok(Change::Services),
        "the scale" => Ok(Change::Workloads),
        _ => Err(Why::not_understood(
            "neither copies, ReplicaSets, Pods, Services nor the scale",
        )),
    }
}

/// `Forbidden "exceeded quota"`.
fn parse_refusal(text: &str) -> Result<(Refusal, String), Why> {
    let (kind, message) = text.split_once(' ').unwrap_or((text, ""));
    let kind = serde_json::from_value(json!(kind))
        .map_err(|_| Why::not_understood(format!("`{kind}` is no refusal, such as Forbidden")))?;
    Ok((kind, message.trim_matches('"').to_owned()))
}

/// `r2 reports FailedCreate: exceeded quota`, `r2 reports no failure`.
fn report_failure(stage: &mut Stage, text: &str) -> Result<(), Why> {
    let (revision, report) = text
        .split_once(" reports ")
        .ok_or_else(|| Why::not_understood("no such act"))?;
    let index = stage.find(revision)?;
    let failure = match report.split_once(": ") {
        Some((reason, message)) => Some(ReplicaFailure {
            status: "True".to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
        }),
        None if report == "no failure" => None,
        None => return Err(Why::not_understood("neither `Reason: message` nor `no failure`")),
    };
    stage.world.set_failure(index, failure);
    Ok(())
}
