//! Whether the target groups that are bound to the active Service have the pods of the newest revision, once it leads there
//! (contract 04 §6, §8).

use crate::api::rollout::RolloutStatus;
use crate::meaning::BlueGreen;
use crate::observed::Routers;
use crate::plan::draft::Draft;
use crate::plan::{After, News};
use crate::rollout::look::Look;
use crate::rollout::verification::{self, Verification};
use crate::traffic::aws::Question;
use crate::traffic::{Seen, Told, targets};
use crate::wire::event;

/// What AWS says of the targets of the active Service.
#[derive(Debug)]
pub(super) struct Targets {
    /// What it is asked.
    pub(super) asked: Verification,
    /// What is told where it has all of them.
    pub(super) confirmed: Vec<Told>,
}

impl Targets {
    /// All of them are there.
    pub(super) fn are_complete(of: Option<&Self>) -> bool {
        of.is_none_or(|of| !of.asked.waits)
    }

    /// Puts the questions, and tells what is missing, or that the promotion had all of them.
    pub(super) fn report(
        of: Option<&Self>,
        look: &Look<'_>,
        promoted: bool,
        next: &mut RolloutStatus,
        draft: &mut Draft,
    ) {
        let Some(of) = of else {
            return verification::over(next);
        };
        of.asked.ask(look, draft);
        of.asked.record(look, next, draft);
        for told in of.confirmed.iter().filter(|_| promoted) {
            draft.tell(News::Verified(told.clone()), After::Status);
        }
    }
}

/// What is known of them; none where nothing is to be waited for: before the switch, after the promotion, and where target
/// groups are not verified.
pub(super) fn of(look: &Look<'_>, meant: &BlueGreen<'_>, active: &str) -> Option<Targets> {
    let Routers {
        settings, routes, aws, ..
    } = look.seen.routers.as_ref()?;
    let set = look.revisions.new.filter(|set| set.hash() == active)?;
    look.revisions.other_stable()?;
    if !verification::is_on(look) || look.replicas <= 0 {
        return None;
    }
    let mut of = Targets {
        asked: Verification::default(),
        confirmed: Vec::new(),
    };
    let (namespace, service) = (
        look.rollout.metadata.namespace.as_deref().unwrap_or_default(),
        meant.active_service,
    );
    let bindings = match routes.seen(&targets::bindings(settings, namespace)) {
        Seen::Unread => {
            of.asked.wait(None);
            return Some(of);
        }
        // Nobody binds anything where the kind is not served.
        Seen::Missing | Seen::NotServed => Vec::new(),
        Seen::Refused(why) => {
            let message = format!("Failed to verify Service {service} (TargetGroup unknown): {why}");
            of.asked
                .wait(Some(Told::new(event::TARGET_GROUP_VERIFY_ERROR, message)));
            return Some(of);
        }
        Seen::Found(list) => targets::bound(list, service),
    };
    let endpoints = routes.find(&targets::endpoints(namespace, service));
    let addresses = targets::addresses(endpoints, &set.name);
    for arn in bindings {
        let question = Question::Targets(arn.to_owned());
        let says = aws.answer(&question).map(|answer| &answer.says);
        match targets::are_healthy(service, arn, &addresses, says) {
            Ok(told) => of.confirmed.push(told),
            Err(why) => of.asked.wait(why),
        }
        of.asked.questions.push(question);
    }
    Some(of)
}
