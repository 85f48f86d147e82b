//! What the controller has done and its cache does not show yet.

use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::time::Instant;

/// A change that is not seen for so long is not waited for any more.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Debug)]
struct Expected {
    creations: usize,
    deletions: HashSet<String>,
    since: Instant,
}

/// By the UID of the ReplicaSet. As long as something is expected for one, no pod of it is created or deleted; its status is
/// written all the same.
#[derive(Debug, Default)]
pub(super) struct Expectations(HashMap<String, Expected>);

impl Expectations {
    /// Whether the cache shows all that was done for this set.
    pub(super) fn are_met(&self, set: &str) -> bool {
        self.0
            .get(set)
            .is_none_or(|it| (it.creations == 0 && it.deletions.is_empty()) || it.since.elapsed() > PATIENCE)
    }

    /// So many pods are about to be created.
    pub(super) fn expect_creations(&mut self, set: &str, count: usize) {
        self.put(set, count, HashSet::new());
    }

    /// The pods with these UIDs are about to be deleted.
    pub(super) fn expect_deletions(&mut self, set: &str, pods: impl IntoIterator<Item = String>) {
        self.put(set, 0, pods.into_iter().collect());
    }

    fn put(&mut self, set: &str, creations: usize, deletions: HashSet<String>) {
        let since = Instant::now();
        self.0.insert(
            set.to_owned(),
            Expected {
                creations,
                deletions,
                since,
            },
        );
    }

    /// Pods were seen for the first time, or will never be: their creation was refused.
    pub(super) fn created(&mut self, set: &str, count: usize) {
        if let Some(expected) = self.0.get_mut(set) {
            expected.creations = expected.creations.saturating_sub(count);
        }
    }

    /// A pod was seen terminating or gone, or its deletion was refused.
    pub(super) fn deleted(&mut self, set: &str, pod: &str) {
        if let Some(expected) = self.0.get_mut(set) {
            expected.deletions.remove(pod);
        }
    }

    /// A set is gone.
    pub(super) fn forget(&mut self, set: &str) {
        self.0.remove(set);
    }
}
