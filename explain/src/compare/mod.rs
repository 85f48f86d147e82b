//! Git's object, the live object and the running stable revision, side by side.
//!
//! Which fields Argo CD calls different follows its own (legacy) algorithm (contract 13 §6.1): what is only live is no drift,
//! arrays are compared whole, quantities by their value. Every field in which the three columns differ is listed, with what
//! the difference means ([`DifferenceKind`](crate::explanation::DifferenceKind)). Values of environments, arguments, headers and the like are hidden.

pub(crate) mod freeze;
mod hide;
mod ignore;
mod jq;
mod kinds;
mod legacy;
mod managers;
mod quantities;
mod rows;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use serin_core::api::PodTemplate;
use serin_core::identity::comparable_template;
use serin_gitops::argocd::IgnoreRule;
use serin_gitops::yaml::FieldPath;

use crate::explanation::FieldDifference;
pub(crate) use hide::clean;
use ignore::Ignored;
use kinds::Sorter;
use kinds::is_custom_group;

/// What is compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Columns<'a> {
    /// What Git wants; `None` where Git was not read.
    pub git: Option<&'a Value>,
    /// What is there.
    pub live: Option<&'a Value>,
    /// The ReplicaSet of the stable revision; its pod template is compared.
    pub stable: Option<&'a Value>,
    /// The fields that Argo CD leaves out.
    pub rules: &'a [IgnoreRule],
    /// Whether the application syncs with `RespectIgnoreDifferences=true`.
    pub respects_ignored: bool,
}

/// What differs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    /// The fields, as they stand in the object.
    pub differences: Vec<Difference>,
    /// Rules that were not understood: fields that they would leave out are listed as if there were no such rule.
    pub not_understood: Vec<String>,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The field, without file and line.
    pub field: FieldDifference,
    /// Where it stands in Git's object, or would stand if a person added it there; `None` if a person has nothing to edit.
    pub git_path: Option<FieldPath>,
}

/// Compares the columns.
#[must_use]
pub fn compare(columns: &Columns<'_>) -> Compared {
    let (git, live) = (
        columns.git.map(|git| cleared(git, columns.live)),
        columns.live.map(|live| cleared(live, columns.git)),
    );
    let stable = columns
        .stable
        .map(|set| json!({"spec": {"template": set.pointer("/spec/template")}}));
    let ignored = Ignored::of(columns.rules, columns.git, columns.live);
    let sorter = Sorter {
        git: git.as_ref(),
        live: live.as_ref(),
        managed: columns.live,
        forecast: legacy::forecast(git.as_ref(), live.as_ref(), columns.live, &ignored),
        meanings: [
            columns.git.and_then(meaning),
            columns.live.and_then(meaning),
            columns.stable.and_then(meaning),
        ],
        ignored: &ignored,
        respects_ignored: columns.respects_ignored,
    };
    let object = columns.git.or(columns.live);
    let is_secret = object.is_some_and(|object| object.get("kind").is_some_and(|kind| kind == "Secret"));
    let found = rows::differing([git.as_ref(), live.as_ref(), stable.as_ref()]);
    let differences = found.into_iter().map(|row| {
        let kind = sorter.kind(&row);
        let shown = |column: usize| {
            let value = row.values.get(column).copied().flatten();
            value.map_or(Value::Null, |value| hide::hidden(&row.path(), value, is_secret))
        };
        let only_live = row.values[0].is_none() && row.values[1].is_some();
        let field = FieldDifference {
            path: row.path().to_string(),
            git: shown(0),
            live: shown(1),
            stable: shown(2),
            kind,
            file: None,
            line: None,
        };
        let editable = !only_live && columns.git.is_some();
        Difference {
            field,
            git_path: editable.then(|| row.path()),
        }
    });
    Compared {
        differences: differences.collect(),
        not_understood: ignored.not_understood.clone(),
    }
}

/// Whether two builds of an object say the same: what a commit changes is not only its text. Fields that the API server
/// would fill in, and other spellings of quantities, are no change.
#[must_use]
pub fn is_same(before: Option<&Value>, after: Option<&Value>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return before.is_none() && after.is_none();
    };
    if before == after {
        return true;
    }
    let without = |object: &Value| {
        let mut object = object.clone();
        if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
            spec.remove("template");
        }
        object
    };
    let templates = (meaning(before), meaning(after));
    let plain = |object: &Value| object.pointer("/spec/template").is_none();
    let same_template = match templates {
        (Some(one), Some(other)) => one == other,
        (None, None) => plain(before) && plain(after),
        (Some(_), None) | (None, Some(_)) => false,
    };
    same_template && without(before) == without(after)
}

/// The pod template in the form in which two say the same if they are equal, below `spec.template`.
pub(crate) fn meaning(object: &Value) -> Option<Value> {
    let template = object
        .pointer("/spec/template")
        .filter(|template| template.get("spec").is_some())?;
    let annotations = object.pointer("/metadata/annotations").and_then(Value::as_object);
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    let annotations: BTreeMap<String, String> = annotations.into_iter().flatten().filter_map(text).collect();
    let mut comparable = comparable_template(&PodTemplate::new(template), &annotations);
    drop_empty_resources(&mut comparable);
    Some(json!({"spec": {"template": comparable}}))
}

/// Go writes `resources: {}` where there are none.
fn drop_empty_resources(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members
                .get("resources")
                .and_then(Value::as_object)
                .is_some_and(Map::is_empty)
            {
                members.remove("resources");
            }
            members.values_mut().for_each(drop_empty_resources);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty_resources),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The object without what the API server keeps, and what Argo CD writes beside what Git wants.
fn cleared(object: &Value, other: Option<&Value>) -> Value {
    const KEPT_BY_THE_SERVER: [&str; 9] = [
        "managedFields",
        "resourceVersion",
        "uid",
        "generation",
        "creationTimestamp",
        "selfLink",
        "ownerReferences",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ];
    let mut object = object.clone();
    if let Some(members) = object.as_object_mut() {
        members.remove("status");
    }
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return object;
    };
    metadata.retain(|key, _| !KEPT_BY_THE_SERVER.contains(&key.as_str()));
    let lacks = |pointer: &str| other.is_some_and(|other| other.pointer(pointer).is_none());
    if lacks("/metadata/namespace") {
        metadata.remove("namespace");
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        if lacks("/metadata/annotations/argocd.argoproj.io~1tracking-id") {
            annotations.remove("argocd.argoproj.io/tracking-id");
        }
    }
    metadata.retain(|_, value| value.as_object().is_none_or(|members| !members.is_empty()));
    object
}

/// What stands at a path; `null` counts as nothing.
fn at<'a>(object: &'a Value, path: &FieldPath) -> Option<&'a Value> {
    path.of(object).filter(|value| !value.is_null())
}

/// Whether one path is the other, or leads to it.
fn begins(path: &FieldPath, start: &FieldPath) -> bool {
    path.steps().starts_with(start.steps())
}
