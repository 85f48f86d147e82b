//! The commits between two.

use std::collections::{BinaryHeap, HashMap, HashSet};
use std::path::PathBuf;

use super::Repository;
use super::changes;
use super::commit::{Commit, CommitId};
use super::error::{GitError, Result};

/// How many commits are read on the way from one to another.
const MOST_COMMITS: usize = 200_000;

/// How many commits are looked at for the last ones that change a path.
const MOST_OF_THE_LAST: usize = 50_000;

/// Behind which of the two commits a commit is.
const ONE: u8 = 1;
const OTHER: u8 = 2;
const BOTH: u8 = ONE | OTHER;

/// The history behind two commits, newest first, until all that is left is behind both.
struct Walk<'a> {
    repository: &'a Repository,
    ends: (CommitId, CommitId),
    ahead: BinaryHeap<(i64, CommitId)>,
    /// The commits of `ahead`.
    queued: HashSet<CommitId>,
    behind: HashMap<CommitId, u8>,
    commits: HashMap<CommitId, Commit>,
    /// How many of the queue are not behind both.
    open: usize,
    /// Commits at which a shallow clone ends.
    cut: Vec<CommitId>,
}

impl<'a> Walk<'a> {
    fn new(repository: &'a Repository, one: CommitId, other: CommitId) -> Result<Self> {
        let mut walk = Self {
            repository,
            ends: (one, other),
            ahead: BinaryHeap::new(),
            queued: HashSet::new(),
            behind: HashMap::new(),
            commits: HashMap::new(),
            open: 0,
            cut: Vec::new(),
        };
        walk.reach(one, ONE)?;
        walk.reach(other, OTHER)?;
        while walk.open > 0 {
            walk.step()?;
        }
        walk.spread();
        Ok(walk)
    }

    /// Marks what is behind commits that are behind both: with clocks that were wrong, some of it was seen before them.
    fn spread(&mut self) {
        let mut both: Vec<CommitId> = self
            .behind
            .iter()
            .filter(|(_, behind)| **behind == BOTH)
            .map(|(id, _)| *id)
            .collect();
        while let Some(id) = both.pop() {
            let parents = self
                .commits
                .get(&id)
                .map(|commit| self.repository.parents(commit))
                .unwrap_or_default();
            for parent in parents {
                if let Some(behind) = self.behind.get_mut(&parent).filter(|behind| **behind != BOTH) {
                    *behind = BOTH;
                    both.push(parent);
                }
            }
        }
    }

