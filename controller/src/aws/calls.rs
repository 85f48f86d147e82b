//! The calls of the query API that the reader makes: one page after the other, at a rate, and later where AWS asks for that.

use super::Calls;
use super::xml::Element;
use crate::cluster::budget::Budget;
use crate::sync::lock;
use serin_core::traffic::aws::{Target, TargetGroup};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::form_urlencoded::Serializer;

/// Version of the API.
const VERSION: &str = "2015-12-01";
/// Names that one call may have.
const NAMES: usize = 20;
/// Entries of a page.
const PAGE: &str = "400";
/// Pages that are read at most.
const MOST_PAGES: usize = 100;
/// Calls under way at once.
const AT_ONCE: usize = 4;
/// Calls in a second; AWS permits an account about twice as many of each.
const IN_A_SECOND: f64 = 5.0;
/// Calls that may exceed this for a short time.
const BURST: u32 = 20;
/// How often a call is sent.
const MOST_TRIES: u32 = 6;
/// The first wait after AWS said that it is asked too often; each is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Codes by which AWS says that it is asked too often.
const THROTTLES: [&str; 5] = [
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "TooManyRequestsException",
];

/// The ELBv2 of a region.
pub(super) struct Elb {
    calls: Arc<dyn Calls>,
    places: Semaphore,
    rate: Budget,
    /// Until when nothing is sent, because AWS asked for that.
    quiet: Mutex<Instant>,
}

/// A load balancer as the list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) dns_name: String,
    pub(super) name: String,
    pub(super) arn: String,
}

/// Why a call has no answer.
struct Refused {
    text: String,
    /// It is worth another try, later.
    again: bool,
}

impl Elb {
    pub(super) fn new(calls: Arc<dyn Calls>) -> Self {
        Self {
            calls,
            places: Semaphore::new(AT_ONCE),
            rate: Budget::new(IN_A_SECOND, BURST),
            quiet: Mutex::new(Instant::now()),
        }
    }

    /// All load balancers.
    pub(super) async fn load_balancers(&self) -> Result<Vec<Listed>, String> {
        let pages = self.pages("DescribeLoadBalancers", &[]).await?;
        let all = pages.iter().flat_map(|page| page.members("LoadBalancers"));
        let listed = all.map(|of| Listed {
            dns_name: of.text("DNSName").to_ascii_lowercase(),
            name: of.text("LoadBalancerName").to_owned(),
            arn: of.text("LoadBalancerArn").to_owned(),
        });
        Ok(listed.collect())
    }

    /// The target groups of a load balancer, without what their tags say.
    pub(super) async fn target_groups(&self, balancer: &str) -> Result<Vec<TargetGroup>, String> {
        let of = [("LoadBalancerArn".to_owned(), balancer.to_owned())];
        let pages = self.pages("DescribeTargetGroups", &of).await?;
        let all = pages.iter().flat_map(|page| page.members("TargetGroups"));
        let groups = all.map(|of| TargetGroup {
            name: of.text("TargetGroupName").to_owned(),
            arn: of.text("TargetGroupArn").to_owned(),
            resource: String::new(),
            of_addresses: of.text("TargetType") == "ip",
        });
        Ok(groups.collect())
    }

    /// The value of a tag of each resource that has it, by ARN.
    pub(super) async fn tags(&self, arns: &[String], key: &str) -> Result<BTreeMap<String, String>, String> {
        let mut tags = BTreeMap::new();
        for some in arns.chunks(NAMES) {
            let names = some.iter().enumerate();
            let names: Vec<_> = names
                .map(|(index, arn)| (format!("ResourceArns.member.{}", index + 1), arn.clone()))
                .collect();
            let answer = self.call("DescribeTags", &names).await?;
            for of in answer.members("TagDescriptions") {
                if let Some(tag) = of.members("Tags").find(|tag| tag.text("Key") == key) {
                    tags.insert(of.text("ResourceArn").to_owned(), tag.text("Value").to_owned());
                }
            }
        }
        Ok(tags)
    }

    /// What the rules of a load balancer forward, with the weight of each target group.
    pub(super) async fn forwards(&self, balancer: &str) -> Result<Vec<BTreeMap<String, i64>>, String> {
        let of = [("LoadBalancerArn".to_owned(), balancer.to_owned())];
        let pages = self.pages("DescribeListeners", &of).await?;
        let mut forwards = Vec::new();
        for listener in pages.iter().flat_map(|page| page.members("Listeners")) {
            let of = [("ListenerArn".to_owned(), listener.text("ListenerArn").to_owned())];
            let pages = self.pages("DescribeRules", &of).await?;
            let rules = pages.iter().flat_map(|page| page.members("Rules"));
            forwards.extend(rules.flat_map(|rule| rule.members("Actions")).filter_map(forward));
        }
        Ok(forwards)
    }

