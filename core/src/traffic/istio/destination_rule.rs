//! The DestinationRule: its subsets select pods by the pod template hash (contract 07 §1).

use super::api_version;
use crate::api::rollout::{IstioDestinationRule, IstioRouting};
use crate::traffic::{Next, Place, Problem, Routes, Site, Told, Wanted};
use crate::wire::{HASH_LABEL, MANAGED_BY};
use serde_json::{Map, Value, json};

/// Of the rollout's namespace, always.
pub(super) fn place(routing: &IstioRouting, site: &Site<'_>) -> Option<Place> {
    let rule = routing.destination_rule.as_ref()?;
    Some(Place {
        api_version: api_version(site),
        kind: "DestinationRule".to_owned(),
        plural: "destinationrules".to_owned(),
        namespace: site.namespace.to_owned(),
        name: rule.name.clone(),
    })
}

fn find<'a>(routing: &IstioRouting, site: &Site<'_>, routes: &'a Routes) -> Option<&'a Value> {
    routes.find(&place(routing, site)?)
}

/// The host that the rule is of.
pub(super) fn host(routing: &IstioRouting, site: &Site<'_>, routes: &Routes) -> Option<String> {
    let object = find(routing, site, routes)?;
    object["spec"]["host"].as_str().map(str::to_owned)
}

/// The hash that a subset selects; empty where it selects none. `None` where no rule is used: the Services decide.
pub(super) fn hash(
    routing: &IstioRouting,
    site: &Site<'_>,
    routes: &Routes,
    name: fn(&IstioDestinationRule) -> &str,
) -> Option<String> {
    let rule = routing.destination_rule.as_ref()?;
    let object = find(routing, site, routes).unwrap_or(&Value::Null);
    let mut subsets = object["spec"]["subsets"].as_array().into_iter().flatten();
    let subset = subsets.find(|subset| subset["name"].as_str() == Some(name(rule)));
    let hash = subset.and_then(|subset| subset["labels"][HASH_LABEL].as_str());
    Some(hash.unwrap_or_default().to_owned())
}

pub(super) fn desired(
    routing: &IstioRouting,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
) -> Result<Option<Next>, Problem> {
    let (Some(rule), Some(place)) = (&routing.destination_rule, place(routing, site)) else {
        return Ok(None);
    };
    let Some(found) = routes.find(&place) else {
        let message = format!("DestinationRule `{}` not found", place.name);
        return Err(Problem::new(&place, "DestinationRuleNotFound", message));
    };
    let mut object = found.clone();
    if let Some(annotations) = fields(&mut object, "metadata").and_then(|metadata| entry(metadata, "annotations")) {
        annotations.insert(MANAGED_BY.to_owned(), site.rollout.into());
    }
    if let Some(spec) = fields(&mut object, "spec") {
        let subsets = spec.entry("subsets").or_insert_with(|| json!([]));
        if subsets.is_null() {
            *subsets = json!([]);
        }
        if let Some(subsets) = subsets.as_array_mut() {
            select(subsets, rule, wanted);
        }
    }
    let IstioDestinationRule {
        name,
        canary_subset_name: canary,
        stable_subset_name: stable,
        ..
    } = rule;
    let (canary_hash, stable_hash) = (wanted.canary_hash, wanted.stable_hash);
    let message = format!("DestinationRule {name} subset updated ({canary}: {canary_hash}, {stable}: {stable_hash})");
    Ok(Some(Next {
        place,
        object: Some(object),
        owned: false,
        told: vec![Told::new("UpdatedDestinationRule", message)],
    }))
}

