//! Asking Argo CD's REST API. There is one way to send a request, and it is a GET.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Response, StatusCode, Url};
use serde_json::Value;

use super::answers::{Event, ManagedResource, RevisionMetadata, Settings, TreeNode, Version, document};
use super::application::{Application, ApplicationName, list};
use super::connection::Connection;
use super::error::{ApiError, Asked, of_answer};
use crate::web;

/// How long an answer may take.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);

/// The most bytes of an answer.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

type Result<T> = std::result::Result<T, ApiError>;

/// Asks one Argo CD.
#[derive(Debug, Clone)]
pub struct Client {
    client: reqwest::Client,
    connection: Connection,
}

/// An object of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectKey<'a> {
    /// Its API group; empty for the core group.
    pub group: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// An application with its project, if that is known.
#[derive(Debug, Clone, Copy)]
struct Of<'a> {
    name: &'a ApplicationName,
    project: Option<&'a str>,
    object: &'a str,
}

impl Client {
    /// A client for one Argo CD. Nothing is sent yet.
    ///
    /// # Errors
    /// If its certificates cannot be read, or a token would be sent in the clear over a network.
    pub fn new(connection: Connection) -> Result<Self> {
        let unreachable = |why: String| ApiError::Unreachable {
            server: connection.server(),
            why,
        };
        if connection.token.is_some() && connection.url.scheme() == "http" && !web::is_this_machine(&connection.url) {
            return Err(unreachable("a token is not sent in the clear; use https".to_owned()));
        }
        let builder = web::client(connection.certificates.as_deref()).map_err(unreachable)?;
        let builder = builder
            .timeout(LONGEST_ANSWER)
            .redirect(reqwest::redirect::Policy::none());
        let builder = if connection.insecure {
            builder.tls_danger_accept_invalid_certs(true)
        } else {
            builder
        };
        let client = builder.build().map_err(|error| unreachable(web::reason(error)))?;
        Ok(Self { client, connection })
    }

