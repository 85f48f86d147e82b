//! Pod templates that say the same, and such that do not (contract 02 §3, decision 19).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use serin_core::api::PodTemplate;
use serin_core::identity::Fingerprint;
use std::collections::BTreeMap;

fn of(template: &Value) -> Fingerprint {
    Fingerprint::of(&PodTemplate::new(template))
}

fn with(spec: &Value) -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": spec})
}

fn container(more: &Value) -> Value {
    let mut container = json!({"name": "web", "image": "web:1"});
    for (key, value) in more.as_object().into_iter().flatten() {
        container[key] = value.clone();
    }
    with(&json!({ "containers": [container] }))
}

fn volume(source: &Value) -> Value {
    let mut volume = json!({"name": "data"});
    for (key, value) in source.as_object().into_iter().flatten() {
        volume[key] = value.clone();
    }
    with(&json!({"containers": [{"name": "web", "image": "web:1"}], "volumes": [volume]}))
}

/// A template as a user writes it, and as a ReplicaSet of it is read from the API server.
#[test]
fn what_the_api_server_makes_of_a_template_is_equal_to_it() {
    let written = json!({
        "metadata": {"creationTimestamp": null, "labels": {"app": "web"}},
        "spec": {
            "serviceAccountName": "web",
            "hostNetwork": false,
            "containers": [{
                "name": "web", "image": "registry:5000/web:1",
                "ports": [{"containerPort": 8080}],
                "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
                "resources": {"limits": {"memory": "1024Mi", "cpu": 1}},
                "livenessProbe": {"httpGet": {"port": 8080}},
                "lifecycle": {"preStop": {"httpGet": {"port": 1}}},
            }],
            "volumes": [{"name": "a"}, {"name": "b", "configMap": {"name": "b"}}],
        },
    });
    let read = json!({
        "metadata": {"labels": {"app": "web", "rollouts-pod-template-hash": "5cd66ff7ff"}},
        "spec": {
            "serviceAccountName": "web", "serviceAccount": "web",
            "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
            "terminationGracePeriodSeconds": 30, "securityContext": {},
            "containers": [{
                "name": "web", "image": "registry:5000/web:1", "imagePullPolicy": "IfNotPresent",
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName", "apiVersion": "v1"}}}],
                "resources": {"limits": {"memory": "1Gi", "cpu": "1"}},
                "livenessProbe": {
                    "httpGet": {"port": 8080, "path": "/", "scheme": "HTTP"},
                    "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
                "lifecycle": {"preStop": {"httpGet": {"port": 1, "path": "/", "scheme": "HTTP"}}},
            }],
            "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "configMap": {"name": "b", "defaultMode": 420}}],
        },
    });
    let of_set = Fingerprint::of_replica_set(&PodTemplate::new(&read), &BTreeMap::new());
    assert_eq!(of(&written), of_set);
}

#[test]
fn a_default_written_out_makes_no_difference() {
    let mount = json!({"name": "web", "image": "web:1"});
    let table = [
        (
            container(&json!({})),
            container(&json!({"imagePullPolicy": "IfNotPresent"})),
        ),
        (
            container(&json!({"image": "a/b:latest"})),
            container(&json!({"image": "a/b:latest", "imagePullPolicy": "Always"})),
        ),
        (
            container(&json!({"image": "host:5000/b"})),
            container(&json!({"image": "host:5000/b", "imagePullPolicy": "Always"})),
        ),
        (
            container(&json!({"image": "b@sha256:00"})),
            container(&json!({"image": "b@sha256:00", "imagePullPolicy": "IfNotPresent"})),
        ),
        (
            container(&json!({"resources": {"requests": {"memory": "1073741824", "cpu": "0.1"}}})),
            container(&json!({"resources": {"requests": {"memory": "1Gi", "cpu": "100m"}}})),
        ),
        (
            container(&json!({"securityContext": {}})),
            container(&json!({"securityContext": {"procMount": "Default"}})),
        ),
        (
            container(&json!({"startupProbe": {"grpc": {"port": 1}}})),
            container(&json!({"startupProbe": {"grpc": {"port": 1, "service": ""}, "periodSeconds": 10}})),
        ),
        (container(&json!({"env": [], "args": null})), container(&json!({}))),
        (
            with(&json!({"containers": [mount], "hostNetwork": true})),
            with(&json!({"containers": [mount], "hostNetwork": true, "securityContext": {}})),
        ),
        (volume(&json!({})), volume(&json!({"emptyDir": {}}))),
        (
            volume(&json!({"emptyDir": {"sizeLimit": "1Gi"}})),
            volume(&json!({"emptyDir": {"sizeLimit": "1024Mi"}})),
        ),
        (
            volume(&json!({"secret": {"secretName": "s"}})),
            volume(&json!({"secret": {"secretName": "s", "defaultMode": 420}})),
        ),
        (
            volume(&json!({"hostPath": {"path": "/a"}})),
            volume(&json!({"hostPath": {"path": "/a", "type": ""}})),
        ),
        (
            volume(&json!({"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}})),
            volume(&json!({"projected": {
                "defaultMode": 420, "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}]}})),
        ),
        (
            volume(
                &json!({"ephemeral": {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}}}),
            ),
            volume(
                &json!({"ephemeral": {"volumeClaimTemplate": {"metadata": {"creationTimestamp": null}, "spec": {
                "volumeMode": "Filesystem", "resources": {"requests": {"storage": "1073741824"}}}}}}),
            ),
        ),
    ];
    for (one, other) in table {
        assert_eq!(of(&one), of(&other), "{one}\n{other}");
    }
}

#[test]
fn what_makes_a_difference_makes_one() {
    let table = [
        container(&json!({})),
        container(&json!({"image": "web:2"})),
        container(&json!({"imagePullPolicy": "Always"})),
        container(&json!({"args": ["a", "b"]})),
        container(&json!({"args": ["b", "a"]})),
        container(&json!({"env": [{"name": "A"}]})),
        container(&json!({"resources": {"requests": {"cpu": "1"}}})),
        container(&json!({"resources": {"requests": {"cpu": "1m"}}})),
        container(&json!({"resources": {"limits": {"cpu": "1"}}})),
        container(&json!({"livenessProbe": {"httpGet": {"port": 1, "path": "/healthz"}}})),
        container(&json!({"livenessProbe": {"httpGet": {"port": 1}, "timeoutSeconds": 2}})),
        // Newer than the frozen table of fields: not ignored (decision 20).
        container(&json!({"newerThanUs": {"a": 1}})),
        container(&json!({"newerThanUs": {"a": 2}})),
        with(&json!({"containers": [{"name": "web", "image": "web:1"}], "terminationGracePeriodSeconds": 0})),
        with(&json!({"containers": [{"name": "web", "image": "web:1"}], "newerThanUs": true})),
        volume(&json!({"emptyDir": {"medium": "Memory"}})),
        json!({"metadata": {"labels": {"app": "web", "more": "x"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}),
    ];
    for (index, one) in table.iter().enumerate() {
        for other in &table[..index] {
            assert_ne!(of(one), of(other), "{one}\n{other}");
        }
    }
}

/// Ephemeral metadata is recorded in an annotation; anti-affinity is known by its key (contract 03 §7, §10).
#[test]
fn what_argo_rollouts_adds_to_a_replica_set_makes_no_difference() {
    let term = json!({
        "labelSelector": {"matchExpressions": [{"key": "rollouts-pod-template-hash", "operator": "In", "values": ["a"]}]},
        "namespaces": ["default"], "topologyKey": "kubernetes.io/hostname"});
    let theirs = json!({"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "zone"});
    let preferred = json!([{"weight": 10, "podAffinityTerm": term}]);
    let set = |affinity: &Value| {
        let mut template = container(&json!({}));
        template["metadata"]["labels"]["role"] = json!("canary");
        template["metadata"]["labels"]["rollouts-pod-template-hash"] = json!("b");
        template["spec"]["affinity"] = json!({ "podAntiAffinity": affinity });
        let added = json!({"labels": {"role": "canary"}}).to_string();
        let annotations = BTreeMap::from([("rollout.argoproj.io/ephemeral-metadata".to_owned(), added)]);
        Fingerprint::of_replica_set(&PodTemplate::new(&template), &annotations)
    };
    let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": [term]});
    let both = json!({
        "requiredDuringSchedulingIgnoredDuringExecution": [theirs],
        "preferredDuringSchedulingIgnoredDuringExecution": preferred});
    assert_eq!(of(&container(&json!({}))), set(&required));
    let mut own = container(&json!({}));
    own["spec"]["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [theirs]}});
    assert_eq!(of(&own), set(&both));
    assert_ne!(of(&own), set(&required));
}

/// Decision 44: what is laid over a template is no part of what it says, and what it covers is.
#[test]
fn what_ephemeral_metadata_covers_counts_and_what_covers_it_does_not() {
    let mut written = container(&json!({}));
    written["metadata"]["annotations"] = json!({"team": "a"});
    let covered = json!({"labels": {"app": "web", "role": null}, "annotations": {"team": "a"}, "pending": true});
    let set = |record: Option<&str>| {
        let mut template = written.clone();
        template["metadata"] = json!({"labels": {"app": "shop", "role": "canary"}, "annotations": {"team": "b"}});
        let annotations = [
            ("rollout.serin.dev/covered-metadata", Some(covered.to_string())),
            ("rollout.argoproj.io/ephemeral-metadata", record.map(str::to_owned)),
        ];
        let annotations = annotations
            .into_iter()
            .filter_map(|(key, text)| Some((key.to_owned(), text?)));
        Fingerprint::of_replica_set(&PodTemplate::new(&template), &annotations.collect())
    };
    // Before the pods are in step the record of what was given says nothing of it yet.
    assert_eq!(set(None), of(&written));
    let record = json!({"labels": {"app": "shop", "role": "canary"}, "annotations": {"team": "b"}});
    assert_eq!(set(Some(&record.to_string())), of(&written));
}

#[test]
fn a_fingerprint_is_text_and_back() {
    let fingerprint = of(&container(&json!({})));
    let text = serde_json::to_value(fingerprint).unwrap();
    assert_eq!(text.as_str().unwrap().len(), 32);
    assert_eq!(serde_json::from_value::<Fingerprint>(text).unwrap(), fingerprint);
}
