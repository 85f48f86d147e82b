//! Requests to providers, and their answers, as data: the shell sends the one and brings the other.

use super::secret::Secret;
use std::time::Duration;

/// An HTTP request of a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// `GET`, `POST` or `PUT`, or what the template has.
    pub method: String,
    /// Address, as it is sent. It may hold secrets: texts show it after they were hidden.
    pub url: String,
    /// Headers; of two with the same name the last counts. Their values may be secrets.
    pub headers: Vec<(String, Secret)>,
    /// Body, if there is one.
    pub body: Option<Vec<u8>>,
    /// When the request, with its redirects and repetitions, is given up.
    pub timeout: Duration,
    /// How it logs in.
    pub auth: Auth,
    /// Whether the server's certificate is taken as it is.
    pub insecure: bool,
    /// Whether it goes through the proxy that the environment names.
    pub proxy: bool,
    /// Whether it only reads, so that it may be sent again where no answer came.
    pub reads: bool,
}

/// How a request logs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// It does not, or by its headers.
    #[default]
    None,
    /// User and password.
    Basic {
        /// User.
        username: String,
        /// Password.
        password: Secret,
    },
    /// OAuth 2 client credentials: a token is fetched first (contract 11 G2).
    OAuth2(OAuth2),
    /// AWS Signature Version 4, with the credentials of the environment.
    SigV4(SigV4),
}

/// OAuth 2 client credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OAuth2 {
    /// Where tokens come from.
    pub token_url: String,
    /// Client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Scopes asked for.
    pub scopes: Vec<String>,
    /// Whether the headers of the request are sent with the request for a token, too, and win over what it sets.
    pub with_headers: bool,
}

/// AWS Signature Version 4.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SigV4 {
    /// Service as AWS signs for it: `aps`, `monitoring`.
    pub service: String,
    /// Region; empty for that of the environment.
    pub region: String,
    /// Profile of the shared configuration; empty for the default.
    pub profile: String,
    /// Role that is assumed; empty for none.
    pub role_arn: String,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Status code of HTTP.
    pub status: u16,
    /// Content type; empty where the answer has none.
    pub content_type: String,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// What is wrong with it, in Go's words where they are known.
    pub(super) fn json(&self) -> Result<serde_json::Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| json_error(&self.body, &error))
    }
}

/// What Go says of a text that is no JSON, where that is known.
pub(super) fn json_error(body: &[u8], error: &serde_json::Error) -> String {
    let first = String::from_utf8_lossy(body).trim_start().chars().next();
    match first {
        _ if error.is_eof() => "unexpected end of JSON input".to_owned(),
        None => "unexpected end of JSON input".to_owned(),
        Some(first) if !"{[\"-0123456789tfn".contains(first) => {
            format!("invalid character '{first}' looking for beginning of value")
        }
        Some(_) => error.to_string(),
    }
}

/// Headers that hold no credentials, in lower case.
const HARMLESS: [&str; 8] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-type",
    "smithy-protocol",
    "user-agent",
];

impl Request {
    /// A request without headers, body and login.
    pub(super) fn new(method: &str, url: impl Into<String>, timeout: Duration) -> Self {
        Self {
            method: method.to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            timeout,
            auth: Auth::None,
            insecure: false,
            proxy: true,
            reads: true,
        }
    }

    /// With one more header.
    pub(super) fn header(mut self, name: &str, value: impl Into<Secret>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With a body of JSON.
    pub(super) fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Some(body.to_string().into_bytes());
        self.header("Content-Type", "application/json")
    }

    /// Whether it carries what only its server may see: a login, or headers that may be one.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        self.auth != Auth::None || self.credentials().next().is_some()
    }

    /// Values that no text may show.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let login = match &self.auth {
            Auth::None | Auth::SigV4(_) => None,
            Auth::Basic { password, .. } => Some(password),
            Auth::OAuth2(oauth2) => Some(&oauth2.client_secret),
        };
        login.into_iter().chain(self.credentials())
    }

    fn credentials(&self) -> impl Iterator<Item = &Secret> {
        let may_be_one = |name: &str| !HARMLESS.contains(&name.to_ascii_lowercase().as_str());
        let headers = self.headers.iter().filter(move |(name, _)| may_be_one(name));
        headers.map(|(_, value)| value)
    }
}

/// Parameters as a form or a query has them, sorted by name as Go sorts them.
pub(super) fn form<'p>(parameters: impl IntoIterator<Item = (&'p str, String)>) -> String {
    let mut sorted: Vec<(&str, String)> = parameters.into_iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(sorted);
    form.finish()
}
