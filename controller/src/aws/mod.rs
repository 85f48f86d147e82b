//! What AWS says of its load balancers (contract 07 §3): one reader for all rollouts, with a memory, a rate and a back-off.
//!
//! A plan has questions, `Desk` keeps the answers of each rollout, `Reader` puts the questions in `calls` of the ELBv2
//! query API, and `Calls` sends them. Nobody waits for an answer: it wakes the rollout.

mod calls;
mod desk;
mod http;
mod reader;
mod xml;

pub(crate) use desk::Desk;
pub use http::SignedCalls;
pub(crate) use reader::Reader;

use crate::args::Options;
use crate::clock::Clock;
use futures::future::BoxFuture;
use serin_core::notation::duration::GoDuration;
use std::sync::Arc;
use std::time::Duration;

/// What comes back for a call: the status code of HTTP, and the body.
pub type Answered = Result<(u16, Vec<u8>), String>;

/// Sends calls of the query API of ELBv2.
pub trait Calls: Send + Sync {
    /// Sends a form, whose first parameter is `Action`.
    fn send(&self, form: String) -> BoxFuture<'_, Answered>;
}

/// What the environment says of AWS. It is read once, at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// `AWS_REGION`, else `AWS_DEFAULT_REGION`.
    pub region: String,
    /// `AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2`, else `AWS_ENDPOINT_URL`; empty for that of the region.
    pub endpoint: String,
}

/// Reads the environment, given as a function of names.
pub fn surroundings(variable: impl Fn(&str) -> Option<String>) -> Surroundings {
    let first = |names: [&str; 2]| {
        let values = names.into_iter().filter_map(&variable);
        values.into_iter().find(|value| !value.is_empty()).unwrap_or_default()
    };
    Surroundings {
        region: first(["AWS_REGION", "AWS_DEFAULT_REGION"]),
        endpoint: first(["AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", "AWS_ENDPOINT_URL"]),
    }
}

/// `ROLLOUT_VERIFY_RETRY_INTERVAL`, a duration of Go: how long until AWS, or a router plugin, is asked again. 10 s where it is not set, or is none.
pub(crate) fn retry(value: Option<String>) -> Duration {
    const DEFAULT: Duration = Duration::from_secs(10);
    let Some(text) = value.filter(|text| !text.is_empty()) else {
        return DEFAULT;
    };
    let nanos = text
        .parse()
        .ok()
        .and_then(|of: GoDuration| u64::try_from(of.nanos()).ok());
    match nanos.map(Duration::from_nanos) {
        Some(interval) if interval >= Duration::from_secs(1) => interval,
        Some(_) | None => {
            tracing::warn!(
                ROLLOUT_VERIFY_RETRY_INTERVAL = text,
                "not a duration of 1s or more, such as 10s: AWS and router plugins are asked again after 10s"
            );
            DEFAULT
        }
    }
}

/// Who asks AWS, where a flag says that it is asked.
pub(crate) fn desk_of(
    options: &Options,
    calls: Option<Arc<dyn Calls>>,
    retry: Duration,
    clock: &Clock,
) -> Option<Desk> {
    if !options.aws_verify_target_group {
        return None;
    }
    let calls = calls.unwrap_or_else(|| {
        let surroundings = surroundings(|name| std::env::var(name).ok());
        Arc::new(SignedCalls::new(surroundings))
    });
    let reader = Reader::new(calls, &options.alb_tag_key_resource_id, retry, Arc::clone(clock));
    Some(Desk::new(reader))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod environment {
    use super::*;

    #[test]
    fn what_the_environment_says() {
        let of = |set: &'static [&str]| surroundings(|name| set.contains(&name).then(|| name.to_lowercase()));
        let both = of(&[
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2",
            "AWS_DEFAULT_REGION",
        ]);
        assert_eq!(both.endpoint, "aws_endpoint_url_elastic_load_balancing_v2");
        assert_eq!(both.region, "aws_default_region");
        assert_eq!(of(&["AWS_ENDPOINT_URL"]).endpoint, "aws_endpoint_url");
        assert_eq!(of(&[]), Surroundings::default());
        for (text, seconds) in [
            ("", 10),
            ("30s", 30),
            ("1m", 60),
            ("0s", 10),
            ("-5s", 10),
            ("soon", 10),
            ("10", 10),
        ] {
            assert_eq!(retry(Some(text.to_owned())), Duration::from_secs(seconds), "{text}");
        }
        assert_eq!(retry(None), Duration::from_secs(10));
    }
}
