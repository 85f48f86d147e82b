//! Routes that steps set: by header, and such as mirror (contract 07 §1).

use super::selection::{Protocol, list_mut};
use super::{One, destinations};
use crate::api::canary_step::{SetHeaderRoute, SetMirrorRoute, StringMatch};
use serde_json::{Map, Value, json};

/// A route and what is told where it is new or changed.
struct Set<'a> {
    name: &'a str,
    told: String,
    fields: Vec<(&'static str, Value)>,
}

/// Fields that a route of a step has at most; others are foreign and stay.
const FIELDS: [&str; 5] = ["match", "route", "mirror", "mirrorPercentage", "name"];

/// Whether a route is one of the managed, and mirrors.
pub(super) fn is_mirror(route: &Value, managed: &[&str]) -> bool {
    name(route).is_some_and(|name| managed.contains(&name)) && !route["mirror"].is_null()
}

/// Puts the routes that are in force into the list of HTTP routes, removes those that are not, and orders them; says what
/// is told of it. `carriers` are the routes that carry the weights: they stay, even if a managed route has the name.
pub(super) fn apply(
    object: &mut Value,
    carriers: &[usize],
    one: &One<'_>,
    suffix: &str,
) -> Result<Vec<String>, String> {
    let Some(http) = list_mut(object, Protocol::Http) else {
        return Ok(Vec::new());
    };
    let carrier = carriers.first().and_then(|index| http.get(*index));
    let sets = carrier.map(|carrier| sets(carrier, one, suffix)).unwrap_or_default();
    let taken = |set: &&Set<'_>| {
        let mut names = carriers.iter().filter_map(|index| http.get(*index).and_then(name));
        names.any(|name| name == set.name)
    };
    if let Some(set) = sets.iter().find(taken) {
        let name = set.name;
        return Err(format!(
            "HTTP Route '{name}' carries the weights and cannot be a route of a step"
        ));
    }
    let mut carrying = Vec::new();
    let (mut old, mut rest) = (Vec::new(), Vec::new());
    for (index, route) in std::mem::take(http).into_iter().enumerate() {
        let is_managed = name(&route)
            .is_some_and(|name| one.wanted.managed.contains(&name) || sets.iter().any(|set| set.name == name));
        match (carriers.contains(&index), is_managed) {
            (true, true) => carrying.push(route),
            (false, true) => old.push(route),
            (_, false) => rest.push(route),
        }
    }
    let gone = |route: &&Value| !sets.iter().any(|set| Some(set.name) == name(route));
    let gone: Vec<&str> = old.iter().filter(gone).filter_map(name).collect();
    let mut told = if sets.is_empty() && !gone.is_empty() {
        vec!["removed all managed routes.".to_owned()]
    } else {
        gone.iter()
            .map(|name| format!("removed managed route '{name}'"))
            .collect()
    };
    let mut managed = Vec::new();
    for set in sets {
        let before = old.iter().find(|route| name(route) == Some(set.name));
        let route = set.over(before);
        if before != Some(&route) {
            told.push(set.told);
        }
        managed.push(route);
    }
    managed.extend(carrying);
    let place = |route: &Value| {
        let at = one.wanted.managed.iter().position(|of| Some(*of) == name(route));
        at.unwrap_or(usize::MAX)
    };
    managed.sort_by_key(place);
    http.extend(managed.into_iter().chain(rest));
    Ok(told)
}

/// The routes that are in force. Of two of one name the mirror is later, and counts.
fn sets<'a>(carrier: &Value, one: &One<'a>, suffix: &str) -> Vec<Set<'a>> {
    let port = &destinations::list(carrier).first().unwrap_or(&Value::Null)["destination"]["port"]["number"];
    let canary = canary(one, port, suffix);
    let headers = one.wanted.headers.iter().filter(|route| !route.r#match.is_empty());
    let mut sets: Vec<Set<'a>> = headers.map(|route| header(route, &canary)).collect();
    let mirrors = one.wanted.mirrors.iter().filter(|route| !route.r#match.is_empty());
    for mirror in mirrors.map(|route| mirror(route, carrier, &canary)) {
        sets.retain(|set| set.name != mirror.name);
        sets.push(mirror);
    }
    sets
}

/// The destination of the canary's pods: a subset where there are some, else the Service.
fn canary(one: &One<'_>, port: &Value, suffix: &str) -> Value {
    let mut canary = Map::new();
    if let (Some(rule), Some(host)) = (one.names.rule, one.rule_host) {
        canary.insert("host".to_owned(), host.into());
        canary.insert("subset".to_owned(), rule.canary_subset_name.as_str().into());
    } else {
        canary.insert("host".to_owned(), format!("{}{suffix}", one.names.canary).into());
    }
    if port.as_u64().is_some_and(|port| port > 0) {
        canary.insert("port".to_owned(), json!({"number": port}));
    }
    Value::Object(canary)
}

fn header<'a>(route: &'a SetHeaderRoute, canary: &Value) -> Set<'a> {
    // One entry for each header: one that fits is enough.
    let entries = route.r#match.iter().map(|header| {
        let headers = Map::from_iter([(header.header_name.clone(), text(&header.header_value))]);
        json!({"headers": headers})
    });
    Set {
        name: &route.name,
        told: format!("set headerRoute '{}'", route.name),
        fields: vec![
            ("match", entries.collect()),
            ("route", json!([{"weight": 100, "destination": canary}])),
        ],
    }
}

fn mirror<'a>(route: &'a SetMirrorRoute, carrier: &Value, canary: &Value) -> Set<'a> {
    let entries = route.r#match.iter().map(|of| {
        let mut entry = Map::new();
        if let Some(method) = &of.method {
            entry.insert("method".to_owned(), text(method));
        }
        if let Some(path) = &of.path {
            entry.insert("uri".to_owned(), text(path));
        }
        if !of.headers.is_empty() {
            let headers = of.headers.iter().map(|(name, value)| (name.clone(), text(value)));
            entry.insert("headers".to_owned(), Value::Object(headers.collect()));
        }
        Value::Object(entry)
    });
    Set {
        name: &route.name,
        told: format!("set mirrorRoute '{}'", route.name),
        fields: vec![
            ("match", entries.collect()),
            ("route", destinations::list(carrier).into()),
            ("mirror", canary.clone()),
            ("mirrorPercentage", json!({"value": route.percentage.unwrap_or(100)})),
        ],
    }
}

impl Set<'_> {
    /// The route, with the foreign fields of the one that there is.
    fn over(&self, before: Option<&Value>) -> Value {
        let mut route = before.and_then(Value::as_object).cloned().unwrap_or_default();
        route.retain(|field, _| !FIELDS.contains(&field.as_str()));
        route.insert("name".to_owned(), self.name.into());
        let fields = self
            .fields
            .iter()
            .map(|(field, value)| ((*field).to_owned(), value.clone()));
        route.extend(fields);
        Value::Object(route)
    }
}

/// A way to match a text: exactly one is expected.
fn text(of: &StringMatch) -> Value {
    if !of.exact.is_empty() {
        json!({"exact": of.exact})
    } else if !of.regex.is_empty() {
        json!({"regex": of.regex})
    } else {
        json!({"prefix": of.prefix})
    }
}

fn name(route: &Value) -> Option<&str> {
    route["name"].as_str()
}