    /// Notes that a commit is behind an end, and queues it if that is news.
    fn reach(&mut self, id: CommitId, from: u8) -> Result<()> {
        let known = self.behind.get(&id).copied().unwrap_or_default();
        if known | from == known {
            return Ok(());
        }
        self.behind.insert(id, known | from);
        if self.commits.len() >= MOST_COMMITS {
            let (one, other) = self.ends;
            return Err(GitError::TooLong {
                from: one.to_string(),
                to: other.to_string(),
                limit: MOST_COMMITS,
            });
        }
        if !self.commits.contains_key(&id) {
            self.commits.insert(id, self.repository.commit(id)?);
        }
        match (self.queued.contains(&id), known | from == BOTH) {
            (true, true) => self.open -= 1,
            (true, false) => {}
            (false, both) => {
                let time = self.commits.get(&id).map_or(0, |commit| commit.committed);
                self.ahead.push((time, id));
                self.queued.insert(id);
                self.open += usize::from(!both);
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        let Some((_, id)) = self.ahead.pop() else {
            self.open = 0;
            return Ok(());
        };
        self.queued.remove(&id);
        let from = self.behind.get(&id).copied().unwrap_or_default();
        self.open -= usize::from(from != BOTH);
        let Some(commit) = self.commits.get(&id) else {
            return Ok(());
        };
        if from != BOTH && self.repository.shallow.contains(&id) {
            self.cut.push(id);
        }
        for parent in self.repository.parents(commit) {
            self.reach(parent, from)?;
        }
        Ok(())
    }

    /// The error of a walk that met the end of a shallow clone before it met the other commit.
    fn cut_short(&self) -> GitError {
        let (one, other) = self.ends;
        GitError::Shallow {
            what: format!("it ends before {} and {} meet", short(one), short(other)),
            remedy: format!(
                "run `git fetch --deepen={}` until it suffices, or set `fetch-depth: 0` in the checkout of your pipeline",
                (self.commits.len() * 2).max(50)
            ),
        }
    }
}

pub(super) fn between(repository: &Repository, from: CommitId, to: CommitId, paths: &[PathBuf]) -> Result<Vec<Commit>> {
    let mut walk = Walk::new(repository, from, to)?;
    let met = walk.behind.values().any(|behind| *behind == BOTH);
    if !met && !walk.cut.is_empty() {
        return Err(walk.cut_short());
    }
    let mut new: Vec<CommitId> = walk
        .behind
        .iter()
        .filter(|(_, behind)| **behind == OTHER)
        .map(|(id, _)| *id)
        .collect();
    new.retain(|id| walk.commits.contains_key(id));
    let (mut found, wanted) = (Vec::new(), parts(paths));
    for id in ordered(&walk.commits, &new) {
        let Some(commit) = walk.commits.remove(&id) else {
            continue;
        };
        if paths.is_empty() || touches(repository, &commit, &wanted)? {
            found.push(commit);
        }
    }
    Ok(found)
}

pub(super) fn last(repository: &Repository, to: CommitId, paths: &[PathBuf], limit: usize) -> Result<Vec<Commit>> {
    let first = repository.commit(to)?;
    let (mut seen, mut ahead) = (HashSet::from([to]), BinaryHeap::from([(first.committed, to)]));
    let (mut found, wanted) = (Vec::new(), parts(paths));
    while let Some((_, id)) = ahead.pop() {
        let commit = repository.commit(id)?;
        for parent in repository.parents(&commit) {
            if seen.insert(parent) {
                ahead.push((repository.commit(parent)?.committed, parent));
            }
        }
        if touches(repository, &commit, &wanted)? {
            found.push(commit);
        }
        if found.len() >= limit || seen.len() > MOST_OF_THE_LAST {
            break;
        }
    }
    Ok(found)
}

pub(super) fn merge_base(repository: &Repository, one: CommitId, other: CommitId) -> Result<Option<CommitId>> {
    let walk = Walk::new(repository, one, other)?;
    let both = walk
        .behind
        .iter()
        .filter(|(_, behind)| **behind == BOTH)
        .filter_map(|(id, _)| walk.commits.get(id));
    match both.max_by_key(|commit| (commit.committed, commit.id)) {
        Some(commit) => Ok(Some(commit.id)),
        None if !walk.cut.is_empty() => Err(walk.cut_short()),
        None => Ok(None),
    }
}

/// Parents before children; among those that are free to go, the oldest first.
fn ordered(commits: &HashMap<CommitId, Commit>, ids: &[CommitId]) -> Vec<CommitId> {
    let mut children: HashMap<CommitId, Vec<CommitId>> = HashMap::new();
    let mut waits: HashMap<CommitId, usize> = ids.iter().map(|id| (*id, 0)).collect();
    for id in ids {
        let parents = commits.get(id).map_or(&[][..], |commit| &commit.parents);
        for parent in parents
            .iter()
            .filter(|parent| waits.contains_key(parent))
            .copied()
            .collect::<Vec<_>>()
        {
            children.entry(parent).or_default().push(*id);
            *waits.entry(*id).or_default() += 1;
        }
    }
    let time = |id: &CommitId| std::cmp::Reverse((commits.get(id).map_or(0, |commit| commit.committed), *id));
    let mut free: BinaryHeap<_> = waits
        .iter()
        .filter(|(_, count)| **count == 0)
        .map(|(id, _)| time(id))
        .collect();
    let mut order = Vec::with_capacity(ids.len());
    while let Some(std::cmp::Reverse((_, id))) = free.pop() {
        order.push(id);
        for child in children.remove(&id).unwrap_or_default() {
            if let Some(count) = waits.get_mut(&child) {
                *count -= 1;
                if *count == 0 {
                    free.push(time(&child));
                }
            }
        }
    }
    order
}

/// Whether a commit changes one of the paths, compared with each of its parents.
fn touches(repository: &Repository, commit: &Commit, paths: &[Vec<String>]) -> Result<bool> {
    let paths: Vec<&[String]> = paths.iter().map(Vec::as_slice).collect();
    let parents = repository.parents(commit);
    if parents.is_empty() {
        return changes::touch(&repository.objects, None, Some(commit.tree), &paths);
    }
    for parent in parents {
        let before = repository.commit(parent)?.tree;
        if !changes::touch(&repository.objects, Some(before), Some(commit.tree), &paths)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The parts of paths.
fn parts(paths: &[PathBuf]) -> Vec<Vec<String>> {
    let names = |path: &PathBuf| path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    paths.iter().map(names).collect()
}

/// The beginning of a hash, as Git prints it.
fn short(id: CommitId) -> String {
    id.to_string().chars().take(7).collect()
}
