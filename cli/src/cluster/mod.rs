//! The user's cluster: the connection to it, and a rollout as it stands there.

pub(crate) mod as_read;
pub(crate) mod connect;
pub(crate) mod flags;
pub(crate) mod fleet;
pub(crate) mod scene;
pub(crate) mod send;
pub(crate) mod survey;
pub(crate) mod workload;
