//! Whether AWS does what the Ingresses say (contract 07 §3): the weights that the rules of the load balancers have.

use super::{action, action_key, ingresses, service};
use crate::api::rollout::{AlbRouting, AlbStatus, AwsResource};
use crate::traffic::aws::{Aws, LoadBalancer, Question, Says, TargetGroup};
use crate::traffic::ingress::place;
use crate::traffic::{Routes, Site, Told, edit};
use crate::wire::event;
use serde_json::Value;

/// What AWS says of the weights of a rollout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// What it has to be asked.
    pub questions: Vec<Question>,
    /// The least weight that a load balancer gives the canary, out of [`Site::max_weight`]: 0 where it is not known.
    pub least: i32,
    /// The most: all of it where it is not known.
    pub most: i32,
    /// All load balancers are known, with their target groups.
    pub known: bool,
    /// Every load balancer has the weight that its Ingress says.
    pub verified: bool,
    /// Why not, where AWS answered.
    pub why_not: Option<Told>,
    /// What is told where it has: one for each Ingress.
    pub confirmed: Vec<Told>,
    /// What the status says of the load balancers, as far as they are known: one for each Ingress.
    pub albs: Vec<AlbStatus>,
    /// Target groups of the canary whose targets are addresses.
    pub canary_groups: Vec<TargetGroup>,
    /// Those of stable.
    pub stable_groups: Vec<TargetGroup>,
}

/// Compares each Ingress with the load balancers that it names.
pub(in crate::traffic) fn verdict(routing: &AlbRouting, site: &Site<'_>, routes: &Routes, aws: &Aws) -> Verdict {
    let mut verdict = Verdict {
        least: site.max_weight,
        known: true,
        verified: true,
        ..Verdict::default()
    };
    let key = action_key(routing, service(routing, site));
    for name in ingresses(routing).names() {
        let empty = Value::Null;
        let ingress = routes.find(&place(site, name)).unwrap_or(&empty);
        let text = ingress["metadata"]["annotations"][&key].as_str();
        let weight = text.map_or(0, |text| action::share(text, site.canary_service, site.max_weight));
        let of = OfIngress {
            routing,
            site,
            name,
            weight,
        };
        of.add(ingress, aws, &mut verdict);
    }
    verdict
}

impl Verdict {
    /// It is not known what a load balancer does.
    fn unknown(&mut self, site: &Site<'_>, why: Option<Told>) {
        (self.least, self.most) = (0, site.max_weight);
        (self.known, self.verified) = (false, false);
        self.why_not = self.why_not.take().or(why);
    }
}

/// One Ingress, and the weight that it says.
struct OfIngress<'a> {
    routing: &'a AlbRouting,
    site: &'a Site<'a>,
    name: &'a str,
    weight: i32,
}

