//! Objects as far as they can be read: people look at them most of all when something is wrong with them (decision 7).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serin_core::api::Rollout;
use serin_core::api::lenient::{self, Lenient, Unread};
use std::borrow::Cow;

/// A stored Rollout without the fields that do not decode; the controller says in its conditions what is wrong with them.
#[derive(Clone, Debug, Default)]
pub(crate) struct AsRead {
    /// What could be read.
    pub(crate) rollout: Rollout,
    /// The fields of its status that could not.
    pub(crate) unread: Vec<Unread>,
}

impl<'de> Deserialize<'de> for AsRead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        let metadata = object.get_mut("metadata").map(Value::take).unwrap_or_default();
        let (metadata, _) = Lenient::metadata(metadata);
        let Lenient { rollout, unread, .. } = Lenient::of(object);
        let rollout = Rollout { metadata, ..rollout };
        Ok(Self { rollout, unread })
    }
}

impl Resource for AsRead {
    type DynamicType = ();
    type Scope = <Rollout as Resource>::Scope;

    fn kind(of: &()) -> Cow<'_, str> {
        Rollout::kind(of)
    }
    fn group(of: &()) -> Cow<'_, str> {
        Rollout::group(of)
    }
    fn version(of: &()) -> Cow<'_, str> {
        Rollout::version(of)
    }
    fn plural(of: &()) -> Cow<'_, str> {
        Rollout::plural(of)
    }
    fn meta(&self) -> &ObjectMeta {
        self.rollout.meta()
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.rollout.meta_mut()
    }
}

/// An object of another kind without the fields that do not decode: one broken AnalysisRun must not hide all others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Partly<K>(pub(crate) K);

impl<'de, K: DeserializeOwned + Default> Deserialize<'de> for Partly<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|object| Self(lenient::partly(object)))
    }
}

impl<K: Resource<DynamicType = ()>> Resource for Partly<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind(of: &()) -> Cow<'_, str> {
        K::kind(of)
    }
    fn group(of: &()) -> Cow<'_, str> {
        K::group(of)
    }
    fn version(of: &()) -> Cow<'_, str> {
        K::version(of)
    }
    fn plural(of: &()) -> Cow<'_, str> {
        K::plural(of)
    }
    fn meta(&self) -> &ObjectMeta {
        self.0.meta()
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.meta_mut()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;
    use serin_core::api::AnalysisRun;

    #[test]
    fn what_does_not_decode_is_left_out() {
        let AsRead { rollout, unread } = serde_json::from_value(json!({
            "metadata": {"name": "web", "labels": {"tier": 7}},
            "spec": {"replicas": 3, "minReadySeconds": "soon"},
            "status": {"phase": "Degraded", "message": "StatusUnreadable: …", "replicas": "three",
                "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "soon"}]},
        }))
        .unwrap();
        let left_out: Vec<String> = unread.iter().map(|field| field.path.join(".")).collect();
        assert_eq!(left_out, ["pauseConditions", "replicas"]);
        assert_eq!(rollout.metadata.name.as_deref(), Some("web"));
        assert_eq!((rollout.spec.replicas, rollout.spec.min_ready_seconds), (Some(3), 0));
        assert_eq!(
            (rollout.status.phase.as_str(), rollout.status.replicas),
            ("Degraded", 0)
        );
    }

    #[test]
    fn one_broken_run_hides_nothing() {
        let Partly(run) = serde_json::from_value::<Partly<AnalysisRun>>(json!({
            "metadata": {"name": "web-1", "annotations": {"rollout.argoproj.io/revision": "2"}},
            "spec": {"metrics": "none"},
            "status": {"phase": "Running", "metricResults": [{"name": "m", "successful": 3, "failed": "x"}]},
        }))
        .unwrap();
        assert_eq!(run.metadata.name.as_deref(), Some("web-1"));
        let result = &run.status.metric_results[0];
        assert_eq!(
            (run.status.phase.as_str(), result.successful, result.failed),
            ("Running", 3, 0)
        );
    }
}
