//! What is wanted becomes changes, in the one order that is safe at every moment. Nothing else makes an [`Action`].
//!
//! 1. Owners: what is not ours yet, or no longer, is neither scaled nor counted.
//! 2. The newest ReplicaSet is created, and the rollout gets its revision.
//! 3. ReplicaSets grow.
//! 4. Weights move, then Services, and those that the spec no longer names are released. What a weight waits for is what was
//!    observed, so neither relies on the other within one plan.
//! 5. ReplicaSets shrink, within the budget of available pods, and keep what a Service still leads to.
//! 6. The Deployment that the rollout refers to shrinks, once pods of the rollout stand in for its own.
//! 7. AnalysisRuns and Experiments that no longer count are to end, and those that count from now on are created. Nothing that moves pods or
//!    traffic waits for that: going back comes first.
//! 8. Old ReplicaSets go, and AnalysisRuns and Experiments that have had their time.
//! 9. Records and metadata follow: rollouts work without them.
//! 10. Pods are evicted where no size changes.
//!
//! The first change that fails stops all that come after it, so each may rely on those before it (design: invariants 4
//! and 5).

use crate::meaning;
use crate::observed::{Observed, ReplicaSet, Service, Workload};
use crate::plan::draft::{Draft, patch_of, target_of};
use crate::plan::{
    Action, After, AnalysisRunAction, ExperimentAction, News, Ownership, PodAction, ReplicaSetAction, ReplicaSetPatch,
    RolloutPatch, Secondary, ServicePatch, Target, Wake, WakeReason, WorkloadScale,
};
use crate::rollout::availability::{self, Budget};
use crate::rollout::ephemeral::{self, Change};
use crate::rollout::look::Look;
use crate::rollout::replica_set;
use crate::rollout::revision::ownership;
use crate::rollout::service;
use crate::rollout::traffic;
use crate::rollout::want::{Behind, Deadline, Experiments, Keeps, Of, Runs, Want};
use crate::rollout::workload::{self, Scale};
use crate::traffic::{Change as RouteChange, Told};
use crate::wire;

/// Changes, in their order.
#[derive(Debug, Default)]
pub(crate) struct Actions(Vec<Action>);

/// Everything that a strategy wants, and what is the same for all strategies.
pub(crate) fn carry_out(look: &Look<'_>, want: &Want<'_>, draft: &mut Draft) -> Actions {
    let mut actions = Actions::default();
    let scale = workload::scale(look);
    actions.create(look, want, &scale, draft);
    actions.grow(look, want, draft);
    actions.route(&want.routes, draft);
    actions.route(&traffic::given_back(look.seen), draft);
    actions.move_services(look, want, draft);
    actions.shrink(look, want, draft);
    actions.scale_workload(look, &scale, draft);
    actions.analyse(&want.runs);
    actions.experiment(&want.experiments, draft);
    actions.clean_up(look);
    actions.clean_up_runs(&want.runs);
    actions.clean_up_experiments(&want.experiments);
    actions.keep_records(look, want);
    actions.dress(look);
    actions.evict(look);
    for at in &want.delays_end {
        draft.wake(Wake {
            at: *at,
            why: WakeReason::ScaleDownDelay,
        });
    }
    actions
}

/// Makes the rollout the owner of ReplicaSets that nobody owns and that its selector means, and gives up those that it
/// no longer means (contract 02 §3). Where there are any, nothing else is done.
pub(crate) fn claim(look: &Look<'_>) -> Actions {
    let sets = look.seen.replica_sets.iter();
    let changes = sets.filter_map(|set| Some((set, ownership(look.seen, set)?)));
    let patch = |(set, ownership): (&ReplicaSet, Ownership)| ReplicaSetPatch {
        ownership: Some(ownership),
        ..patch_of(set)
    };
    Actions(
        changes
            .map(|change| ReplicaSetAction::Patch(patch(change)).into())
            .collect(),
    )
}

/// Tells by an annotation which generation of the workload was seen; for a spec that cannot be carried out.
pub(crate) fn announce_workload(seen: &Observed) -> Actions {
    let annotations = workload::annotations(seen, &Scale::Stays(None));
    let patch = (!annotations.is_empty()).then(|| RolloutPatch {
        target: replica_set::target(&seen.rollout),
        annotations,
        replicas: None,
    });
    Actions(patch.map(Action::Rollout).into_iter().collect())
}

impl Actions {
    /// No changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes.
    pub(crate) fn into_vec(self) -> Vec<Action> {
        self.0
    }

