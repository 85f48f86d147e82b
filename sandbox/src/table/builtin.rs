//! Columns and cells of built-in types, as the printers of Kubernetes make them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Column;
use super::text::{age, human, labels, selector};

/// Name, type, priority.
type Row = (&'static str, &'static str, i64);

const AGE: Row = ("Age", "string", 0);
const WORKLOAD: [Row; 3] = [
    ("Containers", "string", 1),
    ("Images", "string", 1),
    ("Selector", "string", 1),
];

/// The columns of a kind, Name not among them.
fn rows(kind: &str) -> Vec<Row> {
    let text = |names: &[&'static str]| names.iter().map(|name| (*name, "string", 0)).collect::<Vec<Row>>();
    let wide = |names: &[&'static str]| names.iter().map(|name| (*name, "string", 1)).collect::<Vec<Row>>();
    match kind {
        "Pod" => [
            text(&["Ready", "Status", "Restarts", "Age"]),
            wide(&["IP", "Node", "Nominated Node", "Readiness Gates"]),
        ]
        .concat(),
        "ReplicaSet" => [
            vec![
                ("Desired", "integer", 0),
                ("Current", "integer", 0),
                ("Ready", "integer", 0),
                AGE,
            ],
            WORKLOAD.to_vec(),
        ]
        .concat(),
        "Deployment" => [
            vec![
                ("Ready", "string", 0),
                ("Up-to-date", "string", 0),
                ("Available", "string", 0),
                AGE,
            ],
            WORKLOAD.to_vec(),
        ]
        .concat(),
        "Job" => [text(&["Status", "Completions", "Duration", "Age"]), WORKLOAD.to_vec()].concat(),
        "Service" => [
            text(&["Type", "Cluster-IP", "External-IP", "Port(s)", "Age"]),
            wide(&["Selector"]),
        ]
        .concat(),
        "NetworkPolicy" => text(&["Pod-Selector", "Age"]),
        "Ingress" => text(&["Class", "Hosts", "Address", "Ports", "Age"]),
        "Node" => [
            text(&["Status", "Roles", "Age", "Version"]),
            wide(&[
                "Internal-IP",
                "External-IP",
                "OS-Image",
                "Kernel-Version",
                "Container-Runtime",
            ]),
        ]
        .concat(),
        "ConfigMap" => text(&["Data", "Age"]),
        "Secret" => text(&["Type", "Data", "Age"]),
        "Namespace" => text(&["Status", "Age"]),
        "Endpoints" => text(&["Endpoints", "Age"]),
        "Lease" => text(&["Holder", "Age"]),
        "PodDisruptionBudget" => text(&["Min Available", "Max Unavailable", "Allowed Disruptions", "Age"]),
        "RoleBinding" | "ClusterRoleBinding" => {
            [text(&["Role", "Age"]), wide(&["Users", "Groups", "ServiceAccounts"])].concat()
        }
        "Role" | "ClusterRole" | "CustomResourceDefinition" => text(&["Created At"]),
        _ => vec![AGE],
    }
}

/// The column definitions of a kind.
pub(super) fn columns(kind: &str) -> Vec<Column> {
    if kind == "Event" {
        let rows: [Row; 10] = [
            ("Last Seen", "string", 0),
            ("Type", "string", 0),
            ("Reason", "string", 0),
            ("Object", "string", 0),
            ("Subobject", "string", 1),
            ("Source", "string", 1),
            ("Message", "string", 0),
            ("First Seen", "string", 1),
            ("Count", "string", 1),
            ("Name", "string", 1),
        ];
        return rows
            .iter()
            .map(|(name, kind, priority)| Column::plain(name, kind, *priority))
            .collect();
    }
    let mut all = vec![Column::plain("Name", "string", 0)];
    all.extend(
        rows(kind)
            .iter()
            .map(|(name, kind, priority)| Column::plain(name, kind, *priority)),
    );
    all
}

fn or_none(value: &Value) -> Value {
    match value.as_str() {
        None | Some("") => json!("<none>"),
        Some(text) => json!(text),
    }
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn names(list: &Value, field: &str) -> String {
    items(list)
        .filter_map(|item| item[field].as_str())
        .collect::<Vec<_>>()
        .join(",")
}

/// The cells of an object.
pub(super) fn cells(kind: &str, object: &Value, now: Timestamp) -> Vec<Value> {
    if kind == "Event" {
        return event(object, now);
    }
    let old = json!(age(object["metadata"]["creationTimestamp"].as_str(), now));
    let (spec, status) = (&object["spec"], &object["status"]);
    let workload = || {
        let containers = &spec["template"]["spec"]["containers"];
        [
            json!(names(containers, "name")),
            json!(names(containers, "image")),
            json!(selector(&spec["selector"])),
        ]
    };
    let mut cells = vec![object["metadata"]["name"].clone()];
    match kind {
        "Pod" => cells.extend(pod(object, old, now)),
        "ReplicaSet" => {
            let counts = [&spec["replicas"], &status["replicas"], &status["readyReplicas"]];
            cells.extend(counts.map(|count| json!(number(count))));
            cells.push(old);
            cells.extend(workload());
        }
        "Deployment" => {
            cells.push(json!(format!(
                "{}/{}",
                number(&status["readyReplicas"]),
                number(&spec["replicas"])
            )));
            cells.push(json!(number(&status["updatedReplicas"]).to_string()));
            cells.push(json!(number(&status["availableReplicas"]).to_string()));
            cells.push(old);
            cells.extend(workload());
        }
        "Job" => {
            cells.extend(job(object, old, now));
            cells.extend(workload());
        }
        "Service" => cells.extend(service(object, old)),
        "Ingress" => cells.extend(ingress(object, old)),
        "NetworkPolicy" => cells.extend([json!(selector(&spec["podSelector"])), old]),
        "Node" => cells.extend(node(object, old)),
        "ConfigMap" => {
            let count = |field: &str| object[field].as_object().map_or(0, serde_json::Map::len);
            cells.extend([json!((count("data") + count("binaryData")).to_string()), old]);
        }
        "Secret" => {
            let count = object["data"].as_object().map_or(0, serde_json::Map::len);
            cells.extend([object["type"].clone(), json!(count.to_string()), old]);
        }
        "Namespace" => cells.extend([status["phase"].clone(), old]),
        "Endpoints" => cells.extend([endpoints(object), old]),
        "Lease" => cells.extend([json!(spec["holderIdentity"].as_str().unwrap_or_default()), old]),
        "PodDisruptionBudget" => {
            let limit = |value: &Value| match value {
                Value::Null => json!("N/A"),
                Value::String(text) => json!(text),
                other => json!(other.to_string()),
            };
            let allowed = json!(number(&status["disruptionsAllowed"]));
            cells.extend([
                limit(&spec["minAvailable"]),
                limit(&spec["maxUnavailable"]),
                allowed,
                old,
            ]);
        }
        "RoleBinding" | "ClusterRoleBinding" => cells.extend(binding(object, old)),
        "Role" | "ClusterRole" | "CustomResourceDefinition" => {
            cells.push(object["metadata"]["creationTimestamp"].clone());
        }
        _ => cells.push(old),
    }
    cells
}

fn pod(object: &Value, old: Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let phase = status["phase"].as_str().unwrap_or_default();
    let mut reason = status["reason"]
        .as_str()
        .filter(|text| !text.is_empty())
        .unwrap_or(phase)
        .to_owned();
    let (mut ready, mut restarts, mut running, mut last) = (0, 0, false, None);
    // Backwards: the first container has the last word.
    for container in items(&status["containerStatuses"])
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
    {
        restarts += number(&container["restartCount"]);
        last = last.max(container["lastState"]["terminated"]["finishedAt"].as_str());
        let (waiting, ended) = (
            &container["state"]["waiting"]["reason"],
            &container["state"]["terminated"],
        );
        if let Some(text) = waiting.as_str().filter(|text| !text.is_empty()) {
            text.clone_into(&mut reason);
        } else if ended.is_object() {
            reason = match ended["reason"].as_str().filter(|text| !text.is_empty()) {
                Some(text) => text.to_owned(),
                None => format!("ExitCode:{}", number(&ended["exitCode"])),
            };
        } else if container["ready"] == true && container["state"]["running"].is_object() {
            running = true;
            ready += 1;
        }
    }
    let is_true = |kind: &str| items(&status["conditions"]).any(|it| it["type"] == kind && it["status"] == "True");
    if reason == "Completed" && running {
        (if is_true("Ready") { "Running" } else { "NotReady" }).clone_into(&mut reason);
    }
    if object["metadata"].get("deletionTimestamp").is_some() && !matches!(phase, "Succeeded" | "Failed") {
        "Terminating".clone_into(&mut reason);
    }
    let restarts = match last {
        Some(last) if restarts > 0 => format!("{restarts} ({} ago)", age(Some(last), now)),
        _ => restarts.to_string(),
    };
    let gates: Vec<&Value> = items(&spec["readinessGates"]).collect();
    let open = gates
        .iter()
        .filter(|gate| is_true(gate["conditionType"].as_str().unwrap_or_default()))
        .count();
    let gates = if gates.is_empty() {
        "<none>".to_owned()
    } else {
        format!("{open}/{}", gates.len())
    };
    let total = items(&spec["containers"]).count();
    vec![
        json!(format!("{ready}/{total}")),
        json!(reason),
        json!(restarts),
        old,
        or_none(&status["podIPs"][0]["ip"]),
        or_none(&spec["nodeName"]),
        or_none(&status["nominatedNodeName"]),
        json!(gates),
    ]
}

fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let stamp = |fields: [&str; 2]| {
        let found = fields.iter().find_map(|field| object[*field].as_str());
        age(found, now)
    };
    let about = &object["involvedObject"];
    let kind = about["kind"].as_str().unwrap_or_default().to_lowercase();
    let target = match about["name"].as_str().filter(|name| !name.is_empty()) {
        Some(name) => format!("{kind}/{name}"),
        None => kind,
    };
    let source = [&object["source"]["component"], &object["reportingComponent"]];
    let source = source
        .iter()
        .find_map(|value| value.as_str().filter(|text| !text.is_empty()))
        .unwrap_or_default();
    let host = object["source"]["host"].as_str().filter(|host| !host.is_empty());
    let text = |value: &Value| json!(value.as_str().unwrap_or_default().trim());
    vec![
        json!(stamp(["lastTimestamp", "eventTime"])),
        text(&object["type"]),
        text(&object["reason"]),
        json!(target),
        text(&about["fieldPath"]),
        json!(host.map_or_else(|| source.to_owned(), |host| format!("{source}, {host}"))),
        text(&object["message"]),
        json!(stamp(["firstTimestamp", "eventTime"])),
        json!(number(&object["count"]).max(1)),
        object["metadata"]["name"].clone(),
    ]
}

fn job(object: &Value, old: Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let has = |kind: &str| items(&status["conditions"]).any(|it| it["type"] == kind && it["status"] == "True");
    let state = match (has("Complete"), has("Failed")) {
        (true, _) => "Complete",
        (_, true) => "Failed",
        _ if object["metadata"].get("deletionTimestamp").is_some() => "Terminating",
        _ if has("Suspended") => "Suspended",
        _ => "Running",
    };
    let succeeded = number(&status["succeeded"]);
    let completions = match (spec["completions"].as_i64(), number(&spec["parallelism"])) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, parallel @ 2..) => format!("{succeeded}/1 of {parallel}"),
        (None, _) => format!("{succeeded}/1"),
    };
    let time = |field: &str| status[field].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let lasted = time("startTime").map(|start| {
        let end = time("completionTime").unwrap_or(now);
        human(end.as_second() - start.as_second())
    });
    vec![json!(state), json!(completions), json!(lasted.unwrap_or_default()), old]
}

