//! From a request to an answer: finds the type, checks the verb, calls what does the work.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::admit::Part;
use crate::api::ApiServer;
use crate::create::{Validation, WriteOptions};
use crate::decode::Way;
use crate::delete::DeleteOptions;
use crate::patch::{self, PatchKind};
use crate::render::{Form, List};
use crate::route::{Query, Target};
use crate::state::{Resolved, State, in_version};
use crate::status::ApiError;
use crate::table::{self, Include};
use crate::watch::Watch;

/// A request for a resource, read but not judged.
pub(crate) struct Request {
    pub(crate) verb: &'static str,
    pub(crate) target: Target,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body as JSON, or why it is none.
    pub(crate) json: Result<Arc<Value>, String>,
}

/// An answer that is not an error.
pub(crate) enum Reply {
    Object(u16, Arc<Value>),
    List(List),
    Watch(Box<Watch>),
    Text(String),
}

impl Request {
    fn header(&self, name: http::header::HeaderName) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    fn json(&self) -> Result<Value, ApiError> {
        let content_type = self.header(http::header::CONTENT_TYPE);
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !matches!(essence, "" | "application/json") {
            return Err(ApiError::unsupported_media_type(&["application/json"]));
        }
        match &self.json {
            Ok(json) => Ok((**json).clone()),
            Err(error) => Err(ApiError::bad_request(format!(
                "the object provided is unrecognized: {error}"
            ))),
        }
    }

    /// The JSON body, or null where there is none.
    fn optional_json(&self) -> Result<Value, ApiError> {
        if self.body.is_empty() {
            Ok(Value::Null)
        } else {
            self.json()
        }
    }

    /// The field manager: the one named, else the program that calls.
    fn manager(&self) -> String {
        let program = || {
            self.header(http::header::USER_AGENT)
                .split('/')
                .next()
                .unwrap_or_default()
        };
        let name = self.query.get("fieldManager").unwrap_or_else(program);
        if name.is_empty() {
            "unknown".to_owned()
        } else {
            name.to_owned()
        }
    }

    fn is_apply(&self) -> bool {
        let content_type = self.header(http::header::CONTENT_TYPE);
        content_type
            .split(';')
            .next()
            .is_some_and(|it| it.trim() == "application/apply-patch+yaml")
    }

    fn write_options(&self) -> Result<WriteOptions, ApiError> {
        Ok(WriteOptions {
            dry_run: self.query.dry_run()?,
            validation: match self.query.get("fieldValidation") {
                Some("Strict") => Validation::Strict,
                Some("Ignore") => Validation::Ignore,
                _ => Validation::Warn,
            },
            manager: self.manager(),
            is_patch: self.verb == "patch",
            force: self.query.flag("force"),
            way: if self
                .header(http::header::CONTENT_TYPE)
                .starts_with("application/strategic-merge-patch+json")
            {
                Way::Unstructured
            } else {
                Way::Json
            },
        })
    }
}

/// Answers a resource request.
pub(crate) fn answer(api: &ApiServer, state: &mut State, request: &Request) -> Result<Reply, ApiError> {
    let target = state.resolve(&request.target)?;
    if target.id() == "events" {
        state.forget_events();
    }
    let form = Form::from_accept(request.header(http::header::ACCEPT));
    if !target.subresource.is_empty() {
        return subresource(state, &target, request);
    }
    let include = Include::parse(request.query.get("includeObject"));
    let now = (state.clock)();
    let object = |code: u16, stored: Arc<Value>| {
        let versioned = in_version(&stored, &target.resource, &target.version);
        if form == Form::Table {
            let metadata = json!({ "resourceVersion": versioned["metadata"]["resourceVersion"] });
            let table = table::render(&target, &[versioned], &metadata, now, include);
            return Reply::Object(code, Arc::new(table));
        }
        Reply::Object(code, Arc::new(form.object(&versioned).into_owned()))
    };
    match request.verb {
        "get" => state.current(&target).map(|stored| object(200, stored)),
        "list" => {
            let list = state.list(&target, &request.query, form)?;
            Ok(match form {
                Form::Whole | Form::Metadata => Reply::List(list),
                Form::Table => {
                    let table = table::render(&target, &list.items, &list.metadata, now, include);
                    Reply::Object(200, Arc::new(table))
                }
            })
        }
        "watch" => Watch::open(api, state, &target, &request.query, form).map(|watch| Reply::Watch(Box::new(watch))),
        "create" if target.name.is_empty() && (!target.resource.namespaced || !target.namespace.is_empty()) => state
            .create(&target, request.json()?, &request.write_options()?, None)
            .map(|stored| object(201, stored)),
        "update" if !target.name.is_empty() => state
            .replace(&target, request.json()?, Part::Main, &request.write_options()?)
            .map(|stored| object(200, stored)),
        "patch" if !target.name.is_empty() && request.is_apply() => {
            let named = request.query.get("fieldManager").is_some();
            let (code, stored) = state.apply(&target, &request.body, Part::Main, &request.write_options()?, named)?;
            Ok(object(code, stored))
        }
        "patch" if !target.name.is_empty() => {
            let kind = patch_kind(&target, request)?;
            state
                .patch(&target, kind, &request.body, Part::Main, &request.write_options()?)
                .map(|stored| object(200, stored))
        }
        "delete" => {
            let options = DeleteOptions::parse(&request.optional_json()?, &request.query)?;
            state
                .delete(&target, &options)
                .map(|answer| Reply::Object(200, Arc::new(answer)))
        }
        "deletecollection" => delete_collection(state, &target, request, form),
        _ => Err(ApiError::method_not_allowed()),
    }
}

