//! The backends of one rule: which are those of the rollout, and what they weigh.

use crate::traffic::{Site, Wanted, edit};
use serde_json::{Map, Value, json};

/// What a backend counts that has no weight.
const DEFAULT: i64 = 1;

/// Whether a backend is a Service in the namespace of the rollout. One that names no namespace is taken to be, as the plugin
/// does.
pub(super) fn is(backend: &Value, service: &str, site: &Site<'_>) -> bool {
    let is_or_absent = |field: &str, value: &str| backend[field].as_str().is_none_or(|found| found == value);
    !service.is_empty()
        && backend["name"].as_str() == Some(service)
        && is_or_absent("kind", "Service")
        && is_or_absent("group", "")
        && is_or_absent("namespace", site.namespace)
}

/// The backends of a rule.
pub(super) fn of(rule: &Value) -> impl Iterator<Item = &Value> {
    rule["backendRefs"].as_array().into_iter().flatten()
}

/// The canary's backend of a rule.
pub(super) fn canary<'a>(rule: &'a Value, site: &Site<'_>) -> Option<&'a Value> {
    of(rule).find(|backend| is(backend, site.canary_service, site))
}

/// Whether a rule leads to the canary and to stable.
pub(super) fn has_both(rule: &Value, site: &Site<'_>) -> bool {
    canary(rule, site).is_some() && of(rule).any(|backend| is(backend, site.stable_service, site))
}

/// The canary's weight in a rule that has both Services. Those of experiments count in the sum, others do not.
pub(super) fn canary_weight(rule: &Value, destinations: &[String], site: &Site<'_>) -> Option<i32> {
    has_both(rule, site).then_some(())?;
    let weight = |backend: &Value| match &backend["weight"] {
        Value::Null => DEFAULT,
        weight => edit::weight(weight),
    };
    let canary = weight(canary(rule, site)?);
    let stable = of(rule).find(|backend| is(backend, site.stable_service, site))?;
    let others = of(rule).filter(|backend| destinations.iter().any(|name| is(backend, name, site)));
    let sum = others
        .map(weight)
        .fold(canary.saturating_add(weight(stable)), i64::saturating_add);
    Some(edit::scaled(canary, sum, site.max_weight))
}

/// Sets the weights of a rule that has both Services. Backends of experiments join, and leave where they are recorded and no
/// more wanted.
pub(super) fn weigh(rule: &mut Value, recorded: &[String], site: &Site<'_>, wanted: &Wanted<'_>) {
    let model = canary(rule, site).cloned();
    let Some(backends) = rule.get_mut("backendRefs").and_then(Value::as_array_mut) else {
        return;
    };
    let is_wanted = |name: &String| wanted.additional.iter().any(|of| of.service == *name);
    let gone: Vec<&String> = recorded.iter().filter(|name| !is_wanted(name)).collect();
    backends.retain(|backend| !gone.iter().any(|name| is(backend, name, site)));
    let experiments = wanted.additional.iter().map(|of| (of.service.as_str(), of.weight));
    let own = [
        (site.canary_service, wanted.canary),
        (site.stable_service, wanted.stable(site)),
    ];
    for (service, weight) in own.into_iter().chain(experiments) {
        let mut found = false;
        for backend in backends.iter_mut().filter(|backend| is(backend, service, site)) {
            edit::set(backend, &["weight"], weight.into());
            found = true;
        }
        if let (false, Some(model)) = (found, &model) {
            let mut backend = model.clone();
            edit::set(&mut backend, &["name"], service.into());
            edit::set(&mut backend, &["weight"], weight.into());
            backends.push(backend);
        }
    }
}

/// Asks for sessions that stay with a backend (decision 51); other fields of theirs stay.
pub(super) fn stick(rule: &mut Value, site: &Site<'_>) {
    let Some(stickiness) = &site.routing.stickiness else {
        return;
    };
    let cookie = &stickiness.cookie;
    let mut session: Map<String, Value> = rule["sessionPersistence"].as_object().cloned().unwrap_or_default();
    session.insert("type".to_owned(), "Cookie".into());
    if !cookie.name.is_empty() {
        session.insert("sessionName".to_owned(), cookie.name.as_str().into());
    }
    let lifetime = match cookie.max_age_seconds.filter(|seconds| *seconds > 0) {
        Some(seconds) => {
            session.insert("absoluteTimeout".to_owned(), duration(seconds).into());
            "Permanent"
        }
        None => {
            session.remove("absoluteTimeout");
            "Session"
        }
    };
    let mut session = Value::Object(session);
    edit::set(&mut session, &["cookieConfig", "lifetimeType"], lifetime.into());
    edit::set(rule, &["sessionPersistence"], session);
}

/// Seconds as Gateway API writes them: no number has more than five digits.
fn duration(seconds: i64) -> String {
    let parts = [(seconds / 3600).min(99_999), seconds / 60 % 60, seconds % 60];
    let written = parts.into_iter().zip(["h", "m", "s"]);
    let written = written.filter(|(number, _)| *number > 0);
    written.map(|(number, unit)| format!("{number}{unit}")).collect()
}

/// A reference to the canary that has no weight: for a mirror.
pub(super) fn mirrored(backend: &Value) -> Value {
    let mut reference = json!({"group": "", "kind": "Service"});
    for field in ["group", "kind", "name", "namespace", "port"] {
        if !backend[field].is_null() {
            edit::set(&mut reference, &[field], backend[field].clone());
        }
    }
    reference
}
