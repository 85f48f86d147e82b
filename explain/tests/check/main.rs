//! The cases of `serin check`: faulty shapes, each told at the line to edit, and right but odd ones, of which nothing is told.
//!
//! A case is a file of `cases/`: a head of `key: value` lines, then files, each after a line `--- path`. `#! RULE` at the end of
//! a line means that the rule tells that line, and `#~ RULE` that it tells it in a note; the mark is taken away. Keys of the
//! head: `use: FOLDER` copies a folder of `cases/common`, `copy: FILE TO` a file of the project, `expect: RULE file:line` is a
//! finding in a copied file, `error: TEXT` is in what could not be checked, `note: RULE` is a note (other notes are allowed),
//! `silent: RULE` means that the rule tells nothing, not even a note. A file after `--- before/path` is as `path` was in the
//! commit that is compared with; then `starts: true|false` and `remark: TEXT` are about the change.
//!
//! What needs kustomize is ignored where there is none: `SERIN_KUSTOMIZE` names one, else it is taken from `target/kustomize`
//! or from PATH.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use libtest_mimic::{Arguments, Failed, Trial};
use serin_explain::check::change::change;
use serin_explain::check::discover::{Subject, discover};
use serin_explain::check::report::Overlay;
use serin_explain::check::suppress::Suppressions;
use serin_explain::rules;
use serin_explain::rules::build::Build;
use serin_explain::rules::finding::{Finding, Severity};
use serin_explain::rules::seen::Seen;
use serin_gitops::files::{Files, Folder};
use serin_gitops::kustomize::{Graph, Options, Program, build, from_manifests};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let program = program();
    let folder = root().join("explain/tests/check/cases");
    let mut trials = Vec::new();
    for kind in ["overlays", "manifests", "right"] {
        let mut files: Vec<PathBuf> = fs::read_dir(folder.join(kind))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for file in files {
            for case in Case::read_all(&file) {
                let needs = case
                    .files
                    .keys()
                    .chain(case.before.keys())
                    .any(|path| path.ends_with("kustomization.yaml"));
                let program = program.clone();
                let name = format!("{kind}: {}", case.name);
                let trial = Trial::test(name, move || case.run(program.as_ref()));
                trials.push(trial.with_ignored_flag(needs && self::program().is_none()));
            }
        }
    }
    let examples = Trial::test("the examples are clean", || {
        the_examples_are_clean(self::program().as_ref())
    });
    trials.push(examples.with_ignored_flag(program.is_none()));
    trials.push(Trial::test("versions of kustomize are compared", versions_differ));
    assert!(trials.len() > 80, "{} cases were found only", trials.len());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Nothing is found in `examples/`, not even a note.
fn the_examples_are_clean(program: Option<&Program>) -> Result<(), Failed> {
    let files: Arc<dyn Files> = Arc::new(Folder::new(&root().join("examples"))?);
    let case = Case::default();
    let (findings, errors, _) = case.check(&files, None, program)?;
    if findings.is_empty() && errors.is_empty() {
        Ok(())
    } else {
        Err(format!("{findings:#?} {errors:#?}").into())
    }
}

/// The kustomize on PATH.
fn program() -> Option<Program> {
    Program::find().ok()
}

