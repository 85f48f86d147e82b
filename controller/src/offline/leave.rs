//! `--leave-report`: what Argo Rollouts would prune or do otherwise, and what to change first (decision 52). It only reads.

use super::pages::{each, served_as_stored};
use crate::args::Options;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::{Client, ResourceExt};
use serde_json::Value;
use serin_core::api::{AnalysisTemplate, ClusterAnalysisTemplate, Rollout};
use serin_core::rollout::leaving::{self, Departure, StoredTemplates};

/// Reports on every rollout that a controller with these options would serve, sorted by namespace and name. Where the API
/// server answers 429, it waits and logs that.
///
/// # Errors
/// If something cannot be listed: a report of half a cluster would mislead.
pub async fn leave_report(client: &Client, options: &Options) -> Result<Vec<Departure>, kube::Error> {
    let mut templates = StoredTemplates::default();
    let of_namespaces = served_as_stored::<AnalysisTemplate>(client, options);
    each(&of_namespaces, "", |object| {
        let key = (object.namespace().unwrap_or_default(), object.name_any());
        templates.namespaced.insert(key, object.data);
    })
    .await?;
    if options.served_namespace(client).is_none() {
        let all: Api<DynamicObject> =
            Api::all_with(client.clone(), &ApiResource::erase::<ClusterAnalysisTemplate>(&()));
        each(&all, "", |object: DynamicObject| {
            templates.cluster.insert(object.name_any(), object.data);
        })
        .await?;
    }
    let mut departures = Vec::new();
    let rollouts = served_as_stored::<Rollout>(client, options);
    each(&rollouts, &options.instance_selector(), |rollout| {
        let mut object = rollout.data;
        object["metadata"]["name"] = Value::from(rollout.metadata.name);
        object["metadata"]["namespace"] = Value::from(rollout.metadata.namespace);
        departures.push(leaving::report(&object, &templates));
    })
    .await?;
    departures.sort_by(|a, b| (&a.namespace, &a.rollout).cmp(&(&b.namespace, &b.rollout)));
    Ok(departures)
}

/// A summary of the reports in one line.
#[must_use]
pub(crate) fn leave_summary(departures: &[Departure]) -> String {
    let with = departures.iter().filter(|one| !one.findings.is_empty()).count();
    format!("{} rollouts: {with} have something to change first", departures.len())
}
