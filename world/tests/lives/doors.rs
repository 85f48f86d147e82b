//! An action leads to the same place whichever way it is asked for: by Argo CD, or by the command of the same name
//! (decision 24). Each is asked for in the same worlds, in the same moments, and where those come to rest is compared.

use crate::situations::{Situation, situations};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use serin_core::hooks::request::{self, Patches, Promotion};
use serin_core::hooks::{self, Door, Options, Rules, Test};
use serin_core::plan::WakeReason;
use serin_world::{World, merge};
use std::collections::{BTreeMap, BTreeSet};

/// What the command line sends in a world.
type Command = fn(&World) -> Patches;

/// Actions on a rollout, each with what the command line sends for it, straight from its own functions.
const ACTIONS: [(&str, Command); 9] = [
    ("restart", |world| request::restart(world.now)),
    ("abort", |_| request::abort()),
    ("retry", |_| request::retry()),
    ("pause", |_| request::pause()),
    ("promote-full", |world| promote(world, Promotion::Full)),
    ("promote", |world| promote(world, Promotion::Next)),
    ("skip-current-step", |world| promote(world, Promotion::SkipCurrentStep)),
    ("skip-all-steps", |world| promote(world, Promotion::SkipAllSteps)),
    // It has no twin: what people write instead.
    ("resume", unpause),
];

/// Asked for once more, these do more.
const NOT_IDEMPOTENT: [&str; 2] = ["promote", "skip-current-step"];

/// When worlds are compared: seconds after the action. At the last they are at rest.
const MOMENTS: [i64; 6] = [0, 2, 10, 40, 100, 600];

/// Both pauses end where there is one.
fn unpause(world: &World) -> Patches {
    let paused = world.current().spec.paused;
    Patches {
        status: Some(json!({ "status": { "pauseConditions": null } })),
        spec: paused.then(|| json!({ "spec": { "paused": false } })),
        unified: None,
    }
}

/// A refusal sends nothing.
fn promote(world: &World, promotion: Promotion) -> Patches {
    request::promote(&world.current(), promotion).unwrap_or_default()
}

fn all_rules() -> Rules {
    let options = Options {
        extras: true,
        ..Options::default()
    };
    let mut kinds = hooks::all(&options).into_iter();
    kinds.find(|rules| rules.kind == "Rollout").expect("rules of rollouts")
}

/// What Argo CD's script for an action changes in the rollout as it is.
fn by_argo_cd(rules: &Rules, action: &str, world: &World) -> Patches {
    let action = rules.action(action).expect("an action");
    action.patches(&world.rollout, Door::ArgoCd, world.now)
}

/// The status subresource takes nothing but the status, the main object all else. The controller may reconcile in between.
fn send(world: &mut World, patches: &Patches, look_between: bool) {
    if let Some(patch) = &patches.status {
        world.edit_status(&patch["status"]);
    }
    if look_between {
        world.settle();
    }
    if let Some(patch) = &patches.spec {
        world.edit(patch);
    }
}

/// What users can see of a world, in all detail but versions.
fn place(world: &World) -> Value {
    let sets: Map<String, Value> = world
        .sets
        .iter()
        .map(|set| {
            let object = &set.object;
            let pods: Vec<u64> = set.pods.iter().map(|pod| pod.id).collect();
            let seen = json!({
                "replicas": object.replicas, "available": set.available(world.now),
                "annotations": object.annotations, "pods": pods,
            });
            (object.name.clone(), seen)
        })
        .collect();
    let services: BTreeMap<&String, &str> = world.services.keys().map(|name| (name, world.selected(name))).collect();
    let events: Vec<String> = world
        .events
        .iter()
        .map(|event| format!("{}: {}", event.news.reason(), event.news))
        .collect();
    let mut place = json!({
        "annotations": world.rollout["metadata"]["annotations"],
        "spec": world.rollout["spec"],
        "status": world.rollout["status"],
        "replicaSets": sets,
        "services": services,
        "events": events,
        "broken": world.broken,
    });
    strip(&mut place);
    place
}

