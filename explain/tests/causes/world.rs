//! A small world: a rollout with two revisions, and what a test puts into it. Times are minutes before the reading.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use serin_explain::{Explanation, Reading, Sources, explain};

/// When every world is read.
pub(crate) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// So many seconds before the reading, as the API writes times.
pub(crate) fn ago(seconds: i64) -> String {
    now()
        .checked_sub(SignedDuration::from_secs(seconds))
        .unwrap()
        .to_string()
}

/// What is read.
#[derive(Clone)]
pub(crate) struct World {
    objects: Vec<Value>,
    listed: Vec<&'static str>,
    unread: Vec<(&'static str, &'static str)>,
    subject: (&'static str, &'static str),
}

/// Puts `change` over `value`, as a merge patch.
pub(crate) fn merge(value: &mut Value, change: &Value) {
    match change {
        Value::Object(members) if value.is_object() => {
            for (name, change) in members {
                if change.is_null() {
                    value.as_object_mut().unwrap().remove(name);
                } else {
                    merge(&mut value[name], change);
                }
            }
        }
        other => *value = other.clone(),
    }
}

impl World {
    /// A canary: revision 1 is stable with 4 pods, revision 2 is on its way with one.
    pub(crate) fn canary() -> Self {
        Self::of(json!({"canary": {"steps": [{"setWeight": 25}, {"pause": {}}]}}))
    }

    /// A blue-green with an active and a preview Service.
    pub(crate) fn blue_green() -> Self {
        let mut world = Self::of(json!({"blueGreen": {"activeService": "web", "previewService": "web-preview"}}));
        world.change(
            "ReplicaSet",
            "web-bbb",
            json!({"spec": {"replicas": 4}, "status": {"replicas": 4}}),
        );
        world.add(service(
            "web",
            json!({"app": "web", "rollouts-pod-template-hash": "aaa"}),
        ));
        world.add(service(
            "web-preview",
            json!({"app": "web", "rollouts-pod-template-hash": "bbb"}),
        ));
        world
    }

