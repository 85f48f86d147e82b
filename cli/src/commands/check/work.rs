//! The builds of one path, several at a time.

use super::Check;
use super::root::Root;
use serin_explain::check::change::change;
use serin_explain::check::discover::{Subject, discover};
use serin_explain::check::report::{Overlay, Problem, Report};
use serin_explain::check::suppress::Suppressions;
use serin_explain::rules;
use serin_explain::rules::build::{Build, shown};
use serin_explain::rules::finding::Finding;
use serin_explain::rules::seen::Seen;
use serin_gitops::files::{Files, Folder};
use serin_gitops::git::{GitError, Repository};
use serin_gitops::kustomize::{self, BuildError, Built, Graph, Options, Program, ProgramKind, build, from_manifests};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

/// What is to be done for one path of the command line.
pub(super) struct Work {
    files: Arc<dyn Files>,
    shown: PathBuf,
    subjects: Vec<Subject>,
    programs: Vec<Program>,
    options: Options,
    /// The Application as which overlays are built.
    app: Option<String>,
    base: Option<Base>,
}

/// The commit that is compared with.
struct Base {
    files: Arc<dyn Files>,
    /// The root of the tree within the repository.
    prefix: PathBuf,
}

/// What one build gave.
#[derive(Default)]
struct Done {
    findings: Vec<Finding>,
    errors: Vec<Problem>,
    overlay: Option<Overlay>,
    suppressed: usize,
    notes: Vec<String>,
}

impl Work {
    /// Finds what is to be checked, the programs and the base.
    pub(super) fn prepare(path: &Path, arguments: &Check) -> Result<Self, Vec<Problem>> {
        let failed = |message: String, action: &str| {
            vec![Problem {
                file: path.display().to_string(),
                line: None,
                message,
                action: action.to_owned(),
            }]
        };
        let root = Root::of(path).map_err(|error| failed(error.to_string(), "name a file or a folder that exists"))?;
        let folder = Folder::new(&root.folder)
            .map_err(|error| failed(error.to_string(), "name a file or a folder that can be read"))?;
        let files: Arc<dyn Files> = Arc::new(folder);
        let mut subjects = discover(&*files, &root.path).map_err(|problem| {
            let file = shown(&root.shown, Path::new(&problem.file));
            vec![Problem { file, ..problem }]
        })?;
        subjects.sort();
        let needs = subjects.iter().any(|subject| matches!(subject, Subject::Overlay(_)));
        let programs = if needs {
            programs(&arguments.kustomize).map_err(|error| problems(&root.shown, error))?
        } else {
            Vec::new()
        };
        let base = arguments.base.as_ref().map(|revision| base(&root.folder, revision));
        let base = base.transpose().map_err(|error| {
            failed(
                format!("cannot compare with {:?}: {error}", arguments.base.as_deref().unwrap_or_default()),
                "name a commit, branch or tag that this clone has; in CI fetch it first, with enough depth (fetch-depth: 0)",
            )
        })?;
        Ok(Self {
            files,
            shown: root.shown,
            subjects,
            programs,
            options: Options::default(),
            app: arguments.app.clone(),
            base,
        })
    }

