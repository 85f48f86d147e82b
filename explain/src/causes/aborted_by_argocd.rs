//! `aborted-by-argocd`: somebody asked for the abort in Argo CD.

use super::aborted_by_person::request;
use super::shared::observed;
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "aborted-by-argocd",
    docs: "The update was aborted by the action `abort` of Argo CD. Who ran it is read from Argo CD's event ResourceActionRan; \
           managedFields name argocd-server.",
    remedy: "Ask who aborted, then retry or revert.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let request = request(case).filter(super::aborted_by_person::Request::is_of_argocd)?;
    let who = request
        .user
        .as_deref()
        .map_or_else(String::new, |user| format!(" by {user}"));
    let revision = case
        .newest()
        .map_or_else(|| "The update".to_owned(), |set| format!("R{}", &set.words()[1..]));
    let summary = format!("{revision} was aborted{who} in Argo CD{}.", request.when);
    Some(observed(&CAUSE, summary, request.evidence))
}
