//! Why a rollout is Degraded ([`causes`]), and whether an overlay will be ([`check`]). Pure over what was read.

pub mod causes;
pub mod check;
pub mod explanation;
pub mod report;
pub mod rules;
