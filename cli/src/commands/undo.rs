//! `undo NAME` (contract 10 §3, §9)

use crate::cluster::connect::Connection;
use crate::cluster::workload::{holder, objects};
use crate::show::console::Console;
use crate::show::failure::Failure;
use crate::values;
use clap::Args;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::core::Selector;
use serde_json::{Value, json};
use serin_core::api::Rollout;
use serin_core::wire::{HASH_LABEL, REVISION};

/// `undo NAME`.
#[derive(Args, Debug)]
pub(crate) struct Undo {
    /// Name of the rollout
    #[arg(value_name = "ROLLOUT_NAME")]
    pub names: Vec<String>,
    /// The revision to rollback to. Default to 0 (last revision).
    #[arg(long, value_parser = values::integer, allow_hyphen_values = true, default_value = "0")]
    pub to_revision: i64,
}

/// Puts the template of an earlier revision back.
pub(super) async fn run(connection: &Connection, arguments: &Undo, console: &mut Console) -> Result<(), Failure> {
    for name in &arguments.names {
        let told = undo(connection, name, arguments.to_revision).await?;
        console.print(&told)?;
    }
    Ok(())
}

async fn undo(connection: &Connection, name: &str, revision: i64) -> Result<String, Failure> {
    let rollout = objects::<Rollout>(connection).get(name).await?;
    let owned = owned_by(connection, &rollout, name).await?;
    let target = target(&owned, revision, name).map_err(Failure::Message)?;
    let template = without_hash(target.data.pointer("/spec/template").cloned().unwrap_or_default());
    let current = rollout.data.pointer("/spec/template").filter(|it| it.is_object());
    if current.is_some_and(|current| derives(&without_hash(current.clone()), &template)) {
        // Upstream ends this line without a line feed, too.
        return Ok(format!(
            "skipped rollback (current template already matches revision {revision})"
        ));
    }
    restore(connection, &rollout, &template)
        .await
        .map_err(|failure| failure.while_doing(&format!("failed restoring revision {revision}")))?;
    Ok(format!("rollout '{name}' undo\n"))
}

async fn restore(connection: &Connection, rollout: &DynamicObject, template: &Value) -> Result<(), Failure> {
    let holder = holder(connection, rollout)?;
    let patch = json!([{"op": "replace", "path": holder.template, "value": template}]);
    let patch = serde_json::from_value(patch).map_err(|error| Failure::message(error.to_string()))?;
    holder
        .objects
        .patch(&holder.name, &PatchParams::default(), &Patch::<()>::Json(patch))
        .await
        .map_err(|error| Failure::of_write(&error))?;
    Ok(())
}

/// The ReplicaSets that a rollout selects and controls.
async fn owned_by(connection: &Connection, rollout: &DynamicObject, name: &str) -> Result<Vec<DynamicObject>, Failure> {
    let doing = format!("failed to retrieve replica sets from rollout {name}");
    let selector: LabelSelector = match rollout.data.pointer("/spec/selector") {
        Some(selector) => serde_json::from_value(selector.clone())
            .map_err(|error| Failure::message(format!("{doing}: spec.selector: {error}")))?,
        None => LabelSelector::default(),
    };
    let selector = Selector::try_from(selector).map_err(|error| Failure::message(format!("{doing}: {error}")))?;
    let listed = objects::<ReplicaSet>(connection)
        .list(&ListParams::default().labels_from(&selector))
        .await
        .map_err(|error| Failure::from(error).while_doing(&doing))?;
    let uid = rollout.metadata.uid.as_deref().unwrap_or_default();
    let is_controlled = |replica_set: &DynamicObject| {
        let owners = replica_set.metadata.owner_references.iter().flatten();
        owners
            .filter(|owner| owner.controller == Some(true))
            .any(|owner| owner.uid == uid)
    };
    Ok(listed.items.into_iter().filter(is_controlled).collect())
}

/// The ReplicaSet with a revision; with 0, that of the second highest.
fn target<'a>(owned: &'a [DynamicObject], revision: i64, rollout: &str) -> Result<&'a DynamicObject, String> {
    let found = if revision == 0 {
        previous(owned)
    } else {
        owned.iter().find(|it| revision_of(it) == Some(revision))
    };
    found.ok_or_else(|| {
        if revision > 0 {
            format!("unable to find specified revision {revision} in history")
        } else {
            format!("no revision found for rollout {rollout:?}")
        }
    })
}

