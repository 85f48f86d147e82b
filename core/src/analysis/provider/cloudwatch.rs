//! Amazon CloudWatch: `GetMetricData` in the protocol that its SDKs speak, RPC v2 with CBOR (contract 08 §10, 11 G9;
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>,
//! <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>).

use super::request::{Answer, Auth, Request, SigV4};
use super::{Context, Failure, Next, Provider, Reading};
use crate::api::IntOrString;
use crate::api::providers::{CloudWatchMetric, CloudWatchMetricStat, CloudWatchQuery};
use crate::notation::duration::GoDuration;
use crate::notation::go_value;
use ciborium::Value as Cbor;
use jiff::{SignedDuration, Timestamp};
use serin_expr::value::Message;
use serin_expr::{MetricDataResult, Value};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);
/// How far a query looks back where the template does not say.
const INTERVAL: SignedDuration = SignedDuration::from_mins(5);
/// Where the operation is, below the endpoint.
const OPERATION: &str = "/service/GraniteServiceVersion20100801/operation/GetMetricData";
/// The tag of times in CBOR.
const TIME: u64 = 1;

impl Provider for CloudWatchMetric {
    fn request(&self, context: &Context<'_>) -> Result<Request, Failure> {
        let interval = if self.interval.is_empty() {
            INTERVAL
        } else {
            let interval: Result<GoDuration, _> = self.interval.parse();
            SignedDuration::from_nanos(interval.map_err(|error| error.to_string())?.nanos())
        };
        let region = &context.environment.aws_region;
        if region.is_empty() {
            return Err("operation error CloudWatch: GetMetricData, Invalid Configuration: Missing Region".into());
        }
        let start = context.now.saturating_sub(interval).unwrap_or(context.now);
        let body = map([
            ("StartTime", Some(time(start))),
            ("EndTime", Some(time(context.now))),
            (
                "MetricDataQueries",
                Some(Cbor::Array(self.metric_data_queries.iter().map(query).collect())),
            ),
        ]);
        let mut bytes = Vec::new();
        ciborium::into_writer(&body, &mut bytes).map_err(|error| error.to_string())?;
        let own = context.environment.aws_endpoint.trim_end_matches('/');
        let domain = if region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        let url = if own.is_empty() {
            format!("https://monitoring.{region}.{domain}{OPERATION}")
        } else {
            format!("{own}{OPERATION}")
        };
        let mut request = Request::new("POST", url, TIMEOUT)
            .header("Smithy-Protocol", "rpc-v2-cbor")
            .header("Content-Type", "application/cbor")
            .header("Accept", "application/cbor");
        request.body = Some(bytes);
        request.auth = Auth::SigV4(SigV4 {
            service: "monitoring".to_owned(),
            region: region.clone(),
            ..SigV4::default()
        });
        Ok(request)
    }

    fn read(&self, _: &Context<'_>, _: &Request, answer: &Answer) -> Result<Next, Failure> {
        let body: Result<Cbor, _> = ciborium::from_reader(answer.body.as_slice());
        if !(200..300).contains(&answer.status) {
            let body = body.unwrap_or(Cbor::Null);
            let of = text(&body, "__type").unwrap_or_default();
            let of = of.rsplit('#').next().unwrap_or_default();
            let message = text(&body, "message")
                .or_else(|| text(&body, "Message"))
                .unwrap_or_default();
            let status = answer.status;
            return Err(format!(
                "operation error CloudWatch: GetMetricData, https response error StatusCode: {status}, {of}: {message}"
            )
            .into());
        }
        let body = body
            .map_err(|error| format!("operation error CloudWatch: GetMetricData, deserialization failed: {error}"))?;
        let results: Vec<MetricDataResult> = list(&body, "MetricDataResults")
            .into_iter()
            .flatten()
            .map(result)
            .collect();
        let values = results.iter().map(|result| {
            let numbers = result.values.iter().flatten().copied().map(go_value::general);
            go_value::bracketed(numbers, " ")
        });
        let text = go_value::bracketed(values, " ");
        let messages = messages(&body).unwrap_or_default();
        // An answer without results is nil (contract 11 G4).
        let value = if results.is_empty() {
            Value::Nil
        } else {
            Value::cloudwatch(results)
        };
        let mut reading = Reading {
            text_stays: true,
            ..Reading::value(value, text)
        };
        if !messages.is_empty() {
            let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "<nil>".to_owned());
            let each = messages
                .iter()
                .map(|message| format!("{{Code:{} Value:{}}}", shown(&message.code), shown(&message.value)));
            reading
                .metadata
                .insert("messages".to_owned(), go_value::bracketed(each, " "));
        }
        Ok(Next::Done(reading))
    }
}

