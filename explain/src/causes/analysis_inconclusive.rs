//! `analysis-inconclusive`

use super::metrics::{self, Verdict};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "analysis-inconclusive",
    docs: "The measurements meet neither the success nor the failure condition, more often than inconclusiveLimit allows. The rollout waits for a person.",
    remedy: "Judge the values; then promote or abort.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    metrics::cause(&CAUSE, case, Verdict::Inconclusive)
}