    /// Whether any ReplicaSet is created or changes its size.
    pub(crate) fn resize(&self) -> bool {
        self.0.iter().any(|action| match action {
            Action::ReplicaSet(ReplicaSetAction::Create(_)) => true,
            Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => patch.replicas.is_some(),
            Action::ReplicaSet(ReplicaSetAction::Delete(_))
            | Action::Service(_)
            | Action::Route(_)
            | Action::Pod(PodAction::Patch(_) | PodAction::Evict(_))
            | Action::Workload(_)
            | Action::AnalysisRun(_)
            | Action::Experiment(_)
            | Action::OwnService(_)
            | Action::Rollout(_) => false,
        })
    }

    /// Whether the selector of any Service changes.
    fn switch(&self) -> bool {
        self.0.iter().any(|action| matches!(action, Action::Service(_)))
    }

    /// Whether anything is written that rollouts work without (decision 46).
    pub(crate) fn have_secondary(&self) -> bool {
        self.0.iter().any(|action| match action {
            Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => !patch.secondary.is_empty(),
            Action::Pod(PodAction::Patch(_)) | Action::Workload(_) => true,
            Action::ReplicaSet(ReplicaSetAction::Create(_) | ReplicaSetAction::Delete(_))
            | Action::Service(_)
            | Action::Route(_)
            | Action::Pod(PodAction::Evict(_))
            | Action::AnalysisRun(_)
            | Action::Experiment(_)
            | Action::OwnService(_)
            | Action::Rollout(_) => false,
        })
    }

    /// Adds a change; its index is what events refer to.
    fn push(&mut self, action: impl Into<Action>) -> After {
        self.0.push(action.into());
        After::Action(self.0.len() - 1)
    }

    /// Adds to the patch of a ReplicaSet, one that is there already where there is one. A ReplicaSet that is to be deleted
    /// is left alone.
    fn amend(&mut self, set: &ReplicaSet, change: impl FnOnce(&mut ReplicaSetPatch)) {
        for action in &mut self.0 {
            let Action::ReplicaSet(action) = action else { continue };
            match action {
                ReplicaSetAction::Patch(patch) if patch.target.uid == set.uid => return change(patch),
                ReplicaSetAction::Delete(target) if target.uid == set.uid => return,
                ReplicaSetAction::Create(_) | ReplicaSetAction::Patch(_) | ReplicaSetAction::Delete(_) => {}
            }
        }
        let mut patch = patch_of(set);
        change(&mut patch);
        self.push(ReplicaSetAction::Patch(patch));
    }

    /// The newest ReplicaSet, its revision on the rollout, what that tells of its workload, and `spec.replicas` where it is
    /// absent (decision 22).
    fn create(&mut self, look: &Look<'_>, want: &Want<'_>, scale: &Scale, draft: &mut Draft) {
        if want.create.is_some() && !replica_set::may_be_created(look) {
            return;
        }
        let missing = look.revisions.new.is_none();
        if let Some(size) = want.create.filter(|_| missing) {
            let mut new = replica_set::manifest(look, size);
            ephemeral::dress(look, &mut new);
            let (name, size) = (new.name.clone(), new.replicas);
            let after = self.push(ReplicaSetAction::Create(Box::new(new)));
            replica_set::tell_created(look, &name, size, after, draft);
        }
        let of_workload = workload::annotations(look.seen, scale);
        if let Some(patch) = replica_set::revise(look, want.create.is_some() || !missing, of_workload) {
            let revised = patch.annotations.get(wire::REVISION).cloned().flatten();
            let after = self.push(Action::Rollout(patch));
            if let Some(revision) = revised {
                draft.tell(News::Updated { revision }, after);
            }
        }
    }

    /// ReplicaSets that keep their size, or get more pods.
    fn grow(&mut self, look: &Look<'_>, want: &Want<'_>, draft: &mut Draft) {
        for of in want.replica_sets.iter().rev().filter(|of| !of.shrinks()) {
            self.size(look, of, of.size, draft);
        }
    }

    /// Objects of traffic routers are written.
    fn route(&mut self, routes: &[(RouteChange, Vec<Told>)], draft: &mut Draft) {
        for (change, told) in routes {
            let after = self.push(Action::Route(change.clone()));
            for told in told {
                draft.tell(News::Routed(told.clone()), after);
            }
        }
    }

    fn move_services(&mut self, look: &Look<'_>, want: &Want<'_>, draft: &mut Draft) {
        for behind in &want.services {
            self.switch_service(look, behind, draft);
        }
        // Services that carry this rollout's name although its spec no longer does lose the hash and the name (contract
        // 05 §9).
        let named = meaning::services(&look.rollout.spec.strategy);
        for (name, service) in &look.seen.services {
            let Some(service) = service else { continue };
            if service::is_ours(look, service) && named.iter().all(|(_, named)| *named != name) {
                self.push(Action::Service(ServicePatch {
                    target: target_of_service(name, service),
                    clear: true,
                    ..ServicePatch::default()
                }));
            }
        }
    }

