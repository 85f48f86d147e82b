//! What the controller does instead of running: it replays a decision, and it reports what a takeover would adopt.

pub(crate) mod replay;
pub(crate) mod takeover;
