//! Watches: the changes of a resource as newline-separated JSON, from a revision on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::{ApiServer, Clock};
use crate::render::Form;
use crate::route::Query;
use crate::selector::{FieldSelector, LabelSelector};
use crate::state::{Resolved, State, in_version};
use crate::status::ApiError;
use crate::store::{Change, ChangeKind, Changes};
use crate::table::{self, Include};

/// How often a quiet watch that asked for bookmarks gets one.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);

/// Which objects of a resource a list or watch is about.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
}

impl Filter {
    pub(crate) fn parse(target: &Resolved, query: &Query) -> Result<Self, ApiError> {
        Ok(Self {
            namespace: Some(target.namespace.clone()).filter(|namespace| !namespace.is_empty()),
            name: Some(target.name.clone()).filter(|name| !name.is_empty()),
            labels: LabelSelector::parse(query.get("labelSelector").unwrap_or_default())?,
            fields: FieldSelector::parse(query.get("fieldSelector").unwrap_or_default(), &target.resource.kind)?,
        })
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        self.namespace
            .as_deref()
            .is_none_or(|namespace| metadata["namespace"] == namespace)
            && self.name.as_deref().is_none_or(|name| metadata["name"] == name)
            && (self.labels.is_empty() || self.labels.matches(&metadata["labels"]))
            && (self.fields.is_empty() || self.fields.matches(object))
    }
}

/// One open watch.
pub(crate) struct Watch {
    api: ApiServer,
    target: Resolved,
    filter: Filter,
    form: Form,
    /// For the ages in tables.
    clock: Clock,
    include: Include,
    /// Changes up to this revision have been looked at.
    seen: u64,
    pending: VecDeque<Bytes>,
    wake: watch::Receiver<u64>,
    bookmarks: bool,
    next_bookmark: Instant,
    ends: Option<Instant>,
    epoch: u64,
    over: bool,
}

