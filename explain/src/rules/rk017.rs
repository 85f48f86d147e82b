//! RK017: a text still has the namespace that the build replaced.

use super::Rule;
use super::build::Object;
use super::finding::{Fix, Severity};
use super::names::{GATEWAYS, references};
use super::seen::{Found, Seen};
use serde_json::Value;
use serin_gitops::yaml::FieldPath;
use std::collections::BTreeSet;

pub(super) static RULE: Rule = Rule {
    id: "RK017",
    severity: Severity::Warning,
    title: "an address or a configuration still has the namespace that this build replaces",
    page: include_str!("../../../docs/rules/RK017.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let mut told = BTreeSet::new();
    for (index, object) in seen.objects() {
        if !is_searched(object) {
            continue;
        }
        let mut texts = Vec::new();
        strings(&object.value, &FieldPath::root(), &mut texts);
        for (path, text) in texts {
            for (name, namespace) in addresses(text) {
                if let Some(now) = moved_to(seen, name, namespace) {
                    tell(seen, found, index, &path, (name, namespace, now));
                    told.insert((index, path.clone()));
                }
            }
        }
        for base in GATEWAYS {
            let path = FieldPath::within(&format!("{base}.namespace"), &object.value);
            let Some(namespace) = path.of(&object.value).and_then(Value::as_str) else {
                continue;
            };
            let now = object.namespace().filter(|now| *now != namespace);
            let was = object.earlier_namespace.as_deref().unwrap_or("default");
            if let Some(now) = now.filter(|_| was == namespace) {
                let message = format!("namespace is {namespace:?}, but this build puts the rollout into {now:?}");
                let words = format!("set it to {now:?} in this overlay: a patch, or a `replacements` entry");
                found.add(index, &path, message).fix(Fix::words(words));
            }
        }
    }
    for reference in references(seen) {
        let Some(namespace) = reference.namespace else { continue };
        let fits = |object: &&Object| reference.kind.fits(object) && has_name(object, reference.name);
        let target = seen.build.objects.iter().find(fits);
        let now = target.and_then(|target| was_moved(target, namespace));
        if let Some(now) = now.filter(|_| !told.contains(&(reference.from, reference.path.clone()))) {
            tell(
                seen,
                found,
                reference.from,
                &reference.path,
                (reference.name, namespace, now),
            );
        }
    }
}

/// Our kinds, and the routes beside them.
fn is_searched(object: &Object) -> bool {
    let routes = ["VirtualService", "DestinationRule", "Mapping"];
    object.group() == serin_core::api::GROUP || routes.contains(&object.kind())
}

fn tell(
    seen: &Seen<'_>,
    found: &mut Found<'_, '_>,
    index: usize,
    path: &FieldPath,
    (name, namespace, now): (&str, &str, &str),
) {
    let message =
        format!("{path} has the address {name}.{namespace}, but this build puts {name} into namespace {now:?}");
    let place = seen.place(index, path);
    let words = format!("use {name}.{now} in this overlay: a patch, or a `replacements` entry");
    // A file that other overlays use too must not name this one's namespace.
    let is_own = seen.build.layers().first().is_some_and(|layer| {
        let folder = layer.folder.to_string_lossy();
        place.file.ends_with(&*layer.file.to_string_lossy()) || place.file.contains(&format!("{folder}/"))
    });
    let fix = if is_own {
        seen.replace(&place, &format!("{name}.{namespace}"), &format!("{name}.{now}"), words)
    } else {
        Fix::words(words)
    };
    found.add(index, path, message).fix(fix);
}

/// The namespace that a Service has now, where it had the given one before the build.
fn moved_to<'a>(seen: &Seen<'a>, name: &str, namespace: &str) -> Option<&'a str> {
    let services = seen
        .build
        .objects
        .iter()
        .filter(|object| object.kind() == "Service" && object.group().is_empty());
    services
        .filter(|service| has_name(service, name))
        .find_map(|service| was_moved(service, namespace))
}

fn has_name(object: &Object, name: &str) -> bool {
    object.name() == name || object.earlier.iter().any(|earlier| earlier == name)
}

fn was_moved<'o>(object: &'o Object, namespace: &str) -> Option<&'o str> {
    let now = object.namespace()?;
    let was = object.earlier_namespace.as_deref().unwrap_or("default");
    (was == namespace && now != namespace).then_some(now)
}

fn strings<'v>(value: &'v Value, path: &FieldPath, found: &mut Vec<(FieldPath, &'v str)>) {
    match value {
        Value::String(text) if text.contains(".svc") => found.push((path.clone(), text)),
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| strings(value, &path.key(key), found)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                strings(item, &path.index(index), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The addresses `name.namespace.svc` in a text.
fn addresses(text: &str) -> Vec<(&str, &str)> {
    let label = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut found = Vec::new();
    for (position, _) in text.match_indices(".svc") {
        let after = &text[position + 4..];
        if after.starts_with(label) {
            continue;
        }
        let before = &text[..position];
        let namespace = &before[before.trim_end_matches(label).len()..];
        let Some(before) = before[..before.len() - namespace.len()].strip_suffix('.') else {
            continue;
        };
        let name = &before[before.trim_end_matches(label).len()..];
        if !name.is_empty() && !namespace.is_empty() {
            found.push((name, namespace));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_texts() {
        let text = "http://web.default.svc:80/x?y=api.prod.svc.cluster.local a.svc .b.svc c.d.svcs";
        assert_eq!(addresses(text), [("web", "default"), ("api", "prod")]);
    }
}
