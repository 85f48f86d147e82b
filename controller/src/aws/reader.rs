//! Answers to questions about load balancers, shared by the rollouts that have the same ones.

use super::Calls;
use super::calls::{Elb, Listed};
use crate::clock::Clock;
use crate::sync::lock;
use serin_core::traffic::aws::{Answer, LoadBalancer, Question, Says, TargetGroup};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Mutex as Turn;
use tokio::time::Instant;

/// How long an answer is shared, at most.
const SHARED: Duration = Duration::from_secs(5);
/// How long the list of load balancers counts for one that it has.
const LISTED: Duration = Duration::from_secs(600);
/// Questions that are remembered although nobody puts them.
const REMEMBERED: usize = 1_000;

/// An answer, and when it was begun on the clock of waits.
type Kept = Arc<Turn<Option<(Instant, Answer)>>>;

/// The reader of the controller.
pub(crate) struct Reader {
    elb: Elb,
    /// Key of the tag that names what a target group was made for.
    tag: String,
    clock: Clock,
    shared: Duration,
    kept: Mutex<HashMap<Question, Kept>>,
    listed: Turn<Option<(Instant, Vec<Listed>)>>,
    /// Tags of target groups by load balancer and ARN: they do not change.
    tags: Mutex<HashMap<String, BTreeMap<String, String>>>,
}

impl Reader {
    /// Who asks by these calls. An unverified weight is asked for again after `retry`.
    pub(crate) fn new(calls: Arc<dyn Calls>, tag: &str, retry: Duration, clock: Clock) -> Self {
        Self {
            elb: Elb::new(calls),
            tag: tag.to_owned(),
            clock,
            shared: SHARED.min(retry / 2),
            kept: Mutex::default(),
            listed: Turn::default(),
            tags: Mutex::default(),
        }
    }

    /// The answer to a question. It was asked for a moment ago, and not before `from`; whoever asks meanwhile shares it.
    pub(crate) async fn answer(&self, question: &Question, from: Option<Instant>) -> Answer {
        let kept = self.kept(question);
        let mut kept = kept.lock().await;
        if let Some((begun, answer)) = &*kept
            && from.is_none_or(|from| *begun >= from)
            && begun.elapsed() < self.shared
        {
            return answer.clone();
        }
        let (begun, at) = (Instant::now(), (self.clock)());
        let says = match question {
            Question::LoadBalancer(host) => self.load_balancer(host).await,
            Question::Targets(arn) => self.elb.targets(arn).await.map(Says::Targets),
        };
        if let Err(why) = &says {
            tracing::warn!(?question, why, "AWS cannot be asked");
        }
        let answer = Answer {
            question: question.clone(),
            at,
            says: says.unwrap_or_else(Says::Failure),
        };
        *kept = Some((begun, answer.clone()));
        answer
    }

    fn kept(&self, question: &Question) -> Kept {
        let mut all = lock(&self.kept);
        if all.len() > REMEMBERED {
            all.retain(|_, kept| Arc::strong_count(kept) > 1);
        }
        Arc::clone(all.entry(question.clone()).or_default())
    }

    async fn load_balancer(&self, host: &str) -> Result<Says, String> {
        let Some(Listed { name, arn, .. }) = self.find(host).await? else {
            return Ok(Says::NoLoadBalancer);
        };
        let target_groups = self.target_groups(&arn).await?;
        let forwards = self.elb.forwards(&arn).await?;
        Ok(Says::LoadBalancer(LoadBalancer {
            name,
            arn,
            target_groups,
            forwards,
        }))
    }

    /// A load balancer by its DNS name. A list that lacks it is old after a moment.
    async fn find(&self, host: &str) -> Result<Option<Listed>, String> {
        let host = host.to_ascii_lowercase();
        let mut listed = self.listed.lock().await;
        if let Some((at, all)) = &*listed {
            let found = all.iter().find(|one| one.dns_name == host);
            let counts = if found.is_some() { LISTED } else { self.shared };
            if at.elapsed() < counts {
                return Ok(found.cloned());
            }
        }
        let at = Instant::now();
        let all = self.elb.load_balancers().await?;
        lock(&self.tags).retain(|arn, _| all.iter().any(|one| one.arn == *arn));
        let found = all.iter().find(|one| one.dns_name == host).cloned();
        *listed = Some((at, all));
        Ok(found)
    }

    async fn target_groups(&self, balancer: &str) -> Result<Vec<TargetGroup>, String> {
        let mut groups = self.elb.target_groups(balancer).await?;
        let mut tags = lock(&self.tags).get(balancer).cloned().unwrap_or_default();
        tags.retain(|arn, _| groups.iter().any(|group| group.arn == *arn));
        let unknown: Vec<String> = groups
            .iter()
            .filter(|group| !tags.contains_key(&group.arn))
            .map(|group| group.arn.clone())
            .collect();
        tags.extend(self.elb.tags(&unknown, &self.tag).await?);
        for group in &mut groups {
            if let Some(tag) = tags.get(&group.arn) {
                tag.clone_into(&mut group.resource);
            }
        }
        lock(&self.tags).insert(balancer.to_owned(), tags);
        Ok(groups)
    }
}
