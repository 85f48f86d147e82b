//! RK010: a name that leads nowhere after the build.

use super::Rule;
use super::finding::{Fix, Severity};
use super::names::{Kind, references};
use super::seen::{Found, Seen, Target};

pub(super) static RULE: Rule = Rule {
    id: "RK010",
    severity: Severity::Error,
    title: "a field still has the name that an object had before this build renamed it",
    page: include_str!("../../../docs/rules/RK010.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for reference in references(seen) {
        if [Kind::ConfigMap, Kind::Secret].contains(&reference.kind) {
            continue; // RK011.
        }
        if let Target::Renamed(target) = reference.target(seen) {
            let message = format!(
                "{} is {:?}, but this build renames that {} to {:?}: the name leads nowhere",
                reference.path,
                // An address may carry credentials.
                if reference.written.contains('@') {
                    reference.name
                } else {
                    reference.written
                },
                reference.word(),
                target.name()
            );
            let words = "add serin's transformer configuration to the kustomization, so that kustomize renames this field \
                         too: `serin kustomize init` writes it";
            found
                .add(reference.from, &reference.path, message)
                .fix(Fix::words(words));
        }
    }
}
