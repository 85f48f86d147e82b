//! AWS load balancer controller (contract 07 §3, §11).

use super::{Case, carries, weight};
use serde_json::{Value, json};
use serin_core::api::canary_step::SetHeaderRoute;
use serin_core::traffic::{Change, Destination, Wanted};

const ACTION: &str = "alb.ingress.kubernetes.io/actions.web-stable";
const MANAGED: &str = "rollouts.argoproj.io/managed-alb-annotations";

fn path(service: &str) -> Value {
    let service = json!({"name": service, "port": {"name": "use-annotation"}});
    json!({"path": "/*", "pathType": "ImplementationSpecific", "backend": {"service": service}})
}

fn ingress(name: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "annotations": {"foreign": "stays"}},
        "spec": {"rules": [
            {"host": "a", "http": {"paths": [path("ssl-redirect"), path("web-stable")]}},
            {"host": "b", "http": {"paths": [path("other")]}},
            {"host": "c"},
        ]},
    })
}

fn case(alb: Value) -> Case {
    Case::new(json!({"alb": alb}), [ingress("main"), ingress("second")])
}

fn annotation<'a>(case: &'a Case, ingress: &str, key: &str) -> &'a str {
    case.object("Ingress", ingress)["metadata"]["annotations"][key]
        .as_str()
        .unwrap()
}

