//! The handle on the server: clients, clock, faults, the log of requests.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use jiff::Timestamp;
use serde_json::Value;

use crate::discovery;
use crate::rest::{self, Reply, Request};
use crate::route::{Query, Route, verb};
use crate::state::State;
use crate::status::ApiError;
use crate::store::{ObjectKey, ObjectName, ResourceId};

/// Requests kept in the log; older ones are dropped.
const LOG: usize = 20_000;

/// The body of an answer: one piece, or the stream of a watch.
pub type ResponseBody = UnsyncBoxBody<Bytes, Infallible>;

/// A request as tests and fault hooks see it.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestInfo {
    /// The Kubernetes verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// The API group; empty for core.
    pub group: String,
    /// The plural name.
    pub resource: String,
    /// `status`, `scale`, …; empty for the object itself.
    pub subresource: String,
    /// Empty for cluster-scoped resources and across namespaces.
    pub namespace: String,
    /// Empty for collections; at a create the name in the body, if it has one.
    pub name: String,
    /// The body as JSON; null where there is none, and in the log of requests.
    pub body: Arc<Value>,
}

/// A request that was answered (or was left hanging: code 0).
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRecord {
    /// What was asked.
    pub request: RequestInfo,
    /// The HTTP code of the answer.
    pub code: u16,
}

impl RequestRecord {
    /// Whether the request was a write (create, update, patch, delete, deletecollection), successful or not.
    pub fn is_write(&self) -> bool {
        !matches!(self.request.verb.as_str(), "get" | "list" | "watch")
    }
}

/// How much a server holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Objects of all kinds.
    pub objects: usize,
    /// Changes remembered for watches that come back.
    pub changes: usize,
    /// About how many bytes of memory these take.
    pub change_bytes: usize,
    /// Requests in the log.
    pub requests: usize,
}

/// How a test wants a request to fail.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultResponse {
    /// Refuse without doing anything.
    Refuse(ApiError),
    /// Do it, then answer with this error all the same: a lost answer.
    Lose(ApiError),
    /// Never answer, and do nothing.
    Hang,
}

/// A hook that may make requests fail; `None` lets a request through.
pub type Interceptor = Box<dyn Fn(&RequestInfo) -> Option<FaultResponse> + Send + Sync>;

/// Tells the time stamped on objects. It is called while the server is locked, so it must not call the server.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

struct Shared {
    state: Mutex<State>,
    interceptor: Mutex<Option<Arc<Interceptor>>>,
    log: Mutex<VecDeque<RequestRecord>>,
}

/// An in-memory Kubernetes API server. Clones are handles on the same server.
#[derive(Clone)]
pub struct ApiServer {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for ApiServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ApiServer")
            .field("revision", &self.state().store.revision())
            .finish()
    }
}

impl Default for ApiServer {
    fn default() -> Self {
        Self::new()
    }
}

