//! `stickiness-not-served`: the router does not keep clients with their version.

use super::shared::{fault_of, observed, standing};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;
use serin_core::wire::condition;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "stickiness-not-served",
    docs: "trafficRouting.stickiness asks a router to keep clients with their version, and the router cannot: clients may change \
           between the versions. Seen in the condition StickinessNotServed, which names the router. Nothing waits for it.",
    remedy: "Set up sticky sessions at the router itself, or remove the field.",
    detect,
    scope: Scope::Always,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let (told, fact) = standing(case, condition::STICKINESS_NOT_SERVED)?;
    Some(observed(&CAUSE, fault_of(told), vec![fact]))
}
