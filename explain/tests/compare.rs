//! Git, live and stable side by side: tables of cases, and recorded answers of a real Argo CD.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![expect(clippy::needless_pass_by_value, reason = "json!() values read best at the call")]

use serde_json::{Value, json};
use serin_explain::compare::{Columns, Compared, compare, is_same};
use serin_explain::explanation::DifferenceKind::{self, Controller, Defaulted, Frozen, Ignored, Meaningful};
use serin_gitops::argocd::{Application, IgnoreRule};

fn recorded(file: &str) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../gitops/tests/argocd-rest");
    serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap()
}

fn state(file: &str, key: &str) -> Value {
    serde_json::from_str(recorded(file)["items"][0][key].as_str().unwrap()).unwrap()
}

fn kinds(compared: &Compared) -> Vec<(&str, DifferenceKind)> {
    compared
        .differences
        .iter()
        .map(|difference| (difference.field.path.as_str(), difference.field.kind))
        .collect()
}

fn rule(kind: &str, rule: IgnoreRule) -> IgnoreRule {
    IgnoreRule {
        group: "*".into(),
        kind: kind.into(),
        ..rule
    }
}

#[test]
fn replicas_changed_by_hand_are_the_only_drift() {
    let file = "41-managed-resources-rollout-outofsync.json";
    let (git, live) = (state(file, "targetState"), state(file, "liveState"));
    let compared = compare(&Columns {
        git: Some(&git),
        live: Some(&live),
        ..Columns::default()
    });
    // A person changed all of them with kubectl; of those that are only live, Argo CD says nothing.
    let wanted = [
        ("metadata.annotations.rollout.argoproj.io/revision", Controller),
        ("spec.minReadySeconds", Meaningful),
        ("spec.replicas", Meaningful),
        ("spec.restartAt", Meaningful),
        ("spec.template.spec.containers[0].env", Meaningful),
    ];
    assert_eq!(kinds(&compared), wanted);
    let field = |path: &str| {
        compared
            .differences
            .iter()
            .find(|difference| difference.field.path == path)
            .unwrap()
    };
    let replicas = field("spec.replicas");
    assert_eq!((&replicas.field.git, &replicas.field.live), (&json!(2), &json!(5)));
    assert_eq!(replicas.git_path.as_ref().unwrap().to_string(), "spec.replicas");
    assert_eq!(field("spec.minReadySeconds").git_path, None, "there is no line to edit");
    assert_eq!(
        field("spec.template.spec.containers[0].env").field.live,
        json!([{"name": "DEBUG", "value": "<redacted>"}])
    );
}

#[test]
fn a_service_that_the_controller_points_at_pods_is_no_drift() {
    for item in recorded("42-managed-resources-service.json")["items"]
        .as_array()
        .unwrap()
    {
        let state = |key: &str| -> Value { serde_json::from_str(item[key].as_str().unwrap()).unwrap() };
        let (git, live) = (state("targetState"), state("liveState"));
        let compared = compare(&Columns {
            git: Some(&git),
            live: Some(&live),
            ..Columns::default()
        });
        let wrong: Vec<_> = kinds(&compared)
            .into_iter()
            .filter(|(_, kind)| !matches!(kind, Controller | Defaulted))
            .collect();
        assert_eq!(wrong, []);
        assert!(
            kinds(&compared).contains(&("spec.selector.rollouts-pod-template-hash", Controller)),
            "{:?}",
            kinds(&compared)
        );
    }
}

