//! What kustomize says when it fails, with the likely cause and the place where it can be told.

use super::graph::Graph;
use super::problem::{BuildError, Note, Problem, ProblemKind};
use super::program::Program;
use std::path::Path;

/// The text without the temporary folder's name.
pub(super) fn without(text: &[u8], folder: &Path) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let named = [folder.canonicalize().ok(), Some(folder.to_owned())];
    let mut text = text.into_owned();
    for folder in named.into_iter().flatten() {
        let folder = folder.to_string_lossy().into_owned();
        text = text.replace(&format!("{folder}/"), "").replace(&folder, ".");
    }
    text.into_bytes()
}

/// What kustomize said, without the content of any Secret.
pub(super) fn words(stderr: &[u8], _graph: &Graph) -> String {
    String::from_utf8_lossy(stderr).trim().to_owned()
}

/// Warnings of a run that succeeded.
pub(super) fn remarks(words: &str) -> Vec<Note> {
    let lines = words.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| Note {
            place: None,
            text: format!("kustomize: {line}"),
        })
        .collect()
}

/// Why a run failed.
pub(super) fn explain(words: &str, graph: &Graph, _program: &Program) -> BuildError {
    let file = graph.layers.first().map_or(Path::new(""), |layer| &layer.file);
    let message = format!("kustomize cannot build {}: {words}", graph.overlay.display());
    Problem::of_file(ProblemKind::Kustomize, file, message, "correct what kustomize names").into()
}
