//! Light checks of built-in types: what a controller under test can get wrong.

use serde_json::{Value, json};

use crate::metadata;
use crate::registry::ResourceType;
use crate::selector::LabelSelector;
use crate::status::FieldError;

/// Checks an object after defaulting.
pub(crate) fn validate(resource: &ResourceType, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = metadata::validate(&object["metadata"], true);
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

/// Checks an object whose status is written.
pub(crate) fn validate_status(resource: &ResourceType, object: &Value) -> Vec<FieldError> {
    let mut errors = metadata::validate(&object["metadata"], true);
    if resource.kind == "ReplicaSet" {
        let status = &object["status"];
        let number = |field: &str| status[field].as_i64().unwrap_or(0);
        let counts = ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
        for field in counts.into_iter().chain(["observedGeneration"]) {
            not_negative(&status[field], &format!("status.{field}"), &mut errors);
        }
        let exceeds = |one: &str, other: &str, shown: &str| {
            let detail = format!("cannot be greater than {shown}");
            let error = || FieldError::invalid(format!("status.{one}"), &json!(number(one)), &detail);
            (number(one) > number(other)).then(error)
        };
        let [replicas, labelled, ready, available] = counts;
        errors.extend(exceeds(labelled, replicas, "status.replicas"));
        errors.extend(exceeds(ready, replicas, "status.replicas"));
        errors.extend(exceeds(available, replicas, "status.replicas"));
        errors.extend(exceeds(available, ready, "readyReplicas"));
    }
    errors
}

/// A finding about a selector, which is shown as Go writes it.
fn of_selector(selector: &Value, detail: &str) -> FieldError {
    let part = |name: &str, text: String| (!text.is_empty()).then(|| format!("{:?}:{text}", name));
    let text = |value: &Value| {
        if value.is_null() {
            String::new()
        } else {
            value.to_string()
        }
    };
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    let expressions: Vec<String> = expressions
        .map(|it| {
            let [key, operator] = ["key", "operator"].map(|field| it[field].as_str().unwrap_or_default());
            let values = part("values", text(&it["values"])).map_or(String::new(), |it| format!(",{it}"));
            format!("{{\"key\":{key:?},\"operator\":{operator:?}{values}}}")
        })
        .collect();
    let expressions = match expressions.as_slice() {
        [] => String::new(),
        all => format!("[{}]", all.join(",")),
    };
    let parts = [
        part("matchLabels", text(&selector["matchLabels"])),
        part("matchExpressions", expressions),
    ];
    let shown: Vec<String> = parts.into_iter().flatten().collect();
    FieldError {
        field: "spec.selector".to_owned(),
        reason: "FieldValueInvalid",
        body: format!("Invalid value: {{{}}}: {detail}", shown.join(",")),
    }
}

fn not_negative(value: &Value, field: &str, errors: &mut Vec<FieldError>) {
    if value.as_i64().is_some_and(|number| number < 0) {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(field, value, detail));
    }
}

fn workload(object: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
    let spec = &object["spec"];
    for field in ["replicas", "minReadySeconds"] {
        not_negative(&spec[field], &format!("spec.{field}"), errors);
    }
    let selector = &spec["selector"];
    let before = errors.len();
    if selector.is_null() {
        errors.push(FieldError::required("spec.selector", ""));
    } else {
        metadata::selector(selector, "spec.selector", errors);
        if LabelSelector::from_object(selector).is_empty() {
            errors.push(of_selector(selector, "empty selector is invalid for deployment"));
        }
    }
    let is_readable = errors.len() == before;
    let labels = &spec["template"]["metadata"]["labels"];
    if !selector.is_null() && !is_readable {
        errors.push(of_selector(selector, "invalid label selector"));
    } else if selector.is_null() || !LabelSelector::from_object(selector).matches(labels) {
        let shown = if labels.is_null() { &Value::Null } else { labels };
        let detail = "`selector` does not match template `labels`";
        errors.push(FieldError::invalid("spec.template.metadata.labels", shown, detail));
    }
    if is_readable {
        let template = &spec["template"]["metadata"];
        metadata::labels(&template["labels"], "spec.template.labels", errors);
        metadata::annotations(&template["annotations"], "spec.template.annotations", errors);
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
        errors.push(of_selector(selector, "field is immutable"));
    }
}

