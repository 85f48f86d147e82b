//! `validation/…`: what the API server or the controller refuses.

pub(super) mod metrics;
pub(super) mod pod;
pub(super) mod schema;
pub(super) mod spec;
