//! Pods and their containers, as causes ask about them.

use crate::sources::{Object, list, number, text, time};
use jiff::Timestamp;
use serde_json::Value;

/// A pod of the case.
#[derive(Clone, Copy, Debug)]
pub struct Pod<'a> {
    /// As it was read.
    pub object: &'a Object,
    /// The index of its ReplicaSet among [`Case::sets`](super::Case::sets); `None` for a pod of a Job.
    pub set: Option<usize>,
}

/// A container of a pod.
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    /// Its name.
    pub name: &'a str,
    /// It runs before the others.
    pub init: bool,
    /// Its status.
    status: &'a Value,
    /// Its spec.
    pub spec: &'a Value,
}

impl<'a> Pod<'a> {
    /// Here to stay, and not ended.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.object.deleted().is_none() && !matches!(self.object.text("/status/phase"), "Succeeded" | "Failed")
    }

    /// Whether its condition Ready is True.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        text(&self.object.condition("Ready")["status"]) == "True"
    }

    /// Its containers with their statuses, init containers first.
    #[must_use]
    pub fn containers(&self) -> Vec<Container<'a>> {
        let of = |spec: &str, status: &str, init| {
            let specs = self.object.list(spec);
            let statuses = self.object.list(status).iter();
            statuses
                .map(|status| Container {
                    name: text(&status["name"]),
                    init,
                    status,
                    spec: specs
                        .iter()
                        .find(|spec| spec["name"] == status["name"])
                        .unwrap_or(&Value::Null),
                })
                .collect::<Vec<_>>()
        };
        let mut all = of("/spec/initContainers", "/status/initContainerStatuses", true);
        all.extend(of("/spec/containers", "/status/containerStatuses", false));
        all
    }
}

impl<'a> Container<'a> {
    /// Whether it is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status["ready"].as_bool().unwrap_or(false)
    }

    /// How often it was restarted.
    #[must_use]
    pub fn restarts(&self) -> i64 {
        number(&self.status["restartCount"]).unwrap_or(0)
    }

    /// Its image.
    #[must_use]
    pub fn image(&self) -> &'a str {
        let spec = text(&self.spec["image"]);
        if spec.is_empty() {
            text(&self.status["image"])
        } else {
            spec
        }
    }

    /// Why it waits, and the message; empty where it does not wait.
    #[must_use]
    pub fn waiting(&self) -> (&'a str, &'a str) {
        let waiting = &self.status["state"]["waiting"];
        (text(&waiting["reason"]), text(&waiting["message"]))
    }

    /// Since when it runs.
    #[must_use]
    pub fn running_since(&self) -> Option<Timestamp> {
        time(&self.status["state"]["running"]["startedAt"])
    }

    /// How its process ended last: now, or before it was started again.
    #[must_use]
    pub fn ended(&self) -> Option<Ended<'a>> {
        let now = &self.status["state"]["terminated"];
        let ended = if now.is_object() {
            now
        } else {
            &self.status["lastState"]["terminated"]
        };
        ended.is_object().then(|| Ended {
            reason: text(&ended["reason"]),
            code: number(&ended["exitCode"]).unwrap_or(0),
            signal: number(&ended["signal"]),
            at: time(&ended["finishedAt"]),
            still: now.is_object(),
        })
    }

    /// The path of a field of its status.
    #[must_use]
    pub fn field(&self, below: &str) -> String {
        let list = if self.init {
            "initContainerStatuses"
        } else {
            "containerStatuses"
        };
        format!("status.{list}[{}].{below}", self.name)
    }

    /// Seconds until its probes must have passed: delays and tries of the startup and the readiness probe.
    #[must_use]
    pub fn grace_seconds(&self) -> i64 {
        let of = |probe: &Value| {
            if !probe.is_object() {
                return 0;
            }
            let field = |name: &str, default: i64| number(&probe[name]).unwrap_or(default);
            field("initialDelaySeconds", 0) + field("periodSeconds", 10) * field("failureThreshold", 3)
        };
        of(&self.spec["startupProbe"]) + of(&self.spec["readinessProbe"])
    }

    /// Names of the ports and limits, for texts.
    #[must_use]
    pub fn memory_limit(&self) -> &'a str {
        text(&self.spec["resources"]["limits"]["memory"])
    }

    /// Whether it has a readiness probe.
    #[must_use]
    pub fn has_probe(&self) -> bool {
        self.spec["readinessProbe"].is_object() || self.spec["startupProbe"].is_object()
    }
}

/// How a process of a container ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// One word.
    pub reason: &'a str,
    /// Its exit code.
    pub code: i64,
    /// The signal that ended it.
    pub signal: Option<i64>,
    /// When.
    pub at: Option<Timestamp>,
    /// It has not been started again yet.
    pub still: bool,
}

/// Readiness gates of a pod whose conditions are not True.
#[must_use]
pub fn closed_gates(pod: &Object) -> Vec<&str> {
    list(pod.at("/spec/readinessGates"))
        .iter()
        .map(|gate| text(&gate["conditionType"]))
        .filter(|gate| !gate.is_empty() && text(&pod.condition(gate)["status"]) != "True")
        .collect()
}