fn service(object: &Value, old: Value) -> Vec<Value> {
    let spec = &object["spec"];
    let ports = items(&spec["ports"]).map(|port| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        match port["nodePort"].as_i64() {
            Some(node) => format!("{}:{node}/{protocol}", number(&port["port"])),
            None => format!("{}/{protocol}", number(&port["port"])),
        }
    });
    let ports = ports.collect::<Vec<_>>().join(",");
    let kind = spec["type"].as_str().unwrap_or_default();
    let external = match kind {
        "ExternalName" => spec["externalName"].as_str().unwrap_or_default().to_owned(),
        "LoadBalancer" => {
            let addresses = names(&object["status"]["loadBalancer"]["ingress"], "ip");
            if addresses.is_empty() {
                "<pending>".to_owned()
            } else {
                addresses
            }
        }
        _ => {
            let addresses = items(&spec["externalIPs"])
                .filter_map(Value::as_str)
                .collect::<Vec<_>>();
            if addresses.is_empty() {
                "<none>".to_owned()
            } else {
                addresses.join(",")
            }
        }
    };
    vec![
        json!(kind),
        or_none(&spec["clusterIPs"][0]),
        json!(external),
        json!(if ports.is_empty() { "<none>" } else { &ports }),
        old,
        json!(labels(&spec["selector"])),
    ]
}

