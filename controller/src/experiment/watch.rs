//! Watch stream → store, and what is reconciled for it: the experiment, and the rollout that owns it.

use crate::shell::Shell;
use crate::store::experiments::StoredExperiment;
use crate::store::{Key, Source};
use crate::watch::{Scope, broken};
use futures::StreamExt;
use kube::runtime::watcher::Event;
use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Follows experiments until the stream ends, which it never should.
pub(crate) async fn experiments(shell: Arc<Shell>, scope: Scope, selector: String, synced: CancellationToken) {
    let mut events = pin!(scope.stream::<StoredExperiment>(&selector));
    let mut listed = HashSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(experiment)) => {
                listed.insert(Key::of(&experiment));
                seen(&shell, experiment, Source::List);
            }
            Ok(Event::InitDone) => {
                for (key, stored) in shell.stores.experiments.keep_only(&std::mem::take(&mut listed)) {
                    shell.experiment_has_gone(&key, &stored);
                }
                synced.cancel();
            }
            Ok(Event::Apply(experiment)) => seen(&shell, experiment, Source::Event),
            Ok(Event::Delete(experiment)) => {
                let key = Key::of(&experiment);
                shell.learned_no_experiment(&key, experiment.known_as().0);
            }
            Err(error) => {
                // Where there is no such CRD, rollouts go on.
                broken(&shell, "Experiments", &error);
                synced.cancel();
            }
        }
    }
}

fn seen(shell: &Shell, experiment: StoredExperiment, source: Source) {
    let key = Key::of(&experiment);
    let undecodable = experiment.undecodable.clone();
    let news = shell.learned_experiment(experiment, source);
    if let Some(why) = undecodable.filter(|_| news) {
        tracing::warn!(namespace = %key.namespace, experiment = %key.name, why, "cannot decode an experiment");
    }
}
