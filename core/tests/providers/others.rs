//! Providers whose answers are few: each test begins with the page of its API.

use crate::talk::{Talk, at, header, json_body, reading, request};
use serde_json::json;
use serin_core::analysis::provider::{self, Outcome, Place};
use serin_core::api::analysis_run::Measurement;
use serin_expr::Value;
use std::time::Duration;

fn new_relic() -> Talk {
    let keys = [("personal-api-key", "k"), ("account-id", "123")];
    Talk::with("newRelic: {query: SELECT count(*) FROM Transaction}").secret(Place::Controller, "newrelic", &keys)
}

/// <https://docs.newrelic.com/docs/apis/nerdgraph/examples/nerdgraph-nrql-tutorial/>
#[test]
fn new_relic_is_asked_with_graphql() {
    let request = new_relic().request();
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("POST", "https://api.newrelic.com/graphql")
    );
    assert_eq!(header(&request, "Api-Key"), Some("k"));
    assert!(header(&request, "User-Agent").unwrap().starts_with("argo-rollouts/"));
    let body = json_body(&request);
    let variables = json!({"accountId": 123, "query": "SELECT count(*) FROM Transaction", "timeout": 5});
    assert_eq!(body["variables"], variables);
    assert!(
        body["query"]
            .as_str()
            .unwrap()
            .contains("nrql(query: $query, timeout: $timeout) { results }")
    );
    let region = |region: &str| {
        let keys = [("personal-api-key", "k"), ("account-id", "1"), ("region", region)];
        let talk = Talk::with("newRelic: {profile: p, query: q, timeout: 9}").secret(Place::Controller, "p", &keys);
        talk.begin().map(|next| crate::talk::request(next).url)
    };
    assert_eq!(region("eu").unwrap(), "https://api.eu.newrelic.com/graphql");
    assert!(region("moon").is_err());
}

