//! One look at a pod: what to do now, and when to look again. Pure: the clock is an argument.

use super::container::{Exit, Life, Seen, signed, sleep};
use super::options::KubeletOptions;
use super::status;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the kubelet remembers of a pod besides the object itself.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// When the pod was started.
    pub(super) began: Timestamp,
    /// When it was first seen terminating.
    pub(super) terminating_since: Option<Timestamp>,
    /// The binding was accepted; the object says so a moment later.
    pub(super) bound: bool,
    /// The final delete was accepted. A pod that a finalizer holds comes back from it: once is enough.
    pub(super) deleted: bool,
    /// Containers whose process was started.
    pub(super) processes: BTreeSet<String>,
    /// How the processes that have ended did.
    pub(super) exits: BTreeMap<String, Exit>,
}

impl Memory {
    /// Of a pod seen for the first time. One that another run of the kubelet started goes on from there.
    pub(super) fn new(pod: &Pod, now: Timestamp) -> Self {
        let began = pod
            .status
            .as_ref()
            .and_then(|it| it.start_time.as_ref())
            .map_or(now, |it| it.0);
        Self {
            began,
            terminating_since: None,
            bound: false,
            deleted: false,
            processes: BTreeSet::new(),
            exits: BTreeMap::new(),
        }
    }
}

/// The one thing to do next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Bind the pod to the node.
    Bind,
    /// Merge this into the status.
    Status(Value),
    /// Start the process of this container.
    Start(String),
    /// Kill the pod's processes.
    Kill,
    /// Delete the pod for good.
    Delete,
}

/// The outcome of a look.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Look {
    pub(super) step: Option<Step>,
    /// When the next look is due without anything happening before.
    pub(super) again: Option<Timestamp>,
}

impl Look {
    fn now(step: Step) -> Self {
        Self {
            step: Some(step),
            again: None,
        }
    }
}

/// Looks at a pod.
pub(super) fn look(pod: &Pod, memory: &Memory, options: &KubeletOptions, now: Timestamp) -> Look {
    let Some(spec) = &pod.spec else { return Look::default() };
    let phase = pod.status.as_ref().and_then(|it| it.phase.as_deref());
    let is_over = matches!(phase, Some("Succeeded" | "Failed"));
    if let Some(since) = memory.terminating_since {
        return terminate(pod, spec, memory, options, since, now, is_over);
    }
    if is_over {
        return Look::default();
    }
    if spec.node_name.is_none() {
        let gated = spec.scheduling_gates.as_ref().is_some_and(|it| !it.is_empty());
        return if memory.bound || gated {
            Look::default()
        } else {
            Look::now(Step::Bind)
        };
    }
    let containers = see(spec, memory, options, now);
    let start = containers
        .iter()
        .find(|it| it.starts_process && !memory.processes.contains(&it.container.name));
    if let Some(seen) = start {
        return Look::now(Step::Start(seen.container.name.clone()));
    }
    let again = containers.iter().filter_map(|it| it.again).min();
    let step = status::patch(pod, &containers, runs_to_end(spec), memory.began, now).map(Step::Status);
    Look { step, again }
}

/// A pod that is to go: its hooks' time, then its processes, then a terminal phase where somebody waits for one, then the pod.
fn terminate(
    pod: &Pod,
    spec: &PodSpec,
    memory: &Memory,
    options: &KubeletOptions,
    since: Timestamp,
    now: Timestamp,
    is_over: bool,
) -> Look {
    if memory.deleted {
        return Look::default();
    }
    let hooks = spec
        .containers
        .iter()
        .filter_map(|it| it.lifecycle.as_ref()?.pre_stop.as_ref())
        .map(sleep);
    let grace = SignedDuration::from_secs(pod.metadata.deletion_grace_period_seconds.unwrap_or(30));
    let ends = since
        .checked_add(hooks.max().unwrap_or(SignedDuration::ZERO).min(grace))
        .unwrap_or(Timestamp::MAX);
    // What never ran has no hook to wait for.
    let ran = memory
        .began
        .checked_add(signed(options.ready_after))
        .is_ok_and(|it| it <= since);
    if now < ends && ran && !is_over {
        return Look {
            step: None,
            again: Some(ends),
        };
    }
    if memory.processes.iter().any(|it| !memory.exits.contains_key(it)) {
        return Look::now(Step::Kill);
    }
    if runs_to_end(spec) && !is_over {
        let containers = see(spec, memory, options, now);
        return Look::now(Step::Status(status::stopped(pod, &containers, now)));
    }
    Look::now(Step::Delete)
}

