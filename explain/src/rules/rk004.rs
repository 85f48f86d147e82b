//! RK004: a patch, or an entry of `images`, changes nothing.

use super::Rule;
use super::build::Place;
use super::finding::{Fix, Severity};
use super::seen::{Found, Seen};
use super::words::{is_pattern, nearest};
use serde_json::Value;
use serin_gitops::kustomize::{Image, Layer, Patch, Target};

pub(super) static RULE: Rule = Rule {
    id: "RK004",
    severity: Severity::Error,
    title: "a patch or an image aims at something that is not in the build, and is ignored without a word",
    page: include_str!("../../../docs/rules/RK004.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let built = &seen.build.built;
    for reach in built.reaches() {
        if !reach.objects.is_empty() || reach.deletes {
            continue;
        }
        let layer = built.graph.layers.get(reach.layer);
        if let Some((layer, patch)) = layer.zip(built.patch(&reach)) {
            patch_without_effect(seen, found, layer, patch);
        }
    }
    for layer in seen.build.layers() {
        for image in &layer.images {
            image_without_effect(seen, found, layer, image);
        }
    }
}

fn patch_without_effect(seen: &Seen<'_>, found: &mut Found<'_, '_>, layer: &Layer, patch: &Patch) {
    let Some(target) = &patch.target else { return }; // kustomize says so itself.
    let place = seen.build.show(&patch.place);
    let message = format!(
        "this patch aims at {}, which is not in the build: kustomize ignores it",
        words(target)
    );
    let near = near(seen, target);
    // A component or a pattern is made for several overlays: it need not fit each.
    let general = layer.is_component || target.name.as_deref().is_none_or(is_pattern);
    let severity = if general { Severity::Note } else { Severity::Error };
    let fix = match near {
        Some(Near::Name(name)) => {
            let old = target.name.clone().unwrap_or_default();
            replace_below(seen, layer, patch, "name", &old, name, format!("aim at {name:?}"))
        }
        Some(Near::Kind(kind)) => {
            let old = target.kind.clone().unwrap_or_default();
            replace_below(seen, layer, patch, "kind", &old, kind, format!("aim at kind {kind}"))
        }
        None => Fix::words("name an object of the build in `target`, or remove the patch"),
    };
    found
        .add_at(place, None, "patches", message)
        .severity(severity)
        .fix(fix);
}

/// What is aimed at instead, most likely.
enum Near<'a> {
    Name(&'a str),
    Kind(&'a str),
}

fn near<'a>(seen: &Seen<'a>, target: &Target) -> Option<Near<'a>> {
    let (name, kind) = (target.name.as_deref()?, target.kind.as_deref());
    let named = |object: &super::build::Object| object.name() == name || object.earlier.iter().any(|it| it == name);
    // What a patch is written for is mostly a workload: first a Rollout, which the Deployment may have become.
    let workloads = ["Rollout", "Deployment", "StatefulSet", "DaemonSet"];
    let of_name = workloads.iter().find_map(|workload| {
        let mut objects = seen.build.objects.iter();
        objects.find(|object| object.kind() == *workload && named(object))
    });
    if let Some(object) = of_name.filter(|object| kind.is_some_and(|kind| kind != object.kind())) {
        return Some(Near::Kind(object.kind()));
    }
    let of_kind = seen
        .build
        .objects
        .iter()
        .filter(|object| kind.is_none_or(|kind| kind == object.kind()));
    let first = |object: &'a super::build::Object| object.earlier.first().map_or(object.name(), String::as_str);
    nearest(name, of_kind.map(first)).map(Near::Name)
}

/// Replaces a word of the patch's target, where it stands in a line of its own.
fn replace_below(seen: &Seen<'_>, layer: &Layer, patch: &Patch, key: &str, old: &str, new: &str, words: String) -> Fix {
    let entries = layer
        .document
        .root
        .get("patches")
        .map(|patches| patches.items())
        .unwrap_or_default();
    let entry = entries.iter().rev().find(|entry| entry.mark.line <= patch.place.line);
    let target = entry.and_then(|entry| entry.get("target"));
    let Some(written) = target.and_then(|target| target.entry(key)) else {
        return Fix::words(words);
    };
    let place = Place {
        line: u32::try_from(written.key.mark.line).unwrap_or(u32::MAX),
        ..seen.build.show(&patch.place)
    };
    seen.replace(&place, &format!("{key}: {old}"), &format!("{key}: {new}"), words)
}

fn words(target: &Target) -> String {
    let fields = [
        ("group", &target.group),
        ("version", &target.version),
        ("kind", &target.kind),
        ("name", &target.name),
        ("namespace", &target.namespace),
        ("labelSelector", &target.label_selector),
        ("annotationSelector", &target.annotation_selector),
    ];
    let named = fields
        .iter()
        .filter_map(|(key, value)| value.as_ref().map(|value| format!("{key} {value}")));
    match named.collect::<Vec<_>>().join(", ") {
        nothing if nothing.is_empty() => "nothing".to_owned(),
        named => named,
    }
}

fn image_without_effect(seen: &Seen<'_>, found: &mut Found<'_, '_>, layer: &Layer, image: &Image) {
    let mut names: Vec<String> = Vec::new();
    for object in &seen.build.objects {
        images(&object.value, &mut names);
    }
    for object in &seen.build.built.objects {
        images(object.source.as_ref().unwrap_or(&Value::Null), &mut names);
    }
    let new = image.new_name.as_ref().map(|(name, _)| name.as_str());
    if names
        .iter()
        .any(|name| *name == image.name || Some(name.as_str()) == new)
    {
        return;
    }
    // Names in one registry have most of their letters in common: the last parts are compared.
    let (folder, last) = image.name.rsplit_once('/').unwrap_or(("", &image.name));
    let beside = names
        .iter()
        .filter(|name| name.rsplit_once('/').map_or("", |(folder, _)| folder) == folder);
    let lasts = beside.map(|name| name.rsplit('/').next().unwrap_or_default());
    let near = nearest(last, lasts).and_then(|last| names.iter().find(|name| name.rsplit('/').next() == Some(last)));
    let severity = if near.is_some() && !layer.is_component {
        Severity::Warning
    } else {
        Severity::Note
    };
    let message = format!(
        "no container of the build has the image {:?}: this entry of images changes nothing",
        image.name
    );
    let place = seen.build.show(&image.place);
    let fix = match near {
        Some(near) => {
            let words = format!("use {near:?}, which a container has");
            seen.replace(
                &place,
                &format!("name: {}", image.name),
                &format!("name: {near}"),
                words,
            )
        }
        None => Fix::words("use the name of an image as a container has it, without its tag, or remove the entry"),
    };
    found.add_at(place, None, "images", message).severity(severity).fix(fix);
}

/// The images of an object, without tag and digest.
fn images(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(image) if key == "image" => found.push(without_tag(image).to_owned()),
                    _ => images(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| images(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

pub(super) fn without_tag(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_lose_tag_and_digest() {
        for (image, name) in [
            ("web:v1", "web"),
            ("registry:5000/web", "registry:5000/web"),
            ("registry:5000/web:v1@sha256:0", "registry:5000/web"),
            ("web@sha256:0", "web"),
        ] {
            assert_eq!(without_tag(image), name);
        }
    }
}
