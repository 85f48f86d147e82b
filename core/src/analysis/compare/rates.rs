//! Rates: two beta-binomial mixtures against the best pair of rates on the margin (`docs/compare.md`).

use super::{Evidence, Worse};
use std::f64::consts::{LN_2, PI};

/// From so many on, Stirling's series is exact.
const LARGE: f64 = 1000.0;
/// Halvings of the interval in which the likeliest rate is looked for: more than an `f64` can tell apart.
const HALVINGS: usize = 120;

/// What was counted, out of how many. A provider that extrapolates gives fractions, and they count as such.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// What was counted.
    pub successes: f64,
    /// Out of which.
    pub trials: f64,
}

impl Counts {
    /// Both together.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self {
            successes: self.successes + more.successes,
            trials: self.trials + more.trials,
        }
    }

    /// The counts of what is bad.
    pub(super) fn bad(self, worse: Worse) -> Self {
        let successes = match worse {
            Worse::Higher => self.successes,
            Worse::Lower => self.trials - self.successes,
        };
        Self { successes, ..self }
    }

    /// What was not counted.
    fn others(self) -> f64 {
        (self.trials - self.successes).max(0.0)
    }

    /// The rate, where there was anything.
    #[must_use]
    pub fn rate(self) -> f64 {
        if self.trials > 0.0 {
            self.successes / self.trials
        } else {
            0.0
        }
    }
}

/// Evidence of bad rates against "the canary's is higher by exactly the margin".
///
/// Each side's mixture over a Beta(½, ½) prior is divided by the likelihood of the likeliest pair of rates that differ by the
/// margin. Of two sides one without trials says nothing.
pub(super) fn evidence(canary: Counts, stable: Counts, margin: f64) -> Evidence {
    let worse_by = canary.rate() - stable.rate();
    if canary.trials <= 0.0 || stable.trials <= 0.0 {
        return Evidence {
            log: 0.0,
            worse_by: 0.0,
        };
    }
    let rate = likeliest(canary, stable, margin);
    let log = mixture(canary) + mixture(stable) + divergence(canary, rate + margin) + divergence(stable, rate);
    Evidence { log, worse_by }
}

/// The stable's rate of the likeliest pair of rates of which the canary's is higher by the margin. The likelihood is concave
/// along them, so its slope has one zero.
fn likeliest(canary: Counts, stable: Counts, margin: f64) -> f64 {
    let part = |count: f64, rate: f64| if count > 0.0 { count / rate } else { 0.0 };
    let slope = |rate: f64| {
        let of_canary = part(canary.successes, rate + margin) - part(canary.others(), 1.0 - rate - margin);
        of_canary + part(stable.successes, rate) - part(stable.others(), 1.0 - rate)
    };
    let (mut low, mut high) = (0.0, 1.0 - margin);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if slope(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Logarithm of the mixture over the greatest likelihood: what it costs not to know the rate.
///
/// Written with the remainders of Stirling's formula, so that counts of any size lose no digits.
fn mixture(of: Counts) -> f64 {
    let trials = of.trials;
    half(of.successes) + half(of.others()) - whole(trials) - 0.5 * trials.ln() + 0.5 * (2.0 * PI).ln() - PI.ln()
}

/// lnΓ(x + ½) − (x ln x − x + ½ ln 2π).
fn half(x: f64) -> f64 {
    if x <= 0.0 {
        -0.5 * LN_2
    } else if x < LARGE {
        libm::lgamma(x + 0.5) - (x * x.ln() - x + 0.5 * (2.0 * PI).ln())
    } else {
        -1.0 / (24.0 * x) + 7.0 / (2880.0 * x.powi(3))
    }
}

/// lnΓ(x + 1) − ((x + ½) ln x − x + ½ ln 2π).
fn whole(x: f64) -> f64 {
    if x < LARGE {
        libm::lgamma(x + 1.0) - ((x + 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln())
    } else {
        1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3))
    }
}

/// Logarithm of the greatest likelihood over that of a rate.
fn divergence(of: Counts, rate: f64) -> f64 {
    let part = |count: f64, at: f64, own: f64| {
        if count > 0.0 {
            -count * ((at - own) / own).ln_1p()
        } else {
            0.0
        }
    };
    let (own, others) = (of.rate(), of.others());
    part(of.successes, rate, own) + part(others, 1.0 - rate, others / of.trials)
}
