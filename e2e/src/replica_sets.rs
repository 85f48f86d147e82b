//! What stories do to ReplicaSets by hand.

use crate::story::{Step, Story};
use crate::world::World;
use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::ReplicaSet;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

/// What somebody does to the ReplicaSet of a revision.
pub(crate) enum ByHand {
    /// Scales it.
    Scale(i32),
    /// Deletes it, with its pods.
    Delete,
}

impl ByHand {
    pub(crate) async fn make(self, world: &World, revision: i64) -> Result<()> {
        let view = world.view().await?;
        let set = view.replica_set(revision).context("there is no such ReplicaSet")?;
        let (name, sets) = (
            set.name_any(),
            Api::<ReplicaSet>::namespaced(world.client(), world.namespace()),
        );
        match self {
            Self::Scale(replicas) => {
                let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
                sets.patch_scale(&name, &PatchParams::default(), &patch).await?;
            }
            Self::Delete => {
                sets.delete(&name, &DeleteParams::background()).await?;
            }
        }
        Ok(())
    }
}

impl Story<'_> {
    /// Scales the ReplicaSet of a revision, as `kubectl scale rs` does.
    pub fn scale_replica_set(self, revision: i64, replicas: i32) -> Self {
        let text = format!("scale the ReplicaSet of revision {revision} to {replicas}");
        self.step(text, Step::ReplicaSet(revision, ByHand::Scale(replicas)))
    }

    /// Deletes the ReplicaSet of a revision, as `kubectl delete rs` does.
    pub fn delete_replica_set(self, revision: i64) -> Self {
        let text = format!("delete the ReplicaSet of revision {revision}");
        self.step(text, Step::ReplicaSet(revision, ByHand::Delete))
    }
}