    /// The targets of a target group.
    pub(super) async fn targets(&self, group: &str) -> Result<Vec<Target>, String> {
        let of = [("TargetGroupArn".to_owned(), group.to_owned())];
        let answer = self.call("DescribeTargetHealth", &of).await?;
        let targets = answer.members("TargetHealthDescriptions").map(|of| Target {
            id: of.get("Target").map_or("", |target| target.text("Id")).to_owned(),
            state: of
                .get("TargetHealth")
                .map_or("", |health| health.text("State"))
                .to_owned(),
        });
        Ok(targets.collect())
    }

    /// All pages of an answer.
    async fn pages(&self, action: &str, parameters: &[(String, String)]) -> Result<Vec<Element>, String> {
        let mut pages = Vec::new();
        let mut marker = String::new();
        for _ in 0..MOST_PAGES {
            let mut parameters = parameters.to_vec();
            parameters.push(("PageSize".to_owned(), PAGE.to_owned()));
            if !marker.is_empty() {
                parameters.push(("Marker".to_owned(), std::mem::take(&mut marker)));
            }
            let page = self.call(action, &parameters).await?;
            page.text("NextMarker").clone_into(&mut marker);
            pages.push(page);
            if marker.is_empty() {
                return Ok(pages);
            }
        }
        Err(format!("{action} has more than {MOST_PAGES} pages"))
    }

    /// The result of a call.
    async fn call(&self, action: &str, parameters: &[(String, String)]) -> Result<Element, String> {
        let form = form(action, parameters);
        let mut wait = FIRST_WAIT;
        for _ in 1..MOST_TRIES {
            match self.once(action, &form).await {
                Err(refused) if refused.again => {
                    tracing::debug!(action, ?wait, why = refused.text, "AWS asks to wait");
                    self.be_quiet(wait);
                }
                answer => return answer.map_err(|refused| refused.text),
            }
            wait *= 2;
        }
        self.once(action, &form).await.map_err(|refused| refused.text)
    }

    /// Nobody sends anything for a while.
    fn be_quiet(&self, wait: Duration) {
        let mut quiet = lock(&self.quiet);
        *quiet = (*quiet).max(Instant::now() + wait);
    }

    async fn once(&self, action: &str, form: &str) -> Result<Element, Refused> {
        // The semaphore is never closed.
        let _place = self.places.acquire().await.ok();
        self.rate.take().await;
        loop {
            let quiet = *lock(&self.quiet);
            if quiet <= Instant::now() {
                break;
            }
            tokio::time::sleep_until(quiet).await;
        }
        let other = |text: String| Refused {
            text: format!("{action}: {text}"),
            again: false,
        };
        let (status, body) = self.calls.send(form.to_owned()).await.map_err(other)?;
        let answer = Element::parse(&body);
        if (200..300).contains(&status) {
            let answer = answer.map_err(|why| other(format!("the answer is not understood: {why}")))?;
            return Ok(answer.get(&format!("{action}Result")).cloned().unwrap_or_default());
        }
        let answer = answer.unwrap_or_default();
        let error = answer.get("Error").cloned().unwrap_or_default();
        let (code, message) = (error.text("Code"), error.text("Message"));
        Err(Refused {
            text: format!("{action}: status code {status}, {code}: {message}"),
            again: THROTTLES.contains(&code) || status == 429 || status >= 500,
        })
    }
}

/// The body of a call.
fn form(action: &str, parameters: &[(String, String)]) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("Action", action).append_pair("Version", VERSION);
    form.extend_pairs(parameters);
    form.finish()
}

/// The weights of an action that forwards. One target group alone needs no weight.
fn forward(action: &Element) -> Option<BTreeMap<String, i64>> {
    if action.text("Type") != "forward" {
        return None;
    }
    let config = action.get("ForwardConfig");
    let groups = config.into_iter().flat_map(|config| config.members("TargetGroups"));
    let weight = |group: &Element| group.text("Weight").parse().unwrap_or(1);
    let mut weights: BTreeMap<_, _> = groups
        .map(|group| (group.text("TargetGroupArn").to_owned(), weight(group)))
        .collect();
    if weights.is_empty() {
        weights.insert(action.text("TargetGroupArn").to_owned(), 1);
    }
    Some(weights)
}
