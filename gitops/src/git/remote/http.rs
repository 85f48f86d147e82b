//! `git-upload-pack` over HTTP (gitprotocol-http, "smart"): one GET for what is offered, one POST for the objects.

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};

use super::Access;
use super::error::{FetchError, Result};
use super::secret::Credentials;
use crate::web;

const OFFER: &str = "application/x-git-upload-pack-advertisement";
const ASK: &str = "application/x-git-upload-pack-request";
const ANSWER: &str = "application/x-git-upload-pack-result";

/// How many redirections of the first request are followed.
const MOST_REDIRECTIONS: usize = 5;

/// A connection over HTTP.
pub(super) struct Http {
    client: Client,
    /// The repository, after redirections.
    url: Url,
    credentials: Option<Credentials>,
    response: Response,
}

impl Http {
    pub(super) async fn open(url: &Url, credentials: Option<&Credentials>, access: &Access) -> Result<Self> {
        if credentials.is_some() && url.scheme() != "https" && !web::is_this_machine(url) {
            return Err(FetchError::Unencrypted {
                address: url.to_string(),
            });
        }
        let unreachable = |why: String| FetchError::Unreachable {
            address: url.to_string(),
            why,
        };
        let builder = web::client(access.certificates.as_deref()).map_err(unreachable)?;
        let client = builder
            .redirect(Policy::custom(redirect))
            .build()
            .map_err(|error| unreachable(web::reason(error)))?;
        let mut offer = below(url, "info/refs");
        offer.set_query(Some("service=git-upload-pack"));
        let request = authorized(client.get(offer), credentials).header(ACCEPT, OFFER);
        let response = request.send().await.map_err(|error| unreachable(web::reason(error)))?;
        let response = checked(url, response, OFFER)?;
        let moved = moved(response.url());
        let same_host =
            moved.host_str() == url.host_str() && moved.port_or_known_default() == url.port_or_known_default();
        let credentials = credentials.filter(|_| same_host).cloned();
        Ok(Self {
            client,
            url: moved,
            credentials,
            response,
        })
    }

    pub(super) async fn ask(&mut self, bytes: Vec<u8>) -> Result<()> {
        let unreachable = |error| FetchError::Unreachable {
            address: self.url.to_string(),
            why: web::reason(error),
        };
        let request = authorized(
            self.client.post(below(&self.url, "git-upload-pack")),
            self.credentials.as_ref(),
        );
        let request = request.header(ACCEPT, ANSWER).header(CONTENT_TYPE, ASK).body(bytes);
        let response = request.send().await.map_err(unreachable)?;
        self.response = checked(&self.url, response, ANSWER)?;
        Ok(())
    }

    pub(super) async fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        let unreachable = |error| FetchError::Unreachable {
            address: self.url.to_string(),
            why: web::reason(error),
        };
        Ok(self
            .response
            .chunk()
            .await
            .map_err(unreachable)?
            .map(|bytes| bytes.to_vec()))
    }
}

fn authorized(request: RequestBuilder, credentials: Option<&Credentials>) -> RequestBuilder {
    match credentials {
        Some(credentials) => request.basic_auth(&credentials.user, Some(credentials.password.reveal())),
        None => request,
    }
}

/// Follows redirections of the GET, but not from TLS to none; a POST is not sent elsewhere.
fn redirect(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let first = attempt.previous().first();
    let downgraded = first.is_some_and(|first| first.scheme() == "https") && attempt.url().scheme() != "https";
    let posted = first.is_some_and(|first| first.path().ends_with("/git-upload-pack"));
    if downgraded || posted || attempt.previous().len() > MOST_REDIRECTIONS {
        return attempt.stop();
    }
    attempt.follow()
}

/// The answer, if it is one of Git.
fn checked(url: &Url, response: Response, wanted: &str) -> Result<Response> {
    let address = url.to_string();
    let status = response.status();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(FetchError::Denied {
                address,
                why: status.to_string(),
            });
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => return Err(FetchError::NotFound { address }),
        _ if !status.is_success() => {
            return Err(FetchError::Unreachable {
                address,
                why: format!("the server answers {status}"),
            });
        }
        _ => {}
    }
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    if kind != wanted.as_bytes() {
        let why =
            "its answer is not of git-upload-pack (a web page, or a server without the smart protocol)".to_owned();
        return Err(FetchError::Protocol { address, why });
    }
    Ok(response)
}

/// The address of a part of the repository.
fn below(url: &Url, part: &str) -> Url {
    let mut below = url.clone();
    below.set_path(&format!("{}/{part}", url.path().trim_end_matches('/')));
    below
}

/// The address of the repository that answered.
fn moved(answered: &Url) -> Url {
    let mut url = answered.clone();
    url.set_query(None);
    let path = url.path().strip_suffix("/info/refs").unwrap_or(url.path()).to_owned();
    url.set_path(&path);
    url
}
