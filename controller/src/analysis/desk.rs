//! What is being measured, and what was answered: by UID of the run, since a run that is made anew is another one.

use super::compiled::Compiled;
use crate::sync::lock;
use jiff::Timestamp;
use serin_core::analysis::run::{Answer, Asked, Question};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::task::AbortHandle;

/// Questions and answers of all runs.
#[derive(Default)]
pub(super) struct Desk(Mutex<HashMap<String, OfOne>>);

/// Those of one run.
#[derive(Clone, Default)]
pub(super) struct OfOne {
    /// What is being measured.
    pub(super) in_flight: Vec<Asked>,
    /// What was answered, and may not be in the status yet.
    pub(super) answers: Vec<Answer>,
    /// Why an argument has no value.
    pub(super) unresolved: Option<String>,
    compiled: Arc<Compiled>,
    tasks: Vec<AbortHandle>,
}

impl Desk {
    /// What is known of a run.
    pub(super) fn of(&self, uid: &str) -> OfOne {
        lock(&self.0).get(uid).cloned().unwrap_or_default()
    }

    /// Notes questions as put; those of metrics that are being measured are not put again.
    pub(super) fn put(&self, uid: &str, questions: Vec<Question>, at: Timestamp) -> Vec<Question> {
        let mut desk = lock(&self.0);
        let one = desk.entry(uid.to_owned()).or_default();
        one.tasks.retain(|task| !task.is_finished());
        let mut put = Vec::new();
        for question in questions {
            if one
                .in_flight
                .iter()
                .all(|asked| asked.question.metric != question.metric)
            {
                put.push(question.clone());
                one.in_flight.push(Asked { question, at });
            }
        }
        put
    }

    /// The run's expressions; those of a run that nobody waits for are not kept.
    pub(super) fn compiled(&self, uid: &str) -> Arc<Compiled> {
        let known = lock(&self.0).get(uid).map(|one| Arc::clone(&one.compiled));
        known.unwrap_or_default()
    }

    /// The task that will answer.
    pub(super) fn works_on(&self, uid: &str, task: AbortHandle) {
        match lock(&self.0).get_mut(uid) {
            Some(one) => one.tasks.push(task),
            // The run has ended meanwhile.
            None => task.abort(),
        }
    }

    /// An answer; false if nobody waits for it any more.
    pub(super) fn answered(&self, answer: Answer) -> bool {
        let mut desk = lock(&self.0);
        let Some(one) = desk.get_mut(&answer.question.run) else {
            return false;
        };
        let Some(at) = one.in_flight.iter().position(|asked| asked.question == answer.question) else {
            return false;
        };
        one.in_flight.swap_remove(at);
        one.answers.push(answer);
        true
    }

    /// An argument has no value: what was asked is not measured.
    pub(super) fn unresolved(&self, uid: &str, questions: &[Question], why: String) {
        if let Some(one) = lock(&self.0).get_mut(uid) {
            one.in_flight.retain(|asked| !questions.contains(&asked.question));
            one.unresolved = Some(why);
        }
    }

    /// The status has the first so many answers, or will never want them.
    pub(super) fn written(&self, uid: &str, answers: usize) {
        if let Some(one) = lock(&self.0).get_mut(uid) {
            one.answers.drain(..answers.min(one.answers.len()));
        }
    }

    /// The run is over, or gone: nothing more is measured of it.
    pub(super) fn forget(&self, uid: &str) {
        let gone = lock(&self.0).remove(uid);
        for task in gone.into_iter().flat_map(|one| one.tasks) {
            task.abort();
        }
    }

    /// The process is to end: what is being measured is not waited for.
    pub(super) fn close(&self) {
        let all = std::mem::take(&mut *lock(&self.0));
        for task in all.into_values().flat_map(|one| one.tasks) {
            task.abort();
        }
    }

    /// Runs of which something is known.
    pub(super) fn len(&self) -> usize {
        lock(&self.0).len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn question(metric: &str, number: i32) -> Question {
        Question {
            run: "u".into(),
            metric: metric.into(),
            number,
            ..Question::default()
        }
    }

    fn answer(question: Question) -> Answer {
        Answer {
            question,
            ..Answer::default()
        }
    }

    #[test]
    fn a_metric_is_asked_once_at_a_time() {
        let desk = Desk::default();
        let at = Timestamp::UNIX_EPOCH;
        assert_eq!(desk.put("u", vec![question("a", 1), question("b", 1)], at).len(), 2);
        assert_eq!(desk.put("u", vec![question("a", 1), question("c", 1)], at).len(), 1);
        assert!(desk.answered(answer(question("a", 1))));
        assert!(!desk.answered(answer(question("a", 1))), "answered twice");
        assert_eq!(desk.of("u").answers.len(), 1);
        desk.put("u", vec![question("a", 2)], at);
        assert!(desk.answered(answer(question("a", 2))));
        desk.written("u", 1);
        assert_eq!(desk.of("u").answers[0].question.number, 2);
        desk.unresolved("u", &[question("b", 1)], "no key".into());
        assert_eq!(
            (desk.of("u").in_flight.len(), desk.of("u").unresolved.is_some()),
            (1, true)
        );
        desk.forget("u");
        assert!(!desk.answered(answer(question("c", 1))), "nobody waits any more");
        assert_eq!(desk.len(), 0);
    }
}
