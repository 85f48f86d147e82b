//! The overlay that makes an object, where no Application says it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serin_gitops::files::{Files, FilesError, Kind};

use super::error::HistoryError;
use super::source::Source;
use super::versions::{KUSTOMIZATIONS, Snapshot, Versions};
use super::{Found, Question};

/// How many folders are looked into.
const MOST_FOLDERS: usize = 20_000;

/// The only overlay that makes the object. One that says the object's namespace is taken before one that leaves it open; one
/// that others build upon is none.
pub(super) fn holding(question: &Question<'_>, versions: &Versions<'_>) -> Result<Found, HistoryError> {
    let wanted = question.repository.resolve(question.revision.unwrap_or("HEAD"))?;
    let files = question.repository.files(wanted)?;
    let mut folders = Vec::new();
    let mut left = MOST_FOLDERS;
    kustomizations(&files, Path::new(""), &mut left, &mut folders).map_err(serin_gitops::git::GitError::from)?;
    let (mut holding, mut below, mut failures) = (Vec::new(), BTreeSet::new(), Vec::new());
    for folder in folders {
        let source = Source {
            folder,
            ..Source::default()
        };
        if !versions.might_make(wanted, &source, question.object)? {
            continue;
        }
        match versions.at(wanted, &source)? {
            Ok(snapshot) => {
                below.extend(snapshot.folders_below());
                if let Some(index) = snapshot.objects().find(question.object) {
                    holding.push((source, snapshot, index));
                }
            }
            // A Component, or a folder that nobody deploys.
            Err(why) => failures.push(format!("{}: {why}", source.folder.display())),
        }
    }
    let object = format!(
        "{}/{} in {}",
        question.object.kind, question.object.name, question.object.namespace
    );
    holding.retain(|(source, ..)| !below.contains(&source.folder));
    let says = |(_, snapshot, index): &(Source, Rc<Snapshot>, usize)| snapshot.says_namespace(*index);
    if holding.iter().any(says) {
        holding.retain(says);
    }
    if holding.len() > 1 {
        let overlays = holding
            .iter()
            .map(|(source, ..)| source.folder.display().to_string())
            .collect();
        return Err(HistoryError::SeveralOverlays { object, overlays });
    }
    // A base that leaves the namespace open can be that of an overlay that does not build.
    let sure = holding.pop().filter(|found| says(found) || failures.is_empty());
    let Some((source, snapshot, index)) = sure else {
        let failed = failures
            .first()
            .map(|first| format!("; some do not build, first {first}"))
            .unwrap_or_default();
        return Err(HistoryError::NoOverlay { object, failed });
    };
    Ok(Found {
        source,
        wanted,
        snapshot,
        index,
        deployed: Vec::new(),
        missing: None,
    })
}

fn kustomizations(
    files: &dyn Files,
    folder: &Path,
    left: &mut usize,
    into: &mut Vec<PathBuf>,
) -> Result<(), FilesError> {
    let names = files.list(folder)?;
    if names.iter().any(|name| KUSTOMIZATIONS.contains(&name.as_str())) {
        into.push(folder.to_path_buf());
    }
    for name in names {
        let path = folder.join(&name);
        if *left == 0 {
            return Ok(());
        }
        // The namespaces of submodules are their own repositories.
        if !name.contains('.') && files.kind(&path)? == Some(Kind::Folder) {
            *left -= 1;
            if files.list(&path).is_ok() {
                kustomizations(files, &path, left, into)?;
            }
        }
    }
    Ok(())
}