fn ingress(object: &Value, old: Value) -> Vec<Value> {
    let spec = &object["spec"];
    let hosts = names(&spec["rules"], "host");
    let ports = if spec["tls"].as_array().is_some_and(|list| !list.is_empty()) {
        "80, 443"
    } else {
        "80"
    };
    vec![
        or_none(&spec["ingressClassName"]),
        json!(if hosts.is_empty() { "*" } else { &hosts }),
        json!(names(&object["status"]["loadBalancer"]["ingress"], "ip")),
        json!(ports),
        old,
    ]
}

fn node(object: &Value, old: Value) -> Vec<Value> {
    let status = &object["status"];
    let ready = items(&status["conditions"]).find(|it| it["type"] == "Ready");
    let mut state = match ready.map(|it| &it["status"]) {
        None => "Unknown".to_owned(),
        Some(value) if value == "True" => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
    };
    if object["spec"]["unschedulable"] == true {
        state.push_str(",SchedulingDisabled");
    }
    let roles = object["metadata"]["labels"]
        .as_object()
        .into_iter()
        .flat_map(|labels| labels.keys());
    let roles: Vec<&str> = roles
        .filter_map(|key| key.strip_prefix("node-role.kubernetes.io/"))
        .collect();
    let address = |kind: &str| {
        let found = items(&status["addresses"]).find(|it| it["type"] == kind);
        or_none(found.map_or(&Value::Null, |it| &it["address"]))
    };
    let info = |field: &str| match status["nodeInfo"][field].as_str() {
        None | Some("") => json!("<unknown>"),
        Some(text) => json!(text),
    };
    vec![
        json!(state),
        json!(if roles.is_empty() {
            "<none>".to_owned()
        } else {
            roles.join(",")
        }),
        old,
        json!(status["nodeInfo"]["kubeletVersion"].as_str().unwrap_or_default()),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn endpoints(object: &Value) -> Value {
    let mut all = Vec::new();
    for subset in items(&object["subsets"]) {
        for address in items(&subset["addresses"]).filter_map(|it| it["ip"].as_str()) {
            all.extend(items(&subset["ports"]).map(|port| format!("{address}:{}", number(&port["port"]))));
        }
    }
    match all.len() {
        0 => json!("<none>"),
        1..=3 => json!(all.join(",")),
        more => json!(format!("{} + {} more...", all[..3].join(","), more - 3)),
    }
}

fn binding(object: &Value, old: Value) -> Vec<Value> {
    let role = &object["roleRef"];
    let of = |kind: &str| {
        let subjects = items(&object["subjects"]).filter(|it| it["kind"] == kind);
        let name = |it: &Value| {
            let name = it["name"].as_str().unwrap_or_default();
            match it["namespace"].as_str().filter(|_| kind == "ServiceAccount") {
                Some(namespace) => format!("{namespace}/{name}"),
                None => name.to_owned(),
            }
        };
        json!(subjects.map(name).collect::<Vec<_>>().join(", "))
    };
    let text = |field: &str| role[field].as_str().unwrap_or_default();
    vec![
        json!(format!("{}/{}", text("kind"), text("name"))),
        old,
        of("User"),
        of("Group"),
        of("ServiceAccount"),
    ]
}
