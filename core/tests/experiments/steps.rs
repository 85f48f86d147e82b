//! Experiment steps of a rollout (contract 03 §12): what is created, what its end makes of the update, what ends and goes.

use crate::cluster::{at, pods};
use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::identity::Identity;
use serin_core::observed::{Experiment, ExperimentTemplate, ReplicaSet, SetTemplate};
use serin_core::plan::{Action, ExperimentAction, NewExperiment};
use serin_core::wire::analysis::Phase;
use serin_core::{Observed, Plan, decide};
use std::collections::BTreeMap;

const HASH: &str = "rollouts-pod-template-hash";

/// A canary at its experiment step, with all the pods that it needs.
fn rollout(step: &Value) -> Observed {
    let steps = json!([{"setWeight": 50}, {"experiment": step}, {"setWeight": 70}]);
    let whole = json!({
        "metadata": {"name": "web", "namespace": "n", "uid": "r", "generation": 3, "resourceVersion": "9",
            "labels": {"team": "x", "argo-rollouts.argoproj.io/controller-instance-id": "one"},
            "annotations": {"rollout.argoproj.io/revision": "2"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": pods("new"),
            "progressDeadlineSeconds": 90, "strategy": {"canary": {"steps": steps}}},
        "status": {"observedGeneration": "3", "stableRS": "old", "currentStepIndex": 1},
    });
    let rollout: serin_core::api::Rollout = serde_json::from_value(whole).unwrap();
    let mut seen = Observed {
        identity: Identity::of(&rollout),
        rollout,
        ..Observed::default()
    };
    let hash = seen.identity.pod_hash.clone();
    seen.rollout.status.current_pod_hash.clone_from(&hash);
    seen.rollout
        .status
        .current_step_hash
        .clone_from(&seen.identity.step_hash);
    seen.experiments = Some(Vec::new());
    set(&mut seen, "old", 1, "stable");
    set(&mut seen, &hash, 2, "new");
    seen
}

fn set(seen: &mut Observed, hash: &str, revision: i64, image: &str) {
    let name = format!("web-{hash}");
    seen.replica_sets.push(ReplicaSet {
        name: name.clone(),
        uid: format!("uid-{name}"),
        resource_version: "5".into(),
        created: at(revision),
        labels: BTreeMap::from([(HASH.into(), hash.into()), ("app".into(), "web".into())]),
        annotations: BTreeMap::from([
            ("rollout.argoproj.io/revision".into(), revision.to_string()),
            ("rollout.argoproj.io/desired-replicas".into(), "2".into()),
        ]),
        min_ready_seconds: i32::try_from(revision).unwrap() - 1,
        replicas: 1,
        current_replicas: 1,
        ready_replicas: 1,
        available_replicas: 1,
        ..ReplicaSet::default()
    });
    let mut template = pods(image);
    template["metadata"]["labels"][HASH] = json!(hash);
    let selector = json!({"matchLabels": {"app": "web", HASH: hash}});
    let pods = json!({"template": template, "selector": selector});
    seen.set_templates
        .insert(name, serde_json::from_value::<SetTemplate>(pods).unwrap());
}

fn now() -> Timestamp {
    at(1000)
}

/// An experiment of the step, which the status names.
fn with(seen: &mut Observed, name: &str, phase: Phase, message: &str) {
    let hash = seen.identity.pod_hash.clone();
    all(seen).push(Experiment {
        name: name.to_owned(),
        uid: format!("uid-{name}"),
        resource_version: "7".to_owned(),
        created: at(20),
        labels: BTreeMap::from([(HASH.to_owned(), hash)]),
        phase,
        message: message.to_owned(),
        ..Experiment::default()
    });
    name.clone_into(&mut seen.rollout.status.canary.current_experiment);
}

fn all(seen: &mut Observed) -> &mut Vec<Experiment> {
    seen.experiments.get_or_insert_default()
}

fn base(seen: &Observed) -> String {
    format!("web-{}-2-1", seen.identity.pod_hash)
}

fn done(plan: &Plan) -> Vec<String> {
    let done = plan.actions.iter().filter_map(|action| match action {
        Action::Experiment(ExperimentAction::Create(new)) => Some(format!("create {}", new.name)),
        Action::Experiment(ExperimentAction::Terminate(target)) => Some(format!("terminate {}", target.name)),
        Action::Experiment(ExperimentAction::Delete(target)) => Some(format!("delete {}", target.name)),
        _ => None,
    });
    done.collect()
}

fn made(plan: &Plan) -> NewExperiment {
    let mut made = plan.actions.iter().filter_map(|action| match action {
        Action::Experiment(ExperimentAction::Create(new)) => Some((**new).clone()),
        _ => None,
    });
    made.next().unwrap_or_else(|| panic!("{plan:#?}"))
}

fn status<'p>(plan: &'p Plan, field: &str) -> &'p Value {
    let write = plan.status.as_ref().expect("a status is written");
    &write.patch["status"][field]
}

