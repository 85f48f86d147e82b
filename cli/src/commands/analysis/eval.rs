//! `analysis eval`: what a metric makes of an answer, without a cluster and without a provider.

use super::exit_of;
use crate::local::manifest;
use crate::local::single::text_of;
use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serin_core::analysis::arguments;
use serin_core::analysis::compare::{Comparison, Sums};
use serin_core::analysis::condition::{self, Shape};
use serin_core::analysis::expressions::Compiling;
use serin_core::analysis::provider::{self, Context, Environment, Outcome, Reading, Secrets, Step};
use serin_core::analysis::run::additions;
use serin_core::api::analysis_run::Measurement;
use serin_core::api::analysis_template::{AnalysisTemplateSpec, Argument, Metric};
use serin_core::wire::analysis::Phase;
use serin_expr::Value;
use serin_expr::go::format;
use std::path::PathBuf;

/// `analysis eval`.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes: 0 Successful, 1 an error, 2 Failed, 3 Inconclusive.

Examples:
  serin analysis eval --result '[0.93]' --success-condition 'result[0] >= 0.95'
  serin analysis eval -f template.yaml --metric success-rate --arg service=web --result 0.93
  serin analysis eval -f template.yaml --metric errors --result '[9, 1000]' --stable-result '[2, 1000]'
  curl -s https://example.com/health | serin analysis eval -f template.yaml --result -")]
pub(crate) struct Eval {
    /// What the provider answered: JSON, a number such as NaN, a list of numbers, a text; - reads it from standard input
    #[arg(long, value_name = "ANSWER", allow_hyphen_values = true)]
    pub result: String,
    /// What the provider answered for the stable, where the metric compares; --result is the canary's
    #[arg(long, value_name = "ANSWER", allow_hyphen_values = true)]
    pub stable_result: Option<String>,
    /// The type of the answer; by default what the provider of the metric answers with, and JSON without one
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    pub of: Option<AnswerType>,
    /// File with an AnalysisTemplate, ClusterAnalysisTemplate or AnalysisRun
    #[arg(long = "filename", short = 'f', value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Metric of the file; it may be left out where there is one
    #[arg(long, value_name = "NAME")]
    pub metric: Option<String>,
    /// Argument of the template; can be repeated
    #[arg(long = "arg", short = 'a', value_name = "NAME=VALUE")]
    pub args: Vec<String>,
    /// The condition under which the measurement is good, in place of that of the file
    #[arg(long, value_name = "EXPRESSION")]
    pub success_condition: Option<String>,
    /// The condition under which the measurement is bad, in place of that of the file
    #[arg(long, value_name = "EXPRESSION")]
    pub failure_condition: Option<String>,
}

/// The type of an answer, as a condition sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerType {
    /// A number: a scalar of Prometheus, Datadog, Wavefront
    Float,
    /// A list of numbers: a vector of Prometheus, Graphite
    Floats,
    /// Decoded JSON: Web, SkyWalking
    Json,
    /// A text: Web
    String,
    /// An object or a list of objects: New Relic
    Newrelic,
}

impl From<AnswerType> for Shape {
    fn from(of: AnswerType) -> Self {
        match of {
            AnswerType::Float => Self::Float,
            AnswerType::Floats => Self::Floats,
            AnswerType::Json => Self::Json,
            AnswerType::String => Self::String,
            AnswerType::Newrelic => Self::NewRelic,
        }
    }
}

/// Prints the answer, each expression with its value, and the verdict.
pub(super) fn run(arguments: &Eval, console: &mut Console) -> Result<(), Failure> {
    let metric = metric_of(arguments).map_err(Failure::Message)?;
    let shape = arguments.of.map_or_else(|| Shape::of(&metric.provider), Shape::from);
    let answers = Answers::read(arguments, &metric, shape).map_err(Failure::Message)?;
    let now = Timestamp::now();
    for (which, answer) in answers.named() {
        console.line(&format!("{which}: {} ({})", format::text(answer), go_type(answer)))?;
    }
    for (field, text) in expressions(&metric) {
        for (which, answer) in answers.named() {
            let value = match condition::evaluate(text, answer, now) {
                Ok(value) => format::text(&value),
                Err(why) => format!("error: {why}"),
            };
            let of = if answers.stable.is_some() {
                format!(" of {which}")
            } else {
                String::new()
            };
            console.line(&format!("{field}{of}: {text} -> {value}"))?;
        }
    }
    let (phase, message) = verdict(&metric, answers, now);
    let why = if message.is_empty() {
        message
    } else {
        format!(": {message}")
    };
    console.line(&format!("verdict: {}{why}", phase.as_str()))?;
    exit_of(phase)
}

/// What was answered: for a metric that compares, for the canary and for the stable.
struct Answers {
    one: Value,
    stable: Option<Value>,
}

impl Answers {
    fn read(arguments: &Eval, metric: &Metric, shape: Shape) -> Result<Self, String> {
        let stable = arguments.stable_result.as_deref();
        match (&metric.compare, stable) {
            (Some(_), None) => Err("the metric compares: give the answer for the stable with --stable-result"),
            (None, Some(_)) => Err("--stable-result: the metric has no compare: leave it out"),
            (Some(_), Some("-")) if arguments.result == "-" => {
                Err("--result and --stable-result cannot both read standard input: write one of them out")
            }
            (Some(_), Some(_)) | (None, None) => Ok(()),
        }?;
        let read = |flag: &str, written: &str| {
            let written = match written {
                "-" => text_of("-")?,
                written => written.to_owned(),
            };
            shape.read(&written).map_err(|why| format!("--{flag}: {why}"))
        };
        Ok(Self {
            one: read("result", &arguments.result)?,
            stable: stable.map(|written| read("stable-result", written)).transpose()?,
        })
    }

