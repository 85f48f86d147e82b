//! Rules that steps set: by header to the canary, or with a mirror. An annotation of the route says which they are.

use super::names::{Chosen, Kind};
use super::{backends, mark};
use crate::api::canary_step::{RouteMatch, SetHeaderRoute, SetMirrorRoute, StringMatch};
use crate::traffic::{Site, Wanted, edit};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Annotation with the matches of managed rules, by rollout and by name of the route.
const MANAGED: &str = "rollouts.argoproj.io/managed-routes";

/// What a header match is called that has no value.
const NO_TYPE: &str = "invalid header match type";

/// The rules of each managed route by its name.
type Made = Vec<(String, Vec<Value>)>;

/// What one rollout has added to a route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Record {
    /// By name of a managed route: the matches of each of its rules.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    routes: BTreeMap<String, Vec<Value>>,
    /// Services of experiments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) destinations: Vec<String>,
}

impl Record {
    /// What the annotation of a route says; nothing where it cannot be read.
    pub(super) fn read(object: &Value, site: &Site<'_>) -> Self {
        let own = all(object).remove(&key(site));
        own.and_then(|own| serde_json::from_value(own).ok()).unwrap_or_default()
    }

    /// Of the rules that were made.
    pub(super) fn of(made: &Made, wanted: &Wanted<'_>) -> Self {
        let matches = |rules: &Vec<Value>| rules.iter().map(|rule| rule["matches"].clone()).collect();
        let made = made.iter().filter(|(_, rules)| !rules.is_empty());
        Self {
            routes: made.map(|(name, rules)| (name.clone(), matches(rules))).collect(),
            destinations: wanted.additional.iter().map(|of| of.service.clone()).collect(),
        }
    }

    /// Writes it; the records of other rollouts stay.
    pub(super) fn write(&self, object: &mut Value, site: &Site<'_>) {
        let before = all(object);
        let mut after = before.clone();
        if *self == Self::default() {
            after.remove(&key(site));
        } else {
            after.insert(key(site), json!(self));
        }
        let path = ["metadata", "annotations", MANAGED];
        if after == before {
            return;
        }
        if after.is_empty() {
            mark::remove(object, &path);
        } else {
            edit::set(object, &path, json!(after).to_string().into());
        }
    }

    /// Whether a rule is a managed one: its matches are recorded, or the plugin gave it the name of a managed route, and it
    /// leads to one of the two Services alone or mirrors to it. After a promotion of ping and pong the one is the other.
    pub(super) fn holds(&self, rule: &Value, site: &Site<'_>, wanted: &Wanted<'_>) -> bool {
        let is_own = |backend: &Value| {
            let services = [site.canary_service, site.stable_service];
            services.into_iter().any(|service| backends::is(backend, service, site))
        };
        let mut filters = rule["filters"].as_array().into_iter().flatten();
        let mirrors = filters.any(|filter| is_own(&filter["requestMirror"]["backendRef"]));
        let leads = || backends::of(rule).count() == 1 && backends::of(rule).all(is_own);
        let recorded = || {
            self.routes
                .values()
                .flatten()
                .any(|matches| *matches == rule["matches"])
        };
        let name = rule["name"].as_str().unwrap_or_default();
        let named = || wanted.managed.iter().any(|managed| is_name_of(name, managed));
        (mirrors || leads()) && (recorded() || named())
    }
}

