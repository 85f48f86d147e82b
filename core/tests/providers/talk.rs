//! A conversation with a provider: what it asks, and what it makes of answers.

use jiff::Timestamp;
use serde_json::Value as Json;
use serin_core::analysis::provider::{
    self, Answer, Context, Environment, Expressions, Failure, Keys, Next, Outcome, Place, Reading, Request, Run,
    Secret, SecretName, Secrets, Step,
};
use serin_core::api::analysis_run::Measurement;
use serin_core::api::analysis_template::Metric;
use serin_expr::Value;
use std::sync::LazyLock;

/// 2023-08-14T00:00:00Z, when all measurements are taken.
pub(crate) const NOW: i64 = 1_691_971_200;

static RUN: LazyLock<Run> = LazyLock::new(|| Run {
    name: "run".into(),
    namespace: "prod".into(),
    uid: "0f8c1b9e-61c7-4b1b-8f4e-3a5d7c9e1f2a".into(),
    started_at: Some(at(-3600)),
});

/// So many seconds after [`NOW`].
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

/// Says what it was asked, and knows two times.
struct Written;

impl Expressions for Written {
    fn judge(&self, metric: &Metric, _: &Value, _: Timestamp) -> Result<String, String> {
        match metric.success_condition.as_str() {
            "broken" => Err("could not evaluate successCondition \"broken\": no".into()),
            _ => Ok("Successful".into()),
        }
    }

    fn time(&self, text: &str, now: Timestamp) -> Result<Timestamp, String> {
        match text {
            "now()" => Ok(now),
            "now() - duration(\"5m\")" => Ok(now - jiff::SignedDuration::from_mins(5)),
            other => Err(format!("expected time.Time, but got {other}")),
        }
    }
}

/// A provider, with what it may know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Talk {
    metric: Metric,
    pub(crate) environment: Environment,
    secrets: Secrets,
    before: Option<Measurement>,
    terminate: bool,
}

impl Talk {
    /// With the provider that YAML has, as below `provider:`.
    pub(crate) fn with(provider: &str) -> Self {
        let mut metric = Metric {
            name: "m".into(),
            ..Metric::default()
        };
        metric.provider = serde_saphyr::from_str(provider).unwrap();
        Self {
            metric,
            ..Self::default()
        }
    }

    pub(crate) fn named(mut self, name: &str) -> Self {
        self.metric.name = name.into();
        self
    }

    pub(crate) fn interval(mut self, interval: &str) -> Self {
        self.metric.interval = interval.into();
        self
    }

    /// With a condition that cannot be evaluated.
    pub(crate) fn broken_condition(mut self) -> Self {
        self.metric.success_condition = "broken".into();
        self
    }

    /// With a Secret.
    pub(crate) fn secret(mut self, place: Place, name: &str, keys: &[(&str, &str)]) -> Self {
        let keys: Keys = keys
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
            .collect();
        let name = name.to_owned();
        self.secrets.0.insert(SecretName { place, name }, Ok(keys));
        self
    }

    /// With a measurement that is under way.
    pub(crate) fn resumes(mut self, before: Measurement) -> Self {
        self.before = Some(before);
        self
    }

    /// With a measurement that is to end.
    pub(crate) fn terminates(mut self, before: Measurement) -> Self {
        self.terminate = true;
        self.resumes(before)
    }

    pub(crate) fn metric(&self) -> &Metric {
        &self.metric
    }

    /// The names of the Secrets that the provider wants.
    pub(crate) fn needs(&self) -> Vec<SecretName> {
        provider::needs(&self.metric, &self.environment)
    }

    pub(crate) fn context(&self) -> Context<'_> {
        let step = match &self.before {
            None => Step::Run { number: 1 },
            Some(before) if self.terminate => Step::Terminate(before),
            Some(before) => Step::Resume(before),
        };
        Context {
            now: at(0),
            metric: &self.metric,
            run: &RUN,
            step,
            secrets: &self.secrets,
            environment: &self.environment,
            expressions: &Written,
        }
    }

    /// What is done first.
    pub(crate) fn begin(&self) -> Result<Next, String> {
        provider::begin(&self.context()).map_err(|failure| failure.message)
    }

    /// The first request.
    pub(crate) fn request(&self) -> Request {
        request(self.begin().unwrap())
    }

    /// What follows from an answer to a request.
    pub(crate) fn read(&self, asked: &Request, status: u16, body: &str) -> Result<Next, Failure> {
        let answer = Answer {
            status,
            content_type: String::new(),
            body: body.as_bytes().to_vec(),
        };
        provider::read(&self.context(), asked, &answer)
    }

    /// What the answer to the first request is to a condition, and the measurement's value.
    pub(crate) fn reads(&self, body: &str) -> (Value, String) {
        let reading = reading(self.read(&self.request(), 200, body).unwrap());
        match reading.outcome {
            Outcome::Value(value) => (value, reading.text),
            other => panic!("no value: {other:?}"),
        }
    }

    /// The message of the error that the answer to the first request is.
    pub(crate) fn fails(&self, status: u16, body: &str) -> String {
        self.read(&self.request(), status, body).unwrap_err().message
    }

    /// The measurement that comes of an answer to the first request.
    pub(crate) fn measures(&self, status: u16, body: &str) -> Measurement {
        let read = self.read(&self.request(), status, body).map(reading);
        provider::measurement(&self.context(), read, at(1))
    }
}

/// A request, where one follows.
#[track_caller]
pub(crate) fn request(next: Next) -> Request {
    match next {
        Next::Fetch(request) => *request,
        other => panic!("no request: {other:?}"),
    }
}

/// A reading, where one follows.
#[track_caller]
pub(crate) fn reading(next: Next) -> Reading {
    match next {
        Next::Done(reading) => reading,
        other => panic!("no reading: {other:?}"),
    }
}

/// The body of a request as text.
pub(crate) fn body(request: &Request) -> String {
    String::from_utf8(request.body.clone().unwrap_or_default()).unwrap()
}

/// The body of a request as JSON.
pub(crate) fn json_body(request: &Request) -> Json {
    serde_json::from_str(&body(request)).unwrap()
}

/// The value of a header: of several the last.
pub(crate) fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let of_name = |(it, _): &&(String, Secret)| it.eq_ignore_ascii_case(name);
    request
        .headers
        .iter()
        .rev()
        .find(of_name)
        .map(|(_, value)| value.expose())
}
