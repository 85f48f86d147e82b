//! What the watches of a controller have shown.

use kube::api::DynamicObject;
use kube::runtime::watcher::Event;
use std::collections::BTreeMap;

/// What the watches have shown, by UID.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) objects: BTreeMap<String, DynamicObject>,
    listed: BTreeMap<String, DynamicObject>,
    /// Everything has been listed once.
    pub(super) complete: bool,
}

impl Seen {
    pub(super) fn take(&mut self, event: Event<DynamicObject>) {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(object) => {
                self.listed.insert(uid(&object), object);
            }
            Event::InitDone => {
                self.objects = std::mem::take(&mut self.listed);
                self.complete = true;
            }
            Event::Apply(object) => self.put(object),
            Event::Delete(object) => {
                self.objects.remove(&uid(&object));
            }
        }
    }

    /// Keeps the newer of two states.
    pub(super) fn put(&mut self, object: DynamicObject) {
        let version = |it: &DynamicObject| {
            it.metadata
                .resource_version
                .as_deref()
                .and_then(|it| it.parse::<u64>().ok())
        };
        let key = uid(&object);
        if self
            .objects
            .get(&key)
            .is_none_or(|there| version(there) <= version(&object))
        {
            self.objects.insert(key, object);
        }
    }
}

fn uid(object: &DynamicObject) -> String {
    object.metadata.uid.clone().unwrap_or_default()
}
