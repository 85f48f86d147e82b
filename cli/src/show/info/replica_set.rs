//! ReplicaSets: state, roles, delay and pods (contract 10 §4).

use super::{Around, Identity, PodInfo, Role, icon, is_owned_by, revision};
use crate::duration;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetStatus};
use serin_core::api::Rollout;
use serin_core::wire;
use std::cmp::Reverse;

/// Annotation of ReplicaSets of an experiment: the template they belong to.
const EXPERIMENT_TEMPLATE: &str = "experiment.argoproj.io/template-name";

/// A ReplicaSet and its pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReplicaSetInfo {
    /// The ReplicaSet itself.
    pub identity: Identity,
    /// Icon of the status.
    pub icon: &'static str,
    /// Healthy, Progressing, ReplicaFailure or ScaledDown.
    pub status: String,
    /// Revision; 0 where none is recorded.
    pub revision: i64,
    /// What it is for, in the order shown.
    pub roles: Vec<Role>,
    /// Template of the experiment it belongs to; empty otherwise.
    pub experiment_template: String,
    /// When it may be scaled down, as recorded; empty if no delay runs.
    pub scale_down_deadline: String,
    /// Pods there are.
    pub replicas: i32,
    /// Available pods.
    pub available: i32,
    /// Images of its containers.
    pub images: Vec<String>,
    /// Its pods, oldest first.
    pub pods: Vec<PodInfo>,
}

impl ReplicaSetInfo {
    /// What remains of the scale-down delay: `3h59m`, `passed`, or nothing where the deadline is no time.
    #[must_use]
    pub(crate) fn remaining_delay(&self, now: Timestamp) -> String {
        match self.scale_down_deadline.parse::<Timestamp>() {
            Ok(deadline) if deadline < now => "passed".to_owned(),
            Ok(deadline) => duration::human(deadline.duration_since(now)),
            Err(_) => String::new(),
        }
    }

    /// Tags of its images: its roles.
    pub(super) fn image_tags(&self) -> Vec<String> {
        let mut roles = self.roles.clone();
        roles.sort_unstable();
        roles.into_iter().map(|role| role.tag().to_owned()).collect()
    }

    /// Tags of its images where it belongs to an experiment.
    pub(super) fn experiment_tags(&self) -> Vec<String> {
        let template = &self.experiment_template;
        if template.is_empty() {
            Vec::new()
        } else {
            vec![format!("Σ:{template}")]
        }
    }
}

/// The ReplicaSets of an owner with their pods, newest revision first, then by name.
pub(super) fn owned_by(owner_uid: &str, rollout: Option<&Rollout>, around: &Around<'_>) -> Vec<ReplicaSetInfo> {
    let mut infos: Vec<_> = around
        .replica_sets
        .iter()
        .filter(|set| is_owned_by(set.metadata.owner_references.as_ref(), owner_uid))
        .map(|set| info(set, rollout))
        .collect();
    infos.sort_by(|a, b| (Reverse(a.revision), &a.identity.name).cmp(&(Reverse(b.revision), &b.identity.name)));
    for pod in &around.pods {
        let owners = pod.metadata.owner_references.as_ref();
        if let Some(info) = infos.iter_mut().find(|info| is_owned_by(owners, &info.identity.uid)) {
            info.pods.push(PodInfo::new(pod));
        }
    }
    for info in &mut infos {
        info.pods
            .sort_by(|a, b| (a.identity.created, &a.identity.name).cmp(&(b.identity.created, &b.identity.name)));
    }
    infos
}

fn info(set: &ReplicaSet, rollout: Option<&Rollout>) -> ReplicaSetInfo {
    let annotation = |key| {
        let annotations = set.metadata.annotations.as_ref();
        annotations
            .and_then(|annotations| annotations.get(key))
            .cloned()
            .unwrap_or_default()
    };
    let status = health(set);
    let hash = set
        .metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(wire::HASH_LABEL));
    let template = set.spec.template.as_ref();
    let pod = template.and_then(|template| template.spec.as_ref());
    let containers = pod.map(|pod| pod.containers.as_slice()).unwrap_or_default();
    ReplicaSetInfo {
        identity: Identity::from(&set.metadata),
        icon: replica_set_icon(status),
        status: status.to_owned(),
        revision: revision(&set.metadata),
        roles: match (rollout, hash) {
            (Some(rollout), Some(hash)) => roles(rollout, hash),
            (Some(_) | None, _) => Vec::new(),
        },
        experiment_template: annotation(EXPERIMENT_TEMPLATE),
        scale_down_deadline: annotation(wire::SCALE_DOWN_DEADLINE),
        replicas: set.status.as_ref().map_or(0, |status| status.replicas),
        available: set
            .status
            .as_ref()
            .and_then(|status| status.available_replicas)
            .unwrap_or_default(),
        images: containers
            .iter()
            .map(|container| container.image.clone().unwrap_or_default())
            .collect(),
        pods: Vec::new(),
    }
}

/// Roles in the order of the INFO column: stable first, then one of canary, active, preview, then ping or pong.
fn roles(rollout: &Rollout, hash: &str) -> Vec<Role> {
    let (strategy, status) = (&rollout.spec.strategy, &rollout.status);
    let stable = status.stable_rs == hash;
    let mut roles = Vec::new();
    if let Some(canary) = &strategy.canary {
        let role = if stable {
            Some(Role::Stable)
        } else {
            (status.current_pod_hash == hash).then_some(Role::Canary)
        };
        roles.extend(role);
        if let (Some(role), Some(_)) = (role, &canary.ping_pong) {
            let stable_is_ping = status.canary.stable_ping_pong == "ping";
            roles.push(if (role == Role::Stable) == stable_is_ping {
                Role::Ping
            } else {
                Role::Pong
            });
        }
    }
    if strategy.blue_green.is_some() {
        if stable && !roles.contains(&Role::Stable) {
            roles.push(Role::Stable);
        }
        if status.blue_green.active_selector == hash {
            roles.push(Role::Active);
        } else if status.blue_green.preview_selector == hash {
            roles.push(Role::Preview);
        }
    }
    roles
}

fn health(set: &ReplicaSet) -> &'static str {
    let empty = ReplicaSetStatus::default();
    let status = set.status.as_ref().unwrap_or(&empty);
    let wanted = set.spec.replicas;
    let failed = status
        .conditions
        .iter()
        .flatten()
        .any(|it| it.type_.as_deref() == Some("ReplicaFailure") && it.status.as_deref() == Some("True"));
    if set.metadata.generation.unwrap_or_default() > status.observed_generation.unwrap_or_default() {
        "Progressing"
    } else if failed {
        "ReplicaFailure"
    } else if wanted.is_some_and(|wanted| status.available_replicas.unwrap_or_default() < wanted) {
        "Progressing"
    } else if wanted == Some(0) {
        "ScaledDown"
    } else {
        "Healthy"
    }
}

fn replica_set_icon(status: &str) -> &'static str {
    match status {
        "Progressing" => icon::PROGRESSING,
        "Healthy" => icon::OK,
        "ReplicaFailure" => icon::BAD,
        "ScaledDown" => icon::NEUTRAL,
        _ => icon::NONE,
    }
}
