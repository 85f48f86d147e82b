//! What scales a rollout: HorizontalPodAutoscalers and KEDA's ScaledObjects.

use super::build::Object;
use super::names::{Reference, references};
use super::seen::{Seen, Target};
use serde_json::Value;

/// A scaler and what it aims at.
#[derive(Debug, Clone)]
pub(super) struct Scaler<'a> {
    /// The reference from its `scaleTargetRef`.
    pub(super) reference: Reference<'a>,
    /// Its least pods.
    pub(super) least: i64,
    /// Its most pods.
    pub(super) most: Option<i64>,
}

impl Scaler<'_> {
    /// Whether it scales an object.
    pub(super) fn scales(&self, seen: &Seen<'_>, object: &Object) -> bool {
        matches!(self.reference.target(seen), Target::Here(target) if std::ptr::eq(target, object))
    }
}

/// The scalers of a build.
pub(super) fn scalers<'a>(seen: &Seen<'a>) -> Vec<Scaler<'a>> {
    let is_scaler =
        |reference: &Reference<'_>| ["HorizontalPodAutoscaler", "ScaledObject"].contains(&reference.object.kind());
    references(seen)
        .into_iter()
        .filter(is_scaler)
        .map(|reference| {
            let spec = &reference.object.value["spec"];
            let count = |fields: [&str; 2]| {
                fields
                    .into_iter()
                    .find_map(|field| spec.get(field).and_then(Value::as_i64))
            };
            let keda = reference.object.kind() == "ScaledObject";
            Scaler {
                least: count(["minReplicas", "minReplicaCount"]).unwrap_or(i64::from(!keda)),
                most: count(["maxReplicas", "maxReplicaCount"]).or(keda.then_some(100)),
                reference,
            }
        })
        .collect()
}