/// False and null say the same as nothing (decision 4).
fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(strip);
            members.retain(|_, member| !matches!(member, Value::Null | Value::Bool(false)));
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Where two places differ, one line for each.
fn differences(path: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                differences(&format!("{path}.{key}"), &one[key], &other[key], found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                let of = |items: &[Value]| items.get(index).cloned().unwrap_or_default();
                differences(&format!("{path}[{index}]"), &of(a), &of(b), found);
            }
        }
        (one, other) if one != other => found.push(format!("  {path}: {one} ≠ {other}")),
        (_, _) => {}
    }
}

/// The places that a world passes after it was asked for something.
fn course(situation: &Situation, ask: &dyn Fn(&mut World)) -> Vec<Value> {
    let mut world = situation.world();
    ask(&mut world);
    let began = world.now;
    let places = MOMENTS
        .iter()
        .map(|moment| {
            let passed = world.now.duration_since(began).as_secs();
            world.wait(moment - passed);
            place(&world)
        })
        .collect();
    let rest = world.look();
    // A restart waits for ever for a moment in which a pod may be spared.
    let waits = rest.wake.filter(|wake| wake.why != WakeReason::Restart);
    assert!(
        rest.is_empty() && waits.is_none(),
        "{situation}: not at rest: {rest:?}\n{}",
        world.trace.join("\n")
    );
    places
}

/// Where two courses first part; `None` where they never do.
fn parting(one: &[Value], other: &[Value]) -> Option<String> {
    let mut pairs = MOMENTS.iter().zip(one.iter().zip(other));
    pairs.find_map(|(moment, (one, other))| {
        let mut found = Vec::new();
        differences("", one, other, &mut found);
        (!found.is_empty()).then(|| format!("  {moment} s after it:\n{}", found.join("\n")))
    })
}

/// Where worlds are in the end, whenever and on whatever way they came there.
fn end(places: &[Value]) -> Value {
    let mut place = places.last().expect("a place").clone();
    place["events"] = Value::Null;
    forget_times(&mut place["status"]);
    place
}

/// Conditions stand in the order in which they last changed: that is a matter of time, too.
fn forget_times(status: &mut Value) {
    status["duration"] = Value::Null;
    let mut conditions = status["conditions"].take();
    if let Some(conditions) = conditions.as_array_mut() {
        for condition in conditions.iter_mut() {
            condition["lastTransitionTime"] = Value::Null;
            condition["lastUpdateTime"] = Value::Null;
        }
        conditions.sort_by_key(|condition| condition["type"].to_string());
    }
    status["conditions"] = conditions;
}

/// All comparisons of one run.
#[derive(Default)]
struct Compared {
    courses: usize,
    wrong: Vec<String>,
    /// How often more came of an action than of none.
    effective: BTreeMap<&'static str, usize>,
    /// Where upstream's two doors lead to different places, and so do ours.
    apart: BTreeSet<String>,
}

