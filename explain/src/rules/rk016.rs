//! RK016: Git and something else both set the number of pods.

use super::Rule;
use super::finding::{Fix, Severity};
use super::path::at;
use super::scalers::scalers;
use super::seen::{Found, Seen};
use serde_json::Value;

pub(super) static RULE: Rule = Rule {
    id: "RK016",
    severity: Severity::Warning,
    title: "the number of pods is set by Git and by an autoscaler, or for a rollout and its workload alike",
    page: include_str!("../../../docs/rules/RK016.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let scalers = scalers(seen);
    for (index, object) in seen.ours("Rollout") {
        let replicas = object
            .value
            .pointer("/spec/replicas")
            .filter(|replicas| !replicas.is_null());
        let scaler = scalers.iter().find(|scaler| scaler.scales(seen, object));
        if let (Some(replicas), Some(scaler)) = (replicas, scaler) {
            let message = format!(
                "spec.replicas is {replicas} in Git, and {} sets it too: each sync undoes what the autoscaler did",
                scaler.reference.object.title()
            );
            let words = "remove spec.replicas from Git while the live value is right (with server-side apply the field then \
                         belongs to the autoscaler), or have Argo CD ignore the difference in /spec/replicas and respect it";
            found.add(index, &at("spec.replicas"), message).fix(Fix::words(words));
        }
        if object.value["spec"]["workloadRef"].is_object() {
            workload(seen, found, index);
        }
    }
}

/// A rollout that takes its pods from a workload.
fn workload(seen: &Seen<'_>, found: &mut Found<'_, '_>, index: usize) {
    let object = &seen.build.objects[index];
    let reference = &object.value["spec"]["workloadRef"];
    let name = reference["name"].as_str().unwrap_or_default();
    // `replicas` of a kustomization goes by name alone (K22).
    for entry in seen.build.layers().iter().flat_map(|layer| &layer.replicas) {
        let named = |object: &super::build::Object| object.name() == entry.name || object.earlier.contains(&entry.name);
        let also = seen
            .objects()
            .any(|(_, other)| other.kind() == reference["kind"].as_str().unwrap_or_default() && named(other));
        if named(object) && also && object.value["spec"]["replicas"] == 0 {
            let message = format!(
                "this entry is meant for {} {name:?}, but the rollout has the same name: it is scaled to 0 too",
                reference["kind"].as_str().unwrap_or("the workload")
            );
            let words = "scale the workload with a patch whose target names its kind, instead of `replicas`";
            let place = seen.build.show(&entry.count);
            found
                .add_at(place, Some(index), "spec.replicas", message)
                .severity(Severity::Error)
                .fix(Fix::words(words));
        }
    }
    let scales_down = ["onsuccess", "progressively"].contains(&reference["scaleDown"].as_str().unwrap_or_default());
    let deployment = seen.objects().find(|(_, other)| {
        other.kind() == reference["kind"].as_str().unwrap_or_default() && other.name() == name && other.meets(object)
    });
    let Some((deployment, value)) = deployment else { return };
    let replicas = value.value.pointer("/spec/replicas").and_then(Value::as_i64);
    if scales_down && replicas.is_some_and(|replicas| replicas > 0) {
        let message = format!(
            "{} scales {} down, and Git sets its replicas to {}: each sync brings its pods back beside the rollout's",
            object.title(),
            value.title(),
            replicas.unwrap_or_default()
        );
        let words = "remove spec.replicas of the workload from Git, or set it to 0";
        found
            .add(deployment, &at("spec.replicas"), message)
            .fix(Fix::words(words));
    }
}
