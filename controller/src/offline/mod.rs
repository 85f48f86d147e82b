//! What the controller does instead of running: it replays a decision, reports what a takeover would adopt, and what to change
//! before another controller takes over.

pub(crate) mod leave;
mod pages;
pub(crate) mod replay;
pub(crate) mod takeover;
