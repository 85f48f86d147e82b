//! `analysis/…`: analyses that never end, that miss what they need, or whose conditions never hold.

pub(super) mod arguments;
pub(super) mod conditions;
pub(super) mod cycle;
pub(super) mod endless;
pub(super) mod experiment;
pub(super) mod names;
pub(super) mod templates;
