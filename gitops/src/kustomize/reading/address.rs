//! Addresses: what would be fetched is refused, what upstream publishes is read from Serin's own copies.

use crate::files::Place;
use crate::kustomize::problem::{Problem, ProblemKind};
use crate::kustomize::shipped;

/// Whether kustomize would fetch what it does not find under this path.
pub(super) fn is_remote(text: &str) -> bool {
    let first = text.split('/').next().unwrap_or_default();
    let scp_like = text
        .split_once(':')
        .is_some_and(|(host, _)| host.contains('@') && !host.contains('/'));
    let host_like = first.contains('.') && first.len() > 3 && text.contains('/') && !first.starts_with('.');
    text.contains("://")
        || text.starts_with("git::")
        || scp_like
        || text.contains("?ref=")
        || text.contains("?version=")
        || text.contains(".git/")
        || text.ends_with(".git")
        || (host_like && text.contains("//"))
        || first == "github.com"
        || text.starts_with("gh:")
}

/// Why a remote base or resource is refused (D5). User and password of an address are not repeated.
pub(super) fn remote(text: &str, place: &Place) -> Problem {
    Problem::at(
        ProblemKind::Remote,
        place,
        format!("kustomize would fetch {}; Serin builds without a network", shown(text)),
        "copy it into the repository and refer to the copy",
    )
}

/// An address without user, password and query.
pub(super) fn shown(text: &str) -> String {
    let without_query = text.split(['?', '#']).next().unwrap_or_default();
    match without_query.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest
                .split_once('/')
                .map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
            let host = host.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => without_query.to_owned(),
    }
}

/// Serin's copy of what upstream publishes at an address: the name of the copy and its text.
pub(super) fn copy_of(address: &str) -> Option<(&'static str, &'static str)> {
    let path = address.strip_prefix("https://")?.split(['?', '#']).next()?;
    let file = path.rsplit('/').next()?;
    let published = [
        "raw.githubusercontent.com/argoproj/argo-rollouts/",
        "github.com/argoproj/argo-rollouts/raw/",
        "argoproj.github.io/argo-rollouts/",
        "argo-rollouts.readthedocs.io/",
    ];
    let complete = "raw.githubusercontent.com/argoproj/argo-schema-generator/";
    let is_published = published.iter().any(|prefix| path.starts_with(prefix));
    match file {
        "rollout-transform.yaml" if is_published => {
            Some((".serin-rollout-transform.yaml", shipped::PUBLISHED_TRANSFORM))
        }
        "rollout-transform-kustomize-v5.yaml" if is_published => {
            Some((".serin-rollout-transform-v5.yaml", shipped::PUBLISHED_TRANSFORM_V5))
        }
        "rollout_cr_schema.json" if is_published => Some((".serin-rollout-schema.json", shipped::PUBLISHED_SCHEMA)),
        "argo_all_k8s_kustomize_schema.json" if path.starts_with(complete) => {
            Some((".serin-schema.json", shipped::SCHEMA))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
