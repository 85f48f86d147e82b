//! `validation/pod`: pods that the API server refuses. Upstream's lint has the whole of Kubernetes' validation; these are
//! the rules that overlays break.

use crate::rules::Rule;
use crate::rules::finding::Severity;
use crate::rules::names::PODS;
use crate::rules::path::find as reach;
use crate::rules::seen::{Found, Seen};
use serde_json::Value;
use serin_gitops::yaml::FieldPath;
use std::collections::BTreeSet;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "validation/pod",
    severity: Severity::Error,
    title: "the API server refuses the pods of a template",
    page: include_str!("../../../../docs/rules/validation.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, object) in seen.objects() {
        if seen.losses().iter().any(|loss| loss.object == index) {
            continue; // What is missing is told at the patch that took it: RK001, RK002.
        }
        for (_, pattern) in PODS.iter().filter(|(kind, _)| object.is_ours(kind)) {
            for (path, pod) in reach(&object.value, pattern) {
                // With a workload reference the template says nothing.
                if object.value["spec"]["workloadRef"].is_null() {
                    of_pod(found, index, &path, pod);
                }
            }
        }
        let templates = object.is_ours("Rollout") && object.value["spec"]["workloadRef"].is_null();
        if templates && object.value.pointer("/spec/template/spec").is_none() && object.value["spec"].is_object() {
            let path = FieldPath::parse("spec.template");
            found.add(index, &path, "spec.template.spec.containers: Required value");
        }
    }
}

fn of_pod(found: &mut Found<'_, '_>, index: usize, path: &FieldPath, pod: &Value) {
    if pod["containers"].as_array().is_none_or(Vec::is_empty) {
        found.add(index, path, format!("{path}.containers: Required value"));
    }
    let volumes: BTreeSet<&str> = names(&pod["volumes"]).collect();
    duplicates(found, index, &path.key("volumes"), &pod["volumes"], "name");
    let mut containers = BTreeSet::new();
    for list in ["initContainers", "containers"] {
        for (position, container) in pod[list].as_array().into_iter().flatten().enumerate() {
            let path = path.key(list).index(position);
            match container["name"].as_str() {
                None | Some("") => tell(found, index, &path, "name: Required value"),
                Some(name) if !containers.insert(name) => {
                    found.add(
                        index,
                        &path.key("name"),
                        format!("{path}.name: Duplicate value: {name:?}"),
                    );
                }
                Some(name) if !is_label(name) => {
                    let message = format!("{path}.name: Invalid value: {name:?}: a lowercase RFC 1123 label is needed");
                    found.add(index, &path.key("name"), message);
                }
                Some(_) => {}
            }
            of_container(found, index, &path, container, &volumes);
        }
    }
}

fn of_container(
    found: &mut Found<'_, '_>,
    index: usize,
    path: &FieldPath,
    container: &Value,
    volumes: &BTreeSet<&str>,
) {
    match container["image"].as_str() {
        None | Some("") => tell(found, index, path, "image: Required value"),
        Some(image) if image.contains(char::is_whitespace) => {
            let message = format!("{path}.image: Invalid value: {image:?}: it has a space");
            found.add(index, &path.key("image"), message);
        }
        Some(_) => {}
    }
    for (position, mount) in container["volumeMounts"].as_array().into_iter().flatten().enumerate() {
        let at = path.key("volumeMounts").index(position);
        let name = mount["name"].as_str().unwrap_or_default();
        if !volumes.contains(name) {
            found.add(index, &at.key("name"), format!("{at}.name: Not found: {name:?}"));
        }
        if mount["mountPath"].as_str().unwrap_or_default().is_empty() {
            tell(found, index, &at, "mountPath: Required value");
        }
    }
    duplicates(
        found,
        index,
        &path.key("volumeMounts"),
        &container["volumeMounts"],
        "mountPath",
    );
    duplicates(found, index, &path.key("ports"), &container["ports"], "name");
    for (position, port) in container["ports"].as_array().into_iter().flatten().enumerate() {
        let at = path.key("ports").index(position).key("containerPort");
        let number = port["containerPort"].as_i64();
        if number.is_some_and(|port| !(1..=65535).contains(&port)) {
            let message = format!(
                "{at}: Invalid value: {}: must be between 1 and 65535, inclusive",
                port["containerPort"]
            );
            found.add(index, &at, message);
        }
    }
    for (position, variable) in container["env"].as_array().into_iter().flatten().enumerate() {
        let at = path.key("env").index(position);
        let both =
            variable["value"].as_str().is_some_and(|value| !value.is_empty()) && variable["valueFrom"].is_object();
        if both {
            let message =
                format!("{at}.valueFrom: Invalid value: \"\": may not be specified when `value` is not empty");
            found.add(index, &at.key("valueFrom"), message);
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let at = path.key(probe);
        let Some(map) = container[probe].as_object() else {
            continue;
        };
        let handlers = ["httpGet", "tcpSocket", "exec", "grpc"]
            .iter()
            .filter(|name| map.contains_key(**name))
            .count();
        match handlers {
            0 => tell(found, index, &at, "Required value: must specify a handler type"),
            1 => {}
            _ => tell(found, index, &at, "Forbidden: may not specify more than 1 handler type"),
        }
    }
}

fn tell(found: &mut Found<'_, '_>, index: usize, path: &FieldPath, message: &str) {
    let joint = if message.starts_with(char::is_uppercase) {
        ": "
    } else {
        "."
    };
    found.add(index, path, format!("{path}{joint}{message}"));
}

fn names(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["name"].as_str())
}

fn duplicates(found: &mut Found<'_, '_>, index: usize, path: &FieldPath, list: &Value, key: &str) {
    let mut told = BTreeSet::new();
    for (position, item) in list.as_array().into_iter().flatten().enumerate() {
        let Some(name) = item[key].as_str() else { continue };
        if !told.insert(name) {
            let at = path.index(position).key(key);
            found.add(index, &at, format!("{at}: Duplicate value: {name:?}"));
        }
    }
}

/// A DNS label (RFC 1123).
fn is_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 63 && name.chars().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}
