//! The Services of templates: ports, names, when they come and go.

use crate::cluster::{Cluster, pods, template};
use serde_json::{Value, json};

fn cluster(more: &Value) -> Cluster {
    Cluster::of(&json!({"templates": [template("canary", more)], "duration": "10s", "scaleDownDelaySeconds": 5}))
}

#[test]
fn a_service_is_there_until_the_pods_are_gone() {
    for (service, name) in [(json!({}), "exp-canary"), (json!({"name": "mine"}), "mine")] {
        let mut cluster = cluster(&json!({"service": service}));
        cluster.settle();
        let set = cluster.set("exp-canary").unwrap().object.clone();
        let (_, made) = &cluster.services[0];
        assert_eq!(made.name, name);
        assert_eq!(made.selector, set.labels);
        assert_eq!(made.annotations, set.annotations);
        let status = &cluster.experiment.status.template_statuses[0];
        assert_eq!(
            (status.service_name.as_str(), status.pod_template_hash.as_str()),
            (name, set.hash())
        );

        cluster.run(13);
        assert_eq!(cluster.phase().0, "Successful");
        assert_eq!(cluster.services.len(), 1, "its pods are there");
        cluster.run(5);
        assert_eq!(cluster.sizes(), [("exp-canary", 0)]);
        assert_eq!(cluster.services.len(), 0);
    }
}

#[test]
fn each_port_of_a_container_is_a_port() {
    let mut template = pods("x");
    template["spec"]["containers"] = json!([
        {"name": "a", "ports": [{"name": "http", "containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}]},
        {"name": "b", "ports": [{"name": "metrics", "containerPort": 9090}]},
    ]);
    template["spec"]["initContainers"] = json!([{"name": "c", "ports": [{"containerPort": 1}]}]);
    let mut cluster = cluster(&json!({"service": {}, "template": template}));
    cluster.settle();
    let ports = serde_json::to_value(&cluster.services[0].1.ports).unwrap();
    let expected = json!([
        {"name": "http", "protocol": "TCP", "port": 80},
        {"protocol": "UDP", "port": 53},
        {"name": "metrics", "protocol": "TCP", "port": 9090},
    ]);
    assert_eq!(ports, expected);
}

#[test]
fn without_ports_there_is_none_and_without_the_field_it_goes() {
    let mut bare = pods("x");
    bare["spec"]["containers"][0]["ports"] = json!([]);
    let mut of_bare = cluster(&json!({"service": {}, "template": bare}));
    of_bare.run(2);
    assert_eq!(of_bare.services.len(), 0);
    assert_eq!(of_bare.phase().0, "Running");

    let mut cluster = cluster(&json!({"service": {}}));
    cluster.run(2);
    cluster.edit(&json!({"templates": [template("canary", &json!({}))]}));
    cluster.settle();
    assert_eq!(cluster.services.len(), 0);
}

/// Upstream loses serviceName and podTemplateHash for ever where a pass on an older snapshot writes the list.
#[test]
fn the_status_names_the_service_whenever_it_is_claimed() {
    let mut cluster = cluster(&json!({"service": {}}));
    cluster.run(2);
    let status = &mut cluster.experiment.status.template_statuses[0];
    status.service_name.clear();
    status.pod_template_hash.clear();
    cluster.settle();
    let status = &cluster.experiment.status.template_statuses[0];
    assert_eq!(status.service_name, "exp-canary");
    assert_eq!(status.pod_template_hash, cluster.sets[0].object.hash());
}

#[test]
fn a_service_that_somebody_deletes_comes_back_and_one_of_others_is_an_error() {
    let mut of_deleted = cluster(&json!({"service": {}}));
    of_deleted.run(2);
    of_deleted.services.clear();
    of_deleted.settle();
    assert_eq!(of_deleted.services.len(), 1);

    let mut cluster = cluster(&json!({"service": {"name": "mine"}}));
    cluster.foreign_services.push("mine".to_owned());
    cluster.run(60);
    let message = "Failed to create Service mine for template 'canary': service mine already exists and is not owned by \
                   experiment template canary";
    assert_eq!(cluster.template("canary"), ("Error", message));
    assert_eq!(cluster.phase(), ("Error", message));
    assert_eq!(cluster.sizes(), [("exp-canary", 0)]);
}
