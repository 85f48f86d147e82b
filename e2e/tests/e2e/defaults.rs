//! What the API server makes of a pod template says the same as what was written (decision 19).
//!
//! A server-side dry-run tells what the server fills in; if a version of Kubernetes fills in more than we know, a takeover
//! by equality would make new pods, and this is where it shows.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::ReplicaSet;
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};
use serin_core::api::PodTemplate;
use serin_core::identity::Fingerprint;
use serin_e2e::World;
use std::collections::BTreeMap;

pub(crate) async fn a_template_equals_what_the_server_makes_of_it(world: &mut World) -> Result<()> {
    let mut differences = Vec::new();
    for (what, spec) in pods() {
        let written = json!({"metadata": {"labels": {"app": "web"}}, "spec": spec});
        let read = of_a_replica_set(world, &written).await.context(what)?;
        let meant = Fingerprint::of(&PodTemplate::new(&written));
        if Fingerprint::of_replica_set(&PodTemplate::new(&read), &BTreeMap::new()) != meant {
            differences.push(format!("{what}, in a ReplicaSet:\n  {written}\n  {read}"));
        }
        let read = of_a_rollout(world, &written).await.context(what)?;
        if Fingerprint::of(&PodTemplate::new(&read)) != meant {
            differences.push(format!("{what}, in a Rollout:\n  {written}\n  {read}"));
        }
    }
    ensure!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

async fn of_a_replica_set(world: &World, template: &Value) -> Result<Value> {
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template}});
    // As JSON: the types of this program must not stand between the server's words and ours.
    let resource = kube::api::ApiResource::erase::<ReplicaSet>(&());
    let sets: Api<DynamicObject> = Api::namespaced_with(world.client(), world.namespace(), &resource);
    let made = sets.create(&dry(), &serde_json::from_value(set)?).await?;
    Ok(made.data["spec"]["template"].clone())
}

async fn of_a_rollout(world: &World, template: &Value) -> Result<Value> {
    let rollout = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template,
            "strategy": {"canary": {}}}});
    let made = world
        .raw_rollouts()
        .create(&dry(), &serde_json::from_value(rollout)?)
        .await?;
    Ok(made.data["spec"]["template"].clone())
}

fn dry() -> PostParams {
    PostParams {
        dry_run: true,
        field_manager: None,
    }
}

fn with_container(more: &Value) -> Value {
    let mut container = json!({"name": "main", "image": "app:1"});
    merge(&mut container, more);
    json!({"containers": [container]})
}

fn with_pod(more: &Value) -> Value {
    let mut pod = with_container(&json!({}));
    merge(&mut pod, more);
    pod
}

fn with_volume(source: &Value) -> Value {
    let mut volume = json!({"name": "data"});
    merge(&mut volume, source);
    with_pod(&json!({"volumes": [volume]}))
}

fn merge(target: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        target[name] = value.clone();
    }
}

/// Pods in which something is left to the server, one thing at a time; everywhere it fills something in.
fn pods() -> Vec<(&'static str, Value)> {
    let mut all = vec![("as short as can be", with_pod(&json!({})))];
    all.extend(
        containers()
            .into_iter()
            .map(|(what, more)| (what, with_container(&more))),
    );
    all.extend(volumes().into_iter().map(|(what, source)| (what, with_volume(&source))));
    all.extend(specs().into_iter().map(|(what, more)| (what, with_pod(&more))));
    all
}

