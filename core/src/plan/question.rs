//! Questions to AWS, which a plan has beside its writes (contract 07 §3).

use crate::traffic::aws::Question;
use serde::{Deserialize, Serialize};

/// A question whose answer a decision depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ask {
    /// Which.
    pub question: Question,
    /// It is to be asked anew although it was answered: the answer before stays until then.
    pub again: bool,
}
