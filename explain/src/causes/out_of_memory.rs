//! `out-of-memory`: a process used more memory than its limit.

use super::crash::ended;
use super::shared::of_hits;
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "out-of-memory",
    docs: "A container is killed because it uses more memory than its limit (OOMKilled). Seen in how its process ended.",
    remedy: "Raise the memory limit, or mend what uses the memory.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let mut limit = String::new();
    let hits = ended(case, |pod, container, ended| {
        if ended.reason != "OOMKilled" {
            return None;
        }
        let known = container.memory_limit();
        let of = if known.is_empty() {
            "no limit of its own".to_owned()
        } else {
            format!("limit {known}")
        };
        if limit.is_empty() {
            limit = format!(": container {} ({of})", container.name);
        }
        let told = format!(
            "container {} was OOMKilled (exit code {}), {} restarts, {of}",
            container.name,
            ended.code,
            container.restarts()
        );
        let field = if ended.still {
            "state.terminated"
        } else {
            "lastState.terminated"
        };
        Some(case.fact("pod", pod.object, &container.field(field), ended.at, &told))
    });
    of_hits(&CAUSE, case, hits, "runs out of memory", "run out of memory", &limit)
}