    /// An application. With its project, a missing one is told from one that may not be seen.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn application(&self, name: &ApplicationName, project: Option<&str>) -> Result<Application> {
        let of = Of {
            name,
            project,
            object: "",
        };
        Ok(Application::new(
            self.of_application(of, &[], &[], "read the application").await?,
        ))
    }

    /// All applications that the account may see, with these fields only (all if there are none; `items.` before each).
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn applications(&self, selector: Option<&str>, fields: &[&str]) -> Result<Vec<Application>> {
        let fields = fields.join(",");
        let mut query = Vec::new();
        query.extend(selector.map(|selector| ("selector", selector)));
        query.extend((!fields.is_empty()).then_some(("fields", fields.as_str())));
        let asked = self.asked("list applications", None);
        let answer = self.get(&["api", "v1", "applications"], &query, &asked).await?;
        Ok(list(&answer, "/items").iter().cloned().map(Application::new).collect())
    }

    /// The objects of an application as Argo CD compares them; one of them if a key is given.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn managed_resources(
        &self,
        application: &Application,
        key: Option<ObjectKey<'_>>,
    ) -> Result<Vec<ManagedResource>> {
        let query = key.map_or(Vec::new(), |key| {
            vec![
                ("group", key.group),
                ("kind", key.kind),
                ("namespace", key.namespace),
                ("name", key.name),
            ]
        });
        let name = named(application);
        let of = Of {
            name: &name,
            project: Some(application.project()),
            object: "",
        };
        let answer = self
            .of_application(of, &["managed-resources"], &query, "compare the objects")
            .await?;
        Ok(list(&answer, "/items").iter().map(ManagedResource::of).collect())
    }

    /// The objects of an application, and what they own.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn resource_tree(&self, application: &Application) -> Result<Vec<TreeNode>> {
        let name = named(application);
        let of = Of {
            name: &name,
            project: Some(application.project()),
            object: "",
        };
        let answer = self
            .of_application(of, &["resource-tree"], &[], "read the tree of objects")
            .await?;
        Ok(list(&answer, "/nodes").iter().map(TreeNode::of).collect())
    }

    /// An object of the tree, whole; `None` if there is none in the cluster.
    ///
    /// # Errors
    /// If it cannot be read, or is not of the application.
    pub async fn resource(&self, application: &Application, key: ObjectKey<'_>) -> Result<Option<Value>> {
        let query = [
            ("namespace", key.namespace),
            ("resourceName", key.name),
            ("group", key.group),
            ("version", key.version),
            ("kind", key.kind),
        ];
        let (name, object) = (named(application), format!("{}/{}", key.kind, key.name));
        let of = Of {
            name: &name,
            project: Some(application.project()),
            object: &object,
        };
        let answer = self.of_application(of, &["resource"], &query, "read an object").await?;
        Ok(document(&answer, "/manifest"))
    }

    /// The events of an application; of one of its objects if its UID, name and namespace are given.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn events(&self, application: &Application, object: Option<(&str, &str, &str)>) -> Result<Vec<Event>> {
        let query = object.map_or(Vec::new(), |(uid, name, namespace)| {
            vec![
                ("resourceUID", uid),
                ("resourceName", name),
                ("resourceNamespace", namespace),
            ]
        });
        let name = named(application);
        let of = Of {
            name: &name,
            project: Some(application.project()),
            object: "",
        };
        let answer = self.of_application(of, &["events"], &query, "read events").await?;
        Ok(list(&answer, "/items").iter().map(Event::of).collect())
    }

    /// Author, date and message of a commit. It takes a whole hash; `source` is the number of the source from 0, where
    /// there are several.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn revision(
        &self,
        application: &Application,
        revision: &str,
        source: Option<usize>,
    ) -> Result<RevisionMetadata> {
        let index = source.map(|index| index.to_string());
        let query: Vec<_> = index.iter().map(|index| ("sourceIndex", index.as_str())).collect();
        let name = named(application);
        let of = Of {
            name: &name,
            project: Some(application.project()),
            object: "",
        };
        let what = "read the author and message of a commit";
        Ok(RevisionMetadata::of(
            &self
                .of_application(of, &["revisions", revision, "metadata"], &query, what)
                .await?,
        ))
    }

    /// The manifests of an application at a commit, or at the one that it follows. Secrets are masked by Argo CD.
    ///
    /// # Errors
    /// If they cannot be made; the error has Argo CD's words.
    pub async fn manifests(&self, application: &Application, revision: Option<&str>) -> Result<Vec<Value>> {
        let query: Vec<_> = revision.iter().map(|revision| ("revision", *revision)).collect();
        let name = named(application);
        let of = Of {
            name: &name,
            project: Some(application.project()),
            object: "",
        };
        let answer = self
            .of_application(of, &["manifests"], &query, "make the manifests")
            .await?;
        let texts = list(&answer, "/manifests").iter().filter_map(Value::as_str);
        Ok(texts.filter_map(|text| serde_json::from_str(text).ok()).collect())
    }

    /// Argo CD's settings. Who is not logged in sees a part of them.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn settings(&self) -> Result<Settings> {
        let asked = self.asked("read its settings", None);
        Ok(Settings::of(&self.get(&["api", "v1", "settings"], &[], &asked).await?))
    }

    /// The versions of Argo CD and its tools; no token is needed.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn version(&self) -> Result<Version> {
        let asked = self.asked("read its version", None);
        Ok(Version::of(&self.get(&["api", "version"], &[], &asked).await?))
    }

    async fn of_application(&self, of: Of<'_>, parts: &[&str], query: &[(&str, &str)], what: &str) -> Result<Value> {
        let path: Vec<&str> = ["api", "v1", "applications", &of.name.name]
            .iter()
            .chain(parts)
            .copied()
            .collect();
        let mut query = query.to_vec();
        query.extend(
            of.project
                .filter(|project| !project.is_empty())
                .map(|project| ("project", project)),
        );
        query.extend(
            of.name
                .namespace
                .as_deref()
                .map(|namespace| ("appNamespace", namespace)),
        );
        let server = self.connection.server();
        let asked = Asked {
            server: &server,
            ..self.asked(what, Some(of))
        };
        self.get(&path, &query, &asked).await
    }

    fn asked<'a>(&'a self, what: &'a str, of: Option<Of<'a>>) -> Asked<'a> {
        Asked {
            what,
            server: self.connection.url.as_str(),
            application: of.map_or("", |of| &of.name.name),
            project: of.and_then(|of| of.project).filter(|project| !project.is_empty()),
            object: of.map_or("", |of| of.object),
        }
    }

    /// Sends a GET. This is the only function that sends anything.
    async fn get(&self, path: &[&str], query: &[(&str, &str)], asked: &Asked<'_>) -> Result<Value> {
        let server = || asked.server.to_owned();
        let unreachable = |error| ApiError::Unreachable {
            server: server(),
            why: web::reason(error),
        };
        let url = below(&self.connection.url, path).ok_or_else(|| ApiError::Unreachable {
            server: server(),
            why: "it has no path".into(),
        })?;
        let mut request = self.client.get(url).query(query);
        if let Some(token) = &self.connection.token {
            request = request.bearer_auth(token.reveal());
        }
        let mut response = request.send().await.map_err(unreachable)?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(unreachable)? {
            body.extend(&piece);
            if body.len() > LARGEST_ANSWER {
                let why = format!("its answer has more than {LARGEST_ANSWER} bytes");
                return Err(ApiError::Unreachable { server: server(), why });
            }
        }
        let (status, json) = (response.status(), is_json(&response));
        let not = |why: &str| ApiError::NotArgoCd {
            server: server(),
            why: why.to_owned(),
        };
        match status {
            StatusCode::OK if json => serde_json::from_slice(&body).map_err(|_| not("its answer is not JSON")),
            StatusCode::OK => Err(not("it answers a page for people")),
            _ if status.is_redirection() => Err(not("it sends elsewhere, perhaps to a page to log in")),
            _ => Err(of_answer(asked, status, &body)),
        }
    }
}

fn is_json(response: &Response) -> bool {
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value: &HeaderValue| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}

fn named(application: &Application) -> ApplicationName {
    let namespace = application.namespace();
    ApplicationName {
        namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
        name: application.name().to_owned(),
    }
}

/// An address below another; each part is one step, whatever characters it has.
fn below(url: &Url, parts: &[&str]) -> Option<Url> {
    let mut below = url.clone();
    below.path_segments_mut().ok()?.pop_if_empty().extend(parts);
    Some(below)
}
