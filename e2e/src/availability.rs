//! How many pods were available at each moment, counted from the pods themselves.
//!
//! A story looks ten times a second, and misses what lasts shorter. A watch sees every change; the resourceVersions give the
//! changes of pods and Services one order.

use crate::view::is_ready;
use crate::world::World;
use anyhow::{Context, Result, bail, ensure};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::ListParams;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

/// How long the watch may be behind the lists.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sees every change of the pods and Services of a namespace from now on.
pub struct Availability {
    pods: Noted<Pod>,
    services: Noted<Service>,
    /// The first moment that counts.
    begin: u64,
}

/// The least that was available, and when.
#[derive(Clone, Debug)]
pub struct Least {
    /// How many pods.
    pub count: usize,
    /// The pods of that moment, one per line.
    pub pods: String,
}

impl Availability {
    /// Begins to watch the world's namespace.
    ///
    /// # Errors
    /// If the watches do not begin.
    pub async fn watch(world: &World) -> Result<Self> {
        let pods = Noted::begin(Api::namespaced(world.client(), world.namespace())).await?;
        let services = Noted::begin(Api::namespaced(world.client(), world.namespace())).await?;
        let begin = pods.last()?.max(services.last()?);
        Ok(Self { pods, services, begin })
    }

    /// The least number of available pods since the watch began.
    ///
    /// # Errors
    /// If the watch missed something.
    pub async fn least(&self) -> Result<Least> {
        self.least_where(|_, _| true).await
    }

    /// The least number of available pods that a Service selected since the watch began.
    ///
    /// # Errors
    /// If the watch missed something.
    pub async fn least_behind(&self, service: &str) -> Result<Least> {
        self.least_where(|pod, services| selects(services, service, pod)).await
    }

    /// How many available pods a Service selected before and after each change of its selector since the watch began.
    ///
    /// # Errors
    /// If the watch missed something.
    pub async fn moves(&self, service: &str) -> Result<Vec<[usize; 2]>> {
        let mut moves = Vec::new();
        let mut before = None;
        self.each_moment(|pods, services| {
            let is_counted = |it: &&Pod| is_available(it) && selects(services, service, it);
            let (chosen, count) = (
                selector(services, service).cloned(),
                pods.values().filter(is_counted).count(),
            );
            let former = before.replace((chosen.clone(), count));
            if let Some((other, former)) = former
                && other != chosen
            {
                moves.push([former, count]);
            }
        })
        .await?;
        Ok(moves)
    }

    async fn least_where(&self, counts: impl Fn(&Pod, &Services) -> bool) -> Result<Least> {
        let mut least: Option<Least> = None;
        self.each_moment(|pods, services| {
            let is_counted = |it: &&Pod| is_available(it) && counts(it, services);
            let count = pods.values().filter(is_counted).count();
            if least.as_ref().is_none_or(|it| count < it.count) {
                let lines = pods.values().map(|it| line(it, counts(it, services)));
                least = Some(Least {
                    count,
                    pods: lines.collect(),
                });
            }
        })
        .await?;
        least.context("no pod was ever seen")
    }

    /// Shows what there was at each moment since the watch began.
    async fn each_moment(&self, mut see: impl FnMut(&Pods, &Services)) -> Result<()> {
        let (pod_changes, service_changes) = (self.pods.changes().await?, self.services.changes().await?);
        let (mut pods, mut services) = (Pods::new(), Services::new());
        let mut moments: Vec<u64> = pod_changes.keys().chain(service_changes.keys()).copied().collect();
        moments.sort_unstable();
        for moment in moments {
            if let Some(change) = pod_changes.get(&moment) {
                change.make(&mut pods);
            }
            if let Some(change) = service_changes.get(&moment) {
                change.make(&mut services);
            }
            if moment >= self.begin {
                see(&pods, &services);
            }
        }
        Ok(())
    }
}

type Pods = BTreeMap<String, Pod>;
type Services = BTreeMap<String, Service>;

fn selector<'s>(services: &'s Services, service: &str) -> Option<&'s BTreeMap<String, String>> {
    services.get(service)?.spec.as_ref()?.selector.as_ref()
}

fn selects(services: &Services, service: &str, pod: &Pod) -> bool {
    selector(services, service).is_some_and(|all| all.iter().all(|(key, value)| pod.labels().get(key) == Some(value)))
}

/// Ready and not about to end.
fn is_available(pod: &Pod) -> bool {
    is_ready(pod) && pod.metadata.deletion_timestamp.is_none()
}

