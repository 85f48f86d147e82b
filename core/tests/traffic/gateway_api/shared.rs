//! A route that several rollouts share, its mark, and backends of experiments.

use super::{backend, both, case, http, managed, of, rule, rules, settled, weight};
use crate::Case;
use serde_json::{Value, json};
use serin_core::traffic::{Destination, Wanted};

const LABEL: &str = "rollouts.argoproj.io/gatewayapi-canary";
const ACTIVE: &str = "rollouts.argoproj.io/gatewayapi-active-rollouts";
const MANAGED: &str = "rollouts.argoproj.io/managed-routes";

#[test]
fn a_route_is_marked_while_a_canary_is_under_way() {
    let header = managed::header("h", json!({"exact": "1"}));
    let on = managed::wanted(0, vec![&header], vec![], vec!["h"]);
    // What lists the rollouts before, what is wanted, and what is listed after.
    let rows = [
        (json!(null), weight(10), json!("shop/web")),
        (json!(null), on, json!("shop/web")),
        (json!("a/b"), weight(10), json!("a/b,shop/web")),
        (json!("a/b,shop/web"), weight(0), json!("a/b")),
        (json!("shop/web"), weight(0), json!(null)),
        (json!(null), weight(0), json!(null)),
    ];
    for (before, wanted, after) in rows {
        let mut object = http(json!([rule("/", both(0))]));
        object["metadata"]["annotations"] = json!({"kept": "yes"});
        object["metadata"]["labels"] = json!({"app": "web"});
        if before.is_string() {
            object["metadata"]["annotations"][ACTIVE] = before.clone();
            object["metadata"]["labels"][LABEL] = json!("in-progress");
        }
        let mut case = Case::new(json!({"gatewayAPI": {"httpRoute": "main"}}), [object]);
        case.write(&wanted);
        let metadata = &case.object("HTTPRoute", "main")["metadata"];
        assert_eq!(metadata["annotations"][ACTIVE], after, "{before}");
        let label = if after.is_null() {
            json!(null)
        } else {
            json!("in-progress")
        };
        assert_eq!(metadata["labels"][LABEL], label);
        assert_eq!(
            (&metadata["annotations"]["kept"], &metadata["labels"]["app"]),
            (&json!("yes"), &json!("web"))
        );
        settled(&mut case, &wanted);
    }
}

#[test]
fn the_mark_is_configured() {
    let rows = [
        (json!({"disableInProgressLabel": true}), json!({"name": "main"})),
        (
            json!({"inProgressLabelKey": "k", "inProgressLabelValue": "v", "activeRolloutsAnnotationKey": "a"}),
            json!({"name": "main", "labels": {"k": "v"}, "annotations": {"a": "shop/web"}}),
        ),
    ];
    for (more, expected) in rows {
        let mut routing = json!({"gatewayAPI": {"httpRoute": "main"}});
        routing["gatewayAPI"]
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let mut case = Case::new(routing, [http(json!([rule("/", both(0))]))]);
        case.write(&weight(10));
        assert_eq!(case.object("HTTPRoute", "main")["metadata"], expected);
    }
}

#[test]
fn managed_rules_of_another_rollout_stay() {
    let header = managed::header("h", json!({"exact": "1"}));
    let on = managed::wanted(0, vec![&header], vec![], vec!["h"]);
    let matches = json!([{"path": {"type": "PathPrefix", "value": "/"}, "headers": [{"name": "agent", "type": "Exact", "value": "1"}]}]);
    let theirs = json!({"matches": matches, "backendRefs": [backend("api-canary", 1)]});
    let record = json!({"shop/api": {"routes": {"h": [matches]}}});
    let mut object = http(json!([theirs, rule("/", both(0))]));
    object["metadata"]["annotations"] = json!({MANAGED: record.to_string()});
    let mut case = Case::new(json!({"gatewayAPI": {"httpRoute": "main"}}), [object]);
    case.write(&on);
    assert_eq!(rules(&case).as_array().unwrap().len(), 3);
    assert_eq!(rules(&case)[1], theirs);
    let off = managed::wanted(0, vec![], vec![], vec!["h"]);
    case.write(&off);
    assert_eq!(*rules(&case), json!([theirs, rule("/", both(0))]));
    let written = case.object("HTTPRoute", "main")["metadata"]["annotations"][MANAGED]
        .as_str()
        .unwrap();
    assert_eq!(serde_json::from_str::<Value>(written).unwrap(), record);
}

#[test]
fn a_rule_that_nobody_recorded_stays() {
    let header = managed::header("h", json!({"exact": "1"}));
    let on = managed::wanted(0, vec![&header], vec![], vec!["h"]);
    let own = rule("/beta", json!([backend("web-canary", 1)]));
    let mut case = case(json!([own, rule("/", both(0))]));
    case.write(&on);
    case.write(&managed::wanted(0, vec![], vec![], vec!["h"]));
    assert_eq!(*rules(&case), json!([own, rule("/", both(0))]));
}

#[test]
fn experiments_have_backends_of_their_own() {
    let additional = ["exp-a", "exp-b"].map(|service| Destination {
        service: service.to_owned(),
        weight: 5,
        ..Destination::default()
    });
    let wanted = Wanted {
        additional: additional.to_vec(),
        ..weight(10)
    };
    let other = backend("other", 3);
    let found = json!([backend("web-stable", 100), backend("web-canary", 0), other]);
    let mut case = case(json!([rule("/", found)]));
    case.write(&wanted);
    let expected = json!([
        backend("web-stable", 80),
        backend("web-canary", 10),
        other,
        backend("exp-a", 5),
        backend("exp-b", 5),
    ]);
    assert_eq!(rules(&case)[0]["backendRefs"], expected);
    assert_eq!(case.observe(), of(10, 10));
    settled(&mut case, &wanted);
    case.write(&weight(20));
    let expected = json!([backend("web-stable", 80), backend("web-canary", 20), other]);
    assert_eq!(rules(&case)[0]["backendRefs"], expected);
}
