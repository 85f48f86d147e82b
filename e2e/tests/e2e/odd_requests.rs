//! Odd requests, made by rule: objects with one place changed to what does not belong there, patches that lead nowhere, words
//! that break the syntax of labels. All are dry runs on objects that stay as they are, so that no request depends on another.

use http::Method;
use serde_json::{Value, json};
use serin_e2e::calls::{JSON_PATCH, MERGE, STRATEGIC};
use std::collections::BTreeSet;

/// One request; `{ns}` in the path stands for the namespace.
#[derive(Debug, Clone)]
pub(crate) struct Odd {
    /// What is odd about it; no two have the same.
    pub(crate) name: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) content_type: &'static str,
    pub(crate) body: Value,
}

/// A kind of object to be made odd.
struct Kind {
    /// The collection, as paths name it.
    path: &'static str,
    object: Value,
    /// A list in it with one element.
    list: &'static str,
}

/// What stands at a place where something else belongs.
fn odd_values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(3_000_000_000_u32),
        json!(1.5),
        json!(""),
        json!("x y"),
        json!("7"),
        json!([]),
        json!({}),
        json!(["a", 1]),
        json!({"a": "b"}),
    ]
}

/// Words that are label keys, label values, annotation keys and finalizers, or nearly so.
const WORDS: &[&str] = &[
    "a",
    "",
    "A.b_c-9",
    "-a",
    "a-",
    "a b",
    "a/b",
    "a/b/c",
    "/a",
    "a/",
    "Example.com/a",
    "example.com/a",
    "exa_mple.com/a",
    "example.com/-a",
    "ümlaut",
    "a..b/c",
    "kubernetes.io/a",
    "kubernetes",
    "a_b_c_d_e_f_g_h_i_j_k_l_m_n_o_p_q_r_s_t_u_v_w_x_y_z_a_b_c_d_e_f_g_h",
];

fn kinds() -> Vec<Kind> {
    let owners = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "o", "controller": true}]);
    let template = json!({
        "metadata": {"labels": {"app": "odd"}, "annotations": {"a": "b"}},
        "spec": {
            "terminationGracePeriodSeconds": 30,
            "containers": [{
                "name": "main", "image": "a:1", "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "b"}],
                "resources": {"limits": {"cpu": "1"}},
                "readinessProbe": {"httpGet": {"port": "http"}, "periodSeconds": 5},
            }],
        },
    });
    vec![
        Kind {
            path: "/api/v1/namespaces/{ns}/configmaps",
            list: "/metadata/finalizers",
            object: json!({
                "apiVersion": "v1", "kind": "ConfigMap", "immutable": false, "data": {"x": "1"},
                "metadata": {
                    "name": "odd", "labels": {"app": "odd"}, "annotations": {"a": "b"}, "finalizers": ["example.com/f"],
                    "ownerReferences": owners,
                },
            }),
        },
        Kind {
            path: "/api/v1/namespaces/{ns}/services",
            list: "/spec/ports",
            object: json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "odd"},
                "spec": {
                    "type": "ClusterIP", "selector": {"app": "odd"}, "sessionAffinity": "None",
                    "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
                },
            }),
        },
        Kind {
            path: "/apis/apps/v1/namespaces/{ns}/replicasets",
            list: "/spec/template/spec/containers",
            object: json!({
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "odd", "labels": {"app": "odd"}},
                "spec": {
                    "replicas": 0, "minReadySeconds": 1, "template": template,
                    "selector": {
                        "matchLabels": {"app": "odd"},
                        "matchExpressions": [{"key": "app", "operator": "In", "values": ["odd"]}],
                    },
                },
            }),
        },
        Kind {
            path: "/apis/argoproj.io/v1alpha1/namespaces/{ns}/rollouts",
            list: "/spec/template/spec/containers",
            object: json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
                "metadata": {"name": "odd", "labels": {"app": "odd", INSTANCE: "nobody"}, "annotations": {"a": "b"}},
                "spec": {
                    "replicas": 0, "minReadySeconds": 1, "paused": false, "restartAt": "2026-01-02T03:04:05Z",
                    "selector": {"matchLabels": {"app": "odd"}}, "template": template,
                    "strategy": {"canary": {
                        "maxSurge": "25%", "maxUnavailable": 0, "canaryMetadata": {"labels": {"role": "canary"}},
                        "steps": [{"setWeight": 20}, {"pause": {"duration": "1m"}}],
                    }},
                },
            }),
        },
    ]
}

