//! What is refused, what others have, and what ends it.

use crate::cluster::{Cluster, at, template};
use serde_json::json;
use serin_core::observed::{Attempt, Attempted, Kind, Refusal, Refused, Verb};

fn refused(verb: Verb, kind: Kind, name: &str, why: Refusal) -> Refused {
    Refused {
        attempt: Attempt::new(verb, kind, name),
        what: Attempted::Change,
        generation: 1,
        collision_count: None,
        why,
        message: "exceeded quota".to_owned(),
        at: at(0),
    }
}

fn cluster() -> Cluster {
    let spec = json!({
        "templates": [template("canary", &json!({"service": {}}))],
        "analyses": [{"name": "a", "templateName": "web"}],
        "scaleDownDelaySeconds": 0,
    });
    Cluster::of(&spec).with_template("web")
}

#[test]
fn what_cannot_be_created_ends_it_with_the_words_of_the_api_server() {
    for (kind, name, message, service) in [
        (
            Kind::ReplicaSet,
            "exp-canary",
            "Failed to create ReplicaSet for template 'canary': exceeded quota",
            false,
        ),
        (
            Kind::Service,
            "exp-canary",
            "Failed to create Service exp-canary for template 'canary': cannot create service: exceeded quota",
            false,
        ),
        (
            Kind::AnalysisRun,
            "exp-a",
            "Failed to create AnalysisRun for analysis 'a': exceeded quota",
            true,
        ),
    ] {
        let mut cluster = cluster();
        cluster.refused = Some(refused(Verb::Create, kind, name, Refusal::Forbidden));
        cluster.run(5);
        assert_eq!(cluster.phase(), ("Error", message));
        assert!(cluster.sizes().iter().all(|(_, size)| *size == 0));
        assert_eq!(cluster.runs.len(), 0);
        assert_eq!(cluster.writes > 2, service || kind == Kind::Service);
        assert!(cluster.plan().is_empty());
    }
}

#[test]
fn what_may_go_through_next_time_is_tried_again() {
    for why in [
        Refusal::Timeout,
        Refusal::TooManyRequests,
        Refusal::ServerError,
        Refusal::Conflict,
    ] {
        let mut cluster = cluster();
        cluster.refused = Some(refused(Verb::Create, Kind::ReplicaSet, "exp-canary", why));
        cluster.run(5);
        assert_eq!(cluster.phase().0, "Running", "{why:?}");
    }
    // A refusal of an older spec says nothing of this one.
    let mut cluster = cluster();
    cluster.refused = Some(refused(Verb::Create, Kind::ReplicaSet, "exp-canary", Refusal::Invalid));
    cluster.edit(&json!({}));
    cluster.run(5);
    assert_eq!(cluster.phase().0, "Running");
}

#[test]
fn a_size_that_is_refused_is_an_error() {
    let mut cluster = cluster();
    cluster.run(2);
    cluster.edit(&json!({"templates": [template("canary", &json!({"service": {}, "replicas": 3}))]}));
    let mut refusal = refused(Verb::Patch, Kind::ReplicaSet, "exp-canary", Refusal::Forbidden);
    refusal.generation = 2;
    cluster.refused = Some(refusal);
    cluster.settle();
    let message = "Unable to scale ReplicaSet for template 'canary' to desired replica count '3': exceeded quota";
    assert_eq!(cluster.template("canary"), ("Error", message));
    assert!(
        cluster
            .events
            .contains(&"ReplicaSetUpdateError: Failed to scale exp-canary up: exceeded quota".to_owned())
    );
    assert_eq!(cluster.phase(), ("Error", message));
}

/// Of an experiment that was deleted a moment ago and created again, the ReplicaSet goes soon.
#[test]
fn a_name_that_another_owner_has_is_waited_for_until_the_deadline() {
    let waits = "ReplicaSet exp-canary already exists and is not owned by this experiment";
    let mut frees = cluster();
    frees.foreign_sets.push("exp-canary".to_owned());
    frees.run(5);
    assert_eq!(frees.template("canary"), ("Progressing", waits));
    assert_eq!(frees.phase(), ("Pending", waits));
    frees.foreign_sets.clear();
    frees.run(5);
    assert_eq!(frees.template("canary"), ("Running", ""));
    assert_eq!(frees.phase(), ("Running", ""));

    let mut stays = cluster();
    stays.foreign_sets.push("exp-canary".to_owned());
    stays.run(601);
    assert_eq!(stays.phase().0, "Failed");
    assert_eq!(
        stays.phase().1,
        "Template 'canary' exceeded its progressDeadlineSeconds (600)"
    );
}

#[test]
fn pods_that_somebody_scales_or_deletes_come_back() {
    let mut cluster = cluster();
    cluster.run(2);
    cluster.sets[0].object.replicas = 5;
    cluster.sets[0].object.generation += 1;
    cluster.settle();
    assert_eq!(cluster.sizes(), [("exp-canary", 1)]);
    cluster.sets.clear();
    cluster.run(2);
    assert_eq!(cluster.sizes(), [("exp-canary", 1)]);
    assert_eq!(cluster.phase().0, "Running");
}

/// Two ReplicaSets that name one template: Argo Rollouts stops with an error.
#[test]
fn of_two_replica_sets_of_a_template_the_one_with_its_name_counts() {
    let mut cluster = cluster();
    cluster.run(2);
    let mut second = cluster.sets[0].clone();
    second.object.name = "another".to_owned();
    second.object.uid = "another".to_owned();
    cluster.sets.insert(0, second);
    cluster.settle();
    assert_eq!(cluster.sizes(), [("another", 0), ("exp-canary", 1)]);
    assert_eq!(cluster.phase().0, "Running");
}

#[test]
fn a_leaf_that_does_not_decode_is_left_out_and_told() {
    let mut pods = crate::cluster::pods("x");
    pods["spec"]["containers"][0]["resources"] = json!({"requests": {"memory": "lots", "cpu": "1"}});
    let mut cluster = Cluster::of(&json!({"templates": [template("canary", &json!({"template": pods}))]}));
    cluster.run(2);
    let container = &cluster.sets[0].template["spec"]["containers"][0];
    assert_eq!(container["resources"], json!({"requests": {"cpu": "1"}}));
    assert!(
        cluster
            .events
            .iter()
            .any(|event| event.starts_with("UndecodablePodTemplate: ")
                && event.contains("spec.containers[0].resources.requests.memory"))
    );
    assert_eq!(cluster.phase().0, "Running");
}

/// The same for those whose Service is the last to go.
#[test]
fn the_service_of_a_template_that_is_gone_goes_after_its_pods() {
    let mut cluster = Cluster::of(&json!({
        "templates": [template("a", &json!({})), template("b", &json!({"service": {}}))], "scaleDownDelaySeconds": 5,
    }));
    cluster.run(2);
    cluster.edit(&json!({"templates": [template("a", &json!({}))]}));
    cluster.run(4);
    assert_eq!(cluster.services.len(), 1);
    cluster.run(2);
    assert_eq!(cluster.sizes(), [("exp-a", 1), ("exp-b", 0)]);
    assert_eq!(cluster.services.len(), 0);
}