fn line(pod: &Pod, counts: bool) -> String {
    let state = match (pod.metadata.deletion_timestamp.is_some(), is_ready(pod)) {
        (true, _) => "terminating",
        (false, true) => "available",
        (false, false) => "not ready",
    };
    let elsewhere = if counts { "" } else { ", not selected" };
    format!("\n    {} {state}{elsewhere}", pod.name_any())
}

/// One change of an object.
#[derive(Clone)]
enum Change<K> {
    Is(K),
    Gone(String),
}

impl<K: Resource + Clone> Change<K> {
    fn make(&self, objects: &mut BTreeMap<String, K>) {
        match self {
            Self::Is(object) => objects.insert(object.name_any(), object.clone()),
            Self::Gone(name) => objects.remove(name),
        };
    }
}

type Changes<K> = BTreeMap<u64, Change<K>>;

/// What a watch has noted.
struct Notes<K> {
    changes: Changes<K>,
    begun: bool,
    /// Why the notes have a gap, if they do.
    broken: Option<String>,
}

/// All changes of one kind; the watch ends with it.
struct Noted<K> {
    api: Api<K>,
    notes: Arc<Mutex<Notes<K>>>,
    watch: AbortHandle,
}

impl<K> Drop for Noted<K> {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl<K> Noted<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    async fn begin(api: Api<K>) -> Result<Self> {
        let notes = Arc::new(Mutex::new(Notes {
            changes: BTreeMap::new(),
            begun: false,
            broken: None,
        }));
        let watch = tokio::spawn(note(api.clone(), Arc::clone(&notes))).abort_handle();
        let noted = Self { api, notes, watch };
        noted.until("the watch has not begun", |notes| Ok(notes.begun)).await?;
        Ok(noted)
    }

    fn last(&self) -> Result<u64> {
        let last = self.read(|notes| notes.changes.last_key_value().map(|it| *it.0))?;
        Ok(last.unwrap_or_default())
    }

    /// All changes up to what a list shows now.
    async fn changes(&self) -> Result<Changes<K>> {
        let mut wanted = BTreeMap::new();
        for object in self.api.list(&ListParams::default()).await?.items {
            wanted.insert(object.name_any(), version(&object)?);
        }
        self.until("the watch is behind", |notes| {
            let mut objects = BTreeMap::new();
            notes.changes.values().for_each(|it| it.make(&mut objects));
            let mut gone = objects.keys().filter(|it| !wanted.contains_key(*it));
            let seen = |(name, at): (&String, &u64)| {
                let object = objects.get(name);
                object.is_some_and(|it| version(it).is_ok_and(|version| version >= *at))
            };
            Ok(gone.next().is_none() && wanted.iter().all(seen))
        })
        .await?;
        self.read(|notes| notes.changes.clone())
    }

    fn read<T>(&self, what: impl FnOnce(&Notes<K>) -> T) -> Result<T> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = &notes.broken {
            bail!("changes of {} were missed: {why}", K::plural(&()));
        }
        Ok(what(&notes))
    }

    async fn until(&self, otherwise: &'static str, check: impl Fn(&Notes<K>) -> Result<bool>) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !self.read(&check)?? {
            ensure!(Instant::now() < end, "{otherwise} ({})", K::plural(&()));
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

fn version<K: Resource>(object: &K) -> Result<u64> {
    let version = object.meta().resource_version.as_deref();
    let version = version.context("an object without a resourceVersion")?;
    version.parse().with_context(|| format!("resourceVersion {version:?}"))
}

async fn note<K>(api: Api<K>, notes: Arc<Mutex<Notes<K>>>)
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut events = watcher(api, watcher::Config::default()).boxed();
    loop {
        let event = events.try_next().await;
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = take(&mut notes, event) {
            notes.broken = Some(format!("{error:#}"));
            return;
        }
    }
}

fn take<K: Resource>(notes: &mut Notes<K>, event: watcher::Result<Option<Event<K>>>) -> Result<()> {
    match event?.context("the watch ended")? {
        Event::Init => ensure!(!notes.begun, "the watch began anew"),
        Event::InitDone => notes.begun = true,
        Event::InitApply(object) | Event::Apply(object) => {
            notes.changes.insert(version(&object)?, Change::Is(object));
        }
        Event::Delete(object) => {
            let at = version(&object)?;
            notes.changes.insert(at, Change::Gone(object.name_any()));
        }
    }
    Ok(())
}