/// No controller of ours looks at it.
const INSTANCE: &str = "argo-rollouts.argoproj.io/controller-instance-id";

/// The objects that patches are about, to be created first: path and body.
pub(crate) fn stored() -> Vec<(String, Value)> {
    kinds()
        .into_iter()
        .map(|Kind { path, mut object, .. }| {
            object["metadata"]["name"] = json!("stored");
            if let Some(metadata) = object["metadata"].as_object_mut() {
                // A dependent of what does not exist is collected.
                metadata.remove("ownerReferences");
            }
            (path.to_owned(), object)
        })
        .collect()
}

/// All requests. Of the values at each place a few are taken in turn, all of them with `all`.
pub(crate) fn requests(all: bool) -> Vec<Odd> {
    let mut turn = Turn { all, next: 0 };
    let mut requests = Vec::new();
    for kind in kinds() {
        creations(&kind, &mut turn, &mut requests);
        words(&kind, &mut turn, &mut requests);
        patches(&kind, &mut turn, &mut requests);
        json_patches(&kind, &mut requests);
        unknown_fields(&kind, &mut requests);
        if kind.path.ends_with("replicasets") || kind.path.ends_with("rollouts") {
            scales(&kind, &mut requests);
            statuses(&kind, &mut turn, &mut requests);
        }
    }
    let mut names = BTreeSet::new();
    requests.retain(|it| names.insert(it.name.clone()));
    requests
}

/// The requests with nothing odd about them, by the beginning of the names of those that are like them but for one thing.
pub(crate) fn plain() -> Vec<(String, Odd)> {
    let kinds = kinds();
    let creations = kinds.iter().map(|kind| kind.create("", kind.object.clone(), "plain"));
    let patches = kinds.iter().map(|kind| kind.patch("", "", MERGE, json!({})));
    let beginning = |it: &Odd| it.name.split(['&', ':', ' ']).take(2).collect::<Vec<_>>().join(" ");
    creations.chain(patches).map(|it| (beginning(&it), it)).collect()
}

/// Deals values out, so that each comes to many places and no place gets all.
struct Turn {
    all: bool,
    next: usize,
}

impl Turn {
    fn some<T: Clone>(&mut self, of: &[T], count: usize) -> Vec<T> {
        if self.all {
            return of.to_vec();
        }
        let first = self.next;
        // No divisor of the usual lengths, so that a place and a value do not meet again and again.
        self.next += count * 7 + 1;
        (0..count.min(of.len()))
            .filter_map(|at| of.get((first + at * 5) % of.len()).cloned())
            .collect()
    }
}

impl Kind {
    /// A request for the collection (`below` is empty) or for what is below it; `what` says what is odd.
    fn request(
        &self,
        method: Method,
        below: &str,
        query: &str,
        content_type: &'static str,
        body: Value,
        what: &str,
    ) -> Odd {
        let path = format!("{}{below}?dryRun=All{query}", self.path);
        let plural = self.path.rsplit('/').next().unwrap_or_default();
        let kind = content_type
            .trim_start_matches("application/")
            .trim_end_matches("+json");
        let kind = if kind == "json" {
            String::new()
        } else {
            format!(" {kind}")
        };
        let name = format!("{method} {plural}{below}{query}{kind}: {what}");
        Odd {
            name,
            method,
            path,
            content_type,
            body,
        }
    }

    fn create(&self, query: &str, object: Value, what: &str) -> Odd {
        self.request(Method::POST, "", query, "application/json", object, what)
    }

    /// A patch says itself what is odd.
    fn patch(&self, below: &str, query: &str, content_type: &'static str, body: Value) -> Odd {
        let what = body.to_string();
        self.request(
            Method::PATCH,
            &format!("/stored{below}"),
            query,
            content_type,
            body,
            &what,
        )
    }

    fn is_custom(&self) -> bool {
        self.path.ends_with("rollouts")
    }
}

/// Objects with one place changed.
fn creations(kind: &Kind, turn: &mut Turn, requests: &mut Vec<Odd>) {
    for place in places(&kind.object, String::new()) {
        for value in turn.some(&odd_values(), 3) {
            let (mut object, what) = (kind.object.clone(), format!("{place} = {value}"));
            put(&mut object, &place, value);
            requests.push(kind.create("", object, &what));
        }
    }
}

