//! Questions to AWS that a decision waits for: they are put, put again, and what the answers lack is told (contract 07 §3).

use crate::api::rollout::RolloutStatus;
use crate::plan::draft::Draft;
use crate::plan::{After, Ask, News, Wake, WakeReason};
use crate::rollout::conditions::{self, TRUE};
use crate::rollout::look::{Look, after_seconds};
use crate::traffic::Told;
use crate::traffic::aws::Question;
use crate::wire::condition::TRAFFIC_NOT_VERIFIED;

/// What AWS is asked, and what is missing.
#[derive(Debug, Default)]
pub(crate) struct Verification {
    /// What it is asked.
    pub(crate) questions: Vec<Question>,
    /// The decision waits for another answer.
    pub(crate) waits: bool,
    /// Why, where that is known.
    pub(crate) why_not: Option<Told>,
}

/// Whether AWS is ever asked here.
pub(crate) fn is_on(look: &Look<'_>) -> bool {
    let routers = look.seen.routers.as_ref();
    routers.is_some_and(|of| of.settings.verifies_targets)
}

/// Nothing is verified now: what was told before is over.
pub(crate) fn over(next: &mut RolloutStatus) {
    conditions::remove(next, TRAFFIC_NOT_VERIFIED);
}

impl Verification {
    /// The decision waits, for this reason if it is known.
    pub(crate) fn wait(&mut self, why: Option<Told>) {
        self.waits = true;
        self.why_not = self.why_not.take().or(why);
    }

    /// Puts the questions, and looks again where the decision waits.
    pub(crate) fn ask(&self, look: &Look<'_>, draft: &mut Draft) {
        let Some(routers) = &look.seen.routers else { return };
        let retry = routers.settings.verify_retry_seconds.max(1);
        let mut wake = after_seconds(look.now, retry);
        for question in &self.questions {
            let asked = routers.aws.answer(question).map_or(look.now, |answer| answer.at);
            let due = after_seconds(asked, retry);
            let again = self.waits && due <= look.now;
            if !again {
                wake = wake.min(due);
            }
            draft.ask(Ask {
                question: question.clone(),
                again,
            });
        }
        if self.waits {
            let why = WakeReason::TargetGroups;
            draft.wake(Wake { at: wake, why });
        }
    }

    /// Says by a condition and an event what is missing.
    pub(crate) fn record(&self, look: &Look<'_>, next: &mut RolloutStatus, draft: &mut Draft) {
        let old = conditions::get(&look.rollout.status, TRAFFIC_NOT_VERIFIED);
        match &self.why_not {
            Some(told) if old.is_none_or(|old| old.message != told.message) => {
                over(next);
                let (reason, message) = (&told.reason, told.message.clone());
                let found = conditions::new(TRAFFIC_NOT_VERIFIED, TRUE, reason, message, &look.stamp());
                conditions::set(next, found);
                draft.tell(News::Unverified(told.clone()), After::Status);
            }
            // An answer that is not there yet is no news.
            Some(_) => {}
            None if self.waits => {}
            None => over(next),
        }
    }
}