#[test]
fn an_ignored_weight_freezes_the_array_around_it() {
    let file = "91-managed-resources-frozen-array.json";
    let (git, live) = (state(file, "targetState"), state(file, "liveState"));
    let rules = Application::new(recorded("90-application-frozen-array.json")).ignore_rules();
    let columns = Columns {
        git: Some(&git),
        live: Some(&live),
        rules: &rules,
        respects_ignored: true,
        ..Columns::default()
    };
    let with = |weights, timeout| {
        let weight = |place| format!("spec.http[0].route[{place}].weight");
        vec![
            (weight(0), weights),
            (weight(1), weights),
            ("spec.http[0].timeout".to_owned(), timeout),
        ]
    };
    let found = |columns: &Columns<'_>| {
        let compared = compare(columns);
        kinds(&compared)
            .into_iter()
            .map(|(path, kind)| (path.to_owned(), kind))
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&columns), with(Ignored, Frozen));
    assert_eq!(
        found(&Columns {
            respects_ignored: false,
            ..columns
        }),
        with(Ignored, Meaningful)
    );
    assert_eq!(found(&Columns { rules: &[], ..columns }), with(Controller, Meaningful));
}

/// Seen on a real Argo CD (`drift::respected_differences_freeze_containers`, `drift::respected_replicas_stay`).
#[test]
fn respected_differences_freeze_containers_without_resources() {
    let object = |image: &str, more: &Value, replicas: u32| {
        rollout(json!({"replicas": replicas, "template": template(image, more.clone())}))
    };
    let cases = [
        (json!({}), Frozen),
        (json!({"resources": {"limits": {"cpu": "0.1"}}}), Frozen),
        (json!({"resources": {}}), Meaningful),
        (json!({"resources": {"limits": {"cpu": "100m"}}}), Meaningful),
    ];
    let rules = [rule(
        "Rollout",
        IgnoreRule {
            pointers: vec!["/spec/replicas".into()],
            ..IgnoreRule::default()
        },
    )];
    for (more, wanted) in cases {
        let (git, live) = (object("a:2", &more, 2), object("a:1", &more, 3));
        let columns = Columns {
            git: Some(&git),
            live: Some(&live),
            rules: &rules,
            respects_ignored: true,
            ..Columns::default()
        };
        let image = "spec.template.spec.containers[0].image";
        assert_eq!(
            kinds(&compare(&columns)),
            [("spec.replicas", Ignored), (image, wanted)],
            "{more}"
        );
        let without = compare(&Columns {
            respects_ignored: false,
            ..columns
        });
        assert_eq!(
            kinds(&without),
            [("spec.replicas", Ignored), (image, Meaningful)],
            "{more}"
        );
    }
}

#[test]
fn a_rule_that_is_not_understood_is_told() {
    let file = "91-managed-resources-frozen-array.json";
    let (git, live) = (state(file, "targetState"), state(file, "liveState"));
    let odd = |kind| {
        [rule(
            kind,
            IgnoreRule {
                jq: vec![".. | .weight?".into()],
                ..IgnoreRule::default()
            },
        )]
    };
    let compared = compare(&Columns {
        git: Some(&git),
        live: Some(&live),
        rules: &odd("VirtualService"),
        ..Columns::default()
    });
    assert_eq!(compared.not_understood, [".. | .weight?"]);
    assert_eq!(compared.differences.len(), 3);
    let compared = compare(&Columns {
        git: Some(&git),
        live: Some(&live),
        rules: &odd("Service"),
        ..Columns::default()
    });
    assert_eq!(compared.not_understood, [""; 0]);
}

/// What it is about, Git's spec, the live object, the only field that differs.
type Case = (&'static str, Value, Value, Option<(&'static str, DifferenceKind)>);

fn rollout(spec: Value) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web", "namespace": "demo"}, "spec": spec})
}

fn applied(mut live: Value, last: Value) -> Value {
    live["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": last.to_string()});
    live
}

fn managed(mut live: Value, manager: &str, subresource: &str, fields: Value) -> Value {
    live["metadata"]["managedFields"] = json!([{"manager": manager, "subresource": subresource, "operation": "Update",
        "fieldsV1": fields, "time": "2026-11-21T08:16:31Z"}]);
    live
}

fn limited(cpu: &str) -> Value {
    json!({"template": template("a:1", json!({"resources": {"limits": {"cpu": cpu}}}))})
}

