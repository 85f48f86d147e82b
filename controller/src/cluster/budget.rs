//! How many calls per second the controller makes (`--qps`, `--burst`), and who waits when they are used up.
//!
//! There is a budget for each group of the API, as Argo Rollouts has a client with limits of its own for each: `argoproj.io`, and
//! all others (contract 09 §1).
//!
//! A reconcile begins only when the budgets are open, so that a wait for the budget occupies no worker. Changes
//! by people never wait, but count: they may overdraw the budget by a burst, and ordinary reconciles wait until it is
//! repaid.

use crate::sync::lock;
use serin_core::observed::Kind;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// The budgets of the groups.
pub(crate) struct Budgets {
    argoproj: Budget,
    others: Budget,
}

impl Budgets {
    /// `rate` calls per second and group, `burst` at once; a rate of zero or less is no limit.
    pub(crate) fn new(rate: f64, burst: u32) -> Self {
        Self {
            argoproj: Budget::new(rate, burst),
            others: Budget::new(rate, burst),
        }
    }

    /// The budget that a call to this kind comes out of.
    pub(crate) fn of(&self, kind: Kind) -> &Budget {
        match kind {
            Kind::Rollout | Kind::RolloutStatus | Kind::AnalysisRun | Kind::Experiment => &self.argoproj,
            Kind::ReplicaSet
            | Kind::DeploymentScale
            | Kind::Deployment
            | Kind::PodTemplate
            | Kind::Service
            | Kind::Route
            | Kind::Pod
            | Kind::Event
            | Kind::Lease
            | Kind::Secret => &self.others,
        }
    }

    /// When an ordinary reconcile may begin, if not now: it may write to either group.
    pub(crate) fn opens(&self) -> Option<Instant> {
        self.argoproj.opens().max(self.others.opens())
    }
}

/// A token bucket. Its tokens may become negative: what was begun is finished.
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

    /// When a token is there, if not now.
    pub(crate) fn opens(&self) -> Option<Instant> {
        let mut state = lock(&self.state);
        let wait = self.until(self.earned(&mut state), 1.0);
        (!wait.is_zero()).then(|| state.at + wait)
    }

    /// Takes one call and waits for it.
    pub(crate) async fn take(&self) {
        self.take_down_to(0.0).await;
    }

    /// Takes one call of a reconcile that has begun. It waits only where its plan alone is more than the budget can bear.
    pub(crate) async fn take_begun(&self) {
        self.take_down_to(-self.burst / 2.0).await;
    }

    /// Takes one call that a person waits for.
    pub(crate) fn overdraw(&self) {
        let mut state = lock(&self.state);
        let tokens = self.earned(&mut state);
        state.tokens = (tokens - 1.0).max(tokens.min(-self.burst));
    }

    async fn take_down_to(&self, least: f64) {
        let wait = {
            let mut state = lock(&self.state);
            state.tokens = self.earned(&mut state) - 1.0;
            self.until(state.tokens, least)
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// The tokens of this moment.
    fn earned(&self, state: &mut State) -> f64 {
        let now = Instant::now();
        let earned = now.duration_since(state.at).as_secs_f64() * self.rate.max(0.0);
        state.tokens = (state.tokens + earned).min(self.burst);
        state.at = now;
        state.tokens
    }

    fn until(&self, tokens: f64, least: f64) -> Duration {
        if self.rate <= 0.0 {
            return Duration::ZERO;
        }
        // Rounded up: a moment too early would be one more check.
        let nanoseconds = ((least - tokens) / self.rate * 1e9).ceil().max(0.0);
        Duration::try_from_secs_f64(nanoseconds / 1e9).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn beyond_the_burst_calls_wait() {
        let budget = Budget::new(10.0, 2);
        let start = Instant::now();
        for _ in 0..4 {
            budget.take().await;
        }
        assert_eq!(start.elapsed().as_millis(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn an_ordinary_reconcile_waits_until_the_budget_is_open() {
        let budget = Budget::new(10.0, 4);
        let start = Instant::now();
        for _ in 0..4 {
            assert_eq!(budget.opens(), None);
            budget.take_begun().await;
        }
        assert_eq!(budget.opens(), Some(start + Duration::from_millis(100)));
        // What has begun goes on.
        budget.take_begun().await;
        budget.take_begun().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(budget.opens(), Some(start + Duration::from_millis(300)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_people_do_never_waits_and_overdraws_the_budget_by_one_burst_at_most() {
        let budget = Budget::new(10.0, 4);
        let start = Instant::now();
        for _ in 0..100 {
            budget.overdraw();
        }
        assert_eq!(budget.opens(), Some(start + Duration::from_millis(500)));
        budget.take_begun().await;
        assert_eq!(start.elapsed().as_millis(), 300);
        budget.overdraw();
        assert!(budget.opens() <= Some(Instant::now() + Duration::from_millis(500)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_plan_larger_than_the_budget_is_stretched() {
        let budget = Budget::new(10.0, 4);
        let start = Instant::now();
        for _ in 0..16 {
            budget.take_begun().await;
        }
        assert_eq!(start.elapsed().as_millis(), 1_000);
    }

    #[tokio::test(start_paused = true)]
    async fn each_group_has_a_budget_and_a_reconcile_waits_for_both() {
        let (budgets, start) = (Budgets::new(10.0, 2), Instant::now());
        for _ in 0..2 {
            budgets.of(Kind::Rollout).take_begun().await;
        }
        // Three calls at once to the other kinds, which share a budget.
        for kind in [Kind::ReplicaSet, Kind::Service, Kind::Pod] {
            budgets.of(kind).take_begun().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(budgets.argoproj.opens(), Some(start + Duration::from_millis(100)));
        assert_eq!(budgets.opens(), Some(start + Duration::from_millis(200)));
    }

    #[tokio::test(start_paused = true)]
    async fn no_rate_is_no_limit() {
        let (budget, start) = (Budget::new(0.0, 1), Instant::now());
        for _ in 0..100 {
            assert_eq!(budget.opens(), None);
            budget.take_begun().await;
            budget.take().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
