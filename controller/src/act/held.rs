//! Status writes that wait because only counters changed.

use crate::store::Key;
use crate::sync::lock;
use serin_core::plan::{After, Plan, StatusWrite, Urgency};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// Counter-only changes are written at most this often (decision 28).
pub(crate) const COUNTERS_PAUSE: Duration = Duration::from_millis(250);

/// Since when counter-only changes are held back.
#[derive(Default)]
pub(crate) struct Held(Mutex<HashMap<Key, Instant>>);

impl Held {
    /// How long a write must wait; `None` if it may be made now.
    pub(crate) fn hold(&self, key: &Key, plan: &Plan, write: &StatusWrite) -> Option<Duration> {
        // An event about the status would not come again.
        let announced = plan.events.iter().any(|event| event.after == After::Status);
        let mut held = lock(&self.0);
        match write.urgency {
            Urgency::Counters if !announced => {
                let since = held.entry(key.clone()).or_insert_with(Instant::now).elapsed();
                COUNTERS_PAUSE.checked_sub(since).filter(|rest| !rest.is_zero())
            }
            Urgency::Counters | Urgency::Now => None,
        }
    }

    /// How many rollouts it knows something of.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    pub(crate) fn forget(&self, key: &Key) {
        lock(&self.0).remove(key);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn write(urgency: Urgency) -> StatusWrite {
        StatusWrite {
            patch: serde_json::json!({"status": {}}),
            urgency,
            message_only: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn counters_wait_250_ms_from_the_first() {
        let (held, key, plan) = (Held::default(), Key::new("n", "a"), Plan::default());
        assert_eq!(held.hold(&key, &plan, &write(Urgency::Counters)), Some(COUNTERS_PAUSE));
        tokio::time::advance(Duration::from_millis(200)).await;
        assert_eq!(
            held.hold(&key, &plan, &write(Urgency::Counters)),
            Some(Duration::from_millis(50))
        );
        assert_eq!(held.hold(&key, &plan, &write(Urgency::Now)), None);
        tokio::time::advance(Duration::from_millis(50)).await;
        assert_eq!(held.hold(&key, &plan, &write(Urgency::Counters)), None);
    }
}