    /// Each answer with its name.
    fn named(&self) -> Vec<(&'static str, &Value)> {
        match &self.stable {
            Some(stable) => vec![("canary", &self.one), ("stable", stable)],
            None => vec![("result", &self.one)],
        }
    }
}

/// The expressions over an answer that are written, by the names of their fields.
fn expressions(metric: &Metric) -> Vec<(&'static str, &str)> {
    let mut all = vec![
        ("successCondition", metric.success_condition.as_str()),
        ("failureCondition", &metric.failure_condition),
        ("samples", &metric.samples),
    ];
    if let Some(compare) = &metric.compare {
        all.extend([
            ("successes", compare.result.successes.as_str()),
            ("trials", &compare.result.trials),
            ("value", &compare.result.value),
        ]);
    }
    all.retain(|(_, text)| !text.is_empty());
    all
}

/// What the controller would make of the answer: phase and message of the first measurement of a run.
fn verdict(metric: &Metric, answers: Answers, now: Timestamp) -> (Phase, String) {
    let (run, secrets) = (provider::Run::default(), Secrets::default());
    let environment = Environment::default();
    let context = Context {
        now,
        metric,
        run: &run,
        step: Step::Run { number: 1 },
        secrets: &secrets,
        environment: &environment,
        expressions: &Compiling,
    };
    let reading = |value: Value| {
        Ok(Reading {
            text: format::text(&value),
            outcome: Outcome::Value(value),
            ..Reading::default()
        })
    };
    let Answers { one, stable } = answers;
    let measured: Measurement = match stable {
        Some(stable) => provider::compared(&context, reading(one), reading(stable), now),
        None => provider::measurement(&context, reading(one), now),
    };
    let comparison = Comparison::of_metric(metric);
    let compared = comparison.and_then(|comparison| {
        let sums = Sums::plus(None, &comparison, &measured.metadata)?;
        Some((comparison.judge(&sums).0.phase(), comparison.words(&sums)))
    });
    compared.unwrap_or_else(|| (Phase::of(&measured.phase), measured.message))
}

fn go_type(value: &Value) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        value => format::type_name(value).replace("interface {}", "any"),
    }
}

/// The metric of the file, with its arguments and with the conditions of the command line.
fn metric_of(arguments: &Eval) -> Result<Metric, String> {
    let mut metric = match &arguments.file {
        Some(file) => of_file(file, arguments)?,
        None if arguments.success_condition.is_none() && arguments.failure_condition.is_none() => {
            return Err(
                "name a condition with --success-condition or --failure-condition, or a file with -f".to_owned(),
            );
        }
        None => Metric::default(),
    };
    if let Some(condition) = &arguments.success_condition {
        metric.success_condition.clone_from(condition);
    }
    if let Some(condition) = &arguments.failure_condition {
        metric.failure_condition.clone_from(condition);
    }
    additions(&metric)?;
    Ok(metric)
}

fn of_file(file: &PathBuf, arguments: &Eval) -> Result<Metric, String> {
    let mut found = Vec::new();
    for manifest in manifest::read(std::slice::from_ref(file)) {
        let manifest = manifest?;
        if matches!(
            manifest.kind(),
            "AnalysisTemplate" | "ClusterAnalysisTemplate" | "AnalysisRun"
        ) {
            let spec = manifest.object.get("spec").cloned().unwrap_or_default();
            let spec: AnalysisTemplateSpec =
                serde_json::from_value(spec).map_err(|error| format!("{}: spec: {error}", manifest.place("spec")))?;
            let args = given(&spec.args, &arguments.args)?;
            found.extend(spec.metrics.into_iter().map(|metric| (metric, args.clone())));
        }
    }
    let names: Vec<&str> = found.iter().map(|(metric, _)| metric.name.as_str()).collect();
    let names = names.join(", ");
    let asked = |(metric, _): &(Metric, _)| arguments.metric.as_ref().is_none_or(|name| *name == metric.name);
    found.retain(asked);
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some((metric, args)), None) => {
            let args = with_side(&metric, &arguments::without_secrets(&args));
            arguments::metric(&metric, &args)
                .map_err(|error| format!("{}: metric {}: {error}", file.display(), metric.name))
        }
        (Some(_), Some(_)) => Err(format!(
            "{}: name one of its metrics with --metric: {names}",
            file.display()
        )),
        (None, _) if names.is_empty() => Err(format!("{}: there is no metric in it", file.display())),
        (None, _) => {
            let name = arguments.metric.as_deref().unwrap_or_default();
            Err(format!(
                "{}: there is no metric {name:?}; its metrics are {names}",
                file.display()
            ))
        }
    }
}

/// The arguments of the template, with the values that were given.
fn given(declared: &[Argument], given: &[String]) -> Result<Vec<Argument>, String> {
    let mut args = declared.to_vec();
    for pair in given {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(format!("--arg {pair}: write it as NAME=VALUE"));
        };
        let Some(arg) = args.iter_mut().find(|arg| arg.name == name) else {
            return Err(format!("--arg {pair}: the template has no argument {name:?}"));
        };
        arg.value = Some(value.to_owned());
        arg.value_from = None;
    }
    Ok(args)
}

/// The arguments, where the one that a comparison sets has a value: no provider is asked with it.
fn with_side(metric: &Metric, args: &[Argument]) -> Vec<Argument> {
    let mut args = args.to_vec();
    let set = |arg: &&mut Argument| metric.compare.as_ref().is_some_and(|compare| compare.arg == arg.name);
    for arg in args.iter_mut().filter(set).filter(|arg| arg.value.is_none()) {
        arg.value = Some("canary".to_owned());
    }
    args
}
