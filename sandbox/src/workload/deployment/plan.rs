//! What is to be done about a Deployment, from its state and that of its ReplicaSets alone.

use kube::api::{ApiResource, DynamicObject};
use serde_json::{Map, Value, json};

/// Counts the templates of a Deployment.
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MOST: &str = "deployment.kubernetes.io/max-replicas";
const HASH: &str = "pod-template-hash";
/// Annotations that speak of the Deployment alone.
const OWN: [&str; 2] = ["kubectl.kubernetes.io/last-applied-configuration", REVISION];

/// One request.
#[derive(Debug)]
pub(super) enum Step {
    Create(Box<DynamicObject>),
    Scale {
        set: String,
        replicas: i64,
        annotations: Map<String, Value>,
    },
    Revision(String),
    Delete(String),
}

pub(super) fn is_owned(set: &DynamicObject, uid: &str) -> bool {
    let owners = set.metadata.owner_references.iter().flatten();
    owners
        .into_iter()
        .any(|owner| owner.uid == uid && owner.controller == Some(true))
}

pub(super) fn replicas(object: &DynamicObject) -> i64 {
    object.data["spec"]["replicas"].as_i64().unwrap_or(1)
}

fn count(set: &DynamicObject, field: &str) -> i64 {
    set.data["status"][field].as_i64().unwrap_or(0)
}

fn name(set: &DynamicObject) -> String {
    set.metadata.name.clone().unwrap_or_default()
}

fn revision(object: &DynamicObject) -> i64 {
    let text = object.metadata.annotations.as_ref().and_then(|all| all.get(REVISION));
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The ReplicaSet that has the template of the Deployment.
pub(super) fn current<'a>(deployment: &DynamicObject, owned: &'a [DynamicObject]) -> Option<&'a DynamicObject> {
    let wanted = &deployment.data["spec"]["template"];
    owned.iter().find(|set| {
        let mut template = set.data["spec"]["template"].clone();
        if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
            labels.remove(HASH);
        }
        template == *wanted
    })
}

/// A number of pods, or a share of them.
fn amount(value: &Value, whole: i64, up: bool) -> i64 {
    match value {
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            let exact = whole * percent;
            if up { (exact + 99) / 100 } else { exact / 100 }
        }
        number => number.as_i64().unwrap_or(0),
    }
}

/// How many pods there may be too many, and too few.
fn bounds(deployment: &DynamicObject) -> (i64, i64) {
    let rolling = &deployment.data["spec"]["strategy"]["rollingUpdate"];
    let wanted = replicas(deployment);
    match (
        amount(&rolling["maxSurge"], wanted, true),
        amount(&rolling["maxUnavailable"], wanted, false),
    ) {
        (0, 0) => (0, 1),
        both => both,
    }
}

/// How many pods may be missing.
pub(super) fn most_missing(deployment: &DynamicObject) -> i64 {
    if deployment.data["spec"]["strategy"]["type"] == "Recreate" {
        0
    } else {
        bounds(deployment).1
    }
}

/// What to do now.
pub(super) fn steps(deployment: &DynamicObject, owned: &[DynamicObject]) -> Vec<Step> {
    let wanted = replicas(deployment);
    let recreates = deployment.data["spec"]["strategy"]["type"] == "Recreate";
    let (surge, missing) = if recreates { (0, wanted) } else { bounds(deployment) };
    let annotations = |number: i64| {
        Map::from_iter([
            (REVISION.to_owned(), json!(number.to_string())),
            (DESIRED.to_owned(), json!(wanted.to_string())),
            (MOST.to_owned(), json!((wanted + surge).to_string())),
        ])
    };
    let new = current(deployment, owned);
    let old: Vec<&DynamicObject> = owned
        .iter()
        .filter(|set| new.is_none_or(|new| name(new) != name(set)))
        .collect();
    let next = old.iter().map(|set| revision(set)).max().unwrap_or(0) + 1;
    let running: i64 = old.iter().map(|set| replicas(set)).sum();
    if deployment.data["spec"]["paused"] == true {
        return paused(new, wanted, annotations);
    }
    let Some(new) = new else {
        if recreates && running > 0 {
            return old
                .iter()
                .filter(|set| replicas(set) > 0)
                .map(|set| scale(set, 0, annotations(revision(set))))
                .collect();
        }
        if recreates && old.iter().any(|set| count(set, "replicas") > 0) {
            return Vec::new();
        }
        let first = wanted.min((wanted + surge - running).max(0));
        return vec![
            Step::Create(Box::new(new_set(deployment, first, annotations(next)))),
            Step::Revision(next.to_string()),
        ];
    };
    let mut steps = Vec::new();
    let number = revision(new).max(next);
    if revision(deployment) != number {
        steps.push(Step::Revision(number.to_string()));
    }
    let target = if replicas(new) > wanted {
        wanted
    } else {
        replicas(new).max(wanted.min(wanted + surge - running))
    };
    let mut carries = annotations(number);
    carries.retain(|key, value| {
        let there = new.metadata.annotations.as_ref().and_then(|all| all.get(key));
        there.map(String::as_str) != value.as_str()
    });
    if target != replicas(new) || !carries.is_empty() {
        steps.push(scale(new, target, annotations(number)));
    }
    if target == replicas(new) {
        steps.extend(
            shrink(&old, new, wanted - missing)
                .into_iter()
                .map(|(set, left)| scale(set, left, annotations(revision(set)))),
        );
    }
    if count(new, "availableReplicas") >= wanted && running == 0 {
        steps.extend(history(deployment, &old));
    }
    steps
}

