//! One reconcile of one experiment: observe → decide → act → record.

use crate::act::{Act, Error, attempt_of};
use crate::cluster::refusal::Failure;
use crate::queue::reason::Wait;
use crate::queue::{Due, Ended, Item, Reason};
use crate::reconcile::record::{Status, due_events, write_status};
use crate::reconcile::{Reading, soon};
use crate::shell::Shell;
use crate::store::analysis;
use crate::store::expectations::{PATIENCE, Seen, Subject, Unmet};
use crate::store::experiments::StoredExperiment;
use crate::store::runs::StoredRun;
use crate::store::{Owner, Source};
use crate::watch::wake_experiments;
use jiff::Timestamp;
use serin_core::Plan;
use serin_core::api::analysis::AnalysisTemplateRef;
use serin_core::experiment::{Observed, decide, name_of_replica_set, name_of_service};
use serin_core::observed::{Attempt, Attempted, Kind, Refusal, ReplicaSet, Verb};
use serin_core::plan::{Event, News, WakeReason};
use serin_core::rollout::traffic;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What the stores show of one experiment at one moment.
struct Snapshot {
    stored: Arc<StoredExperiment>,
    replica_sets: Vec<Arc<ReplicaSet>>,
    runs: Vec<Arc<StoredRun>>,
}

/// Observes an experiment, decides, and carries out the plan.
pub(super) async fn run(shell: &Shell, item: &Item) -> Ended {
    let key = &item.key;
    let Some(stored) = shell.stores.experiments.get(key) else {
        shell.experiments.forget(key);
        if let Some(dump) = &shell.dump {
            dump.forget(Kind::Experiment, key);
        }
        return Ended::Well(None);
    };
    if !shell.writer.may_write() || stored.meta.deletion_timestamp.is_some() {
        return Ended::Well(None);
    }
    let owner = &Owner::new(Kind::Experiment, key, &stored.meta);
    let snapshot = Snapshot {
        replica_sets: shell.stores.experiment_sets.of(&owner.uid),
        runs: shell.stores.runs.of(key),
        stored,
    };
    let seen = Seen {
        version: &owner.version,
        replica_sets: &snapshot.replica_sets,
        services: &BTreeMap::new(),
        routes: &BTreeMap::new(),
        runs: &snapshot.runs,
        experiments: &[],
        workload: None,
    };
    if let Some(unmet) = shell.expectations.unmet(&owner.uid, &seen) {
        return catch_up(shell, owner, &snapshot, &unmet).await;
    }
    let mut observed = observed(shell, owner, &snapshot);
    if let Err(failure) = find_others(&mut observed, shell, owner).await {
        return refused(shell, owner, Attempted::Read, &failure, None, (shell.clock)());
    }
    let reading = Reading::of(&shell.clock);
    let plan = decide(&observed, reading.now);
    if let Some(dump) = &shell.dump {
        dump.write(Kind::Experiment, key, reading.now, &observed, &plan);
    }
    log(item, &plan);
    let mut act = Act::new(&shell.writer, &shell.expectations, owner, item.urgent);
    let done = act.carry_out(&plan.actions).await;
    let status = write_status(&mut act, &shell.experiments.held, &plan, &done).await;
    for event in due_events(&plan, &done, &status) {
        tell(shell, owner, &snapshot.stored, event);
    }
    conclude(shell, owner, &plan, status, reading)
}

fn observed(shell: &Shell, owner: &Owner, snapshot: &Snapshot) -> Observed {
    let stored = &snapshot.stored;
    let named = stored.experiment.spec.analyses.iter().map(|of| AnalysisTemplateRef {
        template_name: of.template_name.clone(),
        cluster_scope: of.cluster_scope.then_some(true),
    });
    Observed {
        experiment: stored.experiment.clone(),
        undecodable: stored.undecodable.clone(),
        replica_sets: snapshot.replica_sets.iter().map(|set| (**set).clone()).collect(),
        analysis_runs: analysis::observed(&snapshot.runs, &owner.uid),
        templates: shell.stores.templates.named(named.collect(), &owner.key.namespace),
        refused: shell.experiments.failures.observed(owner, None).0,
        led_to: led_to(shell, stored),
        ..Observed::default()
    }
}

