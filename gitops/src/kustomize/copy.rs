//! The copy of a build's files that kustomize gets to see.

use super::graph::{Graph, Replaced};
use super::problem::{Problem, ProblemKind};
use serde_json::Value;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Writes the files of a graph below a folder, and nothing else.
pub(super) fn copy(graph: &Graph, changed: &[(PathBuf, Vec<u8>)], to: &Path) -> Result<(), Box<Problem>> {
    write_all(graph, changed, to).map_err(|error| {
        let message = format!("the files of the build cannot be copied to a temporary folder: {error}");
        let action = "free room there, or let TMPDIR name another folder";
        Box::new(Problem::of_file(ProblemKind::Program, Path::new(""), message, action))
    })
}

fn write_all(graph: &Graph, changed: &[(PathBuf, Vec<u8>)], to: &Path) -> io::Result<()> {
    fs::create_dir_all(to.join(&graph.overlay))?;
    for (path, text) in &graph.texts {
        let change = changed.iter().find(|(changed, _)| changed == path);
        let is_overlay = graph.layers.first().is_some_and(|layer| layer.file == *path);
        let bytes = match (change, graph.rewritten.as_ref().filter(|_| is_overlay)) {
            (Some((_, bytes)), _) => bytes.clone(),
            (None, Some(fields)) => Value::Object(fields.clone()).to_string().into_bytes(),
            (None, None) => replaced(&text.bytes, path, graph),
        };
        write(&to.join(path), &bytes)?;
    }
    for copy in &graph.replaced {
        let folder = copy.file.parent().unwrap_or(Path::new(""));
        write(&to.join(folder).join(&copy.name), copy.text.as_bytes())?;
    }
    for (path, target) in &graph.links {
        link(&to.join(path), target)?;
    }
    Ok(())
}

/// A kustomization file with the names of Serin's copies in the place of addresses.
pub(super) fn replaced(bytes: &[u8], path: &Path, graph: &Graph) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut here: Vec<&Replaced> = graph.replaced.iter().filter(|copy| copy.file == path).collect();
    here.sort_by_key(|copy| std::cmp::Reverse(copy.bytes.start));
    for copy in here {
        if copy.bytes.end <= bytes.len() && copy.bytes.start <= copy.bytes.end {
            bytes.splice(copy.bytes.clone(), copy.name.bytes());
        }
    }
    bytes
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)
}

#[cfg(unix)]
fn link(path: &Path, target: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn link(path: &Path, _: &Path) -> io::Result<()> {
    let why = format!(
        "{} is a symbolic link, which cannot be made on this system",
        path.display()
    );
    Err(io::Error::new(io::ErrorKind::Unsupported, why))
}
