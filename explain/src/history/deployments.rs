//! The last good commit, the commits since, and the one at fault.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;

use serde_json::Value;
use serin_gitops::git::{Commit, CommitId};

use super::error::HistoryError;
use super::related::differ;
use super::source::Source;
use super::versions::{Snapshot, Versions};
use super::{Found, Question};
use crate::compare::meaning;

/// How many commits are looked at without a history of deployments.
const MOST_COMMITS: usize = 60;

/// What is known about deployments.
pub(super) struct Deployments<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) versions: &'a Versions<'a>,
    pub(super) found: &'a Found,
}

impl Deployments<'_> {
    /// The last commit that was deployed and became stable: its pods are those of the stable ReplicaSet. If the wanted one has
    /// the same pods and something is wrong all the same, it is the last one before it with another effect.
    pub(super) fn last_good(&self) -> Result<Option<CommitId>, HistoryError> {
        let found = self.found;
        let Some(stable) = self.question.stable.and_then(meaning) else {
            return Ok(None);
        };
        let is_stable = |snapshot: &Snapshot| self.pods(snapshot).as_ref() == Some(&stable);
        if is_stable(&found.snapshot) && self.question.is_healthy {
            return Ok(Some(found.wanted));
        }
        let before = if found.deployed.is_empty() && found.missing.is_none() {
            self.commits_as_deployments()?
        } else {
            found.deployed.clone()
        };
        for (commit, source) in before.into_iter().filter(|(commit, _)| *commit != found.wanted) {
            let Ok(snapshot) = self.versions.at(commit, &source)? else {
                continue;
            };
            if is_stable(&snapshot)
                && differ(
                    Some(&snapshot.objects()),
                    Some(&found.snapshot.objects()),
                    self.question.object,
                )
            {
                return Ok(Some(commit));
            }
        }
        Ok(None)
    }

    /// Where no history is kept, each commit that changes a file of the build may have been deployed.
    fn commits_as_deployments(&self) -> Result<Vec<(CommitId, Source)>, HistoryError> {
        let last = self
            .question
            .repository
            .last(self.found.wanted, &self.found.snapshot.files(), MOST_COMMITS)?;
        // The first commit of a shallow clone seems to have brought everything; it has it, at least.
        Ok(last
            .into_iter()
            .map(|commit| (commit.id, self.found.source.clone()))
            .collect())
    }

    /// The commits since the last good one that have an effect, oldest first. Without a good one, the last that has an effect.
    pub(super) fn commits(&self, good: Option<CommitId>) -> Result<Vec<Commit>, HistoryError> {
        let (repository, wanted) = (self.question.repository, self.found.wanted);
        let mut paths: BTreeSet<PathBuf> = self.found.snapshot.files().into_iter().collect();
        if good.is_none() && self.found.missing.is_some() {
            return Ok(Vec::new());
        }
        let Some(good) = good else {
            let paths: Vec<PathBuf> = paths.into_iter().collect();
            for commit in repository.last(wanted, &paths, MOST_COMMITS)? {
                if self.has_effect(&commit)? {
                    return Ok(vec![commit]);
                }
            }
            return Ok(Vec::new());
        };
        if let Ok(snapshot) = self.versions.at(good, &self.found.source)? {
            paths.extend(snapshot.files());
        }
        // Files that came and went in between are named by kustomizations that are among the paths; plain manifests are not.
        if !paths.iter().any(|path| is_kustomization(path)) {
            paths.insert(self.found.source.folder.clone());
        }
        let paths: Vec<PathBuf> = paths.into_iter().filter(|path| !path.as_os_str().is_empty()).collect();
        let mut found = Vec::new();
        for commit in repository.between(good, wanted, &paths)? {
            if self.has_effect(&commit)? {
                found.push(commit);
            }
        }
        Ok(found)
    }

    /// The commit that brought the pods that are wanted now; the last commit with an effect if they are the good ones.
    pub(super) fn fault(&self, good: Option<CommitId>, commits: &[Commit]) -> CommitId {
        let wanted = self
            .question
            .live
            .and_then(meaning)
            .or_else(|| self.pods(&self.found.snapshot));
        let has = |commit: CommitId| {
            let snapshot = self.build(commit);
            snapshot.and_then(|snapshot| self.pods(&snapshot)) == wanted
        };
        let brought = commits.iter().rev().find(|commit| {
            let parents = &commit.parents;
            has(commit.id) && !parents.iter().any(|parent| has(*parent))
        });
        let last = commits.last().map(|commit| commit.id);
        let fallback = last.or(good).unwrap_or(self.found.wanted);
        match good {
            Some(good) if has(good) => fallback,
            Some(_) | None => brought.map_or(fallback, |commit| commit.id),
        }
    }

    /// Whether a commit changes what is built, compared with each of its parents.
    fn has_effect(&self, commit: &Commit) -> Result<bool, HistoryError> {
        let after = self.versions.at(commit.id, &self.found.source)?;
        let is_known = commit.parents.is_empty() || self.question.repository.has_parents(commit);
        if !is_known {
            // The clone ends here: what the commit changed cannot be told.
            return Ok(false);
        }
        for parent in &commit.parents {
            let Some(before) = self.of_parent(*parent)? else {
                continue;
            };
            match (&before, &after) {
                (Err(one), Err(other)) if one == other => return Ok(false),
                (before, after) => {
                    let side = |outcome: &Result<Rc<Snapshot>, String>| outcome.as_ref().ok().cloned();
                    let (before, after) = (side(before), side(after));
                    let (before, after) = (
                        before.as_deref().map(Snapshot::objects),
                        after.as_deref().map(Snapshot::objects),
                    );
                    if !differ(before.as_ref(), after.as_ref(), self.question.object) {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// The build at a parent; `None` where a shallow clone does not have it.
    fn of_parent(&self, parent: CommitId) -> Result<Option<Result<Rc<Snapshot>, String>>, HistoryError> {
        if self.question.repository.commit(parent).is_err() {
            return Ok(None);
        }
        self.versions.at(parent, &self.found.source).map(Some)
    }

    fn build(&self, commit: CommitId) -> Option<Rc<Snapshot>> {
        self.of_parent(commit).ok().flatten()?.ok()
    }

    /// The pods that a build makes of the object, in the form in which two say the same if they are equal.
    fn pods(&self, snapshot: &Snapshot) -> Option<Value> {
        snapshot.objects().pods(self.question.object)
    }
}

fn is_kustomization(path: &std::path::Path) -> bool {
    path.file_name()
        .is_some_and(|name| super::versions::KUSTOMIZATIONS.iter().any(|known| name == *known))
}