    fn of(strategy: Value) -> Self {
        let rollout = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
            "metadata": {"name": "web", "namespace": "shop", "uid": "r", "generation": 3, "creationTimestamp": ago(90_000),
                "annotations": {"rollout.argoproj.io/revision": "2"}},
            "spec": {"replicas": 4, "selector": {"matchLabels": {"app": "web"}}, "strategy": strategy,
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "shop:2"}]}}},
            "status": {"observedGeneration": "3", "stableRS": "aaa", "currentPodHash": "bbb", "currentStepIndex": 0,
                "replicas": 5, "updatedReplicas": 1, "readyReplicas": 4, "availableReplicas": 4, "phase": "Progressing",
                "message": "more replicas need to be updated",
                "conditions": [{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": "progressing",
                    "lastUpdateTime": ago(30), "lastTransitionTime": ago(30)}]},
        });
        let mut world = Self {
            objects: vec![rollout],
            listed: vec!["ReplicaSet", "Service", "Pod"],
            unread: Vec::new(),
            subject: ("Rollout", "web"),
        };
        world.set("aaa", 1, 4, 4, 80_000);
        world.set("bbb", 2, 1, 0, 700);
        world
    }

    /// A ReplicaSet of the rollout.
    pub(crate) fn set(&mut self, hash: &str, revision: i64, wanted: i64, ready: i64, age: i64) {
        self.add(json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": format!("web-{hash}"), "namespace": "shop", "uid": format!("set-{hash}"), "creationTimestamp": ago(age),
                "labels": {"app": "web", "rollouts-pod-template-hash": hash},
                "annotations": {"rollout.argoproj.io/revision": revision.to_string(), "rollout.argoproj.io/desired-replicas": "4"},
                "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "r", "controller": true, "apiVersion": "argoproj.io/v1alpha1"}]},
            "spec": {"replicas": wanted, "selector": {"matchLabels": {"app": "web", "rollouts-pod-template-hash": hash}},
                "template": {"metadata": {"labels": {"app": "web", "rollouts-pod-template-hash": hash}},
                    "spec": {"containers": [{"name": "web", "image": format!("shop:{revision}")}]}}},
            "status": {"replicas": wanted, "readyReplicas": ready, "availableReplicas": ready},
        }));
    }

    /// Adds an object.
    pub(crate) fn add(&mut self, object: Value) -> &mut Self {
        self.objects.push(object);
        self
    }

    /// Marks a kind as listed completely.
    pub(crate) fn listed(&mut self, kind: &'static str) -> &mut Self {
        self.listed.push(kind);
        self
    }

    /// Marks something as unread.
    pub(crate) fn unread(&mut self, what: &'static str, permission: &'static str) -> &mut Self {
        self.listed.retain(|kind| *kind != what);
        self.unread.push((what, permission));
        self
    }

    /// Explains another object than the rollout.
    pub(crate) fn about(&mut self, kind: &'static str, name: &'static str) -> &mut Self {
        self.subject = (kind, name);
        self
    }

    /// A pod of a revision; `status` is its status, `spec` is merged over its container.
    pub(crate) fn pod(&mut self, hash: &str, name: &str, status: Value, container: Value) -> &mut Self {
        let mut spec = json!({"name": "web", "image": "shop:2"});
        merge(&mut spec, &container);
        self.add(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "uid": format!("pod-{name}"), "creationTimestamp": ago(600),
                "labels": {"app": "web", "rollouts-pod-template-hash": hash},
                "ownerReferences": [{"kind": "ReplicaSet", "name": format!("web-{hash}"), "uid": format!("set-{hash}"), "controller": true}]},
            "spec": {"nodeName": "n1", "containers": [spec]}, "status": status,
        }))
    }

    /// A ready pod.
    pub(crate) fn ready_pod(&mut self, hash: &str, name: &str) -> &mut Self {
        self.pod(
            hash,
            name,
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [
            {"name": "web", "ready": true, "restartCount": 0, "state": {"running": {"startedAt": ago(500)}}}]}),
            json!({}),
        )
    }

    /// A pod of the new revision whose container waits.
    pub(crate) fn waiting(&mut self, reason: &str, message: &str) -> &mut Self {
        self.pod(
            "bbb",
            "web-bbb-1",
            json!({"phase": "Pending", "containerStatuses": [{"name": "web", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": reason, "message": message}}}]}),
            json!({}),
        )
    }

    /// An event.
    pub(crate) fn event(&mut self, kind: &str, name: &str, reason: &str, message: &str, age: i64) -> &mut Self {
        let at = self.objects.len();
        self.add(
            json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("e{at}"), "namespace": "shop"},
            "involvedObject": {"kind": kind, "name": name, "namespace": "shop"}, "type": "Warning", "reason": reason,
            "message": message, "lastTimestamp": ago(age)}),
        )
    }

    /// Merges a change into an object.
    pub(crate) fn change(&mut self, kind: &str, name: &str, change: Value) -> &mut Self {
        let found = self
            .objects
            .iter_mut()
            .find(|it| it["kind"] == kind && it["metadata"]["name"] == name);
        merge(found.unwrap_or_else(|| panic!("{kind} {name}")), &change);
        self
    }

    /// Merges a change into the rollout.
    pub(crate) fn rollout(&mut self, change: Value) -> &mut Self {
        self.change("Rollout", "web", change)
    }

    /// The progress deadline has passed.
    pub(crate) fn overdue(&mut self) -> &mut Self {
        let told = "ReplicaSet \"web-bbb\" has timed out progressing.";
        self.rollout(json!({"status": {"phase": "Degraded", "message": format!("ProgressDeadlineExceeded: {told}"), "conditions": [
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": told,
                "lastUpdateTime": ago(60), "lastTransitionTime": ago(60)}]}}))
    }

    /// The update was aborted; an empty reason is a person's.
    pub(crate) fn aborted(&mut self, reason: &str) -> &mut Self {
        let reason = if reason.is_empty() {
            String::new()
        } else {
            format!(": {reason}")
        };
        let told = format!("Rollout aborted update to revision 2{reason}");
        self.rollout(json!({"status": {"phase": "Degraded", "message": format!("RolloutAborted: {told}"), "abort": true,
            "abortedAt": ago(120), "currentStepIndex": 0, "conditions": [{"type": "Progressing", "status": "False",
                "reason": "RolloutAborted", "message": told, "lastUpdateTime": ago(120), "lastTransitionTime": ago(120)}]}}))
    }

    /// Everything is as wanted.
    pub(crate) fn healthy(&mut self) -> &mut Self {
        self.rollout(json!({"status": {"phase": "Healthy", "message": "", "stableRS": "bbb", "currentPodHash": "bbb", "currentStepIndex": 2,
            "replicas": 4, "updatedReplicas": 4, "readyReplicas": 4, "availableReplicas": 4,
            "conditions": [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "done",
                "lastUpdateTime": ago(300), "lastTransitionTime": ago(300)},
                {"type": "Healthy", "status": "True", "reason": "RolloutHealthy", "message": "Rollout is healthy",
                "lastUpdateTime": ago(300), "lastTransitionTime": ago(300)}]}}));
        self.change(
            "ReplicaSet",
            "web-bbb",
            json!({"spec": {"replicas": 4}, "status": {"replicas": 4, "readyReplicas": 4, "availableReplicas": 4}}),
        );
        self.change(
            "ReplicaSet",
            "web-aaa",
            json!({"spec": {"replicas": 0}, "status": {"replicas": 0, "readyReplicas": 0, "availableReplicas": 0}}),
        )
    }

    /// The new revision has its pod, and the steps wait at a pause without end.
    pub(crate) fn paused(&mut self) -> &mut Self {
        self.change(
            "ReplicaSet",
            "web-bbb",
            json!({"status": {"readyReplicas": 1, "availableReplicas": 1}}),
        );
        self.change(
            "ReplicaSet",
            "web-aaa",
            json!({"spec": {"replicas": 3}, "status": {"replicas": 3, "readyReplicas": 3, "availableReplicas": 3}}),
        );
        self.rollout(json!({"status": {"phase": "Paused", "message": "CanaryPauseStep", "currentStepIndex": 1, "controllerPause": true,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": ago(300)}]}}))
    }

    /// What was read.
    pub(crate) fn sources(&self) -> Sources {
        let mut reading = Reading::new(now());
        reading.explain(self.subject.0, "shop", self.subject.1);
        self.objects.iter().for_each(|object| reading.add("", object.clone()));
        self.listed.iter().for_each(|kind| reading.listed(kind));
        self.unread
            .iter()
            .for_each(|(what, permission)| reading.unread(what, permission));
        reading.finish()
    }

    /// The explanation.
    pub(crate) fn explained(&self) -> Explanation {
        explain(&self.sources())
    }

    /// Asserts the causes, and that each has a sentence and evidence.
    pub(crate) fn is(&self, expected: &[&str]) -> Explanation {
        let explained = self.explained();
        let ids: Vec<&str> = explained.causes.iter().map(|cause| cause.id.as_str()).collect();
        assert_eq!(ids, expected, "{:#?}", explained.causes);
        for cause in &explained.causes {
            assert!(
                cause.summary.ends_with('.') && !cause.summary.ends_with(".."),
                "{}",
                cause.summary
            );
            assert!(!cause.evidence.is_empty(), "{} has no evidence", cause.id);
        }
        explained
    }
}

/// A Service.
pub(crate) fn service(name: &str, selector: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop", "uid": format!("svc-{name}")},
        "spec": {"selector": selector}})
}
