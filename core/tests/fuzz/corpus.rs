//! The kept inputs: `corpus/TARGET` has files, of which `lines.txt` has an input on each line. YAML and the kinds begin with
//! the examples and with the objects that have every field, too.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(name)
}

/// All inputs of a target, in the same order everywhere.
pub(crate) fn read(name: &str) -> Vec<String> {
    let mut inputs = Vec::new();
    for path in files(&folder(name)) {
        let text = std::fs::read_to_string(&path).unwrap();
        if path.ends_with("lines.txt") {
            inputs.extend(text.lines().map(str::to_owned));
        } else {
            inputs.push(text);
        }
    }
    if matches!(name, "yaml" | "kinds") {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let paths = [root.join("../examples"), root.join("tests/crds_roundtrip")];
        let texts = paths
            .iter()
            .flat_map(|it| files(it))
            .map(|it| std::fs::read_to_string(it).unwrap());
        // Piece by piece: a change of a small input matters more.
        let pieces = texts.flat_map(|text| text.split("\n---\n").map(str::to_owned).collect::<Vec<_>>());
        inputs.extend(pieces);
    }
    inputs
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|it| it.unwrap().path()).filter(|it| it.is_file()).collect();
    files.sort();
    files
}

/// Keeps an input that fails.
pub(crate) fn keep(name: &str, input: &str) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let file = folder(name).join(format!("failed-{:016x}.txt", hasher.finish()));
    std::fs::write(&file, input).unwrap();
    file
}
