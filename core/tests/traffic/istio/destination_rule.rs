//! Subsets of a DestinationRule.

use super::{Case, messages, of_rule, of_vs, one, rule, to_subset, weight, write};
use serde_json::{Value, json};
use serin_core::traffic::{Destination, Routes, Wanted};

const HASH: &str = "rollouts-pod-template-hash";
const MANAGED_BY: &str = "argo-rollouts.argoproj.io/managed-by-rollouts";

fn route() -> Value {
    one(&json!([to_subset("stable", 90), to_subset("canary", 10)]))
}

fn subsets(case: &Case) -> &Value {
    &case.object("DestinationRule", "dr")["spec"]["subsets"]
}

#[test]
fn subsets_select_by_hash() {
    let policy = json!({"loadBalancer": {"simple": "ROUND_ROBIN"}});
    let mut case = Case::new(
        of_rule(),
        [
            route(),
            rule(&json!([
                {"name": "stable", "labels": {"app": "web"}, "trafficPolicy": policy},
                {"name": "foreign", "labels": {"app": "web", HASH: "theirs"}},
                {"name": "canary", "odd": 1},
                {"name": "exp-gone", "labels": {HASH: "gone"}},
                {"name": "x", "labels": {HASH: "x"}},
            ])),
        ],
    );
    let seen = case.observe();
    assert_eq!(
        (seen.canary_hash.as_deref(), seen.stable_hash.as_deref()),
        (Some(""), Some(""))
    );
    let wanted = Wanted {
        additional: vec![Destination {
            service: "exp".to_owned(),
            hash: "e".to_owned(),
            weight: 0,
        }],
        ..weight(10)
    };
    let changes = write(&mut case, &wanted);
    assert_eq!(changes[0].1[0].reason, "UpdatedDestinationRule");
    assert_eq!(
        messages(&changes)[0],
        "DestinationRule dr subset updated (canary: new, stable: old)"
    );
    let annotations = &case.object("DestinationRule", "dr")["metadata"]["annotations"];
    assert_eq!(*annotations, json!({"kept": "yes", MANAGED_BY: "web"}));
    assert_eq!(
        *subsets(&case),
        json!([
            {"name": "stable", "labels": {"app": "web", HASH: "old"}, "trafficPolicy": policy},
            {"name": "foreign", "labels": {"app": "web", HASH: "theirs"}},
            {"name": "canary", "odd": 1, "labels": {HASH: "new"}},
            {"name": "x", "labels": {HASH: "x"}},
            {"name": "exp", "labels": {HASH: "e"}},
        ])
    );
    let seen = case.observe();
    assert_eq!(
        (seen.canary_hash.as_deref(), seen.stable_hash.as_deref()),
        (Some("new"), Some("old"))
    );
    assert_eq!((seen.least, seen.most), (10, 10));
    the_experiment_ends(&mut case);
}

fn the_experiment_ends(case: &mut Case) {
    write(
        case,
        &Wanted {
            canary: 10,
            stable_hash: "old",
            ..Wanted::default()
        },
    );
    let names: Vec<&Value> = subsets(case)
        .as_array()
        .unwrap()
        .iter()
        .map(|subset| &subset["name"])
        .collect();
    assert_eq!(
        names,
        ["stable", "foreign", "canary", "x"],
        "the subset of the experiment went"
    );
    assert_eq!(subsets(case)[2], json!({"name": "canary", "odd": 1}));
}

#[test]
fn a_missing_subset_is_made() {
    let mut case = Case::new(of_rule(), [route(), rule(&json!(null))]);
    write(&mut case, &weight(10));
    let expected = json!([
        {"name": "canary", "labels": {HASH: "new"}},
        {"name": "stable", "labels": {HASH: "old"}},
    ]);
    assert_eq!(*subsets(&case), expected);
}

#[test]
fn a_missing_rule_is_a_problem() {
    let case = Case::new(of_rule(), [route()]);
    let problem = case.changes(&weight(10)).unwrap_err();
    assert_eq!(problem.reason, "DestinationRuleNotFound");
    assert_eq!(problem.message, "DestinationRule `dr` not found");
    let seen = case.observe();
    assert_eq!(
        (seen.canary_hash.as_deref(), seen.stable_hash.as_deref()),
        (Some(""), Some(""))
    );
    assert_eq!(
        Case::new(of_vs(), [route()]).observe().canary_hash,
        None,
        "the Services decide"
    );
}

#[test]
fn a_rule_is_given_back() {
    let mut object = rule(&json!([
        {"name": "stable", "labels": {"app": "web", HASH: "old"}},
        {"name": "canary", "labels": {HASH: "new"}, "trafficPolicy": {}},
        {"name": "none"},
    ]));
    let left = |object: &Value, rollout: &str, named: bool| {
        let routes = Routes(vec![crate::route(object.clone())]);
        let named: Vec<_> = routes.0.iter().filter(|_| named).map(|of| of.place.clone()).collect();
        serin_core::traffic::left(rollout, &named, &routes)
    };
    assert_eq!(left(&object, "web", false), [], "it belongs to nobody");
    object["metadata"]["annotations"][MANAGED_BY] = json!("web");
    assert_eq!(left(&object, "other", false), []);
    assert_eq!(left(&object, "web", true), [], "it is named still");
    let next = left(&object, "web", false);
    let given = next[0].object.clone().unwrap();
    assert_eq!(given["metadata"]["annotations"], json!({"kept": "yes"}));
    let expected = json!([
        {"name": "stable", "labels": {"app": "web"}},
        {"name": "canary", "trafficPolicy": {}},
        {"name": "none"},
    ]);
    assert_eq!(given["spec"]["subsets"], expected);
    assert_eq!(left(&given, "web", false), []);
    object["spec"] = json!(4);
    assert_eq!(left(&object, "web", false)[0].object.as_ref().unwrap()["spec"], 4);
}
