//! Why a rollout is Degraded ([`causes`]), and whether an overlay will be ([`check`]). Pure over what was read.

pub mod answer;
pub mod case;
pub mod causes;
pub mod check;
pub mod compare;
pub mod explanation;
pub mod next;
pub mod report;
pub mod rules;
pub mod serving;
pub mod sources;

pub use answer::{explain, explain_all};
pub use explanation::{Explanation, Explanations};
pub use sources::{Reading, Sources};