fn pod_spec(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let containers: Vec<&Value> = spec["containers"].as_array().into_iter().flatten().collect();
    if containers.is_empty() {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
    }
    let mut names: Vec<&Value> = Vec::new();
    for (index, it) in containers.iter().enumerate() {
        let at = format!("{path}.containers[{index}]");
        container(it, &at, errors);
        if names.contains(&&it["name"]) {
            errors.push(FieldError::duplicate(format!("{at}.name"), &it["name"]));
        }
        names.push(&it["name"]);
    }
}

fn container(container: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let list = |field: &str| container[field].as_array().into_iter().flatten().enumerate();
    let mut required = |value: &Value, field: String| {
        if value.as_str().is_none_or(str::is_empty) {
            errors.push(FieldError::required(field, ""));
        }
    };
    for field in ["name", "image"] {
        required(&container[field], format!("{path}.{field}"));
    }
    for (index, variable) in list("env") {
        required(&variable["name"], format!("{path}.env[{index}].name"));
    }
    for (index, port) in list("ports") {
        let field = format!("{path}.ports[{index}].containerPort");
        match port["containerPort"].as_i64().unwrap_or(0) {
            0 => errors.push(FieldError::required(field, "")),
            number => port_number(number, &field, errors),
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let handlers = ["exec", "grpc", "httpGet", "tcpSocket"];
        let probe = &container[name];
        if probe.is_object() && handlers.iter().all(|it| probe[*it].is_null()) {
            let detail = "must specify a handler type";
            errors.push(FieldError::required(format!("{path}.{name}"), detail));
        }
    }
    for part in ["limits", "requests"] {
        for (name, quantity) in container["resources"][part].as_object().into_iter().flatten() {
            if quantity.as_str().is_some_and(|it| it.starts_with('-')) {
                let field = format!("{path}.resources.{part}[{name}]");
                errors.push(FieldError::invalid(
                    field,
                    quantity,
                    "must be greater than or equal to 0",
                ));
            }
        }
    }
}

fn port_number(number: i64, field: &str, errors: &mut Vec<FieldError>) {
    if !(1..=65_535).contains(&number) {
        let detail = "must be between 1 and 65535, inclusive";
        errors.push(FieldError::invalid(field, &json!(number), detail));
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
    for (index, port) in spec["ports"].as_array().into_iter().flatten().enumerate() {
        service_port(port, &format!("spec.ports[{index}]"), errors);
    }
    one_of(
        &spec["sessionAffinity"],
        "spec.sessionAffinity",
        &["ClientIP", "None"],
        errors,
    );
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    one_of(&spec["type"], "spec.type", &types, errors);
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

fn service_port(port: &Value, path: &str, errors: &mut Vec<FieldError>) {
    port_number(port["port"].as_i64().unwrap_or(0), &format!("{path}.port"), errors);
    one_of(
        &port["protocol"],
        &format!("{path}.protocol"),
        &["SCTP", "TCP", "UDP"],
        errors,
    );
    let (target, field) = (&port["targetPort"], format!("{path}.targetPort"));
    match target.as_str() {
        None => port_number(target.as_i64().unwrap_or(0), &field, errors),
        Some(name) => {
            let mut wrong = |detail: &str| errors.push(FieldError::invalid(&field, target, detail));
            if name.len() > 15 {
                wrong("must be no more than 15 characters");
            }
            if !name
                .bytes()
                .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
            {
                wrong("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
            }
            if !name.bytes().any(|it| it.is_ascii_lowercase()) {
                wrong("must contain at least one letter (a-z)");
            }
        }
    }
}

fn one_of(value: &Value, field: &str, allowed: &[&str], errors: &mut Vec<FieldError>) {
    if value.as_str().is_some_and(|it| !allowed.contains(&it)) {
        let allowed: Vec<Value> = allowed.iter().map(|it| json!(it)).collect();
        errors.push(FieldError::unsupported(field, value, &allowed));
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
