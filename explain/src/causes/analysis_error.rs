//! `analysis-error`

use super::metrics::{self, Verdict};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "analysis-error",
    docs: "A metric cannot be measured: the provider does not answer, refuses, or answers what the condition cannot use; or the run itself is invalid.",
    remedy: "Look at the provider's address, credentials and query.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    metrics::cause(&CAUSE, case, Verdict::Error)
}