fn patch_kind(target: &Resolved, request: &Request) -> Result<PatchKind, ApiError> {
    PatchKind::from_content_type(request.header(http::header::CONTENT_TYPE), target.resource.custom)
}

fn delete_collection(state: &mut State, target: &Resolved, request: &Request, form: Form) -> Result<Reply, ApiError> {
    let options = DeleteOptions::parse(&request.optional_json()?, &request.query)?;
    let list = state.list(target, &request.query, form)?;
    for item in &list.items {
        let text = |field: &str| item["metadata"][field].as_str().unwrap_or_default().to_owned();
        let one = Resolved {
            namespace: text("namespace"),
            name: text("name"),
            ..target.clone()
        };
        match state.delete(&one, &options) {
            Ok(_) => {}
            // Deleting an owner may have taken this one along.
            Err(error) if error.code == 404 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Reply::List(list))
}

fn subresource(state: &mut State, target: &Resolved, request: &Request) -> Result<Reply, ApiError> {
    let shows_table = Form::from_accept(request.header(http::header::ACCEPT)) == Form::Table;
    let now = (state.clock)();
    let reply = |object: Value| {
        let shown = if shows_table && object["kind"] == "Scale" {
            table::of_scale(&object, now)
        } else {
            object
        };
        Reply::Object(200, Arc::new(shown))
    };
    let kind = target.resource.kind.as_str();
    let custom = target.resource.custom;
    match (target.subresource.as_str(), request.verb) {
        ("status", verb) if target.has_status() => {
            let stored = match verb {
                "get" => state.current(target)?,
                "update" => state.replace(target, request.json()?, Part::Status, &request.write_options()?)?,
                "patch" if request.is_apply() => {
                    let named = request.query.get("fieldManager").is_some();
                    state
                        .apply(target, &request.body, Part::Status, &request.write_options()?, named)?
                        .1
                }
                "patch" => {
                    let kind = patch_kind(target, request)?;
                    state.patch(target, kind, &request.body, Part::Status, &request.write_options()?)?
                }
                _ => return Err(ApiError::method_not_allowed()),
            };
            Ok(Reply::Object(
                200,
                in_version(&stored, &target.resource, &target.version),
            ))
        }
        ("scale", verb) if target.served().is_some_and(|version| version.scale.is_some()) => match verb {
            "get" => state.scale(target).map(reply),
            "update" => {
                let wanted = request.json()?;
                state
                    .write_scale(target, |_| Ok(wanted), &request.write_options()?)
                    .map(reply)
            }
            "patch" => {
                let content_type = request.header(http::header::CONTENT_TYPE);
                let kind = PatchKind::from_content_type(content_type, custom)?;
                let change = |scale: &Value| patch::apply(kind, scale, &request.body);
                state.write_scale(target, change, &request.write_options()?).map(reply)
            }
            _ => Err(ApiError::method_not_allowed()),
        },
        ("eviction", "create") if kind == "Pod" && !custom => {
            let eviction = request.json()?;
            state.evict(target, &eviction, &request.query)?;
            let done = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
            });
            Ok(Reply::Object(201, Arc::new(done)))
        }
        ("binding", "create") if kind == "Pod" && !custom => {
            let binding = request.json()?;
            state.bind(target, &binding)?;
            let done = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
            });
            Ok(Reply::Object(201, Arc::new(done)))
        }
        ("log", "get") if kind == "Pod" && !custom => {
            state.current(target)?;
            Ok(Reply::Text(
                "This pod runs in Serin's sandbox: no container is behind it, so it writes no log.\n".to_owned(),
            ))
        }
        ("finalize", "update") if kind == "Namespace" && !custom => state
            .replace(target, request.json()?, Part::Main, &request.write_options()?)
            .map(|stored| Reply::Object(200, stored)),
        _ => Err(ApiError::no_such_path()),
    }
}
