//! What a controller wrote: from the audit log of a real API server, or from a client that takes notes.

use anyhow::{Context, Result};
use http::{Method, Request, Response};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use serin_sandbox::{ApiServer, ResponseBody};
use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A request that changed something, or tried to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Write {
    /// `create`, `patch`, `update`, `delete`.
    pub verb: String,
    /// `rollouts`, `replicasets/scale`, …
    pub resource: String,
    /// Name of the object; of a created one as far as the log knows it.
    pub name: String,
    /// The HTTP code of the answer.
    pub code: u16,
}

/// A write whose writer and time are known: one of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What was written.
    pub write: Write,
    /// Id of the writer's token: two processes of one service account have two.
    pub by: String,
    /// When it was answered.
    pub at: Timestamp,
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ({})", self.verb, self.resource, self.name, self.code)
    }
}

/// Where the writes of a world's controller can be read.
#[derive(Clone, Debug)]
pub enum Ledger {
    /// Notes of the controller's own client.
    Notes(Notes),
    /// Lines of an audit log.
    Audit {
        /// The file.
        log: PathBuf,
        /// Whose requests.
        user: String,
        /// In which namespace.
        namespace: String,
    },
    /// A cluster whose audit log is not ours.
    Nowhere,
}

impl Ledger {
    /// All object writes so far, Events and Leases left out; `None` where nobody counts.
    ///
    /// # Errors
    /// If the audit log cannot be read.
    pub fn writes(&self) -> Result<Option<Vec<Write>>> {
        let mut all = match self {
            Self::Notes(notes) => notes.all(),
            Self::Audit { log, user, namespace } => {
                audit(log, user, namespace)?.into_iter().map(|it| it.write).collect()
            }
            Self::Nowhere => return Ok(None),
        };
        all.retain(|it| it.resource != "events" && it.resource != "leases");
        Ok(Some(all))
    }

    /// All writes so far, Events and Leases included, in the order in which they were answered; `None` where there is no
    /// audit log.
    ///
    /// # Errors
    /// If the audit log cannot be read.
    pub fn signed(&self) -> Result<Option<Vec<Signed>>> {
        match self {
            Self::Audit { log, user, namespace } => {
                let mut all = audit(log, user, namespace)?;
                all.sort_by_key(|it| it.at);
                Ok(Some(all))
            }
            Self::Notes(_) | Self::Nowhere => Ok(None),
        }
    }
}

impl Ledger {
    /// All writes of another user in the namespace, Events and Leases included; `None` where there is no audit log.
    ///
    /// # Errors
    /// If the audit log cannot be read.
    pub fn of(&self, user: &str) -> Result<Option<Vec<Write>>> {
        match self {
            Self::Audit { log, namespace, .. } => {
                let all = audit(log, user, namespace)?;
                Ok(Some(all.into_iter().map(|it| it.write).collect()))
            }
            Self::Notes(_) | Self::Nowhere => Ok(None),
        }
    }
}

fn audit(log: &Path, user: &str, namespace: &str) -> Result<Vec<Signed>> {
    let text = std::fs::read_to_string(log).with_context(|| log.display().to_string())?;
    // The last line may be half written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut writes = Vec::new();
    for line in whole.lines() {
        let event: Value = serde_json::from_str(line).with_context(|| format!("a line of {}", log.display()))?;
        let (object, verb) = (&event["objectRef"], event["verb"].as_str().unwrap_or_default());
        let reads = matches!(verb, "get" | "list" | "watch");
        if reads || event["user"]["username"] != user || object["namespace"] != namespace {
            continue;
        }
        let mut resource = object["resource"].as_str().unwrap_or_default().to_owned();
        if let Some(subresource) = object["subresource"].as_str() {
            resource = format!("{resource}/{subresource}");
        }
        let write = Write {
            verb: verb.to_owned(),
            resource,
            name: object["name"].as_str().unwrap_or_default().to_owned(),
            code: event["responseStatus"]["code"]
                .as_u64()
                .and_then(|it| u16::try_from(it).ok())
                .unwrap_or_default(),
        };
        let by = &event["user"]["extra"]["authentication.kubernetes.io/credential-id"][0];
        writes.push(Signed {
            write,
            by: by.as_str().unwrap_or_default().to_owned(),
            at: event["stageTimestamp"].as_str().unwrap_or_default().parse()?,
        });
    }
    Ok(writes)
}