/// A paused Deployment is scaled, no more.
fn paused(new: Option<&DynamicObject>, wanted: i64, annotations: impl Fn(i64) -> Map<String, Value>) -> Vec<Step> {
    match new {
        Some(new) if replicas(new) != wanted => vec![scale(new, wanted, annotations(revision(new)))],
        _ => Vec::new(),
    }
}

fn scale(set: &DynamicObject, replicas: i64, annotations: Map<String, Value>) -> Step {
    Step::Scale {
        set: name(set),
        replicas,
        annotations,
    }
}

/// The old sets that lose pods, oldest first: those that are not available at once, the others as far as enough are left.
fn shrink<'a>(old: &[&'a DynamicObject], new: &DynamicObject, least: i64) -> Vec<(&'a DynamicObject, i64)> {
    let all: i64 = old.iter().map(|set| replicas(set)).sum::<i64>() + replicas(new);
    let starting = replicas(new) - count(new, "availableReplicas");
    let mut spare = all - least - starting;
    let available: i64 =
        old.iter().map(|set| count(set, "availableReplicas")).sum::<i64>() + count(new, "availableReplicas");
    let mut healthy = available - least;
    let mut shrunk = Vec::new();
    for set in old.iter().filter(|set| replicas(set) > 0) {
        let unhealthy = (replicas(set) - count(set, "availableReplicas")).clamp(0, spare.max(0));
        spare -= unhealthy;
        let more = (replicas(set) - unhealthy).min(healthy.max(0)).min(spare.max(0));
        healthy -= more;
        spare -= more;
        if unhealthy + more > 0 {
            shrunk.push((*set, replicas(set) - unhealthy - more));
        }
    }
    shrunk
}

/// Old sets beyond the history limit.
fn history(deployment: &DynamicObject, old: &[&DynamicObject]) -> Vec<Step> {
    let limit = deployment.data["spec"]["revisionHistoryLimit"].as_i64().unwrap_or(10);
    let mut empty: Vec<&&DynamicObject> = old
        .iter()
        .filter(|set| replicas(set) == 0 && count(set, "replicas") == 0 && set.metadata.deletion_timestamp.is_none())
        .collect();
    empty.sort_by_key(|set| revision(set));
    let surplus = empty.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    empty
        .into_iter()
        .take(surplus)
        .map(|set| Step::Delete(name(set)))
        .collect()
}

fn new_set(deployment: &DynamicObject, replicas: i64, annotations: Map<String, Value>) -> DynamicObject {
    let spec = &deployment.data["spec"];
    let hash = hash(&spec["template"]);
    let mut template = spec["template"].clone();
    template["metadata"]["labels"][HASH] = json!(hash);
    let mut selector = spec["selector"].clone();
    selector["matchLabels"][HASH] = json!(hash);
    let mut all: Map<String, Value> = deployment
        .metadata
        .annotations
        .iter()
        .flatten()
        .filter(|(key, _)| !OWN.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    all.extend(annotations);
    let set_name = format!("{}-{hash}", name(deployment));
    let resource = ApiResource::erase::<k8s_openapi::api::apps::v1::ReplicaSet>(&());
    let mut set = DynamicObject::new(&set_name, &resource);
    set.metadata.namespace.clone_from(&deployment.metadata.namespace);
    set.metadata.labels = template["metadata"]["labels"].as_object().map(texts);
    set.metadata.annotations = Some(texts(&all));
    set.metadata.owner_references = Some(vec![k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        name: name(deployment),
        uid: deployment.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }]);
    let mut body = json!({ "replicas": replicas, "selector": selector, "template": template });
    if let Some(seconds) = spec.get("minReadySeconds") {
        body["minReadySeconds"] = seconds.clone();
    }
    set.data = json!({ "spec": body });
    set
}

