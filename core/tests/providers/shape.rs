//! What all providers have in common.

use crate::talk::{Talk, at, reading};
use serin_core::analysis::provider::{self, Secret};
use serin_core::api::Time;

/// The first that is there, in upstream's order (contract 08).
#[test]
fn of_several_providers_the_first_counts() {
    let all = "prometheus: {}\njob: {}\nkayenta: {}\nweb: {}\ndatadog: {}\nwavefront: {}\nnewRelic: {}\ncloudWatch: {}\n\
        graphite: {}\ninfluxdb: {}\nskywalking: {}\nplugin: {a/b: {}}";
    let lines: Vec<&str> = all.lines().collect();
    let name = |from: usize| provider::name(Talk::with(&lines[from..].join("\n")).metric());
    let names: Vec<&str> = (0..lines.len()).map(name).collect();
    let expected =
        "Prometheus Job Kayenta Web Datadog Wavefront NewRelic CloudWatch Graphite Influxdb skywalking RPCPlugin";
    assert_eq!(names, expected.split(' ').collect::<Vec<_>>());
    let none = Talk::with("{}");
    assert_eq!(provider::name(none.metric()), "Unknown Provider");
    assert_eq!(none.begin().unwrap_err(), "no valid provider in metric 'm'");
}

#[test]
fn the_query_stands_in_the_result_of_the_metric() {
    let told = |provider: &str| provider::metadata(Talk::with(provider).metric());
    assert_eq!(told("prometheus: {query: up}")["ResolvedPrometheusQuery"], "up");
    assert_eq!(told("newRelic: {query: q}")["ResolvedNewRelicQuery"], "q");
    assert!(told("prometheus: {query: ''}").is_empty());
    assert!(told("web: {url: u}").is_empty());
}

#[test]
fn an_error_is_finished_and_has_no_value() {
    let talk = Talk::with("web: {url: u}");
    let measured = talk.measures(500, "");
    assert_eq!((measured.phase.as_str(), measured.value.as_str()), ("Error", ""));
    assert_eq!(measured.message, "received non 2xx response code: 500");
    assert_eq!(
        (measured.started_at, measured.finished_at),
        (Some(Time(at(0))), Some(Time(at(1))))
    );
    let erred = talk.broken_condition().measures(200, "1");
    assert_eq!((erred.phase.as_str(), erred.value.as_str()), ("Error", ""));
    assert_eq!(erred.message, "could not evaluate successCondition \"broken\": no");
}

#[test]
fn what_cannot_be_ended_goes_on() {
    let before = Talk::with("web: {url: u}").measures(200, "1");
    let talk = Talk::with("web: {url: u}").terminates(before.clone());
    let reading = reading(talk.begin().unwrap());
    let after = provider::measurement(&talk.context(), Ok(reading), at(5));
    assert_eq!((after.phase.as_str(), after.value), ("Running", before.value));
}

#[test]
fn secrets_are_not_printed() {
    let secret = Secret::from("p&ss \"word\"");
    assert_eq!(format!("{secret:?}"), "*****");
    let fields =
        "authentication: {basicAuth: {username: u, password: hunter2}}, headers: [{key: X-Token, value: hunter3}]";
    let talk = Talk::with(&format!("prometheus: {{address: 'http://a', query: q, {fields}}}"));
    let request = talk.request();
    let printed = format!("{request:?}");
    assert!(!printed.contains("hunter"), "{printed}");
    assert!(request.is_confidential());
    assert_eq!(
        request.secrets().map(Secret::expose).collect::<Vec<_>>(),
        ["hunter2", "hunter3"]
    );
    let harmless = Talk::with("web: {url: u, headers: [{key: accept, value: text/plain}]}").request();
    assert!(!harmless.is_confidential());
    for text in [
        "x p&ss \"word\" y",
        r#"x p\u0026ss \"word\" y"#,
        "x p%26ss+%22word%22 y",
        "x p%26ss%20%22word%22 y",
    ] {
        assert_eq!(secret.hidden_in(text), "x ***** y");
    }
    assert_eq!(Secret::default().hidden_in("x"), "x");
}