    /// Builds and checks everything, and puts the outcome into the report.
    pub(super) fn carry_out(&self, report: &mut Report, progress: &mut dyn FnMut(usize, usize)) {
        let all = self.subjects.len();
        let next = AtomicUsize::new(0);
        let (send, receive) = mpsc::channel();
        let workers = thread::available_parallelism().map_or(1, usize::from).min(all.max(1));
        thread::scope(|scope| {
            for _ in 0..workers {
                let (send, next) = (send.clone(), &next);
                scope.spawn(move || {
                    while let Some(subject) = self.subjects.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if send.send(self.check(subject)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(send);
            for (index, done) in receive.into_iter().enumerate() {
                progress(index + 1, all);
                add(report, done);
            }
        });
        report.about.checked += all;
        report.about.program = self
            .programs
            .first()
            .map_or_else(|| report.about.program.clone(), words);
        if self.base.is_some() {
            report
                .overlays
                .get_or_insert_default()
                .sort_by(|a, b| a.path.cmp(&b.path));
        }
    }

    fn check(&self, subject: &Subject) -> Done {
        let mut done = Done::default();
        let built = match self.build(&*self.files, subject, Path::new("")) {
            Ok(built) => built,
            Err(error) => {
                done.errors = problems(&self.shown, error);
                return done;
            }
        };
        for note in &built.notes {
            let place = note
                .place
                .as_ref()
                .map(|place| format!("{}:{}: ", shown(&self.shown, &place.file), place.line));
            done.notes
                .push(format!("{}note: {}", place.unwrap_or_default(), note.text));
        }
        let mut build = Build::new(built, self.files.clone(), &self.shown);
        if let Subject::Overlay(_) = subject {
            for program in self.programs.iter().skip(1) {
                match kustomize::build(&build.built.graph, program, &self.options) {
                    Ok(other) => build.others.push(other),
                    Err(error) => done.errors.extend(problems(&self.shown, error)),
                }
            }
        }
        let before = self.before(subject, &mut done);
        done.findings = rules::run(&Seen::of(&build, before.as_ref()));
        match Suppressions::default().apply(&build, &mut done.findings) {
            Ok(suppressed) => done.suppressed = suppressed,
            Err(problem) => done.errors.push(problem),
        }
        done.overlay = self.base.as_ref().map(|_| change(&build, before.as_ref()));
        done
    }

    /// The same at the base. What was not there, or could not be built then, is as if the overlay were new.
    fn before(&self, subject: &Subject, done: &mut Done) -> Option<Build> {
        let base = self.base.as_ref()?;
        let there = match subject {
            Subject::Overlay(folder) => exists(base, folder),
            Subject::Manifests(files) => files.iter().any(|file| exists(base, file)),
        };
        if !there {
            return None;
        }
        match self.build(&*base.files, subject, &base.prefix) {
            Ok(built) => Some(Build::new(built, base.files.clone(), &self.shown)),
            Err(error) => {
                let first = problems(&self.shown, error).into_iter().next();
                let why = first
                    .map(|problem| format!("{}: {}", problem.file, problem.message))
                    .unwrap_or_default();
                done.notes
                    .push(format!("note: the base cannot be built, so nothing is compared: {why}"));
                None
            }
        }
    }

    fn build(&self, files: &dyn Files, subject: &Subject, prefix: &Path) -> Result<Built, BuildError> {
        match subject {
            Subject::Overlay(folder) => {
                let graph = Arc::new(Graph::read_for(files, &prefix.join(folder), self.app.as_deref())?);
                match self.programs.first() {
                    Some(program) => build(&graph, program, &self.options),
                    None => Err(BuildError { problems: Vec::new() }),
                }
            }
            Subject::Manifests(manifests) => {
                let there = |file: &&PathBuf| matches!(files.kind(file), Ok(Some(_)));
                let paths: Vec<PathBuf> = manifests.iter().map(|file| prefix.join(file)).collect();
                let paths: Vec<PathBuf> = paths.iter().filter(there).cloned().collect();
                from_manifests(files, &paths)
            }
        }
    }
}

fn exists(base: &Base, path: &Path) -> bool {
    matches!(base.files.kind(&base.prefix.join(path)), Ok(Some(_)))
}

fn add(report: &mut Report, done: Done) {
    report.findings.extend(done.findings);
    report.errors.extend(done.errors);
    report.about.suppressed += done.suppressed;
    report.about.notes.extend(done.notes);
    if let Some(overlay) = done.overlay {
        report.overlays.get_or_insert_default().push(overlay);
    }
}

fn programs(named: &[PathBuf]) -> Result<Vec<Program>, BuildError> {
    match named {
        [] => Program::find().map(|program| vec![program]),
        named => named.iter().map(|path| Program::at(path)).collect(),
    }
}

fn words(program: &Program) -> String {
    match program.kind {
        ProgramKind::Kustomize => format!("kustomize {}", program.version),
        ProgramKind::Kubectl => format!("kubectl's kustomize {}", program.version),
    }
}

fn base(folder: &Path, revision: &str) -> Result<Base, GitError> {
    let repository = Repository::open(folder)?;
    let commit = repository.resolve(revision)?;
    Ok(Base {
        files: Arc::new(repository.files(commit)?),
        prefix: repository.inside(folder)?,
    })
}

fn problems(root: &Path, error: BuildError) -> Vec<Problem> {
    let problem = |problem: kustomize::Problem| Problem {
        file: match problem.file.as_os_str().is_empty() {
            true => String::new(),
            false => shown(root, &problem.file),
        },
        line: problem.line.and_then(|line| u32::try_from(line).ok()),
        message: match problem.column {
            Some(column) => format!("column {column}: {}", problem.message),
            None => problem.message,
        },
        action: problem.action,
    };
    error.problems.into_iter().map(problem).collect()
}
