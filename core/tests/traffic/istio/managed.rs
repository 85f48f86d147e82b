//! Header and mirror routes, and the order of the routes.

use super::{Case, messages, names, of_rule, one, rule, service, to, to_subset, weight, weights, write};
use serde_json::{Value, json};
use serin_core::api::canary_step::{SetHeaderRoute, SetMirrorRoute};
use serin_core::traffic::Wanted;

fn both() -> Value {
    json!([
        {"destination": {"host": "web-stable", "port": {"number": 8080}}, "weight": 100},
        to("web-canary", 0),
    ])
}

fn routing(routes: &[&str], managed: &[&str]) -> Value {
    let managed: Vec<Value> = managed.iter().map(|name| json!({"name": name})).collect();
    json!({"istio": {"virtualService": {"name": "vs", "routes": routes}}, "managedRoutes": managed})
}

fn header() -> SetHeaderRoute {
    serde_json::from_value(json!({"name": "h", "match": [
        {"headerName": "agent", "headerValue": {"regex": ".*Chrome.*"}},
        {"headerName": "v", "headerValue": {"exact": "1"}},
        {"headerName": "p", "headerValue": {"prefix": "x"}},
    ]}))
    .unwrap()
}

fn mirror(percentage: Option<i32>) -> SetMirrorRoute {
    serde_json::from_value(json!({"name": "m", "percentage": percentage, "match": [
        {"method": {"exact": "GET"}, "path": {"prefix": "/"}, "headers": {"agent": {"regex": "a.*"}}},
    ]}))
    .unwrap()
}

#[test]
fn a_header_route_is_set_and_removed() {
    let mut case = Case::new(routing(&[], &["h"]), [service(&json!({"http": [{"route": both()}]}))]);
    let header = header();
    let wanted = Wanted {
        headers: vec![&header],
        managed: vec!["h"],
        ..weight(0)
    };
    let changes = write(&mut case, &wanted);
    assert_eq!(messages(&changes), ["VirtualService `vs` set headerRoute 'h'"]);
    assert_eq!(
        case.object("VirtualService", "vs")["spec"]["http"][0],
        json!({
            "name": "h",
            "match": [
                {"headers": {"agent": {"regex": ".*Chrome.*"}}},
                {"headers": {"v": {"exact": "1"}}},
                {"headers": {"p": {"prefix": "x"}}},
            ],
            "route": [{"weight": 100, "destination": {"host": "web-canary", "port": {"number": 8080}}}],
        })
    );
    assert_eq!(case.invalid(), None);
    assert_eq!(
        (case.observe().least, case.observe().most),
        (0, 0),
        "a header route is no weight"
    );
    let changes = write(
        &mut case,
        &Wanted {
            managed: vec!["h"],
            ..weight(20)
        },
    );
    let expected = [
        "VirtualService `vs` set to desiredWeight '20'",
        "VirtualService `vs` removed all managed routes.",
    ];
    assert_eq!(messages(&changes), expected);
    assert_eq!(names(&case), ["-"]);
}

#[test]
fn a_mirror_needs_no_name_of_the_route() {
    // Contract 11 C3: upstream panics here.
    for routes in [&[][..], &["main"]] {
        let mut case = Case::new(routing(routes, &["m"]), [one(&both())]);
        let mirror = mirror(None);
        let wanted = |canary: i32| Wanted {
            mirrors: vec![&mirror],
            managed: vec!["m"],
            ..weight(canary)
        };
        let changes = write(&mut case, &wanted(0));
        assert_eq!(messages(&changes), ["VirtualService `vs` set mirrorRoute 'm'"]);
        let http = &case.object("VirtualService", "vs")["spec"]["http"];
        assert_eq!(
            http[0],
            json!({
                "name": "m",
                "match": [{"method": {"exact": "GET"}, "uri": {"prefix": "/"}, "headers": {"agent": {"regex": "a.*"}}}],
                "route": both(),
                "mirror": {"host": "web-canary", "port": {"number": 8080}},
                "mirrorPercentage": {"value": 100},
            })
        );
        write(&mut case, &wanted(30));
        for index in [0, 1] {
            assert_eq!(
                weights(&case, "http", index)[1],
                ("web-canary".to_owned(), 30),
                "the copy follows"
            );
        }
        assert_eq!((case.observe().least, case.observe().most), (30, 30));
    }
}

