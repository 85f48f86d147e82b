//! Whatever stands in the files of a build: reading them never panics, and each problem names a file and what to do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serin_gitops::files::{Files, FilesError, Kind};
use serin_gitops::kustomize::Graph;
use serin_gitops::yaml;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files in memory.
#[derive(Debug, Clone, Default)]
struct Memory(BTreeMap<PathBuf, Vec<u8>>);

impl Files for Memory {
    fn kind(&self, path: &Path) -> Result<Option<Kind>, FilesError> {
        if let Some(bytes) = self.0.get(path) {
            return Ok(Some(Kind::File(bytes.len() as u64)));
        }
        Ok(self.0.keys().any(|file| file.starts_with(path)).then_some(Kind::Folder))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, FilesError> {
        let missing = || FilesError {
            path: path.to_owned(),
            why: "there is no such file".to_owned(),
        };
        self.0.get(path).cloned().ok_or_else(missing)
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, FilesError> {
        let names = self
            .0
            .keys()
            .filter_map(|file| file.strip_prefix(folder).ok()?.iter().next());
        let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.dedup();
        Ok(names)
    }
}

/// The files of a case.
fn case(name: &str) -> Memory {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(format!("{name}.txt"));
    let (mut files, mut current) = (Memory::default(), PathBuf::new());
    for line in std::fs::read_to_string(path).unwrap().split_inclusive('\n') {
        if let Some(name) = line
            .trim_end()
            .strip_prefix("-- ")
            .and_then(|rest| rest.strip_suffix(" --"))
        {
            current = name.into();
        } else if !current.as_os_str().is_empty() {
            files.0.entry(current.clone()).or_default().extend(line.bytes());
        }
    }
    files
}

/// Small numbers that look like chance and are the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

/// What is put into a file.
const PIECES: [&str; 24] = [
    "\n",
    " ",
    "  ",
    "\t",
    ":",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "'",
    "\"",
    "|",
    "&a ",
    "*a",
    "<<: ",
    "---\n",
    "../",
    "null",
    "\u{feff}",
    "~",
    "é",
    "#",
    "patches:\n- ",
];

fn mutate(files: &mut Memory, chance: &mut Chance) {
    let paths: Vec<PathBuf> = files.0.keys().cloned().collect();
    let bytes = files.0.get_mut(&paths[chance.below(paths.len())]).unwrap();
    for _ in 0..=chance.below(3) {
        let at = chance.below(bytes.len() + 1);
        let to = (at + chance.below(12)).min(bytes.len());
        let piece = PIECES[chance.below(PIECES.len())].as_bytes().to_vec();
        match chance.below(4) {
            0 => drop(bytes.drain(at..to)),
            1 => drop(bytes.splice(at..at, piece)),
            2 => drop(bytes.splice(at..to, piece)),
            _ => drop(bytes.splice(at..at, [u8::try_from(chance.below(256)).unwrap()])),
        }
    }
}

#[test]
fn reading_never_panics() {
    let original = case("layers");
    assert!(Graph::read(&original, Path::new("overlay")).is_ok());
    let (mut chance, mut refused) = (Chance(7), 0);
    for round in 0..600 {
        let mut files = original.clone();
        mutate(&mut files, &mut chance);
        if let Err(error) = Graph::read(&files, Path::new("overlay")) {
            refused += 1;
            assert!(!error.problems.is_empty(), "round {round}");
            for problem in &error.problems {
                assert!(
                    !problem.file.as_os_str().is_empty() && !problem.action.is_empty(),
                    "round {round}: {problem}"
                );
            }
        }
    }
    assert!((60..560).contains(&refused), "{refused}");
}

/// What the reader takes, the YAML reader of the rest of Serin takes too, and both say the same.
#[test]
fn both_readers_agree() {
    let (mut chance, mut both) = (Chance(11), 0);
    for name in ["layers", "references"] {
        let original = case(name);
        for round in 0..120 {
            let mut files = original.clone();
            mutate(&mut files, &mut chance);
            for bytes in files.0.values() {
                let Ok(text) = std::str::from_utf8(bytes) else { continue };
                // The other reader cuts at each line that begins with `---`, and reads ahead of no document.
                let (Ok(mine), Ok(theirs)) = (yaml::read(bytes), serin_core::notation::yaml::parse_docs(text)) else {
                    continue;
                };
                if text.contains("...") || mine.documents.len() != theirs.len() || !mine.duplicates.is_empty() {
                    continue;
                }
                for (mine, theirs) in mine.documents.iter().zip(&theirs) {
                    assert_eq!(mine.root.to_json(), theirs.value, "round {round}: {text:?}");
                }
                both += 1;
            }
        }
    }
    assert!(both > 500, "{both}");
}
