//! Objects made at random: right ones, and wrong ones in every way that JSON can say.

use serde_json::{Map, Value, json};

/// Objects of each kind in a normal run. `SERIN_OBJECTS` makes another number of them: 100,000 in `.ci/run`.
const OBJECTS: u64 = 3_000;

/// Objects of each kind in this run.
pub(crate) fn count() -> u64 {
    std::env::var("SERIN_OBJECTS").map_or(OBJECTS, |number| number.parse().expect("SERIN_OBJECTS is a number"))
}

/// Random numbers that a seed gives again.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % limit
    }

    fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// Values that do not belong where they stand.
fn wrong() -> Vec<Value> {
    let texts = [
        "",
        "x",
        "true",
        "Paused",
        "1",
        "007",
        "-0",
        "1e3",
        "0x10",
        " 5",
        "5 ",
        "nan",
        "inf",
        "2.5",
        "99999999999999",
        "100000000000000",
        "\u{e9}\n\"\\",
    ];
    let numbers = [
        json!(0),
        json!(1),
        json!(-1),
        json!(2.5),
        json!(-0.0),
        json!(1e300),
        json!(9_007_199_254_740_993_i64),
    ];
    let others = [
        json!(null),
        json!(true),
        json!(false),
        json!([]),
        json!({}),
        json!([null]),
        json!([1, null, 2]),
        json!(["a"]),
        json!({"a": 1}),
        json!([[]]),
        json!([{}]),
        json!({"1": "a"}),
        json!([{"reason": 3}, {"type": "Progressing"}]),
    ];
    texts
        .iter()
        .map(|text| json!(text))
        .chain(numbers)
        .chain(others)
        .collect()
}

type Fields = Vec<(&'static [&'static str], Vec<Value>)>;

/// What may stand where in an object of a kind.
fn fields(kind: &str) -> Fields {
    match kind {
        "Rollout" => rollout(),
        "AnalysisTemplate" | "ClusterAnalysisTemplate" => vec![
            (&["spec", "metrics"], vec![json!([]), json!([{"name": "error-rate"}])]),
            (&["spec", "templates"], vec![json!([]), json!([{"templateName": "a"}])]),
        ],
        _ => run(),
    }
}

fn run() -> Fields {
    let phases = [
        "Pending",
        "Running",
        "Successful",
        "Failed",
        "Error",
        "Inconclusive",
        "Dreaming",
    ];
    vec![
        (&["status", "phase"], phases.iter().map(|phase| json!(phase)).collect()),
        (&["status", "message"], vec![json!("why"), json!("")]),
        (&["spec", "terminate"], vec![json!(true), json!(false)]),
        (
            &["status", "analysisRuns"],
            vec![
                json!([{"analysisRun": "a", "phase": "Inconclusive"}]),
                json!([{"phase": "Inconclusive"}, {"analysisRun": "b", "phase": "Inconclusive"}]),
            ],
        ),
    ]
}

fn hashes() -> Vec<Value> {
    vec![json!("6f7c9d5b8"), json!("5d4c8b7f9"), json!("")]
}

fn booleans() -> Vec<Value> {
    vec![json!(true), json!(false)]
}

fn counts() -> Vec<Value> {
    vec![json!(0), json!(1), json!(3), json!(4)]
}

fn generations() -> Vec<Value> {
    vec![
        json!("3"),
        json!("2"),
        json!("4"),
        json!("66b5d4f7c8"),
        json!(3),
        json!(2),
    ]
}

fn conditions() -> Vec<Value> {
    let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "reason": reason, "message": message, "status": "True"});
    vec![
        json!([]),
        json!([
            condition("Progressing", "RolloutAborted", "aborted"),
            condition("InvalidSpec", "InvalidSpec", "invalid")
        ]),
        json!([
            condition("Available", "AvailableReason", "ok"),
            condition("Progressing", "ProgressDeadlineExceeded", "late")
        ]),
        json!([condition("Progressing", "ReplicaSetUpdated", "fine")]),
        json!([
            condition("Progressing", "ReplicaSetUpdated", "fine"),
            condition("TrafficNotRouted", "TrafficRoutingError", "no route")
        ]),
        json!([
            condition("TrafficNotVerified", "WeightVerifyError", "not in force"),
            condition("Refused", "Forbidden", "refused")
        ]),
        json!([{"type": "InvalidSpec"}, {"type": "TrafficNotRouted"}]),
    ]
}

