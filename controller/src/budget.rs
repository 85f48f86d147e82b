//! How many calls per second we allow ourselves (`--qps`, `--burst`).

use crate::sync::lock;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// A token bucket. Urgent calls never wait, but count.
pub(crate) struct Budget {
    rate: f64,
    burst: f64,
    state: Mutex<State>,
}

struct State {
    tokens: f64,
    at: Instant,
}

impl Budget {
    /// `rate` calls per second, `burst` at once; a rate of zero or less is no limit.
    pub(crate) fn new(rate: f64, burst: u32) -> Self {
        let burst = f64::from(burst.max(1));
        Self {
            rate,
            burst,
            state: Mutex::new(State {
                tokens: burst,
                at: Instant::now(),
            }),
        }
    }

    /// Takes one call out of the budget, waiting for it unless it is urgent.
    pub(crate) async fn take(&self, urgent: bool) {
        let wait = self.reserve();
        if !urgent && !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    fn reserve(&self) -> Duration {
        if self.rate <= 0.0 {
            return Duration::ZERO;
        }
        let mut state = lock(&self.state);
        let now = Instant::now();
        let earned = now.duration_since(state.at).as_secs_f64() * self.rate;
        state.tokens = (state.tokens + earned).min(self.burst) - 1.0;
        state.at = now;
        Duration::try_from_secs_f64(-state.tokens / self.rate).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn beyond_the_burst_calls_wait_and_urgent_ones_do_not() {
        let budget = Budget::new(10.0, 2);
        let start = Instant::now();
        for _ in 0..4 {
            budget.take(false).await;
        }
        assert_eq!(start.elapsed().as_millis(), 200);
        budget.take(true).await;
        assert_eq!(start.elapsed().as_millis(), 200);
    }
}
