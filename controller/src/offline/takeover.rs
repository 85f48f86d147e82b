//! `--takeover-report`: which ReplicaSets Serin would adopt, and why. It only reads.

use crate::act::failures::Failures;
use crate::args::Options;
use crate::cluster::PAGE;
use crate::cluster::trouble::Trouble;
use crate::reconcile::observe::Snapshot;
use crate::store::decode::{StoredReplicaSet, StoredRollout};
use crate::store::{Source, Stores};
use kube::api::{ListParams, ObjectList};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use serin_core::rollout::adoption::{self, New, Report, StableRevision};
use serin_core::wire;
use std::fmt::Debug;
use std::time::Duration;

/// How long a page of a list may be refused with 429 before the report is given up: less than the five minutes for which
/// the API server keeps the pages that follow.
const PATIENCE: Duration = Duration::from_secs(180);

/// Reports on every rollout that a controller with these options would serve, sorted by namespace and name. Where the API
/// server answers 429, it waits and logs that.
///
/// # Errors
/// If something cannot be listed: a report of half a cluster would mislead.
pub async fn takeover_report(client: &Client, options: &Options) -> Result<Vec<Report>, kube::Error> {
    let stores = Stores::default();
    list::<StoredRollout>(client, options, &options.instance_selector(), |rollout| {
        stores.apply_rollout(rollout, Source::List);
    })
    .await?;
    list::<StoredReplicaSet>(client, options, wire::HASH_LABEL, |set| {
        if !set.of_experiment {
            stores.replica_sets.apply(set, Source::List);
        }
    })
    .await?;
    let mut keys: Vec<_> = stores.rollouts.all().into_iter().map(|(key, _)| key).collect();
    keys.sort_unstable_by_key(ToString::to_string);
    let failures = Failures::default();
    let seen = keys.iter().filter_map(|key| {
        Snapshot::take(&stores, key).map(|snapshot| snapshot.observed(&failures, &snapshot.owner(key)))
    });
    Ok(seen.map(|seen| adoption::report(&seen)).collect())
}

/// Page by page, as the controller lists.
async fn list<K>(client: &Client, options: &Options, labels: &str, mut each: impl FnMut(K)) -> Result<(), kube::Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    let api: Api<K> = match options.served_namespace(client) {
        Some(namespace) => Api::namespaced(client.clone(), &namespace),
        None => Api::all(client.clone()),
    };
    let mut params = ListParams::default().labels(labels).limit(PAGE);
    loop {
        let page = page(&api, &params).await?;
        page.items.into_iter().for_each(&mut each);
        match page.metadata.continue_.filter(|it| !it.is_empty()) {
            Some(next) => params = params.continue_token(&next),
            None => return Ok(()),
        }
    }
}

async fn page<K>(api: &Api<K>, params: &ListParams) -> Result<ObjectList<K>, kube::Error>
where
    K: Clone + DeserializeOwned + Debug,
{
    let (mut waited, mut pause) = (Duration::ZERO, Duration::from_secs(1));
    loop {
        let error = match api.list(params).await {
            Ok(page) => return Ok(page),
            Err(error) => error,
        };
        let trouble = Trouble::from(&error);
        if !trouble.is_passing() || waited >= PATIENCE {
            return Err(error);
        }
        let wait = asked_wait(&error).unwrap_or(pause).min(PATIENCE - waited);
        tracing::warn!(
            error = trouble.brief(),
            seconds = wait.as_secs(),
            "the API server is overloaded; waiting"
        );
        tokio::time::sleep(wait).await;
        waited += wait;
        pause = Duration::from_secs(30).min(pause * 2);
    }
}

/// The wait that the answer itself asks for; the header of the same meaning is out of reach here.
fn asked_wait(error: &kube::Error) -> Option<Duration> {
    let kube::Error::Api(status) = error else { return None };
    let seconds = status.details.as_ref()?.retry_after_seconds;
    (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
}

/// A summary of the reports in one line.
#[must_use]
pub(crate) fn takeover_summary(reports: &[Report]) -> String {
    let created = reports.iter().filter(|it| matches!(it.new, New::Created(_))).count();
    let missing = reports
        .iter()
        .filter(|it| matches!(it.stable, StableRevision::Missing(_)))
        .count();
    let undecodable = reports.iter().filter(|it| it.undecodable.is_some()).count();
    let invalid = reports
        .iter()
        .filter(|it| it.undecodable.is_none() && it.invalid.is_some())
        .count();
    format!(
        "{} rollouts: {} adopted as they are, {created} would get a new ReplicaSet, {missing} lack their stable one, \
         {invalid} ask for what is invalid or not served, {undecodable} cannot be decoded",
        reports.len(),
        reports.iter().filter(|it| is_adopted(it)).count(),
    )
}

fn is_adopted(report: &Report) -> bool {
    let stable = !matches!(report.stable, StableRevision::Missing(_));
    stable && report.undecodable.is_none() && report.invalid.is_none() && matches!(report.new, New::Adopted(_))
}