fn containers() -> Vec<(&'static str, Value)> {
    let http = json!({"httpGet": {"port": 8080}});
    vec![
        ("an image without tag", json!({"image": "app"})),
        (
            "an image with the tag latest",
            json!({"image": "registry:5000/app:latest"}),
        ),
        (
            "an image by digest",
            json!({"image": "app@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}),
        ),
        (
            "ports",
            json!({"ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP", "name": "dns"}]}),
        ),
        (
            "limits without requests",
            json!({"resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}}}),
        ),
        (
            "quantities written otherwise",
            json!({"resources": {"limits": {"cpu": 1, "memory": "1e9"}, "requests": {"cpu": "0.5", "memory": "500M"}}}),
        ),
        ("no resources", json!({"resources": {}})),
        (
            "probes",
            json!({"livenessProbe": http, "readinessProbe": {"tcpSocket": {"port": "web"}, "periodSeconds": 3},
                "startupProbe": {"exec": {"command": ["true"]}}, "ports": [{"name": "web", "containerPort": 8080}]}),
        ),
        ("a gRPC probe", json!({"livenessProbe": {"grpc": {"port": 9000}}})),
        (
            "hooks",
            json!({"lifecycle": {"postStart": {"exec": {"command": ["true"]}}, "preStop": http}}),
        ),
        (
            "a sleeping hook",
            json!({"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}),
        ),
        (
            "environment",
            json!({"env": [
                {"name": "A"}, {"name": "B", "value": ""}, {"name": "C", "value": "c"},
                {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "E", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
                {"name": "F", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1024Ki"}}},
                {"name": "G", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
                {"name": "H", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": true}}}],
                "envFrom": [{"configMapRef": {"name": "c"}}, {"prefix": "P_", "secretRef": {"name": "s"}}]}),
        ),
        (
            "a security context",
            json!({"securityContext": {"capabilities": {"drop": ["ALL"]}, "allowPrivilegeEscalation": false, "runAsNonRoot": true}}),
        ),
        ("an empty security context", json!({"securityContext": {}})),
        (
            "words and places",
            json!({"command": ["a"], "args": ["b"], "workingDir": "/", "stdin": true, "tty": true}),
        ),
        ("empty lists", json!({"command": [], "env": [], "ports": []})),
    ]
}

fn volumes() -> Vec<(&'static str, Value)> {
    let item = json!({"path": "p", "fieldRef": {"fieldPath": "metadata.labels"}});
    let amount = json!({"path": "q", "resourceFieldRef": {"containerName": "main", "resource": "limits.cpu"}});
    vec![
        ("a volume of nothing", json!({})),
        ("emptyDir", json!({"emptyDir": {"sizeLimit": "1024Mi"}})),
        (
            "configMap",
            json!({"configMap": {"name": "c", "items": [{"key": "k", "path": "p"}]}}),
        ),
        ("secret", json!({"secret": {"secretName": "s"}})),
        ("downwardAPI", json!({"downwardAPI": {"items": [item, amount]}})),
        (
            "projected",
            json!({"projected": {"sources": [
                {"serviceAccountToken": {"path": "token"}}, {"configMap": {"name": "c"}}, {"secret": {"name": "s"}},
                {"downwardAPI": {"items": [item, amount]}}]}}),
        ),
        ("hostPath", json!({"hostPath": {"path": "/x"}})),
        (
            "persistentVolumeClaim",
            json!({"persistentVolumeClaim": {"claimName": "c"}}),
        ),
        ("nfs", json!({"nfs": {"server": "s", "path": "/"}})),
        ("csi", json!({"csi": {"driver": "d.example.com"}})),
        (
            "iscsi",
            json!({"iscsi": {"targetPortal": "1.2.3.4", "iqn": "iqn.2001-04.com.example:storage", "lun": 0}}),
        ),
        ("rbd", json!({"rbd": {"monitors": ["1.2.3.4"], "image": "i"}})),
        (
            "azureDisk",
            json!({"azureDisk": {"diskName": "d", "diskURI": "https://example.com/d"}}),
        ),
        (
            "scaleIO",
            json!({"scaleIO": {"gateway": "g", "system": "s", "secretRef": {"name": "s"}, "volumeName": "v"}}),
        ),
        ("image", json!({"image": {"reference": "registry.example/model:v1"}})),
        (
            "ephemeral",
            json!({"ephemeral": {"volumeClaimTemplate": {"spec": {
                "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}}}}),
        ),
    ]
}

fn specs() -> Vec<(&'static str, Value)> {
    let side =
        json!({"name": "side", "image": "side", "restartPolicy": "Always", "startupProbe": {"httpGet": {"port": 1}}});
    vec![
        ("a service account", json!({"serviceAccountName": "web"})),
        (
            "an init container",
            json!({"initContainers": [{"name": "first", "image": "first", "ports": [{"containerPort": 1}]}]}),
        ),
        ("a sidecar", json!({"initContainers": [side]})),
        (
            "the network of the host",
            json!({"hostNetwork": true, "containers": [{"name": "main", "image": "app:1", "ports": [{"containerPort": 80}]}]}),
        ),
        (
            "no network of the host",
            json!({"hostNetwork": false, "hostPID": false, "hostIPC": false}),
        ),
        ("no grace", json!({"terminationGracePeriodSeconds": 0})),
        (
            "a security context of the pod",
            json!({"securityContext": {"runAsUser": 1, "fsGroup": 0, "sysctls": []}}),
        ),
        (
            "tolerations",
            json!({"tolerations": [{"key": "a"}, {"key": "b", "operator": "Exists", "effect": "NoExecute"}]}),
        ),
        (
            "affinity",
            json!({"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1,
                "podAffinityTerm": {"topologyKey": "h", "labelSelector": {"matchLabels": {"app": "web"}}}}]}}}),
        ),
        (
            "spread",
            json!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "h", "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"app": "web"}}}]}),
        ),
        ("a priority class", json!({"priorityClassName": "high"})),
        (
            "readiness gates",
            json!({"readinessGates": [{"conditionType": "example.com/ready"}]}),
        ),
        (
            "names of hosts",
            json!({"hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a"]}], "hostname": "h", "subdomain": "s"}),
        ),
        (
            "DNS",
            json!({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.2.3.4"]}}),
        ),
        (
            "no service links",
            json!({"enableServiceLinks": false, "automountServiceAccountToken": false}),
        ),
        (
            "resources of the pod",
            json!({"resources": {"limits": {"cpu": "1000m"}}}),
        ),
        (
            "an operating system",
            json!({"os": {"name": "linux"}, "nodeSelector": {"a": "b"}}),
        ),
        ("pull secrets", json!({"imagePullSecrets": [{"name": "s"}]})),
    ]
}
