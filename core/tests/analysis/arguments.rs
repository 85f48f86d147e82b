//! `{{args.x}}` in metrics and in texts (contract 06 §9 and §12, 11 G8).

use serde_json::json;
use serin_core::analysis::arguments::{INSTEAD_OF_SECRET, metric, substituted, text, without_secrets};
use serin_core::api::analysis_template::{Argument, Metric};
use std::collections::BTreeMap;

fn args(values: &[(&str, Option<&str>)]) -> Vec<Argument> {
    let arg = |(name, value): &(&str, Option<&str>)| Argument {
        name: (*name).into(),
        value: value.map(str::to_owned),
        value_from: None,
    };
    values.iter().map(arg).collect()
}

/// A metric whose query is this.
fn asking(query: &str) -> Metric {
    serde_json::from_value(json!({"name": "m", "provider": {"prometheus": {"query": query}}})).unwrap()
}

fn query_of(metric: &Metric) -> &str {
    &metric.provider.prometheus.as_ref().unwrap().query
}

#[test]
fn texts() {
    let none: &[(&str, Option<&str>)] = &[];
    for (template, given, answer) in [
        ("test-{{args.var}}", &[("var", Some("foo"))][..], Ok("test-foo")),
        ("test-{{ args.var }}", &[("var", Some("foo"))], Ok("test-foo")),
        (
            "{{args.a}}{{args.b}}{{args.a}}",
            &[("a", Some("1")), ("b", Some("{{args.a}}"))],
            Ok("1{{args.a}}1"),
        ),
        ("{{args.a}}", &[("a", Some("x")), ("a", Some("y"))], Ok("y")),
        ("say \"{{args.a}}\"", &[("a", Some("\"<\n"))], Ok("say \"\"<\n\"")),
        ("nothing here }}", none, Ok("nothing here }}")),
        ("test-{{args.var}}", none, Err("failed to resolve {{args.var}}")),
        (
            "{{args.a}} {{ b }} {{args.c}}",
            &[("c", Some(""))],
            Err("failed to resolve {{ b }}"),
        ),
        ("{{.Values.x}}", none, Err("failed to resolve {{.Values.x}}")),
        (
            "test-{{args.var",
            &[("var", Some("foo"))],
            Err(r#"Cannot find end tag="}}" in the template="test-{{args.var" starting from "args.var""#),
        ),
        (
            "no placeholder",
            &[("test", None)],
            Err(r#"argument "test" was not supplied"#),
        ),
        (
            "{{args.x",
            &[("test", None)],
            Err(r#"Cannot find end tag="}}" in the template="{{args.x" starting from "args.x""#),
        ),
    ] {
        let answer = answer.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(
            text(template, &args(given)).map_err(|error| error.to_string()),
            answer,
            "{template}"
        );
    }
}

#[test]
fn a_value_keeps_its_quotes_line_ends_and_tabs() {
    for value in [
        "a \"b\" \\ c",
        "one\ntwo\r\n\tthree",
        "<a>&\u{2028}",
        "\u{8}\u{c}",
        "\u{e9}\u{1f600}\u{200b}\u{85}",
        "",
    ] {
        let filled = metric(&asking("<{{args.v}}> & {{ args.v }}"), &args(&[("v", Some(value))])).unwrap();
        assert_eq!(query_of(&filled), format!("<{value}> & {value}"));
    }
}

#[test]
fn a_value_that_go_quotes_as_json_does_not_is_an_error() {
    for (value, char) in [
        ("\u{7}", 'a'),
        ("\u{b}", 'v'),
        ("\u{1}", 'x'),
        ("\u{7f}", 'x'),
        ("\u{e0001}", 'U'),
    ] {
        let error = metric(&asking("{{args.v}}"), &args(&[("v", Some(value))])).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("invalid character '{char}' in string escape code")
        );
        assert!(metric(&asking("unused"), &args(&[("v", Some(value))])).is_ok());
    }
}

#[test]
fn every_text_of_a_metric_is_filled_in() {
    let template: Metric = serde_json::from_value(json!({
        "name": "{{args.name}}", "interval": "{{args.n}}m", "initialDelay": "{{args.n}}s", "count": "{{args.n}}",
        "failureLimit": "{{args.n}}", "inconclusiveLimit": "{{args.n}}", "consecutiveErrorLimit": "{{args.n}}",
        "consecutiveSuccessLimit": "{{args.n}}", "successCondition": "result > {{args.n}}",
        "failureCondition": "result <= {{args.n}}",
        "provider": {
            "web": {"url": "{{args.name}}", "headers": [{"key": "{{args.name}}", "value": "{{args.n}}"}], "jsonBody": {"a": ["{{args.n}}"]}},
            "job": {"spec": {"template": {"spec": {"containers": [{"args": ["{{args.name}}"]}]}}}},
            "plugin": {"a/{{args.name}}": {"k": "{{args.n}}"}},
        },
    }))
    .unwrap();
    let filled = metric(&template, &args(&[("name", Some("x")), ("n", Some("3"))])).unwrap();
    let expected = serde_json::to_string(&template)
        .unwrap()
        .replace("{{args.name}}", "x")
        .replace("{{args.n}}", "3");
    assert_eq!(serde_json::to_string(&filled).unwrap(), expected);
}

#[test]
fn errors_of_metrics() {
    for (query, given, error) in [
        (
            "{{args.other}}",
            &[("var", Some("x"))][..],
            "failed to resolve {{args.other}}",
        ),
        ("{{args.a<b}}", &[], "failed to resolve {{args.a\\u003cb}}"),
        ("up", &[("test", None)], r#"argument "test" was not supplied"#),
        // What is never closed swallows what follows, up to the next brackets (11 G8).
        (
            "{{args.var",
            &[("var", Some("x"))],
            r#"failed to resolve {{args.var","authentication":{"sigv4":{},"oauth2":{},"basicAuth":{}}"#,
        ),
    ] {
        let refused = metric(&asking(query), &args(given)).unwrap_err().to_string();
        assert!(refused.starts_with(error.trim_end_matches('}')), "{refused}");
    }
    let job: Metric = serde_json::from_value(json!({
        "name": "m", "provider": {"job": {"spec": {"template": {"spec": {"containers": [{"command": ["{{.Go}}"]}]}}}}},
    }))
    .unwrap();
    assert_eq!(metric(&job, &[]).unwrap_err().to_string(), "failed to resolve {{.Go}}");
}

#[test]
fn limits_come_after_the_provider() {
    // The order in which Go writes the fields of a metric: it shows in what an open bracket swallows.
    let metric: Metric =
        serde_json::from_value(json!({"name": "m", "consecutiveSuccessLimit": 1, "consecutiveErrorLimit": 1})).unwrap();
    let json = serde_json::to_string(&metric).unwrap();
    assert_eq!(
        json,
        r#"{"name":"m","consecutiveErrorLimit":1,"provider":{},"consecutiveSuccessLimit":1}"#
    );
}

#[test]
fn names_other_than_arguments() {
    let values = BTreeMap::from([("templates.a.podTemplateHash".to_owned(), "abc".to_owned())]);
    assert_eq!(
        substituted("x-{{ templates.a.podTemplateHash }}", &values).unwrap(),
        "x-abc"
    );
    assert_eq!(
        substituted("{{templates.b.podTemplateHash}}", &values)
            .unwrap_err()
            .to_string(),
        "failed to resolve {{templates.b.podTemplateHash}}"
    );
}

#[test]
fn secrets_are_replaced_by_a_stand_in() {
    let given: Vec<Argument> = serde_json::from_value(json!([
        {"name": "a", "value": "plain"},
        {"name": "b", "value": "beside", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "c", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]))
    .unwrap();
    let known = without_secrets(&given);
    assert_eq!(known[0], given[0]);
    assert_eq!(
        (known[1].value.as_deref(), &known[1].value_from),
        (Some(INSTEAD_OF_SECRET), &None)
    );
    assert_eq!(
        metric(&asking("up"), &known).unwrap_err().to_string(),
        r#"argument "c" was not supplied"#
    );
}
