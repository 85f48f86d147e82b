//! OAuth 2 client credentials (contract 11 G2; RFC 6749 §4.4): a token is fetched for each measurement, and kept no longer.

use super::hidden::Hidden;
use super::http::{Answered, Cause, basic, exchange, login};
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use serin_core::analysis::provider::{Answer, OAuth2, Secret};
use url::form_urlencoded::{Serializer, byte_serialize, parse};

/// The header with a token.
///
/// The client logs in with HTTP Basic first, and where that fails with its secret in the form.
///
/// # Errors
/// If the server gives no token.
pub(super) async fn token(
    client: &Client,
    oauth2: &OAuth2,
    headers: &HeaderMap,
    hidden: &Hidden,
) -> Result<HeaderValue, Cause> {
    let first = asked(client, oauth2, headers, false).await;
    let given = first.map_or_else(|cause| Err(cause.text), |(answer, _)| given(&answer));
    let token = match given {
        Ok(token) => token,
        Err(_) => {
            let (answer, _) = asked(client, oauth2, headers, true).await.map_err(|cause| cause.text)?;
            self::given(&answer)?
        }
    };
    hidden.add([token.value.clone()]);
    Ok(login(&token.scheme, token.value.expose())?)
}

/// A token, and how it is presented.
struct Token {
    scheme: String,
    value: Secret,
}

async fn asked(client: &Client, oauth2: &OAuth2, headers: &HeaderMap, in_form: bool) -> Result<Answered, Cause> {
    let (all, form) = request(oauth2, headers, in_form)?;
    exchange(client.post(&oauth2.token_url).headers(all).body(form)).await
}

/// Headers and form of a request for a token.
fn request(oauth2: &OAuth2, headers: &HeaderMap, in_form: bool) -> Result<(HeaderMap, String), Cause> {
    let mut all = HeaderMap::new();
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !oauth2.scopes.is_empty() {
        form.append_pair("scope", &oauth2.scopes.join(" "));
    }
    let secret = oauth2.client_secret.expose();
    if in_form {
        form.append_pair("client_id", &oauth2.client_id)
            .append_pair("client_secret", secret);
    } else {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        all.insert(AUTHORIZATION, basic(&encoded(&oauth2.client_id), &encoded(secret))?);
    }
    all.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    if oauth2.with_headers {
        all.extend(headers.clone());
    }
    Ok((all, form.finish()))
}

/// The token that an answer holds.
fn given(answer: &Answer) -> Result<Token, String> {
    let in_form = ["application/x-www-form-urlencoded", "text/plain"];
    let of = answer.content_type.split(';').next().unwrap_or_default().trim();
    let body: Value = if in_form.contains(&of) {
        parse(&answer.body)
            .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
            .collect()
    } else {
        serde_json::from_slice(&answer.body).unwrap_or_default()
    };
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let error = text("error");
    if !(200..300).contains(&answer.status) || !error.is_empty() {
        return Err(match (error.as_str(), text("error_description").as_str()) {
            ("", _) => format!(
                "oauth2: cannot fetch token: {}\nResponse: {}",
                answer.status,
                answer.text()
            ),
            (error, "") => format!("oauth2: \"{error}\""),
            (error, description) => format!("oauth2: \"{error}\" \"{description}\""),
        });
    }
    let scheme = match text("token_type").to_lowercase().as_str() {
        "" | "bearer" => "Bearer".to_owned(),
        "mac" => "MAC".to_owned(),
        "basic" => "Basic".to_owned(),
        _ => text("token_type"),
    };
    let value = Secret::new(text("access_token"));
    if value.is_empty() {
        return Err("oauth2: server response missing access_token".to_owned());
    }
    Ok(Token { scheme, value })
}
