//! The HTTP layer under all providers: proxy, TLS, login, timeout, repetition of reads, a limit for each host and for the
//! size of an answer, and no redirect that takes credentials to another host.

use super::aws::Signers;
use super::hidden::Hidden;
use super::hosts::Hosts;
use super::oauth2;
use crate::cluster::chain::chain;
use crate::cluster::client::install_tls;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, Response};
use serin_core::analysis::provider::{Answer, Auth, Request};
use std::sync::OnceLock;
use std::time::Duration;
use url::Url;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(30);
/// How many bytes of an answer are read.
const MOST_BYTES: usize = 16 << 20;
/// How often a redirect is followed.
const MOST_REDIRECTS: usize = 10;
/// How often a read is sent.
const MOST_TRIES: u32 = 3;
/// The first wait between two of them; each is three times as long as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Headers that belong to the connection; a template cannot set them.
const OF_CONNECTION: [&str; 5] = ["connection", "content-length", "host", "trailer", "transfer-encoding"];

/// Clients of one kind of connection share their connections.
#[derive(Default)]
pub(crate) struct Http {
    /// By whether the certificate is not verified, whether there is no proxy, whether there are credentials.
    clients: [OnceLock<Client>; 8],
    hosts: Hosts,
    signers: Signers,
}

/// Why there is no answer.
pub(super) struct Cause {
    pub(super) text: String,
    /// Whether the request may have been lost on its way, so that a read is worth another try.
    again: bool,
}

impl From<String> for Cause {
    fn from(text: String) -> Self {
        Self { text, again: false }
    }
}