    /// Switches a Service where it does not yet select the hash, or is not yet managed.
    fn switch_service(&mut self, look: &Look<'_>, behind: &Behind<'_>, draft: &mut Draft) {
        let Behind {
            service: name,
            hash,
            preview,
        } = *behind;
        let Some(service) = service::find(look, name) else {
            return;
        };
        let old = service::hash_of(look, name);
        let managed = service::is_ours(look, service);
        if old == hash && managed {
            return;
        }
        let after = self.push(Action::Service(ServicePatch {
            target: target_of_service(name, service),
            hash: (old != hash).then(|| hash.to_owned()),
            managed_by: (!managed).then(|| look.name().to_owned()),
            clear: false,
        }));
        let news = News::ServiceSwitched {
            name: name.to_owned(),
            from: old.to_owned(),
            to: hash.to_owned(),
            preview,
        };
        draft.tell(news, after);
    }

    /// ReplicaSets that give up pods, each within what is left of the budget.
    fn shrink(&mut self, look: &Look<'_>, want: &Want<'_>, draft: &mut Draft) {
        let mut budget = Budget::of(look, look.revisions.all(), want.keep_available);
        let switched = self.switch();
        for of in want.replica_sets.iter().filter(|of| of.shrinks()) {
            let size = of.smallest(look, switched, &mut budget);
            let old = look.revisions.others.iter().any(|set| set.uid == of.set.uid);
            if size < of.set.replicas || !old {
                self.size(look, of, Some(size), draft);
            }
        }
    }

    /// The patch of one ReplicaSet: its size, what goes with it, and its part in the update.
    fn size(&mut self, look: &Look<'_>, of: &Of<'_>, size: Option<i32>, draft: &mut Draft) {
        let set = of.set;
        let is_new = look.revisions.new.is_some_and(|new| new.uid == set.uid);
        let mut patch = patch_of(set);
        if is_new {
            replica_set::keep_in_step(look, set, &mut patch);
        }
        if let Some(size) = size {
            replica_set::scale(look, set, size, &mut patch);
        }
        let deadline = match of.deadline {
            Deadline::Stays => None,
            Deadline::None => set.annotations.contains_key(wire::SCALE_DOWN_DEADLINE).then_some(None),
            Deadline::At(at) => Some(Some(at.to_string())),
        };
        if let Some(deadline) = deadline {
            patch.annotations.insert(wire::SCALE_DOWN_DEADLINE.to_owned(), deadline);
        }
        let recorded = set.annotations.get(wire::SIZE_AT_PAUSE);
        if let Some(share) = of.share.as_ref().filter(|share| share.as_ref() != recorded) {
            patch.annotations.insert(wire::SIZE_AT_PAUSE.to_owned(), share.clone());
        }
        if patch == patch_of(set) {
            return;
        }
        let size = patch.replicas;
        let after = self.push(ReplicaSetAction::Patch(patch));
        if let Some(size) = size {
            let revision = if is_new {
                replica_set::newest_revision(look)
            } else {
                set.revision()
            };
            let news = News::Scaled {
                name: set.name.clone(),
                revision,
                from: set.replicas,
                to: size,
            };
            draft.tell(news, after);
        }
    }

    /// The Deployment that the rollout refers to gives up pods (contract 05 §5).
    fn scale_workload(&mut self, look: &Look<'_>, scale: &Scale, draft: &mut Draft) {
        let (Scale::To(size, _), Some(workload)) = (scale, &look.seen.workload) else {
            return;
        };
        let (action, news) = scaled(workload, *size);
        let after = self.push(action);
        draft.tell(news, after);
    }

    /// AnalysisRuns end and begin (contract 03 §13).
    fn analyse(&mut self, runs: &Runs) {
        for target in &runs.terminate {
            self.push(AnalysisRunAction::Terminate(target.clone()));
        }
        for new in &runs.create {
            self.push(AnalysisRunAction::Create(Box::new(new.clone())));
        }
    }

    /// Experiments end and begin (contract 03 §12).
    fn experiment(&mut self, experiments: &Experiments, draft: &mut Draft) {
        for target in &experiments.terminate {
            self.push(Action::Experiment(ExperimentAction::Terminate(target.clone())));
        }
        if let Some(new) = &experiments.create {
            let name = new.name.clone();
            let after = self.push(Action::Experiment(ExperimentAction::Create(Box::new(new.clone()))));
            draft.tell(News::ExperimentCreated { name }, after);
        }
    }