#[test]
fn subsets_are_led_to_by_the_host_of_the_rule() {
    let mut spec = of_rule();
    spec["managedRoutes"] = json!([{"name": "h"}, {"name": "m"}]);
    let route = one(&json!([to_subset("stable", 100), to_subset("canary", 0)]));
    let mut case = Case::new(spec, [route, rule(&json!([]))]);
    let (header, mirror) = (header(), mirror(Some(35)));
    let wanted = Wanted {
        headers: vec![&header],
        mirrors: vec![&mirror],
        managed: vec!["h", "m"],
        ..weight(0)
    };
    write(&mut case, &wanted);
    let http = &case.object("VirtualService", "vs")["spec"]["http"];
    let canary = json!({"host": "web", "subset": "canary"});
    assert_eq!(http[0]["route"], json!([{"weight": 100, "destination": canary}]));
    assert_eq!(http[1]["mirror"], canary);
    assert_eq!(http[1]["mirrorPercentage"], json!({"value": 35}));
}

#[test]
fn managed_routes_come_first_in_their_order() {
    let route = |name: &str| json!({"name": name, "route": both()});
    let (header, mirror) = (header(), mirror(None));
    let rows: [(&[&str], &[&str]); 4] = [
        (&["m", "h"], &["m", "h", "foreign", "main"]),
        (&["h", "m"], &["h", "m", "foreign", "main"]),
        (&["m", "h", "main"], &["m", "h", "main", "foreign"]),
        (&["h", "main", "m"], &["h", "main", "m", "foreign"]),
    ];
    for (managed, expected) in rows {
        let object = service(&json!({"http": [route("foreign"), route("main"), {"name": "h", "timeout": "1s"}]}));
        let mut case = Case::new(routing(&["main"], managed), [object]);
        let wanted = Wanted {
            headers: vec![&header],
            mirrors: vec![&mirror],
            managed: managed.to_vec(),
            ..weight(10)
        };
        write(&mut case, &wanted);
        assert_eq!(names(&case), expected, "{managed:?}");
        let http = case.object("VirtualService", "vs")["spec"]["http"].as_array().unwrap();
        let h = http.iter().find(|route| route["name"] == "h").unwrap();
        assert_eq!(h["timeout"], "1s", "foreign fields stay");
        let changes = write(
            &mut case,
            &Wanted {
                headers: vec![&header],
                managed: managed.to_vec(),
                ..weight(10)
            },
        );
        assert_eq!(messages(&changes), ["VirtualService `vs` removed managed route 'm'"]);
        write(
            &mut case,
            &Wanted {
                managed: managed.to_vec(),
                ..weight(10)
            },
        );
        let mut left = names(&case);
        left.sort_unstable();
        assert_eq!(
            left,
            ["foreign", "main"],
            "the route that carries the weights stays, managed or not"
        );
    }
}

#[test]
fn the_only_route_stays_even_if_it_is_managed() {
    let header = header();
    let mut case = Case::new(routing(&[], &["h", "main"]), [one(&both())]);
    let managed = vec!["h", "main"];
    write(
        &mut case,
        &Wanted {
            headers: vec![&header],
            managed: managed.clone(),
            ..weight(10)
        },
    );
    assert_eq!(names(&case), ["h", "main"]);
    assert_eq!((case.observe().least, case.observe().most), (10, 10));
    write(&mut case, &Wanted { managed, ..weight(20) });
    assert_eq!(names(&case), ["main"]);
    assert_eq!(weights(&case, "http", 0)[1].1, 20);
}

#[test]
fn a_step_cannot_take_the_name_of_the_route() {
    let mut header = header();
    header.name = "main".to_owned();
    let case = Case::new(routing(&["main"], &["main"]), [one(&both())]);
    let problem = case.changes(&Wanted {
        headers: vec![&header],
        managed: vec!["main"],
        ..weight(10)
    });
    assert_eq!(problem.unwrap_err().reason, "TrafficRoutingError");
}

#[test]
fn other_lists_are_untouched() {
    let mut case = Case::new(
        routing(&[], &["h", "m"]),
        [service(&json!({"tls": [{"route": both()}]}))],
    );
    let (header, mirror) = (header(), mirror(None));
    let wanted = Wanted {
        headers: vec![&header],
        mirrors: vec![&mirror],
        managed: vec!["h", "m"],
        ..weight(0)
    };
    assert_eq!(case.write(&wanted), []);
    let mut empty = Case::new(routing(&[], &["h"]), [service(&json!({"http": []}))]);
    assert_eq!(empty.write(&wanted), [], "there is no traffic to route");
}
