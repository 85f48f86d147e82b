//! Events are forgotten, as by a real API server: an hour after they were last written, and the oldest of too many at once.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::state::State;
use crate::store::ObjectKey;

/// As long as a real API server keeps them (`--event-ttl`).
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// A real API server has no such limit, and a disk.
const MOST: usize = 4096;

/// The events by the time of their last writes.
#[derive(Debug, Default)]
pub(crate) struct Events(VecDeque<Written>);

/// An event as one write left it.
#[derive(Debug)]
struct Written {
    at: Timestamp,
    key: ObjectKey,
    version: Value,
}

impl State {
    /// Remembers a write of an event.
    pub(crate) fn event_written(&mut self, key: &ObjectKey, event: &Value) {
        let (at, version) = ((self.clock)(), event["metadata"]["resourceVersion"].clone());
        self.events.0.push_back(Written {
            at,
            key: key.clone(),
            version,
        });
        self.forget_events();
    }

    /// Takes out what is too old or too much. One that was written again since is as old as that write.
    pub(crate) fn forget_events(&mut self) {
        let now = (self.clock)();
        let is_over = |events: &Events| {
            let oldest = events.0.front();
            events.0.len() > MOST || oldest.is_some_and(|it| now.duration_since(it.at) >= LIFETIME)
        };
        while is_over(&self.events) {
            let Some(Written { key, version, .. }) = self.events.0.pop_front() else {
                break;
            };
            let stored = self.store.get(&key);
            if stored.is_some_and(|it| it["metadata"]["resourceVersion"] == version) {
                self.finish_removal(&key, None);
            }
        }
    }
}
