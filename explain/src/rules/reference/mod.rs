//! `reference/…`: what rollouts and the objects beside them expect of each other.

pub(super) mod not_in_build;
pub(super) mod route;
pub(super) mod route_lists;
pub(super) mod scaler;
