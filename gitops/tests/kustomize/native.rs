//! Native kinds are patched with Serin's schema as without any: for each kind and each of its lists.

use super::Test;
use super::support::Repository;
use serde_json::{Value, json};
use serin_gitops::kustomize::{Program, shipped};

pub(crate) const TESTS: &[Test] = &[("the_schema_keeps_native_kinds", the_schema_keeps_native_kinds)];

/// What one object is before, and a patch of it: every list of a pod, and lists that are replaced.
fn pod(patched: bool) -> Value {
    let (image, name) = if patched { ("b:2", "B") } else { ("a:1", "A") };
    let container = |container: &str| {
        json!({
            "name": container, "image": image, "args": [name],
            "env": [{"name": name, "value": "1"}, {"name": "same", "value": name}],
            "ports": [{"containerPort": if patched { 81 } else { 80 }}, {"containerPort": 90, "name": name.to_lowercase()}],
            "volumeMounts": [{"name": name, "mountPath": format!("/{name}")}],
            "volumeDevices": [{"name": name, "devicePath": format!("/{name}")}],
            "envFrom": [{"configMapRef": {"name": name}}],
        })
    };
    let containers = if patched {
        json!([container("main")])
    } else {
        json!([container("main"), container("side")])
    };
    json!({
        "containers": containers, "initContainers": containers,
        "volumes": [{"name": name, "emptyDir": {}}],
        "imagePullSecrets": [{"name": name}],
        "hostAliases": [{"ip": if patched { "10.0.0.2" } else { "10.0.0.1" }, "hostnames": [name]}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": name, "whenUnsatisfiable": "DoNotSchedule"}],
        "tolerations": [{"key": name}],
    })
}

/// Kinds with a pod, and where.
const PODS: [(&str, &str, &str); 8] = [
    ("v1", "Pod", "/spec"),
    ("v1", "ReplicationController", "/spec/template/spec"),
    ("apps/v1", "Deployment", "/spec/template/spec"),
    ("apps/v1", "StatefulSet", "/spec/template/spec"),
    ("apps/v1", "DaemonSet", "/spec/template/spec"),
    ("apps/v1", "ReplicaSet", "/spec/template/spec"),
    ("batch/v1", "Job", "/spec/template/spec"),
    ("batch/v1", "CronJob", "/spec/jobTemplate/spec/template/spec"),
];

fn objects(patched: bool) -> Vec<Value> {
    let mut objects: Vec<Value> = PODS
        .iter()
        .map(|(version, kind, path)| {
            let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}});
            let mut at = &mut object;
            for part in path.split('/').skip(1) {
                at = &mut at[part];
            }
            *at = pod(patched);
            object
        })
        .collect();
    let (port, name) = if patched { (81, "b") } else { (80, "a") };
    objects.extend([
        json!({"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": port}, {"port": 90, "name": name}], "externalIPs": [name]}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "secrets": [{"name": name}], "imagePullSecrets": [{"name": name}]}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"finalizers": [name], "annotations": {name: name}}, "data": {name: name}}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "webhooks": [{"name": name, "rules": [{"operations": [name]}]}]}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "webhooks": [{"name": name, "rules": [{"operations": [name]}]}]}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": [{"verbs": [name]}]}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {"rules": [{"host": name}], "tls": [{"hosts": [name]}]}}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"ingress": [{"ports": [{"port": port}]}]}}),
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": {"metrics": [{"type": name}]}}),
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "spec": {"selector": {"matchLabels": {name: name}}}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": {"accessModes": [name]}}),
        json!({"apiVersion": "example.com/v1", "kind": "Unknown", "spec": {"containers": [{"name": name}]}}),
    ]);
    for object in &mut objects {
        object["metadata"]["name"] = "x".into();
    }
    objects
}

fn the_schema_keeps_native_kinds(program: &Program) {
    let output = |schema: &str| {
        let repository = Repository::of("");
        let mut patches = String::new();
        for (at, patch) in objects(true).iter().enumerate() {
            repository.write(&format!("o/patch-{at}.yaml"), &patch.to_string());
            patches += &format!("- path: patch-{at}.yaml\n");
        }
        let all: Vec<String> = objects(false).iter().map(ToString::to_string).collect();
        repository.write("o/objects.yaml", &all.join("\n---\n"));
        repository.write("o/serin-schema.json", shipped::SCHEMA);
        repository.write(
            "o/kustomization.yaml",
            &format!("resources: [objects.yaml]\n{schema}patches:\n{patches}"),
        );
        let output = repository.build("o", program);
        let deployment = output.field("Deployment", "spec.template.spec.containers");
        assert_eq!(deployment.as_array().unwrap().len(), 2);
        output
            .built
            .objects
            .into_iter()
            .map(|object| object.value)
            .collect::<Vec<_>>()
    };
    let (without, with) = (output(""), output("openapi: {path: serin-schema.json}\n"));
    assert_eq!(without.len(), with.len());
    for (without, with) in without.iter().zip(&with) {
        assert_eq!(without, with, "{}", without["kind"]);
    }
}
