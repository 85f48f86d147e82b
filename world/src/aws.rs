//! AWS with its load balancer controller: it follows the Ingresses as late as a test says, and answers, or does not.

use super::{World, note};
use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::plan::{Action, Plan};
use serin_core::traffic::Place;
use serin_core::traffic::aws::{Answer, Aws, LoadBalancer, Question, Says, Target, TargetGroup};
use std::collections::BTreeMap;

/// Seconds that AWS takes for an answer.
const SECONDS_PER_CALL: i64 = 1;

/// What each action forwards: the weight of each target group, by ARN.
type Forwards = Vec<BTreeMap<String, i64>>;

/// AWS, where the controller verifies target groups.
#[derive(Clone, Debug, Default)]
pub struct Cloud {
    /// Seconds by which it follows an Ingress, or a pod.
    pub late: i64,
    /// Every call fails so.
    pub fails: Option<String>,
    /// It knows no load balancer.
    pub empty: bool,
    /// Targets never become healthy.
    pub sick: bool,
    /// Calls that were made.
    pub calls: usize,
    /// Actions of Ingresses, each from when it is in force.
    actions: Vec<(Timestamp, String, Forwards)>,
    answers: Vec<(Timestamp, Answer)>,
}

/// Host name of the load balancer of an Ingress.
fn host(ingress: &str) -> String {
    format!("{ingress}.elb.example")
}

fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:elasticloadbalancing:eu-central-1:123456789012:{kind}/{name}/0123456789abcdef")
}

/// The address of a pod.
fn address(pod: &str) -> String {
    format!("ip-of-{pod}")
}

impl World {
    /// What AWS answered, the newest first.
    pub(super) fn observed_aws(&self) -> Aws {
        let answers = self.cloud.iter().flat_map(|cloud| &cloud.answers);
        let there = answers.filter(|(due, _)| *due <= self.now);
        Aws(there.map(|(_, answer)| answer.clone()).collect())
    }

    /// The load balancer controller sees an Ingress that was written: it gives it a host name, and AWS its weights.
    pub(super) fn follow_ingress(&mut self, place: &Place, object: &mut Value) {
        if self.cloud.is_none() || place.kind != "Ingress" {
            return;
        }
        object["status"]["loadBalancer"] = json!({"ingress": [{"hostname": host(&place.name)}]});
        let actions = object["metadata"]["annotations"].as_object().into_iter().flatten();
        let actions = actions.filter(|(key, _)| key.contains("/actions."));
        let forwards = actions.filter_map(|(_, text)| {
            let action: Value = serde_json::from_str(text.as_str()?).ok()?;
            let groups = action["ForwardConfig"]["TargetGroups"].as_array()?;
            let weight = |group: &Value| {
                Some((
                    arn("targetgroup", group["ServiceName"].as_str()?),
                    group["Weight"].as_i64()?,
                ))
            };
            Some(groups.iter().filter_map(weight).collect())
        });
        let forwards = forwards.collect();
        let due = self.after(self.cloud.as_ref().map_or(0, |cloud| cloud.late));
        if let Some(cloud) = &mut self.cloud {
            cloud.actions.push((due, place.name.clone(), forwards));
        }
    }

    /// What a plan writes makes answers old: of weights, and of what Services lead to.
    pub(super) fn forget_old_answers(&mut self, plan: &Plan) {
        let routes = plan.actions.iter().any(|action| matches!(action, Action::Route(_)));
        let services = plan.actions.iter().any(|action| matches!(action, Action::Service(_)));
        if let Some(cloud) = self.cloud.as_mut().filter(|_| routes || services) {
            let of_weights = |question: &Question| matches!(question, Question::LoadBalancer(_));
            cloud
                .answers
                .retain(|(_, answer)| !routes && of_weights(&answer.question));
        }
    }

    /// Puts the questions of a plan that was carried out, and forgets the answers that it does not want.
    pub(super) fn ask_aws(&mut self, plan: &Plan) {
        let (at, due, now) = (self.controllers_now(), self.after(SECONDS_PER_CALL), self.now);
        let Some(cloud) = &mut self.cloud else { return };
        cloud
            .answers
            .retain(|(_, answer)| plan.asks.iter().any(|ask| ask.question == answer.question));
        for ask in &plan.asks {
            let Some(cloud) = &self.cloud else { return };
            let mut known = cloud
                .answers
                .iter()
                .filter(|(_, answer)| answer.question == ask.question);
            if known.any(|(due, _)| *due > now || !ask.again) {
                continue;
            }
            let says = self.says(cloud, &ask.question);
            note!(self, "AWS is asked for {:?}", ask.question);
            let Some(cloud) = &mut self.cloud else { return };
            cloud.calls += 1;
            let question = ask.question.clone();
            // The answer before stays until this one is there.
            cloud.answers.insert(0, (due, Answer { question, at, says }));
        }
    }