fn told(plan: &Plan) -> Vec<String> {
    let told = plan.events.iter();
    told.map(|event| format!("{}: {}", event.news.reason(), event.news))
        .collect()
}

fn simple() -> Value {
    json!({"duration": "5m", "templates": [{"name": "base", "specRef": "stable"}, {"name": "canary", "specRef": "canary"}]})
}

#[test]
fn the_step_makes_an_experiment_of_the_pods_of_both_revisions() {
    let step = json!({
        "duration": "5m", "scaleDownDelaySeconds": 3, "dryRun": [{"metricName": "m"}],
        "analysisRunMetadata": {"labels": {"a": "b"}},
        "templates": [
            {"name": "base", "specRef": "stable", "replicas": 2, "service": {"name": "mine"},
             "metadata": {"labels": {"exp": "1"}, "annotations": {"note": "2"}}},
            {"name": "canary", "specRef": "canary", "selector": {"matchLabels": {"app": "other"}}},
        ],
        "analyses": [{"name": "a", "templateName": "t", "clusterScope": true, "requiredForCompletion": true, "args": [
            {"name": "stable", "valueFrom": {"podTemplateHashValue": "Stable"}},
            {"name": "latest", "valueFrom": {"podTemplateHashValue": "Latest"}},
            {"name": "of", "value": "{{templates.base.podTemplateHash}}"},
        ]}],
    });
    let seen = rollout(&step);
    let hash = seen.identity.pod_hash.clone();
    assert_eq!(
        serin_core::rollout::experiment::needed(&seen, now()),
        [format!("web-{hash}"), "web-old".to_owned()]
    );
    let plan = decide(&seen, now());
    let made = made(&plan);
    assert_eq!(made.name, base(&seen));
    let labels = json!({"team": "x", "argo-rollouts.argoproj.io/controller-instance-id": "one", HASH: hash});
    assert_eq!(serde_json::to_value(&made.labels).unwrap(), labels);
    assert_eq!(
        made.annotations,
        BTreeMap::from([("rollout.argoproj.io/revision".to_owned(), "2".to_owned())])
    );

    let mut stable = pods("stable");
    stable["metadata"] = json!({"labels": {"app": "web", HASH: "old", "exp": "1"}, "annotations": {"note": "2"}});
    let mut canary = pods("new");
    canary["metadata"]["labels"][HASH] = json!(hash);
    let expected = json!({
        "templates": [
            {"name": "base", "replicas": 2, "service": {"name": "mine"}, "template": stable,
             "selector": {"matchLabels": {"app": "web", HASH: "old", "exp": "1"}}},
            {"name": "canary", "minReadySeconds": 1, "template": canary, "selector": {"matchLabels": {"app": "other"}}},
        ],
        "duration": "5m", "progressDeadlineSeconds": 90, "scaleDownDelaySeconds": 3, "dryRun": [{"metricName": "m"}],
        "analysisRunMetadata": {"labels": {"a": "b"}},
        "analyses": [{"name": "a", "templateName": "t", "clusterScope": true, "requiredForCompletion": true, "args": [
            {"name": "stable", "value": "old"}, {"name": "latest", "value": hash},
            {"name": "of", "value": "{{templates.base.podTemplateHash}}"},
        ]}],
    });
    let spec = serde_json::to_value(&made.spec).unwrap();
    assert_eq!(spec, expected, "{spec:#}");
    assert_eq!(status(&plan, "canary")["currentExperiment"], json!(made.name));
    assert!(told(&plan).contains(&format!("ExperimentCreated: Created Experiment '{}'", made.name)));
}

