//! From Pending to the end: pods, durations, delays, what is told.

use crate::cluster::{Cluster, at, template};
use serde_json::json;

fn one(more: &serde_json::Value) -> Cluster {
    let mut spec = json!({"templates": [template("canary", &json!({}))], "duration": "20s"});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    Cluster::of(&spec)
}

#[test]
fn an_experiment_runs_for_its_duration_and_its_pods_go_after_the_delay() {
    let mut cluster = one(&json!({"scaleDownDelaySeconds": 5}));
    cluster.settle();
    assert_eq!(cluster.phase(), ("Pending", ""));
    assert_eq!(cluster.template("canary"), ("Progressing", ""));
    assert_eq!(cluster.sizes(), [("exp-canary", 1)]);

    cluster.run(2);
    assert_eq!(cluster.phase(), ("Running", ""));
    assert_eq!(cluster.template("canary"), ("Running", ""));
    assert_eq!(cluster.experiment.status.available_at.as_ref().unwrap().0, at(2));

    // Strictly later than 20 s after that.
    cluster.now = at(22);
    cluster.settle();
    assert_eq!(cluster.phase().0, "Running");
    cluster.run(1);
    assert_eq!(cluster.phase(), ("Successful", ""));
    assert_eq!(cluster.sizes(), [("exp-canary", 1)], "the delay");

    cluster.run(5);
    assert_eq!(cluster.sizes(), [("exp-canary", 0)]);
    assert!(cluster.plan().is_empty());
    assert_eq!(cluster.plan().wake, None);
    assert_eq!(
        cluster.events,
        [
            "ScalingReplicaSet: Scaled up ReplicaSet exp-canary from 0 to 1",
            "TemplateProgressing: Template 'canary' transitioned from  -> Progressing",
            "ExperimentPending: Experiment transitioned from  -> Pending",
            "TemplateRunning: Template 'canary' transitioned from Progressing -> Running",
            "ExperimentRunning: Experiment transitioned from Pending -> Running",
            "TemplateSuccessful: Template 'canary' transitioned from Running -> Successful",
            "ExperimentSuccessful: Experiment transitioned from Running -> Successful",
            "ScalingReplicaSet: Scaled down ReplicaSet exp-canary from 1 to 0",
        ]
    );
}

#[test]
fn the_replica_set_has_name_labels_annotations_and_hash() {
    let mut cluster = one(&json!({}));
    cluster.settle();
    let set = cluster.set("exp-canary").unwrap();
    let hash = set.object.hash().to_owned();
    assert!(!hash.is_empty());
    assert_eq!(set.object.labels["app"], "web");
    assert_eq!(set.object.annotations["experiment.argoproj.io/name"], "exp");
    assert_eq!(set.object.annotations["experiment.argoproj.io/template-name"], "canary");
    assert_eq!(
        set.template["metadata"]["labels"]["rollouts-pod-template-hash"],
        hash.as_str()
    );
    assert_eq!(set.template["spec"]["containers"][0]["image"], "canary");

    // A hash label that the template brings along does not count, other labels do; nor does anybody's collision count.
    let hash_of = |more: &serde_json::Value| {
        let mut cluster = Cluster::of(&json!({"templates": [template("canary", more)]}));
        if more["count"].is_i64() {
            let status = json!([{"name": "canary", "collisionCount": 1}]);
            cluster.experiment.status.template_statuses = serde_json::from_value(status).unwrap();
        }
        cluster.settle();
        cluster.set("exp-canary").unwrap().object.hash().to_owned()
    };
    let mut pods = crate::cluster::pods("canary");
    pods["metadata"]["labels"]["rollouts-pod-template-hash"] = json!("abc");
    assert_eq!(hash_of(&json!({"template": pods})), hash);
    pods["metadata"]["labels"]["more"] = json!("abc");
    assert_ne!(hash_of(&json!({"template": pods})), hash);
    assert_ne!(
        hash_of(&json!({"count": 1})),
        hash,
        "a recorded collision count is part of the hash"
    );
}

#[test]
fn without_delay_the_pods_go_at_once_and_without_duration_it_runs_until_it_is_ended() {
    let mut cluster = one(&json!({"duration": "", "scaleDownDelaySeconds": 0}));
    cluster.run(100_000);
    assert_eq!(cluster.phase().0, "Running");
    assert_eq!(cluster.plan().wake, None, "nothing is waited for");
    cluster.edit(&json!({"terminate": true}));
    cluster.settle();
    assert_eq!(cluster.phase(), ("Successful", ""));
    assert_eq!(cluster.template("canary"), ("Successful", ""));
    assert_eq!(cluster.sizes(), [("exp-canary", 0)]);
}

#[test]
fn one_that_is_ended_before_it_began_makes_no_pods() {
    let mut cluster = one(&json!({"terminate": true}));
    cluster.run(60);
    assert_eq!(cluster.phase().0, "Successful");
    assert!(cluster.sets.is_empty());
}

