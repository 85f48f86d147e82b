//! `reference/not-in-build`: a name that is not in the build. It may be somebody else's.

use crate::rules::Rule;
use crate::rules::finding::{Fix, Named, Severity};
use crate::rules::names::{Kind, Reference, references};
use crate::rules::seen::{Found, Seen, Target};
use crate::rules::words::nearest;
use std::collections::BTreeSet;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "reference/not-in-build",
    severity: Severity::Note,
    title: "an object names another one that is not in the build",
    page: include_str!("../../../../docs/rules/reference.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let mut told = BTreeSet::new();
    for reference in references(seen) {
        let ours = reference.object.group() == serin_core::api::GROUP;
        if !ours || reference.optional || is_always_there(&reference) {
            continue;
        }
        let elsewhere = match reference.target(seen) {
            Target::Absent => None,
            Target::Elsewhere(other) => other.namespace(),
            Target::Here(_) | Target::Renamed(_) => continue,
        };
        if !told.insert((reference.from, reference.word(), reference.name)) {
            continue;
        }
        let there = elsewhere.map(|namespace| format!("; there is one in namespace {namespace:?}"));
        let message = format!(
            "{} {:?} is not in this build{}: it must be there when the rollout is applied",
            reference.word(),
            reference.name,
            there.unwrap_or_default()
        );
        let names = seen.build.objects.iter().filter(|object| reference.kind.fits(object));
        let near = nearest(reference.name, names.map(|object| object.name()));
        let words = near.map_or_else(
            || "nothing, if somebody else makes it".to_owned(),
            |near| format!("did you mean {near:?}?"),
        );
        let finding = found.add(reference.from, &reference.path, message);
        finding.fix(Fix::words(words));
        finding.names = Some(Named {
            kind: reference.word().to_owned(),
            namespace: reference.namespace.or(reference.object.namespace()).map(str::to_owned),
            name: reference.name.to_owned(),
        });
    }
}

/// What every namespace has, and what the controller makes itself.
fn is_always_there(reference: &Reference<'_>) -> bool {
    match reference.kind {
        Kind::ServiceAccount => reference.name == "default",
        Kind::ConfigMap => reference.name == "kube-root-ca.crt",
        Kind::TrafficSplit => true,
        Kind::Service
        | Kind::Ingress
        | Kind::VirtualService
        | Kind::DestinationRule
        | Kind::Mapping
        | Kind::AppMeshService
        | Kind::AppMeshNode
        | Kind::TraefikService
        | Kind::ApisixRoute
        | Kind::GatewayRoute(_)
        | Kind::AnalysisTemplate
        | Kind::ClusterAnalysisTemplate
        | Kind::Secret
        | Kind::Claim
        | Kind::Written => false,
    }
}
