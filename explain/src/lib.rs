//! Why a rollout is Degraded ([`causes`]), and whether an overlay will be ([`rules`]). Pure over what was read.

pub mod causes;
pub mod compare;
pub mod explanation;
pub mod history;
pub mod report;
pub mod rules;
