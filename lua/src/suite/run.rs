//! Runs the cases of one kind.

use super::compare::Words;
use super::find::KindFolder;
use super::read::{self, ActionCase, DiscoveryCase, File, HealthCase};
use super::report::{Case, Outcome, Problem, Report, What};
use super::{Options, compare};
use crate::customization::Customization;
use crate::host::{Host, HostError};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The scripts of a kind and what runs them.
struct Runner<'a> {
    folder: &'a KindFolder,
    given: Option<&'a Customization>,
    options: &'a Options<'a>,
}

pub(super) fn kind(folder: &KindFolder, options: &Options<'_>, report: &mut Report) {
    let given = options.scripts.map(|scripts| {
        scripts
            .iter()
            .find(|one| one.group == folder.group && one.kind == folder.kind)
    });
    if given == Some(None) {
        report.left_out.push(format!("{}/{}", folder.group, folder.kind));
        return;
    }
    let runner = Runner {
        folder,
        given: given.flatten(),
        options,
    };
    runner.health(report);
    runner.actions(report);
}

impl Runner<'_> {
    fn health(&self, report: &mut Report) {
        let file = self.folder.file("health_test.yaml");
        if !file.is_file() {
            if self.folder.file("health.lua").is_file() {
                let message = "health.lua has no health_test.yaml beside it; Argo CD's own tests stop there".to_owned();
                report.problems.push(Problem {
                    file,
                    line: None,
                    message,
                });
            }
            return;
        }
        let Some(document) = note(report, read::document(self.folder, &file)) else {
            return;
        };
        let mut described = File::new(&file, &document);
        let cases = described.health_cases();
        report.problems.append(&mut described.problems);
        let given = self.given.map(|given| given.health.clone());
        let Some(script) = self.script(given, Path::new("health.lua"), report) else {
            return;
        };
        for case in &cases {
            let outcome = self.health_case(&script, case);
            report
                .cases
                .push(self.case(What::Health, &file, case.line, &case.input, outcome));
        }
    }

    fn health_case(&self, script: &str, case: &HealthCase) -> Outcome {
        let object = match self.input(&self.folder.path, &case.input) {
            Ok(object) => object,
            Err(why) => return Outcome::Failed { why },
        };
        let own = self.own_script(&object);
        match self.reading_host().health(own.as_deref().unwrap_or(script), &object) {
            Ok(found) => outcome(compare::health(case, &found)),
            Err(error) => failed(&error),
        }
    }

    fn actions(&self, report: &mut Report) {
        let folder = self.folder.file("actions");
        let never = folder.join("actions_test.yaml");
        if never.is_file() {
            report.never_run.push(never);
        }
        let file = folder.join("action_test.yaml");
        if !file.is_file() {
            return;
        }
        let Some(document) = note(report, read::document(self.folder, &file)) else {
            return;
        };
        let mut described = File::new(&file, &document);
        let (discoveries, actions) = (described.discovery_cases(), described.action_cases());
        report.problems.append(&mut described.problems);
        if !discoveries.is_empty() {
            let given = self
                .given
                .map(|given| given.actions.as_ref().map(|actions| actions.discovery.clone()));
            if let Some(script) = self.script(given, Path::new("actions/discovery.lua"), report) {
                for case in &discoveries {
                    let outcome = self.discovery_case(&script, case);
                    report
                        .cases
                        .push(self.case(What::Discovery, &file, case.line, &case.input, outcome));
                }
            }
        }
        for case in &actions {
            let given = self.given.map(|given| {
                let definitions = given.actions.iter().flat_map(|actions| &actions.definitions);
                definitions
                    .clone()
                    .find(|(name, _)| *name == case.action)
                    .map(|(_, script)| script.clone())
            });
            let path = PathBuf::from("actions").join(&case.action).join("action.lua");
            if let Some(script) = self.script(given, &path, report) {
                let outcome = self.action_case(&script, case);
                let what = What::Action(case.action.clone());
                report
                    .cases
                    .push(self.case(what, &file, case.line, &case.input, outcome));
            }
        }
    }

    fn discovery_case(&self, script: &str, case: &DiscoveryCase) -> Outcome {
        let object = match self.input(&self.folder.file("actions"), &case.input) {
            Ok(object) => object,
            Err(why) => return Outcome::Failed { why },
        };
        let words = match self.given {
            Some(_) => Words::WhereStated,
            None => Words::Exact,
        };
        match self.reading_host().discover(script, &object) {
            Ok(found) => outcome(compare::discovery(&case.expected, &found, words)),
            Err(error) => failed(&error),
        }
    }

    fn action_case(&self, script: &str, case: &ActionCase) -> Outcome {
        let folder = self.folder.file("actions");
        let object = match self.input(&folder, &case.input) {
            Ok(object) => object,
            Err(why) => return Outcome::Failed { why },
        };
        let acted = Host::argocd().act(script, &object, &case.parameters, self.options.now);
        if !case.error.is_empty() {
            let found = match &acted {
                Ok(_) => "no error".to_owned(),
                Err(HostError::Raised { message }) if *message == case.error => return Outcome::Passed,
                Err(HostError::Raised { message }) => format!("{message:?}"),
                Err(error) => format!("{:?}", error.to_string()),
            };
            let why = format!("expected the error {:?}, got {found}", case.error);
            return Outcome::Failed { why };
        }
        match (acted, self.input(&folder, &case.output)) {
            (Err(error), _) => failed(&error),
            (Ok(_), Err(why)) => Outcome::Failed { why },
            (Ok(acted), Ok(expected)) => match compare::action(&acted, &object, &expected) {
                Ok(extra) if extra.is_empty() => Outcome::Passed,
                Ok(extra) if self.given.is_some() => Outcome::Failed { why: extra.join("; ") },
                Ok(extra) => Outcome::PassedWithMore { more: extra.join("; ") },
                Err(why) => Outcome::Failed { why },
            },
        }
    }

    /// In a folder for many kinds (`_` stands for `*`), the health check of an input's own kind where it has one: Argo
    /// CD prefers it, so upstream's cases expect it.
    fn own_script(&self, object: &Value) -> Option<String> {
        if self.given.is_some() || !(self.folder.group.contains('_') || self.folder.kind.contains('_')) {
            return None;
        }
        let (group, _) = object["apiVersion"].as_str()?.split_once('/')?;
        let root = self.folder.path.parent()?.parent()?;
        let file = root.join(group).join(object["kind"].as_str()?).join("health.lua");
        self.folder.text(&file).ok()
    }

    /// An object that a case names, by its path below `folder`.
    fn input(&self, folder: &Path, path: &str) -> Result<Value, String> {
        let read = read::document(self.folder, &folder.join(path));
        read.map(|document| document.value)
            .map_err(|problem| problem.to_string())
    }

    /// The host of health checks and discovery. Upstream tests both with open libraries; ours need none.
    fn reading_host(&self) -> Host {
        match self.given {
            Some(_) => Host::argocd(),
            None => Host::with_open_libraries(),
        }
    }

    /// The script to run: that of the given ones, or the one in the folder. Notes a problem where it is missing.
    fn script(&self, given: Option<Option<String>>, path: &Path, report: &mut Report) -> Option<String> {
        let file = self.folder.path.join(path);
        let read = match given {
            Some(script) => script.ok_or_else(|| "there are cases for it, but the given scripts have none".to_owned()),
            None => self
                .folder
                .text(&file)
                .map_err(|why| format!("there are cases for it, but it {why}")),
        };
        let problem = |message| Problem {
            file,
            line: None,
            message,
        };
        note(report, read.map_err(problem))
    }

    fn case(&self, what: What, file: &Path, line: usize, input: &str, outcome: Outcome) -> Case {
        Case {
            group: self.folder.group.clone(),
            kind: self.folder.kind.clone(),
            what,
            input: input.to_owned(),
            file: file.to_path_buf(),
            line,
            outcome,
        }
    }
}

fn note<T>(report: &mut Report, read: Result<T, Problem>) -> Option<T> {
    read.map_err(|problem| report.problems.push(problem)).ok()
}

fn outcome(compared: Result<(), String>) -> Outcome {
    compared.map_or_else(|why| Outcome::Failed { why }, |()| Outcome::Passed)
}

fn failed(error: &HostError) -> Outcome {
    let why = error.to_string();
    match error {
        HostError::Goto { .. } => Outcome::CannotRun { why },
        HostError::Syntax { .. }
        | HostError::Raised { .. }
        | HostError::Deadline { .. }
        | HostError::Memory { .. }
        | HostError::StackOverflow { .. }
        | HostError::Forbidden { .. }
        | HostError::Result(_)
        | HostError::Machine { .. } => Outcome::Failed { why },
    }
}
