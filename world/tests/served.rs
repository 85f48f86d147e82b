//! Each field of a Rollout's spec that the CRD has is served, or refused by name: none is taken in silence.
//!
//! The fields come from the schema. Each is set in turn, and the same life is played without it and with it: something
//! must differ, or the refusal must name the field, or a part around it that came with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Map, Value, json};
use serin_core::crd::schema_of;
use serin_core::observed::WorkloadKind;
use serin_core::wire::analysis::Phase;
use serin_world::World;
use serin_world::deployments::Workload;
use serin_world::runs::Verdicts;
use std::collections::{BTreeMap, BTreeSet};

const NOT_SERVED: &str = "Forbidden: this version of Serin does not serve it yet";

/// A field that changes nothing today, as it does upstream: it has a meaning only beside one of some parts, and a
/// rollout with any of these is refused by the part's name.
struct Beside {
    field: &'static str,
    parts: &'static [&'static str],
    /// Where the contract says so.
    contract: &'static str,
}

/// Where a part is served, or one of these fields makes a difference, its line here has to go: the test fails until then.
const EXCEPTIONS: &[Beside] = &[];

/// What is below this is read by the routers. It makes a difference in objects that these lives do not watch: the tables of
/// `core/tests/traffic` set each field.
const IN_TABLES: &str = "spec.strategy.canary.trafficRouting.";

/// Rollouts to which fields are added. The last one lacks a template: a `workloadRef` asks for that.
fn bases() -> Vec<Value> {
    let canary = json!({"canaryService": "canary", "stableService": "stable", "maxSurge": 1, "maxUnavailable": 1,
        "steps": [{"setWeight": 50}, {"pause": {}}]});
    let mut quick = canary.clone();
    quick["replicaProgressThreshold"] = json!({"type": "Percent", "value": 50});
    let analysis = json!({"templates": [{"templateName": "load"}]});
    let mut measured = canary.clone();
    measured["analysis"] = json!({"templates": [{"templateName": "errors"}]});
    measured["steps"] = json!([{"analysis": analysis}, {"setWeight": 50}, {"pause": {}}]);
    let strategies = [
        json!({"canary": canary}),
        json!({"canary": quick}),
        json!({"canary": measured}),
        json!({"blueGreen": {"activeService": "active", "prePromotionAnalysis": analysis,
            "postPromotionAnalysis": analysis}}),
        json!({"canary": {"maxSurge": 1, "maxUnavailable": 1}}),
        json!({"canary": {"canaryService": "canary", "stableService": "stable", "steps": [{"setWeight": 50}, {"pause": {}}],
            "scaleDownDelaySeconds": 600, "trafficRouting": {"nginx": {"stableIngress": "main"}}}}),
        json!({"blueGreen": {"activeService": "active", "previewService": "preview", "autoPromotionEnabled": false}}),
        json!({"blueGreen": {"activeService": "active"}}),
    ];
    let spec = |strategy| {
        json!({
            "replicas": 4,
            "selector": {
                "matchLabels": {"app": "web"},
                "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["back"]}],
            },
            "template": {
                "metadata": {"labels": {"app": "web", "tier": "front"}},
                "spec": {"containers": [{"name": "web", "image": "web:good-0"}]},
            },
            "strategy": strategy,
        })
    };
    let mut bases: Vec<Value> = strategies.into_iter().map(spec).collect();
    let workload = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "scaleDown": "progressively"});
    bases.push(json!({"replicas": 4, "workloadRef": workload, "strategy": {"canary": {"maxSurge": 1}}}));
    bases.push(json!({"replicas": 4, "strategy": {"canary": {}}}));
    bases
}

/// How a life went.
enum Life {
    /// The spec was refused from the start: the message.
    Refused(String),
    /// All that others could see.
    Seen(Vec<Value>),
    /// It differs from the life it was compared with.
    Other,
}

impl Life {
    fn refusal(&self) -> Option<&String> {
        match self {
            Life::Refused(message) => Some(message),
            Life::Seen(_) | Life::Other => None,
        }
    }
}

/// A life that is watched, and compared with another one.
struct Watch<'a> {
    world: World,
    other: Option<&'a [Value]>,
    seen: Vec<Value>,
    events: usize,
}

