//! `paused`: somebody paused the Rollout by hand.

use super::shared::{inferred, observed};
use super::{CauseKind, Scope};
use crate::case::{Case, Kind};
use crate::explanation::{Cause, State};
use crate::sources::{text, time};
use serde_json::Value;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "paused",
    docs: "spec.paused is set: somebody, or Git, holds the rollout. A pause that the steps or the strategy ask for is as \
           planned, and no cause.",
    remedy: "serin promote NAME, or remove spec.paused in Git.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let held = case.kind == Kind::Rollout && case.object.flag("/spec/paused") && case.state() != State::Healthy;
    if !held {
        return None;
    }
    let entries = case.object.list("/metadata/managedFields").iter();
    let owner = entries
        .filter(|entry| entry["fieldsV1"]["f:spec"]["f:paused"] != Value::Null)
        .max_by_key(|entry| time(&entry["time"]));
    let Some(owner) = owner else {
        let fact = case.fact("spec", case.object, "spec.paused", None, "true");
        return Some(inferred(
            &CAUSE,
            "The rollout is paused by hand (spec.paused); nothing says by whom.".to_owned(),
            vec![fact],
        ));
    };
    let manager = text(&owner["manager"]);
    let fact = case.fact(
        "managedFields",
        case.object,
        "spec.paused",
        time(&owner["time"]),
        &format!("written by {manager}"),
    );
    Some(observed(
        &CAUSE,
        format!("The rollout is paused by hand (spec.paused), with {manager}."),
        vec![fact],
    ))
}
