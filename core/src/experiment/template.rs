//! One template: the size of its ReplicaSet, its Service, and how it fares (contract 05 §8).

use super::look::{Look, template_status};
use super::observed::OwnService;
use super::replica_set::{self, find, name_of_replica_set};
use super::service;
use crate::api::experiment::{TemplateSpec, TemplateStatus};
use crate::observed::{Attempt, Kind, Refusal, ReplicaSet, Verb};
use crate::plan::draft::{Draft, patch_of};
use crate::plan::{Action, After, ExperimentNews, NewService, News, ReplicaSetAction, Wake, WakeReason};
use crate::rollout::look::{after_seconds, stamp};
use crate::wire::experiment::{TEMPLATE_NAME, TemplateState};
use crate::wire::{HASH_LABEL, SCALE_DOWN_DEADLINE};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Seconds until pods must be available, where the experiment does not say (contract 01 §6).
pub(super) const PROGRESS_DEADLINE_SECONDS: i32 = 600;
/// Seconds until a name that another owner has is tried again.
const NAME_RETRY_SECONDS: i64 = 10;
/// Seconds for which pods stay when the experiment is over, where it does not say (contract 01 §6).
const SCALE_DOWN_DELAY_SECONDS: i32 = 30;

/// Seconds until it is looked again whether traffic leads to pods that are no longer wanted.
const TRAFFIC_RETRY_SECONDS: i64 = 10;

/// What becomes of a template.
pub(super) struct Outcome<'a> {
    /// Its state to record.
    pub(super) status: TemplateStatus,
    /// The Service that it lacks.
    pub(super) create: Option<NewService>,
    /// Services that have had their time.
    pub(super) delete: Vec<&'a OwnService>,
}

/// A template under way.
struct Course<'l, 'a> {
    look: &'l Look<'a>,
    template: &'a TemplateSpec,
    set: Option<&'a ReplicaSet>,
    old: TemplateStatus,
    next: TemplateStatus,
    /// Pods wanted.
    desired: i32,
    /// Its ReplicaSet was created or scaled, or its counters moved.
    moved: bool,
    /// What cannot be done, which ends it.
    error: Option<String>,
}

/// Sizes its ReplicaSet, and says how it fares.
pub(super) fn reconcile<'a>(
    look: &Look<'a>,
    template: &'a TemplateSpec,
    actions: &mut Vec<Action>,
    draft: &mut Draft,
) -> Outcome<'a> {
    let old = template_status(look.status(), &template.name).cloned();
    let old = old.unwrap_or_else(|| TemplateStatus {
        name: template.name.clone(),
        ..TemplateStatus::default()
    });
    let ends = look.terminating || state(&old).is_some_and(TemplateState::is_completed);
    let mut course = Course {
        look,
        template,
        set: find(look.seen, look.name(), &template.name),
        next: old.clone(),
        moved: old.last_transition_time.is_none(),
        old,
        desired: if ends { 0 } else { Look::replicas(template) },
        error: None,
    };
    let mut labels = course.set.map(|set| set.labels.clone());
    match course.set {
        Some(set) if ends => course.end(set, actions, draft),
        Some(set) => course.scale(set, course.desired, actions, draft),
        None if !ends => labels = course.create(actions, draft),
        None => {}
    }
    course.count();
    let (create, delete) = course.serve(labels.as_ref());
    course.settle();
    course.tell(draft);
    Outcome {
        status: course.next,
        create,
        delete,
    }
}

/// Its state; none before its first look.
pub(super) fn state(status: &TemplateStatus) -> Option<TemplateState> {
    TemplateState::of(&status.status)
}

/// Available pods that may be relied on; none while the status is older than the spec (decision 45).
fn available(set: &ReplicaSet) -> Option<i32> {
    let known = set.observed_generation >= set.generation;
    known.then(|| set.available_replicas.min(set.replicas).max(0))
}

/// A ReplicaSet that no template of the spec has: its pods go as those of a template that has ended.
pub(super) fn end_surplus(look: &Look<'_>, set: &ReplicaSet, actions: &mut Vec<Action>, draft: &mut Draft) {
    if let Some(to) = size_at_end(look, set, actions, draft) {
        resize(set, to, actions, draft);
    }
}

/// The template that a Service names has no available pods any more.
pub(super) fn is_gone(look: &Look<'_>, service: &OwnService) -> bool {
    let template = service.annotations.get(TEMPLATE_NAME).map_or("", String::as_str);
    find(look.seen, look.name(), template).is_none_or(|set| available(set) == Some(0))
}

/// The rollout leads traffic to the pods of a ReplicaSet: they stay until it no longer does.
fn is_led_to(look: &Look<'_>, set: &ReplicaSet) -> bool {
    let template = set.annotations.get(TEMPLATE_NAME).map_or("", String::as_str);
    let services = service::claimed(look, template).into_iter().map(|of| &of.name);
    let recorded = template_status(look.status(), template).map(|of| &of.service_name);
    let mut names = services.chain(recorded).chain([&set.name]);
    names.any(|name| look.seen.led_to.contains(name))
}

