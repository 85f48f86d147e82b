//! Questions of each rollout that are under way, and what was answered.

use super::Reader;
use crate::store::Key;
use crate::sync::lock;
use serin_core::plan::Ask;
use serin_core::traffic::aws::{Answer, Aws, Question};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// How long it is remembered that a rollout wrote: answers from before do not count.
const WROTE: Duration = Duration::from_secs(10);

/// Questions of all rollouts.
pub(crate) struct Desk {
    reader: Arc<Reader>,
    rollouts: Arc<Mutex<HashMap<Key, OfOne>>>,
}

/// Those of one rollout.
#[derive(Default)]
struct OfOne {
    /// UID of the rollout: one that is made anew is another one.
    uid: String,
    /// When it last wrote what AWS is to follow: weights, and what Services lead to.
    wrote: [Option<Instant>; 2],
    answers: Vec<Answer>,
    under_way: Vec<(Question, AbortOnDropHandle<()>)>,
}

impl OfOne {
    fn is_over(&self) -> bool {
        self.answers.is_empty()
            && self.under_way.is_empty()
            && self.wrote.iter().flatten().all(|wrote| wrote.elapsed() >= WROTE)
    }

    /// Since when an answer counts: Services have no part in what a load balancer is told.
    fn from(&self, question: &Question) -> Option<Instant> {
        let [weights, services] = self.wrote;
        match question {
            Question::LoadBalancer(_) => weights,
            Question::Targets(_) => weights.max(services),
        }
    }
}

fn of<'d>(all: &'d mut HashMap<Key, OfOne>, key: &Key, uid: &str) -> &'d mut OfOne {
    let one = all.entry(key.clone()).or_default();
    if one.uid != uid {
        *one = OfOne {
            uid: uid.to_owned(),
            ..OfOne::default()
        };
    }
    one
}

impl Desk {
    pub(crate) fn new(reader: Reader) -> Self {
        Self {
            reader: Arc::new(reader),
            rollouts: Arc::default(),
        }
    }

    /// What a decision on a rollout may know.
    pub(crate) fn observed(&self, key: &Key, uid: &str) -> Aws {
        let all = lock(&self.rollouts);
        let one = all.get(key).filter(|one| one.uid == uid);
        Aws(one.map_or_else(Vec::new, |one| one.answers.clone()))
    }

    /// The rollout has written objects of routers, or Services: what AWS said before counts no more.
    pub(crate) fn wrote(&self, (key, uid): (&Key, &str), routes: bool, services: bool) {
        let mut all = lock(&self.rollouts);
        let one = of(&mut all, key, uid);
        let stays = |question: &Question| !routes && matches!(question, Question::LoadBalancer(_));
        one.answers.retain(|answer| stays(&answer.question));
        one.under_way.retain(|(question, _)| stays(question));
        let now = Instant::now();
        let [weights, selectors] = one.wrote;
        let latest = |before: Option<Instant>, written: bool| if written { Some(now) } else { before };
        one.wrote = [latest(weights, routes), latest(selectors, services)];
    }

    /// Puts the questions of a plan, without waiting, and forgets those that it does not list. Each answer wakes the rollout.
    pub(crate) fn put<W>(&self, (key, uid): (&Key, &str), asks: &[Ask], wake: W)
    where
        W: Fn() + Clone + Send + 'static,
    {
        let mut all = lock(&self.rollouts);
        if asks.is_empty() && !all.contains_key(key) {
            return;
        }
        all.retain(|of, one| of == key || !one.is_over());
        let one = of(&mut all, key, uid);
        let is_put = |question: &Question| asks.iter().any(|ask| ask.question == *question);
        one.answers.retain(|answer| is_put(&answer.question));
        one.under_way.retain(|(question, _)| is_put(question));
        for ask in asks {
            let mut known = one.answers.iter().map(|answer| &answer.question);
            let mut under_way = one.under_way.iter().map(|(question, _)| question);
            let is_known = known.any(|question| *question == ask.question) && !ask.again;
            if is_known || under_way.any(|question| *question == ask.question) {
                continue;
            }
            let from = one.from(&ask.question);
            let task = self.ask(ask.question.clone(), from, (key.clone(), uid.to_owned()), wake.clone());
            one.under_way.push((ask.question.clone(), task));
        }
        if one.is_over() {
            all.remove(key);
        }
    }

    fn ask<W>(&self, question: Question, from: Option<Instant>, of: (Key, String), wake: W) -> AbortOnDropHandle<()>
    where
        W: Fn() + Send + 'static,
    {
        let (reader, rollouts) = (Arc::clone(&self.reader), Arc::clone(&self.rollouts));
        AbortOnDropHandle::new(tokio::spawn(async move {
            let answer = reader.answer(&question, from).await;
            let mut all = lock(&rollouts);
            if let Some(one) = all.get_mut(&of.0).filter(|one| one.uid == of.1) {
                one.answers.retain(|old| old.question != question);
                one.answers.push(answer);
                // A handle that is dropped ends its task: this one is about to end.
                one.under_way.retain(|(known, _)| *known != question);
            }
            drop(all);
            wake();
        }))
    }

    /// The rollout is gone: nobody waits for its answers.
    pub(crate) fn forget(&self, key: &Key) {
        lock(&self.rollouts).remove(key);
    }

    /// Rollouts of which something is kept.
    pub(crate) fn len(&self) -> usize {
        lock(&self.rollouts).len()
    }
}
