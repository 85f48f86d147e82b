//! What Argo CD's API refuses, in clear words.

use reqwest::StatusCode;
use serde_json::Value;

/// Why Argo CD could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No or an outdated token.
    #[error(
        "Argo CD at {server} does not accept the token ({said}); give a valid one in ARGOCD_AUTH_TOKEN, or run `argocd login`"
    )]
    NoToken {
        /// The server.
        server: String,
        /// What it said.
        said: String,
    },
    /// A right is missing.
    #[error("Argo CD does not allow to {what}; the account needs the permission `{permission}`")]
    Denied {
        /// What was asked.
        what: String,
        /// The missing permission, as in a policy: `applications, get, PROJECT/NAME`.
        permission: String,
    },
    /// No such application, or none that the account may see.
    #[error("Argo CD has no application `{name}`{place}; check the name, the project and the namespace")]
    NoApplication {
        /// Its name.
        name: String,
        /// Where it was looked for; empty, or begins with a space.
        place: String,
    },
    /// An object that is not of the application.
    #[error("{object} does not belong to the application `{application}`")]
    NotOfApplication {
        /// The object, as `Kind/name`.
        object: String,
        /// The application.
        application: String,
    },
    /// Manifests that cannot be made.
    #[error("Argo CD cannot {what}: {said}")]
    Failed {
        /// What was asked.
        what: String,
        /// What it said.
        said: String,
    },
    /// No connection.
    #[error("cannot reach Argo CD at {server}: {why}")]
    Unreachable {
        /// The server.
        server: String,
        /// Why.
        why: String,
    },
    /// Something else answered.
    #[error("{server} does not answer as Argo CD: {why}; check the server's name and its root path")]
    NotArgoCd {
        /// The server.
        server: String,
        /// What was wrong.
        why: String,
    },
}

/// What was asked, for the words of an error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// What it is for, behind "to" or "cannot".
    pub(super) what: &'a str,
    pub(super) server: &'a str,
    pub(super) application: &'a str,
    pub(super) project: Option<&'a str>,
    pub(super) object: &'a str,
}

/// Codes of gRPC, which Argo CD sends beside those of HTTP.
const INVALID_ARGUMENT: i64 = 3;
const NOT_FOUND: i64 = 5;
const PERMISSION_DENIED: i64 = 7;
const UNAUTHENTICATED: i64 = 16;

/// The error of an answer that is none of success.
pub(super) fn of_answer(asked: &Asked<'_>, status: StatusCode, body: &[u8]) -> ApiError {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    // Streams put the error one level deeper.
    let inner = body.get("error").filter(|inner| inner.is_object()).unwrap_or(&body);
    let code = inner
        .get("code")
        .or_else(|| inner.get("grpc_code"))
        .and_then(Value::as_i64);
    let said = inner.get("message").and_then(Value::as_str).unwrap_or_default();
    let said: String = said.chars().filter(|c| !c.is_control()).take(2000).collect();
    let (what, application) = (asked.what.to_owned(), asked.application.to_owned());
    match (code, status) {
        (Some(UNAUTHENTICATED), _) | (None, StatusCode::UNAUTHORIZED) => {
            let said = if said.is_empty() { status.to_string() } else { said };
            ApiError::NoToken {
                server: asked.server.to_owned(),
                said,
            }
        }
        (Some(PERMISSION_DENIED), _) | (None, StatusCode::FORBIDDEN) => denied(asked, &said),
        (Some(NOT_FOUND), _) if !application.is_empty() => no_application(asked),
        (Some(INVALID_ARGUMENT), _) if said.contains("not found as part of application") => {
            ApiError::NotOfApplication {
                object: asked.object.to_owned(),
                application,
            }
        }
        (Some(_), _) => ApiError::Failed { what, said },
        (None, _) => {
            let why = format!("it answers {status}");
            ApiError::NotArgoCd {
                server: asked.server.to_owned(),
                why,
            }
        }
    }
}

/// Without a project, Argo CD answers "permission denied" for an application that does not exist as well.
fn denied(asked: &Asked<'_>, said: &str) -> ApiError {
    let named = said
        .strip_prefix("permission denied: ")
        .and_then(|rest| rest.split(", sub:").next());
    let project = asked.project.unwrap_or("PROJECT");
    let usual = format!(
        "applications, get, {project}/{}",
        if asked.application.is_empty() {
            "*"
        } else {
            asked.application
        }
    );
    let unsure = asked.project.is_none() && !asked.application.is_empty() && named.is_none();
    let what = if unsure {
        format!("{}, or there is no application `{}`", asked.what, asked.application)
    } else {
        asked.what.to_owned()
    };
    ApiError::Denied {
        what,
        permission: named.map_or(usual, str::to_owned),
    }
}

fn no_application(asked: &Asked<'_>) -> ApiError {
    let place = asked
        .project
        .map_or(String::new(), |project| format!(" in the project `{project}`"));
    ApiError::NoApplication {
        name: asked.application.to_owned(),
        place,
    }
}