impl Watch<'_> {
    /// Looks after each span of time; nothing once the lives differ.
    fn look(&mut self, spans: &[i64]) -> Option<()> {
        for seconds in spans {
            let world = &mut self.world;
            world.wait(*seconds);
            let mut status = world.rollout["status"].clone();
            if let Some(fields) = status.as_object_mut() {
                // It tells the steps apart, whether anybody reads them or not.
                fields.remove("currentStepHash");
            }
            let sets: Vec<Value> = world.sets.iter().map(|set| json!(set.object)).collect();
            let pods: Vec<i32> = world.sets.iter().map(|set| set.available(world.now)).collect();
            let events = &world.events[self.events..];
            let workload = world.workload.as_ref().map(Workload::replicas);
            let runs: Vec<Value> = world.runs.iter().map(|run| json!([run.object, run.made])).collect();
            let seen = json!([status, sets, pods, world.services, workload, runs, events]);
            self.events = world.events.len();
            if self.other.is_some_and(|other| other[self.seen.len()] != seen) {
                return None;
            }
            self.seen.push(seen);
        }
        Some(())
    }

    /// Updates that are paused, promoted, aborted, tried again and restarted; one fails, and one goes back.
    fn live(&mut self) -> Option<()> {
        self.look(&[0, 1, 5, 60])?;
        for (image, seconds) in [
            ("web:good-1", 40),
            ("web:good-2", 20),
            ("web:bad-3", 700),
            ("web:good-1", 40),
        ] {
            self.world.set_image(image);
            self.look(&[0, 1, 1, 1, seconds])?;
            self.world.promote();
            self.look(&[0, 3, seconds])?;
            self.world.edit_status(&json!({"abort": true}));
            self.look(&[0, 3, 60])?;
            self.world.edit_status(&json!({"abort": false}));
            self.look(&[0, 10])?;
            self.world.promote_full();
            self.look(&[0, 3, 60])?;
        }
        self.world.restart();
        self.look(&[0, 1, 1, 60])
    }
}

/// Plays a life, to the point where it differs from another one.
fn play(spec: &Value, other: Option<&Life>) -> Life {
    let mut world = World::new(json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "web"}, "spec": spec}));
    world.tracing = false;
    world.create_services();
    world.create_ingress("main");
    world.create_workload(WorkloadKind::Deployment, "web", 4, "web:good-0");
    // Whatever a value names is there, and nothing is the same as another.
    for name in ["load", "errors", "templateName", "other", "7s", "app", "Latest"] {
        for cluster in [false, true] {
            let metric = format!("{name}-{cluster}");
            let args: Vec<Value> = ["", "name", "other", "7s", "app", "Latest"]
                .map(|name| json!({"name": name, "value": "x"}))
                .into();
            let spec = json!({"metrics": [{"name": metric, "provider": {}}], "args": args});
            world.create_template(name, cluster, &spec).unwrap();
        }
    }
    world.verdicts = Verdicts {
        within: 8,
        phases: vec![Some(Phase::Successful), Some(Phase::Failed)],
    };
    world.settle();
    let message = world.rollout["status"]["message"].as_str().unwrap_or_default();
    if message.starts_with("InvalidSpec") {
        return Life::Refused(message.to_owned());
    }
    let other = match other {
        None => None,
        Some(Life::Seen(seen)) => Some(seen.as_slice()),
        Some(Life::Refused(_) | Life::Other) => return Life::Other,
    };
    let mut watch = Watch {
        world,
        other,
        seen: Vec::new(),
        events: 0,
    };
    match watch.live() {
        Some(()) => {
            assert_eq!(watch.world.broken, Vec::<String>::new(), "{spec}");
            Life::Seen(watch.seen)
        }
        None => Life::Other,
    }
}

/// What an item of a list is called in a path.
const ITEM: &str = "[0]";

/// A field of the schema: its path, and values to try.
struct Field {
    path: Vec<String>,
    values: Vec<Value>,
    /// What the schema demands beside it.
    siblings: Value,
}

/// How a path goes through a list that is there already.
#[derive(Clone, Copy, PartialEq)]
enum Through {
    NewItem,
    FirstItem,
}

/// The path as messages have it.
fn name(path: &[String]) -> String {
    path.iter()
        .fold(String::from("spec"), |name, part| match part.as_str() {
            ITEM => name + ITEM,
            part => format!("{name}.{part}"),
        })
}

/// The other way round.
fn path(name: &str) -> Vec<String> {
    let parts = name.replace(ITEM, ".[0]");
    parts.split('.').skip(1).map(str::to_owned).collect()
}

fn get<'a>(spec: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(spec, |place, part| match part.as_str() {
        ITEM => &place[0],
        part => &place[part],
    })
}