impl Compared {
    /// One action in one situation, by both doors.
    fn compare(
        &mut self,
        rules: &Rules,
        situation: &Situation,
        idle: &[Value],
        (action, command): (&'static str, Command),
    ) {
        let world = situation.world();
        let asked = [by_argo_cd(rules, action, &world), command(&world)];
        // Only where there are two patches there is a moment in between.
        let two = asked.iter().any(|asked| asked.status.is_some() && asked.spec.is_some());
        for look_between in if two { &[false, true][..] } else { &[false] }.iter().copied() {
            let by_argo_cd = course(situation, &|world| {
                let patches = by_argo_cd(rules, action, world);
                send(world, &patches, look_between);
            });
            let by_command_line = course(situation, &|world| {
                let patches = command(world);
                send(world, &patches, look_between);
            });
            let effective = parting(idle, &by_command_line).is_some();
            *self.effective.entry(action).or_insert(0) += usize::from(effective);
            self.courses += 1;
            let told = format!("{action}: {situation}, a look between its patches: {look_between}");
            if end(&by_argo_cd) != end(&by_command_line) {
                self.apart.insert(format!("{action}: {situation}"));
            }
            let parted = match action {
                // Upstream's script leaves a person's pause, its command ends it.
                "promote-full" => {
                    let and_unpaused = course(situation, &|world| {
                        let patches = self::by_argo_cd(rules, action, world);
                        send(world, &patches, false);
                        if look_between {
                            world.settle();
                        }
                        if world.current().spec.paused {
                            world.edit(&json!({ "spec": { "paused": false } }));
                        }
                    });
                    parting(&and_unpaused, &by_command_line)
                }
                // Upstream's script ends the pause of the step, its command leaves that to the controller.
                "skip-current-step" => {
                    let and_resumed = course(situation, &|world| {
                        let patches = command(world);
                        let skips = patches.status.is_some();
                        send(world, &patches, false);
                        if skips {
                            world.edit_status(&json!({ "pauseConditions": null }));
                        }
                    });
                    parting(&by_argo_cd, &and_resumed)
                }
                _ => parting(&by_argo_cd, &by_command_line),
            };
            let parted = parted.map(|parting| format!("{told}: Argo CD ≠ command line\n{parting}"));
            self.wrong.extend(parted);
        }
    }
}

/// At the same instants the same, down to times, events and pods; for the two actions whose patches differ, but for the
/// one field by which they do.
#[test]
fn both_doors_lead_to_the_same_place() {
    let rules = all_rules();
    let situations = situations();
    let mut compared = Compared::default();
    for situation in &situations {
        let idle = course(situation, &|_| {});
        for action in ACTIONS {
            compared.compare(&rules, situation, &idle, action);
        }
    }
    let Compared {
        courses,
        wrong,
        effective,
        apart,
    } = compared;
    println!(
        "{} situations × {} actions, {courses} courses compared (two where the controller can look between two patches); \
         something came of {effective:?}",
        situations.len(),
        ACTIONS.len(),
    );
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
    for (action, times) in effective {
        assert!(times > 0, "{action} never does anything: nothing is compared");
    }
    let known: BTreeSet<String> = situations
        .iter()
        .flat_map(|situation| {
            let person = situation.world().current().spec.paused;
            let at = situation.to_string();
            let full = person.then(|| format!("promote-full: {at}"));
            full.into_iter()
                .chain(SKIPS_APART.contains(&&*at).then(|| format!("skip-current-step: {at}")))
        })
        .collect();
    assert_eq!(apart, known, "where the doors lead apart");
}

/// The next step is a pause, too: Argo CD's skip ends both, the command's stands in the second. And where a person
/// pauses, the controller does not get to see that the step's pause is over.
const SKIPS_APART: [&str; 2] = [
    "canary with steps, in a pause with an end",
    "canary with steps, paused, and by a person",
];

/// The rollout after the Argo CD door's patches of an action, at an instant.
fn changed(rules: &Rules, action: &str, rollout: &Value, now: Timestamp) -> Value {
    let action = rules.action(action).expect("an action");
    let patches = action.patches(rollout, Door::ArgoCd, now);
    let mut rollout = rollout.clone();
    for patch in [patches.status, patches.spec].iter().flatten() {
        merge(&mut rollout, patch);
    }
    rollout
}

/// Who clicks twice asks once: Argo CD's server writes what differs, and nothing does.
#[test]
fn asked_for_twice_is_asked_for_once() {
    let rules = all_rules();
    for situation in &situations() {
        let world = situation.world();
        for (action, _) in ACTIONS {
            let again = |rollout: &Value| changed(&rules, action, rollout, world.now);
            let mut once = again(&world.rollout);
            if NOT_IDEMPOTENT.contains(&action) {
                // One pause and one step each time, and there are five: in the end nothing is left to ask for.
                once = (0..6).fold(once, |rollout, _| again(&rollout));
            }
            assert_eq!(again(&once), once, "{action}: {situation}");
        }
        let later = world.now.checked_add(SignedDuration::from_secs(1)).expect("a time");
        let restarted = changed(&rules, "restart", &world.rollout, world.now);
        let again = changed(&rules, "restart", &restarted, later);
        assert_ne!(again, restarted, "another restart: {situation}");
    }
}

/// And so it is where the controller reconciled in between.
#[test]
fn asked_for_again_after_a_look_is_asked_for_once() {
    let rules = all_rules();
    // Another pause may have begun, and ends.
    let others = |action: &&str| !NOT_IDEMPOTENT.contains(action) && *action != "resume";
    for situation in &situations() {
        for action in ACTIONS.map(|(action, _)| action).iter().filter(|action| others(action)) {
            let times = |times: usize| {
                course(situation, &|world| {
                    world.settle();
                    for _ in 0..times {
                        let patches = by_argo_cd(&rules, action, world);
                        send(world, &patches, false);
                        world.settle();
                    }
                })
            };
            if let Some(parting) = parting(&times(2), &times(1)) {
                panic!("{action}: {situation}: twice ≠ once\n{parting}");
            }
        }
    }
}

/// No controller of runs and experiments is simulated: what is sent is compared. Of one that has ended the command sets
/// the field all the same; nothing looks at it any more (contract 06 §1).
#[test]
fn both_doors_terminate() {
    let phases = ["Pending", "Running", "Successful", "Failed", "Error", "Inconclusive"];
    let phases = phases.map(|phase| json!({ "phase": phase })).into_iter();
    for kind in ["AnalysisRun", "Experiment"] {
        for status in phases.clone().chain([json!({}), Value::Null]) {
            for terminated in [json!({}), json!({ "terminate": false }), json!({ "terminate": true })] {
                let object = json!({
                    "apiVersion": "argoproj.io/v1alpha1", "kind": kind, "spec": terminated, "status": status,
                });
                let rules = hooks::of(&object, &Options::default()).expect("rules");
                let action = rules.action("terminate").expect("an action");
                let by_argo_cd = action.patches(&object, Door::ArgoCd, Timestamp::UNIX_EPOCH);
                let by_command_line = request::terminate(kind);
                let wanted = json!({ "spec": { "terminate": true } });
                assert_eq!(by_command_line.spec.as_ref(), Some(&wanted), "{object}");
                assert_eq!(
                    (&by_command_line.status, &by_argo_cd.status),
                    (&None, &None),
                    "{object}"
                );
                let phase = object["status"]["phase"].as_str();
                let over = phase.is_some_and(|phase| phase != "Pending" && phase != "Running");
                let done = over || object["spec"]["terminate"] == true;
                let expected = (!done).then_some(&wanted);
                assert_eq!(by_argo_cd.spec.as_ref(), expected, "{object}");
            }
        }
    }
}

/// Whether an action by other rules parts from its command anywhere.
fn is_found(rules: &Rules, action: (&'static str, Command)) -> bool {
    situations().iter().any(|situation| {
        let mut compared = Compared::default();
        compared.compare(rules, situation, &[], action);
        !compared.wrong.is_empty()
    })
}

/// Whatever is taken from an Argo CD action is missed: its guard that holds, and each of its changes.
#[test]
fn a_rule_that_is_wrong_is_found() {
    // What analysis alone brings about, and controllers that wrote no generation.
    let not_simulated = [
        "promote-full status.abort",
        "promote-full status.currentStepIndex",
        "promote status.controllerPause",
        "promote status.currentStepIndex",
    ];
    let rules = all_rules();
    let mut missed = Vec::new();
    for action in ACTIONS {
        let index = rules
            .actions
            .iter()
            .position(|of| of.name == action.0)
            .expect("an action");
        let mut never = rules.clone();
        never.actions[index].guard = !Test::Always;
        if !is_found(&never, action) {
            missed.push(format!("{} that does nothing", action.0));
        }
        for (number, change) in rules.actions[index].changes.iter().enumerate() {
            let mut without = rules.clone();
            without.actions[index].changes.remove(number);
            if change.door != Some(Door::CommandLine) && !is_found(&without, action) {
                missed.push(format!("{} {}", action.0, change.field.join(".")));
            }
        }
    }
    assert_eq!(missed, not_simulated);
}
