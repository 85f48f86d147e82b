//! Which commits lie between the revision that serves and the one that fails.
//!
//! This room reads Git and runs kustomize, which the rest of the crate does not. A commit counts if the build at it differs
//! from the build before it in the object, its pods or what it refers to; a commit without effect is left out.

mod deployed;
mod deployments;
mod error;
mod overlays;
mod related;
mod source;
mod versions;

use std::path::PathBuf;

use serde_json::Value;
use serin_gitops::argocd::{Application, IgnoreRule};
use serin_gitops::git::{CommitId, Repository};
use serin_gitops::kustomize::{Options, Program};
use serin_gitops::yaml::FieldPath;

use crate::compare::{Columns, clean, compare};
use crate::explanation::{Commit, DifferenceKind, FieldDifference, GitFindings, ObjectName};
pub use deployed::{Deployment, of_deployments};
use deployments::Deployments;
pub use error::HistoryError;
use versions::{Snapshot, Versions};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// The user's kustomize; `None` where there is none, which is enough for plain manifests.
    pub program: Option<&'a Program>,
    /// The limits of one build.
    pub options: &'a Options,
    /// The object.
    pub object: &'a ObjectName,
    /// The object as it is in the cluster.
    pub live: Option<&'a Value>,
    /// The ReplicaSet of the stable revision.
    pub stable: Option<&'a Value>,
    /// Whether all is as wanted: nothing is at fault then.
    pub is_healthy: bool,
    /// The Application that deploys the object; without one the overlay is found by the object's namespace and name.
    pub application: Option<&'a Application>,
    /// Fields that all applications leave out of comparisons, from Argo CD's settings.
    pub rules: &'a [IgnoreRule],
    /// The revision that is deployed, where there is no Application; `HEAD` if it is not given.
    pub revision: Option<&'a str>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What an explanation shows.
    pub findings: GitFindings,
    /// The folder of the overlay in the repository.
    pub overlay: PathBuf,
    /// What limits the answer, in sentences.
    pub notes: Vec<String>,
}

/// Finds the commit at fault, the last good one, the commits between them, and the fields in which the columns differ.
///
/// # Errors
/// If the repository lacks the commit that is wanted now (a shallow clone: the error says what to do), if no or several overlays
/// have the object, or if the overlay cannot be built.
pub fn find(question: &Question<'_>) -> Result<Answer, HistoryError> {
    let versions = Versions::new(question.repository, question.program, question.options);
    let found = match question.application {
        Some(application) => source::of_application(question, application, &versions)?,
        None => overlays::holding(question, &versions)?,
    };
    let deployments = Deployments {
        question,
        versions: &versions,
        found: &found,
    };
    let good = deployments.last_good()?;
    let mut commits = deployments.commits(good)?;
    let fault = deployments.fault(good, &commits);
    if let Some(place) = commits.iter().position(|commit| commit.id == fault) {
        // What came after the commit at fault is not between the two.
        commits.truncate(place + 1);
    }
    let (fields, mut notes) = fields(question, &found.snapshot, found.index);
    notes.extend(versions.notes());
    notes.extend(found.missing.filter(|_| good.is_none()));
    let findings = GitFindings {
        revision: fault.to_string(),
        last_good: good.map(|good| good.to_string()),
        commits: commits.iter().map(shown).collect(),
        fields,
    };
    Ok(Answer {
        findings,
        overlay: found.source.folder,
        notes,
    })
}

/// What is deployed, and the object in it.
#[derive(Debug, Clone)]
struct Found {
    source: source::Source,
    /// The commit that Argo CD wants, or that was named.
    wanted: CommitId,
    snapshot: std::rc::Rc<Snapshot>,
    /// The object's place in the build.
    index: usize,
    /// What was deployed before, newest first.
    deployed: Vec<(CommitId, source::Source)>,
    /// What was deployed and the repository does not have.
    missing: Option<String>,
}

fn shown(commit: &serin_gitops::git::Commit) -> Commit {
    Commit {
        sha: commit.id.to_string(),
        author: commit.author.clone(),
        date: commit.date.clone(),
        message: clean(commit.subject()),
    }
}

/// The fields in which the columns differ, with the lines to edit.
fn fields(question: &Question<'_>, snapshot: &Snapshot, index: usize) -> (Vec<FieldDifference>, Vec<String>) {
    let own = question.application.map(Application::ignore_rules).unwrap_or_default();
    let rules: Vec<IgnoreRule> = own.into_iter().chain(question.rules.iter().cloned()).collect();
    let respects_ignored = question
        .application
        .is_some_and(|application| application.has_sync_option(RESPECTS));
    let columns = Columns {
        git: snapshot.object(index),
        live: question.live,
        stable: question.stable,
        rules: &rules,
        respects_ignored,
    };
    placed(&columns, |path| snapshot.place(index, path))
}

/// The sync option that keeps ignored fields as they are live.
const RESPECTS: &str = "RespectIgnoreDifferences=true";

/// Compares, and adds files and lines.
fn placed(
    columns: &Columns<'_>,
    place: impl Fn(&FieldPath) -> Option<(String, u32)>,
) -> (Vec<FieldDifference>, Vec<String>) {
    let compared = compare(columns);
    let fields = compared.differences.into_iter().map(|difference| {
        let nobodys = matches!(
            difference.field.kind,
            DifferenceKind::Controller | DifferenceKind::Defaulted
        );
        let path = difference
            .git_path
            .filter(|_| !(nobodys && difference.field.git.is_null()));
        let (file, line) = path.and_then(|path| place(&path)).unzip();
        FieldDifference {
            file,
            line,
            ..difference.field
        }
    });
    let note = |rule: &String| {
        format!("The rule `{rule}` of ignoreDifferences is not understood: fields that it leaves out are listed.")
    };
    (fields.collect(), compared.not_understood.iter().map(note).collect())
}
