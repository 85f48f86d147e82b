//! What Argo CD's API and Git say, added to what was read from the cluster. Both are only read.

use super::Explain;
use crate::cluster::survey::Subjects;
use crate::show::failure::{Failure, chain};
use serde_json::Value;
use serin_core::wire::{HASH_LABEL, phase};
use serin_explain::Reading;
use serin_explain::compare::Columns;
use serin_explain::explanation::{Commit, ObjectName};
use serin_explain::history::{self, Answer, Deployment, Question, of_deployments};
use serin_gitops::argocd::{
    Application, ApplicationName, Client, Connection, ConnectionOptions, DeployedManifests, IgnoreRule, Tracking,
    application_of,
};
use serin_gitops::git::Repository;
use serin_gitops::git::remote::{Access, Address, Wanted, fetch};
use serin_gitops::kustomize::{Options, Program};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Adds both, where they are asked for.
pub(super) async fn add(reading: &mut Reading, arguments: &Explain, subjects: &Subjects) -> Result<(), Failure> {
    let argocd = argocd(reading, arguments).await?;
    if let Some(app) = &arguments.app
        && !reading
            .of_kind("Application")
            .any(|it| it["metadata"]["name"] == app.as_str())
    {
        return Err(Failure::message(format!(
            "application {app:?} does not exist, or may not be read; `kubectl get applications -A` and `argocd app list` list \
             those there are"
        )));
    }
    let Some(place) = &arguments.git else {
        if let Some(argocd) = &argocd {
            argocd.tell_commits(reading).await;
        }
        return Ok(());
    };
    let rules = argocd.map(|argocd| argocd.rules).unwrap_or_default();
    let (folder, _kept) = repository(place).await?;
    let named = matches!(subjects, Subjects::Named(_));
    for object in rollouts(reading) {
        match ask(reading, &object, &folder, &rules).await {
            Ok(answer) => {
                for note in &answer.notes {
                    reading.unread("Git", note);
                }
                reading.git(&object, answer.findings);
            }
            Err(failure) if named => return Err(failure),
            Err(Failure::Message(why)) => {
                reading.unread(&format!("Git for {}/{}", object.namespace, object.name), &why)
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

fn rollouts(reading: &Reading) -> Vec<ObjectName> {
    let mut subjects = reading.subjects();
    subjects.retain(|object| object.kind == "Rollout");
    subjects
}

/// An Argo CD that answers, and what it ignores in all applications.
struct Argocd {
    client: Client,
    rules: Vec<IgnoreRule>,
    what: String,
}

/// Deployments of an Application that are compared.
const DEPLOYMENTS: usize = 6;

impl Argocd {
    /// The commits as far as Argo CD's own answers tell them: without lines to edit.
    async fn tell_commits(&self, reading: &mut Reading) {
        for object in rollouts(reading) {
            let Some(side) = Side::of(reading, &object) else {
                continue;
            };
            let Some(app) = side.application else { continue };
            let (found, errors) = self.client.deployments(&app, DEPLOYMENTS).await;
            for error in errors {
                reading.unread(&format!("{}: deployments of {}", self.what, app.name()), &chain(&error));
            }
            let deployments: Vec<Deployment> = found.into_iter().map(deployment).collect();
            let columns = Columns {
                git: None,
                live: Some(&side.live),
                stable: side.stable.as_ref(),
                rules: &self.rules,
                respects_ignored: false,
            };
            let healthy = side.live["status"]["phase"] == phase::HEALTHY;
            if let Some((findings, notes)) = of_deployments(&object, &deployments, &app, &columns, healthy) {
                notes.iter().for_each(|note| reading.unread("Git", note));
                reading.git(&object, findings);
            }
        }
    }
}

fn deployment(found: DeployedManifests) -> Deployment {
    let metadata = found.metadata;
    Deployment {
        commit: Commit {
            sha: found.revision,
            author: metadata.author,
            date: metadata.date,
            message: metadata.message.lines().next().unwrap_or_default().to_owned(),
        },
        manifests: found.manifests,
    }
}

/// A rollout as it is in the cluster, its stable ReplicaSet, and the Application that deploys it.
struct Side {
    live: Value,
    stable: Option<Value>,
    application: Option<Application>,
}

impl Side {
    fn of(reading: &Reading, object: &ObjectName) -> Option<Self> {
        let live = find(reading, object)?.clone();
        let hash = live["status"]["stableRS"].as_str().unwrap_or_default();
        let stable = reading.of_kind("ReplicaSet").find(|set| {
            let owners = set["metadata"]["ownerReferences"].as_array().into_iter().flatten();
            let owned = owners.into_iter().any(|it| it["uid"] == live["metadata"]["uid"]);
            owned && set["metadata"]["labels"][HASH_LABEL] == hash
        });
        let app = reading.of_kind("Application").find(|app| {
            let resources = app["status"]["resources"].as_array().into_iter().flatten();
            resources.into_iter().any(|it| {
                it["kind"] == "Rollout"
                    && it["name"] == object.name.as_str()
                    && it["namespace"] == object.namespace.as_str()
            })
        });
        Some(Self {
            stable: stable.cloned(),
            application: app.cloned().map(Application::new),
            live,
        })
    }
}

/// Asks Argo CD's API for the Applications of the subjects. Nothing is asked unless a server is named.
async fn argocd(reading: &mut Reading, arguments: &Explain) -> Result<Option<Argocd>, Failure> {
    let options = ConnectionOptions {
        server: arguments.argocd_server.clone(),
        ..ConnectionOptions::default()
    };
    let asked = options.server.is_some() || variable("ARGOCD_SERVER").is_some_and(|it| !it.is_empty());
    if !asked {
        return Ok(None);
    }
    let connection = Connection::find(&options, variable).map_err(|error| Failure::message(error.to_string()))?;
    let Some(connection) = connection else {
        return Ok(None);
    };
    let what = format!("Argo CD at {}", connection.server());
    let client = Client::new(connection).map_err(|error| Failure::message(chain(&error)))?;
    let settings = match client.settings().await {
        Ok(settings) => settings,
        Err(error) => {
            reading.unread(&what, &chain(&error));
            return Ok(None);
        }
    };
    for name in names(reading, arguments, &settings.tracking) {
        match client.application(&name, None).await {
            Ok(application) => reading.replace("Application", application.object().clone()),
            Err(error) => reading.unread(&format!("{what}: application {}", name.name), &chain(&error)),
        }
    }
    Ok(Some(Argocd {
        client,
        rules: settings.ignore_rules,
        what,
    }))
}

/// The Applications to ask for: the one that is named, else those that the marks of the subjects name.
fn names(reading: &Reading, arguments: &Explain, tracking: &Tracking) -> Vec<ApplicationName> {
    if let Some(app) = &arguments.app {
        return vec![ApplicationName {
            name: app.clone(),
            namespace: None,
        }];
    }
    let mut names: Vec<ApplicationName> = Vec::new();
    for object in reading.subjects() {
        let tracked = find(reading, &object).and_then(|object| application_of(object, tracking));
        if let Some(tracked) = tracked
            && !names.contains(tracked.application())
        {
            names.push(tracked.application().clone());
        }
    }
    names
}

/// A folder with the repository; an address is fetched into one that goes with the value beside it.
async fn repository(place: &str) -> Result<(PathBuf, Option<tempfile::TempDir>), Failure> {
    if !Address::is_remote(place) {
        return Ok((PathBuf::from(place), None));
    }
    let address: Address = place
        .parse()
        .map_err(|error| Failure::message(format!("--git: {error}")))?;
    let folder =
        tempfile::tempdir().map_err(|error| Failure::message(format!("no folder for what is fetched: {error}")))?;
    let access = Access::from_environment(variable);
    fetch(&address, &access, &Wanted::default(), folder.path())
        .await
        .map_err(|error| Failure::message(format!("--git: {}", chain(&error))))?;
    Ok((folder.path().to_owned(), Some(folder)))
}

fn find<'r>(reading: &'r Reading, object: &'r ObjectName) -> Option<&'r Value> {
    reading.of_kind(&object.kind).find(|it| {
        it["metadata"]["name"] == object.name.as_str() && it["metadata"]["namespace"] == object.namespace.as_str()
    })
}

/// Asks Git about one rollout. It builds overlays, which takes a while, so it has a thread of its own.
async fn ask(reading: &Reading, object: &ObjectName, folder: &Path, rules: &[IgnoreRule]) -> Result<Answer, Failure> {
    let Some(side) = Side::of(reading, object) else {
        return Err(Failure::not_found("rollout.argoproj.io", &object.name));
    };
    let (object, folder, rules) = (object.clone(), folder.to_owned(), rules.to_vec());
    let worker = tokio::task::spawn_blocking(move || {
        let repository =
            Repository::open(&folder).map_err(|error| format!("--git {}: {}", folder.display(), chain(&error)))?;
        let program = Program::find().ok().map(Arc::new);
        let question = Question {
            repository: &repository,
            program: program.as_deref(),
            options: &Options::default(),
            object: &object,
            live: Some(&side.live),
            stable: side.stable.as_ref(),
            is_healthy: side.live["status"]["phase"] == phase::HEALTHY,
            application: side.application.as_ref(),
            rules: &rules,
            revision: None,
        };
        history::find(&question).map_err(|error| chain(&error))
    });
    let answer = worker
        .await
        .map_err(|error| Failure::message(format!("reading Git: {error}")))?;
    answer.map_err(Failure::message)
}
