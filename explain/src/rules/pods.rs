//! The pods that a build describes.

use super::build::Object;
use super::seen::Seen;
use serde_json::{Map, Value};
use serin_core::api::LabelSelector;
use std::collections::BTreeMap;

/// Labels of the pods of one object.
#[derive(Debug, Clone)]
pub(super) struct Pods<'a> {
    /// The object, by its index in the build.
    pub(super) index: usize,
    /// The object.
    pub(super) object: &'a Object,
    /// The labels.
    pub(super) labels: BTreeMap<String, String>,
}

/// The pods of every object that has a pod template, of whatever kind; of a rollout with a workload reference those of
/// the workload.
pub(super) fn pods<'a>(seen: &Seen<'a>) -> Vec<Pods<'a>> {
    let described = seen.objects().flat_map(|(index, object)| {
        let templates: Vec<Option<&Value>> = match object.kind() {
            "Pod" => vec![object.value.pointer("/metadata/labels")],
            "CronJob" => vec![object.value.pointer("/spec/jobTemplate/spec/template/metadata/labels")],
            "Experiment" => super::path::find(&object.value, "spec.templates[*].template.metadata.labels")
                .into_iter()
                .map(|(_, labels)| Some(labels))
                .collect(),
            _ => vec![object.value.pointer("/spec/template/metadata/labels")],
        };
        let labels = templates.into_iter().flatten().filter_map(Value::as_object);
        labels.map(move |labels| Pods {
            index,
            object,
            labels: texts(labels),
        })
    });
    described.collect()
}

/// A map of texts.
pub(super) fn texts(map: &Map<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    map.iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

/// A selector of a Service: its labels.
pub(super) fn service_selector(service: &Object) -> BTreeMap<String, String> {
    let selector = service.value.pointer("/spec/selector").and_then(Value::as_object);
    let mut selector = selector.map(texts).unwrap_or_default();
    selector.remove(serin_core::wire::HASH_LABEL);
    selector
}

/// A selector with `matchLabels` and `matchExpressions`; `None` where it does not decode.
pub(super) fn selector(value: &Value) -> Option<LabelSelector> {
    serde_json::from_value(value.clone()).ok()
}

/// Whether labels are selected.
pub(super) fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let equal = |(name, value): (&String, &String)| labels.get(name) == Some(value);
    let fits = |requirement: &serin_core::api::LabelSelectorRequirement| {
        let value = labels.get(&requirement.key);
        let listed = value.is_some_and(|value| requirement.values.iter().flatten().any(|other| other == value));
        match requirement.operator.as_str() {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    };
    selector.match_labels.iter().flatten().all(equal) && selector.match_expressions.iter().flatten().all(fits)
}

/// Whether a selector says nothing.
pub(super) fn is_empty(selector: &LabelSelector) -> bool {
    selector.match_labels.iter().flatten().next().is_none()
        && selector.match_expressions.iter().flatten().next().is_none()
}