impl Watch {
    /// Opens a watch; the initial events (if any) are of this moment.
    pub(crate) fn open(
        api: &ApiServer,
        state: &mut State,
        target: &Resolved,
        query: &Query,
        form: Form,
    ) -> Result<Self, ApiError> {
        let filter = Filter::parse(target, query)?;
        let wanted = query.number("resourceVersion")?;
        let current = state.store.revision();
        if let Some(wanted) = wanted.filter(|wanted| *wanted > current) {
            return Err(ApiError::future_version(wanted, current));
        }
        let wake = state.store.subscribe(&target.resource.id);
        let timeout = query.number("timeoutSeconds")?;
        let mut watch = Self {
            api: api.clone(),
            target: target.clone(),
            filter,
            form,
            clock: state.clock.clone(),
            include: Include::parse(query.get("includeObject")),
            seen: wanted.filter(|revision| *revision > 0).unwrap_or(current),
            pending: VecDeque::new(),
            wake,
            bookmarks: query.flag("allowWatchBookmarks"),
            next_bookmark: Instant::now() + BOOKMARK_EVERY,
            ends: timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds)),
            epoch: state.store.epoch(),
            over: false,
        };
        let streamed = query.get("sendInitialEvents");
        let initial = match streamed {
            Some(flag) => flag == "true",
            None => wanted.is_none_or(|revision| revision == 0),
        };
        if initial {
            watch.seen = current;
            watch.push_initial(state, streamed.is_some());
        } else {
            let oldest = state.store.oldest(&target.resource.id);
            if watch.seen < oldest {
                watch.expire(oldest);
            }
        }
        Ok(watch)
    }

    fn push_initial(&mut self, state: &State, streamed: bool) {
        let namespace = self.filter.namespace.clone();
        let objects: Vec<Arc<Value>> = state
            .store
            .list(&self.target.resource.id, namespace.as_deref(), None)
            .map(|(_, object)| object)
            .filter(|object| self.filter.matches(object))
            .cloned()
            .collect();
        for object in objects {
            self.push("ADDED", &object);
        }
        if streamed && self.bookmarks {
            self.push_bookmark(Some(json!({ "k8s.io/initial-events-end": "true" })));
        }
    }

    fn push(&mut self, kind: &str, object: &Arc<Value>) {
        let object = in_version(object, &self.target.resource, &self.target.version);
        if self.form == Form::Table {
            let metadata = json!({ "resourceVersion": object["metadata"]["resourceVersion"] });
            let table = table::render(&self.target, &[object], &metadata, (self.clock)(), self.include);
            self.push_line(kind, &table);
        } else {
            self.push_line(kind, &self.form.object(&object));
        }
    }

    fn push_line(&mut self, kind: &str, object: &Value) {
        // Written by hand around the object: a clone of every object for every watch would cost more than the rest.
        self.pending
            .push_back(Bytes::from(format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")));
    }

    fn push_bookmark(&mut self, annotations: Option<Value>) {
        let mut metadata = json!({ "resourceVersion": self.seen.to_string(), "creationTimestamp": null });
        if let Some(annotations) = annotations {
            metadata["annotations"] = annotations;
        }
        let (api_version, kind) = self.form.type_of(&self.target);
        let object = json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata });
        self.push_line("BOOKMARK", &object);
    }

    /// The next line, or `None` when the watch is over.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.pending.pop_front() {
                return Some(line);
            }
            if self.over {
                return None;
            }
            // Marked as seen before reading, so that a change in between wakes again.
            self.wake.borrow_and_update();
            let more = self.read_changes();
            if self.pending.is_empty() && !self.over && !more {
                self.wait().await;
            }
        }
    }

    /// Reads some of what happened; whether there may be more.
    fn read_changes(&mut self) -> bool {
        let changes = {
            let state = self.api.state();
            if state.store.epoch() != self.epoch {
                // Cut off: what happened since is for the next watch.
                self.over = true;
                return false;
            }
            state.store.changes_after(&self.target.resource.id, self.seen)
        };
        match changes {
            Ok(Changes { some, read, more }) => {
                for change in &some {
                    self.push_change(change);
                }
                self.seen = read;
                more
            }
            Err(oldest) => {
                self.expire(oldest);
                false
            }
        }
    }

    fn expire(&mut self, oldest: u64) {
        let error = ApiError::expired(format!("too old resource version: {} ({oldest})", self.seen));
        self.push_line("ERROR", &error.to_value());
        self.over = true;
    }

    fn push_change(&mut self, change: &Change) {
        let matched = change
            .previous
            .as_ref()
            .is_some_and(|previous| self.filter.matches(previous));
        let matches = change.kind != ChangeKind::Deleted && self.filter.matches(&change.object);
        match (matched, matches) {
            (false, true) => self.push("ADDED", &change.object),
            (true, true) => self.push("MODIFIED", &change.object),
            (true, false) if change.kind == ChangeKind::Deleted => self.push("DELETED", &change.object),
            (true, false) => {
                // An object that ceases to match is shown as it last matched, at the new revision.
                let mut last = change.previous.as_deref().cloned().unwrap_or_default();
                last["metadata"]["resourceVersion"] = json!(change.revision.to_string());
                self.push("DELETED", &Arc::new(last));
            }
            (false, false) => {}
        }
    }

    async fn wait(&mut self) {
        let bookmark = self.bookmarks.then_some(self.next_bookmark);
        let deadline = [bookmark, self.ends].into_iter().flatten().min();
        let changed = self.wake.changed();
        match deadline {
            None => {
                if changed.await.is_err() {
                    self.over = true;
                }
                return;
            }
            Some(deadline) => match tokio::time::timeout_at(deadline, changed).await {
                Ok(Ok(())) => return,
                Ok(Err(_)) => {
                    self.over = true;
                    return;
                }
                Err(_) => {}
            },
        }
        let now = Instant::now();
        if self.ends.is_some_and(|ends| ends <= now) {
            if self.bookmarks {
                self.push_bookmark(None);
            }
            self.over = true;
        } else if self.bookmarks && self.next_bookmark <= now {
            self.next_bookmark = now + BOOKMARK_EVERY;
            self.push_bookmark(None);
        }
    }
}