/// No code here panics while it holds a lock; should a caller's clock do so, the data is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ApiServer {
    /// A server with the built-in types and the namespaces `default`, `kube-system`, `kube-public`, `kube-node-lease`.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(Timestamp::now))
    }

    /// The same, with a clock of its own from the beginning.
    pub fn with_clock(clock: Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(State::new(clock)),
                interceptor: Mutex::new(None),
                log: Mutex::new(VecDeque::new()),
            }),
        }
    }

    /// A client that talks to this server in the same process, without a network and without retries.
    ///
    /// Must be called inside a tokio runtime, on which it spawns a worker.
    pub fn client(&self) -> kube::Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.handle(request).await) }
        });
        kube::Client::new(service, "default")
    }

    /// Sets the clock of creation and deletion timestamps. The default is the machine's.
    pub fn set_clock(&self, clock: Clock) {
        self.state().clock = clock;
    }

    /// Enters every write in `metadata.managedFields`, as real servers do. Off at first: objects get theirs with the first
    /// server-side apply, when all fields so far go to `before-first-apply`.
    pub fn track_fields(&self, on: bool) {
        self.state().track_fields = on;
    }

    /// Sets the hook that may make requests fail; it replaces the one before.
    pub fn intercept(&self, interceptor: Interceptor) {
        *lock(&self.shared.interceptor) = Some(Arc::new(interceptor));
    }

    /// Lets all requests through again.
    pub fn clear_intercept(&self) {
        *lock(&self.shared.interceptor) = None;
    }

    /// The requests so far (at most the last 20,000), in the order of their answers; watches count when they open.
    pub fn requests(&self) -> Vec<RequestRecord> {
        lock(&self.shared.log).iter().cloned().collect()
    }

    /// Empties the log of requests.
    pub fn clear_requests(&self) {
        lock(&self.shared.log).clear();
    }

    /// Forgets the history: a watch that starts before now gets a 410 event, a continued list a 410.
    pub fn compact(&self) {
        self.state().store.compact();
    }

    /// Stores an object as it is, as the database may hold one that an older server took. Nothing is checked, and nothing but
    /// its UID and resourceVersion is filled in.
    pub fn store_as_is(&self, group: &str, plural: &str, mut object: Value) {
        let mut state = self.state();
        object["metadata"]["uid"] = state.store.next_uid().into();
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let key = ObjectKey {
            resource: ResourceId::new(group, plural),
            at: ObjectName {
                namespace: text("namespace"),
                name: text("name"),
            },
        };
        state.store.put(&key, object);
    }

    /// Ends all running watches, as a load balancer or a restart does; clients come back by themselves.
    pub fn disconnect_watches(&self) {
        self.state().store.disconnect();
    }

    /// How much the server holds now.
    pub fn kept(&self) -> Kept {
        let (objects, changes, change_bytes) = self.state().store.sizes();
        let requests = lock(&self.shared.log).len();
        Kept {
            objects,
            changes,
            change_bytes,
            requests,
        }
    }

    /// The revision of the last change.
    pub fn revision(&self) -> u64 {
        self.state().store.revision()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }

    /// Answers one HTTP request.
    pub async fn handle<B>(&self, request: http::Request<B>) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let (parts, body) = request.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return error_response(&ApiError::bad_request(format!("cannot read the body: {error}"))),
        };
        let target = match Route::parse(parts.uri.path()) {
            Route::Document(path) => return self.document(&path, &parts),
            Route::Resource(target) => target,
        };
        if target.group == "authorization.k8s.io" && parts.method == http::Method::POST {
            return allowed(&target.plural, &body);
        }
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let verb = verb(&parts.method, &target, &query);
        let json = serde_json::from_slice(&body)
            .map(Arc::new)
            .map_err(|error| error.to_string());
        let request = Request {
            verb,
            target,
            query,
            headers: parts.headers,
            body,
            json,
        };
        let info = describe(&request);
        let interceptor = lock(&self.shared.interceptor).clone();
        let mut warnings = Vec::new();
        let fault = interceptor.and_then(|interceptor| interceptor(&info));
        let outcome = match fault {
            Some(FaultResponse::Hang) => {
                self.record(info, 0);
                return std::future::pending().await;
            }
            Some(FaultResponse::Refuse(error)) => Err(error),
            Some(FaultResponse::Lose(error)) => rest::answer(self, &mut self.state(), &request).and(Err(error)),
            None => {
                let mut state = self.state();
                state.warnings.clear();
                let outcome = rest::answer(self, &mut state, &request);
                warnings = std::mem::take(&mut state.warnings);
                outcome
            }
        };
        let mut response = match outcome {
            Ok(reply) => respond(reply),
            Err(error) => error_response(&error),
        };
        for text in &warnings {
            if let Ok(value) = HeaderValue::from_str(&format!("299 - {text:?}")) {
                response.headers_mut().append(http::header::WARNING, value);
            }
        }
        self.record(info, response.status().as_u16());
        response
    }

    fn document(&self, path: &str, parts: &http::request::Parts) -> Response<ResponseBody> {
        match discovery::document(&self.state().registry, path, parts) {
            Ok(discovery::Document::Json(value)) => json_response(200, value.to_string()),
            Ok(discovery::Document::Typed(value, content_type)) => with_type(
                200,
                content_type,
                Full::new(Bytes::from(value.to_string())).boxed_unsync(),
            ),
            Ok(discovery::Document::Bytes(bytes, content_type)) => {
                with_type(200, content_type, Full::new(Bytes::from_static(bytes)).boxed_unsync())
            }
            Ok(discovery::Document::Text(text)) => text_response(text),
            Err(error) => error_response(&error),
        }
    }

    fn record(&self, mut request: RequestInfo, code: u16) {
        // A log of bodies would soon outweigh the objects.
        request.body = Arc::default();
        let mut log = lock(&self.shared.log);
        if log.len() == LOG {
            log.pop_front();
        }
        log.push_back(RequestRecord { request, code });
    }
}

