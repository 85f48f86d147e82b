//! Light checks of built-in types: what a controller under test can get wrong.

use serde_json::{Value, json};

use crate::registry::ResourceType;
use crate::selector::LabelSelector;
use crate::status::FieldError;

/// Checks an object after defaulting.
pub(crate) fn validate(resource: &ResourceType, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    owner_references(&object["metadata"], &mut errors);
    match resource.kind.as_str() {
        "ReplicaSet" | "Deployment" => workload(object, old, &mut errors),
        "Job" => pod_spec(&object["spec"]["template"]["spec"], "spec.template.spec", &mut errors),
        "Pod" => match old {
            None => pod_spec(&object["spec"], "spec", &mut errors),
            Some(old) => pod_update(object, old, &mut errors),
        },
        "Service" => service(object, old, &mut errors),
        "CustomResourceDefinition" => definition(object, &mut errors),
        _ => {}
    }
    errors
}

fn owner_references(metadata: &Value, errors: &mut Vec<FieldError>) {
    let owners: Vec<&Value> = metadata["ownerReferences"].as_array().into_iter().flatten().collect();
    for (index, owner) in owners.iter().enumerate() {
        for (field, text) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if owner[field].as_str().is_none_or(str::is_empty) {
                errors.push(FieldError::invalid(
                    format!("metadata.ownerReferences[{index}].{field}"),
                    &json!(""),
                    text,
                ));
            }
        }
    }
    if owners.iter().filter(|owner| owner["controller"] == true).count() > 1 {
        let detail = "Only one reference can have Controller set to true";
        errors.push(FieldError::invalid(
            "metadata.ownerReferences",
            &metadata["ownerReferences"],
            detail,
        ));
    }
}

fn workload(object: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
    let spec = &object["spec"];
    if let Some(replicas) = spec["replicas"].as_i64().filter(|replicas| *replicas < 0) {
        errors.push(FieldError::invalid(
            "spec.replicas",
            &json!(replicas),
            "must be greater than or equal to 0",
        ));
    }
    let selector = &spec["selector"];
    if selector.is_null() {
        errors.push(FieldError::required("spec.selector", ""));
    } else if LabelSelector::from_object(selector).is_empty() {
        errors.push(FieldError::invalid(
            "spec.selector",
            selector,
            "empty selector is invalid for deployment",
        ));
    }
    let labels = &spec["template"]["metadata"]["labels"];
    if !selector.is_null() && !LabelSelector::from_object(selector).matches(labels) {
        let shown = if labels.is_null() { &Value::Null } else { labels };
        let detail = "`selector` does not match template `labels`";
        errors.push(FieldError::invalid("spec.template.metadata.labels", shown, detail));
    }
    let pod = &spec["template"]["spec"];
    pod_spec(pod, "spec.template.spec", errors);
    if pod["restartPolicy"] != "Always" && pod.is_object() {
        let field = "spec.template.spec.restartPolicy";
        errors.push(FieldError::unsupported(
            field,
            &pod["restartPolicy"],
            &[json!("Always")],
        ));
    }
    if old.is_some_and(|old| old["spec"]["selector"] != *selector) {
        errors.push(FieldError::invalid("spec.selector", selector, "field is immutable"));
    }
}

fn pod_spec(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let containers: Vec<&Value> = spec["containers"].as_array().into_iter().flatten().collect();
    if containers.is_empty() {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
    }
    let mut names: Vec<&Value> = Vec::new();
    for (index, container) in containers.iter().enumerate() {
        for field in ["name", "image"] {
            if container[field].as_str().is_none_or(str::is_empty) {
                errors.push(FieldError::required(format!("{path}.containers[{index}].{field}"), ""));
            }
        }
        if names.contains(&&container["name"]) {
            errors.push(FieldError::duplicate(
                format!("{path}.containers[{index}].name"),
                &container["name"],
            ));
        }
        names.push(&container["name"]);
    }
}

/// Of a running pod little may change.
fn pod_update(object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let fixed = |object: &Value| {
        let mut spec = object["spec"].clone();
        for list in ["containers", "initContainers"] {
            for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                container["image"] = Value::Null;
            }
        }
        if let Some(fields) = spec.as_object_mut() {
            for field in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"] {
                fields.remove(field);
            }
        }
        spec
    };
    if fixed(object) != fixed(old) {
        let detail = "pod updates may not change fields other than `spec.containers[*].image`,\
                      `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to \
                      existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
                      previously negative)";
        errors.push(FieldError::forbidden("spec", detail));
    }
}

fn service(object: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
    let spec = &object["spec"];
    let headless = spec["clusterIP"] == "None" || spec["type"] == "ExternalName";
    if !headless && spec["ports"].as_array().is_none_or(Vec::is_empty) {
        errors.push(FieldError::required("spec.ports", ""));
    }
    let before = old
        .map(|old| &old["spec"]["clusterIP"])
        .filter(|address| address.is_string());
    if before.is_some_and(|before| spec["type"] != "ExternalName" && *before != spec["clusterIP"]) {
        errors.push(FieldError::invalid(
            "spec.clusterIPs[0]",
            &spec["clusterIP"],
            "may not change once set",
        ));
    }
}

fn definition(object: &Value, errors: &mut Vec<FieldError>) {
    let spec = &object["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let wanted = format!("{}.{}", text(&spec["names"]["plural"]), text(&spec["group"]));
    if object["metadata"]["name"] != wanted.as_str() {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid(
            "metadata.name",
            &object["metadata"]["name"],
            detail,
        ));
    }
    for (field, value) in [
        ("spec.group", &spec["group"]),
        ("spec.names.kind", &spec["names"]["kind"]),
    ] {
        if text(value).is_empty() {
            errors.push(FieldError::required(field, ""));
        }
    }
    let versions: Vec<&Value> = spec["versions"].as_array().into_iter().flatten().collect();
    if versions.iter().filter(|version| version["storage"] == true).count() != 1 {
        let detail = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid("spec.versions", &spec["versions"], detail));
    }
    for (index, version) in versions.iter().enumerate() {
        if !version["schema"]["openAPIV3Schema"].is_object() {
            let field = format!("spec.versions[{index}].schema.openAPIV3Schema");
            errors.push(FieldError::required(field, "schemas are required"));
        }
    }
}
