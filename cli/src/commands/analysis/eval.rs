//! `analysis eval`: what the conditions of a metric make of an answer, without a cluster and without a provider.

use crate::local::manifest;
use crate::local::single::text_of;
use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serin_core::analysis::arguments;
use serin_core::analysis::condition::{self, Conditions, Shape, Verdict};
use serin_core::api::analysis_template::{AnalysisTemplateSpec, Argument, Metric};
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
  curl -s https://example.com/health | serin analysis eval -f template.yaml --result -")]
pub(crate) struct Eval {
    /// What the provider answered: JSON, a number such as NaN, a list of numbers, a text; - reads it from standard input
    #[arg(long, value_name = "ANSWER", allow_hyphen_values = true)]
    pub result: String,
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

/// Prints the answer, each condition with its value, and the verdict.
pub(super) fn run(arguments: &Eval, console: &mut Console) -> Result<(), Failure> {
    let metric = metric_of(arguments).map_err(Failure::Message)?;
    let written = match arguments.result.as_str() {
        "-" => text_of("-").map_err(Failure::Message)?,
        written => written.to_owned(),
    };
    let shape = arguments.of.map_or_else(|| Shape::of(&metric.provider), Shape::from);
    let result = shape.read(&written).map_err(|why| Failure::message(format!("--result: {why}")))?;
    let now = Timestamp::now();
    console.line(&format!("result: {} ({})", format::text(&result), go_type(&result)))?;
    for (field, text) in [
        ("successCondition", &metric.success_condition),
        ("failureCondition", &metric.failure_condition),
    ] {
        if !text.is_empty() {
            let value = match condition::evaluate(text, &result, now) {
                Ok(value) => format::text(&value),
                Err(why) => format!("error: {why}"),
            };
            console.line(&format!("{field}: {text} -> {value}"))?;
        }
    }
    let verdict = Conditions::new(&metric.success_condition, &metric.failure_condition).judge(&result, now);
    match verdict {
        Ok(verdict) => {
            console.line(&format!("verdict: {}", verdict.phase()))?;
            match verdict {
                Verdict::Successful => Ok(()),
                Verdict::Failed => Err(Failure::Exit(2)),
                Verdict::Inconclusive => Err(Failure::Exit(3)),
            }
        }
        Err(why) => {
            console.line(&format!("verdict: Error: {why}"))?;
            Err(Failure::Exit(1))
        }
    }
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
            return Err("name a condition with --success-condition or --failure-condition, or a file with -f".to_owned());
        }
        None => Metric::default(),
    };
    if let Some(condition) = &arguments.success_condition {
        metric.success_condition.clone_from(condition);
    }
    if let Some(condition) = &arguments.failure_condition {
        metric.failure_condition.clone_from(condition);
    }
    Ok(metric)
}

fn of_file(file: &PathBuf, arguments: &Eval) -> Result<Metric, String> {
    let mut found = Vec::new();
    for manifest in manifest::read(std::slice::from_ref(file)) {
        let manifest = manifest?;
        if matches!(manifest.kind(), "AnalysisTemplate" | "ClusterAnalysisTemplate" | "AnalysisRun") {
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
            let args = arguments::without_secrets(&args);
            arguments::metric(&metric, &args).map_err(|error| format!("{}: metric {}: {error}", file.display(), metric.name))
        }
        (Some(_), Some(_)) => Err(format!("{}: name one of its metrics with --metric: {names}", file.display())),
        (None, _) if names.is_empty() => Err(format!("{}: there is no metric in it", file.display())),
        (None, _) => {
            let name = arguments.metric.as_deref().unwrap_or_default();
            Err(format!("{}: there is no metric {name:?}; its metrics are {names}", file.display()))
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
