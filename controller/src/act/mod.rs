//! Carries out plans: the only place that writes to a cluster (invariant 2), events aside.

mod analysis_run;
mod child;
mod experiment;
pub(crate) mod failures;
pub(crate) mod held;
pub(crate) mod job;
mod own_service;
mod pod;
mod replica_set;
mod rollout;
pub(crate) mod route;
mod run;
mod secret;
mod service;
pub(crate) mod standing;
mod workload;

use crate::cluster::budget::Budgets;
use crate::cluster::istio::IstioCluster;
use crate::cluster::refusal::Failure;
use crate::cluster::{CALL_TIMEOUT, PAGE};
use crate::store::decode::{StoredReplicaSet, StoredRollout};
use crate::store::expectations::{Expectations, Expected, Subject};
use crate::store::service::StoredService;
use crate::store::{Key, Owner};
use crate::telemetry::Telemetry;
use crate::telemetry::series::{NO_NAME, Request};
use futures::FutureExt;
use futures::future::BoxFuture;
use kube::api::ListParams;
use kube::{Api, Client};
use serin_core::observed::{Attempt, Attempted, Kind, Refusal, Verb};
use serin_core::plan::{
    Action, AnalysisRunAction, ExperimentAction, OwnServiceAction, PodAction, PodPatch, ReplicaSetAction, Target,
};
use std::collections::HashMap;
use std::sync::Arc;

/// Whether this process may write now: asked before each write (invariant 11).
pub type Gate = Arc<dyn Fn() -> bool + Send + Sync>;

/// Waits until the budget of calls has one more: asked before each call of a measurement to the cluster.
pub type Turn = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Why an action did not go through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// The API server refused or did not answer: a wait with a name, then another try.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// Another replica leads: nothing is written until we do.
    #[error("this replica does not lead")]
    NotLeading,
}

/// The connection that writes.
pub(crate) struct Writer {
    client: Client,
    istio: IstioCluster,
    may_write: Gate,
    budgets: Arc<Budgets>,
    telemetry: Arc<Telemetry>,
}

/// A call, for logs and metrics.
pub(crate) struct Call<'a> {
    /// What it does.
    pub(crate) verb: Verb,
    /// To which kind of object.
    pub(crate) kind: Kind,
    /// Namespace.
    pub(crate) namespace: &'a str,
    /// Name.
    pub(crate) name: &'a str,
    /// A person waits for it.
    pub(crate) urgent: bool,
}

impl Call<'_> {
    fn attempt(&self) -> Attempt {
        Attempt::new(self.verb, self.kind, self.name)
    }
}

impl Writer {
    pub(crate) fn new(client: Client, may_write: Gate, budgets: Budgets, telemetry: Arc<Telemetry>) -> Self {
        Self {
            client,
            istio: IstioCluster::Own,
            may_write,
            budgets: Arc::new(budgets),
            telemetry,
        }
    }

    /// Reads and writes the objects of Istio there.
    pub(crate) fn istio(self, istio: IstioCluster) -> Self {
        Self { istio, ..self }
    }

    /// How many calls may be made.
    pub(crate) fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// Whether a reconcile is worth it.
    pub(crate) fn may_write(&self) -> bool {
        (self.may_write)()
    }

    /// The same question, for what writes without this connection.
    pub(crate) fn gate(&self) -> Gate {
        Arc::clone(&self.may_write)
    }

    /// The turn of calls to the kinds of Kubernetes, for what calls without this connection.
    pub(crate) fn turn(&self) -> Turn {
        let budgets = Arc::clone(&self.budgets);
        Arc::new(move || {
            let budgets = Arc::clone(&budgets);
            async move { budgets.of(Kind::Secret).take_begun().await }.boxed()
        })
    }

    fn rollouts(&self, namespace: &str) -> Api<StoredRollout> {
        Api::namespaced(self.client.clone(), namespace)
    }

    fn replica_sets(&self, namespace: &str) -> Api<StoredReplicaSet> {
        Api::namespaced(self.client.clone(), namespace)
    }