#[test]
fn nothing_is_made_before_the_pods_are_known_nor_of_another_revision() {
    let mut seen = rollout(&simple());
    seen.set_templates.clear();
    assert!(done(&decide(&seen, now())).is_empty());

    let plan = decide(
        &rollout(&json!({"templates": [{"name": "a", "specRef": "preview"}]})),
        now(),
    );
    let conditions = status(&plan, "conditions").to_string();
    assert!(
        conditions.contains("Invalid template step SpecRef: must be canary or stable"),
        "{conditions}"
    );
    assert!(done(&plan).is_empty());
}

#[test]
fn one_that_was_made_before_a_crash_counts_and_an_ended_one_gets_a_successor() {
    let mut seen = rollout(&simple());
    let name = base(&seen);
    with(&mut seen, &name, Phase::Running, "");
    seen.rollout.status.canary.current_experiment.clear();
    let plan = decide(&seen, now());
    assert!(done(&plan).is_empty());
    assert_eq!(status(&plan, "canary")["currentExperiment"], json!(name));

    for (phase, terminate, foreign) in [
        (Phase::Successful, false, false),
        (Phase::Running, true, false),
        (Phase::Running, false, true),
    ] {
        let mut seen = rollout(&simple());
        with(&mut seen, &name, phase, "");
        seen.rollout.status.canary.current_experiment.clear();
        all(&mut seen)[0].terminate = terminate;
        all(&mut seen)[0].foreign = foreign;
        assert_eq!(done(&decide(&seen, now())), [format!("create {name}-1")]);
    }
}

#[test]
fn its_end_completes_the_step_pauses_or_aborts() {
    let plan_of = |phase, message: &str| {
        let mut seen = rollout(&simple());
        let name = base(&seen);
        with(&mut seen, &name, phase, message);
        decide(&seen, now())
    };
    for phase in [Phase::Unset, Phase::Pending, Phase::Running] {
        let plan = plan_of(phase, "");
        assert!(done(&plan).is_empty());
        assert!(
            plan.status
                .is_none_or(|write| write.patch["status"]["currentStepIndex"].is_null())
        );
    }
    let good = plan_of(Phase::Successful, "");
    assert_eq!(status(&good, "currentStepIndex"), &json!(2));
    assert_eq!(status(&good, "canary")["currentExperiment"], Value::Null);
    assert!(told(&good).contains(&"RolloutStepCompleted: Rollout step 2/3 completed (experiment)".to_owned()));

    let unclear = plan_of(Phase::Inconclusive, "");
    assert_eq!(
        status(&unclear, "pauseConditions")[0]["reason"],
        "InconclusiveExperiment"
    );
    assert_eq!(status(&unclear, "controllerPause"), &json!(true));
    assert_eq!(status(&unclear, "phase"), &json!("Paused"));

    for (phase, message, expected) in [
        (
            Phase::Failed,
            "too slow",
            "Experiment analysis phase is error/failed: too slow",
        ),
        (Phase::Error, "", "Experiment analysis phase is error/failed"),
    ] {
        let bad = plan_of(phase, message);
        assert_eq!(status(&bad, "abort"), &json!(true));
        let conditions = status(&bad, "conditions").to_string();
        assert!(conditions.contains(expected), "{conditions}");
    }
}

#[test]
fn who_resumes_after_an_inconclusive_one_gets_another() {
    let mut seen = rollout(&simple());
    let name = base(&seen);
    with(&mut seen, &name, Phase::Inconclusive, "");
    let pause = json!([{"reason": "InconclusiveExperiment", "startTime": "2023-11-14T22:13:20Z"}]);
    seen.rollout.status.controller_pause = true;
    seen.rollout.status.pause_conditions = serde_json::from_value(pause).unwrap();
    assert!(done(&decide(&seen, now())).is_empty(), "it waits for a person");
    assert!(serin_core::rollout::experiment::needed(&seen, now()).is_empty());

    seen.rollout.status.pause_conditions.clear();
    assert_eq!(serin_core::rollout::experiment::needed(&seen, now()).len(), 2);
    let plan = decide(&seen, now());
    assert_eq!(done(&plan), [format!("create {name}-1")]);
    assert_eq!(status(&plan, "controllerPause"), &Value::Null);
}