/// A query as CBOR: what is not written is left out.
fn query(query: &CloudWatchQuery) -> Cbor {
    let CloudWatchQuery {
        id,
        expression,
        label,
        metric_stat,
        period,
        return_data,
    } = query;
    map([
        ("Id", Some(Cbor::from(id.as_str()))),
        ("Expression", written(expression)),
        ("Label", written(label)),
        ("MetricStat", metric_stat.as_ref().map(stat)),
        ("Period", period.as_ref().map(number)),
        ("ReturnData", return_data.map(Cbor::Bool)),
    ])
}

fn stat(stat: &CloudWatchMetricStat) -> Cbor {
    let CloudWatchMetricStat {
        metric,
        period,
        stat,
        unit,
    } = stat;
    let dimension = |it: &crate::api::providers::CloudWatchDimension| {
        map([
            ("Name", Some(Cbor::from(it.name.as_str()))),
            ("Value", Some(Cbor::from(it.value.as_str()))),
        ])
    };
    let dimensions: Vec<Cbor> = metric.dimensions.iter().map(dimension).collect();
    let metric = map([
        ("MetricName", Some(Cbor::from(metric.metric_name.as_str()))),
        ("Namespace", metric.namespace.as_deref().map(Cbor::from)),
        (
            "Dimensions",
            (!dimensions.is_empty()).then_some(Cbor::Array(dimensions)),
        ),
    ]);
    map([
        ("Metric", Some(metric)),
        ("Period", Some(period.as_ref().map_or(Cbor::from(0), number))),
        ("Stat", Some(Cbor::from(stat.as_str()))),
        ("Unit", written(unit)),
    ])
}

fn map<const N: usize>(members: [(&str, Option<Cbor>); N]) -> Cbor {
    let members = members
        .into_iter()
        .filter_map(|(name, value)| Some((Cbor::from(name), value?)));
    Cbor::Map(members.collect())
}

fn written(text: &str) -> Option<Cbor> {
    (!text.is_empty()).then(|| Cbor::from(text))
}

fn number(value: &IntOrString) -> Cbor {
    Cbor::from(match value {
        IntOrString::Int(number) => *number,
        IntOrString::String(text) => text.parse().unwrap_or(0),
    })
}

fn time(time: Timestamp) -> Cbor {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970")]
    let seconds = time.as_millisecond() as f64 / 1000.0;
    Cbor::Tag(TIME, Box::new(Cbor::Float(seconds)))
}

/// The member of a map.
fn member<'c>(of: &'c Cbor, name: &str) -> Option<&'c Cbor> {
    let members = of.as_map()?.iter();
    let mut named = members.filter(|(key, _)| key.as_text() == Some(name));
    named.next().map(|(_, value)| value).filter(|value| !value.is_null())
}

fn text(of: &Cbor, name: &str) -> Option<String> {
    member(of, name)?.as_text().map(str::to_owned)
}

fn list<'c>(of: &'c Cbor, name: &str) -> Option<&'c Vec<Cbor>> {
    member(of, name)?.as_array()
}

fn result(of: &Cbor) -> MetricDataResult {
    let each = |name, read: fn(&Cbor) -> Option<f64>| {
        list(of, name).map(|items| items.iter().filter_map(read).collect::<Vec<f64>>())
    };
    let times = each("Timestamps", |time| float(time.as_tag().map_or(time, |(_, time)| time)));
    MetricDataResult {
        id: text(of, "Id"),
        label: text(of, "Label"),
        status_code: text(of, "StatusCode").unwrap_or_default(),
        timestamps: times.map(|times| times.into_iter().filter_map(timestamp).collect()),
        values: each("Values", float),
        messages: messages(of),
    }
}

fn messages(of: &Cbor) -> Option<Vec<Message>> {
    let messages = list(of, "Messages")?.iter().map(|message| Message {
        code: text(message, "Code"),
        value: text(message, "Value"),
    });
    Some(messages.collect())
}

/// A number, which CBOR may write in any of its sizes.
fn float(of: &Cbor) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a number of a metric is a float")]
    let whole = || of.as_integer().map(|whole| i128::from(whole) as f64);
    of.as_float().or_else(whole)
}

fn timestamp(seconds: f64) -> Option<Timestamp> {
    let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(since).ok()
}
