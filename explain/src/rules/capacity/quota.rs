//! `capacity/quota`: an update needs more pods than the quota of the build allows.

use super::peak::peak;
use crate::rules::Rule;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::scalers::scalers;
use crate::rules::seen::{Found, Seen};
use serde_json::Value;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "capacity/quota",
    severity: Severity::Warning,
    title: "an update needs more pods at its peak than the ResourceQuota allows",
    page: include_str!("../../../../docs/rules/capacity.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let scalers = scalers(seen);
    for (index, quota) in seen.objects().filter(|(_, object)| object.kind() == "ResourceQuota") {
        // A quota with a scope counts some of the pods.
        if quota.value["spec"].get("scopes").is_some() || quota.value["spec"].get("scopeSelector").is_some() {
            continue;
        }
        for key in ["pods", "count/pods"] {
            let Some(most) = quota.value["spec"]["hard"].get(key).and_then(count) else {
                continue;
            };
            for (_, object, rollout) in seen.rollouts().filter(|(_, object, _)| object.meets(quota)) {
                let scaler = scalers.iter().find(|scaler| scaler.scales(seen, object));
                let written = i64::from(rollout.spec.replicas_or_default());
                let least = scaler.map_or(written, |scaler| scaler.least.max(1));
                let largest = scaler.and_then(|scaler| scaler.most).unwrap_or(written).max(least);
                let (needed, at_most) = (peak(&rollout.spec, least), peak(&rollout.spec, largest));
                if at_most <= most {
                    continue;
                }
                let pods = if needed > most { least } else { largest };
                let message = format!(
                    "the quota allows {most} pods, and an update of {} needs {} at its peak with {pods} replicas",
                    object.title(),
                    if needed > most { needed } else { at_most }
                );
                let words =
                    "raise the quota, or need fewer pods: less maxSurge, a lower setCanaryScale, dynamicStableScale";
                let severity = if needed > most {
                    Severity::Error
                } else {
                    Severity::Warning
                };
                found
                    .add(index, &at("spec.hard").key(key), message)
                    .severity(severity)
                    .fix(Fix::words(words));
            }
        }
    }
}

fn count(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => match text.strip_suffix('k') {
            Some(thousands) => thousands.parse::<i64>().ok().map(|it| it * 1000),
            None => text.parse().ok(),
        },
        _ => None,
    }
}
