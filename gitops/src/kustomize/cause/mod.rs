//! What kustomize says, and when it fails, the likely cause and the place where it can be told.

mod places;
mod secrets;

use super::graph::Graph;
use super::problem::{BuildError, Note, Problem, ProblemKind};
use super::program::Program;
use places::Cause;
use regex::Regex;
use std::path::Path;

/// The most letters of kustomize's own words that are repeated.
const LONGEST: usize = 1500;

/// The text without the temporary folder's name.
pub(super) fn without(text: &[u8], folder: &Path) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(text).into_owned();
    for folder in [folder.canonicalize().ok(), Some(folder.to_owned())]
        .into_iter()
        .flatten()
    {
        let folder = folder.to_string_lossy().into_owned();
        text = text.replace(&format!("{folder}/"), "").replace(&folder, ".");
    }
    text.into_bytes()
}

/// What kustomize said, in one form for all programs: without what it repeats of the input, and without the content of
/// any Secret.
pub(super) fn words(stderr: &[u8], graph: &Graph) -> String {
    let text = String::from_utf8_lossy(stderr);
    let mut words = text.trim().to_owned();
    // kubectl: `E1201 12:00:00.000000   1 run.go:72] "command failed" err="…"`, or err=< with indented lines.
    if let Some((_, rest)) = words.split_once("\"command failed\" err=") {
        words = match rest.strip_prefix("<\n") {
            Some(block) => block
                .trim_end()
                .trim_end_matches('>')
                .trim_end()
                .replace("\n\t", "\n")
                .trim_start()
                .to_owned(),
            None => serde_json::from_str::<String>(rest.trim()).unwrap_or_else(|_| rest.trim().to_owned()),
        };
    }
    for (pattern, by) in [
        (r"(?m)^(Error|error): ", ""),
        // The configuration of a transformer, with the text of a patch or the literals of a generator.
        (r"(?s) with config: `.*?`", ""),
        (r"(?s)\[patch: .*\]", "[patch]"),
        (r"(?s)\[\{?patch.*?\}\]", "[patch]"),
    ] {
        if let Ok(regex) = Regex::new(pattern) {
            words = regex.replace_all(&words, by).into_owned();
        }
    }
    // The stacks of a crash say nothing to a user.
    if let Some((crash, _)) = words
        .split_once("\n\ngoroutine ")
        .or_else(|| words.split_once("\n\nruntime stack:"))
    {
        words = crash.to_owned();
    }
    secrets::hide(&mut words, graph);
    if words.chars().count() > LONGEST {
        words = words.chars().take(LONGEST).chain("…".chars()).collect();
    }
    words
}

/// Warnings of a run that succeeded, with the place of the field that they name.
pub(super) fn remarks(words: &str, graph: &Graph) -> Vec<Note> {
    let lines = words
        .lines()
        .map(|line| line.trim_start_matches('#').trim())
        .filter(|line| !line.is_empty());
    let note = |line: &str| Note {
        place: line.split('\'').nth(1).and_then(|field| places::of_field(field, graph)),
        text: format!("kustomize: {line}"),
    };
    lines.map(note).collect()
}

/// Why a run failed.
pub(super) fn explain(words: &str, graph: &Graph, program: &Program) -> BuildError {
    // Warnings stand before the failure, and are not its cause.
    let lines: Vec<&str> = words.lines().filter(|line| !line.starts_with("# Warning")).collect();
    let words = lines.join("\n");
    let words = words.as_str();
    let overlay = graph.layers.first();
    if is_out_of_memory(words) {
        let message = format!("{program} took more memory than it may");
        let file = overlay.map_or(Path::new(""), |layer| &layer.file);
        return Problem::of_file(
            ProblemKind::Program,
            file,
            message,
            "look for what makes the build large",
        )
        .into();
    }
    let cause = places::cause(words, graph).unwrap_or_else(|| Cause {
        place: None,
        file: places::named_file(words, graph).or_else(|| overlay.map(|layer| layer.file.clone())),
        why: String::new(),
        action: "correct what kustomize names".to_owned(),
    });
    let shown = if graph.overlay.as_os_str().is_empty() {
        Path::new(".")
    } else {
        &graph.overlay
    };
    let mut message = format!("{program} cannot build {}: {words}", shown.display());
    if !cause.why.is_empty() {
        message = format!("{message}: {}", cause.why);
    }
    let problem = match &cause.place {
        Some(place) => Problem::at(ProblemKind::Kustomize, place, message, cause.action),
        None => {
            let file = cause.file.unwrap_or_default();
            Problem::of_file(ProblemKind::Kustomize, &file, message, cause.action)
        }
    };
    problem.into()
}

/// What a Go program says when it gets no more memory, or no thread for want of it.
fn is_out_of_memory(words: &str) -> bool {
    let crash = words
        .lines()
        .find(|line| line.starts_with("fatal error: ") || line.starts_with("runtime: "));
    crash.is_some_and(|line| {
        ["memory", "allocate", "OS thread"]
            .iter()
            .any(|sign| line.contains(sign))
    }) || words.contains("cannot allocate memory")
}

#[cfg(test)]
mod tests;
