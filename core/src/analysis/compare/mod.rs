//! Canary against stable: an always-valid sequential test (decision 50).
//!
//! A metric with `compare` is measured once for each of both. [`Comparison`] is what its fields mean, [`Sums`] is what is
//! known of all measurements so far, and [`Comparison::judge`] says what that amounts to. The test may be looked at after
//! each measurement: its errors are bounded over the whole run, however often it is looked at. `docs/compare.md` has the
//! formulas, and how often it errs.

mod rates;
mod sides;
mod sums;
mod values;

pub use rates::Counts;
pub use sides::{Sides, measured};
pub use sums::Sums;
pub(crate) use sums::{of_one, without_one};
pub use values::Differences;

use crate::api::analysis_template::{Compare, Metric};
use crate::notation::go_value::shortest;
use crate::wire::analysis::Phase;

/// Which values are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worse {
    /// Higher ones, as of an error rate.
    Higher,
    /// Lower ones, as of a success rate.
    Lower,
}

/// What is compared: expressions over `result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared<'c> {
    /// Rates.
    Rates {
        /// What is counted.
        successes: &'c str,
        /// Out of which.
        trials: &'c str,
    },
    /// Values, one for each measurement.
    Values(&'c str),
}

/// A comparison as it is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison<'c> {
    /// Which values are worse.
    pub worse: Worse,
    /// How much worse the canary may be.
    pub margin: f64,
    /// Confidence of a decision, between 0.5 and 1.
    pub confidence: f64,
    /// What is compared.
    pub of: Compared<'c>,
}

/// What the measurements so far say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The canary is worse by more than the margin.
    Worse,
    /// It is not worse by more than the margin.
    NotWorse,
    /// Neither is certain yet.
    Open,
}

impl Decision {
    /// Phase of the measurement that it is made after.
    #[must_use]
    pub fn phase(self) -> Phase {
        match self {
            Self::Worse => Phase::Failed,
            Self::NotWorse => Phase::Successful,
            Self::Open => Phase::Inconclusive,
        }
    }
}

/// How much the measurements so far say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Natural logarithm of the evidence against "worse by exactly the margin".
    pub log: f64,
    /// By how much the canary is worse, as measured; negative if it is better.
    pub worse_by: f64,
}

impl<'c> Comparison<'c> {
    /// Reads the fields of a metric.
    ///
    /// # Errors
    /// The first field that is wrong, and what to write.
    pub fn of(compare: &'c Compare) -> Result<Self, String> {
        let Compare {
            arg,
            worse,
            margin,
            confidence,
            result,
        } = compare;
        if arg.is_empty() {
            return Err("compare.arg is missing: name the argument that holds the pod template hash".to_owned());
        }
        let worse = match worse.as_str() {
            "higher" => Worse::Higher,
            "lower" => Worse::Lower,
            other => return Err(format!("compare.worse must be higher or lower, not {other:?}")),
        };
        let of = match (&*result.successes, &*result.trials, &*result.value) {
            ("", "", "") => return Err("compare.result must have successes and trials, or value".to_owned()),
            ("", "", value) => Compared::Values(value),
            ("", _, _) => return Err("compare.result.successes is missing beside trials".to_owned()),
            (_, "", _) => return Err("compare.result.trials is missing beside successes".to_owned()),
            (successes, trials, "") => Compared::Rates { successes, trials },
            _ => return Err("compare.result must not have value beside successes and trials".to_owned()),
        };
        let most = match of {
            Compared::Rates { .. } => 1.0,
            Compared::Values(_) => f64::MAX,
        };
        let margin = number(
            "margin",
            margin,
            |margin| (0.0..most).contains(&margin),
            || match of {
                Compared::Rates { .. } => "a decimal number of at least 0 and below 1, such as \"0.01\"",
                Compared::Values(_) => "a decimal number of at least 0, such as \"0.05\"",
            },
        )?;
        let is_confidence = |confidence| confidence > 0.5 && confidence < 1.0;
        let confidence = number(
            "confidence",
            confidence,
            is_confidence,
            || "a decimal number between 0.5 and 1, such as \"0.95\"",
        )?;
        Ok(Self {
            worse,
            margin,
            confidence,
            of,
        })
    }

    /// The comparison of a metric, if it has one that can be read.
    #[must_use]
    pub fn of_metric(metric: &'c Metric) -> Option<Self> {
        metric.compare.as_ref().and_then(|compare| Self::of(compare).ok())
    }

    /// What all measurements so far say. The probability that a run ever says the wrong of both is at most 1 − confidence
    /// (`docs/compare.md`).
    #[must_use]
    pub fn judge(&self, sums: &Sums) -> (Decision, Evidence) {
        let evidence = match sums {
            Sums::Rates { canary, stable } => {
                rates::evidence(canary.bad(self.worse), stable.bad(self.worse), self.margin)
            }
            Sums::Values(differences) => differences.evidence(self.margin),
        };
        let decided = evidence.log >= self.decides_from().ln();
        let decision = match decided {
            true if evidence.worse_by > self.margin => Decision::Worse,
            true if evidence.worse_by < self.margin => Decision::NotWorse,
            true | false => Decision::Open,
        };
        (decision, evidence)
    }

    /// Evidence from which on the test decides: with a confidence of 0.95 it is 20.
    #[must_use]
    pub fn decides_from(&self) -> f64 {
        1.0 / (1.0 - self.confidence)
    }

    /// The message of a measurement: what was decided, and from what.
    #[must_use]
    pub fn words(&self, sums: &Sums) -> String {
        let (decision, evidence) = self.judge(sums);
        let margin = shortest(self.margin);
        let decided = match decision {
            Decision::Worse => format!("the canary is worse by more than {margin}"),
            Decision::NotWorse => format!("the canary is not worse by more than {margin}"),
            Decision::Open => format!("not decided whether the canary is worse by more than {margin}"),
        };
        let shown = evidence.log.exp();
        let shown = if shown < 1e6 {
            format!("{shown:.2}")
        } else {
            "over 1000000".to_owned()
        };
        format!(
            "{decided}: {}, worse by {}; evidence {shown}, decides from {:.2}",
            sums.words(),
            rounded(evidence.worse_by),
            self.decides_from(),
        )
    }
}

/// A number for people: four significant digits.
fn rounded(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return shortest(number);
    }
    format!("{number:.3e}")
        .parse()
        .map_or_else(|_| shortest(number), shortest)
}

fn number(
    field: &str,
    text: &str,
    fits: impl Fn(f64) -> bool,
    wanted: impl Fn() -> &'static str,
) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| fits(*number));
    number.ok_or_else(|| format!("compare.{field} must be {}, not {text:?}", wanted()))
}
