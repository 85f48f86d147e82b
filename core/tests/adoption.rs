//! Which ReplicaSet is adopted as what, and why (contract 02 §3, decisions 15, 16, 19).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::api::{PodTemplate, Rollout};
use serin_core::decide;
use serin_core::identity::{Fingerprint, Identity};
use serin_core::observed::ReplicaSet;
use serin_core::plan::{Action, Ownership, ReplicaSetAction};
use serin_core::rollout::adoption::{self, New, Reason, StableRevision};
use serin_core::wire::{HASH_LABEL, REVISION};
use std::collections::BTreeMap;

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}})
}

fn observed(status: &Value, sets: Vec<ReplicaSet>) -> Observed {
    let rollout: Rollout = serde_json::from_value(json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "u", "generation": 4},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template("web:2"),
            "strategy": {"canary": {}}},
        "status": status,
    }))
    .unwrap();
    Observed {
        identity: Identity::of(&rollout),
        rollout,
        replica_sets: sets,
        ..Observed::default()
    }
}

fn set(hash: &str, revision: i64, image: &str) -> ReplicaSet {
    ReplicaSet {
        name: format!("web-{hash}"),
        uid: format!("uid-{hash}"),
        labels: [("app", "web"), (HASH_LABEL, hash)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        annotations: BTreeMap::from([(REVISION.to_owned(), revision.to_string())]),
        template: Some(Fingerprint::of_replica_set(
            &PodTemplate::new(&template(image)),
            &BTreeMap::new(),
        )),
        replicas: 2,
        available_replicas: 2,
        ..ReplicaSet::default()
    }
}

fn new_of(seen: &Observed) -> (String, Option<Reason>) {
    match adoption::report(seen).new {
        New::Adopted(adopted) => (adopted.hash, Some(adopted.why)),
        New::Created(name) => (name, None),
    }
}

#[test]
fn the_new_revision_is_found_in_order_of_certainty() {
    let identity = observed(&json!({}), Vec::new()).identity;
    let (ours, null) = (
        identity.pod_hash.as_str(),
        identity.pod_hash_with_null_timestamp.as_str(),
    );
    let recorded = json!({"currentPodHash": "recorded", "observedGeneration": "4"});
    let stale = json!({"currentPodHash": "recorded", "observedGeneration": "3"});
    let all = || {
        vec![
            set("equal", 4, "web:2"),
            set(null, 3, "web:2"),
            set(ours, 2, "web:2"),
            set("recorded", 1, "web:1"),
        ]
    };
    let without = |hash: &str| all().into_iter().filter(|set| set.hash() != hash).collect::<Vec<_>>();
    let only = |hash: &str| all().into_iter().filter(|set| set.hash() == hash).collect::<Vec<_>>();
    let adopted = |hash: &str, why| (hash.to_owned(), Some(why));
    assert_eq!(
        new_of(&observed(&recorded, all())),
        adopted("recorded", Reason::RecordedHash)
    );
    assert_eq!(
        new_of(&observed(&stale, all())),
        adopted(ours, Reason::HashDialectOmitted)
    );
    assert_eq!(
        new_of(&observed(&stale, without(ours))),
        adopted(null, Reason::HashDialectNull)
    );
    assert_eq!(
        new_of(&observed(&stale, only("equal"))),
        adopted("equal", Reason::SemanticEquality)
    );
    assert_eq!(
        new_of(&observed(&stale, only("recorded"))),
        (format!("web-{ours}"), None)
    );
    // The oldest of several that are equal.
    let mut older = set("older", 1, "web:2");
    older.created = jiff::Timestamp::MIN;
    assert_eq!(
        new_of(&observed(&stale, vec![set("equal", 4, "web:2"), older])),
        adopted("older", Reason::SemanticEquality)
    );
    // Where several fit, the one that was new before: nothing moves because the number of replicas was edited.
    let before = |hash: &str| json!({"currentPodHash": hash, "observedGeneration": "3"});
    assert_eq!(
        new_of(&observed(&before(null), all())),
        adopted(null, Reason::HashDialectNull)
    );
    assert_eq!(
        new_of(&observed(&before("equal"), all())),
        adopted("equal", Reason::SemanticEquality)
    );
    // One that is being deleted plays no part.
    let mut going = set("equal", 4, "web:2");
    going.deleting = true;
    let seen = observed(&stale, vec![going]);
    assert_eq!(new_of(&seen), (format!("web-{ours}"), None));
    assert_eq!(adoption::report(&seen).deleting, ["web-equal"]);
}

#[test]
fn the_recorded_hash_says_what_is_stable() {
    let with = |stable: &str, sets| {
        let status = json!({"currentPodHash": "new", "stableRS": stable, "observedGeneration": "4"});
        adoption::report(&observed(&status, sets)).stable
    };
    let hash = |stable| match stable {
        StableRevision::Adopted(set) => (set.hash, set.why),
        StableRevision::None | StableRevision::Lost(_) | StableRevision::Missing(_) => panic!("{stable:?}"),
    };
    let (new, old) = (set("new", 2, "web:2"), set("old", 1, "web:1"));
    let both = vec![new.clone(), old.clone()];
    assert_eq!(
        hash(with("old", both.clone())),
        ("old".to_owned(), Reason::RecordedStable)
    );
    assert_eq!(
        hash(with("new", both.clone())),
        ("new".to_owned(), Reason::RecordedStable)
    );
    assert_eq!(with("", both), StableRevision::None);
    assert_eq!(with("old", vec![new]), StableRevision::Missing("old".to_owned()));
    // Nothing else is asked for than what it ran.
    assert_eq!(with("new", Vec::new()), StableRevision::Lost("new".to_owned()));
}

/// What Argo Rollouts carried out and this version does not is known before a takeover.
#[test]
fn a_spec_that_is_not_carried_out_is_named() {
    let mut seen = observed(&json!({"stableRS": "new"}), vec![set("new", 1, "web:2")]);
    assert_eq!(adoption::report(&seen).invalid, None);
    let routing = json!({"canary": {"trafficRouting": {"plugins": {"example/router": {}}}}});
    seen.rollout.spec.strategy = serde_json::from_value(routing).unwrap();
    seen.identity = Identity::of(&seen.rollout);
    let report = adoption::report(&seen);
    let why = "spec.strategy.canary.trafficRouting: Forbidden: this version of Serin does not serve it yet";
    assert_eq!(report.invalid.as_deref(), Some(why));
    let line = format!("  not carried out: {why}: everything stays as it is\n");
    assert!(report.to_string().contains(&line), "{report}");

    seen.rollout.spec.strategy = serde_json::from_value(json!({})).unwrap();
    seen.identity = Identity::of(&seen.rollout);
    let invalid = adoption::report(&seen).invalid.unwrap();
    assert!(
        invalid.starts_with("spec.strategy.strategy: Required value"),
        "{invalid}"
    );
}

#[test]
fn a_report_reads_as_text() {
    let status = json!({"currentPodHash": "new", "stableRS": "old", "observedGeneration": "4"});
    let sets = vec![set("new", 3, "web:2"), set("old", 2, "web:1"), set("older", 1, "web:0")];
    let text = adoption::report(&observed(&status, sets)).to_string();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "rollout shop/web",
            "  new     web-new (revision 3, 2/2 pods available): status.currentPodHash names it",
            "  stable  web-old (revision 2, 2/2 pods available): status.stableRS names it",
            "  old     web-older (revision 1, 2/2 pods available): an old revision",
        ]
    );
}

