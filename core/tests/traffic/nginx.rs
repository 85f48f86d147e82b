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
