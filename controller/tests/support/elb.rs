//! A stand-in for ELBv2: it answers the calls of the query API with XML, page by page, late, or not at all.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "the tests of the reader and those of the controller each use a part of it"
)]
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;

/// A target group.
#[derive(Clone, Debug, Default)]
pub struct Group {
    pub name: String,
    /// The value of its tag.
    pub resource: String,
    pub of_addresses: bool,
    /// Id and state of each target.
    pub targets: Vec<(String, String)>,
}

/// What there is.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Names of load balancers.
    pub balancers: Vec<String>,
    /// Target groups, all of them at every load balancer.
    pub groups: Vec<Group>,
    /// Weights of target groups, by name: the rules of the one listener.
    pub rules: Vec<Vec<(String, i64)>>,
    /// So many calls more are throttled.
    pub throttled: usize,
    /// A call that is refused: its code and message.
    pub refused: Option<(String, String, String)>,
    /// Entries of a page.
    pub page: usize,
}

/// The stand-in.
#[derive(Default)]
pub struct Elb {
    pub state: Mutex<State>,
    asked: Mutex<Vec<String>>,
}

pub fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:elasticloadbalancing:eu-west-1:123456789012:{kind}/{name}/0123456789abcdef")
}

fn host(balancer: &str) -> String {
    // As AWS has it, in other capitals than Kubernetes may.
    format!("{balancer}.EU-west-1.elb.amazonaws.com")
}

impl Elb {
    pub fn new(state: State) -> Self {
        Self {
            state: Mutex::new(State { page: 400, ..state }),
            asked: Mutex::default(),
        }
    }

    pub fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    /// How often each call was made, since the last time.
    pub fn calls(&self) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for action in std::mem::take(&mut *self.asked.lock().unwrap()) {
            *calls.entry(action).or_insert(0) += 1;
        }
        calls
    }

    /// The status code and body for the form of a call.
    pub fn answer(&self, form: &str) -> (u16, String) {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        let action = form["Action"].clone();
        assert_eq!(form["Version"], "2015-12-01");
        self.asked.lock().unwrap().push(action.clone());
        let mut state = self.state.lock().unwrap();
        if state.throttled > 0 {
            state.throttled -= 1;
            return error(400, "Throttling", "Rate exceeded");
        }
        if let Some((_, code, message)) = state.refused.as_ref().filter(|(refused, ..)| *refused == action) {
            return error(403, code, message);
        }
        let body = match action.as_str() {
            "DescribeLoadBalancers" => {
                let each = |name: &String| {
                    let (arn, host) = (arn("loadbalancer/app", name), host(name));
                    format!(
                        "<LoadBalancerArn>{arn}</LoadBalancerArn><LoadBalancerName>{name}</LoadBalancerName><DNSName>{host}</DNSName>"
                    )
                };
                paged("LoadBalancers", state.balancers.iter().map(each), &form, state.page)
            }
            "DescribeTargetGroups" => {
                let each = |group: &Group| {
                    let (name, arn) = (&group.name, arn("targetgroup", &group.name));
                    let kind = if group.of_addresses { "ip" } else { "instance" };
                    format!(
                        "<TargetGroupArn>{arn}</TargetGroupArn><TargetGroupName>{name}</TargetGroupName><TargetType>{kind}</TargetType>"
                    )
                };
                paged("TargetGroups", state.groups.iter().map(each), &form, state.page)
            }
            "DescribeTags" => tags(&form, &state.groups),
            "DescribeListeners" => {
                let arn = arn("listener/app", "main");
                let one = [format!("<ListenerArn>{arn}</ListenerArn><Port>443</Port>")];
                paged("Listeners", one.into_iter(), &form, state.page)
            }
            "DescribeRules" => paged("Rules", state.rules.iter().map(|rule| actions(rule)), &form, state.page),
            "DescribeTargetHealth" => {
                let of = |group: &&Group| arn("targetgroup", &group.name) == form["TargetGroupArn"];
                let group = state.groups.iter().find(of).cloned().unwrap_or_default();
                let each = |(id, health): &(String, String)| {
                    format!(
                        "<Target><Id>{id}</Id><Port>8080</Port></Target><TargetHealth><State>{health}</State></TargetHealth>"
                    )
                };
                paged(
                    "TargetHealthDescriptions",
                    group.targets.iter().map(each),
                    &form,
                    usize::MAX,
                )
            }
            other => return error(400, "InvalidAction", other),
        };
        let namespace = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";
        let head = format!("<{action}Response xmlns=\"{namespace}\"><{action}Result>");
        (
            200,
            format!("{head}{body}</{action}Result><ResponseMetadata/></{action}Response>"),
        )
    }
}

fn error(status: u16, code: &str, message: &str) -> (u16, String) {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    (
        status,
        format!("<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"),
    )
}

fn paged(list: &str, all: impl Iterator<Item = String>, form: &BTreeMap<String, String>, page: usize) -> String {
    let from: usize = form.get("Marker").map_or(0, |marker| marker.parse().unwrap());
    let rest: Vec<String> = all.skip(from).collect();
    let mut text = format!("<{list}>");
    for one in rest.iter().take(page) {
        write!(text, "<member>{one}</member>").unwrap();
    }
    write!(text, "</{list}>").unwrap();
    if rest.len() > page {
        write!(text, "<NextMarker>{}</NextMarker>", from + page).unwrap();
    }
    text
}

fn tags(form: &BTreeMap<String, String>, groups: &[Group]) -> String {
    let names: Vec<&String> = form
        .iter()
        .filter(|(key, _)| key.starts_with("ResourceArns.member."))
        .map(|(_, arn)| arn)
        .collect();
    assert!(!names.is_empty() && names.len() <= 20, "{names:?}");
    let mut text = "<TagDescriptions>".to_owned();
    for name in names {
        let group = groups
            .iter()
            .find(|group| arn("targetgroup", &group.name) == *name)
            .unwrap();
        let tag = |key: &str, value: &str| format!("<member><Key>{key}</Key><Value>{value}</Value></member>");
        let tags = tag("elbv2.k8s.aws/cluster", "one") + &tag("ingress.k8s.aws/resource", &group.resource);
        write!(
            text,
            "<member><ResourceArn>{name}</ResourceArn><Tags>{tags}</Tags></member>"
        )
        .unwrap();
    }
    text + "</TagDescriptions>"
}

/// A rule without target groups answers by itself.
fn actions(rule: &[(String, i64)]) -> String {
    if rule.is_empty() {
        return "<Actions><member><Type>fixed-response</Type></member></Actions>".to_owned();
    }
    let mut groups = String::new();
    for (name, weight) in rule {
        let arn = arn("targetgroup", name);
        write!(
            groups,
            "<member><TargetGroupArn>{arn}</TargetGroupArn><Weight>{weight}</Weight></member>"
        )
        .unwrap();
    }
    let config = format!("<ForwardConfig><TargetGroups>{groups}</TargetGroups></ForwardConfig>");
    format!("<Actions><member><Type>forward</Type>{config}</member></Actions>")
}
