//! Every pod of the node, with what is under way for it.

use super::container::Exit;
use super::options::KubeletOptions;
use super::process::{self, Ended};
use super::requests::{self, Request, Target};
use super::step::{self, Memory, Step};
use crate::workload::Clock;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// After a request that failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// After a conflict: the watch will bring the newer pod, usually sooner.
const CONFLICT_RETRY_AFTER: Duration = Duration::from_millis(100);

/// What can wake the kubelet, besides the watch's ends and deletions and the clock.
#[derive(Debug)]
pub(super) enum News {
    /// A pod as the watch has it.
    Seen(Box<Pod>),
    /// A request was answered.
    Answered {
        uid: String,
        request: Request,
        answer: Result<Option<Box<Pod>>, kube::Error>,
    },
    /// A process ended.
    Ended(Ended),
}

struct Entry {
    pod: Pod,
    memory: Memory,
    /// A request is under way: no second one.
    busy: bool,
    due: Option<Instant>,
    processes: CancellationToken,
}

pub(super) struct Tracker {
    client: Client,
    options: Arc<KubeletOptions>,
    clock: Clock,
    news: mpsc::UnboundedSender<News>,
    entries: HashMap<String, Entry>,
    /// Next looks, in order.
    timers: BTreeSet<(Instant, String)>,
    /// While a list is under way: who was in it.
    listed: Option<HashSet<String>>,
    permits: Arc<Semaphore>,
    tasks: JoinSet<()>,
}