/// Labels, annotations and finalizers of all sorts.
fn words(kind: &Kind, turn: &mut Turn, requests: &mut Vec<Odd>) {
    for place in ["labels", "values", "annotations", "finalizers", "names"] {
        for word in turn.some(WORDS, 7) {
            let mut object = kind.object.clone();
            match place {
                "values" => object["metadata"]["labels"]["odd"] = json!(word),
                "finalizers" => object["metadata"]["finalizers"] = json!([word]),
                "names" => object["metadata"]["name"] = json!(word),
                _ => object["metadata"][place][word] = json!("x"),
            }
            requests.push(kind.create("", object, &format!("{word:?} in {place}")));
        }
    }
    if kind.path.ends_with("replicasets") {
        for word in turn.some(WORDS, 7) {
            for labels in [json!({"app": word}), json!({word: "x"})] {
                let (mut object, what) = (kind.object.clone(), format!("selects {labels}"));
                object["spec"]["template"]["metadata"]["labels"] = labels.clone();
                object["spec"]["selector"] = json!({"matchLabels": labels});
                requests.push(kind.create("", object, &what));
            }
        }
    }
}

/// Merge patches (and strategic ones) of one place of a stored object.
fn patches(kind: &Kind, turn: &mut Turn, requests: &mut Vec<Odd>) {
    for place in places(&kind.object, String::new()) {
        // A patch of a list's element is another list.
        let names: Vec<&str> = place.split('/').skip(1).collect();
        if names.iter().any(|it| it.parse::<usize>().is_ok()) {
            continue;
        }
        for value in turn.some(&odd_values(), 1) {
            let patch = names
                .iter()
                .rev()
                .fold(value, |inner, name| json!({(unescaped(name)): inner}));
            let content_type = match requests.len() % 2 {
                0 if !kind.is_custom() => STRATEGIC,
                _ => MERGE,
            };
            requests.push(kind.patch("", "", content_type, patch));
        }
    }
    for body in [
        json!([]),
        json!("x"),
        json!(null),
        json!({"$patch": "odd"}),
        json!({"metadata": {"$patch": "delete"}}),
    ] {
        requests.push(kind.patch("", "", MERGE, body.clone()));
        requests.push(kind.patch("", "", STRATEGIC, body));
    }
}

/// Operations at paths that are there, and at others.
fn json_patches(kind: &Kind, requests: &mut Vec<Odd>) {
    let list = kind.list;
    let paths = [
        "",
        "x",
        "/metadata/labels/app",
        "/metadata/labels/none",
        "/metadata/none/deeper",
        "/metadata/name",
        &format!("{list}/0"),
        &format!("{list}/9"),
        &format!("{list}/-"),
        &format!("{list}/x"),
    ];
    for path in paths {
        for op in [
            json!({"op": "add", "path": path, "value": "x"}),
            json!({"op": "replace", "path": path, "value": "x"}),
            json!({"op": "remove", "path": path}),
            json!({"op": "test", "path": path, "value": "x"}),
        ] {
            requests.push(kind.patch("", "", JSON_PATCH, json!([op])));
        }
    }
    for body in [
        json!({}),
        json!([{}]),
        json!([{"op": "odd", "path": "/metadata"}]),
        json!([{"op": "add"}]),
        json!([{"op": "add", "path": "/metadata/labels/a"}]),
        json!([{"op": "move", "path": "/metadata/labels/b", "from": "/metadata/labels/none"}]),
        json!([{"op": "copy", "path": "/metadata/labels/b", "from": "/metadata/labels/app"}]),
        json!([{"op": "copy", "path": "/metadata/labels/b"}]),
    ] {
        requests.push(kind.patch("", "", JSON_PATCH, body));
    }
}

