//! <https://kubernetes.io/docs/concepts/workloads/controllers/job/>

use crate::talk::{Talk, at, reading};
use serde_json::{Value as Json, json};
use serin_core::analysis::provider::{self, Call, Environment, Next, Outcome, Refusal, Reply, Run};
use serin_core::api::Time;
use serin_core::api::analysis_run::Measurement;

const UID: &str = "0f8c1b9e-61c7-4b1b-8f4e-3a5d7c9e1f2a";
const JOB: &str = "job: {metadata: {labels: {l: '1'}, annotations: {a: '2'}}, \
    spec: {backoffLimit: 0, template: {metadata: {labels: {p: '3'}}, spec: {restartPolicy: Never}}}}";

fn job() -> Talk {
    Talk::with(JOB)
}

fn elsewhere() -> Environment {
    Environment {
        job_namespace: "jobs".into(),
        ..Environment::default()
    }
}

fn call(talk: &Talk) -> Call {
    match talk.begin().unwrap() {
        Next::Cluster(call) => call,
        other => panic!("no call: {other:?}"),
    }
}

fn created(talk: &Talk) -> Json {
    match call(talk) {
        Call::Create(job) => *job,
        other => panic!("nothing is created: {other:?}"),
    }
}

fn under_way(seconds: i64) -> Measurement {
    Measurement {
        phase: "Running".into(),
        started_at: Some(Time(at(-seconds))),
        metadata: [("job-name", "j"), ("job-namespace", "prod")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Measurement::default()
    }
}

fn replied(talk: &Talk, call: &Call, reply: &Reply) -> Result<Next, String> {
    provider::reply(&talk.context(), call, reply).map_err(|failure| failure.message)
}

/// A Job with conditions, given as type and status.
fn with_conditions(conditions: &[(&str, &str)]) -> Json {
    let conditions: Vec<Json> = conditions
        .iter()
        .map(|(of, status)| json!({"type": of, "status": status}))
        .collect();
    json!({
        "metadata": {"name": "j", "namespace": "prod"},
        "spec": {"selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "c"}}},
        "status": {"conditions": conditions},
    })
}

#[test]
fn a_measurement_is_a_job_of_the_run() {
    let job = created(&job());
    assert_eq!((&job["apiVersion"], &job["kind"]), (&json!("batch/v1"), &json!("Job")));
    let metadata = &job["metadata"];
    assert_eq!(metadata["name"], format!("{UID}.m.1"));
    assert_eq!(metadata["namespace"], "prod");
    assert_eq!(
        metadata["labels"],
        json!({"l": "1", "analysisrun.argoproj.io/uid": UID})
    );
    assert_eq!(
        metadata["annotations"],
        json!({
            "a": "2",
            "analysisrun.argoproj.io/name": "run",
            "analysisrun.argoproj.io/namespace": "prod",
            "analysisrun.argoproj.io/metric-name": "m",
        })
    );
    assert_eq!(
        metadata["ownerReferences"],
        json!([{
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "name": "run", "uid": UID,
            "controller": true, "blockOwnerDeletion": true,
        }])
    );
    let template = &job["spec"]["template"];
    assert_eq!(
        template["metadata"]["labels"],
        json!({"p": "3", "analysisrun.argoproj.io/uid": UID})
    );
    assert_eq!(template["spec"], json!({"restartPolicy": "Never"}));
    assert_eq!(job["spec"]["backoffLimit"], 0);
}

#[test]
fn in_another_namespace_or_cluster_it_has_no_owner() {
    let mut other = job();
    other.environment = elsewhere();
    let metadata = created(&other)["metadata"].clone();
    assert_eq!(
        (&metadata["namespace"], metadata.get("ownerReferences")),
        (&json!("jobs"), None)
    );
    other.environment = Environment {
        jobs_elsewhere: true,
        ..Environment::default()
    };
    let metadata = created(&other)["metadata"].clone();
    assert_eq!(
        (&metadata["namespace"], metadata.get("ownerReferences")),
        (&json!("prod"), None)
    );
}

#[test]
fn a_long_name_is_cut_within_the_metric() {
    let long = job().named("a-metric-with-a-name-of-forty-characters");
    let name = created(&long)["metadata"]["name"].as_str().unwrap().to_owned();
    assert_eq!(name, format!("{UID}.a-metric-with-a-name-of.1"));
    assert_eq!(name.len(), 62, "63 would end a label of the name with a hyphen");
}

#[test]
fn it_is_looked_at_at_once() {
    let talk = job();
    let there = json!({"metadata": {"name": "j", "namespace": "prod"}});
    let begun = reading(replied(&talk, &call(&talk), &Ok(there)).unwrap());
    assert_eq!(begun.outcome, Outcome::Running { resume_at: Some(at(0)) });
    let measured = provider::measurement(&talk.context(), Ok(begun), at(1));
    assert_eq!((measured.phase.as_str(), measured.finished_at), ("Running", None));
    assert_eq!(measured.metadata, under_way(0).metadata);
}

#[test]
fn a_job_that_is_there_is_adopted_only_if_it_is_the_runs() {
    let exists = || Err(Refusal::AlreadyExists("exists".into()));
    let foreign = Err("jobs.batch \"j\" already exists".to_owned());
    let owned_by =
        |uid: &str| json!({"metadata": {"name": "j", "ownerReferences": [{"uid": uid, "controller": true}]}});
    let labelled = |uid: &str| json!({"metadata": {"name": "j", "labels": {"analysisrun.argoproj.io/uid": uid}}});
    let mut other = job();
    other.environment = elsewhere();
    let cases = [
        (job(), owned_by(UID), true),
        (job(), owned_by("another"), false),
        (job(), labelled(UID), false),
        (other.clone(), labelled(UID), true),
        (other, labelled("another"), false),
    ];
    for (talk, there, ours) in cases {
        let Next::Cluster(get) = replied(&talk, &call(&talk), &exists()).unwrap() else {
            panic!("the Job is read");
        };
        assert!(matches!(&get, Call::Get { name, .. } if *name == format!("{UID}.m.1")));
        let next = replied(&talk, &get, &Ok(there));
        match ours {
            true => assert!(matches!(reading(next.unwrap()).outcome, Outcome::Running { .. })),
            false => assert_eq!(next, foreign),
        }
    }
    let refused = Err(Refusal::Other("forbidden".into()));
    assert_eq!(replied(&job(), &call(&job()), &refused), Err("forbidden".into()));
}

/// Only an observed success is success (contract 11 G9; demand 28).
#[test]
fn a_condition_counts_if_it_is_true() {
    let talk = job().resumes(under_way(2));
    let looked = |conditions: &[(&str, &str)]| replied(&talk, &call(&talk), &Ok(with_conditions(conditions))).unwrap();
    let judged = |conditions: &[(&str, &str)]| match reading(looked(conditions)).outcome {
        Outcome::Judged { phase, .. } => phase,
        other => panic!("{other:?}"),
    };
    assert_eq!(judged(&[("Complete", "True")]), "Successful");
    assert_eq!(judged(&[("Failed", "True")]), "Failed");
    assert_eq!(
        judged(&[("SuccessCriteriaMet", "True"), ("Complete", "True")]),
        "Successful"
    );
    for open in [
        &[][..],
        &[("Complete", "False")],
        &[("Failed", "Unknown")],
        &[("Suspended", "True")],
    ] {
        assert!(matches!(looked(open), Next::Cluster(Call::Pods { .. })), "{open:?}");
    }
    let gone = Err(Refusal::NotFound("jobs.batch \"j\" not found".into()));
    assert_eq!(
        replied(&talk, &call(&talk), &gone),
        Err("job.batch \"j\" not found".into())
    );
    let unnamed = job().resumes(Measurement::default());
    assert_eq!(unnamed.begin().unwrap_err(), "job metadata reference missing");
}

#[test]
fn an_image_that_cannot_be_pulled_is_inconclusive() {
    let talk = job().resumes(under_way(2));
    let Next::Cluster(pods) = replied(&talk, &call(&talk), &Ok(with_conditions(&[]))).unwrap() else {
        panic!("the pods are read");
    };
    let expected = Call::Pods {
        namespace: "prod".into(),
        selector: "batch.kubernetes.io/controller-uid=c".into(),
    };
    assert_eq!(pods, expected);
    for (kind, reason, stuck) in [
        ("containerStatuses", "ImagePullBackOff", true),
        ("initContainerStatuses", "ErrImagePull", true),
        ("containerStatuses", "InvalidImageName", true),
        ("containerStatuses", "ContainerCreating", false),
    ] {
        let waiting = json!({"name": "c", "state": {"waiting": {"reason": reason, "message": "no such image"}}});
        let list = json!({"items": [{"metadata": {"name": "p"}, "status": {kind: [waiting]}}]});
        let outcome = reading(replied(&talk, &pods, &Ok(list)).unwrap()).outcome;
        let message = format!("Pod p, container c has terminal error ({reason}): no such image\n");
        let inconclusive = Outcome::Judged {
            phase: "Inconclusive",
            message,
        };
        assert_eq!(outcome == inconclusive, stuck, "{outcome:?}");
    }
}

#[test]
fn the_longer_it_runs_the_later_it_is_looked_at() {
    for (elapsed, delay) in [(2, 2), (50, 10), (5000, 100)] {
        let talk = job().resumes(under_way(elapsed));
        let pods = Call::Pods {
            namespace: "prod".into(),
            selector: "s".into(),
        };
        let outcome = reading(replied(&talk, &pods, &Ok(json!({"items": []}))).unwrap()).outcome;
        assert_eq!(
            outcome,
            Outcome::Running {
                resume_at: Some(at(delay))
            }
        );
    }
}

#[test]
fn a_job_that_is_ended_is_deleted() {
    let talk = job().terminates(under_way(2));
    let delete = call(&talk);
    assert!(matches!(&delete, Call::Delete { name, namespace } if name == "j" && namespace == "prod"));
    for reply in [Ok(json!({})), Err(Refusal::NotFound("gone".into()))] {
        let ended = reading(replied(&talk, &delete, &reply).unwrap());
        let measured = provider::measurement(&talk.context(), Ok(ended), at(1));
        assert_eq!(
            (measured.phase.as_str(), measured.finished_at),
            ("Inconclusive", Some(Time(at(1))))
        );
        assert_eq!(measured.metadata["job-name"], "j");
    }
    let refused = Err(Refusal::Other("forbidden".into()));
    assert_eq!(replied(&talk, &delete, &refused), Err("forbidden".into()));
}

#[test]
fn the_oldest_jobs_beyond_the_limit_are_garbage() {
    let run = Run {
        namespace: "prod".into(),
        uid: UID.into(),
        ..Run::default()
    };
    let place = provider::collect(&run, &Environment::default());
    assert_eq!(place.selector, format!("analysisrun.argoproj.io/uid={UID}"));
    assert_eq!(
        (
            place.namespace.as_str(),
            provider::collect(&run, &elsewhere()).namespace.as_str()
        ),
        ("prod", "jobs")
    );
    let list = |ages: &[i64]| {
        let job =
            |age: &i64| json!({"metadata": {"name": format!("j{age}"), "creationTimestamp": at(-age).to_string()}});
        json!({"items": ages.iter().map(job).collect::<Vec<_>>()})
    };
    assert_eq!(provider::surplus(&list(&[1, 30, 20, 40]), 2), ["j40", "j30"]);
    assert!(provider::surplus(&list(&[1, 2]), 2).is_empty());
}

/// A crash between the creation of a Job and the write of the status leaves a Job that no measurement names: that of the
/// next measurement, since a number is given once.
#[test]
fn a_job_of_which_no_measurement_tells_is_found() {
    let run = serde_json::from_value(json!({
        "metadata": {"name": "r", "uid": UID},
        "status": {"metricResults": [{"name": "m", "count": 1, "error": 1, "measurements": [
            {"phase": "Successful", "metadata": {"job-name": format!("{UID}.m.2")}}]}]},
    }))
    .unwrap();
    let job = |number: i32, metric: &str, more: &Json| {
        let mut metadata = json!({
            "name": format!("{UID}.{metric}.{number}"),
            "labels": {"analysisrun.argoproj.io/uid": UID},
            "annotations": {"analysisrun.argoproj.io/metric-name": metric},
            "ownerReferences": [{"kind": "AnalysisRun", "uid": UID, "controller": true}],
        });
        for (field, value) in more.as_object().unwrap() {
            metadata[field] = value.clone();
        }
        json!({"metadata": metadata})
    };
    let none = json!({});
    for (jobs, found) in [
        (vec![], vec![]),
        (vec![job(1, "m", &none), job(2, "m", &none)], vec![]),
        (vec![job(2, "m", &none), job(3, "m", &none)], vec!["m"]),
        (vec![job(1, "new", &none)], vec!["new"]),
        // Without an owner, as in another namespace.
        (vec![job(3, "m", &json!({"ownerReferences": null}))], vec!["m"]),
        // Of somebody else, about to go, without the label.
        (
            vec![job(
                3,
                "m",
                &json!({"ownerReferences": [{"uid": "other", "controller": true}]}),
            )],
            vec![],
        ),
        (
            vec![job(3, "m", &json!({"deletionTimestamp": "2026-01-01T00:00:00Z"}))],
            vec![],
        ),
        (vec![job(3, "m", &json!({"labels": {}}))], vec![]),
    ] {
        assert_eq!(provider::unrecorded(&json!({"items": jobs}), &run), found, "{jobs:?}");
    }
    assert!(provider::unrecorded(&Json::Null, &run).is_empty());
}