/// The size that a ReplicaSet gets whose pods are no longer wanted, if that changes now. Notes first when its pods may go, and
/// wakes then.
fn size_at_end(look: &Look<'_>, set: &ReplicaSet, actions: &mut Vec<Action>, draft: &mut Draft) -> Option<i32> {
    if set.replicas == 0 {
        return None;
    }
    if is_led_to(look, set) {
        // Its rollout looks as soon as the experiment has ended; this is for a rollout that cannot write its routers.
        draft.wake(Wake {
            at: after_seconds(look.now, TRAFFIC_RETRY_SECONDS),
            why: WakeReason::Routers,
        });
        return None;
    }
    let delay = look.spec().scale_down_delay_seconds.unwrap_or(SCALE_DOWN_DELAY_SECONDS);
    let deadline = match set.annotations.get(SCALE_DOWN_DEADLINE) {
        // One that cannot be read has passed.
        _ if delay <= 0 => None,
        Some(noted) => noted.parse::<Timestamp>().ok(),
        None => {
            let deadline = stamp(after_seconds(look.now, i64::from(delay))).0;
            let mut patch = patch_of(set);
            let noted = (SCALE_DOWN_DEADLINE.to_owned(), Some(deadline.to_string()));
            patch.annotations.extend([noted]);
            actions.push(ReplicaSetAction::Patch(patch).into());
            Some(deadline)
        }
    };
    let Some(at) = deadline.filter(|deadline| *deadline > look.now) else {
        return Some(0);
    };
    let why = WakeReason::ScaleDownDelay;
    draft.wake(Wake { at, why });
    None
}

/// Gives a ReplicaSet another size, and tells of it.
fn resize(set: &ReplicaSet, to: i32, actions: &mut Vec<Action>, draft: &mut Draft) {
    let mut patch = patch_of(set);
    patch.replicas = Some(to);
    actions.push(ReplicaSetAction::Patch(patch).into());
    let after = After::Action(actions.len() - 1);
    let (name, from) = (set.name.clone(), set.replicas);
    tell(ExperimentNews::Scaled { name, from, to }, after, draft);
}

fn tell(news: ExperimentNews, after: After, draft: &mut Draft) {
    draft.tell(News::Experiment(news), after);
}