/// The spec with something at the path, and with the parts around it.
fn with(spec: &Value, path: &[String], value: &Value, through: Through) -> Value {
    let mut spec = spec.clone();
    let mut place = &mut spec;
    for part in path {
        if part == ITEM {
            if place.is_null() {
                *place = json!([]);
            }
            let items = place.as_array_mut().unwrap();
            if items.is_empty() || through == Through::NewItem {
                items.insert(0, Value::Null);
            }
            place = &mut items[0];
        } else {
            place = &mut place[part];
        }
    }
    *place = value.clone();
    spec
}

/// Values that are likely to make a difference.
fn values(schema: &Value) -> Vec<Value> {
    let or_string = !schema["x-kubernetes-int-or-string"].is_null();
    match schema["type"].as_str() {
        _ if or_string => vec![json!(2), json!("100%"), json!("7s")],
        Some("boolean") => vec![json!(true), json!(false)],
        Some("integer" | "number") => vec![json!(1), json!(3), json!(70)],
        Some("string") if schema["format"] == "date-time" => vec![json!("2023-11-14T22:14:00Z")],
        Some("string") => match schema["enum"].as_array() {
            Some(words) => words.clone(),
            None => vec![json!("other"), json!("7s"), json!("app"), json!("Latest")],
        },
        Some("object") if schema["additionalProperties"]["type"] == "object" => vec![json!({}), json!({"app": {}})],
        Some("object") => vec![json!({}), json!({"app": "web"}), json!({"tier": "front"})],
        Some("array") => vec![json!([]), json!([values(&schema["items"])[0]])],
        _ => vec![json!("other"), json!({})],
    }
}

/// Something that the schema takes; texts differ, as names of Services have to.
fn sample(name: &str, schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("string") => name.into(),
        _ => values(schema)[0].clone(),
    }
}

/// All fields below. A part with fields of its own is told by them.
fn collect(schema: &Value, above: &[String], fields: &mut Vec<Field>) {
    let nothing = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&nothing);
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    for (name, schema) in properties {
        let path: Vec<String> = above.iter().chain([name]).cloned().collect();
        let siblings = required.iter().filter_map(Value::as_str).filter(|other| other != name);
        let siblings = siblings.map(|other| (other.to_owned(), sample(other, &properties[other])));
        let siblings = Value::Object(siblings.collect());
        let items = &schema["items"];
        if path == ["template"] {
            // It goes into ReplicaSets as it is.
        } else if schema["properties"].is_object() {
            collect(schema, &path, fields);
        } else if items["properties"].is_object() {
            let item: Vec<String> = path.iter().cloned().chain([ITEM.to_owned()]).collect();
            collect(items, &item, fields);
        } else {
            fields.push(Field {
                path,
                values: values(schema),
                siblings: siblings.clone(),
            });
        }
    }
}

/// The rollouts whose strategy is that of the path, if it is of one: nobody can have two.
fn could_have<'a>(path: &[String], bases: &'a [Value]) -> Vec<&'a Value> {
    let of_strategy = path[0] == "strategy";
    let bases = bases.iter();
    bases
        .filter(|base| !of_strategy || !get(base, &path[..2]).is_null())
        .collect()
}

/// The rollout without the field, but with the part around it: as it is there, and in a new item of a list.
fn surroundings(base: &Value, part: &[String], siblings: &Value) -> Vec<Value> {
    let mut all = vec![match get(base, part) {
        Value::Null => with(base, part, siblings, Through::NewItem),
        _ => base.clone(),
    }];
    if part.iter().any(|part| part == ITEM) {
        all.push(with(base, part, siblings, Through::NewItem));
        all.push(with(base, part, siblings, Through::FirstItem));
    }
    all
}

/// The rollouts without the field, and their lives.
#[derive(Default)]
struct Lives(BTreeMap<String, Life>);

impl Lives {
    fn of(&mut self, spec: &Value) -> &Life {
        let life = self.0.entry(spec.to_string());
        life.or_insert_with(|| play(spec, None))
    }

    /// Whether some value of the field makes a difference, or is refused by name; or what was said instead.
    fn read(&mut self, field: &Field, bases: &[Value]) -> Result<(), String> {
        let mut said = BTreeSet::new();
        let part = &field.path[..field.path.len() - 1];
        for base in could_have(&field.path, bases) {
            for without in surroundings(base, part, &field.siblings) {
                let life = self.of(&without);
                for value in &field.values {
                    let spec = with(&without, &field.path, value, Through::FirstItem);
                    if spec == without {
                        continue;
                    }
                    match play(&spec, Some(life)) {
                        Life::Refused(message) if names(&message, field, base) => return Ok(()),
                        // Said without the field, too.
                        Life::Refused(message) if life.refusal() == Some(&message) => {}
                        Life::Refused(message) => _ = said.insert(message),
                        Life::Other => return Ok(()),
                        Life::Seen(_) => _ = said.insert("nothing differs".to_owned()),
                    }
                }
            }
        }
        Err(said.into_iter().collect::<Vec<_>>().join("; "))
    }
}