impl From<reqwest::Error> for Cause {
    fn from(error: reqwest::Error) -> Self {
        let again = error.is_connect() || (error.is_request() && !error.is_redirect());
        let error = error.without_url();
        // The outermost errors only say that there is one further in.
        let mut cause: &(dyn std::error::Error + 'static) = &error;
        while let Some(inner) = cause.source().filter(|_| says_nothing(&cause.to_string())) {
            cause = inner;
        }
        Self {
            text: chain(cause),
            again,
        }
    }
}

fn says_nothing(text: &str) -> bool {
    text == "error sending request" || text == "error following redirect" || text.starts_with("client error (")
}

/// An answer, and how long the server asks to wait.
pub(super) type Answered = (Answer, Option<Duration>);

impl Http {
    /// Sends a request and reads its answer. What must not be shown of it is added to `hidden`.
    ///
    /// # Errors
    /// If there is no answer: method, address and cause, as Go tells them. The text is not hidden yet.
    pub(crate) async fn send(&self, request: &Request, hidden: &Hidden) -> Result<Answer, String> {
        hidden.add(request.secrets().cloned());
        let url = address(&request.url).map_err(|cause| told(request, &cause))?;
        if request.timeout.is_zero() {
            return Err(told(request, "context deadline exceeded"));
        }
        let answered = tokio::time::timeout(request.timeout, self.tries(request, &url, hidden));
        match answered.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(cause)) => Err(told(request, &cause.text)),
            Err(_) => Err(told(request, "context deadline exceeded")),
        }
    }

    async fn tries(&self, request: &Request, url: &Url, hidden: &Hidden) -> Result<Answer, Cause> {
        let host = self.hosts.of(url);
        let mut wait = FIRST_WAIT;
        for _ in 1..MOST_TRIES {
            let answered = {
                let _place = host.enter().await;
                self.once(request, url, hidden).await
            };
            let asked_to_wait = match &answered {
                Ok((answer, wait)) if matches!(answer.status, 429 | 503) => *wait,
                Err(cause) if cause.again => Some(wait),
                Ok(_) | Err(_) => None,
            };
            match asked_to_wait {
                Some(wait) if request.reads && wait <= LONGEST_WAIT => tokio::time::sleep(wait).await,
                Some(_) | None => return answered.map(|(answer, _)| answer),
            }
            wait *= 3;
        }
        let _place = host.enter().await;
        self.once(request, url, hidden).await.map(|(answer, _)| answer)
    }

    async fn once(&self, request: &Request, url: &Url, hidden: &Hidden) -> Result<Answered, Cause> {
        let confidential = request.is_confidential()
            || url.password().is_some()
            || hidden.is_in(&request.url)
            || request
                .body
                .as_ref()
                .is_some_and(|body| hidden.is_in(&String::from_utf8_lossy(body)));
        let client = self.client(request.insecure, request.proxy, confidential)?;
        let written = headers(request)?;
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|_| format!("net/http: invalid method \"{}\"", request.method))?;
        let body = request.body.clone().unwrap_or_default();
        let headers = match &request.auth {
            Auth::None => written,
            Auth::Basic { username, password } => {
                let mut headers = HeaderMap::new();
                headers.insert(AUTHORIZATION, basic(username, password.expose())?);
                over(headers, written)
            }
            Auth::OAuth2(oauth2) => {
                let mut headers = HeaderMap::new();
                let token = oauth2::token(
                    self.client(request.insecure, request.proxy, true)?,
                    oauth2,
                    &written,
                    hidden,
                );
                headers.insert(AUTHORIZATION, token.await?);
                if oauth2.with_headers {
                    over(headers, written)
                } else {
                    over(written, headers)
                }
            }
            Auth::SigV4(sigv4) => {
                let client = self.client(false, true, true)?;
                let direct = self.client(false, false, true)?;
                let signer = self.signers.of(sigv4, client, direct)?;
                let signed = super::aws::signed(&signer, &method, url, written.clone(), &body);
                over(signed.await?, of_login(&written))
            }
        };
        let mut sent = client.request(method, url.clone()).headers(headers);
        if request.body.is_some() {
            sent = sent.body(body);
        }
        exchange(sent).await
    }

    fn client(&self, insecure: bool, proxy: bool, confidential: bool) -> Result<&Client, String> {
        let index = usize::from(insecure) + 2 * usize::from(!proxy) + 4 * usize::from(confidential);
        if let Some(client) = self.clients[index].get() {
            return Ok(client);
        }
        install_tls();
        let mut builder = Client::builder()
            .user_agent(concat!("serin/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .tls_danger_accept_invalid_certs(insecure)
            .redirect(Policy::custom(move |attempt| redirect(attempt, confidential)));
        if !proxy {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| chain(&error))?;
        Ok(self.clients[index].get_or_init(|| client))
    }
}

/// Follows a redirect, but not with credentials to another host.
fn redirect(attempt: Attempt<'_>, confidential: bool) -> Action {
    if attempt.previous().len() > MOST_REDIRECTS {
        return attempt.error(format!("stopped after {MOST_REDIRECTS} redirects"));
    }
    let origin = attempt.previous().first().map(Url::origin);
    if confidential && origin.is_some_and(|origin| origin != attempt.url().origin()) {
        let host = attempt.url().host_str().unwrap_or_default().to_owned();
        let text = format!("the server redirects to {host}, another host, to which credentials are not sent");
        return attempt.error(text);
    }
    attempt.follow()
}

/// Sends a request and reads the answer, up to a limit.
pub(super) async fn exchange(request: reqwest::RequestBuilder) -> Result<Answered, Cause> {
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let wait = response.headers().get(RETRY_AFTER);
    let wait = wait
        .and_then(|wait| wait.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let content_type = response.headers().get(reqwest::header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|of| of.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = body(&mut response).await?;
    Ok((
        Answer {
            status,
            content_type,
            body,
        },
        wait,
    ))
}

async fn body(response: &mut Response) -> Result<Vec<u8>, Cause> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(format!("the answer has more than {} MiB", MOST_BYTES >> 20).into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Where a request goes.
fn address(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) => Ok(url),
        Ok(url) => Err(format!("unsupported protocol scheme \"{}\"", url.scheme())),
        Err(url::ParseError::RelativeUrlWithoutBase) => Err("unsupported protocol scheme \"\"".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What went wrong with a request: the password of its address is left out.
fn told(request: &Request, cause: &str) -> String {
    let mut method = request.method.to_lowercase();
    if let Some(first) = method.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let shown = match Url::parse(&request.url) {
        Ok(mut url) if url.password().is_some() => {
            // An address that has a password can have another one.
            let _ = url.set_password(Some("***"));
            url.to_string()
        }
        Ok(_) | Err(_) => request.url.clone(),
    };
    format!("{method} \"{shown}\": {cause}")
}

/// The headers of a request as they are sent.
fn headers(request: &Request) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("net/http: invalid header field name \"{name}\""))?;
        if OF_CONNECTION.contains(&key.as_str()) {
            continue;
        }
        let mut value = HeaderValue::from_str(value.expose())
            .map_err(|_| format!("net/http: invalid header field value for \"{name}\""))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

/// Headers, of which some are replaced by others.
fn over(headers: HeaderMap, others: HeaderMap) -> HeaderMap {
    let mut headers = headers;
    headers.extend(others);
    headers
}

/// The header with which the template logs in, if it does.
fn of_login(headers: &HeaderMap) -> HeaderMap {
    let login = headers.get(AUTHORIZATION).cloned();
    login.map(|login| (AUTHORIZATION, login)).into_iter().collect()
}

/// The header of HTTP Basic.
pub(super) fn basic(user: &str, password: &str) -> Result<HeaderValue, String> {
    let encoded = reqsign_core::hash::base64_encode(format!("{user}:{password}").as_bytes());
    login("Basic", &encoded)
}

/// The header of a scheme.
pub(super) fn login(scheme: &str, credentials: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(&format!("{scheme} {credentials}"))
        .map_err(|_| "net/http: invalid header field value for \"Authorization\"".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}