/// After `kubectl delete rollout --cascade=orphan` and a new apply (contract 02 §3).
#[test]
fn what_nobody_owns_is_taken_first_if_the_selector_means_it() {
    let orphan = |hash: &str, app: &str, image: &str| {
        let mut set = set(hash, 3, image);
        set.labels.insert("app".to_owned(), app.to_owned());
        set.orphan = true;
        set
    };
    let sets = vec![
        orphan("ours", "web", "web:2"),
        orphan("former", "web", "web:1"),
        orphan("theirs", "shop", "web:2"),
    ];
    let mut seen = observed(&json!({}), sets);
    let report = adoption::report(&seen);
    let New::Adopted(new) = &report.new else {
        panic!("{report:?}")
    };
    assert_eq!(
        (new.hash.as_str(), new.orphan, new.why),
        ("ours", true, Reason::SemanticEquality)
    );
    assert_eq!(
        report.old.iter().map(|set| set.hash.as_str()).collect::<Vec<_>>(),
        ["former"]
    );
    assert!(report.to_string().contains("owned by nobody yet"), "{report}");

    let plan = decide(&seen, jiff::Timestamp::UNIX_EPOCH);
    let adopted: Vec<&str> = plan
        .actions
        .iter()
        .map(|action| match action {
            Action::ReplicaSet(ReplicaSetAction::Patch(patch))
                if patch.ownership == Some(Ownership::Adopt) && patch.replicas.is_none() =>
            {
                patch.target.name.as_str()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(adopted, ["web-ours", "web-former"]);
    assert_eq!((plan.status, plan.events.len()), (None, 0));

    // Once they are ours, no pod of the new revision is made or taken, and the former goes.
    seen.replica_sets
        .iter_mut()
        .for_each(|set| set.orphan = set.hash() == "theirs");
    let plan = decide(&seen, jiff::Timestamp::UNIX_EPOCH);
    for action in &plan.actions {
        match action {
            Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => {
                assert!(
                    patch.replicas.is_none() || patch.target.name == "web-former",
                    "{patch:?}"
                );
            }
            Action::Rollout(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Somebody changed the labels of ReplicaSets that the rollout owns (contract 02 §3).
#[test]
fn what_the_selector_no_longer_matches_is_given_up_first() {
    let status = json!({"currentPodHash": "new", "stableRS": "new", "observedGeneration": "4"});
    let labelled = |hash: &str, app: &str| {
        let mut set = set(hash, 1, "web:1");
        set.labels.insert("app".to_owned(), app.to_owned());
        set
    };
    let mut going = labelled("going", "shop");
    going.deleting = true;
    let mut bare = labelled("bare", "shop");
    bare.labels.remove(HASH_LABEL);
    let sets = vec![labelled("new", "web"), labelled("former", "shop"), going, bare];
    let mut seen = observed(&status, sets);

    let report = adoption::report(&seen);
    assert_eq!(
        (report.old.len(), report.released.as_slice()),
        (0, &["web-former".to_owned()][..])
    );
    assert!(
        report
            .to_string()
            .contains("web-former: the selector does not match its labels"),
        "{report}"
    );

    let plan = decide(&seen, jiff::Timestamp::UNIX_EPOCH);
    let [Action::ReplicaSet(ReplicaSetAction::Patch(patch))] = plan.actions.as_slice() else {
        panic!("{plan:?}")
    };
    assert_eq!(
        (patch.target.name.as_str(), patch.ownership),
        ("web-former", Some(Ownership::Release))
    );
    assert_eq!((plan.status, plan.events.len()), (None, 0));

    // Given up, it plays no part; nor does one without a hash, of which neither size nor pods count.
    seen.replica_sets
        .iter_mut()
        .for_each(|set| set.orphan = set.hash() == "former");
    let plan = decide(&seen, jiff::Timestamp::UNIX_EPOCH);
    let touched = plan.actions.iter().filter(|action| match action {
        Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => patch.target.name != "web-new",
        Action::Rollout(_) => false,
        other => panic!("{other:?}"),
    });
    assert_eq!(touched.count(), 0);
    let status = plan.status.unwrap().patch;
    assert_eq!(status["status"]["availableReplicas"], 2, "{status}");
}

/// A spec that cannot be carried out gives nothing up: a selector that is itself wrong matches nothing.
#[test]
fn an_invalid_selector_gives_nothing_up() {
    let selectors = [
        Value::Null,
        json!({}),
        json!({"matchExpressions": [{"key": "app", "operator": "Is"}]}),
        json!({"matchLabels": {"app": "not ours"}}),
    ];
    for selector in selectors {
        let mut seen = observed(&json!({}), vec![set("new", 1, "web:2")]);
        seen.rollout.spec.selector = serde_json::from_value(selector.clone()).unwrap();
        seen.identity = Identity::of(&seen.rollout);
        let plan = decide(&seen, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(plan.actions, [], "{selector}");
        assert!(plan.status.is_some(), "{selector}: InvalidSpec");
    }
}
