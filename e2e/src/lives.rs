//! Lives whose writes are counted (decision 28): the pods of a level become ready together, surge is no limit.

use crate::world::World;
use crate::writes::Write;
use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

/// Services of a blue-green rollout.
const SERVICES: [&str; 2] = ["active", "preview"];

/// What kind of rollout lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Without Services.
    Canary {
        /// Steps that set a weight, each another.
        steps: usize,
        /// Pauses for a person, after the first steps.
        pauses: usize,
    },
    /// Promoted by itself, one pod.
    BlueGreen {
        /// With a preview Service.
        preview: bool,
    },
}

/// At most so many writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Of ReplicaSets, Services, and the rollout itself.
    pub others: usize,
    /// Of the rollout's status.
    pub status: usize,
}

/// What the controller wrote in a life.
#[derive(Clone, Debug)]
pub struct Counted {
    /// From the creation to Healthy.
    pub first_deploy: Vec<Write>,
    /// From the new image to Healthy with the old pods gone.
    pub update: Vec<Write>,
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Canary { steps, pauses } => write!(f, "canary, setWeight steps {steps}, pauses {pauses}"),
            Self::BlueGreen { preview: false } => write!(f, "blue-green"),
            Self::BlueGreen { preview: true } => write!(f, "blue-green with a preview Service"),
        }
    }
}

impl Life {
    /// The bounds of the first deploy and of the update.
    #[must_use]
    pub fn bounds(self) -> [Bound; 2] {
        match self {
            Self::Canary { steps, pauses } => [
                Bound { others: 2, status: 2 },
                Bound {
                    others: 2 * steps + 3,
                    status: steps + 3 + 2 * pauses,
                },
            ],
            Self::BlueGreen { preview } => [
                Bound {
                    others: 3 + usize::from(preview),
                    status: 2,
                },
                Bound {
                    others: 5 + usize::from(preview),
                    status: 3,
                },
            ],
        }
    }

    /// The rollout, with one pod a level: so the pods of a level are ready together.
    #[must_use]
    pub fn manifest(self) -> Value {
        let strategy = match self {
            Self::Canary { steps, pauses } => {
                let mut all = Vec::new();
                for number in 1..=steps {
                    all.push(json!({"setWeight": 100 * number / (steps + 1)}));
                    if number <= pauses {
                        all.push(json!({"pause": {}}));
                    }
                }
                json!({"canary": {"maxSurge": "100%", "maxUnavailable": 0, "steps": all}})
            }
            Self::BlueGreen { preview } => {
                let preview = preview.then_some("preview");
                json!({"blueGreen": {"activeService": "active", "previewService": preview, "scaleDownDelaySeconds": 2}})
            }
        };
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
            "spec": {"replicas": self.pods(), "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "main", "image": "app:1"}]}},
                "strategy": strategy}})
    }

    fn pods(self) -> usize {
        match self {
            Self::Canary { steps, .. } => steps + 1,
            Self::BlueGreen { .. } => 1,
        }
    }

    /// Deploys and updates, promoting at each pause, and counts.
    ///
    /// # Errors
    /// If the rollout does not get there, or nobody counts.
    pub async fn live(self, world: &mut World) -> Result<Counted> {
        let (text, pods) = (self.manifest().to_string(), self.pods());
        let earlier = world.writes()?.map_or(0, |it| it.len());
        let served = matches!(self, Self::BlueGreen { .. });
        if served {
            world.given().service(SERVICES[0]).service(SERVICES[1]).await?;
        }
        world.given().rollout(&text).healthy().ready_pods(1, pods).await?;
        if served {
            world.then().serves("active", 1).await?;
        }
        let first_deploy = settled(world).await?.split_off(earlier);
        world.when().set_image("app:2").await?;
        if let Self::Canary { pauses, .. } = self {
            for _ in 0..pauses {
                world.then().phase("Paused").when().promote().await?;
            }
        }
        world.then().healthy().ready_pods(2, pods).pods(1, 0).await?;
        let mut update = settled(world).await?;
        update.drain(..earlier + first_deploy.len());
        Ok(Counted { first_deploy, update })
    }

    /// Removes everything, so that another life can begin.
    ///
    /// # Errors
    /// What the API server says.
    pub async fn end(self, world: &World) -> Result<()> {
        world.rollouts().delete("web", &DeleteParams::foreground()).await?;
        while world.rollouts().get_opt("web").await?.is_some() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        if matches!(self, Self::BlueGreen { .. }) {
            let services: Api<Service> = Api::namespaced(world.client(), world.namespace());
            for name in SERVICES {
                services.delete(name, &DeleteParams::default()).await?;
            }
        }
        Ok(())
    }
}

/// All writes, once none came for two seconds.
async fn settled(world: &World) -> Result<Vec<Write>> {
    let mut before = usize::MAX;
    loop {
        let writes = world.writes()?.context("nobody counts writes on this cluster")?;
        if writes.len() == before {
            return Ok(writes);
        }
        before = writes.len();
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}
