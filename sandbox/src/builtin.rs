//! Defaults of built-in types, as far as clients see them; [`validate`] has the checks, [`pod`] the pod templates.

mod pod;
mod validate;

pub(crate) use validate::{validate, validate_status};

use serde_json::{Map, Value, json};

use crate::registry::ResourceType;
use crate::state::State;

/// Go decodes a null as an absent field.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Sets a field that is absent.
fn set_default(object: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.entry(field).or_insert(value);
    }
}

/// Calls `change` on a field that is an object.
fn within(object: &mut Value, field: &str, change: impl FnOnce(&mut Value)) {
    if let Some(inner) = object.get_mut(field).filter(|inner| inner.is_object()) {
        change(inner);
    }
}

/// Calls `change` on each element of a list.
fn each(object: &mut Value, field: &str, change: impl FnMut(&mut Value)) {
    if let Some(Value::Array(items)) = object.get_mut(field) {
        items.iter_mut().for_each(change);
    }
}

fn network_policy(spec: &mut Value) {
    // An empty selector is a required part, not an absent one.
    set_default(spec, "podSelector", json!({}));
    for side in ["ingress", "egress"] {
        each(spec, side, |rule| {
            each(rule, "ports", |port| set_default(port, "protocol", json!("TCP")));
        });
    }
    let ends = spec["egress"].as_array().is_some_and(|rules| !rules.is_empty());
    let types = if ends {
        json!(["Ingress", "Egress"])
    } else {
        json!(["Ingress"])
    };
    set_default(spec, "policyTypes", types);
}

/// Fills in what a real API server fills in.
pub(crate) fn apply_defaults(state: &mut State, resource: &ResourceType, object: &mut Value, old: Option<&Value>) {
    match resource.kind.as_str() {
        "Pod" => {
            within(object, "spec", pod::pod_only);
            within(object, "spec", pod::spec);
            if old.is_none() {
                object["status"]["qosClass"] = json!(pod::qos_class(&object["spec"]));
            }
        }
        "ReplicaSet" => within(object, "spec", |spec| {
            set_default(spec, "replicas", json!(1));
            template(spec);
        }),
        "Deployment" => within(object, "spec", deployment),
        "Job" => job(object),
        "Service" => service(state, object, old),
        "NetworkPolicy" => within(object, "spec", network_policy),
        "Namespace" => {
            let name = object["metadata"]["name"].clone();
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
            set_default(object, "spec", json!({}));
            if old.is_none() {
                object["spec"]["finalizers"] = json!(["kubernetes"]);
            }
        }
        "Secret" => secret(object),
        "CustomResourceDefinition" => within(object, "spec", |spec| {
            set_default(spec, "conversion", json!({ "strategy": "None" }));
            within(spec, "names", |names| {
                let kind = names["kind"].as_str().unwrap_or_default().to_owned();
                set_default(names, "singular", json!(kind.to_lowercase()));
                set_default(names, "listKind", json!(format!("{kind}List")));
            });
        }),
        "RoleBinding" | "ClusterRoleBinding" => {
            within(object, "roleRef", |role| {
                set_default(role, "apiGroup", json!("rbac.authorization.k8s.io"))
            });
            each(object, "subjects", |subject| {
                if subject["kind"] != "ServiceAccount" {
                    set_default(subject, "apiGroup", json!("rbac.authorization.k8s.io"));
                }
            });
        }
        _ => {}
    }
}

fn template(spec: &mut Value) {
    within(spec, "template", |template| within(template, "spec", pod::spec));
}

fn deployment(spec: &mut Value) {
    set_default(spec, "replicas", json!(1));
    set_default(spec, "revisionHistoryLimit", json!(10));
    set_default(spec, "progressDeadlineSeconds", json!(600));
    set_default(spec, "strategy", json!({}));
    within(spec, "strategy", |strategy| {
        set_default(strategy, "type", json!("RollingUpdate"));
        if strategy["type"] == "RollingUpdate" {
            set_default(strategy, "rollingUpdate", json!({}));
            within(strategy, "rollingUpdate", |rolling| {
                set_default(rolling, "maxSurge", json!("25%"));
                set_default(rolling, "maxUnavailable", json!("25%"));
            });
        }
    });
    template(spec);
}