/// The Services that the rollout which owns it leads traffic to. A rollout decides upon its own last status or a later one, and
/// so this names each of them before traffic comes.
fn led_to(shell: &Shell, stored: &StoredExperiment) -> BTreeSet<String> {
    let owner = stored.rollout();
    let rollout = owner.and_then(|(key, uid)| Some((shell.stores.rollouts.get(&key)?, uid)));
    let rollout = rollout.filter(|(found, uid)| found.rollout.metadata.uid.as_deref() == Some(*uid));
    rollout.map_or_else(BTreeSet::new, |(found, _)| traffic::led_to(&found.rollout))
}

/// Reads the Services that the experiment names or named, and who has a name that was refused to it.
async fn find_others(observed: &mut Observed, shell: &Shell, owner: &Owner) -> Result<(), Failure> {
    let (namespace, experiment) = (&*owner.key.namespace, &*owner.key.name);
    let (spec, status) = (&observed.experiment.spec, &observed.experiment.status);
    let named = spec.templates.iter().filter_map(|of| name_of_service(experiment, of));
    let recorded = status.template_statuses.iter().map(|of| of.service_name.clone());
    let mut services: BTreeSet<String> = named.chain(recorded).collect();
    services.remove("");
    for name in services {
        let Some(live) = shell.writer.get_own_service(&owner.key.sibling(&name)).await? else {
            continue;
        };
        match live.observed(&owner.uid) {
            Some(own) => observed.services.push(own),
            None => _ = observed.taken.services.insert(name),
        }
    }
    // A template that has no ReplicaSet although it is under way waits for its name, or the store is behind.
    let sets: Vec<String> = observed
        .experiment
        .spec
        .templates
        .iter()
        .map(|of| name_of_replica_set(experiment, &of.name))
        .collect();
    let refused = observed.refused.take_if(|refused| {
        refused.why == Refusal::AlreadyExists
            && refused.attempt.kind == Kind::ReplicaSet
            && sets.contains(&refused.attempt.name)
    });
    if let Some(refused) = refused {
        let name = refused.attempt.name;
        if let Some(live) = shell.writer.get_replica_set(namespace, &name).await? {
            let ours = live.owner.as_ref().is_some_and(|of| of.uid == owner.uid);
            if ours && live.of_experiment {
                wake_experiments(shell, shell.stores.experiment_sets.apply(live, Source::Event));
            } else {
                observed.taken.replica_sets.insert(name);
            }
        }
    }
    Ok(())
}

/// Sends an event, about the rollout that owns the experiment where it is one of its.
fn tell(shell: &Shell, owner: &Owner, stored: &StoredExperiment, event: &Event) {
    let of_rollout = matches!(&event.news, News::Experiment(news) if news.is_of_rollout());
    if !of_rollout {
        shell.recorder.record(owner, &event.news);
    } else if let Some((key, uid)) = stored.rollout()
        && let Some(rollout) = shell.stores.rollouts.get(&key)
    {
        let rollout = Owner::new(Kind::Rollout, &key, &rollout.rollout.metadata);
        if rollout.uid == uid {
            shell.recorder.record(&rollout, &event.news);
        }
    }
}

