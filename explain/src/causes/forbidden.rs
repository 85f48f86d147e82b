//! `forbidden`: the controller lacks a permission.

use super::shared::{clause, complaints, is_rbac, observed, short};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "forbidden",
    docs: "The controller, or the controller of ReplicaSets, may not do what it has to: RBAC refuses it. Seen in what it last \
           said, in conditions and events.",
    remedy: "Give the service account that the message names the permission that it names.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let (told, fact) = complaints(case).into_iter().find(|(told, _)| is_rbac(told))?;
    let who = told.split_once("User \"").and_then(|(_, rest)| rest.split_once('"'));
    let summary = match who {
        Some((user, rest)) => format!("{user} lacks a permission: it {}.", short(clause(rest), 170)),
        None => format!("A permission is missing: {}.", short(clause(&told), 170)),
    };
    Some(observed(&CAUSE, summary, vec![fact]))
}
