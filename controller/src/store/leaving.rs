//! Rollouts that are being deleted, or are gone, and whose Deployment may be owed its pods (contract 05 §5).

use crate::store::decode::StoredRollout;
use crate::store::key::Key;
use crate::sync::{read, write};
use serin_core::observed::WorkloadKind;
use serin_core::rollout::workload::{Reference, reference};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

/// Rollouts by name, until their Deployment has been looked after.
#[derive(Default)]
pub(crate) struct Leaving(RwLock<HashMap<Key, Leaves>>);

#[derive(Clone)]
struct Leaves {
    rollout: Arc<StoredRollout>,
    /// Its Deployment has been looked after; the rollout waits for its finalizers.
    settled: bool,
}

/// A rollout and the Deployment that it refers to.
pub(crate) struct Owed {
    pub(crate) rollout: Arc<StoredRollout>,
    pub(crate) workload: Key,
}

impl Leaving {
    /// The API server deletes it, or has deleted it.
    pub(crate) fn leaves(&self, key: &Key, rollout: &Arc<StoredRollout>) {
        if deployment_of(key, rollout).is_none() {
            return;
        }
        let mut all = write(&self.0);
        let uid = |of: &StoredRollout| of.rollout.metadata.uid.clone();
        let known = all.get(key).is_some_and(|known| uid(&known.rollout) == uid(rollout));
        if !known {
            let leaves = Leaves {
                rollout: Arc::clone(rollout),
                settled: false,
            };
            all.insert(key.clone(), leaves);
        }
    }

    /// What is owed to its Deployment has yet to be looked after.
    pub(crate) fn owed(&self, key: &Key) -> Option<Owed> {
        let leaves = read(&self.0).get(key).filter(|leaves| !leaves.settled).cloned()?;
        let workload = deployment_of(key, &leaves.rollout)?;
        Some(Owed {
            rollout: leaves.rollout,
            workload,
        })
    }

    /// Its Deployment has been looked after; while the rollout is there, it is not looked after again.
    pub(crate) fn settled(&self, key: &Key, is_gone: bool) {
        let mut all = write(&self.0);
        if is_gone {
            all.remove(key);
        } else if let Some(leaves) = all.get_mut(key) {
            leaves.settled = true;
        }
    }

    /// Whether nothing of it is kept.
    pub(crate) fn is_over(&self, key: &Key) -> bool {
        !read(&self.0).contains_key(key)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        read(&self.0).len()
    }
}

fn deployment_of(key: &Key, stored: &StoredRollout) -> Option<Key> {
    match reference(&stored.rollout) {
        Reference::To(WorkloadKind::Deployment, name) => Some(key.sibling(name)),
        Reference::To(WorkloadKind::ReplicaSet | WorkloadKind::PodTemplate, _)
        | Reference::None
        | Reference::Problem(_) => None,
    }
}
