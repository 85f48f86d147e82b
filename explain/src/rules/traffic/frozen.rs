//! `traffic/frozen-list`: Argo CD keeps a whole list of a rollout or its route as it is live (contract 13 §6.3).

use super::world::{self, World};
use crate::compare::freeze::{RESPECTS, array_path, is_for};
use crate::rules::Rule;
use crate::rules::build::Object;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::{below, find as reach};
use crate::rules::seen::{Found, Seen, text};
use std::collections::BTreeSet;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "traffic/frozen-list",
    severity: Severity::Warning,
    title: "an Application keeps a whole list of a rollout or its route as it is live",
    page: include_str!("../../../../docs/rules/traffic.md"),
    find,
};

/// Where the Application stands in an object.
const APPLICATIONS: [(&str, &str); 2] = [("Application", ""), ("ApplicationSet", "spec.template.")];

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (kind, base) in APPLICATIONS {
        for (index, object) in seen.ours(kind) {
            let options = reach(&object.value, &format!("{base}spec.syncPolicy.syncOptions[*]"));
            if !options.iter().any(|(_, option)| *option == RESPECTS) {
                continue;
            }
            let pointer = format!("/{}spec/destination/namespace", base.replace('.', "/"));
            let destination = text(&object.value, &pointer);
            for (path, rule) in reach(&object.value, &format!("{base}spec.ignoreDifferences[*]")) {
                let Some(written) = array_path(rule) else { continue };
                let frozen = frozen(seen).into_iter().map(|index| &seen.build.objects[index]);
                let frozen = frozen.filter(|object| lands(object, destination)).find(|object| {
                    let namespace = object.namespace().unwrap_or(destination);
                    is_for(rule, object.group(), object.kind(), namespace, object.name())
                });
                let Some(frozen) = frozen else { continue };
                let lines = ["jqPathExpressions[*]", "jsonPointers[*]"];
                let mut lines = lines.iter().flat_map(|pattern| reach(rule, pattern));
                let line = lines.find(|(_, line)| *line == written);
                let path = line.map_or(path.clone(), |(line, _)| below(&path, &line));
                let message = format!(
                    "{RESPECTS} keeps the whole list around {written} of {} as it is live: edits of it in Git do not arrive, \
                     although the sync succeeds",
                    frozen.title()
                );
                let words =
                    "remove the sync option, or ignore by a jq expression that selects by name: select(.name == \"…\")";
                found.add(index, &path, message).fix(Fix::words(words));
            }
        }
    }
}

/// Whether an Application whose objects land in a namespace may have this one; one that says no namespace may lead anywhere.
fn lands(object: &Object, destination: &str) -> bool {
    destination.is_empty() || destination.contains("{{") || object.namespace().is_none_or(|of| of == destination)
}

/// The rollouts, and the objects that they write.
fn frozen(seen: &Seen<'_>) -> BTreeSet<usize> {
    let mut frozen: BTreeSet<usize> = seen.ours("Rollout").map(|(index, _)| index).collect();
    for traffic in world::all(seen) {
        let world = World::of(seen, &[&traffic]);
        let routers = traffic.routers.iter();
        let places = routers.flat_map(|router| router.places(&traffic.site(), &world.routes));
        frozen.extend(places.filter_map(|place| world.index(&place)));
    }
    frozen
}