/// Whether a refusal names the field, or a part around it that the rollout lacks without it.
fn names(message: &str, field: &Field, base: &Value) -> bool {
    let lengths = 1..=field.path.len();
    lengths.map(|length| &field.path[..length]).any(|part| {
        let whole = part == field.path;
        let new = get(base, part).is_null() && part.last().is_some_and(|last| last != ITEM);
        let name = name(part);
        // Upstream's validation leaves the strategy out of its paths (contract 01 §8).
        let short = ["canary", "blueGreen"].map(|strategy| {
            let long = format!("spec.strategy.{strategy}.");
            name.replacen(&long, "spec.strategy.", 1)
        });
        let said = |name: &str| message.contains(&format!(" {name}: ")) || message.contains(&format!(" {name}["));
        (whole || new)
            && (said(&name)
                || short.iter().any(|name| said(name))
                || requires(message, &name)
                || leads_nowhere(message, &name))
    })
}

/// Upstream's words for what needs traffic routing: `SetCanaryScale requires TrafficRouting to be set`, of a path that leads
/// to `trafficRouting` (contract 01 §8).
fn requires(message: &str, name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let (first, rest) = last.split_at(1);
    message.contains(&format!(": Required value: {}{rest} requires ", first.to_uppercase()))
}

/// Upstream's words for a reference that leads to no workload name no path (contract 11 E).
fn leads_nowhere(message: &str, name: &str) -> bool {
    let words = ["workload of type ", "deployments.apps \"", "the server could not find "];
    name.starts_with("spec.workloadRef.") && words.iter().any(|words| message.contains(words))
}

/// Whether every rollout that could have the part is refused by the part's name, with each value of the field.
fn only_beside(field: &Field, exception: &Beside, bases: &[Value]) -> Result<(), String> {
    for part in exception.parts {
        let place = path(part);
        let mut tried = 0;
        for base in could_have(&place, bases) {
            let base = with(base, &place, &json!({}), Through::NewItem);
            for value in &field.values {
                let spec = with(&base, &field.path, value, Through::FirstItem);
                match play(&spec, None) {
                    Life::Refused(message) if message.ends_with(&format!(": {part}: {NOT_SERVED}")) => tried += 1,
                    Life::Refused(message) => return Err(format!("{part} is not refused by name: {message}")),
                    Life::Seen(_) | Life::Other => return Err(format!("{part} is served")),
                }
            }
        }
        if tried == 0 {
            return Err(format!("no rollout has {part}"));
        }
    }
    Ok(())
}

#[test]
fn each_field_of_the_spec_is_served_or_refused_by_name() {
    let bases = bases();
    let (without_template, whole) = bases.split_last().unwrap();
    let mut lives = Lives::default();
    for base in whole {
        let Life::Seen(seen) = lives.of(base) else {
            panic!("refused: {base}");
        };
        let last = &seen.last().unwrap()[0];
        assert_eq!(last["phase"], "Healthy", "{base}");
    }
    assert!(matches!(lives.of(without_template), Life::Refused(_)));

    let schema = schema_of("Rollout").unwrap();
    let mut fields = Vec::new();
    collect(&schema["properties"]["spec"], &[], &mut fields);
    assert!(fields.len() > 100, "{} fields", fields.len());
    let mut faults = Vec::new();
    let mut exceptions: BTreeMap<&str, &Beside> = EXCEPTIONS.iter().map(|beside| (beside.field, beside)).collect();
    for field in fields.iter().filter(|field| !name(&field.path).starts_with(IN_TABLES)) {
        let name = name(&field.path);
        let read = lives.read(field, &bases);
        match (exceptions.remove(name.as_str()), read) {
            (None, Ok(())) => {}
            (None, Err(said)) => faults.push(format!("{name}: {said}")),
            (Some(_), Ok(())) => faults.push(format!("{name} needs no exception: it is read")),
            (Some(beside), Err(_)) => {
                if let Err(why) = only_beside(field, beside, whole) {
                    faults.push(format!(
                        "{name}: the exception ({}) does not hold: {why}",
                        beside.contract
                    ));
                }
            }
        }
    }
    let unknown = exceptions
        .into_keys()
        .map(|name| format!("{name} is no field of the CRD"));
    faults.extend(unknown);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