/// What the next reconcile waits for.
fn conclude(shell: &Shell, owner: &Owner, plan: &Plan, status: Status, reading: Reading) -> Ended {
    let wake = plan.wake.map(|wake| Due {
        after: reading.until(wake.at),
        why: Reason::Wake(wake.why),
    });
    if let Some(wake) = plan.wake {
        shell.telemetry.waits(Wait::Wake(wake.why));
    }
    match status {
        Status::Settled => {
            let mut attempts: Vec<Attempt> = plan.actions.iter().map(attempt_of).collect();
            if plan.status.is_some() {
                attempts.push(Attempt::new(Verb::Patch, Kind::Experiment, &owner.key.name));
            }
            let failures = &shell.experiments.failures;
            if failures.went_through(owner, &attempts, &[], reading.now) {
                return Ended::Wrote(Some(soon(WakeReason::RefusalToTell)));
            }
            if attempts.is_empty() {
                Ended::Well(wake)
            } else {
                Ended::Wrote(wake)
            }
        }
        Status::Held(due) => Ended::Well(Some(wake.filter(|wake| wake.after < due.after).unwrap_or(due))),
        Status::Failed(Error::NotLeading, _) => Ended::Well(None),
        Status::Failed(Error::Refused(failure), what) => refused(shell, owner, what, &failure, wake, reading.now),
    }
}

/// A refusal has a name, a wait, and an event that says what to do.
fn refused(
    shell: &Shell,
    owner: &Owner,
    what: Attempted,
    failure: &Failure,
    wake: Option<Due>,
    now: Timestamp,
) -> Ended {
    let (key, why) = (&owner.key, WakeReason::Refused(failure.why));
    tracing::warn!(namespace = %key.namespace, experiment = %key.name, wait = %why, "{failure}");
    if shell.experiments.failures.failed(owner, None, what, failure, now) {
        let message = failure.advice();
        shell.recorder.record(owner, &News::ReconciliationError { message });
    }
    shell.telemetry.waits(Wait::Wake(why));
    Ended::Failed {
        why: Reason::Wake(why),
        at_least: failure.retry_after,
        wake,
    }
}

/// The stores do not show our own last write yet: waits for the watch, then reads live (decision 34).
async fn catch_up(shell: &Shell, owner: &Owner, snapshot: &Snapshot, unmet: &Unmet) -> Ended {
    if let Some(rest) = PATIENCE.checked_sub(unmet.waited).filter(|rest| !rest.is_zero()) {
        return Ended::NotDecided(Due {
            after: rest,
            why: Reason::StoreLags,
        });
    }
    shell.telemetry.waits(Wait::StoreLags);
    match read_live(shell, owner, snapshot, &unmet.subject).await {
        Ok(()) => {
            shell.expectations.resolved(&owner.uid, &unmet.subject);
            Ended::NotDecided(Due {
                after: Duration::ZERO,
                why: Reason::StoreLags,
            })
        }
        Err(failure) => refused(shell, owner, Attempted::Read, &failure, None, (shell.clock)()),
    }
}

async fn read_live(shell: &Shell, owner: &Owner, snapshot: &Snapshot, subject: &Subject) -> Result<(), Failure> {
    let (key, stores) = (&owner.key, &shell.stores);
    match subject {
        Subject::Itself => match shell.writer.get_experiment(key).await? {
            Some(live) => _ = shell.learned_experiment(live, Source::Event),
            None => shell.learned_no_experiment(key, &owner.uid),
        },
        Subject::ReplicaSet(name) => match shell.writer.get_replica_set(&key.namespace, name).await? {
            Some(live) if live.of_experiment => {
                wake_experiments(shell, stores.experiment_sets.apply(live, Source::Event));
            }
            Some(_) | None => {
                let mut sets = snapshot.replica_sets.iter();
                if let Some(set) = sets.find(|set| set.name == *name) {
                    wake_experiments(shell, stores.experiment_sets.delete(&set.uid));
                }
            }
        },
        Subject::AnalysisRun(name) => match shell.writer.get_run(&key.sibling(name)).await? {
            Some(live) => shell.read_run(live),
            None => {
                for gone in snapshot.runs.iter().filter(|run| run.known_as().0 == name) {
                    shell.read_no_run(gone);
                }
            }
        },
        // Nothing of these is written for an experiment.
        Subject::Service(_) | Subject::Route(_) | Subject::Deployment(_) | Subject::Experiment(_) => {}
    }
    Ok(())
}

