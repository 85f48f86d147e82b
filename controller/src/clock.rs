//! Which time it is.

use jiff::Timestamp;
use std::sync::Arc;

/// Reads the time; once per reconcile.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
