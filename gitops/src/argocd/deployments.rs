//! What was deployed, with its manifests.

use serde_json::Value;

use super::answers::RevisionMetadata;
use super::application::Application;
use super::client::Client;
use super::error::ApiError;

/// A deployment of the history, or what is wanted now.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployedManifests {
    /// The commit.
    pub revision: String,
    /// Its author, date and message.
    pub metadata: RevisionMetadata,
    /// Its manifests. Secrets are masked by Argo CD.
    pub manifests: Vec<Value>,
}

impl Client {
    /// The last deployments of an application with one source, oldest first, with what is wanted now at the end. What cannot
    /// be read is left out, with its error beside.
    pub async fn deployments(&self, application: &Application, most: usize) -> (Vec<DeployedManifests>, Vec<ApiError>) {
        let (mut found, mut errors) = (Vec::new(), Vec::new());
        for revision in revisions(application, most) {
            let manifests = self.manifests(application, Some(&revision)).await;
            let metadata = self.revision(application, &revision, None).await;
            match (manifests, metadata) {
                (Ok(manifests), Ok(metadata)) => found.push(DeployedManifests {
                    revision,
                    metadata,
                    manifests,
                }),
                (Err(error), _) | (_, Err(error)) => errors.push(error),
            }
        }
        (found, errors)
    }
}

/// The commits of the history, and the one that was compared last; each once, at its last place.
fn revisions(application: &Application, most: usize) -> Vec<String> {
    let deployed = application
        .history()
        .into_iter()
        .filter_map(|deployed| deployed.revisions.into_iter().next());
    let wanted = application.sync().revisions.into_iter().next();
    let mut newest: Vec<String> = Vec::new();
    for revision in deployed.chain(wanted).collect::<Vec<_>>().into_iter().rev() {
        if newest.len() < most && !newest.contains(&revision) {
            newest.push(revision);
        }
    }
    newest.reverse();
    newest
}