fn previous(owned: &[DynamicObject]) -> Option<&DynamicObject> {
    let (mut latest, mut previous) = (None, None);
    for replica_set in owned {
        let Some(revision) = revision_of(replica_set) else {
            continue;
        };
        let found = Some((revision, replica_set));
        let is_newer = |than: Option<(i64, _)>| than.is_none_or(|(than, _)| than < revision);
        if is_newer(latest) {
            previous = latest;
            latest = found;
        } else if is_newer(previous) {
            previous = found;
        }
    }
    previous.map(|(_, replica_set)| replica_set)
}

/// 0 without the annotation; `None` if it is not a number, or negative.
fn revision_of(replica_set: &DynamicObject) -> Option<i64> {
    let annotations = replica_set.metadata.annotations.as_ref();
    let Some(text) = annotations.and_then(|it| it.get(REVISION)) else {
        return Some(0);
    };
    text.parse().ok().filter(|revision| *revision >= 0)
}

/// The template as the user wrote it: the label of the hash is the controller's.
fn without_hash(mut template: Value) -> Value {
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH_LABEL);
    }
    template
}

/// Whether all that `one` says stands in `other`, too: what is empty or absent says nothing (`DeepDerivative` of Kubernetes).
fn derives(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Null, _) => true,
        (Value::String(one), Value::String(other)) => one.is_empty() || one == other,
        (Value::Array(one), Value::Array(other)) => {
            one.len() <= other.len() && one.iter().zip(other).all(|(one, other)| derives(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let holds = |(key, value)| other.get(key).is_some_and(|other| derives(value, other));
            one.len() <= other.len() && one.iter().all(holds)
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn replica_set(name: &str, revision: &str) -> DynamicObject {
        serde_json::from_value(json!({"metadata": {"name": name, "annotations": {REVISION: revision}}})).unwrap()
    }

    #[test]
    fn the_revision_is_the_second_highest_or_the_one_that_is_asked_for() {
        let owned = [
            replica_set("two", "2"),
            replica_set("four", "4"),
            replica_set("none", "x"),
            replica_set("three", "3"),
        ];
        let unmarked: DynamicObject = serde_json::from_value(json!({"metadata": {"name": "unmarked"}})).unwrap();
        let name = |owned: &[DynamicObject], revision| {
            target(owned, revision, "web").map(|it| it.metadata.name.clone().unwrap())
        };
        assert_eq!(name(&owned, 0).unwrap(), "three");
        assert_eq!(name(&owned, 2).unwrap(), "two");
        assert_eq!(
            name(&owned, 9).unwrap_err(),
            "unable to find specified revision 9 in history"
        );
        let nothing = "no revision found for rollout \"web\"";
        assert_eq!(name(&owned, -1).unwrap_err(), nothing);
        assert_eq!(name(&owned[..1], 0).unwrap_err(), nothing);
        let with_unmarked = [owned[0].clone(), unmarked];
        assert_eq!(
            name(&with_unmarked, 0).unwrap(),
            "unmarked",
            "no annotation is revision 0"
        );
    }

    #[test]
    fn a_template_derives_from_one_that_says_more() {
        let full = json!({"labels": {"app": "a", "x": "y"}, "list": [{"a": 1}, 2], "n": 1, "r": {}});
        for (one, answer) in [
            (json!({}), true),
            (json!({"labels": {"app": "a"}, "n": null}), true),
            (json!({"labels": {"app": ""}}), true),
            (json!({"labels": {"app": "b"}}), false),
            (json!({"list": [{}]}), true),
            (json!({"list": [{"a": 2}]}), false),
            (json!({"list": [{}, 2, 3]}), false),
            (json!({"r": {}}), true),
            (json!({"absent": {}}), false),
            (json!({"n": "1"}), false),
        ] {
            assert_eq!(derives(&one, &full), answer, "{one}");
        }
    }

    #[test]
    fn the_label_of_the_hash_is_left_out() {
        let template = json!({"metadata": {"labels": {"app": "a", HASH_LABEL: "h"}}});
        assert_eq!(without_hash(template), json!({"metadata": {"labels": {"app": "a"}}}));
    }
}
