//! Which folder an application is made of, and which of its commits are deployed.

use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};
use serin_core::notation::yaml;
use serin_gitops::argocd::{self, Application};
use serin_gitops::files::Files;
use serin_gitops::git::{CommitId, GitError};

use super::error::HistoryError;
use super::versions::Versions;
use super::{Found, Question};

/// A folder of manifests, as Argo CD builds it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Source {
    pub(super) folder: PathBuf,
    /// The application's name, for its own `.argocd-source-NAME.yaml`.
    pub(super) application: Option<String>,
    /// `spec.source.kustomize` of the Application.
    pub(super) overrides: Map<String, Value>,
    /// Whether manifests in folders below count.
    pub(super) recurses: bool,
    /// The namespace of objects that have none.
    pub(super) namespace: String,
}

impl Source {
    /// `.argocd-source-NAME.yaml` with the settings of the Application in it: such a file's settings go over them, and the
    /// build treats both alike (contract 13 §5.2).
    pub(super) fn made_up(&self, files: &dyn Files) -> Option<(PathBuf, Vec<u8>)> {
        let name = self.application.as_ref().filter(|_| !self.overrides.is_empty())?;
        let path = self.folder.join(format!(".argocd-source-{name}.yaml"));
        let stored = files.read(&path).ok().and_then(|bytes| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Some(yaml::parse_docs(&text).ok()?.into_iter().next()?.value)
        });
        let mut settings = self.overrides.clone();
        let over = stored
            .as_ref()
            .and_then(|stored| stored.pointer("/kustomize"))
            .and_then(Value::as_object);
        settings.extend(
            over.into_iter()
                .flatten()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        let text = serde_json::to_vec(&serde_json::json!({"kustomize": settings})).ok()?;
        Some((path, text))
    }

    fn of(application: &Application, source: &argocd::Source) -> Option<Self> {
        if source.chart.is_some() || source.path.is_empty() {
            return None;
        }
        let name = application.name();
        Some(Self {
            folder: folder(&source.path)?,
            application: Some(name.to_owned()),
            overrides: source.kustomize.as_object().cloned().unwrap_or_default(),
            recurses: application
                .object()
                .pointer("/spec/source/directory/recurse")
                .and_then(Value::as_bool)
                .unwrap_or_default(),
            namespace: application.destination_namespace().to_owned(),
        })
    }
}

/// A folder as Argo CD's `path` names it: relative, and within the repository.
fn folder(path: &str) -> Option<PathBuf> {
    let mut folder = PathBuf::new();
    for component in Path::new(path.trim_start_matches('/')).components() {
        match component {
            Component::Normal(part) => folder.push(part),
            Component::CurDir => {}
            Component::ParentDir if folder.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(folder)
}

/// The source of the application that makes the object, and what was deployed of it.
pub(super) fn of_application(
    question: &Question<'_>,
    application: &Application,
    versions: &Versions<'_>,
) -> Result<Found, HistoryError> {
    let (sources, revisions) = (application.sources(), wanted(application));
    let mut failure = None;
    for (place, argo_source) in sources.iter().enumerate() {
        let Some(source) = Source::of(application, argo_source) else {
            continue;
        };
        let Some(revision) = revisions
            .get(place)
            .or_else(|| revisions.first().filter(|_| sources.len() == 1))
        else {
            return Err(HistoryError::NoRevision {
                application: application.name().to_owned(),
            });
        };
        let wanted = match commit(question, revision, "") {
            Ok(wanted) => wanted,
            Err(error) => {
                // Another source can be of this repository.
                failure = Some(error);
                continue;
            }
        };
        let snapshot = match versions.must(wanted, &source) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                failure = Some(error);
                continue;
            }
        };
        if let Some(index) = snapshot.objects().find(question.object) {
            let (deployed, missing) = deployed(question, application, place, wanted);
            return Ok(Found {
                source,
                wanted,
                snapshot,
                index,
                deployed,
                missing,
            });
        }
    }
    let object = format!("{}/{}", question.object.kind, question.object.name);
    Err(failure.unwrap_or_else(|| HistoryError::NoSource {
        application: application.name().to_owned(),
        object,
    }))
}

/// The commits that Argo CD wants: what people edited for a hydrator, else what was compared, applied, or deployed last.
fn wanted(application: &Application) -> Vec<String> {
    let dry = application
        .object()
        .pointer("/status/sourceHydrator/lastSuccessfulOperation/drySHA")
        .and_then(Value::as_str);
    if let Some(dry) = dry.filter(|_| application.is_hydrated()) {
        return vec![dry.to_owned()];
    }
    let compared = application.sync().revisions;
    let applied = application
        .operation()
        .map(|operation| operation.revisions)
        .unwrap_or_default();
    let last = application
        .history()
        .pop()
        .map(|deployed| deployed.revisions)
        .unwrap_or_default();
    [compared, applied, last]
        .into_iter()
        .find(|revisions| !revisions.is_empty())
        .unwrap_or_default()
}

/// What was deployed, newest first, and why the oldest of it is not there. A hydrator's history is of another branch.
fn deployed(
    question: &Question<'_>,
    application: &Application,
    place: usize,
    wanted: CommitId,
) -> (Vec<(CommitId, Source)>, Option<String>) {
    let (mut found, mut missing): (Vec<(CommitId, Source)>, _) = (Vec::new(), None);
    for deployed in application
        .history()
        .iter()
        .rev()
        .filter(|_| !application.is_hydrated())
    {
        let source = deployed
            .sources
            .get(place)
            .and_then(|source| Source::of(application, source));
        let (Some(source), Some(revision)) = (source, deployed.revisions.get(place)) else {
            continue;
        };
        match commit(question, revision, &format!(" since {}", deployed.deployed_at)) {
            Ok(commit) if is_before(question, commit, wanted) => found.push((commit, source)),
            // A branch that was deployed for a while, or what was deployed before a rollback.
            Ok(_) => {}
            Err(error) => missing = Some(error.to_string()),
        }
    }
    found.dedup_by(|one, other| one == other);
    (found, missing)
}

fn is_before(question: &Question<'_>, commit: CommitId, wanted: CommitId) -> bool {
    commit == wanted
        || question
            .repository
            .merge_base(commit, wanted)
            .is_ok_and(|base| base == Some(commit))
}

/// A deployed commit of the clone.
pub(super) fn commit(question: &Question<'_>, revision: &str, since: &str) -> Result<CommitId, HistoryError> {
    match question.repository.resolve(revision) {
        Err(GitError::NoRevision { .. }) if revision.len() == 40 => Err(HistoryError::NotFetched {
            revision: revision.to_owned(),
            since: since.to_owned(),
            remedy: if question.repository.is_shallow() {
                "this clone is shallow: run `git fetch --unshallow`, or set `fetch-depth: 0`".to_owned()
            } else {
                "run `git fetch`, or name the repository of the application".to_owned()
            },
        }),
        other => Ok(other?),
    }
}