fn see<'a>(spec: &'a PodSpec, memory: &Memory, options: &KubeletOptions, now: Timestamp) -> Vec<Seen<'a>> {
    let runs_to_end = runs_to_end(spec);
    let life = |name: &str| Life {
        options,
        began: memory.began,
        now,
        runs_to_end,
        exit: memory.exits.get(name).copied(),
    };
    spec.containers.iter().map(|it| Seen::at(it, life(&it.name))).collect()
}

/// Whether the pod's containers are run to their end instead of for ever.
pub(super) fn runs_to_end(spec: &PodSpec) -> bool {
    matches!(spec.restart_policy.as_deref(), Some("Never" | "OnFailure"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn pod(spec: Value) -> Pod {
        let mut spec = spec;
        spec["containers"] = json!([{"name": "c", "image": "nginx"}]);
        spec["nodeName"] = "n".into();
        serde_json::from_value(json!({"metadata": {"name": "p", "uid": "u", "resourceVersion": "1"}, "spec": spec}))
            .unwrap()
    }

    /// Merges a status step into the pod, as the API server would.
    fn write(pod: &mut Pod, step: Option<Step>) -> Value {
        let Some(Step::Status(patch)) = step else {
            panic!("{step:?}")
        };
        let mut whole = serde_json::to_value(&*pod).unwrap();
        json_patch::merge(&mut whole, &patch);
        *pod = serde_json::from_value(whole).unwrap();
        patch["status"].clone()
    }

    fn write_look(pod: &mut Pod, memory: &Memory, options: &KubeletOptions, now: Timestamp) -> Value {
        let step = look(pod, memory, options, now).step;
        write(pod, step)
    }

    fn condition(pod: &Pod, kind: &str) -> String {
        let status = pod.status.as_ref().unwrap();
        let found = status.conditions.iter().flatten().find(|it| it.type_ == kind);
        found.map(|it| it.status.clone()).unwrap_or_default()
    }

    #[test]
    fn a_pod_starts_gets_ready_and_rests() {
        let options = KubeletOptions::cluster();
        let mut pod = pod(json!({}));
        let memory = Memory::new(&pod, at(0));
        let first = look(&pod, &memory, &options, at(0));
        assert_eq!(first.again, Some(at(2)));
        write(&mut pod, first.step);
        assert_eq!(condition(&pod, "Ready"), "False");
        assert_eq!(
            look(&pod, &memory, &options, at(1)),
            Look {
                step: None,
                again: Some(at(2))
            }
        );
        let status = write_look(&mut pod, &memory, &options, at(2));
        assert_eq!(status["phase"], "Running");
        assert_eq!(condition(&pod, "Ready"), "True");
        assert_eq!(look(&pod, &memory, &options, at(500)), Look::default());
    }

    #[test]
    fn without_delay_one_patch_is_enough() {
        let options = KubeletOptions::load();
        let mut pod = pod(json!({}));
        let memory = Memory::new(&pod, at(0));
        write_look(&mut pod, &memory, &options, at(0));
        assert_eq!(condition(&pod, "Ready"), "True");
        assert_eq!(look(&pod, &memory, &options, at(0)), Look::default());
    }

    #[test]
    fn a_gate_opens_only_when_somebody_else_says_so() {
        let options = KubeletOptions::load();
        let mut pod = pod(json!({"readinessGates": [{"conditionType": "example.com/gate"}]}));
        let memory = Memory::new(&pod, at(0));
        write_look(&mut pod, &memory, &options, at(0));
        assert_eq!(
            (
                condition(&pod, "Ready").as_str(),
                condition(&pod, "ContainersReady").as_str()
            ),
            ("False", "True")
        );
        assert_eq!(look(&pod, &memory, &options, at(1)).step, None);
        let mut whole = serde_json::to_value(&pod).unwrap();
        let gate = json!({"type": "example.com/gate", "status": "True", "lastTransitionTime": "1970-01-01T00:00:00Z"});
        whole["status"]["conditions"].as_array_mut().unwrap().push(gate);
        pod = serde_json::from_value(whole).unwrap();
        write_look(&mut pod, &memory, &options, at(2));
        assert_eq!(
            (
                condition(&pod, "Ready").as_str(),
                condition(&pod, "example.com/gate").as_str()
            ),
            ("True", "True")
        );
        assert_eq!(look(&pod, &memory, &options, at(3)).step, None);
    }

    #[test]
    fn a_job_pod_gets_a_terminal_phase_before_it_goes() {
        let options = KubeletOptions::cluster();
        let mut pod = pod(json!({"restartPolicy": "Never"}));
        let mut memory = Memory::new(&pod, at(0));
        memory.processes.insert("c".to_owned());
        memory.terminating_since = Some(at(5));
        assert_eq!(look(&pod, &memory, &options, at(5)).step, Some(Step::Kill));
        memory.exits.insert("c".to_owned(), Exit { code: 137, at: at(5) });
        let status = write_look(&mut pod, &memory, &options, at(5));
        assert_eq!(
            (
                &status["phase"],
                &status["containerStatuses"][0]["state"]["terminated"]["exitCode"]
            ),
            (&json!("Failed"), &json!(137))
        );
        assert_eq!(look(&pod, &memory, &options, at(5)).step, Some(Step::Delete));
        memory.deleted = true;
        assert_eq!(look(&pod, &memory, &options, at(9)), Look::default());
    }

    #[test]
    fn an_exit_code_decides_the_phase() {
        let options = KubeletOptions::cluster();
        for (code, phase) in [(0, "Succeeded"), (3, "Failed")] {
            let mut pod = pod(json!({"restartPolicy": "Never"}));
            let mut memory = Memory::new(&pod, at(0));
            assert_eq!(
                look(&pod, &memory, &options, at(2)).step,
                Some(Step::Start("c".to_owned()))
            );
            memory.processes.insert("c".to_owned());
            memory.exits.insert("c".to_owned(), Exit { code, at: at(4) });
            assert_eq!(write_look(&mut pod, &memory, &options, at(4))["phase"], phase);
            assert_eq!(look(&pod, &memory, &options, at(5)), Look::default());
        }
    }

    #[test]
    fn a_hook_holds_a_terminating_pod_within_its_grace() {
        let options = KubeletOptions::cluster();
        for (grace, ends) in [(30, 15), (2, 12)] {
            let mut pod = pod(json!({}));
            let mut memory = Memory::new(&pod, at(0));
            memory.terminating_since = Some(at(10));
            pod.metadata.deletion_grace_period_seconds = Some(grace);
            let hook = json!({"preStop": {"exec": {"command": ["sleep", "5"]}}});
            pod.spec.as_mut().unwrap().containers[0].lifecycle = serde_json::from_value(hook).unwrap();
            assert_eq!(
                look(&pod, &memory, &options, at(11)),
                Look {
                    step: None,
                    again: Some(at(ends))
                }
            );
            assert_eq!(look(&pod, &memory, &options, at(ends)).step, Some(Step::Delete));
        }
    }

    #[test]
    fn an_unbound_pod_is_bound_once() {
        let options = KubeletOptions::cluster();
        let mut pod = pod(json!({}));
        pod.spec.as_mut().unwrap().node_name = None;
        let mut memory = Memory::new(&pod, at(0));
        assert_eq!(look(&pod, &memory, &options, at(0)).step, Some(Step::Bind));
        memory.bound = true;
        assert_eq!(look(&pod, &memory, &options, at(0)), Look::default());
    }
}