/// Gives the subsets their hashes. Those of experiments that are over go; all others stay.
fn select(subsets: &mut Vec<Value>, rule: &IstioDestinationRule, wanted: &Wanted<'_>) {
    let mut hashes = vec![
        (rule.canary_subset_name.as_str(), wanted.canary_hash),
        (rule.stable_subset_name.as_str(), wanted.stable_hash),
    ];
    let mut experiments: Vec<_> = wanted.additional.iter().collect();
    experiments.sort_by_key(|of| &of.service);
    hashes.extend(experiments.iter().map(|of| (of.service.as_str(), of.hash.as_str())));
    let is_known = |name: &str| {
        let mut kept = rule.additional_subset_names.iter();
        hashes.iter().any(|(of, _)| *of == name) || kept.any(|of| of == name)
    };
    subsets.retain(|subset| !is_left(subset) || subset["name"].as_str().is_some_and(is_known));
    let mut done: Vec<&str> = Vec::new();
    for (name, hash) in &hashes {
        if name.is_empty() || done.contains(name) {
            continue;
        }
        done.push(name);
        let mut of_name = subsets
            .iter_mut()
            .filter(|subset| subset["name"].as_str() == Some(name))
            .peekable();
        if of_name.peek().is_some() {
            of_name.for_each(|subset| label(subset, hash));
        } else if !hash.is_empty() {
            subsets.push(json!({"name": name, "labels": {HASH_LABEL: hash}}));
        }
    }
}

/// Whether a subset looks like that of an experiment: it has a name and selects by the hash, and nothing else.
fn is_left(subset: &Value) -> bool {
    let only = |value: &Value, keys: &[&str]| {
        value
            .as_object()
            .is_some_and(|fields| fields.len() == keys.len() && keys.iter().all(|key| fields.contains_key(*key)))
    };
    only(subset, &["name", "labels"]) && only(&subset["labels"], &[HASH_LABEL])
}

/// Sets the hash of a subset; an empty one removes the label.
fn label(subset: &mut Value, hash: &str) {
    let Some(subset) = subset.as_object_mut() else { return };
    if hash.is_empty() {
        unlabel(subset);
    } else if let Some(labels) = entry(subset, "labels") {
        labels.insert(HASH_LABEL.to_owned(), hash.into());
    }
}

/// Removes the hash of a subset; labels that are empty then go as well.
fn unlabel(subset: &mut Map<String, Value>) {
    let Some(labels) = subset.get_mut("labels").and_then(Value::as_object_mut) else {
        return;
    };
    if labels.remove(HASH_LABEL).is_some() && labels.is_empty() {
        subset.remove("labels");
    }
}

/// Rules that say that they belong to a rollout, and that it does not name, as they are to be: without the annotation, and
/// without the hashes of their subsets, which would select no pods one day (contract 07 §1).
pub(in crate::traffic) fn left(rollout: &str, named: &[Place], routes: &Routes) -> Vec<Next> {
    let rules = routes.0.iter().filter(|route| is_rule(&route.place));
    let left = rules.filter(|route| !named.contains(&route.place)).filter_map(|route| {
        let mut object = routes.find(&route.place)?.clone();
        let annotations = object.pointer_mut("/metadata/annotations")?.as_object_mut()?;
        (annotations.remove(MANAGED_BY)?.as_str() == Some(rollout)).then_some(())?;
        let subsets = object.pointer_mut("/spec/subsets").and_then(Value::as_array_mut);
        let subsets = subsets.into_iter().flatten().filter_map(Value::as_object_mut);
        subsets.for_each(unlabel);
        Some(Next {
            place: route.place.clone(),
            object: Some(object),
            owned: false,
            told: Vec::new(),
        })
    });
    left.collect()
}

/// Whether a rule is at a place.
pub(in crate::traffic) fn is_rule(place: &Place) -> bool {
    place.kind == "DestinationRule" && place.api_version.starts_with("networking.istio.io/")
}

/// The fields of a part of an object, made where the part is absent; `None` where it is of another type.
fn fields<'a>(object: &'a mut Value, field: &str) -> Option<&'a mut Map<String, Value>> {
    entry(object.as_object_mut()?, field)
}

fn entry<'a>(fields: &'a mut Map<String, Value>, field: &str) -> Option<&'a mut Map<String, Value>> {
    let value = fields.entry(field).or_insert_with(|| json!({}));
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut()
}
