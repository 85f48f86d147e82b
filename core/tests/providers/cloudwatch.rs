//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html> in
//! <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>. The answers were encoded by `smithy-go` v1.27.6.

use crate::talk::{Talk, at, header, reading};
use ciborium::Value as Cbor;
use serin_core::analysis::provider::{self, Answer, Auth};
use serin_expr::{MetricDataResult, Value};

const ANSWER: &str = "a2684d6573736167657381a264436f646561636556616c75656176714d657472696344617461526573756c747382a5624964\
    6472617465654c6162656c664572726f72736a537461747573436f646568436f6d706c6574656a54696d657374616d707382\
    c1fb41d9365b91000000c11a64d96e086656616c75657382fb3fb999999999999afb3fc999999999999aa3624964626d326a\
    537461747573436f64656b5061727469616c446174616656616c7565738303fa3fc0000021";
const REFUSAL: &str = "a2665f5f747970657837636f6d2e616d617a6f6e6177732e636c6f7564776174636823496e76616c6964506172616d657465\
    7256616c7565457863657074696f6e676d657373616765781b5468652076616c7565206e756c6c206973206e6f742076616c\
    6964";
const NOTHING: &str = "a1714d657472696344617461526573756c747380";

fn cloudwatch() -> Talk {
    let queries = "[{id: rate, expression: errors / requests}, {id: errors, returnData: false, period: 60, metricStat: \
        {metric: {namespace: AWS/ApplicationELB, metricName: HTTPCode_Target_5XX_Count, \
        dimensions: [{name: LoadBalancer, value: app/x/1}]}, period: '300', stat: Sum, unit: Count}}]";
    let mut talk = Talk::with(&format!("cloudWatch: {{metricDataQueries: {queries}}}"));
    talk.environment.aws_region = "eu-west-1".into();
    talk
}

fn answer(status: u16, hex: &str) -> Answer {
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    Answer {
        status,
        content_type: "application/cbor".into(),
        body: (0..hex.len()).step_by(2).map(byte).collect(),
    }
}

/// The member of a map.
fn member<'c>(of: &'c Cbor, name: &str) -> Option<&'c Cbor> {
    let members = of.as_map().unwrap().iter();
    members
        .filter(|(key, _)| key.as_text() == Some(name))
        .map(|(_, value)| value)
        .next()
}

#[test]
fn queries_are_sent_as_cbor_and_signed() {
    let request = cloudwatch().request();
    let url =
        "https://monitoring.eu-west-1.amazonaws.com/service/GraniteServiceVersion20100801/operation/GetMetricData";
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", url));
    assert_eq!(header(&request, "smithy-protocol"), Some("rpc-v2-cbor"));
    assert_eq!(header(&request, "content-type"), Some("application/cbor"));
    assert!(matches!(&request.auth, Auth::SigV4(it) if it.service == "monitoring" && it.region == "eu-west-1"));
    let body: Cbor = ciborium::from_reader(request.body.unwrap().as_slice()).unwrap();
    let time = |seconds: f64| Cbor::Tag(1, Box::new(Cbor::Float(seconds)));
    assert_eq!(member(&body, "StartTime"), Some(&time(1_691_970_900.0)));
    assert_eq!(member(&body, "EndTime"), Some(&time(1_691_971_200.0)));
    let queries = member(&body, "MetricDataQueries").unwrap().as_array().unwrap();
    let text = |text: &str| Cbor::Text(text.into());
    assert_eq!(member(&queries[0], "Expression"), Some(&text("errors / requests")));
    for unset in ["Label", "MetricStat", "Period", "ReturnData"] {
        assert_eq!(member(&queries[0], unset), None, "{unset}");
    }
    assert_eq!(member(&queries[1], "ReturnData"), Some(&Cbor::Bool(false)));
    assert_eq!(member(&queries[1], "Period"), Some(&Cbor::from(60)));
    let stat = member(&queries[1], "MetricStat").unwrap();
    assert_eq!(
        (member(stat, "Period"), member(stat, "Unit")),
        (Some(&Cbor::from(300)), Some(&text("Count")))
    );
    let metric = member(stat, "Metric").unwrap();
    let dimension = &member(metric, "Dimensions").unwrap().as_array().unwrap()[0];
    assert_eq!(
        (member(dimension, "Name"), member(dimension, "Value")),
        (Some(&text("LoadBalancer")), Some(&text("app/x/1")))
    );
}

#[test]
fn the_endpoint_and_the_region_come_from_the_environment() {
    let mut talk = cloudwatch();
    talk.environment.aws_endpoint = "http://localhost:4566/".into();
    assert!(talk.request().url.starts_with("http://localhost:4566/service/"));
    talk.environment.aws_region.clear();
    assert!(talk.begin().unwrap_err().ends_with("Missing Region"));
}

#[test]
fn results_are_structs() {
    let talk = cloudwatch();
    let read = |hex: &str| reading(provider::read(&talk.context(), &talk.request(), &answer(200, hex)).unwrap());
    let some = |text: &str| Some(text.to_owned());
    let rate = MetricDataResult {
        id: some("rate"),
        label: some("Errors"),
        status_code: "Complete".into(),
        timestamps: Some(vec![at(-60), at(-120)]),
        values: Some(vec![0.1, 0.2]),
        messages: None,
    };
    let partial = MetricDataResult {
        id: some("m2"),
        status_code: "PartialData".into(),
        values: Some(vec![3.0, 1.5, -2.0]),
        ..MetricDataResult::default()
    };
    let all = read(ANSWER);
    assert_eq!(
        all.outcome,
        provider::Outcome::Value(Value::cloudwatch([rate, partial]))
    );
    assert_eq!((all.text.as_str(), all.text_stays), ("[[0.1 0.2] [3 1.5 -2]]", true));
    assert_eq!(all.metadata["messages"], "[{Code:c Value:v}]");
    // An answer without results is nil (contract 11 G4).
    let nothing = read(NOTHING);
    assert_eq!(
        (nothing.outcome, nothing.text.as_str()),
        (provider::Outcome::Value(Value::Nil), "[]")
    );
}

#[test]
fn refusals_have_their_type_and_message() {
    let talk = cloudwatch();
    let failed = |status, hex: &str| {
        let read = provider::read(&talk.context(), &talk.request(), &answer(status, hex));
        read.unwrap_err().message
    };
    assert_eq!(
        failed(400, REFUSAL),
        "operation error CloudWatch: GetMetricData, https response error StatusCode: 400, \
         InvalidParameterValueException: The value null is not valid"
    );
    assert!(failed(503, "").contains("StatusCode: 503"));
    assert!(failed(200, "ff").contains("deserialization failed"));
}
