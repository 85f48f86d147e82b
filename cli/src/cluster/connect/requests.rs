//! Requests on their way to the API server: logged, and repeated if they only read.
//!
//! kube's own policy silently repeats every method up to 15 times over minutes: a promotion could land after an abort. It
//! is switched off; here each write is sent once.

use http::{Method, Request, Response, StatusCode, header::RETRY_AFTER};
use kube::client::Body;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tower::{BoxError, Layer, Service};

/// A read is repeated so many times.
const REPEATS: u32 = 5;
/// The longest wait between two tries, even if the server asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How many lists and watches of each resource the API server has answered well: a watch that broke is back once its
/// number grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(Arc<Mutex<BTreeMap<String, u64>>>);

impl Answers {
    /// How many so far of a resource by its plural, `rollouts`.
    #[must_use]
    pub(crate) fn of(&self, plural: &str) -> u64 {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(plural)
            .copied()
            .unwrap_or_default()
    }

    fn add(&self, path: &str) {
        let plural = path.rsplit('/').next().unwrap_or_default();
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(plural.to_owned()).or_default() += 1;
    }
}

/// Puts [`Requests`] around a client.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestsLayer {
    pub(super) answers: Answers,
}

impl<S> Layer<S> for RequestsLayer {
    type Service = Requests<S>;

    fn layer(&self, inner: S) -> Requests<S> {
        Requests {
            inner: Shared(Arc::new(tokio::sync::Mutex::new(inner))),
            answers: self.answers.clone(),
        }
    }
}

/// The service around the client's own.
#[derive(Clone)]
pub(super) struct Requests<S> {
    inner: Shared<S>,
    answers: Answers,
}

/// The client's service is not `Clone`, and is needed again for each try.
struct Shared<S>(Arc<tokio::sync::Mutex<S>>);

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, B> Service<Request<Body>> for Requests<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError> + Send + 'static,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Each try waits for the service itself.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (inner, answers) = (self.inner.clone(), self.answers.clone());
        Box::pin(async move { send(&inner, &answers, request).await })
    }
}

async fn send<S, B>(inner: &Shared<S>, answers: &Answers, request: Request<Body>) -> Result<Response<B>, BoxError>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
{
    let copies = only_reads(&request).then(|| Copies::of(&request));
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut next = request;
    let mut tries = 0;
    loop {
        let began = Instant::now();
        let answer = inner.send(next).await;
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &answer {
            Ok(answer) => {
                tracing::debug!(%method, %uri, status = answer.status().as_u16(), millis, "request");
                if answer.status().is_success() {
                    answers.add(uri.path());
                }
            }
            Err(error) => tracing::debug!(%method, %uri, %error, millis, "request"),
        }
        let wait = answer.as_ref().ok().and_then(|answer| wait_after(answer, tries));
        let (Some(copies), Some(wait)) = (&copies, wait) else {
            return answer;
        };
        if let Ok(answer) = &answer {
            let (status, seconds) = (answer.status().as_u16(), wait.as_secs_f32());
            tracing::info!(%method, %uri, status, seconds, "the API server asks to wait: the read is repeated");
        }
        tokio::time::sleep(wait).await;
        next = copies.another();
        tries += 1;
    }
}

impl<S> Shared<S> {
    async fn send<B>(&self, request: Request<Body>) -> Result<Response<B>, BoxError>
    where
        S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    {
        let answer = {
            let mut service = self.0.lock().await;
            std::future::poll_fn(|context| service.poll_ready(context)).await?;
            service.call(request)
        };
        answer.await
    }
}

/// What is needed to send a request without a body again.
struct Copies(http::request::Parts);

impl Copies {
    fn of(request: &Request<Body>) -> Self {
        let mut copy = Request::new(());
        copy.method_mut().clone_from(request.method());
        copy.uri_mut().clone_from(request.uri());
        copy.headers_mut().clone_from(request.headers());
        copy.extensions_mut().clone_from(request.extensions());
        Self(copy.into_parts().0)
    }

    fn another(&self) -> Request<Body> {
        Request::from_parts(self.0.clone(), Body::empty())
    }
}

/// The follower of a watch starts it again.
fn only_reads(request: &Request<Body>) -> bool {
    let watches = request.uri().query().is_some_and(|query| query.contains("watch=true"));
    request.method() == Method::GET && !watches
}

/// How long to wait before the next try; `None` if there is none.
fn wait_after<B>(answer: &Response<B>, tries: u32) -> Option<Duration> {
    let passing = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    if !passing.contains(&answer.status()) || tries >= REPEATS {
        return None;
    }
    let asked = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|it| it.to_str().ok()?.parse().ok());
    let wait = asked.map_or_else(|| Duration::from_millis(250) * 2_u32.pow(tries), Duration::from_secs);
    Some(wait.min(LONGEST_WAIT))
}
