//! Wall time that follows tokio's clock.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Tells the time of day by tokio's monotonic clock: advances with paused time, and never goes back.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    wall: Timestamp,
}

impl Clock {
    /// A clock that shows the real time of day now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
            wall: Timestamp::now(),
        }
    }

    /// The time of day.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.origin.elapsed()).unwrap_or(SignedDuration::MAX);
        self.wall.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// The instant at which this clock will show `at`; the present for times that have passed.
    #[must_use]
    pub fn instant(&self, at: Timestamp) -> Instant {
        let ahead = at.duration_since(self.now());
        Instant::now() + std::time::Duration::try_from(ahead).unwrap_or_default()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
