//! `analysis-no-data`

use super::metrics::{self, Verdict};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "analysis-no-data",
    docs: "The provider answers, and has no data: an empty vector, NaN, null. The query may name a label that the pods do not have, or there is no traffic.",
    remedy: "Run the query by hand; check its labels, and whether the canary gets traffic.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    metrics::cause(&CAUSE, case, Verdict::NoData)
}
