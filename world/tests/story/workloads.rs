//! The workload that the Rollout refers to: what people do to it, and what it looks like.

use super::Why;
use super::stage::{Stage, length};
use serin_core::observed::WorkloadKind;

/// Carries out one line about the workload; none if it is about something else.
pub fn act(stage: &mut Stage, text: &str) -> Option<Result<(), Why>> {
    if let Some(rest) = text.strip_prefix("create ") {
        let (kind, rest) = rest.split_once(' ')?;
        let kind = WorkloadKind::ALL.into_iter().find(|of| of.as_str() == kind)?;
        return Some(create(stage, kind, rest));
    }
    if let Some(time) = text.strip_prefix("the Deployment controller is ") {
        return Some(time.strip_suffix(" late").map_or_else(
            || Err(Why::not_understood("not `… late`")),
            |time| {
                stage.world.deployment_late = length(time)?.as_secs();
                Ok(())
            },
        ));
    }
    if let Some(image) = text.strip_prefix("set image of the workload ") {
        stage.world.set_workload_image(image);
        return Some(Ok(()));
    }
    if text == "delete the workload" {
        stage.world.delete_workload();
        return Some(Ok(()));
    }
    let (manager, replicas) = text.split_once(" scales the workload to ")?;
    Some(number(replicas).map(|replicas| stage.world.scale_workload_by_hand(replicas, manager)))
}

/// `web running 4 pods of web:good-0`, or `web of web:good-0`.
fn create(stage: &mut Stage, kind: WorkloadKind, text: &str) -> Result<(), Why> {
    let unclear = || Why::not_understood("not `web running 4 pods of web:good-0`");
    let (what, image) = text.split_once(" of ").ok_or_else(unclear)?;
    let (name, replicas) = match what.strip_suffix(" pods").and_then(|what| what.split_once(" running ")) {
        Some((name, replicas)) => (name, number(replicas)?),
        None => (what, 0),
    };
    stage.world.create_workload(kind, name, replicas, image);
    Ok(())
}

fn number(text: &str) -> Result<i32, Why> {
    text.parse()
        .map_err(|_| Why::not_understood(format!("`{text}` is no number")))
}

/// `workload 3/4`: available and wanted; `workload none`.
pub fn check(stage: &Stage, expected: &str) -> Result<(), Why> {
    let actual = stage.world.workload.as_ref().map_or_else(
        || "none".to_owned(),
        |workload| format!("{}/{}", workload.available(stage.world.now), workload.replicas()),
    );
    if expected == actual {
        return Ok(());
    }
    Err(Why::Otherwise {
        expected: expected.to_owned(),
        actual,
    })
}
