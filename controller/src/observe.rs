//! Stores → [`Observed`]. Looking never writes.

use crate::decode::StoredRollout;
use crate::failures::Failures;
use crate::store::{Key, Stores};
use serin_core::Observed;
use serin_core::identity::Identity;
use serin_core::observed::{Refused, ReplicaSet};
use std::sync::Arc;

/// What the stores show of one rollout at one moment.
pub(crate) struct Snapshot {
    pub(crate) stored: Arc<StoredRollout>,
    /// Sorted by name.
    pub(crate) replica_sets: Vec<Arc<ReplicaSet>>,
}

impl Snapshot {
    /// `None` if the rollout is gone.
    pub(crate) fn take(stores: &Stores, key: &Key) -> Option<Self> {
        let stored = stores.rollouts.get(key)?;
        let replica_sets = stores
            .replica_sets
            .of(stored.rollout.metadata.uid.as_deref().unwrap_or_default());
        Some(Self { stored, replica_sets })
    }

    pub(crate) fn uid(&self) -> &str {
        self.stored.rollout.metadata.uid.as_deref().unwrap_or_default()
    }

    pub(crate) fn version(&self) -> &str {
        self.stored
            .rollout
            .metadata
            .resource_version
            .as_deref()
            .unwrap_or_default()
    }

    /// A deletion is under way: nothing is done to it (contract 02 §5).
    pub(crate) fn is_going(&self) -> bool {
        self.stored.rollout.metadata.deletion_timestamp.is_some()
    }

    /// What a decision may know. Services of the strategy, routes and runs join here when they are watched.
    pub(crate) fn observed(&self, failures: &Failures, key: &Key) -> Observed {
        let rollout = &self.stored.rollout;
        let refused: Option<Refused> = failures.observed(key, rollout);
        Observed {
            rollout: rollout.clone(),
            undecodable: self.stored.undecodable.clone(),
            identity: self.stored.identity.get_or_init(|| Identity::of(rollout)).clone(),
            replica_sets: self.replica_sets.iter().map(|set| (**set).clone()).collect(),
            refused,
            ..Observed::default()
        }
    }
}