impl OfIngress<'_> {
    fn add(&self, ingress: &Value, aws: &Aws, verdict: &mut Verdict) {
        let entries = ingress["status"]["loadBalancer"]["ingress"].as_array();
        let hosts: Vec<&str> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| entry["hostname"].as_str())
            .collect();
        if hosts.is_empty() {
            let message = format!(
                "Failed to find load balancer: ingress `{}` has no host name in status.loadBalancer yet",
                self.name
            );
            verdict.unknown(self.site, Some(Told::new(event::LOAD_BALANCER_NOT_FOUND, message)));
        }
        for host in hosts {
            let question = Question::LoadBalancer(host.to_owned());
            match aws.answer(&question).map(|answer| &answer.says) {
                Some(Says::LoadBalancer(balancer)) => self.compare(balancer, verdict),
                Some(Says::NoLoadBalancer) => {
                    let message = format!("Failed to find load balancer: {host}");
                    verdict.unknown(self.site, Some(Told::new(event::LOAD_BALANCER_NOT_FOUND, message)));
                }
                Some(Says::Failure(why)) => {
                    let message = format!("Failed to verify weight: {why}");
                    verdict.unknown(self.site, Some(Told::new(event::WEIGHT_VERIFY_ERROR, message)));
                }
                Some(Says::Targets(_)) | None => verdict.unknown(self.site, None),
            }
            verdict.questions.push(question);
        }
    }

    fn compare(&self, balancer: &LoadBalancer, verdict: &mut Verdict) {
        let group = |service: &str| {
            let port = self.routing.service_port;
            let resource = format!("{}/{}-{service}:{port}", self.site.namespace, self.name);
            let mut groups = balancer.target_groups.iter();
            groups
                .find(|group| group.resource == resource)
                .ok_or_else(|| self.without_group(balancer, service, &resource))
        };
        let (canary, stable) = match (group(self.site.canary_service), group(self.site.stable_service)) {
            (Ok(canary), Ok(stable)) => (canary, stable),
            (Err(why), _) | (_, Err(why)) => return verdict.unknown(self.site, Some(why)),
        };
        verdict.albs.push(AlbStatus {
            load_balancer: resource(&balancer.name, &balancer.arn, 2),
            canary_target_group: resource(&canary.name, &canary.arn, 1),
            stable_target_group: resource(&stable.name, &stable.arn, 1),
            ingress: self.name.to_owned(),
        });
        verdict
            .canary_groups
            .extend(canary.of_addresses.then(|| canary.clone()));
        verdict
            .stable_groups
            .extend(stable.of_addresses.then(|| stable.clone()));
        let shares = shares(balancer, canary, stable, self.site.max_weight);
        let (Some(least), Some(most)) = (shares.iter().min(), shares.iter().max()) else {
            let current = "no rule forwards to the target group of stable";
            return verdict.unknown(self.site, Some(self.unverified(canary, current)));
        };
        verdict.least = verdict.least.min(*least);
        verdict.most = verdict.most.max(*most);
        let what = format!("Service {} (TargetGroup {})", self.site.canary_service, canary.arn);
        if *least == self.weight && *most == self.weight {
            let message = format!("{what} verified: canary weight {} set", self.weight);
            verdict.confirmed.push(Told::new(event::TARGET_GROUP_VERIFIED, message));
            return;
        }
        verdict.verified = false;
        let current = if *least == self.weight { most } else { least };
        let why = self.unverified(canary, &current.to_string());
        verdict.why_not.get_or_insert(why);
    }

    fn unverified(&self, canary: &TargetGroup, current: &str) -> Told {
        let (service, arn, weight) = (self.site.canary_service, &canary.arn, self.weight);
        let message = format!(
            "Service {service} (TargetGroup {arn}) not verified: canary weight {weight} not yet set (current: {current})"
        );
        Told::new(event::TARGET_GROUP_UNVERIFIED, message)
    }

    fn without_group(&self, balancer: &LoadBalancer, service: &str, resource: &str) -> Told {
        let message = format!(
            "Service {service} (TargetGroup unknown) not verified: load balancer {} has no target group whose tag says \
             {resource} (ingress `{}`)",
            balancer.name, self.name
        );
        Told::new(event::TARGET_GROUP_UNVERIFIED, message)
    }
}

/// The canary's weight in each rule that shares the traffic among both. A rule of a header route leads to the canary alone,
/// and one that leads to stable alone gives the canary nothing.
fn shares(balancer: &LoadBalancer, canary: &TargetGroup, stable: &TargetGroup, max: i32) -> Vec<i32> {
    let with_stable = balancer
        .forwards
        .iter()
        .filter(|forward| forward.contains_key(&stable.arn));
    with_stable
        .map(|forward| {
            let own = forward.get(&canary.arn).copied().unwrap_or(0);
            let sum = forward.values().copied().fold(0, i64::saturating_add);
            edit::scaled(own, sum, max)
        })
        .collect()
}

/// A resource, whose full name is what follows so many slashes of its ARN.
fn resource(name: &str, arn: &str, slashes: usize) -> AwsResource {
    AwsResource {
        name: name.to_owned(),
        arn: arn.to_owned(),
        full_name: arn.splitn(slashes + 1, '/').nth(slashes).unwrap_or_default().to_owned(),
    }
}