    /// What AWS says at this moment.
    fn says(&self, cloud: &Cloud, question: &Question) -> Says {
        if let Some(why) = &cloud.fails {
            return Says::Failure(why.clone());
        }
        match question {
            Question::LoadBalancer(_) if cloud.empty => Says::NoLoadBalancer,
            Question::LoadBalancer(name) => Says::LoadBalancer(self.load_balancer(name, cloud)),
            Question::Targets(arn) => Says::Targets(self.targets(arn, cloud)),
        }
    }

    fn load_balancer(&self, name: &str, cloud: &Cloud) -> LoadBalancer {
        let ingress = name.split('.').next().unwrap_or_default();
        let in_force = cloud
            .actions
            .iter()
            .rev()
            .find(|(due, of, _)| *due <= self.now && of == ingress);
        let forwards = in_force.map_or_else(Vec::new, |(_, _, forwards)| forwards.clone());
        let canary = &self.rollout["spec"]["strategy"]["canary"];
        let namespace = self.rollout["metadata"]["namespace"].as_str().unwrap_or_default();
        let port = &canary["trafficRouting"]["alb"]["servicePort"];
        let group = |field: &str| {
            let service = canary[field].as_str().unwrap_or_default();
            TargetGroup {
                name: service.to_owned(),
                arn: arn("targetgroup", service),
                resource: format!("{namespace}/{ingress}-{service}:{port}"),
                of_addresses: true,
            }
        };
        LoadBalancer {
            name: ingress.to_owned(),
            arn: arn("loadbalancer/app", ingress),
            target_groups: ["canaryService", "stableService"].map(group).into(),
            forwards,
        }
    }

    fn targets(&self, arn: &str, cloud: &Cloud) -> Vec<Target> {
        let service = arn.split('/').nth(1).unwrap_or_default();
        let state = if cloud.sick { "initial" } else { "healthy" };
        let target = |pod: String| Target {
            id: address(&pod),
            state: state.to_owned(),
        };
        self.ready_behind(service).map(target).collect()
    }

    /// The target group that is bound to the active Service.
    pub(super) fn bindings(&self) -> Value {
        let service = self.rollout["spec"]["strategy"]["blueGreen"]["activeService"].as_str();
        let service = service.unwrap_or_default();
        let spec = json!({"serviceRef": {"name": service, "port": 80}, "targetType": "ip", "targetGroupARN": arn("targetgroup", service)});
        json!({"items": [{"spec": spec}]})
    }

    /// The addresses of a Service.
    pub(super) fn endpoints(&self, place: &Place) -> Value {
        let address = |pod: String| json!({"ip": address(&pod), "targetRef": {"kind": "Pod", "name": pod}});
        let addresses: Vec<Value> = self.ready_behind(&place.name).map(address).collect();
        json!({"metadata": {"name": place.name}, "subsets": [{"addresses": addresses}]})
    }

    /// Names of the available pods that a Service leads to.
    fn ready_behind(&self, service: &str) -> impl Iterator<Item = String> {
        let hash = self.selected(service).to_owned();
        let sets = self
            .sets
            .iter()
            .filter(move |set| hash.is_empty() || set.object.hash() == hash);
        let names = sets.flat_map(|set| {
            let available = usize::try_from(set.object.available_replicas).unwrap_or(0);
            let name = set.object.name.clone();
            (0..available).map(move |number| format!("{name}-{number}"))
        });
        names.collect::<Vec<_>>().into_iter()
    }

    /// When the next answer comes.
    pub(super) fn next_of_aws(&self) -> Option<Timestamp> {
        let answers = self.cloud.iter().flat_map(|cloud| &cloud.answers);
        answers.map(|(due, _)| *due).filter(|due| *due > self.now).min()
    }

    /// The controller that asked is gone.
    pub fn forget_answers(&mut self) {
        if let Some(cloud) = &mut self.cloud {
            cloud.answers.clear();
        }
    }
}
