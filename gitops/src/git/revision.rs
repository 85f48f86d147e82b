//! From a revision, as a person writes it, to a commit (gitrevisions).

use git2::{ObjectType, Oid};

use super::Repository;
use super::commit::CommitId;
use super::error::{GitError, Result};

/// The shortest beginning of a hash that is looked up.
const SHORTEST_HASH: usize = 4;

/// One step from a commit to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// `~N`: so many first parents back.
    Back(usize),
    /// `^N`: the parent of this number, from 1.
    Parent(usize),
    /// `^0`, `^{}`, `^{commit}`: the commit itself.
    Itself,
}

pub(super) fn resolve(repository: &Repository, revision: &str) -> Result<CommitId> {
    let none = || GitError::NoRevision {
        revision: revision.to_owned(),
        hint: hint(repository, revision),
    };
    let (name, steps) = split(revision).ok_or_else(none)?;
    let id = named(repository, name)?.ok_or_else(none)?;
    let (id, kind) = repository.objects.peel(id)?;
    if kind != ObjectType::Commit {
        return Err(GitError::NotCommit {
            revision: revision.to_owned(),
            kind: kind.str().to_owned(),
        });
    }
    steps
        .into_iter()
        .try_fold(CommitId(id), |at, step| follow(repository, revision, at, step))
}

fn named(repository: &Repository, name: &str) -> Result<Option<Oid>> {
    let name = if name == "@" { "HEAD" } else { name };
    let digits = name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits && name.len() == 40 {
        return Ok(Oid::from_str(name).ok().filter(|id| repository.objects.has(*id)));
    }
    if let Some(id) = repository.refs.find(name)? {
        return Ok(Some(id));
    }
    if digits && (SHORTEST_HASH..40).contains(&name.len()) {
        return repository.objects.by_prefix(name);
    }
    Ok(None)
}

/// A name, and the steps behind it; `None` where they are not understood.
fn split(revision: &str) -> Option<(&str, Vec<Step>)> {
    let end = revision.find(['~', '^']).unwrap_or(revision.len());
    let (name, mut rest) = revision.split_at(end);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = ["^{commit}", "^{}"].iter().find_map(|word| rest.strip_prefix(word)) {
            steps.push(Step::Itself);
            rest = after;
            continue;
        }
        let sign = rest.chars().next()?;
        let after = rest.get(1..)?;
        let length = after.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, after) = after.split_at(length);
        let number = if digits.is_empty() { 1 } else { digits.parse().ok()? };
        steps.push(match sign {
            '~' => Step::Back(number),
            '^' if number == 0 => Step::Itself,
            '^' => Step::Parent(number),
            _ => return None,
        });
        rest = after;
    }
    (!name.is_empty()).then_some((name, steps))
}

fn follow(repository: &Repository, revision: &str, at: CommitId, step: Step) -> Result<CommitId> {
    let (count, number) = match step {
        Step::Back(count) => (count, 1),
        Step::Parent(number) => (1, number),
        Step::Itself => (0, 1),
    };
    let mut at = at;
    for done in 0..count {
        let commit = repository.commit(at)?;
        at = match repository.parents(&commit).get(number - 1) {
            Some(parent) => *parent,
            None if repository.shallow.contains(&at) => return Err(too_shallow(revision, count - done)),
            None => {
                return Err(GitError::NoRevision {
                    revision: revision.to_owned(),
                    hint: format!("; the history ends at {at}"),
                });
            }
        };
    }
    Ok(at)
}

fn too_shallow(revision: &str, missing: usize) -> GitError {
    GitError::Shallow {
        what: format!(
            "`{revision}` is {missing} {} further back",
            if missing == 1 { "commit" } else { "commits" }
        ),
        remedy: format!("run `git fetch --deepen={missing}`, or set `fetch-depth: 0` in the checkout of your pipeline"),
    }
}

/// What to do about a revision that this clone does not have.
fn hint(repository: &Repository, revision: &str) -> String {
    let branch = revision.strip_prefix("origin/").unwrap_or(revision);
    let whole = branch.len() == 40 && branch.bytes().all(|byte| byte.is_ascii_hexdigit());
    if super::refs::is_name(branch) && revision.starts_with("origin/") {
        return format!("; fetch it with `git fetch --depth=1 origin {branch}:refs/remotes/origin/{branch}`");
    }
    if whole && repository.is_shallow() {
        return format!(
            "; this clone is shallow: fetch it with `git fetch --depth=1 origin {branch}`, or set `fetch-depth: 0`"
        );
    }
    if repository.is_shallow() {
        return "; this clone is shallow and may not have it: set `fetch-depth: 0`, or fetch it by its name".into();
    }
    "; a branch, a tag, `origin/main`, a hash or `HEAD~1` is a revision".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_has_a_name_and_steps() {
        assert_eq!(split("main"), Some(("main", vec![])));
        assert_eq!(
            split("HEAD~2^^2"),
            Some(("HEAD", vec![Step::Back(2), Step::Parent(1), Step::Parent(2)]))
        );
        assert_eq!(split("v1^{commit}~"), Some(("v1", vec![Step::Itself, Step::Back(1)])));
        assert_eq!(split("v1^0"), Some(("v1", vec![Step::Itself])));
        for wrong in ["~1", "", "main^{tree}", "main~x", "main~99999999999999999999999"] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }
}
