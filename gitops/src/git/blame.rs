//! Which commit last changed a line.

use std::path::Path;

use super::Repository;
use super::commit::{Commit, CommitId};
use super::error::{GitError, Result};
use crate::files::{Files as _, Kind};

/// How many commits are looked at for one line.
const MOST_COMMITS: usize = 20_000;

/// The most comparisons of lines between two versions of a file; beyond it the newer commit is taken.
const MOST_COMPARISONS: usize = 4_000_000;

pub(super) fn line(repository: &Repository, at: CommitId, file: &Path, line: u32) -> Result<Commit> {
    let none = || GitError::NoLine {
        path: file.to_path_buf(),
        line,
    };
    let mut commit = repository.commit(at)?;
    let mut lines = lines(repository, at, file)?.ok_or_else(none)?;
    let mut index = usize::try_from(line)
        .ok()
        .and_then(|line| line.checked_sub(1))
        .filter(|&index| index < lines.len())
        .ok_or_else(none)?;
    for _ in 0..MOST_COMMITS {
        let Some((parent, older, place)) = before(repository, &commit, file, &lines, index)? else {
            break;
        };
        commit = parent;
        (lines, index) = (older, place);
    }
    Ok(commit)
}

type Before = (Commit, Vec<String>, usize);

/// The parent that has the line already, with its lines and the line's place among them.
fn before(
    repository: &Repository,
    commit: &Commit,
    file: &Path,
    lines: &[String],
    index: usize,
) -> Result<Option<Before>> {
    for parent in repository.parents(commit) {
        let Some(older) = self::lines(repository, parent, file)? else {
            continue;
        };
        if let Some(place) = place(&older, lines, index) {
            return Ok(Some((repository.commit(parent)?, older, place)));
        }
    }
    Ok(None)
}

fn lines(repository: &Repository, at: CommitId, file: &Path) -> Result<Option<Vec<String>>> {
    let files = repository.files(at)?;
    if !matches!(files.kind(file)?, Some(Kind::File(_))) {
        return Ok(None);
    }
    Ok(Some(
        String::from_utf8_lossy(&files.read(file)?)
            .lines()
            .map(str::to_owned)
            .collect(),
    ))
}

/// Where a line of the new version stands in the old one; `None` where the new version brought it.
fn place(old: &[String], new: &[String], index: usize) -> Option<usize> {
    let head = old.iter().zip(new).take_while(|(one, other)| one == other).count();
    if index < head {
        return Some(index);
    }
    let most = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(most)
        .take_while(|(one, other)| one == other)
        .count();
    if index >= new.len() - tail {
        return Some(old.len() - (new.len() - index));
    }
    let (old, new) = (old.get(head..old.len() - tail)?, new.get(head..new.len() - tail)?);
    common(old, new, index - head).map(|place| place + head)
}

/// The same within the part that differs, by the longest common subsequence.
fn common(old: &[String], new: &[String], index: usize) -> Option<usize> {
    let width = new.len() + 1;
    if old.is_empty() || old.len().saturating_mul(width) > MOST_COMPARISONS {
        return None;
    }
    let mut best = vec![0_u32; (old.len() + 1) * width];
    let at = |best: &[u32], i: usize, j: usize| best.get(i * width + j).copied().unwrap_or_default();
    for (i, one) in old.iter().enumerate().rev() {
        for (j, other) in new.iter().enumerate().rev() {
            let value = if one == other {
                at(&best, i + 1, j + 1) + 1
            } else {
                at(&best, i + 1, j).max(at(&best, i, j + 1))
            };
            if let Some(cell) = best.get_mut(i * width + j) {
                *cell = value;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while let (Some(one), Some(other)) = (old.get(i), new.get(j)) {
        if one == other {
            if j == index {
                return Some(i);
            }
            (i, j) = (i + 1, j + 1);
        } else if at(&best, i + 1, j) >= at(&best, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::place;

    fn lines(text: &str) -> Vec<String> {
        text.split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_line_is_found_in_the_older_version() {
        let cases = [
            ("a b c", "a b c", 1, Some(1)),
            ("a b c", "a x b c", 2, Some(1)),
            ("a b c", "a x b c", 1, None),
            ("a b c d", "a c x d", 1, Some(2)),
            ("a b c", "x y z", 1, None),
            ("", "a", 0, None),
            ("a a a", "a a a a", 2, Some(2)),
            ("a a a", "a a a a", 3, None),
            ("p q a r b s", "p z a y b s", 4, Some(4)),
        ];
        for (old, new, index, wanted) in cases {
            assert_eq!(
                place(&lines(old), &lines(new), index),
                wanted,
                "{old} -> {new} at {index}"
            );
        }
    }
}
