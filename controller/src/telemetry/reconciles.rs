//! How long the reconciles of a kind of objects take, and how many fail, by object (contract 09 §3).

use crate::store::expiry::Expiry;
use crate::store::key::Key;
use crate::sync::lock;
use crate::telemetry::SERIES_STAY;
use crate::telemetry::series::Series;
use std::sync::Mutex;
use std::time::Duration;

/// The histogram and the counter of errors of a kind.
pub(crate) struct Reconciles {
    /// What the histogram is called.
    metric: &'static str,
    /// What it and the counter tell.
    help: [&'static str; 2],
    series: Series,
    leaving: Mutex<Expiry>,
}

impl Reconciles {
    /// Those of a kind; `metric` is the name of the histogram.
    pub(crate) fn new(metric: &'static str, help: [&'static str; 2]) -> Self {
        Self {
            metric,
            help,
            series: Series::default(),
            leaving: Mutex::new(Expiry::new(SERIES_STAY)),
        }
    }

    /// A reconcile ended.
    pub(crate) fn reconciled(&self, key: &Key, took: Duration, failed: bool) {
        self.series.reconciled(key, took, failed);
    }

    /// The object is gone; its series go in a while.
    pub(crate) fn deleted(&self, key: Key) {
        lock(&self.leaving).insert(key);
    }

    /// Objects that have series.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// Writes them; `exists` tells whether an object is there again.
    pub(crate) fn write(&self, text: &mut String, exists: impl Fn(&Key) -> bool) {
        while let Some(key) = lock(&self.leaving).pop_over() {
            if !exists(&key) {
                self.series.remove(&key);
            }
        }
        self.series.write_reconciles(text, self.metric, self.help);
    }
}