#[test]
fn the_weights_are_one_annotation() {
    let mut case = case(json!({"ingress": "main", "servicePort": 443}));
    assert_eq!(case.invalid(), None);
    assert_eq!(case.observe(), carries(0, 0));
    let written = case.write(&weight(10));
    let Change::Patch { patch, .. } = &written[0].0 else {
        panic!("{written:?}")
    };
    let action = r#"{"Type":"forward","ForwardConfig":{"TargetGroups":[{"ServiceName":"web-canary","ServicePort":"443","Weight":10},{"ServiceName":"web-stable","ServicePort":"443","Weight":90}]}}"#;
    let managed = format!(r#"{{"web":["{ACTION}"]}}"#);
    assert_eq!(
        *patch,
        json!({"metadata": {"annotations": {ACTION: action, MANAGED: managed}}})
    );
    assert_eq!(written[0].1[0].reason, "PatchingALBIngress");
    assert_eq!(written[0].1[0].message, "Updating Ingress `main` to desiredWeight '10'");
    assert_eq!(written[0].1.len(), 1);
    assert_eq!(case.observe(), carries(10, 10));
    assert!(case.write(&weight(10)).is_empty(), "the second time nothing is written");
}

#[test]
fn experiments_stand_between_canary_and_stable() {
    let mut case = case(json!({"ingress": "main", "servicePort": 80, "rootService": "web-stable"}));
    let of = |service: &str| Destination {
        service: service.to_owned(),
        hash: String::new(),
        weight: 5,
    };
    case.write(&Wanted {
        additional: vec![of("exp-a"), of("exp-b")],
        ..weight(10)
    });
    let action: Value = serde_json::from_str(annotation(&case, "main", ACTION)).unwrap();
    let groups = action["ForwardConfig"]["TargetGroups"].as_array().unwrap();
    let groups: Vec<_> = groups
        .iter()
        .map(|of| (of["ServiceName"].as_str().unwrap(), of["Weight"].as_i64().unwrap()))
        .collect();
    assert_eq!(
        groups,
        [("web-canary", 10), ("exp-a", 5), ("exp-b", 5), ("web-stable", 80)]
    );
    assert_eq!(case.observe(), carries(10, 10));
}

#[test]
fn clients_stay_with_their_target_group() {
    let error = "TargetGroupStickinessConfig's duration must be between 1 and 604800 seconds (7 days)!";
    let of = |enabled: bool, seconds: i64| json!({"enabled": enabled, "durationSeconds": seconds});
    let rows = [
        (Value::Null, Value::Null, Ok(None)),
        (of(true, 0), Value::Null, Err(())),
        (of(true, 1), Value::Null, Ok(Some(1))),
        (of(true, 604_800), Value::Null, Ok(Some(604_800))),
        (of(true, 604_801), Value::Null, Err(())),
        (of(false, 0), Value::Null, Ok(None)),
        (of(false, 60), json!({"cookie": {"maxAgeSeconds": 5}}), Ok(None)),
        (of(true, 60), json!({"cookie": {"maxAgeSeconds": 5}}), Ok(Some(60))),
        (Value::Null, json!({"cookie": {"maxAgeSeconds": 5}}), Ok(Some(5))),
        (Value::Null, json!({"cookie": {"name": "any"}}), Ok(Some(3600))),
        (Value::Null, json!({"cookie": {"maxAgeSeconds": 0}}), Err(())),
        (Value::Null, json!({"cookie": {"maxAgeSeconds": 604_801}}), Err(())),
    ];
    for (config, stickiness, expected) in rows {
        let text = format!("{config} {stickiness}");
        let alb = json!({"ingress": "main", "servicePort": 80, "stickinessConfig": config});
        let mut case = Case::new(json!({"alb": alb, "stickiness": stickiness}), [ingress("main")]);
        let Ok(expected) = expected else {
            assert_eq!(case.changes(&weight(10)).unwrap_err().message, error, "{text}");
            continue;
        };
        case.write(&weight(10));
        let sticky = annotation(&case, "main", ACTION)
            .split_once("}],")
            .map(|(_, rest)| rest);
        let wanted = expected.map(|seconds: i64| {
            format!(r#""TargetGroupStickinessConfig":{{"Enabled":true,"DurationSeconds":{seconds}}}}}}}"#)
        });
        assert_eq!(sticky, wanted.as_deref(), "{text}");
    }
}

#[test]
fn each_of_several_ingresses_is_written() {
    let mut case = case(json!({"ingresses": ["main", "second"], "servicePort": 80}));
    assert_eq!(case.write(&weight(10)).len(), 2);
    let ten = case.routes.clone();
    case.write(&weight(20));
    // The first is as wanted, the second is stale: it is written all the same.
    for route in &mut case.routes.0 {
        if route.place.name == "second" {
            route.seen = ten.seen(&route.place).clone();
        }
    }
    assert_eq!(case.observe(), carries(10, 20));
    let written = case.write(&weight(20));
    assert_eq!(
        written
            .iter()
            .map(|(change, _)| change.place().name.as_str())
            .collect::<Vec<_>>(),
        ["second"]
    );
    assert_eq!(case.observe(), carries(20, 20));
}

fn header(name: &str, matches: &[(&str, &str)]) -> SetHeaderRoute {
    let matches: Vec<_> = matches
        .iter()
        .map(|(name, value)| json!({"headerName": name, "headerValue": {"exact": value}}))
        .collect();
    serde_json::from_value(json!({"name": name, "match": matches})).unwrap()
}

#[test]
fn a_header_route_comes_and_goes() {
    let mut case = case(json!({"ingress": "main", "servicePort": 80}));
    case.write(&weight(10));
    let before = case.object("Ingress", "main").clone();
    let (one, two) = (
        header("one", &[("agent", "a"), ("v", "1"), ("agent", "b")]),
        header("two", &[("v", "2")]),
    );
    let wanted = Wanted {
        headers: vec![&two, &one],
        managed: vec!["one", "two", "three"],
        ..weight(10)
    };
    let written = case.write(&wanted);
    let told: Vec<_> = written[0].1.iter().map(|told| told.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "Updating Ingress `main` to headerRoute 'one'",
            "Updating Ingress `main` to headerRoute 'two'"
        ]
    );
    let action = r#"{"Type":"forward","ForwardConfig":{"TargetGroups":[{"ServiceName":"web-canary","ServicePort":"80","Weight":100}]}}"#;
    assert_eq!(
        annotation(&case, "main", "alb.ingress.kubernetes.io/actions.one"),
        action
    );
    let conditions = r#"[{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"agent","values":["a","b"]}},{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"v","values":["1"]}}]"#;
    assert_eq!(
        annotation(&case, "main", "alb.ingress.kubernetes.io/conditions.one"),
        conditions
    );
    let rules = &case.object("Ingress", "main")["spec"]["rules"];
    let names = |rule: usize| {
        rules[rule]["http"]["paths"]
            .as_array()
            .unwrap()
            .iter()
            .map(|path| path["backend"]["service"]["name"].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(0), ["one", "two", "ssl-redirect", "web-stable"]);
    assert_eq!(names(1), ["one", "two", "other"]);
    assert_eq!(rules[0]["http"]["paths"][0], path("one"));
    assert_eq!(rules[2], json!({"host": "c"}));
    assert!(case.write(&wanted).is_empty(), "the second time nothing is written");
    let gone = Wanted {
        headers: Vec::new(),
        ..wanted
    };
    let written = case.write(&gone);
    assert_eq!(
        written[0].1[0].message,
        "Updating Ingress `main` removing managed routes"
    );
    assert_eq!(*case.object("Ingress", "main"), before, "the exact original");
    assert!(case.write(&gone).is_empty());
}

#[test]
fn notes_of_other_rollouts_stay() {
    let mut main = ingress("main");
    main["metadata"]["annotations"][MANAGED] = json!(r#"{"api":["x/actions.api"]}"#);
    let mut case = Case::new(
        json!({"alb": {"ingress": "main", "annotationPrefix": "x", "servicePort": 80}}),
        [main.clone()],
    );
    case.write(&weight(10));
    assert_eq!(
        annotation(&case, "main", MANAGED),
        r#"{"api":["x/actions.api"],"web":["x/actions.web-stable"]}"#
    );
    main["metadata"]["annotations"][MANAGED] = json!("[1]");
    let case = Case::new(json!({"alb": {"ingress": "main"}}), [main]);
    let problem = case.changes(&weight(10)).unwrap_err();
    assert_eq!(
        problem.message,
        format!("annotation `{MANAGED}` of ingress `main` is not an object of lists")
    );
}

#[test]
fn references_are_checked() {
    let base = "spec.strategy.canary.trafficRouting.alb";
    let rows = [
        (json!({"ingress": "main"}), None),
        (json!({"ingress": "main", "rootService": "other"}), None),
        (
            json!({}),
            Some(
                r#".ingress: Invalid value: "": Either Ingress or Ingresses must be configured. Neither are configured."#,
            ),
        ),
        (
            json!({"ingress": "main", "ingresses": ["second"]}),
            Some(
                r#".ingress: Invalid value: "": Either Ingress or Ingresses must be configured. Both are configured."#,
            ),
        ),
        (
            json!({"ingress": "in"}),
            Some(r#".ingress: Invalid value: "in": ingress.networking.k8s.io "in" not found"#),
        ),
        (
            json!({"ingresses": ["main", "in"]}),
            Some(r#".ingresses: Invalid value: ["main","in"]: ingress.networking.k8s.io "in" not found"#),
        ),
        (
            json!({"ingress": "main", "rootService": "root"}),
            Some(r#".ingress: Invalid value: "main": ingress `main` has no rules using service root backend"#),
        ),
    ];
    for (alb, expected) in rows {
        let expected = expected.map(|text| format!("{base}{text}"));
        assert_eq!(case(alb.clone()).invalid(), expected, "{alb}");
    }
    let problem = |alb: Value| case(alb).changes(&weight(1)).unwrap_err().message;
    assert_eq!(
        problem(json!({"ingress": "in"})),
        "ingresses.networking.k8s.io \"in\" not found"
    );
    assert_eq!(
        problem(json!({"ingress": "main", "rootService": "root"})),
        "ingress does not have service `root` in rules"
    );
}

#[test]
fn weights_in_other_hands_are_read() {
    let rows = [
        (
            r#"{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"web-canary","servicePort":"80","weight":1},{"serviceName":"web-stable","weight":3}]}}"#,
            25,
        ),
        (
            r#"{"Type":"forward","ForwardConfig":{"TargetGroups":[{"ServiceName":"web-canary","Weight":1},{"ServiceName":"web-stable","Weight":998}]}}"#,
            1,
        ),
        (
            r#"{"Type":"forward","ForwardConfig":{"TargetGroups":[{"ServiceName":"web-canary","Weight":998},{"ServiceName":"web-stable","Weight":1}]}}"#,
            99,
        ),
        (
            r#"{"Type":"forward","ForwardConfig":{"TargetGroups":[{"ServiceName":"web-canary","Weight":9223372036854775807},{"ServiceName":"x","Weight":9223372036854775807}]}}"#,
            100,
        ),
        (
            r#"{"Type":"forward","ForwardConfig":{"TargetGroups":[{"ServiceName":"web-canary","Weight":-5}, 3, null]}}"#,
            0,
        ),
        (r#"{"Type":"redirect"}"#, 0),
        ("{", 0),
        ("", 0),
    ];
    for (action, expected) in rows {
        let mut main = ingress("main");
        main["metadata"]["annotations"][ACTION] = json!(action);
        let case = Case::new(json!({"alb": {"ingress": "main"}}), [main]);
        assert_eq!(case.observe(), carries(expected, expected), "{action}");
    }
}

#[test]
fn odd_objects_do_no_harm() {
    let head = |metadata: Value, spec: Value| json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec});
    let name = json!({"name": "main"});
    let rules =
        json!({"rules": [1, null, {"http": []}, {"http": {"paths": 5}}, {"http": {"paths": [0, path("web-stable")]}}]});
    let route = header("one", &[("agent", "a")]);
    for (metadata, spec) in [
        (name.clone(), Value::Null),
        (name.clone(), json!({"rules": "x"})),
        (
            name.clone(),
            json!({"defaultBackend": {"service": {"name": "web-stable"}}}),
        ),
        (name.clone(), rules.clone()),
        (json!({"name": "main", "annotations": null}), rules.clone()),
        (json!({"name": "main", "annotations": ["x"]}), rules),
    ] {
        let mut case = Case::new(json!({"alb": {"ingress": "main"}}), [head(metadata, spec)]);
        case.invalid();
        case.observe();
        let wanted = Wanted {
            headers: vec![&route],
            managed: vec!["one"],
            ..weight(10)
        };
        if case.changes(&wanted).is_ok() {
            case.write(&wanted);
            assert!(case.write(&wanted).is_empty());
        }
    }
}
