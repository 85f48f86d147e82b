//! What `argocd-cm` needs beside the scripts: fields that a rollout changes on objects that Git declares.

use std::collections::BTreeMap;

/// Weights of Istio's routes. Managed routes are not listed: their names are in each Rollout.
const VIRTUAL_SERVICE: &[&str] = &[
    ".spec.http[]?.route[]?.weight",
    ".spec.tcp[]?.route[]?.weight",
    ".spec.tls[]?.route[]?.weight",
];
/// Weights of the Gateway API's routes.
const GATEWAY_ROUTE: &[&str] = &[".spec.rules[]?.backendRefs[]?.weight"];
/// Forward actions of the AWS load balancer controller: those that name target groups, whichever service they are for. Other
/// actions (redirects, fixed responses) stay compared.
const INGRESS: &[&str] = &[
    ".metadata.annotations[(.metadata.annotations // {} | to_entries[] | select((.key | startswith(\"alb.ingress.kubernetes.io/actions.\")) and (.value | contains(\"TargetGroups\"))) | .key)]",
];
/// The bookkeeping of notifications.
const ROLLOUT_UPDATES: &[&str] = &[".metadata.annotations.\"notified.notifications.argoproj.io\""];
/// Written at each scaling. The list is the one that Argo CD 3 ships for ReplicaSets, so that nothing of it is lost where
/// the key is set anew.
const REPLICA_SET_UPDATES: &[&str] = &[
    ".metadata.annotations.\"deployment.kubernetes.io/desired-replicas\"",
    ".metadata.annotations.\"deployment.kubernetes.io/max-replicas\"",
    ".metadata.annotations.\"rollout.argoproj.io/desired-replicas\"",
];

/// The keys that keep Argo CD from taking a rollout's own work for drift, or for a reason to look again.
///
/// Differences are ignored by jq on the weights alone: pointers into lists need an index, and whole lists would hide edits.
#[must_use]
pub fn ignore_keys() -> BTreeMap<String, String> {
    let differences = [
        ("networking.istio.io_VirtualService", VIRTUAL_SERVICE),
        ("gateway.networking.k8s.io_HTTPRoute", GATEWAY_ROUTE),
        ("gateway.networking.k8s.io_GRPCRoute", GATEWAY_ROUTE),
        ("networking.k8s.io_Ingress", INGRESS),
    ];
    let updates = [
        ("argoproj.io_Rollout", ROLLOUT_UPDATES),
        ("apps_ReplicaSet", REPLICA_SET_UPDATES),
    ];
    let differences = differences
        .iter()
        .map(|(kind, paths)| (format!("resource.customizations.ignoreDifferences.{kind}"), jq(paths)));
    let updates = updates.iter().map(|(kind, paths)| {
        (
            format!("resource.customizations.ignoreResourceUpdates.{kind}"),
            jq(paths),
        )
    });
    differences.chain(updates).collect()
}

fn jq(paths: &[&str]) -> String {
    let lines: String = paths.iter().map(|path| format!("- '{path}'\n")).collect();
    format!("jqPathExpressions:\n{lines}")
}

/// Key and value of a link that Argo CD shows on Degraded Rollouts, leading to a page of the user's own.
///
/// The URL may hold Argo CD's templates, such as `{{.resource.metadata.name}}`.
#[must_use]
pub fn link(url: &str) -> (String, String) {
    let url = url.replace('\'', "''");
    let value =
        format!("- url: '{url}'\n  title: {LINK_TITLE}\n  icon.class: fa-question-circle\n  if: {LINK_CONDITION}\n");
    ("resource.links".to_owned(), value)
}

/// By its title the link is known again.
pub(super) const LINK_TITLE: &str = "Why is this Rollout degraded?";
/// Argo CD's expression language; a Rollout without status has no phase.
const LINK_CONDITION: &str = "'resource.kind == \"Rollout\" && resource.status?.phase == \"Degraded\"'";