    fn services(&self, namespace: &str) -> Api<StoredService> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// A write: gated, within the budget, with a time limit, counted.
    pub(crate) async fn write<T>(
        &self,
        call: &Call<'_>,
        sent: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Error> {
        let budget = self.budgets.of(call.kind);
        if call.urgent {
            budget.overdraw();
        } else {
            budget.take_begun().await;
        }
        if !self.may_write() {
            return Err(Error::NotLeading);
        }
        self.call(call, sent).await.map_err(Error::Refused)
    }

    /// Any call: with a time limit, counted.
    async fn call<T>(&self, call: &Call<'_>, sent: impl Future<Output = kube::Result<T>>) -> Result<T, Failure> {
        let (result, status) = match tokio::time::timeout(CALL_TIMEOUT, sent).await {
            Ok(Ok(answer)) => (Ok(answer), if call.verb == Verb::Create { 201 } else { 200 }),
            Ok(Err(error)) => {
                let status = if let kube::Error::Api(status) = &error {
                    status.code
                } else {
                    0
                };
                (Err(Failure::from_client(call.attempt(), &error)), status)
            }
            Err(_) => (Err(Failure::timed_out(call.attempt(), CALL_TIMEOUT)), 0),
        };
        let (kind, name) = match call.kind {
            Kind::ReplicaSet => ("replicasets", NO_NAME),
            Kind::DeploymentScale | Kind::Deployment => ("deployments", call.name),
            Kind::PodTemplate => ("podtemplates", call.name),
            Kind::Service => ("services", call.name),
            Kind::Route => ("routes", call.name),
            Kind::Pod => ("pods", NO_NAME),
            Kind::AnalysisRun => ("analysisruns", call.name),
            Kind::Secret => ("secrets", call.name),
            Kind::Experiment => ("experiments", call.name),
            Kind::Event => ("events", NO_NAME),
            Kind::Lease => ("leases", NO_NAME),
            Kind::Rollout if call.name.is_empty() => ("rollouts", NO_NAME),
            Kind::Rollout | Kind::RolloutStatus => ("rollouts", call.name),
        };
        self.telemetry.request(&Request {
            kind,
            namespace: call.namespace,
            name,
            verb: call.verb.as_str(),
            status,
        });
        result
    }

    /// Reads the rollout live.
    pub(crate) async fn get_rollout(&self, key: &Key) -> Result<Option<StoredRollout>, Failure> {
        let (namespace, name) = (&*key.namespace, &*key.name);
        let call = Call {
            verb: Verb::Get,
            kind: Kind::Rollout,
            namespace,
            name,
            urgent: true,
        };
        self.call(&call, self.rollouts(namespace).get_opt(name)).await
    }

    /// Reads the rollouts of a namespace live, those of other instances, too.
    pub(crate) async fn list_rollouts(&self, namespace: &str) -> Result<Vec<StoredRollout>, Failure> {
        let call = Call {
            verb: Verb::List,
            kind: Kind::Rollout,
            namespace,
            name: "",
            urgent: false,
        };
        let (api, mut all) = (self.rollouts(namespace), Vec::new());
        let mut page = ListParams::default().limit(PAGE);
        loop {
            let listed = self.call(&call, api.list(&page)).await?;
            all.extend(listed.items);
            match listed.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return Ok(all),
            }
        }
    }

    /// Reads a ReplicaSet live.
    pub(crate) async fn get_replica_set(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<StoredReplicaSet>, Failure> {
        let call = Call {
            verb: Verb::Get,
            kind: Kind::ReplicaSet,
            namespace,
            name,
            urgent: true,
        };
        self.call(&call, self.replica_sets(namespace).get_opt(name)).await
    }

    /// Reads a Service live.
    pub(crate) async fn get_service(&self, key: &Key) -> Result<Option<StoredService>, Failure> {
        let (namespace, name) = (&*key.namespace, &*key.name);
        let call = Call {
            verb: Verb::Get,
            kind: Kind::Service,
            namespace,
            name,
            urgent: true,
        };
        self.call(&call, self.services(namespace).get_opt(name)).await
    }
}

/// One plan on its way to the cluster.
pub(crate) struct Act<'a> {
    pub(crate) writer: &'a Writer,
    pub(crate) expectations: &'a Expectations,
    /// What was decided on.
    pub(crate) owner: &'a Owner,
    /// A person waits for it.
    pub(crate) urgent: bool,
    /// Versions that our own writes in this reconcile led to, by uid.
    versions: HashMap<String, String>,
    skipped: Vec<Skipped>,
}

