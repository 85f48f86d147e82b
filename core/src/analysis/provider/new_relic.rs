//! New Relic: NRQL over NerdGraph (contract 08 §5;
//! <https://docs.newrelic.com/docs/apis/nerdgraph/examples/nerdgraph-nrql-tutorial/>).

use super::request::{Answer, Request};
use super::secret::{SecretName, key};
use super::{Context, Failure, Next, Provider, Reading};
use crate::api::providers::NewRelicMetric;
use crate::notation::go_value;
use serde_json::{Value as Json, json};
use serin_expr::Value;
use serin_expr::go::quote::quoted;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(60);
/// Seconds that a query may take where the template does not say.
const QUERY_SECONDS: i64 = 5;
/// The Secret where the template does not name a profile.
const SECRET: &str = "newrelic";

const QUERY: &str = "query ($query: Nrql!, $accountId: Int!, $timeout: Seconds!) \
    { actor { account(id: $accountId) { nrql(query: $query, timeout: $timeout) { results } } } }";

/// The Secrets that are read.
pub(super) fn needs(spec: &NewRelicMetric) -> Vec<SecretName> {
    vec![secret(spec)]
}

fn secret(spec: &NewRelicMetric) -> SecretName {
    SecretName::of_controller(if spec.profile.is_empty() { SECRET } else { &spec.profile })
}

impl Provider for NewRelicMetric {
    fn request(&self, context: &Context<'_>) -> Result<Request, Failure> {
        let keys = context.secrets.keys(&secret(self))?;
        let (token, account) = (key(keys, "personal-api-key"), key(keys, "account-id"));
        if token.is_empty() || account.is_empty() {
            return Err("account ID or personal API key not found".into());
        }
        let number: Result<i64, _> = account.expose().parse();
        let number = number.map_err(|_| {
            let text = quoted(account.expose());
            format!("could not parse account ID: strconv.Atoi: parsing {text}: invalid syntax")
        })?;
        let seconds = self.timeout.unwrap_or(QUERY_SECONDS);
        if seconds < 0 {
            return Err("timeout value needs to be a positive value".into());
        }
        let (own, region) = (key(keys, "base-url-nerdgraph"), key(keys, "region"));
        let url = match (own.expose(), region.expose().to_lowercase().as_str()) {
            ("", "" | "us") => "https://api.newrelic.com/graphql",
            ("", "eu") => "https://api.eu.newrelic.com/graphql",
            ("", "jp") => "https://api.jp.newrelic.com/graphql",
            ("", "gov") => "https://gov-api.newrelic.com/graphql",
            ("", "staging") => "https://staging-api.newrelic.com/graphql",
            ("", _) => return Err("the Secret names a region that New Relic does not have".into()),
            (own, _) => own,
        };
        let variables = json!({"accountId": number, "query": self.query, "timeout": seconds});
        let version = &context.environment.version;
        Ok(Request::new("POST", url, TIMEOUT)
            .json(&json!({"query": QUERY, "variables": variables}))
            .header("Api-Key", token)
            .header(
                "User-Agent",
                format!("argo-rollouts/{version} (https://github.com/argoproj/argo-rollouts)"),
            ))
    }

    fn read(&self, _: &Context<'_>, _: &Request, answer: &Answer) -> Result<Next, Failure> {
        if !(200..300).contains(&answer.status) {
            return Err(format!("{} response returned: {}", answer.status, answer.text()).into());
        }
        let body = answer.json()?;
        let errors = body["errors"].as_array().into_iter().flatten();
        let errors: Vec<&str> = errors.filter_map(|error| error["message"].as_str()).collect();
        if !errors.is_empty() {
            return Err(errors.join(", ").into());
        }
        let results = body["data"]["actor"]["account"]["nrql"]["results"].as_array();
        let results: Vec<_> = results.into_iter().flatten().filter_map(Json::as_object).collect();
        let (value, text) = match results.as_slice() {
            [one] if !one.is_empty() => (Value::map(one), go_value::json(&Json::Object((*one).clone()))),
            [] | [_] => return Err(Failure::no_data("no results returned from NRQL query")),
            several => {
                let all = several.iter().map(|one| Json::Object((*one).clone())).collect();
                (Value::maps(several.iter().copied()), go_value::json(&Json::Array(all)))
            }
        };
        Ok(Next::Done(Reading::value(value, text)))
    }
}
