//! What AWS says of the weights of an ALB (contract 07 §3).

use super::{Case, weight};
use serde_json::{Value, json};
use serin_core::traffic::aws::{Answer, Aws, LoadBalancer, Question, Says, TargetGroup};
use serin_core::traffic::{Router, Verdict};

/// The weight of each target group in each rule.
type Forwards<'a> = &'a [&'a [(&'a str, i64)]];

fn ingress(name: &str) -> Value {
    let service = json!({"name": "web-stable", "port": {"number": 80}});
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {"rules": [{"http": {"paths": [{"path": "/", "backend": {"service": service}}]}}]},
        "status": {"loadBalancer": {"ingress": [{"hostname": format!("{name}.elb")}]}},
    })
}

/// A load balancer with the target groups `c` of the canary, `s` of stable and `o` of others.
fn says(ingress: &str, forwards: Forwards<'_>) -> Says {
    let group = |arn: &str, service: &str| TargetGroup {
        name: arn.to_owned(),
        arn: arn.to_owned(),
        resource: format!("shop/{ingress}-{service}:80"),
        of_addresses: arn == "c",
    };
    let weights = |forward: &&[(&str, i64)]| {
        forward
            .iter()
            .map(|(arn, weight)| ((*arn).to_owned(), *weight))
            .collect()
    };
    Says::LoadBalancer(LoadBalancer {
        name: ingress.to_owned(),
        arn: format!("arn:x:loadbalancer/app/{ingress}/1"),
        target_groups: vec![group("o", "other"), group("c", "web-canary"), group("s", "web-stable")],
        forwards: forwards.iter().map(weights).collect(),
    })
}

fn verdict(ingresses: &[&str], answers: Vec<(&str, Says)>) -> Verdict {
    let alb = json!({"ingresses": ingresses, "servicePort": 80});
    let mut case = Case::new(json!({"alb": alb}), ingresses.iter().map(|name| ingress(name)));
    case.write(&weight(20));
    let answer = |(name, says): (&str, Says)| Answer {
        question: Question::LoadBalancer(format!("{name}.elb")),
        at: jiff::Timestamp::UNIX_EPOCH,
        says,
    };
    let aws = Aws(answers.into_iter().map(answer).collect());
    Router::all(&case.routing)[0]
        .verify(&case.site(), &case.routes, &aws)
        .unwrap()
}

#[test]
fn every_rule_that_shares_with_stable_has_the_weight_or_it_is_not_verified() {
    let not_yet = "Service web-canary (TargetGroup c) not verified: canary weight 20 not yet set (current: ";
    let rows: [(Forwards<'_>, i32, i32, Option<&str>); 8] = [
        (&[&[("c", 20), ("s", 80)]], 20, 20, None),
        (&[&[("c", 1), ("s", 4)]], 20, 20, None),
        // A header route, another Service, and a rule that leads to stable alone.
        (&[&[("c", 100)], &[("o", 1)], &[("c", 20), ("s", 80)]], 20, 20, None),
        (&[&[("c", 20), ("s", 80)], &[("s", 1)]], 0, 20, Some("0)")),
        (&[&[("c", 20), ("s", 80)], &[("c", 50), ("s", 50)]], 20, 50, Some("50)")),
        (&[&[("c", 0), ("s", 100)]], 0, 0, Some("0)")),
        // Nothing is known of the weight.
        (
            &[&[("c", 100)]],
            0,
            100,
            Some("no rule forwards to the target group of stable)"),
        ),
        (&[], 0, 100, Some("no rule forwards to the target group of stable)")),
    ];
    for (forwards, least, most, current) in rows {
        let verdict = verdict(&["main"], vec![("main", says("main", forwards))]);
        assert_eq!((verdict.least, verdict.most), (least, most), "{forwards:?}");
        let why = current.map(|current| format!("{not_yet}{current}"));
        assert_eq!(verdict.why_not.map(|told| told.message), why, "{forwards:?}");
        assert_eq!(verdict.verified, current.is_none(), "{forwards:?}");
        assert_eq!(verdict.known, most < 100, "{forwards:?}");
        // The targets of stable are nodes.
        assert_eq!((verdict.canary_groups.len(), verdict.stable_groups.len()), (1, 0));
    }
}

#[test]
fn each_ingress_has_its_load_balancer() {
    let good = |name: &str| says(name, &[&[("c", 20), ("s", 80)]]);
    let of = |second: Option<Says>| {
        let answers = [("a", Some(good("a"))), ("b", second)];
        let answers = answers.into_iter().filter_map(|(name, says)| Some((name, says?)));
        verdict(&["a", "b"], answers.collect())
    };
    let both = of(Some(good("b")));
    assert!(both.verified && both.confirmed.len() == 2);
    let albs: Vec<_> = both
        .albs
        .iter()
        .map(|alb| (&*alb.ingress, &*alb.load_balancer.full_name))
        .collect();
    assert_eq!(albs, [("a", "a/1"), ("b", "b/1")]);
    let rows = [
        (None, None),
        (
            Some(Says::NoLoadBalancer),
            Some("LoadBalancerNotFound: Failed to find load balancer: b.elb"),
        ),
        (
            Some(Says::Failure("no".into())),
            Some("WeightVerifyError: Failed to verify weight: no"),
        ),
        (
            Some(says("other", &[])),
            Some(
                "TargetGroupUnverified: Service web-canary (TargetGroup unknown) not verified: load balancer other has no \
                 target group whose tag says shop/b-web-canary:80 (ingress `b`)",
            ),
        ),
    ];
    for (second, expected) in rows {
        let verdict = of(second.clone());
        assert_eq!(
            (verdict.least, verdict.most, verdict.verified),
            (0, 100, false),
            "{second:?}"
        );
        let why = verdict.why_not.map(|told| format!("{}: {}", told.reason, told.message));
        assert_eq!(why.as_deref(), expected);
        assert_eq!(verdict.questions.len(), 2);
    }
}