fn template(image: &str, more: Value) -> Value {
    let mut container = json!({"name": "web", "image": image});
    container
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}})
}

/// Each case: what Git has, what is live, what is expected.
fn are_told(cases: Vec<Case>) {
    for (case, git, live, wanted) in cases {
        let git = rollout(git);
        let compared = compare(&Columns {
            git: Some(&git),
            live: Some(&live),
            ..Columns::default()
        });
        assert_eq!(kinds(&compared), wanted.into_iter().collect::<Vec<_>>(), "{case}");
    }
}

#[test]
fn the_number_of_pods_is_an_autoscalers_or_a_persons() {
    let replicas = || json!({"f:spec": {"f:replicas": {}}});
    let two = || rollout(json!({"a": 1, "replicas": 3}));
    are_told(vec![
        (
            "scaled by an autoscaler",
            json!({"a": 1, "replicas": 2}),
            managed(two(), "kube-controller-manager", "scale", replicas()),
            Some(("spec.replicas", Controller)),
        ),
        (
            "scaled by a person",
            json!({"a": 1, "replicas": 2}),
            managed(two(), "kubectl", "scale", replicas()),
            Some(("spec.replicas", Meaningful)),
        ),
        (
            "only live, of an autoscaler",
            json!({"a": 1}),
            managed(two(), "kube-controller-manager", "scale", replicas()),
            Some(("spec.replicas", Controller)),
        ),
    ]);
}

#[test]
fn drift_is_told_as_argo_cd_does() {
    let replicas = || json!({"f:spec": {"f:replicas": {}}});
    let (one, two) = (
        || rollout(json!({"a": 1, "b": 2})),
        || rollout(json!({"a": 1, "replicas": 3})),
    );
    let cpu = "spec.template.spec.containers[0].resources.limits.cpu";
    let cases: Vec<Case> = vec![
        ("equal", json!({"a": 1, "b": 2}), one(), None),
        ("changed", json!({"a": 1, "b": 3}), one(), Some(("spec.b", Meaningful))),
        (
            "only live, of the controller",
            json!({"a": 1}),
            managed(two(), "rollouts-controller", "", replicas()),
            Some(("spec.replicas", Controller)),
        ),
        (
            "only live, of a person",
            json!({"a": 1}),
            managed(two(), "kubectl-edit", "", replicas()),
            Some(("spec.replicas", Meaningful)),
        ),
        (
            "only live, of nobody",
            json!({"a": 1}),
            one(),
            Some(("spec.b", Defaulted)),
        ),
        (
            "only live, of a deployer",
            json!({"a": 1}),
            managed(one(), "argocd-controller", "", json!({"f:spec": {"f:b": {}}})),
            Some(("spec.b", Defaulted)),
        ),
        (
            "gone from Git",
            json!({"a": 1}),
            applied(one(), one()),
            Some(("spec.b", Meaningful)),
        ),
        (
            "never applied",
            json!({"a": 1}),
            applied(one(), rollout(json!({"a": 1}))),
            Some(("spec.b", Defaulted)),
        ),
        (
            "missing in the cluster",
            json!({"a": 1, "b": 2, "c": 3}),
            one(),
            Some(("spec.c", Meaningful)),
        ),
        (
            "a longer list",
            json!({"list": [{"x": 1}]}),
            rollout(json!({"list": [{"x": 1}, {"x": 2}]})),
            Some(("spec.list[1]", Meaningful)),
        ),
        (
            "a default within an item",
            json!({"list": [{"x": 1}]}),
            rollout(json!({"list": [{"x": 1, "y": 2}]})),
            Some(("spec.list[0].y", Defaulted)),
        ),
        (
            "another spelling of a quantity",
            limited("0.1"),
            rollout(limited("100m")),
            Some((cpu, Defaulted)),
        ),
        (
            "another quantity",
            limited("0.1"),
            rollout(limited("200m")),
            Some((cpu, Meaningful)),
        ),
    ];
    are_told(cases);
}

