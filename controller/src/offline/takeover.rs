//! `--takeover-report`: which ReplicaSets Serin would adopt, and why. It only reads.

use super::pages::{each, served};
use crate::act::failures::Failures;
use crate::args::Options;
use crate::reconcile::observe::Snapshot;
use crate::store::decode::{StoredReplicaSet, StoredRollout};
use crate::store::{Source, Stores};
use kube::Client;
use serin_core::rollout::adoption::{self, New, Report, StableRevision};
use serin_core::wire;

/// Reports on every rollout that a controller with these options would serve, sorted by namespace and name. Where the API
/// server answers 429, it waits and logs that.
///
/// # Errors
/// If something cannot be listed: a report of half a cluster would mislead.
pub async fn takeover_report(client: &Client, options: &Options) -> Result<Vec<Report>, kube::Error> {
    let stores = Stores::default();
    let rollouts = served::<StoredRollout>(client, options);
    each(&rollouts, &options.instance_selector(), |rollout| {
        stores.apply_rollout(rollout, Source::List);
    })
    .await?;
    let sets = served::<StoredReplicaSet>(client, options);
    each(&sets, wire::HASH_LABEL, |set| {
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
