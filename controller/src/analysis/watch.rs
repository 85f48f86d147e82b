//! Watch stream → store, and which run is looked at for it.

use super::engine::Engine;
use crate::queue::Reason;
use crate::shell::reason;
use crate::store::runs::{Change, StoredRun};
use crate::store::{Key, Source};
use crate::watch::{Scope, broken};
use futures::StreamExt;
use kube::runtime::watcher::Event;
use serin_core::observed::Kind;
use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

impl Engine {
    /// Follows runs until the stream ends, which it should not. Reconciles of rollouts wait only until it was `tried`.
    pub(crate) async fn watch(
        self: Arc<Self>,
        scope: Scope,
        selector: String,
        synced: CancellationToken,
        tried: CancellationToken,
    ) {
        let mut events = pin!(scope.stream::<StoredRun>(&selector));
        let mut listed = HashSet::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => listed.clear(),
                Ok(Event::InitApply(run)) => {
                    listed.insert(self.seen(run, Source::List));
                }
                Ok(Event::InitDone) => {
                    for (key, stored) in self.shell.stores.runs.keep_only(&std::mem::take(&mut listed)) {
                        self.has_gone(&key, &stored);
                    }
                    synced.cancel();
                    tried.cancel();
                }
                Ok(Event::Apply(run)) => {
                    self.seen(run, Source::Event);
                }
                Ok(Event::Delete(run)) => self.gone(&Key::of(&run), &Arc::new(run)),
                Err(error) => {
                    broken(&self.shell, "AnalysisRuns", &error);
                    tried.cancel();
                }
            }
        }
    }

    fn seen(&self, run: StoredRun, source: Source) -> Key {
        let before = self.shell.stores.runs.get(&Key::of(&run));
        let undecodable = run.undecodable.clone();
        let (key, change) = self.shell.learned_run(run, source);
        // What we wrote was stored when it was answered.
        let Some(reason) = reason(change) else { return key };
        if let Some(why) = undecodable {
            tracing::warn!(namespace = %key.namespace, analysisrun = %key.name, why, "cannot decode an analysis run");
        }
        if let (Change::Added, Some(before)) = (change, before) {
            self.desk.forget(before.meta.uid.as_deref().unwrap_or_default());
        }
        self.queue.add(&key, reason);
        key
    }

    /// A run is gone, unless another of its name has taken its place.
    pub(super) fn gone(&self, key: &Key, run: &Arc<StoredRun>) {
        if let Some((key, stored)) = self.shell.stores.runs.delete(run) {
            self.has_gone(&key, &stored);
        } else {
            // Another reconcile has read that before.
            self.clean_up(key, run);
            self.queue.add(key, Reason::Deleted);
        }
    }

    /// Nothing of a run that is gone stays, but its series for a while.
    fn clean_up(&self, key: &Key, run: &StoredRun) {
        self.desk.forget(run.meta.uid.as_deref().unwrap_or_default());
        self.series.deleted(key.clone());
        if let Some(dump) = &self.shell.dump {
            dump.forget(Kind::AnalysisRun, key);
        }
    }

    fn has_gone(&self, key: &Key, stored: &StoredRun) {
        self.shell.wake_owner(key, stored);
        self.clean_up(key, stored);
        if !self.queue.remove(key) {
            self.queue.add(key, Reason::Deleted);
        }
    }
}
