//! ingress-nginx (contract 07 §2, §11).

use super::{Case, weight};
use serde_json::{Value, json};
use serin_core::traffic::{Change, Reported};

fn main_ingress() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "main", "annotations": {"kubernetes.io/ingress.class": "nginx"}},
        "spec": {
            "tls": [{"hosts": ["a"], "secretName": "s"}],
            "rules": [
                {"host": "a", "http": {"paths": [
                    {"path": "/", "backend": {"service": {"name": "web-stable", "port": {"number": 80}}}},
                    {"path": "/x", "backend": {"service": {"name": "other", "port": {"number": 80}}}},
                ]}},
                {"host": "b", "http": {"paths": [
                    {"path": "/", "backend": {"service": {"name": "other", "port": {"number": 80}}}},
                ]}},
                {"host": "c"},
            ],
        },
    })
}

#[test]
fn a_canary_ingress_is_made_and_patched() {
    let mut case = Case::new(json!({"nginx": {"stableIngress": "main"}}), [main_ingress()]);
    assert_eq!(case.invalid(), None);
    let made = case.write(&weight(0));
    assert!(matches!(made[0].0, Change::Create { owned: true, .. }));
    assert_eq!(
        made[0].1[0].message,
        "Creating canary ingress `web-main-canary` with weight `0`"
    );
    let rules = &case.object("Ingress", "web-main-canary")["spec"]["rules"];
    assert_eq!(
        rules.as_array().unwrap().len(),
        1,
        "only rules that lead to the stable Service"
    );
    assert_eq!(rules[0]["http"]["paths"][0]["backend"]["service"]["name"], "web-canary");
    assert_eq!(rules[0]["http"]["paths"][1]["backend"]["service"]["name"], "other");
    let patched = case.write(&weight(10));
    let Change::Patch { patch, .. } = &patched[0].0 else {
        panic!("{patched:?}")
    };
    let annotations = json!({"nginx.ingress.kubernetes.io/canary-weight": "10"});
    assert_eq!(*patch, json!({"metadata": {"annotations": annotations}}));
    assert_eq!(
        patched[0].1[0].message,
        "Updating Ingress `web-main-canary` to desiredWeight '10'"
    );
    let ten = Reported {
        least: 10,
        most: 10,
        ..Reported::default()
    };
    assert_eq!(case.observe(), ten);
    assert!(case.write(&weight(10)).is_empty(), "the second time nothing is written");
}

fn one(nginx: Value, objects: impl IntoIterator<Item = Value>) -> Case {
    Case::new(json!({"nginx": nginx}), objects)
}

/// The Ingress of a canary as somebody made it.
fn canary_ingress(uid: &str, annotations: Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": "web-main-canary",
            "annotations": annotations,
            "ownerReferences": [{"controller": true, "uid": uid}],
        },
        "spec": null,
    })
}

#[test]
fn annotations_come_from_the_spec_and_the_stable_ingress() {
    let p = "nginx.ingress.kubernetes.io";
    let class = json!({"kubernetes.io/ingress.class": "nginx"});
    let own = |prefix: &str, weight: &str| json!({format!("{prefix}/canary"): "true", format!("{prefix}/canary-weight"): weight});
    let rows = [
        (json!({}), own(p, "10"), json!({})),
        (json!({"nginx": {"annotationPrefix": "x"}}), own("x", "10"), json!({})),
        (
            json!({"maxTrafficWeight": 1000}),
            own(p, "10"),
            json!({format!("{p}/canary-weight-total"): "1000"}),
        ),
        (
            json!({"nginx": {"additionalIngressAnnotations": {"canary-by-header": "X", format!("{p}/a"): "1"}}}),
            own(p, "10"),
            json!({format!("{p}/canary-by-header"): "X", format!("{p}/a"): "1"}),
        ),
        (
            json!({"nginx": {
                "additionalIngressAnnotations": {"a": "1", "canary": "no"},
                "canaryIngressAnnotations": {format!("{p}/a"): "2", "verbatim": "3", format!("{p}/canary-weight"): "99"},
            }}),
            own(p, "10"),
            json!({format!("{p}/a"): "2", "verbatim": "3"}),
        ),
        (
            json!({"nginx": {"canaryIngressAnnotations": {format!("{p}/canary-weight-total"): "200"}}}),
            own(p, "10"),
            json!({format!("{p}/canary-weight-total"): "200"}),
        ),
    ];
    for (routing, own, more) in rows {
        let routing = super::patched(&json!({"nginx": {"stableIngress": "main"}}), &routing);
        let expected = super::patched(&super::patched(&class, &own), &more);
        let mut case = Case::new(routing.clone(), [main_ingress()]);
        case.write(&weight(10));
        assert_eq!(
            case.object("Ingress", "web-main-canary")["metadata"]["annotations"],
            expected,
            "{routing}"
        );
        assert!(case.write(&weight(10)).is_empty(), "{routing}");
        // A foreign one stays, and a total that is not wanted goes.
        let theirs = json!({"foreign": "stays", format!("{p}/canary-weight-total"): "7"});
        let mut case = Case::new(routing.clone(), [main_ingress(), canary_ingress("uid-web", theirs)]);
        case.write(&weight(10));
        let expected = super::patched(&expected, &json!({"foreign": "stays"}));
        let object = case.object("Ingress", "web-main-canary");
        let annotations = &object["metadata"]["annotations"];
        if routing["nginx"]["annotationPrefix"].is_null() {
            assert_eq!(*annotations, expected, "{routing}");
        }
        assert_eq!(annotations["foreign"], "stays");
        assert_eq!(object["spec"]["tls"], main_ingress()["spec"]["tls"]);
    }
}

