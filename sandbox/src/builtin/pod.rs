//! Defaults of pod specs. Two templates that a client compares have both gone through these.

use serde_json::{Value, json};

use super::{each, set_default, within};

/// Defaults that pods and pod templates share.
pub(super) fn spec(spec: &mut Value) {
    set_default(spec, "restartPolicy", json!("Always"));
    set_default(spec, "dnsPolicy", json!("ClusterFirst"));
    set_default(spec, "schedulerName", json!("default-scheduler"));
    set_default(spec, "terminationGracePeriodSeconds", json!(30));
    set_default(spec, "securityContext", json!({}));
    // The old name of the field is kept in step with the new one.
    match (
        spec.get("serviceAccountName").cloned(),
        spec.get("serviceAccount").cloned(),
    ) {
        (Some(name), _) => spec["serviceAccount"] = name,
        (None, Some(name)) => spec["serviceAccountName"] = name,
        (None, None) => {}
    }
    let host_network = spec["hostNetwork"] == true;
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        each(spec, list, |item| container(item, host_network));
    }
    each(spec, "volumes", volume);
}

fn container(container: &mut Value, host_network: bool) {
    let policy = if is_latest(container["image"].as_str().unwrap_or_default()) {
        "Always"
    } else {
        "IfNotPresent"
    };
    set_default(container, "imagePullPolicy", json!(policy));
    set_default(container, "terminationMessagePath", json!("/dev/termination-log"));
    set_default(container, "terminationMessagePolicy", json!("File"));
    set_default(container, "resources", json!({}));
    each(container, "ports", |port| {
        set_default(port, "protocol", json!("TCP"));
        if host_network {
            let number = port["containerPort"].clone();
            set_default(port, "hostPort", number);
        }
    });
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        within(container, name, probe);
    }
    within(container, "lifecycle", |lifecycle| {
        within(lifecycle, "postStart", handler);
        within(lifecycle, "preStop", handler);
    });
    each(container, "env", |variable| {
        within(variable, "valueFrom", field_reference)
    });
}

/// Whether an image reference has the tag `latest`, or neither tag nor digest.
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

fn probe(probe: &mut Value) {
    set_default(probe, "timeoutSeconds", json!(1));
    set_default(probe, "periodSeconds", json!(10));
    set_default(probe, "successThreshold", json!(1));
    set_default(probe, "failureThreshold", json!(3));
    handler(probe);
}

fn handler(handler: &mut Value) {
    within(handler, "httpGet", |get| {
        set_default(get, "path", json!("/"));
        set_default(get, "scheme", json!("HTTP"));
    });
    within(handler, "grpc", |grpc| set_default(grpc, "service", json!("")));
}

fn field_reference(source: &mut Value) {
    within(source, "fieldRef", |reference| {
        set_default(reference, "apiVersion", json!("v1"))
    });
}

fn volume(volume: &mut Value) {
    let mode = || json!(0o644);
    if volume
        .as_object()
        .is_some_and(|fields| fields.len() == 1 && fields.contains_key("name"))
    {
        volume["emptyDir"] = json!({});
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        within(volume, source, |source| set_default(source, "defaultMode", mode()));
    }
    within(volume, "hostPath", |path| set_default(path, "type", json!("")));
    within(volume, "downwardAPI", |downward| {
        each(downward, "items", field_reference)
    });
    within(volume, "projected", |projected| {
        each(projected, "sources", |source| {
            within(source, "serviceAccountToken", |token| {
                set_default(token, "expirationSeconds", json!(3600))
            });
            within(source, "downwardAPI", |downward| {
                each(downward, "items", field_reference)
            });
        });
    });
}

/// Defaults of pods alone, with what the usual admission plugins add.
pub(super) fn pod_only(spec: &mut Value) {
    set_default(spec, "enableServiceLinks", json!(true));
    if spec.get("serviceAccount").is_none() {
        set_default(spec, "serviceAccountName", json!("default"));
    }
    set_default(spec, "priority", json!(0));
    set_default(spec, "preemptionPolicy", json!("PreemptLowerPriority"));
    for list in ["initContainers", "containers"] {
        each(spec, list, |container| {
            within(container, "resources", |resources| {
                let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned() else {
                    return;
                };
                set_default(resources, "requests", json!({}));
                for (name, limit) in limits {
                    set_default(&mut resources["requests"], &name, limit);
                }
            });
        });
    }
    let tolerated = spec["tolerations"].as_array().cloned().unwrap_or_default();
    let missing = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
        .into_iter()
        .filter(|key| {
            !tolerated.iter().any(|toleration| {
                let any = toleration.get("key").is_none() && toleration["operator"] == "Exists";
                any || (toleration["key"] == *key
                    && toleration.get("effect").is_none_or(|effect| effect == "NoExecute"))
            })
        });
    let added: Vec<Value> = missing
        .map(|key| json!({ "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }))
        .collect();
    spec["tolerations"] = Value::Array(tolerated.into_iter().chain(added).collect());
}

/// The quality of service a pod's resources amount to.
pub(super) fn qos_class(spec: &Value) -> &'static str {
    let containers: Vec<&Value> = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|list| spec[list].as_array().into_iter().flatten())
        .collect();
    let amounts = |container: &Value, what: &str| -> Vec<Value> {
        ["cpu", "memory"]
            .into_iter()
            .filter_map(|name| container["resources"][what].get(name).cloned())
            .collect()
    };
    let none =
        |container: &&Value| amounts(container, "requests").is_empty() && amounts(container, "limits").is_empty();
    let full = |container: &&Value| {
        let limits = amounts(container, "limits");
        limits.len() == 2 && limits == amounts(container, "requests")
    };
    if containers.iter().all(none) {
        "BestEffort"
    } else if containers.iter().all(full) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}
