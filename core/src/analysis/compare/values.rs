//! Values: an anytime-valid t-test of the differences (`docs/compare.md`).

use super::Evidence;

/// The prior of the standardised difference is normal with variance 1 / `PRIOR`.
const PRIOR: f64 = 1.0;

/// Differences of measurements, canary against stable: positive where the canary is worse. Mean and squares are kept as
/// Welford does, so that large values lose no digits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Differences {
    /// How many.
    pub pairs: f64,
    /// Their mean.
    pub mean: f64,
    /// Sum of the squares of what each is away from the mean.
    pub squares: f64,
}

impl Differences {
    /// With one more.
    #[must_use]
    pub fn plus(self, difference: f64) -> Self {
        let pairs = self.pairs + 1.0;
        let away = difference - self.mean;
        let mean = self.mean + away / pairs;
        Self {
            pairs,
            mean,
            squares: self.squares + away * (difference - mean),
        }
    }

    /// Evidence against "the mean is the margin": a normal mixture over the standardised difference, whatever the variance.
    pub(super) fn evidence(self, margin: f64) -> Evidence {
        let Self { pairs, mean, squares } = self;
        let away = mean - margin;
        // Scatter in squares of the distance from the margin: no square of a large number is formed.
        let scatter = if away == 0.0 {
            f64::INFINITY
        } else {
            squares / away / away
        };
        let ratio = pairs / (PRIOR + (1.0 + PRIOR / pairs.max(1.0)) * scatter);
        let log = 0.5 * (PRIOR / (pairs + PRIOR)).ln() + 0.5 * pairs * ratio.ln_1p();
        Evidence { log, worse_by: mean }
    }
}