/// Writes that went through one client.
#[derive(Clone, Debug, Default)]
pub struct Notes(Arc<Mutex<Vec<Write>>>);

impl Notes {
    fn all(&self) -> Vec<Write> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A client of the sandbox whose writes are noted. Must be called inside a runtime.
    #[must_use]
    pub fn client(&self, api: &ApiServer) -> Client {
        let (api, notes) = (api.clone(), self.clone());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (api, notes) = (api.clone(), notes.clone());
            async move {
                let asked = described(request.method(), request.uri().path());
                let response = api.handle(request).await;
                if let Some((verb, resource, name)) = asked {
                    let code = response.status().as_u16();
                    let write = Write {
                        verb,
                        resource,
                        name,
                        code,
                    };
                    notes.0.lock().unwrap_or_else(PoisonError::into_inner).push(write);
                }
                Ok::<Response<ResponseBody>, Infallible>(response)
            }
        });
        Client::new(service, "default")
    }
}

/// Verb, resource with subresource, and name of a write by its path: `…/namespaces/NS/RESOURCE[/NAME[/SUBRESOURCE]]`.
fn described(method: &Method, path: &str) -> Option<(String, String, String)> {
    let verb = match *method {
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => return None,
    };
    let (_, rest) = path.split_once("/namespaces/")?;
    let mut parts = rest.split('/').skip(1);
    let resource = parts.next()?;
    let name = parts.next().unwrap_or_default();
    let resource = parts.next().map_or_else(
        || resource.to_owned(),
        |subresource| format!("{resource}/{subresource}"),
    );
    Some((verb.to_owned(), resource, name.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn writes_are_told_by_their_paths() {
        let path = "/apis/argoproj.io/v1alpha1/namespaces/n/rollouts/a/status";
        let told = described(&Method::PATCH, path).unwrap();
        assert_eq!(told, ("patch".into(), "rollouts/status".into(), "a".into()));
        let told = described(&Method::POST, "/apis/apps/v1/namespaces/n/replicasets").unwrap();
        assert_eq!(told, ("create".into(), "replicasets".into(), String::new()));
        assert_eq!(described(&Method::GET, path), None);
    }

    #[test]
    fn the_audit_log_is_read_for_one_user_and_namespace() {
        let path = std::env::temp_dir().join(format!("serin-audit-{}.log", std::process::id()));
        let line = |user: &str, namespace: &str, verb: &str, resource: &str, sub: &str| {
            serde_json::json!({"user": {"username": user}, "verb": verb, "responseStatus": {"code": 200},
                "stageTimestamp": "2026-01-01T00:00:00.000001Z",
                "objectRef": {"resource": resource, "namespace": namespace, "name": "a", "subresource": sub}})
            .to_string()
        };
        let lines = [
            line("c", "n", "patch", "rollouts", "status"),
            line("c", "n", "get", "rollouts", "status"),
            line("c", "other", "patch", "rollouts", "status"),
            line("me", "n", "patch", "rollouts", "status"),
            line("c", "n", "create", "events", "x")
                .replace(",\"subresource\":\"x\"", "")
                .replace("\"subresource\":\"x\",", ""),
        ];
        std::fs::write(&path, lines.join("\n") + "\n{\"half").unwrap();
        let ledger = Ledger::Audit {
            log: path.clone(),
            user: "c".into(),
            namespace: "n".into(),
        };
        let writes = ledger.writes().unwrap().unwrap();
        std::fs::remove_file(path).unwrap();
        let told: Vec<String> = writes.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["patch rollouts/status a (200)"]);
    }
}
