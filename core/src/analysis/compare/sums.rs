//! What is known of all measurements so far: it stands in the metadata of each measurement, so that it outlives a controller.

use super::rates::Counts;
use super::values::Differences;
use super::{Compared, Comparison, Worse, rounded};
use crate::notation::go_value::shortest;
use std::collections::BTreeMap;

/// Keys in the metadata of a measurement: the sums so far. In an answer that is not recorded yet, the first four are those of
/// the one measurement.
const RATES: [&str; 4] = ["canarySuccesses", "canaryTrials", "stableSuccesses", "stableTrials"];
const VALUES: [&str; 3] = ["pairs", "meanDifference", "squaredDeviations"];
/// Keys of the one measurement.
const VALUE: [&str; 2] = ["canaryValue", "stableValue"];

/// The sums of the measurements so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sums {
    /// Of rates.
    Rates {
        /// Of the canary.
        canary: Counts,
        /// Of the stable.
        stable: Counts,
    },
    /// Of values.
    Values(Differences),
}

impl Sums {
    /// What a measurement's metadata says of all measurements so far; none if it says nothing that can be read.
    #[must_use]
    pub fn read(comparison: &Comparison<'_>, metadata: &BTreeMap<String, String>) -> Option<Self> {
        match comparison.of {
            Compared::Rates { .. } => {
                let [canary, canary_trials, stable, stable_trials] = numbers(metadata, RATES)?;
                Some(Self::rates([canary, canary_trials], [stable, stable_trials]))
            }
            Compared::Values(_) => {
                let [pairs, mean, squares] = numbers(metadata, VALUES)?;
                Some(Self::Values(Differences { pairs, mean, squares }))
            }
        }
    }

    /// Adds the one measurement that the metadata of an answer describes; none if it describes none.
    #[must_use]
    pub fn plus(before: Option<Self>, comparison: &Comparison<'_>, answer: &BTreeMap<String, String>) -> Option<Self> {
        match comparison.of {
            Compared::Rates { .. } => {
                let [canary, canary_trials, stable, stable_trials] = numbers(answer, RATES)?;
                let more = Self::rates([canary, canary_trials], [stable, stable_trials]);
                let (
                    Some(Self::Rates { canary, stable }),
                    Self::Rates {
                        canary: new,
                        stable: other,
                    },
                ) = (before, more)
                else {
                    return Some(more);
                };
                Some(Self::Rates {
                    canary: canary.plus(new),
                    stable: stable.plus(other),
                })
            }
            Compared::Values(_) => {
                let [canary, stable] = numbers(answer, VALUE)?;
                let difference = match comparison.worse {
                    Worse::Higher => canary - stable,
                    Worse::Lower => stable - canary,
                };
                let before = match before {
                    Some(Self::Values(differences)) => differences,
                    Some(Self::Rates { .. }) | None => Differences::default(),
                };
                Some(Self::Values(before.plus(difference)))
            }
        }
    }

    fn rates(canary: [f64; 2], stable: [f64; 2]) -> Self {
        let counts = |[successes, trials]: [f64; 2]| Counts { successes, trials };
        Self::Rates {
            canary: counts(canary),
            stable: counts(stable),
        }
    }

    /// Writes the sums into the metadata of a measurement. A number is read back as it was.
    pub fn write(&self, metadata: &mut BTreeMap<String, String>) {
        let mut set = |key: &str, number: f64| metadata.insert(key.to_owned(), shortest(number));
        match self {
            Self::Rates { canary, stable } => {
                let numbers = [canary.successes, canary.trials, stable.successes, stable.trials];
                RATES
                    .into_iter()
                    .zip(numbers)
                    .for_each(|(key, number)| _ = set(key, number));
            }
            Self::Values(Differences { pairs, mean, squares }) => {
                let numbers = [*pairs, *mean, *squares];
                VALUES
                    .into_iter()
                    .zip(numbers)
                    .for_each(|(key, number)| _ = set(key, number));
            }
        }
    }

    /// The sums in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Rates { canary, stable } => {
                let words = |of: &Counts| {
                    let (successes, trials) = (shortest(of.successes), shortest(of.trials));
                    format!("{successes} of {trials} ({})", rounded(of.rate()))
                };
                format!("canary {}, stable {}", words(canary), words(stable))
            }
            Self::Values(differences) => format!("{} pairs", shortest(differences.pairs)),
        }
    }
}

/// The metadata of one measurement, not yet added to what was before.
#[must_use]
pub(crate) fn of_one(comparison: &Comparison<'_>, canary: &[f64], stable: &[f64]) -> BTreeMap<String, String> {
    let keys: &[&str] = match comparison.of {
        Compared::Rates { .. } => &RATES,
        Compared::Values(_) => &VALUE,
    };
    let numbers = canary.iter().chain(stable).copied().map(shortest);
    keys.iter().map(|key| (*key).to_owned()).zip(numbers).collect()
}

/// Takes the description of one measurement away.
pub(crate) fn without_one(comparison: &Comparison<'_>, metadata: &mut BTreeMap<String, String>) {
    if let Compared::Rates { .. } = comparison.of {
        metadata.retain(|key, _| !RATES.contains(&key.as_str()));
    }
}

/// Numbers by key: all of them, and finite.
fn numbers<const N: usize>(metadata: &BTreeMap<String, String>, keys: [&str; N]) -> Option<[f64; N]> {
    let mut numbers = [0.0; N];
    for (number, key) in numbers.iter_mut().zip(keys) {
        *number = metadata
            .get(key)?
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())?;
    }
    Some(numbers)
}