fn texts(map: &Map<String, Value>) -> std::collections::BTreeMap<String, String> {
    map.iter()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// FNV-1a of the template, its digits as the letters that Kubernetes makes names of. Not the hash that a real controller finds.
fn hash(template: &Value) -> String {
    const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let text = template.to_string();
    let sum = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    sum.to_string()
        .bytes()
        .map(|digit| char::from(LETTERS[usize::from(digit) % LETTERS.len()]))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::{Step, steps};
    use kube::api::DynamicObject;
    use serde_json::{Value, json};

    fn object(value: Value) -> DynamicObject {
        serde_json::from_value(value).unwrap()
    }

    fn deployment(replicas: i64, image: &str, rolling: &Value) -> DynamicObject {
        object(json!({
            "metadata": { "name": "d", "uid": "u" },
            "spec": { "replicas": replicas, "selector": { "matchLabels": { "a": "b" } }, "template": template(image, false),
                "strategy": { "type": "RollingUpdate", "rollingUpdate": rolling } },
        }))
    }

    fn template(image: &str, hashed: bool) -> Value {
        let labels = if hashed {
            json!({ "a": "b", "pod-template-hash": "x" })
        } else {
            json!({ "a": "b" })
        };
        json!({ "metadata": { "labels": labels }, "spec": { "containers": [{ "image": image }] } })
    }

    fn set(name: &str, image: &str, replicas: i64, available: i64) -> DynamicObject {
        object(json!({
            "metadata": { "name": name, "annotations": { "deployment.kubernetes.io/revision": "1" } },
            "spec": { "replicas": replicas, "template": template(image, true) },
            "status": { "replicas": replicas, "availableReplicas": available },
        }))
    }

    fn scaled(steps: &[Step]) -> Vec<(String, i64)> {
        let scales = steps.iter().filter_map(|step| match step {
            Step::Scale { set, replicas, .. } => Some((set.clone(), *replicas)),
            Step::Create(_) | Step::Revision(_) | Step::Delete(_) => None,
        });
        scales.collect()
    }

    #[test]
    fn the_first_set_has_all_pods_and_a_surge_begins_an_update() {
        let rolling = json!({ "maxSurge": "25%", "maxUnavailable": "25%" });
        let first = steps(&deployment(3, "1", &rolling), &[]);
        assert!(
            matches!(&first[0], Step::Create(set) if set.data["spec"]["replicas"] == 3),
            "{first:?}"
        );
        let update = steps(&deployment(3, "2", &rolling), &[set("old", "1", 3, 3)]);
        assert!(
            matches!(&update[0], Step::Create(set) if set.data["spec"]["replicas"] == 1),
            "{update:?}"
        );
    }

    #[test]
    fn old_pods_go_only_while_enough_are_available() {
        let rolling = json!({ "maxSurge": 1, "maxUnavailable": 0 });
        let wanted = deployment(3, "2", &rolling);
        let starting = steps(&wanted, &[set("old", "1", 3, 3), set("new", "2", 1, 0)]);
        assert_eq!(scaled(&starting), [("new".to_owned(), 1)]);
        let ready = |old, new: (i64, i64)| {
            let mut fresh = set("new", "2", new.0, new.1);
            let all = [("revision", "2"), ("desired-replicas", "3"), ("max-replicas", "4")];
            fresh.metadata.annotations = Some(
                all.iter()
                    .map(|(key, value)| (format!("deployment.kubernetes.io/{key}"), (*value).to_owned()))
                    .collect(),
            );
            scaled(&steps(&wanted, &[set("old", "1", old, old), fresh]))
        };
        assert_eq!(ready(3, (1, 1)), [("old".to_owned(), 2)]);
        assert_eq!(ready(2, (1, 1)), [("new".to_owned(), 2)]);
        assert_eq!(ready(2, (2, 1)), []);
        assert_eq!(ready(1, (3, 3)), [("old".to_owned(), 0)]);
    }
}
