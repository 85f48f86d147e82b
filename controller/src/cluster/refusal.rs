//! How a call failed, and what to do about it.

use crate::cluster::chain::chain;
use serin_core::observed::{Attempt, Refusal};
use serin_core::rollout::refused;
use std::time::Duration;

/// A call that did not go through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{attempt}: {message}")]
pub(crate) struct Failure {
    /// What was tried.
    pub(crate) attempt: Attempt,
    /// How it failed.
    pub(crate) why: Refusal,
    /// What the API server (or the transport) said.
    pub(crate) message: String,
    /// How long the API server asks us to wait.
    pub(crate) retry_after: Duration,
}

impl Failure {
    /// From an error of the client.
    #[must_use]
    pub(crate) fn from_client(attempt: Attempt, error: &kube::Error) -> Self {
        let (why, retry_after) = classify(error);
        let message = match error {
            kube::Error::Api(status) => status.message.clone(),
            other => chain(other),
        };
        Self {
            attempt,
            why,
            message,
            retry_after,
        }
    }

    /// No answer in time.
    #[must_use]
    pub(crate) fn timed_out(attempt: Attempt, limit: Duration) -> Self {
        let message = format!("no answer within {} s", limit.as_secs());
        Self {
            attempt,
            why: Refusal::Timeout,
            message,
            retry_after: Duration::ZERO,
        }
    }

    /// The text of the event: what failed, and what to do.
    #[must_use]
    pub(crate) fn advice(&self) -> String {
        refused::told(&self.attempt, self.why, &self.message)
    }
}

fn classify(error: &kube::Error) -> (Refusal, Duration) {
    let kube::Error::Api(status) = error else {
        return (Refusal::Timeout, Duration::ZERO);
    };
    let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    let why = match status.code {
        401 | 403 => Refusal::Forbidden,
        404 | 410 => Refusal::NotFound,
        409 if status.reason == "AlreadyExists" => Refusal::AlreadyExists,
        409 | 412 => Refusal::Conflict,
        429 => Refusal::TooManyRequests,
        408 | 504 => Refusal::Timeout,
        400..=499 => Refusal::Invalid,
        _ => Refusal::ServerError,
    };
    (why, Duration::from_secs(u64::from(seconds)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use kube::core::Status;
    use serin_core::observed::{Kind, Verb};

    fn why(code: u16, reason: &str) -> Refusal {
        let error = kube::Error::Api(Status::failure("no", reason).with_code(code).boxed());
        Failure::from_client(Attempt::new(Verb::Patch, Kind::Rollout, "a"), &error).why
    }

    #[test]
    fn each_answer_has_its_own_name() {
        assert_eq!(why(403, "Forbidden"), Refusal::Forbidden);
        assert_eq!(why(401, "Unauthorized"), Refusal::Forbidden);
        assert_eq!(why(404, "NotFound"), Refusal::NotFound);
        assert_eq!(why(409, "AlreadyExists"), Refusal::AlreadyExists);
        assert_eq!(why(409, "Conflict"), Refusal::Conflict);
        assert_eq!(why(422, "Invalid"), Refusal::Invalid);
        assert_eq!(why(400, "BadRequest"), Refusal::Invalid);
        assert_eq!(why(429, "TooManyRequests"), Refusal::TooManyRequests);
        assert_eq!(why(500, "InternalError"), Refusal::ServerError);
        assert_eq!(why(503, "ServiceUnavailable"), Refusal::ServerError);
        assert_eq!(why(504, "Timeout"), Refusal::Timeout);
    }

    #[test]
    fn a_lost_connection_is_a_timeout_and_the_advice_names_the_attempt() {
        let error = kube::Error::Service("connection reset".into());
        let failure = Failure::from_client(Attempt::new(Verb::Patch, Kind::Rollout, "a"), &error);
        assert_eq!(failure.why, Refusal::Timeout);
        assert!(
            failure.advice().starts_with("Could not patch Rollout a: "),
            "{}",
            failure.advice()
        );
    }

    #[derive(Debug, thiserror::Error)]
    #[error("client error (Connect)")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn the_cause_is_told_too() {
        let error = kube::Error::Service(Box::new(Outer(std::io::Error::other("no route to host"))));
        let failure = Failure::from_client(Attempt::new(Verb::Get, Kind::Lease, "a"), &error);
        assert!(
            failure.message.ends_with("client error (Connect): no route to host"),
            "{}",
            failure.message
        );
    }
}
