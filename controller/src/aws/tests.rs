//! The reader against a stand-in for ELBv2, in virtual time.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../tests/support/elb.rs"]
mod elb;

use super::{Answered, Calls, Reader};
use elb::{Elb, Group, State, arn};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use jiff::Timestamp;
use serin_core::traffic::aws::{LoadBalancer, Question, Says, Target};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long an answer takes.
const LATE: Duration = Duration::from_millis(100);

struct Late(Arc<Elb>);

impl Calls for Late {
    fn send(&self, form: String) -> BoxFuture<'_, Answered> {
        async move {
            tokio::time::sleep(LATE).await;
            let (status, body) = self.0.answer(&form);
            Ok((status, body.into_bytes()))
        }
        .boxed()
    }
}

/// So many target groups, of which the first two have the weights 20 and 80 in one rule.
fn reader(groups: usize) -> (Arc<Elb>, Arc<Reader>) {
    let group = |number: usize| Group {
        name: format!("tg-{number}"),
        resource: format!("shop/main-service-{number}:80"),
        of_addresses: number.is_multiple_of(2),
        targets: vec![("10.0.0.1".to_owned(), "healthy".to_owned())],
    };
    let elb = Arc::new(Elb::new(State {
        balancers: vec!["other".to_owned(), "main".to_owned()],
        groups: (0..groups).map(group).collect(),
        rules: vec![Vec::new(), vec![("tg-0".to_owned(), 20), ("tg-1".to_owned(), 80)]],
        ..State::default()
    }));
    let calls = Arc::new(Late(Arc::clone(&elb)));
    let reader = Reader::new(
        calls,
        "ingress.k8s.aws/resource",
        Duration::from_secs(10),
        Arc::new(Timestamp::now),
    );
    (elb, Arc::new(reader))
}

fn main() -> Question {
    Question::LoadBalancer("main.eu-west-1.elb.amazonaws.com".to_owned())
}

async fn balancer(reader: &Reader) -> LoadBalancer {
    match reader.answer(&main(), None).await.says {
        Says::LoadBalancer(balancer) => balancer,
        other => panic!("{other:?}"),
    }
}

fn calls(of: &[(&str, usize)]) -> BTreeMap<String, usize> {
    of.iter()
        .map(|(action, times)| ((*action).to_owned(), *times))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn three_hundred_target_groups_cost_few_calls() {
    // Entries of a page, and the pages that the target groups have.
    for (page, pages) in [(400, 1), (100, 3)] {
        let (elb, reader) = reader(300);
        elb.change(|state| state.page = page);
        let found = balancer(&reader).await;
        assert_eq!((found.name.as_str(), found.target_groups.len()), ("main", 300));
        let group = &found.target_groups[299];
        assert_eq!(group.resource, "shop/main-service-299:80");
        assert!(!group.of_addresses && found.target_groups[298].of_addresses);
        let weights = BTreeMap::from([(arn("targetgroup", "tg-0"), 20), (arn("targetgroup", "tg-1"), 80)]);
        assert_eq!(found.forwards, [weights]);
        let rest = [
            ("DescribeTargetGroups", pages),
            ("DescribeListeners", 1),
            ("DescribeRules", 1),
        ];
        let first = [&[("DescribeLoadBalancers", 1), ("DescribeTags", 15)], &rest[..]].concat();
        assert_eq!(elb.calls(), calls(&first));
        // Load balancers and tags are known by then.
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(balancer(&reader).await, found);
        assert_eq!(elb.calls(), calls(&rest));
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_rollouts_share_one_answer() {
    let (elb, reader) = reader(2);
    join_all((0..100).map(|_| balancer(&reader))).await;
    assert_eq!(elb.calls().values().sum::<usize>(), 5);
    // What was written since is not in it.
    let wrote = Some(Instant::now());
    tokio::time::sleep(Duration::from_millis(1)).await;
    let question = main();
    join_all((0..100).map(|_| reader.answer(&question, wrote))).await;
    assert_eq!(elb.calls().values().sum::<usize>(), 3);
}

#[tokio::test(start_paused = true)]
async fn throttled_calls_wait_longer_each_time_and_then_say_so() {
    let (elb, reader) = reader(2);
    elb.change(|state| state.throttled = 3);
    let began = Instant::now();
    balancer(&reader).await;
    // 0.5 s, 1 s and 2 s.
    let took = began.elapsed().as_millis();
    assert!((3_500..5_000).contains(&took), "{took}");
    assert_eq!(elb.calls()["DescribeLoadBalancers"], 4);
    elb.change(|state| state.throttled = usize::MAX);
    tokio::time::sleep(Duration::from_secs(10)).await;
    let began = Instant::now();
    let says = reader.answer(&main(), None).await.says;
    let why = "DescribeTargetGroups: status code 400, Throttling: Rate exceeded";
    assert_eq!(says, Says::Failure(why.to_owned()));
    assert!(began.elapsed() > Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(elb.calls().values().sum::<usize>(), 6);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_and_what_is_not_permitted() {
    let (elb, reader) = reader(2);
    let unknown = Question::LoadBalancer("none.elb.amazonaws.com".to_owned());
    assert_eq!(reader.answer(&unknown, None).await.says, Says::NoLoadBalancer);
    elb.change(|state| {
        let texts = ["DescribeRules", "AccessDenied", "no permission"].map(str::to_owned);
        let [action, code, message] = texts;
        state.refused = Some((action, code, message));
    });
    let why = "DescribeRules: status code 403, AccessDenied: no permission";
    assert_eq!(reader.answer(&main(), None).await.says, Says::Failure(why.to_owned()));
    assert_eq!(elb.calls()["DescribeRules"], 1, "no back-off");
    let target = Target {
        id: "10.0.0.1".to_owned(),
        state: "healthy".to_owned(),
    };
    let targets = Question::Targets(arn("targetgroup", "tg-1"));
    assert_eq!(reader.answer(&targets, None).await.says, Says::Targets(vec![target]));
}

#[tokio::test(start_paused = true)]
async fn calls_have_a_rate() {
    let (elb, reader) = reader(2);
    let began = Instant::now();
    let question = |number: usize| Question::Targets(format!("arn-{number}"));
    join_all((0..120).map(|number| {
        let (reader, question) = (Arc::clone(&reader), question(number));
        async move { reader.answer(&question, None).await }
    }))
    .await;
    assert_eq!(elb.calls()["DescribeTargetHealth"], 120);
    let took = began.elapsed().as_secs();
    assert!((19..25).contains(&took), "{took}");
}