    /// Deletes Experiments that have had their time.
    fn clean_up_experiments(&mut self, experiments: &Experiments) {
        for target in &experiments.delete {
            self.push(Action::Experiment(ExperimentAction::Delete(target.clone())));
        }
    }

    /// Deletes AnalysisRuns that have had their time.
    fn clean_up_runs(&mut self, runs: &Runs) {
        for target in &runs.delete {
            self.push(AnalysisRunAction::Delete(target.clone()));
        }
    }

    /// Deletes the oldest ReplicaSets beyond `revisionHistoryLimit` (contract 02 §6). One in that range that still has
    /// pods is passed over, not replaced by another.
    fn clean_up(&mut self, look: &Look<'_>) {
        let limit = usize::try_from(look.rollout.spec.revision_history_limit_or_default()).unwrap_or(0);
        let mut old = look.revisions.others.clone();
        old.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
        let surplus = old.len().saturating_sub(limit);
        for set in old.into_iter().take(surplus).filter(|set| set.is_empty()) {
            self.push(ReplicaSetAction::Delete(target_of(set)));
        }
    }

    /// Records that have had their time go.
    fn keep_records(&mut self, look: &Look<'_>, want: &Want<'_>) {
        let mut drop = |set: &ReplicaSet, record: &str| {
            self.amend(set, |patch| {
                patch.annotations.entry(record.to_owned()).or_insert(None);
            });
        };
        for set in look.revisions.all() {
            if !want.keep_shares && set.annotations.contains_key(wire::SIZE_AT_PAUSE) {
                drop(set, wire::SIZE_AT_PAUSE);
            }
            if availability::is_proven(look, set) {
                drop(set, wire::SHRUNK_TO);
            }
        }
    }

    /// Labels and annotations that pods carry for as long as their revision plays a part (contract 03 §11).
    fn dress(&mut self, look: &Look<'_>) {
        for (set, change) in ephemeral::changes(look) {
            match change {
                Change::ReplicaSet(change) => self.amend(set, |patch| {
                    let Secondary {
                        annotations,
                        template_labels,
                        template_annotations,
                    } = change;
                    patch.secondary.annotations.extend(annotations);
                    patch.secondary.template_labels = template_labels;
                    patch.secondary.template_annotations = template_annotations;
                }),
                Change::Pods(patches) => self
                    .0
                    .extend(patches.into_iter().map(|of| Action::Pod(PodAction::Patch(of)))),
            }
        }
    }

    /// Pods that are older than a restart asks for. What a plan takes away by sizes it cannot take away once more.
    pub(crate) fn evict(&mut self, look: &Look<'_>) {
        if !self.resize() {
            let evict = look.restart.evict().iter().cloned();
            self.0.extend(evict.map(|of| Action::Pod(PodAction::Evict(of))));
        }
    }
}

impl Of<'_> {
    fn shrinks(&self) -> bool {
        self.size.is_some_and(|size| size < self.set.replicas)
    }

    /// The size nearest to the one that is wanted at which it keeps what it must keep.
    fn smallest(&self, look: &Look<'_>, switched: bool, budget: &mut Budget) -> i32 {
        let set = self.set;
        let size = self.size.unwrap_or(set.replicas).max(self.least.min(set.replicas));
        match self.keeps {
            Keeps::Nothing => size,
            Keeps::Own(needed) => Budget::of(look, std::iter::once(set), needed).shrink(look, set, size),
            Keeps::Part => budget.shrink(look, set, size),
            Keeps::PartBehind(service) => {
                let size = budget.shrink(look, set, size);
                if size >= set.replicas {
                    size
                } else if size <= 0 && switched {
                    // The next reconcile sees what the Service selects now.
                    set.replicas
                } else if service::leads_to(look, service, set) {
                    look.availability(set).floor(size)
                } else {
                    size
                }
            }
        }
    }
}

fn target_of_service(name: &str, service: &Service) -> Target {
    Target {
        name: name.to_owned(),
        uid: String::new(),
        resource_version: service.resource_version.clone(),
    }
}

/// The scaling of a workload, and what is told of it.
pub(crate) fn scaled(workload: &Workload, size: i32) -> (Action, News) {
    let action = Action::Workload(WorkloadScale {
        target: Target {
            name: workload.name.clone(),
            uid: workload.uid.clone(),
            resource_version: workload.resource_version.clone(),
        },
        replicas: size,
    });
    let news = News::WorkloadScaled {
        what: format!("{} {}", workload.kind, workload.name),
        from: workload.replicas,
        to: size,
    };
    (action, news)
}
