//! `capacity/…`: pods at the peak of an update.

pub(super) mod autoscaler;
pub(super) mod peak;
pub(super) mod quota;