fn log(item: &Item, plan: &Plan) {
    let wake = plan.wake.map(|wake| format!("{} at {}", wake.why, wake.at));
    let wake = wake.unwrap_or_default();
    let (namespace, experiment, reason) = (&*item.key.namespace, &*item.key.name, item.reason);
    if plan.is_empty() {
        tracing::debug!(namespace, experiment, %reason, wake, "nothing to do");
        return;
    }
    let actions: Vec<String> = plan
        .actions
        .iter()
        .map(|action| attempt_of(action).to_string())
        .collect();
    let (actions, status) = (actions.join(", "), plan.status.is_some());
    tracing::info!(namespace, experiment, %reason, actions, status, wake, "decided");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::act::Writer;
    use crate::cluster::budget::{Budget, Budgets};
    use crate::events::Recorder;
    use crate::queue::Queue;
    use crate::shell::Experiments;
    use crate::store::{Key, Stores};
    use crate::telemetry::Telemetry;
    use serde_json::json;
    use serin_sandbox::ApiServer;

    fn shell() -> Shell {
        let client = ApiServer::new().client();
        let stores = Arc::new(Stores::default());
        let telemetry = Arc::new(Telemetry::new(Arc::clone(&stores)).unwrap());
        let clock: crate::Clock = Arc::new(Timestamp::now);
        let (recorder, _) = Recorder::start(&client, Budget::new(0.0, 1), Arc::clone(&telemetry), Arc::clone(&clock));
        let writer = Writer::new(client, Arc::new(|| true), Budgets::new(0.0, 1), Arc::clone(&telemetry));
        Shell {
            stores,
            queue: Queue::default(),
            experiments: Experiments::default(),
            runs: Some(Arc::default()),
            expectations: Default::default(),
            failures: Default::default(),
            held: Default::default(),
            aws: None,
            step_calls: None,
            router_calls: None,
            telemetry,
            writer,
            recorder,
            clock,
            decide: serin_core::decide,
            dump: None,
            routers: Default::default(),
            namespace: None,
            announce_messages: false,
        }
    }

    fn metadata(name: &str, owner: (&str, &str)) -> serde_json::Value {
        json!({"name": name, "namespace": "n", "uid": name, "resourceVersion": "1",
            "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": owner.0, "name": owner.1, "uid": owner.1,
                "controller": true}]})
    }

    /// What a live read found to be gone is no news to the watch: whoever has to do with it is woken by the read.
    #[tokio::test]
    async fn what_a_live_read_does_not_find_wakes_its_owner() {
        let shell = shell();
        let rollout =
            json!({"metadata": {"name": "web", "namespace": "n", "uid": "web", "resourceVersion": "1"}, "spec": {}});
        shell
            .stores
            .apply_rollout(serde_json::from_value(rollout).unwrap(), Source::Event);
        let experiment = json!({"metadata": metadata("exp", ("Rollout", "web")), "spec": {}});
        shell
            .stores
            .experiments
            .apply(serde_json::from_value(experiment).unwrap(), Source::Event);
        let run = json!({"metadata": metadata("run", ("Rollout", "web")), "spec": {"metrics": []}});
        shell
            .stores
            .runs
            .apply(serde_json::from_value(run).unwrap(), Source::Event);
        let key = Key::new("n", "exp");
        let stored = shell.stores.experiments.get(&key).unwrap();
        let owner = Owner::new(Kind::Experiment, &key, &stored.meta);
        let snapshot = Snapshot {
            stored,
            replica_sets: Vec::new(),
            runs: vec![shell.stores.runs.get(&key.sibling("run")).unwrap()],
        };
        for subject in [Subject::AnalysisRun("run".into()), Subject::Itself] {
            assert_eq!(shell.queue.counts().known, 0);
            assert!(read_live(&shell, &owner, &snapshot, &subject).await.is_ok());
            assert_eq!(shell.queue.counts().known, 1, "{subject:?}");
            shell.queue.remove(&key.sibling("web"));
        }
        assert!(shell.stores.experiments.get(&key).is_none());
        assert_eq!(
            shell.experiments.queue.counts().known,
            1,
            "the experiment itself is cleaned up"
        );
    }
}