/// Whether a rule has the name of a managed route: the plugin counts rules after the first.
fn is_name_of(name: &str, managed: &str) -> bool {
    let Some(rest) = name.strip_prefix(managed).filter(|_| !managed.is_empty()) else {
        return false;
    };
    let number = rest.strip_prefix('-').unwrap_or_default();
    rest.is_empty() || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The records of all rollouts.
fn all(object: &Value) -> BTreeMap<String, Value> {
    let written = object["metadata"]["annotations"][MANAGED].as_str();
    written
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn key(site: &Site<'_>) -> String {
    format!("{}/{}", site.namespace, site.rollout)
}

/// The rules of the routes in force, in the order of `managed`.
///
/// # Errors
/// What cannot be matched.
pub(super) fn rules(chosen: &Chosen, sources: &[Value], site: &Site<'_>, wanted: &Wanted<'_>) -> Result<Made, String> {
    let mut made = Vec::new();
    if chosen.use_headers && chosen.kind.has_headers() {
        for step in &wanted.headers {
            let rules = sources
                .iter()
                .map(|source| header_rule(chosen.kind, step, source, site));
            made.push((step.name.clone(), rules.collect::<Result<_, _>>()?));
        }
    }
    if chosen.kind == Kind::Http {
        for step in &wanted.mirrors {
            made.push((step.name.clone(), mirror_rules(step, sources, site)?));
        }
    }
    let rank = |name: &str| wanted.managed.iter().position(|managed| *managed == name);
    made.sort_by_key(|(name, _)| rank(name).unwrap_or(usize::MAX));
    Ok(made)
}

/// The rule as it is, and with the headers, to the canary alone.
fn header_rule(kind: Kind, step: &SetHeaderRoute, source: &Value, site: &Site<'_>) -> Result<Value, String> {
    let headers = step.r#match.iter();
    let headers = headers.map(|header| header_match(&header.header_name, &header.header_value));
    let headers = headers.collect::<Result<Vec<Value>, String>>()?;
    let mut rule = copied(source);
    let matches = matches(kind, source)
        .into_iter()
        .map(|of| with_headers(of, &headers))
        .collect();
    edit::set(&mut rule, &["matches"], matches);
    let mut canary = backends::canary(source, site).cloned().unwrap_or_default();
    edit::set(&mut canary, &["weight"], 1.into());
    edit::set(&mut rule, &["backendRefs"], json!([canary]));
    Ok(rule)
}

/// Rules that lead where the others do, and mirror to the canary. Matches with a path stand for themselves, in one rule;
/// those without a path hold for the paths of each rule.
fn mirror_rules(step: &SetMirrorRoute, sources: &[Value], site: &Site<'_>) -> Result<Vec<Value>, String> {
    let mut rules = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let mut wanted = Vec::new();
        for of in &step.r#match {
            match &of.path {
                Some(path) if index == 0 => {
                    let path = path_match(path)?;
                    wanted.push(narrowed(json!({"path": path}), of)?);
                }
                Some(_) => {}
                None => {
                    for found in matches(Kind::Http, source) {
                        wanted.push(narrowed(found, of)?);
                    }
                }
            }
        }
        if wanted.is_empty() {
            continue;
        }
        let mut mirror = json!({});
        if let Some(canary) = backends::canary(source, site) {
            edit::set(&mut mirror, &["backendRef"], backends::mirrored(canary));
        }
        if let Some(percent) = step.percentage {
            edit::set(&mut mirror, &["percent"], percent.into());
        }
        let mut rule = copied(source);
        let mut filters = rule["filters"].as_array().cloned().unwrap_or_default();
        filters.push(json!({"type": "RequestMirror", "requestMirror": mirror}));
        edit::set(&mut rule, &["filters"], filters.into());
        edit::set(&mut rule, &["matches"], wanted.into());
        rules.push(rule);
    }
    Ok(rules)
}

/// A copy of a rule; names are of one rule each.
fn copied(source: &Value) -> Value {
    let mut rule = source.clone();
    if let Some(fields) = rule.as_object_mut() {
        fields.remove("name");
    }
    rule
}

/// The matches of a rule, with what the API server adds: a rule without a match matches all.
fn matches(kind: Kind, rule: &Value) -> Vec<Value> {
    let found = rule["matches"].as_array().filter(|found| !found.is_empty());
    let mut matches = found.cloned().unwrap_or_else(|| vec![json!({})]);
    for of in &mut matches {
        if kind == Kind::Http && of["path"].is_null() {
            edit::set(of, &["path"], json!({"type": "PathPrefix", "value": "/"}));
        }
    }
    matches
}

/// A match, and what a step asks for beside the path.
fn narrowed(mut found: Value, step: &RouteMatch) -> Result<Value, String> {
    if let Some(method) = &step.method {
        if method.exact.is_empty() {
            return Err("a method is matched exactly".to_owned());
        }
        edit::set(&mut found, &["method"], method.exact.as_str().into());
    }
    let headers = step.headers.iter();
    let headers = headers.map(|(name, value)| header_match(name, value));
    let headers = headers.collect::<Result<Vec<Value>, String>>()?;
    Ok(with_headers(found, &headers))
}

/// A match with more headers. A header is matched once: the new one counts.
fn with_headers(mut found: Value, headers: &[Value]) -> Value {
    if headers.is_empty() {
        return found;
    }
    let name = |header: &Value| header["name"].as_str().unwrap_or_default().to_lowercase();
    let mut all: Vec<Value> = Vec::new();
    for header in found["headers"].as_array().into_iter().flatten().chain(headers) {
        all.retain(|known| name(known) != name(header));
        all.push(header.clone());
    }
    edit::set(&mut found, &["headers"], all.into());
    found
}

fn header_match(name: &str, value: &StringMatch) -> Result<Value, String> {
    let (kind, value) = if !value.exact.is_empty() {
        ("Exact", value.exact.clone())
    } else if !value.prefix.is_empty() {
        ("RegularExpression", format!("^{}.*", regex::escape(&value.prefix)))
    } else if !value.regex.is_empty() {
        ("RegularExpression", value.regex.clone())
    } else {
        return Err(NO_TYPE.to_owned());
    };
    Ok(json!({"name": name, "type": kind, "value": value}))
}

fn path_match(value: &StringMatch) -> Result<Map<String, Value>, String> {
    let (kind, value) = if !value.exact.is_empty() {
        ("Exact", &value.exact)
    } else if !value.prefix.is_empty() {
        ("PathPrefix", &value.prefix)
    } else if !value.regex.is_empty() {
        ("RegularExpression", &value.regex)
    } else {
        return Err("a path is matched exactly, by its prefix or by an expression".to_owned());
    };
    let fields = [("type", kind), ("value", value.as_str())];
    Ok(fields
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect())
}