/// A secondary change that the API server refused: it and what depends on it were left out, the rest went on (decision
/// 46).
#[derive(Debug)]
pub(crate) struct Skipped {
    /// How it failed.
    pub(crate) failure: Failure,
    /// UID of the ReplicaSet, or of the workload, that it is about.
    pub(crate) replica_set: String,
    /// Name of its pod, if it is about one; empty if its pods could not be listed.
    pub(crate) pod: Option<String>,
}

/// How far the actions came.
pub(crate) struct Done {
    /// That many went through or were skipped, in order.
    pub(crate) gone_through: usize,
    /// Why the next did not, and what kind of call that was.
    pub(crate) error: Option<(Error, Attempted)>,
    /// Those of them that were refused, after which the rest went on.
    pub(crate) skipped: Vec<Skipped>,
}

impl<'a> Act<'a> {
    pub(crate) fn new(writer: &'a Writer, expectations: &'a Expectations, owner: &'a Owner, urgent: bool) -> Self {
        Self {
            writer,
            expectations,
            owner,
            urgent,
            versions: HashMap::new(),
            skipped: Vec::new(),
        }
    }

    /// Carries out the actions in order and stops at the first that fails; secondary ones that the API server refuses
    /// are skipped.
    pub(crate) async fn carry_out(&mut self, actions: &[Action]) -> Done {
        for (index, action) in actions.iter().enumerate() {
            let result = match action {
                Action::ReplicaSet(ReplicaSetAction::Create(new)) => self.create_replica_set(new).await,
                Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => self.patch_replica_set(patch).await,
                Action::ReplicaSet(ReplicaSetAction::Delete(target)) => self.delete_replica_set(target).await,
                Action::Service(patch) => self.patch_service(patch).await,
                Action::Route(change) => self.change_route(change).await,
                Action::Workload(scale) => self.scale_workload(scale).await,
                Action::Pod(PodAction::Patch(patch)) => self.patch_pod_unless_skipped(patch).await,
                Action::Pod(PodAction::Evict(target)) => self.evict_pod(target).await,
                Action::AnalysisRun(action) => self.on_analysis_run(action).await,
                Action::Experiment(action) => self.on_experiment(action).await,
                Action::OwnService(action) => self.on_own_service(action).await,
                Action::Rollout(patch) => self.patch_rollout(patch).await,
            };
            if let Err(error) = result {
                let what = match action {
                    Action::ReplicaSet(ReplicaSetAction::Create(_)) => Attempted::Creation,
                    Action::ReplicaSet(_)
                    | Action::Service(_)
                    | Action::Route(_)
                    | Action::Workload(_)
                    | Action::Pod(_)
                    | Action::AnalysisRun(_)
                    | Action::Experiment(_)
                    | Action::OwnService(_)
                    | Action::Rollout(_) => Attempted::Change,
                };
                return self.done(index, Some((error, what)));
            }
        }
        self.done(actions.len(), None)
    }

    fn done(&mut self, gone_through: usize, error: Option<(Error, Attempted)>) -> Done {
        Done {
            gone_through,
            error,
            skipped: std::mem::take(&mut self.skipped),
        }
    }

    /// The end of a secondary change: a refusal that stands is noted, and the rest goes on.
    fn skip(&mut self, result: Result<(), Error>, replica_set: &str, pod: Option<&str>) -> Result<(), Error> {
        match result {
            Err(Error::Refused(failure)) if failure.why.stands() => {
                self.skipped.push(Skipped {
                    failure,
                    replica_set: replica_set.to_owned(),
                    pod: pod.map(str::to_owned),
                });
                Ok(())
            }
            Err(Error::Refused(_) | Error::NotLeading) | Ok(()) => result,
        }
    }

    async fn patch_pod_unless_skipped(&mut self, patch: &PodPatch) -> Result<(), Error> {
        if self
            .skipped
            .iter()
            .any(|skipped| skipped.replica_set == patch.replica_set)
        {
            return Ok(());
        }
        let result = self.patch_pod(patch).await;
        self.skip(result, &patch.replica_set, Some(&patch.target.name))
    }