#[test]
fn long_names_are_cut() {
    let long = "i".repeat(250);
    let mut stable = main_ingress();
    stable["metadata"]["name"] = json!(long);
    let mut case = one(json!({"stableIngresses": ["main", long]}), [main_ingress(), stable]);
    let made = case.write(&weight(0));
    let names: Vec<_> = made.iter().map(|(change, _)| change.place().name.clone()).collect();
    assert_eq!(
        names,
        ["web-main-canary".to_owned(), format!("web-{}-canary", "i".repeat(242))]
    );
}

#[test]
fn what_cannot_be_written_is_named() {
    let foreign = one(
        json!({"stableIngress": "main"}),
        [main_ingress(), canary_ingress("else", json!({}))],
    );
    let problem = foreign.changes(&weight(1)).unwrap_err();
    assert_eq!(
        problem.message,
        "canary ingress `web-main-canary` controlled by different object"
    );
    let missing = one(json!({"stableIngress": "in"}), []);
    assert_eq!(
        missing.changes(&weight(1)).unwrap_err().message,
        "ingresses.networking.k8s.io \"in\" not found"
    );
    let mut elsewhere = main_ingress();
    elsewhere["spec"]["rules"] =
        json!([{"host": "c"}, {"http": {"paths": [{"backend": {"resource": {"kind": "x"}}}]}}, null, 5]);
    let elsewhere = one(json!({"stableIngress": "main"}), [elsewhere]);
    let text = "ingress `main` has no rules using service web-stable backend";
    assert_eq!(elsewhere.changes(&weight(1)).unwrap_err().message, text);
}

#[test]
fn references_are_checked() {
    let mut elsewhere = main_ingress();
    elsewhere["metadata"]["name"] = json!("elsewhere");
    elsewhere["spec"] = json!({});
    let mut default = elsewhere.clone();
    default["metadata"]["name"] = json!("default");
    default["spec"]["defaultBackend"] = json!({"service": {"name": "web-stable"}});
    let which = "Either StableIngress or StableIngresses must be configured.";
    let rules = "ingress `elsewhere` has no rules using service web-stable backend";
    let missing = "ingress.networking.k8s.io \"in\" not found";
    let rows = [
        (json!({"stableIngress": "main"}), None),
        (json!({"stableIngresses": ["main", "default"]}), None),
        (
            json!({}),
            Some(format!(
                "stableIngress: Invalid value: \"\": {which} Neither are configured."
            )),
        ),
        (
            json!({"stableIngress": "main", "stableIngresses": ["main"]}),
            Some(format!(
                "stableIngress: Invalid value: \"\": {which} Both are configured."
            )),
        ),
        (
            json!({"stableIngress": "in"}),
            Some(format!("stableIngress: Invalid value: \"in\": {missing}")),
        ),
        (
            json!({"stableIngresses": ["elsewhere", "in"]}),
            Some(format!(
                "StableIngresses: Invalid value: [\"elsewhere\",\"in\"]: {missing}"
            )),
        ),
        (
            json!({"stableIngress": "elsewhere"}),
            Some(format!("stableIngress: Invalid value: \"elsewhere\": {rules}")),
        ),
        (
            json!({"stableIngresses": ["main", "elsewhere"]}),
            Some(format!(
                "StableIngresses: Invalid value: [\"main\",\"elsewhere\"]: {rules}"
            )),
        ),
    ];
    for (nginx, expected) in rows {
        let case = one(nginx.clone(), [main_ingress(), elsewhere.clone(), default.clone()]);
        let expected = expected.map(|text| format!("spec.strategy.canary.trafficRouting.nginx.{text}"));
        assert_eq!(case.invalid(), expected, "{nginx}");
    }
}