#[test]
fn pods_must_be_available_within_the_progress_deadline() {
    let mut cluster = one(&json!({"progressDeadlineSeconds": 10, "scaleDownDelaySeconds": 0}));
    cluster.ready_after = None;
    cluster.run(10);
    assert_eq!(cluster.phase().0, "Pending");
    cluster.run(1);
    let message = "Template 'canary' exceeded its progressDeadlineSeconds (10)";
    assert_eq!(cluster.template("canary"), ("Failed", message));
    assert_eq!(cluster.phase(), ("Failed", message));
    assert_eq!(cluster.sizes(), [("exp-canary", 0)]);
    assert!(cluster.events.contains(&format!(
        "TemplateFailed: Template 'canary' transitioned from Progressing -> Failed: {message}"
    )));
}

/// The deadline counts from the last progress.
#[test]
fn each_pod_gives_more_time() {
    let mut cluster = Cluster::of(&json!({
        "templates": [template("canary", &json!({"replicas": 2}))], "progressDeadlineSeconds": 10,
    }));
    cluster.ready_after = Some(8);
    cluster.settle();
    // The second pod is late.
    cluster.sets[0].pods[1] = at(16);
    cluster.run(16);
    assert_eq!(cluster.phase().0, "Running");
}

#[test]
fn all_templates_must_run_at_once() {
    let mut cluster = Cluster::of(&json!({
        "templates": [template("baseline", &json!({})), template("canary", &json!({"replicas": 3}))],
        "duration": "10s",
    }));
    cluster.settle();
    cluster.sets[0].pods = vec![at(1)];
    cluster.run(1);
    assert_eq!(cluster.template("baseline").0, "Running");
    assert_eq!(cluster.template("canary").0, "Progressing");
    assert_eq!(cluster.phase().0, "Pending");
    assert_eq!(cluster.experiment.status.available_at, None);
    cluster.run(1);
    assert_eq!(cluster.phase().0, "Running");
    assert_eq!(cluster.experiment.status.available_at.as_ref().unwrap().0, at(2));

    // A pod that goes away takes it back to Pending; the time runs on.
    cluster.sets[1].pods[0] = at(8);
    cluster.settle();
    assert_eq!(cluster.phase().0, "Pending");
    cluster.run(10);
    assert_eq!(cluster.experiment.status.available_at.as_ref().unwrap().0, at(2));
    cluster.run(3);
    assert_eq!(cluster.phase().0, "Successful");
    let hashes: Vec<&str> = cluster.sets.iter().map(|set| set.object.hash()).collect();
    assert_ne!(hashes[0], hashes[1]);
}

/// A status that is older than its spec says nothing (decision 45).
#[test]
fn counters_of_an_older_size_are_not_relied_on() {
    let mut cluster = Cluster::of(&json!({"templates": [template("canary", &json!({}))]}));
    cluster.run(2);
    assert_eq!(cluster.phase().0, "Running");
    cluster.lag = 3;
    cluster.edit(&json!({"templates": [template("canary", &json!({"replicas": 0}))]}));
    cluster.settle();
    cluster.edit(&json!({"templates": [template("canary", &json!({"replicas": 1}))]}));
    cluster.settle();
    // One pod is wanted, and the status still tells of one: the one that goes.
    assert_eq!(cluster.template("canary").0, "Progressing");
}

#[test]
fn sizes_follow_the_spec_and_pods_of_templates_that_are_gone_go() {
    let mut cluster = Cluster::of(&json!({
        "templates": [template("a", &json!({})), template("b", &json!({}))], "scaleDownDelaySeconds": 5,
    }));
    cluster.run(2);
    cluster.edit(&json!({"templates": [template("a", &json!({"replicas": 3}))]}));
    cluster.run(2);
    assert_eq!(cluster.sizes(), [("exp-a", 3), ("exp-b", 1)]);
    assert_eq!(cluster.phase().0, "Running");
    cluster.run(5);
    assert_eq!(cluster.sizes(), [("exp-a", 3), ("exp-b", 0)]);
    // Another pod template makes no other ReplicaSet.
    cluster
        .edit(&json!({"templates": [template("a", &json!({"replicas": 3, "template": crate::cluster::pods("new")}))]}));
    cluster.run(5);
    assert_eq!(cluster.sizes(), [("exp-a", 3), ("exp-b", 0)]);
}

#[test]
fn conditions_tell_of_progress_of_running_and_of_the_end() {
    let mut cluster = one(&json!({"scaleDownDelaySeconds": 5}));
    let progressing = |cluster: &Cluster| {
        let conditions = &cluster.experiment.status.conditions;
        assert_eq!(conditions.len(), 1);
        let condition = &conditions[0];
        assert_eq!(condition.r#type, "Progressing");
        [&condition.status, &condition.reason, &condition.message].map(Clone::clone)
    };
    cluster.settle();
    assert_eq!(
        progressing(&cluster),
        ["True", "ReplicaSetUpdated", "Experiment \"exp\" is progressing."]
    );
    cluster.run(2);
    assert_eq!(
        progressing(&cluster),
        ["True", "NewReplicaSetAvailable", "Experiment \"exp\" is running."]
    );
    cluster.run(40);
    let completed = "Experiment \"exp\" has successfully ran and completed.";
    assert_eq!(progressing(&cluster), ["False", "ExperimentCompleted", completed]);
}

#[test]
fn one_that_is_deleted_is_left_alone() {
    let mut cluster = one(&json!({}));
    let gone = json!({"name": "exp", "deletionTimestamp": "2023-01-01T00:00:00Z"});
    cluster.experiment.metadata = serde_json::from_value(gone).unwrap();
    assert!(cluster.plan().is_empty());
}
