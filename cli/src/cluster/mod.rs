//! The user's cluster: the connection to it, and a rollout as it stands there.

pub mod connect;
pub mod scene;