#[test]
fn rules_leave_fields_out() {
    let git = rollout(json!({"replicas": 2, "list": [{"x": 1}, {"x": 2}]}));
    let live = rollout(json!({"replicas": 3, "list": [{"x": 1}, {"x": 9}]}));
    let live = managed(live, "other", "", json!({"f:spec": {"f:replicas": {}}}));
    let none = IgnoreRule::default;
    let cases: Vec<(IgnoreRule, [DifferenceKind; 2])> = vec![
        (none(), [Meaningful, Meaningful]),
        (
            IgnoreRule {
                pointers: vec!["/spec/replicas".into()],
                ..none()
            },
            [Meaningful, Ignored],
        ),
        (
            IgnoreRule {
                pointers: vec!["/spec/list/1/x".into()],
                ..none()
            },
            [Ignored, Meaningful],
        ),
        (
            IgnoreRule {
                jq: vec![".spec.list[].x".into()],
                ..none()
            },
            [Ignored, Meaningful],
        ),
        (
            IgnoreRule {
                managers: vec!["other".into()],
                ..none()
            },
            [Meaningful, Ignored],
        ),
        (
            IgnoreRule {
                managers: vec!["another".into()],
                ..none()
            },
            [Meaningful, Meaningful],
        ),
        (
            IgnoreRule {
                name: "api".into(),
                pointers: vec!["/spec".into()],
                ..none()
            },
            [Meaningful, Meaningful],
        ),
        (
            IgnoreRule {
                pointers: vec!["/spec".into()],
                ..none()
            },
            [Ignored, Ignored],
        ),
    ];
    for (given, wanted) in cases {
        let rules = [rule("Roll*", given.clone())];
        let compared = compare(&Columns {
            git: Some(&git),
            live: Some(&live),
            rules: &rules,
            ..Columns::default()
        });
        assert_eq!(
            kinds(&compared),
            [("spec.list[1].x", wanted[0]), ("spec.replicas", wanted[1])],
            "{given:?}"
        );
    }
}

#[test]
fn the_running_revision_differs_in_what_the_new_one_changes() {
    let secret = |value| json!({"env": [{"name": "A", "value": value}]});
    let git = rollout(json!({"replicas": 2, "template": template("web:2", secret("hush-new"))}));
    let mut stable = template(
        "web:1",
        json!({"env": [{"name": "A", "value": "hush-old"}], "imagePullPolicy": "IfNotPresent", "resources": {},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}),
    );
    stable["metadata"]["labels"]["rollouts-pod-template-hash"] = json!("abc");
    stable["spec"]["restartPolicy"] = json!("Always");
    stable["spec"]["containers"]
        .as_array_mut()
        .unwrap()
        .insert(0, json!({"name": "gone", "image": "old:1"}));
    let stable = json!({"kind": "ReplicaSet", "spec": {"replicas": 2, "template": stable}});
    for live in [Some(&git), None] {
        let compared = compare(&Columns {
            git: Some(&git),
            live,
            stable: Some(&stable),
            ..Columns::default()
        });
        let of = |wanted| {
            kinds(&compared)
                .into_iter()
                .filter(|(_, kind)| *kind == wanted)
                .map(|(path, _)| path)
                .collect::<Vec<_>>()
        };
        let container = "spec.template.spec.containers[0]";
        assert_eq!(
            of(Meaningful),
            [
                &format!("{container}.env[0].value"),
                &format!("{container}.image"),
                container
            ]
        );
        assert_eq!(
            of(Controller),
            ["spec.template.metadata.labels.rollouts-pod-template-hash"]
        );
        assert_eq!(of(Defaulted).len(), 5, "{:?}", of(Defaulted));
        let image = compared
            .differences
            .iter()
            .find(|difference| difference.field.path.ends_with("image"))
            .unwrap();
        assert_eq!(
            (&image.field.git, &image.field.stable),
            (&json!("web:2"), &json!("web:1"))
        );
        assert!(
            !format!("{compared:?}").contains("hush"),
            "values of environments are hidden"
        );
    }
}