/// RK018: another version built something else.
fn versions_differ() -> Result<(), Failed> {
    let text = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector:\n    app: web\n";
    let tree = |text: &str| -> Result<(tempfile::TempDir, Arc<dyn Files>), Failed> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("web.yaml"), text)?;
        let files: Arc<dyn Files> = Arc::new(Folder::new(folder.path())?);
        Ok((folder, files))
    };
    let subject = Subject::Manifests(vec![PathBuf::from("web.yaml")]);
    let (_one, files) = tree(text)?;
    let (_two, others) = tree(&text.replace("app: web", "app: web\n    env: prod"))?;
    let mut build = built(&files, &subject, None)?;
    build.others.push(built(&others, &subject, None)?.built);
    build.others.push(built(&files, &subject, None)?.built);
    let found = rules::run(&Seen::of(&build, None));
    let told: Vec<(&str, u32, &str)> = found
        .iter()
        .map(|it| (it.rule.as_str(), it.line, it.field.as_str()))
        .collect();
    match told[..] {
        [("RK018", 6 | 7, "spec.selector.env")] => Ok(()),
        _ => Err(format!("{found:#?}").into()),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Findings, what could not be checked, and what the change does.
type Found = (Vec<Finding>, Vec<String>, Vec<Overlay>);

#[derive(Debug, Clone, Default)]
struct Case {
    name: String,
    /// What is checked; the whole tree where nothing is said.
    path: String,
    files: BTreeMap<String, String>,
    before: BTreeMap<String, String>,
    expected: BTreeSet<String>,
    notes: BTreeSet<String>,
    /// Rules that tell nothing.
    silent: BTreeSet<String>,
    errors: Vec<String>,
    starts: Option<bool>,
    remarks: Vec<String>,
    /// Files whose findings' patches are applied; then nothing more is found.
    mended: bool,
}

impl Case {
    /// The cases of a file; `=== name` begins each.
    fn read_all(file: &Path) -> Vec<Self> {
        let text = fs::read_to_string(file).unwrap();
        text.split("=== ").skip(1).map(Self::read).collect()
    }

    fn read(text: &str) -> Self {
        let (name, rest) = text.split_once('\n').unwrap();
        let mut case = Self {
            name: name.trim().to_owned(),
            ..Self::default()
        };
        let mut parts = format!("\n{rest}")
            .split("\n--- ")
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .into_iter();
        for line in parts.next().unwrap().lines().filter(|line| !line.trim().is_empty()) {
            let (key, value) = line.split_once(": ").unwrap_or_else(|| panic!("{name}: {line}"));
            case.head(key.trim(), value.trim());
        }
        for part in parts {
            let (path, content) = part.split_once('\n').unwrap();
            case.file(path.trim(), content);
        }
        case
    }

    fn head(&mut self, key: &str, value: &str) {
        match key {
            "check" => self.path = value.to_owned(),
            "expect" => drop(self.expected.insert(value.to_owned())),
            "note" => drop(self.notes.insert(value.to_owned())),
            "silent" => drop(self.silent.insert(value.to_owned())),
            "error" => self.errors.push(value.to_owned()),
            "starts" => self.starts = Some(value == "true"),
            "remark" => self.remarks.push(value.to_owned()),
            "mended" => self.mended = value == "true",
            "use" | "before" => {
                let folder = root().join("explain/tests/check/cases/common").join(value);
                for entry in fs::read_dir(&folder).unwrap() {
                    let path = entry.unwrap().path();
                    let to = format!("{value}/{}", path.file_name().unwrap().to_str().unwrap());
                    let text = fs::read_to_string(&path).unwrap();
                    let files = if key == "use" {
                        &mut self.files
                    } else {
                        &mut self.before
                    };
                    files.insert(to, text);
                }
            }
            "copy" => {
                let (from, to) = value.split_once(' ').unwrap();
                self.files
                    .insert(to.to_owned(), fs::read_to_string(root().join(from)).unwrap());
            }
            other => panic!("{}: the key {other} is not known", self.name),
        }
    }

    fn file(&mut self, path: &str, content: &str) {
        let mut text = String::new();
        for (index, line) in content.lines().enumerate() {
            let mut kept = line;
            for (mark, rules) in [("#! ", &mut self.expected), ("#~ ", &mut self.notes)] {
                let (line, marks) = kept.split_once(mark).unwrap_or((kept, ""));
                kept = if marks.is_empty() { line } else { line.trim_end() };
                let marks = marks.split_whitespace();
                rules.extend(marks.map(|rule| format!("{rule} {path}:{}", index + 1)));
            }
            let line = kept;
            text.push_str(line);
            text.push('\n');
        }
        match path.strip_prefix("before/") {
            Some(path) => self.before.insert(path.to_owned(), text),
            None => self.files.insert(path.to_owned(), text),
        };
    }

    fn run(&self, program: Option<&Program>) -> Result<(), Failed> {
        let folder = tempfile::tempdir()?;
        write(folder.path(), &self.files);
        let files: Arc<dyn Files> = Arc::new(Folder::new(folder.path())?);
        let before = (!self.before.is_empty()).then(|| {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), &self.files);
            write(folder.path(), &self.before);
            folder
        });
        let (findings, errors, overlays) = self.check(&files, before.as_ref().map(tempfile::TempDir::path), program)?;
        self.compare(&findings, &errors, &overlays)?;
        if self.mended {
            self.mend(folder.path(), &findings, program)
        } else {
            Ok(())
        }
    }

    fn check(&self, files: &Arc<dyn Files>, before: Option<&Path>, program: Option<&Program>) -> Result<Found, Failed> {
        let (mut findings, mut errors, mut overlays) = (Vec::new(), Vec::new(), Vec::new());
        let subjects = discover(&**files, Path::new(&self.path)).map_err(|problem| format!("{problem:?}"))?;
        for subject in subjects {
            let built = match built(files, &subject, program) {
                Ok(built) => built,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            let before = match before {
                Some(folder) => {
                    let files: Arc<dyn Files> = Arc::new(Folder::new(folder)?);
                    Some(built_at(&files, &subject, program)?)
                }
                None => None,
            };
            let mut found = rules::run(&Seen::of(&built, before.as_ref()));
            if let Err(problem) = Suppressions::default().apply(&built, &mut found) {
                errors.push(format!("{problem:?}"));
            }
            findings.extend(found);
            if before.is_some() {
                overlays.push(change(&built, before.as_ref()));
            }
        }
        Ok((findings, errors, overlays))
    }

    fn compare(&self, findings: &[Finding], errors: &[String], overlays: &[Overlay]) -> Result<(), Failed> {
        let told: Vec<String> = findings
            .iter()
            .map(|it| {
                format!(
                    "{}[{}] {}:{} {} {}: {}",
                    it.severity, it.rule, it.file, it.line, it.object, it.field, it.message
                )
            })
            .collect();
        let shown = format!(
            "\nfound:\n{}\nerrors:\n{}\n{overlays:#?}",
            told.join("\n"),
            errors.join("\n")
        );
        let counts = |finding: &&Finding| finding.severity != Severity::Note;
        let place = |finding: &Finding| format!("{} {}:{}", finding.rule, finding.file, finding.line);
        let found: BTreeSet<String> = findings.iter().filter(counts).map(place).collect();
        if found != self.expected {
            return Err(format!("expected {:#?}{shown}", self.expected).into());
        }
        for note in &self.notes {
            let told = |finding: &&Finding| finding.rule == *note || place(finding) == *note;
            let mut notes = findings.iter().filter(|finding| finding.severity == Severity::Note);
            if !notes.any(|finding| told(&finding)) {
                return Err(format!("no note {note}{shown}").into());
            }
        }
        if let Some(finding) = findings.iter().find(|finding| self.silent.contains(&finding.rule)) {
            return Err(format!("{} is to be silent{shown}", finding.rule).into());
        }
        if self.errors.is_empty() != errors.is_empty()
            || !self
                .errors
                .iter()
                .all(|it| errors.iter().any(|error| error.contains(it)))
        {
            return Err(format!("expected the errors {:?}{shown}", self.errors).into());
        }
        if let Some(starts) = self.starts
            && !overlays.iter().all(|overlay| overlay.starts == starts)
        {
            return Err(format!("starts is not {starts}{shown}").into());
        }
        let remarks: Vec<&String> = overlays.iter().flat_map(|overlay| &overlay.remarks).collect();
        match self
            .remarks
            .iter()
            .find(|it| !remarks.iter().any(|remark| remark.contains(it.as_str())))
        {
            Some(missing) => Err(format!("no remark {missing:?}{shown}").into()),
            None => Ok(()),
        }
    }

    /// Applies the patches, each of which is safe, and finds nothing any more.
    fn mend(&self, folder: &Path, findings: &[Finding], program: Option<&Program>) -> Result<(), Failed> {
        for finding in findings.iter().filter(|finding| finding.severity != Severity::Note) {
            let patch = finding
                .fix
                .as_ref()
                .and_then(|fix| fix.patch.as_ref())
                .ok_or(format!("no patch: {finding:#?}"))?;
            fs::write(folder.join("fix.patch"), patch)?;
            let output = Command::new("git")
                .args(["apply", "fix.patch"])
                .current_dir(folder)
                .output()?;
            if !output.status.success() {
                return Err(format!("{}\n{patch}", String::from_utf8_lossy(&output.stderr)).into());
            }
        }
        let files: Arc<dyn Files> = Arc::new(Folder::new(folder)?);
        let (findings, errors, _) = self.check(&files, None, program)?;
        let left: Vec<&Finding> = findings
            .iter()
            .filter(|finding| finding.severity != Severity::Note)
            .collect();
        if left.is_empty() && errors.is_empty() {
            Ok(())
        } else {
            Err(format!("after the patches: {left:#?} {errors:?}").into())
        }
    }
}

fn built(files: &Arc<dyn Files>, subject: &Subject, program: Option<&Program>) -> Result<Build, String> {
    let result = match subject {
        Subject::Overlay(folder) => Graph::read(&**files, folder).and_then(|graph| {
            let program = program.expect("the case is ignored without kustomize");
            build(&Arc::new(graph), program, &Options::default())
        }),
        Subject::Manifests(paths) => from_manifests(&**files, paths),
    };
    let built = result.map_err(|error| error.to_string())?;
    Ok(Build::new(built, files.clone(), Path::new("")))
}

fn built_at(files: &Arc<dyn Files>, subject: &Subject, program: Option<&Program>) -> Result<Build, Failed> {
    built(files, subject, program).map_err(|error| format!("before: {error}").into())
}

fn write(folder: &Path, files: &BTreeMap<String, String>) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
