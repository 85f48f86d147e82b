//! `analysis/…`: analyses that never end, or that miss what they need.

pub(super) mod arguments;
pub(super) mod endless;
pub(super) mod experiment;
pub(super) mod names;
pub(super) mod templates;