impl Tracker {
    pub(super) fn new(
        client: Client,
        options: KubeletOptions,
        clock: Clock,
        news: mpsc::UnboundedSender<News>,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(options.parallel_requests.max(1)));
        let (entries, timers) = (HashMap::new(), BTreeSet::new());
        Self {
            client,
            options: Arc::new(options),
            clock,
            news,
            entries,
            timers,
            listed: None,
            permits,
            tasks: JoinSet::new(),
        }
    }

    /// Until the next look is due; for ever if none is.
    pub(super) fn sleep(&self) -> impl Future<Output = ()> + use<> {
        let first = self.timers.first().map(|it| it.0);
        async move {
            match first {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        }
    }

    pub(super) fn on_time(&mut self) {
        let now = Instant::now();
        while self.timers.first().is_some_and(|it| it.0 <= now) {
            if let Some((_, uid)) = self.timers.pop_first() {
                self.look(&uid);
            }
        }
    }

    pub(super) fn begin_list(&mut self) {
        self.listed = Some(HashSet::new());
    }

    /// Whoever is not in the list has gone while nobody watched.
    pub(super) fn end_list(&mut self) {
        let Some(listed) = self.listed.take() else { return };
        let gone: Vec<String> = self
            .entries
            .keys()
            .filter(|&it| !listed.contains(it))
            .cloned()
            .collect();
        for uid in gone {
            self.forget(&uid);
        }
    }

    pub(super) fn on_deleted(&mut self, pod: &Pod) {
        self.forget(pod.metadata.uid.as_deref().unwrap_or_default());
    }

    fn forget(&mut self, uid: &str) {
        if let Some(entry) = self.entries.remove(uid) {
            entry.processes.cancel();
            if let Some(due) = entry.due {
                self.timers.remove(&(due, uid.to_owned()));
            }
        }
    }

    pub(super) fn on_news(&mut self, news: News) {
        match news {
            News::Seen(pod) => self.seen(*pod),
            News::Answered { uid, request, answer } => self.answered(&uid, &request, answer),
            News::Ended(Ended {
                uid,
                container,
                code,
                at,
            }) => {
                if let Some(entry) = self.entries.get_mut(&uid) {
                    entry.memory.exits.insert(container, Exit { code, at });
                    self.look(&uid);
                }
            }
        }
    }

    fn seen(&mut self, pod: Pod) {
        let Some(uid) = pod.metadata.uid.clone() else { return };
        if let Some(listed) = &mut self.listed {
            listed.insert(uid.clone());
        }
        let node = pod.spec.as_ref().and_then(|it| it.node_name.as_deref());
        if node.is_some_and(|it| it != self.options.node_name) {
            return;
        }
        self.update(&uid, pod);
        self.look(&uid);
    }

    /// Takes in a pod unless a newer version of it is known: an answer can overtake the watch.
    fn update(&mut self, uid: &str, pod: Pod) {
        let now = self.clock.now();
        let entry = self.entries.entry(uid.to_owned()).or_insert_with(|| Entry {
            memory: Memory::new(&pod, now),
            pod: pod.clone(),
            busy: false,
            due: None,
            processes: CancellationToken::new(),
        });
        if version(&pod) >= version(&entry.pod) {
            entry.pod = pod;
        }
        if entry.pod.metadata.deletion_timestamp.is_some() {
            entry.memory.terminating_since.get_or_insert(now);
        }
    }

    fn answered(&mut self, uid: &str, request: &Request, answer: Result<Option<Box<Pod>>, kube::Error>) {
        let Some(entry) = self.entries.get_mut(uid) else { return };
        entry.busy = false;
        match answer {
            Ok(pod) => {
                match request {
                    Request::Bind => entry.memory.bound = true,
                    Request::Delete => entry.memory.deleted = true,
                    Request::Status(_) => {}
                }
                if let Some(pod) = pod {
                    self.update(uid, *pod);
                }
                self.look(uid);
            }
            Err(error) => {
                let again = match &error {
                    kube::Error::Api(status) if status.code == 404 => return, // the watch will say that it has gone
                    kube::Error::Api(status) if status.code == 409 => CONFLICT_RETRY_AFTER,
                    _ => {
                        tracing::warn!(pod = entry.pod.metadata.name, %error, "the fake kubelet's request failed");
                        RETRY_AFTER
                    }
                };
                self.schedule(uid, Instant::now() + again);
            }
        }
    }

    fn schedule(&mut self, uid: &str, at: Instant) {
        let Some(entry) = self.entries.get_mut(uid) else { return };
        if let Some(due) = entry.due.replace(at) {
            self.timers.remove(&(due, uid.to_owned()));
        }
        self.timers.insert((at, uid.to_owned()));
    }

    fn look(&mut self, uid: &str) {
        let Some(entry) = self.entries.get_mut(uid) else { return };
        if let Some(due) = entry.due.take() {
            self.timers.remove(&(due, uid.to_owned()));
        }
        if entry.busy {
            return; // the answer brings the next look
        }
        let look = step::look(&entry.pod, &entry.memory, &self.options, self.clock.now());
        if let Some(again) = look.again {
            self.schedule(uid, self.clock.instant(again));
        }
        match look.step {
            None => {}
            Some(Step::Bind) => self.send(uid, Request::Bind),
            Some(Step::Status(patch)) => self.send(uid, Request::Status(patch)),
            Some(Step::Delete) => self.send(uid, Request::Delete),
            Some(Step::Start(container)) => self.start(uid, &container),
            Some(Step::Kill) => self.kill(uid),
        }
    }

    fn send(&mut self, uid: &str, request: Request) {
        let Some(entry) = self.entries.get_mut(uid) else { return };
        entry.busy = true;
        while self.tasks.try_join_next().is_some() {} // those that have ended
        let meta = &entry.pod.metadata;
        let target = Target {
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
            uid: uid.to_owned(),
        };
        let (client, options, permits, news) = (
            self.client.clone(),
            Arc::clone(&self.options),
            Arc::clone(&self.permits),
            self.news.clone(),
        );
        self.tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let answer = requests::send(client, &options, &target, request.clone())
                .await
                .map(|pod| pod.map(Box::new));
            // Nobody listens only when the kubelet has stopped.
            let _ = news.send(News::Answered {
                uid: target.uid,
                request,
                answer,
            });
        });
    }

    fn start(&mut self, uid: &str, name: &str) {
        let Some(entry) = self.entries.get_mut(uid) else { return };
        let container = entry
            .pod
            .spec
            .iter()
            .flat_map(|it| &it.containers)
            .find(|it| it.name == name)
            .cloned();
        let Some(container) = container else { return };
        entry.memory.processes.insert(name.to_owned());
        let (stop, news, clock, uid) = (entry.processes.clone(), self.news.clone(), self.clock, uid.to_owned());
        let (name, pod) = (name.to_owned(), uid.clone());
        self.tasks.spawn(async move {
            let code = process::run(container, stop).await;
            let ended = Ended {
                uid,
                container: name,
                code,
                at: clock.now(),
            };
            let _ = news.send(News::Ended(ended)); // as above
        });
        self.look(&pod);
    }

    /// The ends of the processes bring the next look.
    fn kill(&mut self, uid: &str) {
        if let Some(entry) = self.entries.get(uid) {
            entry.processes.cancel();
        }
    }
}

fn version(pod: &Pod) -> u64 {
    // Comparable as numbers since Kubernetes 1.35, and in practice always; unknown counts as newest.
    pod.metadata
        .resource_version
        .as_deref()
        .and_then(|it| it.parse().ok())
        .unwrap_or(u64::MAX)
}
