//! RK012: configuration changes, and the pods do not.

use super::Rule;
use super::config::{changed_keys, same, used};
use super::finding::{Fix, Severity};
use super::path::at;
use super::seen::{Found, Seen};
use serin_core::api::PodTemplate;
use serin_core::identity::Fingerprint;

pub(super) static RULE: Rule = Rule {
    id: "RK012",
    severity: Severity::Warning,
    title: "a ConfigMap or Secret changes under the same name, so that no rollout starts",
    page: include_str!("../../../docs/rules/RK012.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for used in used(seen) {
        let Some((base, was)) = seen.counterpart(used.by) else {
            continue;
        };
        let (now, was) = (&seen.build.objects[used.by], &base.objects[was]);
        let print = |value: &serde_json::Value| Fingerprint::of(&PodTemplate::new(&value["spec"]["template"]));
        if print(&now.value) != print(&was.value) || reloads(&now.value) {
            continue;
        }
        let Some(before) = same(base, used.object) else {
            continue;
        };
        let keys = changed_keys(&used.object.value, &before.value);
        let Some(first) = keys.first() else { continue };
        let index = seen
            .build
            .objects
            .iter()
            .position(|object| std::ptr::eq(object, used.object));
        let message = format!(
            "{} changes ({}) under the same name, and {} keeps its template: running pods keep the old values until they \
             restart, and no step of the rollout guards the change",
            used.object.title(),
            keys.join(", "),
            now.title()
        );
        let words = "let the generator put a hash in the name (remove disableNameSuffixHash), so that a change is a new revision";
        let map = ["data", "stringData", "binaryData"]
            .into_iter()
            .find(|map| used.object.value[map].get(first).is_some());
        let path = map.map_or_else(|| at("data"), |map| at(map).key(first));
        found
            .add(index.unwrap_or(used.by), &path, message)
            .fix(Fix::words(words));
    }
}

/// An operator restarts the pods (stakater/Reloader).
fn reloads(rollout: &serde_json::Value) -> bool {
    let annotations = ["/metadata/annotations", "/spec/template/metadata/annotations"];
    let maps = annotations
        .iter()
        .filter_map(|pointer| rollout.pointer(pointer)?.as_object());
    maps.flat_map(|map| map.keys())
        .any(|key| key.contains("reloader.stakater.com/"))
}