#[test]
fn secrets_are_hidden() {
    let object = |canary: &str| {
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web", "annotations": {"team/key": canary}}, "spec": {
            "strategy": {"canary": {"analysis": {"args": [{"name": "key", "value": canary}]}}},
            "url": format!("https://user:{canary}@db.example.com/x?token={canary}"),
            "flag": format!("--password={canary}"),
            "headers": [{"key": "Authorization", "value": canary}],
            "template": {"spec": {"containers": [{"name": "web", "image": "a", "args": [format!("--x={canary}")],
                "command": ["run", canary], "env": [{"name": "A", "value": canary}],
                "livenessProbe": {"httpGet": {"httpHeaders": [{"name": "X", "value": canary}]}}}]}}}})
    };
    let (git, live) = (object("hush-git"), object("hush-live"));
    let stable = json!({"spec": {"template": object("hush-stable")["spec"]["template"]}});
    let compared = compare(&Columns {
        git: Some(&git),
        live: Some(&live),
        stable: Some(&stable),
        ..Columns::default()
    });
    assert!(compared.differences.len() >= 7, "{:?}", kinds(&compared));
    assert!(!format!("{compared:?}").contains("hush"), "{compared:?}");
    let whole = compare(&Columns {
        git: Some(&git),
        live: Some(&json!({"kind": "Rollout"})),
        ..Columns::default()
    });
    assert!(!format!("{whole:?}").contains("hush"), "{whole:?}");
    for kind in ["Secret", "ConfigMap"] {
        let data = |canary: &str| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "s"}, "data": {"a": canary}, "stringData": {"b": canary}});
        let compared = compare(&Columns {
            git: Some(&data("hush-1")),
            live: Some(&data("hush-2")),
            ..Columns::default()
        });
        assert_eq!(compared.differences.len(), 2);
        assert!(!format!("{compared:?}").contains("hush"), "{compared:?}");
    }
}

#[test]
fn builds_that_say_the_same_are_no_change() {
    let build = |image: &str, cpu: &str, replicas: i64| {
        rollout(
            json!({"replicas": replicas, "template": template(image, json!({"resources": {"limits": {"cpu": cpu}}}))}),
        )
    };
    let base = build("a:1", "0.1", 2);
    assert!(is_same(Some(&base), Some(&build("a:1", "100m", 2))));
    assert!(!is_same(Some(&base), Some(&build("a:2", "0.1", 2))));
    assert!(!is_same(Some(&base), Some(&build("a:1", "0.1", 3))));
    assert!(!is_same(Some(&base), None) && is_same(None, None));
    let service = json!({"kind": "Service", "spec": {"selector": {"a": "b"}}});
    assert!(is_same(Some(&service), Some(&service.clone())));
    assert!(!is_same(
        Some(&service),
        Some(&json!({"kind": "Service", "spec": {"selector": {"a": "c"}}}))
    ));
}

#[test]
fn odd_objects_are_compared_without_harm() {
    let git = rollout(json!({"template": template("a:1", json!({}))}));
    let odd = [
        json!(null),
        json!([]),
        json!("x"),
        json!({"metadata": [], "spec": 3}),
        json!({"spec": {"template": []}}),
        json!({"spec": {"template": {"spec": "x"}}}),
    ];
    for odd in odd {
        for columns in [
            Columns {
                git: Some(&git),
                live: Some(&odd),
                stable: Some(&odd),
                ..Columns::default()
            },
            Columns {
                git: Some(&odd),
                live: Some(&git),
                stable: Some(&odd),
                ..Columns::default()
            },
        ] {
            assert!(!compare(&columns).differences.is_empty());
        }
    }
    assert_eq!(compare(&Columns::default()), Compared::default());
}