fn describe(request: &Request) -> RequestInfo {
    // What is not JSON is refused later, where the content type is known.
    let body = request.json.clone().unwrap_or_default();
    let mut name = request.target.name.clone();
    if name.is_empty() && request.verb == "create" {
        name = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    }
    RequestInfo {
        verb: request.verb.to_owned(),
        group: request.target.group.clone(),
        resource: request.target.plural.clone(),
        subresource: request.target.subresource.clone(),
        namespace: request.target.namespace.clone(),
        name,
        body,
    }
}

fn respond(reply: Reply) -> Response<ResponseBody> {
    match reply {
        Reply::Object(code, object) => json_response(code, object.to_string()),
        Reply::List(list) => match serde_json::to_string(&list) {
            Ok(text) => json_response(200, text),
            Err(error) => error_response(&ApiError::new(500, "InternalError", error.to_string())),
        },
        Reply::Text(text) => text_response(text),
        Reply::Watch(watch) => {
            let lines = stream::unfold(*watch, |mut watch| async move {
                let line = watch.next().await?;
                Some((Ok::<_, Infallible>(Frame::data(line)), watch))
            });
            with_type(200, "application/json", StreamBody::new(lines).boxed_unsync())
        }
    }
}

/// The answer to an access review: nobody is refused anything here.
fn allowed(plural: &str, body: &[u8]) -> Response<ResponseBody> {
    let kind = match plural {
        "selfsubjectaccessreviews" => "SelfSubjectAccessReview",
        "subjectaccessreviews" => "SubjectAccessReview",
        "localsubjectaccessreviews" => "LocalSubjectAccessReview",
        _ => return error_response(&ApiError::no_such_path()),
    };
    // What is asked does not matter; kubectl asks in protobuf, which this server does not read.
    let asked = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let review = serde_json::json!({
        "kind": kind, "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": asked["spec"], "status": { "allowed": true },
    });
    json_response(201, review.to_string())
}

fn json_response(code: u16, text: String) -> Response<ResponseBody> {
    with_type(code, "application/json", Full::new(Bytes::from(text)).boxed_unsync())
}

fn text_response(text: String) -> Response<ResponseBody> {
    with_type(
        200,
        "text/plain; charset=utf-8",
        Full::new(Bytes::from(text)).boxed_unsync(),
    )
}

pub(crate) fn error_response(error: &ApiError) -> Response<ResponseBody> {
    let mut response = json_response(error.code, error.to_value().to_string());
    let retry = error
        .details
        .as_ref()
        .and_then(|details| details["retryAfterSeconds"].as_u64());
    if let Some(value) = retry.and_then(|seconds| HeaderValue::from_str(&seconds.to_string()).ok()) {
        response.headers_mut().insert(http::header::RETRY_AFTER, value);
    }
    response
}

fn with_type(code: u16, content_type: &'static str, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