#[test]
fn new_relic_answers_objects() {
    let body = |results: &str| format!(r#"{{"data":{{"actor":{{"account":{{"nrql":{{"results":{results}}}}}}}}}}}"#);
    let (one, text) = new_relic().reads(&body(r#"[{"count":1234.5,"a":"b"}]"#));
    let object = json!({"count": 1234.5, "a": "b"});
    assert_eq!(
        (one, text.as_str()),
        (Value::map(object.as_object().unwrap()), r#"{"a":"b","count":1234.5}"#)
    );
    let (two, text) = new_relic().reads(&body(r#"[{"a":1},{"a":2}]"#));
    let objects = [json!({"a": 1}), json!({"a": 2})];
    assert_eq!(two, Value::maps(objects.iter().map(|one| one.as_object().unwrap())));
    assert_eq!(text, r#"[{"a":1},{"a":2}]"#);
    for nothing in ["[]", "[{}]", "null"] {
        assert_eq!(
            new_relic().fails(200, &body(nothing)),
            "no results returned from NRQL query"
        );
    }
    assert_eq!(
        new_relic().fails(200, r#"{"errors":[{"message":"NRQL Syntax Error"}]}"#),
        "NRQL Syntax Error"
    );
}

#[test]
fn new_relic_wants_its_keys() {
    let with = |fields: &str, keys: &[(&str, &str)]| {
        let talk = Talk::with(&format!("newRelic: {{query: q, {fields}}}"));
        talk.secret(Place::Controller, "newrelic", keys).begin().unwrap_err()
    };
    let both = [("personal-api-key", "k"), ("account-id", "x")];
    assert_eq!(with("", &both[..1]), "account ID or personal API key not found");
    assert_eq!(
        with("", &both),
        "could not parse account ID: strconv.Atoi: parsing \"x\": invalid syntax"
    );
    let keys = [("personal-api-key", "k"), ("account-id", "1")];
    assert_eq!(with("timeout: -1", &keys), "timeout value needs to be a positive value");
    let missing = Talk::with("newRelic: {query: q}").begin().unwrap_err();
    assert_eq!(missing, "secrets \"newrelic\" not found");
}

fn wavefront() -> Talk {
    let talk = Talk::with("wavefront: {address: example.wavefront.com, query: 'ts(\"a\")'}");
    talk.secret(
        Place::Controller,
        "wavefront-api-tokens",
        &[("example.wavefront.com", "t")],
    )
}

/// <https://docs.wavefront.com/wavefront_api.html>
#[test]
fn wavefront_is_asked_for_the_point_nearest_to_now() {
    let request = wavefront().request();
    let url = "https://example.wavefront.com/api/v2/chart/api?autoEvents=false&e=1691971200000&g=s&i=true\
        &includeObsoleteMetrics=false&listmode=false&p=1&q=ts%28%22a%22%29&s=1691971200000&strict=false";
    assert_eq!(request.url, url);
    assert_eq!(header(&request, "Authorization"), Some("Bearer t"));
    let series = |points: &str| format!(r#"{{"label":"l","host":"h","data":{points}}}"#);
    let body = |series: &str| format!(r#"{{"query":"q","warnings":"w","timeseries":[{series}]}}"#);
    let one = body(&series("[[1691971190,1],[1691971198,2.005]]"));
    assert_eq!(wavefront().reads(&one), (Value::Float(2.005), "2.00".into()));
    let measured = wavefront().measures(200, &one);
    let metadata = ["timestamps", "drift", "warnings"].map(|name| measured.metadata[name].as_str());
    assert_eq!(metadata, ["1691971198", "-2", "w"]);
    let two = body(&[series("[[1691971200,0.5]]"), series("[]")].join(","));
    assert_eq!(
        wavefront().reads(&two),
        (Value::floats([0.5, 0.0]), "[0.50,0.00]".into())
    );
    let drift = wavefront().measures(200, &two).metadata["drift"].clone();
    assert_eq!(drift, "[0,-9223372036854775808]");
    let nothing = wavefront().measures(200, &body(""));
    assert_eq!(nothing.message, "No TimeSeries found in response from Wavefront");
    assert_eq!(nothing.metadata["warnings"], "w");
    let other = Talk::with("wavefront: {address: other, query: q}");
    let other = other.secret(
        Place::Controller,
        "wavefront-api-tokens",
        &[("example.wavefront.com", "t")],
    );
    assert_eq!(other.begin().unwrap_err(), "API token not found");
}

/// <https://graphite.readthedocs.io/en/stable/render_api.html>
#[test]
fn graphite_is_asked_without_white_space() {
    let graphite = |address: &str| {
        let fields = format!("address: '{address}', query: \"target=sumSeries(a.b,\\n c.d)&from=-5min\"");
        Talk::with(&format!("graphite: {{{fields}}}"))
    };
    let talk = graphite("https://host/graphite/");
    let request = talk.request();
    let url = "https://host/graphite/render?format=json&from=-5min&target=sumSeries%28a.b%2Cc.d%29";
    assert_eq!((request.url.as_str(), request.timeout), (url, Duration::from_secs(10)));
    let body = r#"[{"target":"entries","datapoints":[[1.0,1311836008],[null,1311836009],["2.5",1311836010]]},
        {"target":"other","datapoints":[[9,1]]}]"#;
    assert_eq!(
        talk.reads(body),
        (Value::floats([1.0, 2.5]), "[1.000000,2.500000]".into())
    );
    assert_eq!(
        talk.reads(r#"[{"datapoints":[[null,1]]}]"#),
        (Value::floats([]), "[]".into())
    );
    for nothing in ["[]", r#"[{"datapoints":[]}]"#] {
        assert_eq!(talk.fails(200, nothing), "no values found");
    }
    assert_eq!(talk.fails(400, "bad target"), "error response: bad target");
    assert_eq!(
        talk.fails(200, r#"[{"datapoints":[[1]]}]"#),
        "error unmarshaling data point: [1]"
    );
    // The value stays where the condition cannot be evaluated (contract 11 G4).
    let erred = graphite("https://host").broken_condition().measures(200, body);
    assert_eq!(
        (erred.phase.as_str(), erred.value.as_str()),
        ("Error", "[1.000000,2.500000]")
    );
    assert_eq!(
        graphite("").begin().unwrap_err(),
        "Graphite address  is not a valid URL"
    );
}

fn influxdb() -> Talk {
    let keys = [
        ("authToken", "t"),
        ("address", "http://influx:8086/"),
        ("org", "my org"),
    ];
    Talk::with("influxdb: {profile: p, query: 'from(bucket: \"b\")'}").secret(Place::Controller, "p", &keys)
}

/// <https://docs.influxdata.com/influxdb/v2/api-guide/api_intro/>
#[test]
fn influxdb_is_asked_in_flux() {
    let request = influxdb().request();
    assert_eq!(request.url, "http://influx:8086/api/v2/query?org=my+org");
    assert_eq!(header(&request, "Authorization"), Some("Token t"));
    assert_eq!(
        (&json_body(&request)["query"], &json_body(&request)["type"]),
        (&json!("from(bucket: \"b\")"), &json!("flux"))
    );
    let half = Talk::with("influxdb: {query: q}").secret(Place::Controller, "influxdb", &[("org", "o")]);
    assert_eq!(half.begin().unwrap_err(), "authToken, org, or address not found");
}

/// <https://docs.influxdata.com/influxdb/v2/reference/syntax/annotated-csv/>
#[test]
fn influxdb_answers_annotated_csv() {
    let table = "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,string,string,double\r\n\
        #group,false,false,true,true,false,true,true,false\r\n#default,my-result,,,,,,,\r\n\
        ,result,table,_start,_stop,_time,region,host,_value\r\n\
        ,,0,2022-12-31T00:05:00Z,2022-12-31T00:10:00Z,2022-12-31T00:05:00Z,east,A,15.43\r\n\
        ,,0,2022-12-31T00:05:00Z,2022-12-31T00:10:00Z,2022-12-31T00:05:20Z,east,\"B, C\",\r\n\r\n";
    let whole = "#datatype,string,long,unsignedLong\r\n#group,false,false,false\r\n#default,_result,,\r\n,result,table,_value\r\n,,1,7\r\n";
    let (value, text) = influxdb().reads(&format!("{table}{whole}"));
    assert_eq!(
        (value, text.as_str()),
        (
            Value::values([15.43.into(), Value::Nil, Value::uint64(7)]),
            "[15.43 <nil> 7]"
        )
    );
    let typed = |of: &str, value: &str| {
        influxdb()
            .reads(&format!(
                "#datatype,string,{of}\n#default,,\n,result,_value\n,,{value}\n"
            ))
            .1
    };
    assert_eq!(typed("long", "-3"), "[-3]");
    assert_eq!(typed("boolean", "true"), "[true]");
    assert_eq!(typed("double", "1000000"), "[1e+06]");
    assert_eq!(typed("duration", "5m"), "[5m0s]");
    assert_eq!(
        typed("dateTime:RFC3339Nano", "2022-12-31T00:05:00.5Z"),
        "[2022-12-31 00:05:00.5 +0000 UTC]"
    );
    assert_eq!(typed("string", "x"), "[x]");
    // Without a column for values (contract 11 G9).
    assert_eq!(
        influxdb()
            .reads("#datatype,string,long\n#default,,\n,result,n\n,,1\n")
            .1,
        "[<nil>]"
    );
    let error = "#datatype,string,string\n#default,,\n,error,reference\n,Failed to parse query,897\n";
    for nothing in ["", "\r\n", error] {
        assert_eq!(influxdb().fails(200, nothing), "no results returned from flux query");
    }
    assert_eq!(
        influxdb().fails(200, &format!("{table}{error}")),
        "Failed to parse query"
    );
    let refused = r#"{"code":"unauthorized","message":"unauthorized access"}"#;
    assert_eq!(influxdb().fails(401, refused), "unauthorized: unauthorized access");
}

/// <https://skywalking.apache.org/docs/main/next/en/api/query-protocol/>
#[test]
fn skywalking_is_asked_in_local_time() {
    let mut talk = Talk::with("skywalking: {address: 'http://oap:12800', query: 'query queryData', interval: 5m}");
    let request = talk.request();
    assert_eq!(request.url, "http://oap:12800/graphql");
    let duration = json!({"start": "2023-08-13 2355", "end": "2023-08-14 0000", "step": "MINUTE"});
    assert_eq!(
        json_body(&request),
        json!({"query": "query queryData", "variables": {"duration": duration}})
    );
    talk.environment.offset_seconds = 7200;
    assert_eq!(
        json_body(&talk.request())["variables"]["duration"]["end"],
        "2023-08-14 0200"
    );
    let data = r#"{"data":{"service_apdex":{"values":{"values":[{"value":10000}]}}}}"#;
    let (value, text) = talk.reads(data);
    assert_eq!(text, r#"{"service_apdex":{"values":{"values":[{"value":10000}]}}}"#);
    assert_eq!(value, Value::from_json(&serde_json::from_str(&text).unwrap()));
    assert_eq!(
        talk.fails(200, r#"{"data":null}"#),
        "no results returned from SkyWalking query"
    );
    assert_eq!(talk.fails(200, r#"{"errors":[{"message":"boom"}]}"#), "graphql: boom");
    // An error with data is an error (contract 11 G9).
    assert!(
        talk.fails(500, data)
            .starts_with("received non 2xx response code: 500 ")
    );
    let unread = Talk::with("skywalking: {address: a, query: q}").begin().unwrap_err();
    assert_eq!(unread, "time: invalid duration \"\"");
}

const KAYENTA: &str = "kayenta: {address: 'http://kayenta', application: app, canaryConfigName: ours, \
    metricsAccountName: m, configurationAccountName: c, storageAccountName: s, threshold: {pass: 90, marginal: 75}, ";
const SIDES: &str = "controlScope: {scope: a, region: r, step: 60}, experimentScope: {scope: b, region: r, step: 60}";

fn kayenta(fields: &str) -> Talk {
    Talk::with(&format!("{KAYENTA}{fields}}}")).interval("10m")
}

/// <https://github.com/spinnaker/kayenta/blob/master/docs/canary-config.md>
#[test]
fn kayenta_is_asked_for_a_configuration_and_then_for_a_judgement() {
    let talk = kayenta(&format!("scopes: [{{name: default, {SIDES}}}]"));
    let lookup = talk.request();
    assert_eq!(
        lookup.url,
        "http://kayenta/canaryConfig?application=app&configurationAccountName=s"
    );
    assert_eq!(lookup.timeout, Duration::from_secs(15));
    let found = r#"[{"id":"0","name":"other"},{"id":"7","name":"ours","updatedTimestamp":1,"applications":["app"]}]"#;
    let start = request(talk.read(&lookup, 200, found).unwrap());
    let url =
        "http://kayenta/canary/7?application=app&metricsAccountName=m&configurationAccountName=c&storageAccountName=s";
    assert_eq!(
        (start.method.as_str(), start.url.as_str(), start.reads),
        ("POST", url, false)
    );
    let side = |scope: &str| {
        let (start, end) = ("2023-08-13T23:50:00Z", "2023-08-14T00:00:00Z");
        json!({"scope": scope, "location": "r", "step": 60, "start": start, "end": end})
    };
    let scopes = json!({"default": {"controlScope": side("a"), "experimentScope": side("b")}});
    assert_eq!(
        json_body(&start),
        json!({"scopes": scopes, "thresholds": {"pass": 90, "marginal": 75}})
    );
    let begun = reading(talk.read(&start, 200, r#"{"canaryExecutionId":"01G"}"#).unwrap());
    assert_eq!(
        begun.outcome,
        Outcome::Running {
            resume_at: Some(at(15))
        }
    );
    assert_eq!(begun.metadata["canaryExecutionId"], "01G");
    let failed = |asked, status, body: &str| talk.read(asked, status, body).unwrap_err().message;
    assert_eq!(failed(&lookup, 200, "[]"), "Canary config not found");
    assert_eq!(failed(&lookup, 500, ""), "Invalid Response: HTTP 500");
    assert_eq!(failed(&start, 500, ""), "Invalid Response");
    // Argo Rollouts goes on with an id that is not there (contract 11 G9).
    assert_eq!(failed(&start, 200, "{}"), "Invalid canaryExecutionId");
}

#[test]
fn kayenta_compares_since_the_run_began_or_as_written() {
    let asked = |fields: &str| {
        let talk = kayenta(fields);
        let next = talk.read(&talk.request(), 200, r#"[{"id":"7","name":"ours"}]"#);
        next.map(|next| json_body(&request(next))["scopes"]["d"].clone())
            .map_err(|failure| failure.message)
    };
    let since = asked(&format!("lookback: true, scopes: [{{name: d, {SIDES}}}]")).unwrap();
    assert_eq!(since["controlScope"]["start"], "2023-08-13T23:00:00Z");
    let half = "scopes: [{name: d, controlScope: {scope: a, start: x}, experimentScope: {scope: b}}]";
    let error = "controlScope.start and experimentScope.start must both be set or be empty";
    assert_eq!(asked(half).unwrap_err(), error);
    let both = "scopes: [{name: d, controlScope: {scope: a, start: x, end: y}, experimentScope: {scope: b, start: z, end: w}}]";
    let written = asked(both).unwrap();
    assert_eq!(
        (&written["controlScope"]["start"], &written["experimentScope"]["end"]),
        (&json!("x"), &json!("w"))
    );
}

#[test]
fn kayenta_judges_by_itself() {
    let before = Measurement {
        phase: "Running".into(),
        metadata: [("canaryExecutionId".to_owned(), "01G".to_owned())].into(),
        ..Measurement::default()
    };
    let talk = kayenta("scopes: []").broken_condition().resumes(before);
    assert_eq!(talk.request().url, "http://kayenta/canary/01G");
    let judged = |score: &str| {
        let body = format!(r#"{{"complete":true,"result":{{"judgeResult":{{"score":{{"score":{score}}}}}}}}}"#);
        let measured = talk.measures(200, &body);
        (measured.phase, measured.value)
    };
    for (score, phase, value) in [
        ("90", "Successful", "90"),
        ("89.9", "Inconclusive", "89"),
        ("80", "Inconclusive", "80"),
        ("70", "Failed", "70"),
    ] {
        assert_eq!(judged(score), (phase.into(), value.into()));
    }
    let later = talk.measures(200, r#"{"complete":false}"#);
    assert_eq!((later.phase.as_str(), later.resume_at.unwrap().0), ("Running", at(15)));
    assert_eq!(talk.fails(200, "{}"), "Missing Complete Status");
    assert_eq!(talk.fails(200, r#"{"complete":true}"#), "Missing Score");
    assert_eq!(talk.fails(404, "{}"), "Invalid Response");
    assert_eq!(provider::name(talk.metric()), "Kayenta");
}
