//! `reference/scaler`: an autoscaler that aims at the wrong kind or version.

use crate::rules::Rule;
use crate::rules::build::Object;
use crate::rules::finding::{Edit, Fix, Severity};
use crate::rules::path::at;
use crate::rules::scalers::{Scaler, scalers};
use crate::rules::seen::{Found, Seen, Target};
use crate::rules::words::nearest;
use serin_core::api::{API_VERSION, GROUP};
use serin_gitops::yaml::FieldPath;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "reference/scaler",
    severity: Severity::Error,
    title: "an autoscaler aims at another kind or version than the rollout",
    page: include_str!("../../../../docs/rules/reference.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for scaler in scalers(seen) {
        let from = scaler.reference.from;
        let target = at("spec.scaleTargetRef");
        let written = &scaler.reference.object.value["spec"]["scaleTargetRef"];
        let version = written["apiVersion"].as_str().unwrap_or_default();
        let kind = scaler.reference.word();
        if kind == "Rollout" {
            let group = version.split('/').next().unwrap_or_default();
            let ours = seen
                .ours("Rollout")
                .any(|(_, rollout)| rollout.name() == scaler.reference.name);
            if version != API_VERSION && (group == GROUP || (ours && !group.contains("kruise"))) {
                let message = format!("apiVersion is {version:?}: there is no Rollout in it, so nothing is scaled");
                let path = target.key("apiVersion");
                let fix = version_fix(seen, from, &path, version);
                found.add(from, &path, message).fix(fix);
            } else if scaler.reference.target(seen) == Target::Absent && version == API_VERSION {
                not_there(seen, found, &scaler, &target);
            }
            continue;
        }
        if matches!(scaler.reference.target(seen), Target::Here(_) | Target::Renamed(_)) {
            workload(seen, found, &scaler, &target);
            continue;
        }
        let named = |object: &Object| object.is_ours("Rollout");
        let rollout = match seen.target(scaler.reference.object, scaler.reference.name, named) {
            Target::Here(rollout) | Target::Renamed(rollout) => rollout,
            Target::Elsewhere(_) | Target::Absent => continue,
        };
        let message = format!(
            "the target is {kind} {:?}, which is not in the build; {} is: nothing is scaled",
            scaler.reference.name,
            rollout.title()
        );
        let path = target.key("kind");
        let fix = kind_fix(seen, from, kind, version);
        found.add(from, &path, message).fix(fix);
    }
}

fn not_there(seen: &Seen<'_>, found: &mut Found<'_, '_>, scaler: &Scaler<'_>, target: &FieldPath) {
    let names = seen.ours("Rollout").map(|(_, rollout)| rollout.name());
    let near = nearest(scaler.reference.name, names);
    let message = format!("the target, Rollout {:?}, is not in this build", scaler.reference.name);
    let words = near.map_or_else(
        || "nothing, if another build has it".to_owned(),
        |near| format!("did you mean {near:?}?"),
    );
    found
        .add(scaler.reference.from, &target.key("name"), message)
        .severity(Severity::Note)
        .fix(Fix::words(words));
}

/// A workload that a rollout took the pods of has 0 replicas, which autoscalers leave alone.
fn workload(seen: &Seen<'_>, found: &mut Found<'_, '_>, scaler: &Scaler<'_>, target: &FieldPath) {
    let reference = &scaler.reference;
    let owner = seen.rollouts().find(|(_, rollout, spec)| {
        let workload = spec.spec.workload_ref.as_ref();
        workload.is_some_and(|it| it.kind == reference.word() && it.name == reference.name)
            && rollout.meets(reference.object)
    });
    let Some((_, owner, _)) = owner else { return };
    let message = format!(
        "the target is {} {:?}, but {} runs its pods (workloadRef): the pods that users reach are not scaled",
        reference.word(),
        reference.name,
        owner.title()
    );
    let words = format!("aim at {}", owner.title());
    found
        .add(reference.from, &target.key("name"), message)
        .severity(Severity::Warning)
        .fix(Fix::words(words));
}

fn version_fix(seen: &Seen<'_>, from: usize, path: &FieldPath, version: &str) -> Fix {
    let words = format!("use {API_VERSION}");
    if version.is_empty() {
        return Fix::words(words);
    }
    seen.replace(&seen.place(from, path), version, API_VERSION, words)
}

/// Kind and version together; they mostly stand in neighbouring lines.
fn kind_fix(seen: &Seen<'_>, from: usize, kind: &str, version: &str) -> Fix {
    let words = format!("set kind to Rollout and apiVersion to {API_VERSION}");
    let target = at("spec.scaleTargetRef");
    let (kinds, versions) = (
        seen.place(from, &target.key("kind")),
        seen.place(from, &target.key("apiVersion")),
    );
    let (kind_line, version_line) = (seen.line(&kinds), seen.line(&versions));
    let new_kind = kind_line
        .filter(|line| line.contains(kind))
        .map(|line| line.replacen(kind, "Rollout", 1));
    let new_version = version_line
        .filter(|line| !version.is_empty() && line.contains(version))
        .map(|line| line.replacen(version, API_VERSION, 1));
    let (Some(new_kind), Some(new_version)) = (new_kind, new_version) else {
        return Fix::words(words);
    };
    let added = match (
        kinds.file == versions.file,
        kinds.line.checked_sub(versions.line),
        versions.line.checked_sub(kinds.line),
    ) {
        (true, Some(1), _) => vec![new_version, new_kind],
        (true, _, Some(1)) => vec![new_kind, new_version],
        _ => return Fix::words(words),
    };
    let edit = Edit {
        first: kinds.line.min(versions.line),
        file: kinds.file,
        removed: 2,
        added,
    };
    seen.edited(words, Some(edit))
}