impl<'a> Course<'_, 'a> {
    /// Creates the ReplicaSet; gives its labels.
    fn create(&mut self, actions: &mut Vec<Action>, draft: &mut Draft) -> Option<BTreeMap<String, String>> {
        let (look, template) = (self.look, &self.template.name);
        let name = name_of_replica_set(look.name(), template);
        if let Some(why) = self.refused(Verb::Create, &name) {
            self.error = Some(format!("Failed to create ReplicaSet for template '{template}': {why}"));
            return None;
        }
        let mut own = look.seen.replica_sets.iter();
        if look.seen.taken.replica_sets.contains(&name) || own.any(|set| set.name == name) {
            // One that goes takes the wait along: an experiment of this name may have been deleted a moment ago. Else the
            // progress deadline ends it.
            self.next.message = format!("ReplicaSet {name} already exists and is not owned by this experiment");
            draft.wake(Wake {
                at: after_seconds(look.now, NAME_RETRY_SECONDS),
                why: WakeReason::Refused(Refusal::AlreadyExists),
            });
            return None;
        }
        let (new, undecodable) = replica_set::manifest(look, self.template, &self.old);
        let (labels, to) = (new.labels.clone(), new.replicas);
        actions.push(ReplicaSetAction::Create(Box::new(new)).into());
        let after = After::Action(actions.len() - 1);
        if !undecodable.is_empty() {
            let (name, fields) = (name.clone(), undecodable);
            tell(ExperimentNews::Undecodable { name, fields }, after, draft);
        }
        if to > 0 {
            tell(ExperimentNews::Scaled { name, from: 0, to }, after, draft);
        }
        self.next.message.clear();
        self.moved = true;
        Some(labels)
    }

    fn scale(&mut self, set: &ReplicaSet, to: i32, actions: &mut Vec<Action>, draft: &mut Draft) {
        if set.replicas == to {
            return;
        }
        if let Some(why) = self.refused(Verb::Patch, &set.name) {
            let template = &self.template.name;
            let message =
                format!("Unable to scale ReplicaSet for template '{template}' to desired replica count '{to}': {why}");
            let (name, from, why) = (set.name.clone(), set.replicas, why.to_owned());
            tell(ExperimentNews::ScaleError { name, from, to, why }, After::Status, draft);
            self.error = Some(message);
            return;
        }
        resize(set, to, actions, draft);
        self.moved = true;
    }

    /// Lets its pods go, once they have had their delay. A template that has ended is told as it ended, whatever becomes of
    /// its pods.
    fn end(&mut self, set: &ReplicaSet, actions: &mut Vec<Action>, draft: &mut Draft) {
        if let Some(to) = size_at_end(self.look, set, actions, draft) {
            resize(set, to, actions, draft);
            self.moved = true;
        }
    }

    fn refused(&self, verb: Verb, name: &str) -> Option<&'a str> {
        let refused = self.look.refused()?;
        let this = refused.attempt == Attempt::new(verb, Kind::ReplicaSet, name);
        this.then_some(refused.message.as_str())
    }

    /// The counters, as the ReplicaSet tells them.
    fn count(&mut self) {
        let of = |count: fn(&ReplicaSet) -> i32| self.set.map_or(0, count);
        let next = &mut self.next;
        next.replicas = of(|set| set.current_replicas);
        next.updated_replicas = next.replicas;
        next.ready_replicas = of(|set| set.ready_replicas);
        next.available_replicas = of(|set| set.available_replicas);
        self.moved |= counters(next) != counters(&self.old);
    }

    /// What becomes of its Service, while the ReplicaSet has these labels. One that is claimed is recorded each time.
    fn serve(&mut self, labels: Option<&BTreeMap<String, String>>) -> (Option<NewService>, Vec<&'a OwnService>) {
        let claimed = service::claimed(self.look, &self.template.name);
        let gone = self.set.is_none_or(|set| available(set) == Some(0));
        if self.template.service.is_none() || (self.desired == 0 && gone) {
            return (None, claimed);
        }
        let hash = labels
            .and_then(|labels| labels.get(HASH_LABEL))
            .cloned()
            .unwrap_or_default();
        if let Some(service) = claimed.first() {
            self.next.service_name.clone_from(&service.name);
            self.next.pod_template_hash = hash;
            return (None, Vec::new());
        }
        let Some(labels) = labels.filter(|_| self.desired > 0) else {
            return (None, Vec::new());
        };
        let Some(new) = service::manifest(self.look, self.template, labels) else {
            return (None, Vec::new());
        };
        if let Some(problem) = service::problem(self.look, &self.template.name, &new.name) {
            self.error = Some(problem);
            return (None, Vec::new());
        }
        self.next.service_name.clone_from(&new.name);
        self.next.pod_template_hash = hash;
        (Some(new), Vec::new())
    }

    /// The state, and since when. One that is final stays.
    fn settle(&mut self) {
        let look = self.look;
        if self.moved {
            self.next.last_transition_time = Some(stamp(look.now));
        }
        if state(&self.old).is_some_and(TemplateState::is_completed) {
            return;
        }
        let complete = self.set.and_then(available) == Some(self.desired);
        let state = if let Some(error) = self.error.take() {
            self.next.message = error;
            TemplateState::Error
        } else if look.terminating || (complete && look.has_passed()) {
            TemplateState::Successful
        } else if complete {
            TemplateState::Running
        } else if self.deadline().is_some_and(|deadline| look.now > deadline) {
            let (template, seconds) = (&self.template.name, progress_deadline_seconds(look));
            self.next.message = format!("Template '{template}' exceeded its progressDeadlineSeconds ({seconds})");
            TemplateState::Failed
        } else {
            TemplateState::Progressing
        };
        if !state.is_bad() && (self.set.is_some() || state != TemplateState::Progressing) {
            self.next.message.clear();
        }
        state.as_str().clone_into(&mut self.next.status);
    }

    /// When its pods must be available.
    fn deadline(&self) -> Option<Timestamp> {
        let since = self.next.last_transition_time.as_ref()?;
        Some(after_seconds(since.0, i64::from(progress_deadline_seconds(self.look))))
    }

    /// Tells of another state, and looks again when its pods must be available.
    fn tell(&self, draft: &mut Draft) {
        if let Some(to) = state(&self.next).filter(|_| self.next.status != self.old.status) {
            let news = ExperimentNews::Template {
                name: self.template.name.clone(),
                from: self.old.status.clone(),
                to,
                message: self.next.message.clone(),
            };
            tell(news, After::Status, draft);
        }
        let progressing = state(&self.next) == Some(TemplateState::Progressing);
        if let Some(deadline) = self.deadline().filter(|_| progressing) {
            draft.wake(Wake {
                at: just_after(deadline),
                why: WakeReason::ProgressDeadline,
            });
        }
    }
}

fn progress_deadline_seconds(look: &Look<'_>) -> i32 {
    let written = look.spec().progress_deadline_seconds;
    written.unwrap_or(PROGRESS_DEADLINE_SECONDS)
}

/// The first moment that is later than another, for all that a person can see.
pub(super) fn just_after(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_millis(1)).unwrap_or(Timestamp::MAX)
}

fn counters(status: &TemplateStatus) -> [i32; 4] {
    [
        status.replicas,
        status.updated_replicas,
        status.ready_replicas,
        status.available_replicas,
    ]
}