/// Fields that nobody knows, as the client wants them treated.
fn unknown_fields(kind: &Kind, requests: &mut Vec<Odd>) {
    for place in [
        "/unknown",
        "/metadata/unknown",
        "/metadata/labelz",
        "/spec/unknown",
        "/spec/template/metadata/unknown",
    ] {
        if place.starts_with("/spec") && kind.object.get("spec").is_none() {
            continue;
        }
        let mut object = kind.object.clone();
        put(&mut object, place, json!("x"));
        for query in [
            "&fieldValidation=Strict",
            "&fieldValidation=Warn",
            "&fieldValidation=Ignore",
        ] {
            requests.push(kind.create(query, object.clone(), place));
        }
        let names: Vec<&str> = place.split('/').skip(1).collect();
        let patch = names
            .iter()
            .rev()
            .fold(json!("x"), |inner, name| json!({(*name): inner}));
        requests.push(kind.patch("", "&fieldValidation=Strict", MERGE, patch));
    }
}

/// The scale subresource.
fn scales(kind: &Kind, requests: &mut Vec<Odd>) {
    for replicas in odd_values().into_iter().chain([json!(3), json!(2_147_483_648_u32)]) {
        requests.push(kind.patch("/scale", "", MERGE, json!({"spec": {"replicas": replicas}})));
    }
    for body in [
        json!({"spec": {}}),
        json!({"spec": null}),
        json!({"status": {"replicas": 9}}),
        json!({"metadata": {"name": "else"}}),
        json!({"metadata": {"resourceVersion": "1"}}),
        json!({"metadata": {"uid": "else"}}),
        json!({"unknown": 1}),
    ] {
        requests.push(kind.patch("/scale", "", MERGE, body));
    }
    let scale = |spec: Value, name: &str| json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": name}, "spec": spec});
    for body in [
        scale(json!({"replicas": 2}), "stored"),
        scale(json!({"replicas": -1}), "stored"),
        scale(json!({"replicas": "2"}), "stored"),
        scale(json!({}), "stored"),
        scale(json!({"replicas": 2}), "else"),
        json!({"spec": {"replicas": 2}}),
    ] {
        let what = body.to_string();
        requests.push(kind.request(Method::PUT, "/stored/scale", "", "application/json", body, &what));
    }
    requests.push(kind.patch(
        "/scale",
        "",
        JSON_PATCH,
        json!([{"op": "replace", "path": "/spec/replicas", "value": -1}]),
    ));
    requests.push(kind.patch(
        "/scale",
        "",
        JSON_PATCH,
        json!([{"op": "replace", "path": "/spec/none", "value": 1}]),
    ));
}

/// Statuses of the wrong types.
fn statuses(kind: &Kind, turn: &mut Turn, requests: &mut Vec<Odd>) {
    for field in [
        "replicas",
        "readyReplicas",
        "availableReplicas",
        "observedGeneration",
        "conditions",
    ] {
        for value in turn.some(&odd_values(), 4) {
            requests.push(kind.patch("/status", "", MERGE, json!({"status": {field: value}})));
        }
    }
    for status in turn.some(&odd_values(), 6) {
        requests.push(kind.patch("/status", "", MERGE, json!({"status": status})));
    }
    for condition in [
        json!({}),
        json!({"type": "A"}),
        json!({"type": "A", "status": 1}),
        json!({"type": "A", "status": "True", "lastTransitionTime": "never"}),
        json!({"type": "A", "status": "Odd", "reason": "", "message": null, "lastTransitionTime": null}),
        json!("A"),
    ] {
        requests.push(kind.patch(
            "/status",
            "",
            MERGE,
            json!({"status": {"replicas": 0, "conditions": [condition]}}),
        ));
    }
    requests.push(kind.patch("/status", "", MERGE, json!({"metadata": {"labels": {"-a": "x"}}})));
    requests.push(kind.patch("/status", "", MERGE, json!({"spec": {"replicas": -1}})));
}

/// Pointers to all that stands in an object, but for itself.
fn places(value: &Value, at: String) -> Vec<String> {
    let below: Vec<String> = match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| places(value, format!("{at}/{}", escaped(name))))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, value)| places(value, format!("{at}/{index}")))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let itself = (!at.is_empty()).then_some(at);
    itself.into_iter().chain(below).collect()
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unescaped(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

/// Sets a place; its parents are there.
fn put(object: &mut Value, place: &str, value: Value) {
    let (parent, name) = place.rsplit_once('/').unwrap_or_default();
    match object.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.insert(unescaped(name), value);
        }
        Some(Value::Array(items)) => {
            if let Some(item) = name.parse().ok().and_then(|at: usize| items.get_mut(at)) {
                *item = value;
            }
        }
        _ => {}
    }
}