    fn namespace(&self) -> &'a str {
        &self.owner.key.namespace
    }

    /// The object itself, as the target of a change.
    fn itself(&self) -> Target {
        Target {
            name: self.owner.key.name.to_string(),
            uid: self.owner.uid.clone(),
            resource_version: self.owner.version.clone(),
        }
    }

    /// The version to write on: the one that was decided on, or the one that our own write in this reconcile led to.
    fn version(&self, uid: &str, decided_upon: &str) -> String {
        self.versions.get(uid).map_or(decided_upon, String::as_str).to_owned()
    }

    /// We created an object: the stores must show it before the next decision.
    fn created(&mut self, subject: Subject, uid: &str, version: &str) {
        let (uid, version) = (uid.to_owned(), version.to_owned());
        self.versions.insert(uid.clone(), version.clone());
        let expected = Expected::Created { uid, version };
        self.expectations.add(&self.owner.uid, subject, expected);
    }

    /// We changed an object: the stores must no longer show it as it was.
    fn changed(&mut self, subject: Subject, uid: &str, version: &str) {
        let (uid, version) = (uid.to_owned(), version.to_owned());
        self.versions.insert(uid.clone(), version.clone());
        let expected = Expected::Changed { uid, version };
        self.expectations.add(&self.owner.uid, subject, expected);
    }

    /// What a refusal shows about changes that the stores do not show yet.
    fn learn(&self, subject: Subject, target: &Target, error: &Error) {
        let Error::Refused(failure) = error else { return };
        let expected = match failure.why {
            Refusal::Conflict => Expected::After {
                uid: target.uid.clone(),
                version: self.version(&target.uid, &target.resource_version),
            },
            Refusal::NotFound => Expected::Gone {
                uid: target.uid.clone(),
            },
            Refusal::Forbidden
            | Refusal::AlreadyExists
            | Refusal::Invalid
            | Refusal::TooManyRequests
            | Refusal::ServerError
            | Refusal::Timeout => return,
        };
        self.expectations.add(&self.owner.uid, subject, expected);
    }
}

/// What an action is called in logs, events and [`serin_core::observed::Refused::attempt`].
pub(crate) fn attempt_of(action: &Action) -> Attempt {
    match action {
        Action::ReplicaSet(ReplicaSetAction::Create(new)) => Attempt::new(Verb::Create, Kind::ReplicaSet, &new.name),
        Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => {
            Attempt::new(Verb::Patch, Kind::ReplicaSet, &patch.target.name)
        }
        Action::ReplicaSet(ReplicaSetAction::Delete(target)) => {
            Attempt::new(Verb::Delete, Kind::ReplicaSet, &target.name)
        }
        Action::Service(patch) => Attempt::new(Verb::Patch, Kind::Service, &patch.target.name),
        Action::Route(change) => route::attempt_of(change),
        Action::Workload(scale) => Attempt::new(Verb::Patch, Kind::DeploymentScale, &scale.target.name),
        Action::Pod(PodAction::Patch(patch)) => Attempt::new(Verb::Patch, Kind::Pod, &patch.target.name),
        Action::Pod(PodAction::Evict(target)) => Attempt::new(Verb::Evict, Kind::Pod, &target.name),
        Action::AnalysisRun(AnalysisRunAction::Create(new)) => Attempt::new(Verb::Create, Kind::AnalysisRun, &new.name),
        Action::AnalysisRun(AnalysisRunAction::Terminate(target)) => {
            Attempt::new(Verb::Patch, Kind::AnalysisRun, &target.name)
        }
        Action::AnalysisRun(AnalysisRunAction::Delete(target)) => {
            Attempt::new(Verb::Delete, Kind::AnalysisRun, &target.name)
        }
        Action::Experiment(ExperimentAction::Create(new)) => Attempt::new(Verb::Create, Kind::Experiment, &new.name),
        Action::Experiment(ExperimentAction::Terminate(target)) => {
            Attempt::new(Verb::Patch, Kind::Experiment, &target.name)
        }
        Action::Experiment(ExperimentAction::Delete(target)) => {
            Attempt::new(Verb::Delete, Kind::Experiment, &target.name)
        }
        Action::OwnService(OwnServiceAction::Create(new)) => Attempt::new(Verb::Create, Kind::Service, &new.name),
        Action::OwnService(OwnServiceAction::Delete(target)) => Attempt::new(Verb::Delete, Kind::Service, &target.name),
        Action::Rollout(patch) => Attempt::new(Verb::Patch, Kind::Rollout, &patch.target.name),
    }
}