fn steps() -> Vec<Value> {
    vec![
        json!([]),
        json!([{"setWeight": 20}, {"pause": {"duration": "10m"}}, {"pause": {"duration": 30}}, {"pause": {}}]),
        json!([{"pause": {"duration": 2.5}}, null, {"pause": {"duration": "1h"}}]),
    ]
}

fn rollout() -> Fields {
    let mut fields = rollout_outside_status();
    fields.extend(rollout_status());
    fields
}

fn rollout_outside_status() -> Fields {
    vec![
        (&["metadata", "generation"], vec![json!(3), json!(3), json!(2)]),
        (&["metadata", "annotations"], vec![json!({}), json!({"a": "b"})]),
        (
            &["metadata", "annotations", "rollout.argoproj.io/workload-generation"],
            generations(),
        ),
        (&["spec", "replicas"], counts()),
        (&["spec", "paused"], booleans()),
        (
            &["spec", "workloadRef"],
            vec![json!({"kind": "Deployment", "name": "shop"})],
        ),
        (
            &["spec", "strategy"],
            vec![json!({"canary": {}}), json!({"blueGreen": {"activeService": "a"}})],
        ),
        (&["spec", "strategy", "canary", "steps"], steps()),
    ]
}

fn rollout_status() -> Fields {
    let run = || {
        vec![
            json!({"name": "run", "status": "Inconclusive"}),
            json!({"name": "run", "status": "Running"}),
            json!({"status": "Inconclusive"}),
        ]
    };
    let pause = |reason: &str| json!({"reason": reason, "startTime": "2026-11-20T09:00:00Z"});
    let phases = [
        "Healthy",
        "Degraded",
        "Progressing",
        "Paused",
        "Paused",
        "Missing",
        "Unknown",
        "Suspended",
        "Dreaming",
    ];
    vec![
        (&["status"], vec![json!({})]),
        (&["status", "observedGeneration"], generations()),
        (&["status", "workloadObservedGeneration"], generations()),
        (&["status", "phase"], phases.iter().map(|phase| json!(phase)).collect()),
        (&["status", "message"], vec![json!("why"), json!("")]),
        (&["status", "abort"], booleans()),
        (&["status", "promoteFull"], booleans()),
        (&["status", "controllerPause"], booleans()),
        (
            &["status", "pauseConditions"],
            vec![
                json!([]),
                json!([pause("CanaryPauseStep")]),
                json!([pause("InconclusiveAnalysisRun"), pause("BlueGreenPause")]),
                json!([{"reason": "CanaryPauseStep"}]),
            ],
        ),
        (
            &["status", "currentStepIndex"],
            vec![json!(0), json!(1), json!(2), json!(3), json!(4), json!(9)],
        ),
        (&["status", "currentPodHash"], hashes()),
        (&["status", "stableRS"], hashes()),
        (&["status", "replicas"], counts()),
        (&["status", "updatedReplicas"], counts()),
        (&["status", "availableReplicas"], counts()),
        (&["status", "conditions"], conditions()),
        (&["status", "blueGreen", "activeSelector"], hashes()),
        (&["status", "blueGreen", "prePromotionAnalysisRunStatus"], run()),
        (&["status", "canary", "stableRS"], hashes()),
        (&["status", "canary", "currentStepAnalysisRunStatus"], run()),
        (&["status", "canary", "currentBackgroundAnalysisRunStatus"], run()),
    ]
}

/// An object of a kind.
pub(crate) fn random_object(kind: &str, rng: &mut Rng) -> Value {
    let mut object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": kind});
    let wrong = wrong();
    // Some objects are nearly whole, some nearly empty, some nearly all wrong.
    let (there, amiss) = ([20, 50, 80, 95][rng.below(4)], [0, 2, 10, 40][rng.below(4)]);
    for (path, values) in fields(kind) {
        if !rng.percent(there) {
            continue;
        }
        let values = if rng.percent(amiss) { &wrong } else { &values };
        put(&mut object, path, values[rng.below(values.len())].clone());
    }
    object
}

/// What stands in the way is kept: it is one of the ways to be wrong.
fn put(object: &mut Value, path: &[&str], value: Value) {
    let mut place = object;
    for key in path {
        let Value::Object(fields) = place else { return };
        place = fields.entry(*key).or_insert_with(|| Value::Object(Map::new()));
    }
    *place = value;
}