#[test]
fn abort_promotion_and_another_revision_end_it_once_the_status_says_why() {
    let running = || {
        let mut seen = rollout(&simple());
        let name = base(&seen);
        with(&mut seen, &name, Phase::Running, "");
        seen
    };
    let ends = [format!("terminate {}", base(&running()))];

    let mut aborted = running();
    aborted.rollout.status.abort = true;
    assert!(
        done(&decide(&aborted, now())).is_empty(),
        "the status does not say it yet"
    );
    aborted.rollout.status.aborted_at = serde_json::from_value(json!("2023-11-14T22:13:20Z")).unwrap();
    let plan = decide(&aborted, now());
    assert_eq!(done(&plan), ends);

    let mut promoted = running();
    promoted.rollout.status.promote_full = true;
    assert_eq!(done(&decide(&promoted, now())), ends);

    let mut superseded = running();
    superseded.rollout.status.current_pod_hash = "another".to_owned();
    let plan = decide(&superseded, now());
    assert_eq!(done(&plan), ends);
    assert_eq!(status(&plan, "canary")["currentExperiment"], Value::Null);

    // The step is over.
    let mut other = running();
    other.rollout.status.canary.current_experiment = "gone".to_owned();
    other.rollout.status.current_step_index = Some(2);
    assert_eq!(done(&decide(&other, now())), ends);
}

#[test]
fn after_an_abort_the_step_gets_another() {
    let mut seen = rollout(&simple());
    let name = base(&seen);
    with(&mut seen, &name, Phase::Failed, "");
    seen.rollout.status.aborted_at = serde_json::from_value(json!("2023-11-14T22:13:20Z")).unwrap();
    assert_eq!(done(&decide(&seen, now())), [format!("create {name}-1")]);
}

#[test]
fn ended_ones_are_kept_up_to_the_limits() {
    let mut seen = rollout(&simple());
    let name = base(&seen);
    seen.rollout.spec.analysis = serde_json::from_value(json!({
        "successfulRunHistoryLimit": 1, "unsuccessfulRunHistoryLimit": 2,
    }))
    .unwrap();
    with(&mut seen, &name, Phase::Running, "");
    for (index, phase) in [
        Phase::Successful,
        Phase::Successful,
        Phase::Failed,
        Phase::Error,
        Phase::Inconclusive,
    ]
    .into_iter()
    .enumerate()
    {
        let mut old = all(&mut seen)[0].clone();
        old.name = format!("old-{index}");
        old.created = at(i64::try_from(index).unwrap());
        old.phase = phase;
        all(&mut seen).push(old);
    }
    let mut of_gone_revision = all(&mut seen)[0].clone();
    of_gone_revision.name = "gone".to_owned();
    of_gone_revision.labels.insert(HASH.to_owned(), "nothing".to_owned());
    all(&mut seen).push(of_gone_revision);
    // Traffic leads to the pods of one of them.
    let template = |service: &str| ExperimentTemplate {
        service: service.to_owned(),
        ..ExperimentTemplate::default()
    };
    for (of, service) in all(&mut seen).iter_mut().zip(["current", "led-to"]) {
        of.templates = vec![template(service)];
    }
    let sorted = |seen: &Observed| {
        let mut plan = done(&decide(seen, now()));
        plan.sort();
        plan
    };
    assert_eq!(sorted(&seen), ["delete gone", "delete old-0", "delete old-2"]);
    let weights = json!({"additional": [{"serviceName": "led-to", "weight": 5}]});
    seen.rollout.status.canary.weights = serde_json::from_value(weights).unwrap();
    assert_eq!(sorted(&seen), ["delete gone", "delete old-2"]);
}
