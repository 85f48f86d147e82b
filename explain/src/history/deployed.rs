//! The same from what Argo CD alone tells: the manifests of each deployment. There are no lines to edit, and commits between
//! two deployments are not seen.

use serde_json::Value;
use serin_gitops::argocd::{Application, IgnoreRule};

use super::related::{Objects, differ};
use super::{RESPECTS, placed};
use crate::compare::{Columns, clean, meaning};
use crate::explanation::{Commit, GitFindings, ObjectName};

/// What was deployed, or is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// The commit, as Argo CD knows it.
    pub commit: Commit,
    /// Its manifests.
    pub manifests: Vec<Value>,
}

/// What the deployments tell of an object, oldest first, the wanted one last. `None` if the last one does not have the object.
#[must_use]
pub fn of_deployments(
    object: &ObjectName,
    deployments: &[Deployment],
    application: &Application,
    columns: &Columns<'_>,
    is_healthy: bool,
) -> Option<(GitFindings, Vec<String>)> {
    let namespace = application.destination_namespace();
    let objects: Vec<Objects<'_>> = deployments
        .iter()
        .map(|deployment| Objects {
            all: deployment.manifests.iter().collect(),
            namespace,
        })
        .collect();
    let (wanted, last) = (objects.last()?, deployments.last()?);
    let git = wanted.get(object)?;
    let stable = columns.stable.and_then(meaning);
    let is_good = |objects: &Objects<'_>| stable.is_some() && objects.pods(object) == stable;
    let good = if is_healthy && is_good(wanted) {
        objects.len().checked_sub(1)
    } else {
        objects
            .iter()
            .rposition(|objects| is_good(objects) && differ(Some(objects), Some(wanted), object))
    };
    let since = good.map_or(0, |good| good + 1);
    let changes = |place: &usize| {
        let before = place.checked_sub(1).and_then(|before| objects.get(before));
        before.is_some() && differ(before, objects.get(*place), object)
    };
    let changed: Vec<usize> = (since..objects.len()).filter(changes).collect();
    let pods = columns.live.and_then(meaning).or_else(|| wanted.pods(object));
    let has = |place: usize| objects.get(place).and_then(|objects| objects.pods(object)) == pods;
    let brought = changed
        .iter()
        .rev()
        .find(|place| has(**place) && !place.checked_sub(1).is_some_and(has));
    let brought = brought.filter(|_| !good.is_some_and(has)).or(changed.last()).copied();
    let changed: Vec<usize> = changed
        .into_iter()
        .filter(|place| brought.is_none_or(|brought| *place <= brought))
        .collect();
    let fault = brought
        .or(good)
        .and_then(|place| deployments.get(place))
        .unwrap_or(last);
    let rules: Vec<IgnoreRule> = application
        .ignore_rules()
        .into_iter()
        .chain(columns.rules.iter().cloned())
        .collect();
    let columns = Columns {
        git: Some(git),
        rules: &rules,
        respects_ignored: application.has_sync_option(RESPECTS),
        ..*columns
    };
    let (fields, notes) = placed(&columns, |_| None);
    let commit = |place: &usize| {
        let commit = deployments.get(*place)?.commit.clone();
        Some(Commit {
            message: clean(&commit.message),
            ..commit
        })
    };
    let findings = GitFindings {
        revision: fault.commit.sha.clone(),
        last_good: good
            .and_then(|good| deployments.get(good))
            .map(|deployment| deployment.commit.sha.clone()),
        commits: changed.iter().filter_map(commit).collect(),
        fields,
    };
    Some((findings, notes))
}
