//! What happened when, to be read where requests were lost.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long before and after a loss something may have to do with it.
const AROUND: Duration = Duration::from_secs(12);

/// Lines with their times and the namespace that they are about.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<(Instant, String, String)>>>);

impl Journal {
    /// Notes something.
    pub(crate) fn note(&self, namespace: &str, text: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((Instant::now(), namespace.to_owned(), text));
    }

    /// What happened in a namespace around some times, with seconds from `zero`.
    pub(crate) fn around(&self, namespace: &str, zero: Instant, from: Instant, to: Instant) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (at, _, what) in lines.iter().filter(|it| it.1 == namespace) {
            if *at + AROUND >= from && *at <= to + AROUND {
                // A String takes all that it is given.
                let _ = write!(
                    text,
                    "\n  {:8.3} {what}",
                    at.saturating_duration_since(zero).as_secs_f64()
                );
            }
        }
        text
    }
}