fn job(object: &mut Value) {
    let uid = object["metadata"]["uid"].clone();
    let name = object["metadata"]["name"].clone();
    within(object, "spec", |spec| {
        if spec.get("completions").is_none() && spec.get("parallelism").is_none() {
            set_default(spec, "completions", json!(1));
        }
        set_default(spec, "parallelism", json!(1));
        set_default(spec, "backoffLimit", json!(6));
        set_default(spec, "completionMode", json!("NonIndexed"));
        set_default(spec, "suspend", json!(false));
        set_default(spec, "podReplacementPolicy", json!("TerminatingOrFailed"));
        if spec.get("manualSelector").is_none_or(|manual| manual == false) {
            set_default(
                spec,
                "selector",
                json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } }),
            );
            within(spec, "template", |template| {
                set_default(template, "metadata", json!({}));
                within(template, "metadata", |metadata| {
                    set_default(metadata, "labels", json!({}))
                });
                let labels = &mut template["metadata"]["labels"];
                for (key, value) in [
                    ("batch.kubernetes.io/controller-uid", &uid),
                    ("batch.kubernetes.io/job-name", &name),
                    ("controller-uid", &uid),
                    ("job-name", &name),
                ] {
                    set_default(labels, key, value.clone());
                }
            });
        }
        template(spec);
    });
}

fn service(state: &mut State, object: &mut Value, old: Option<&Value>) {
    set_default(object, "spec", json!({}));
    let counter = &mut state.counter;
    let mut next = || {
        *counter += 1;
        *counter
    };
    within(object, "spec", |spec| {
        set_default(spec, "type", json!("ClusterIP"));
        set_default(spec, "sessionAffinity", json!("None"));
        each(spec, "ports", |port| {
            let number = port["port"].clone();
            set_default(port, "protocol", json!("TCP"));
            set_default(port, "targetPort", number);
        });
        if spec["type"] == "ExternalName" {
            return;
        }
        set_default(spec, "internalTrafficPolicy", json!("Cluster"));
        let kept = old.and_then(|old| old["spec"]["clusterIP"].as_str()).map(str::to_owned);
        if spec["clusterIP"].as_str().is_none_or(str::is_empty) {
            let address = kept.unwrap_or_else(|| {
                let number = next();
                format!("10.96.{}.{}", (number / 250) % 256, number % 250 + 2)
            });
            spec["clusterIP"] = json!(address);
        }
        spec["clusterIPs"] = json!([spec["clusterIP"]]);
        set_default(spec, "ipFamilies", json!(["IPv4"]));
        set_default(spec, "ipFamilyPolicy", json!("SingleStack"));
        if matches!(spec["type"].as_str(), Some("NodePort" | "LoadBalancer")) {
            set_default(spec, "externalTrafficPolicy", json!("Cluster"));
            each(spec, "ports", |port| {
                if port.get("nodePort").is_none() {
                    port["nodePort"] = json!(30_000 + next() % 2_768);
                }
            });
        }
        if spec["type"] == "LoadBalancer" {
            set_default(spec, "allocateLoadBalancerNodePorts", json!(true));
        }
    });
}

fn secret(object: &mut Value) {
    set_default(object, "type", json!("Opaque"));
    let Some(Value::Object(plain)) = object.as_object_mut().and_then(|fields| fields.remove("stringData")) else {
        return;
    };
    set_default(object, "data", Value::Object(Map::new()));
    for (key, value) in plain {
        object["data"][key] = json!(base64(value.as_str().unwrap_or_default().as_bytes()));
    }
}

/// Standard base64 with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}
