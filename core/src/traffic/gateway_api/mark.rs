//! The mark of a route while a canary is under way, for what would otherwise put it back (Argo CD): as the plugin has it.

use crate::api::rollout::GatewayApiRouting;
use crate::traffic::{Site, Wanted, edit};
use serde_json::Value;

const LABEL: &str = "rollouts.argoproj.io/gatewayapi-canary";
const VALUE: &str = "in-progress";
const ANNOTATION: &str = "rollouts.argoproj.io/gatewayapi-active-rollouts";

/// Sets the label while any rollout is under way on the route, and lists these rollouts in the annotation.
pub(super) fn mark(object: &mut Value, of: &GatewayApiRouting, site: &Site<'_>, wanted: &Wanted<'_>) {
    if of.disable_in_progress_label {
        return;
    }
    let label = ["metadata", "labels", or(&of.in_progress_label_key, LABEL)];
    let annotation = [
        "metadata",
        "annotations",
        or(&of.active_rollouts_annotation_key, ANNOTATION),
    ];
    let value = or(&of.in_progress_label_value, VALUE);
    let own = format!("{}/{}", site.namespace, site.rollout);
    let listed = read(object, &annotation).unwrap_or_default().to_owned();
    let mut active: Vec<&str> = listed
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    if is_under_way(wanted) {
        if !active.contains(&own.as_str()) {
            active.push(&own);
        }
    } else {
        active.retain(|name| *name != own);
    }
    if active.is_empty() {
        remove(object, &annotation);
        if read(object, &label) == Some(value) {
            remove(object, &label);
        }
    } else {
        edit::set(object, &annotation, active.join(",").into());
        edit::set(object, &label, value.into());
    }
}

/// Whether the route is another one than when nothing is rolled out.
fn is_under_way(wanted: &Wanted<'_>) -> bool {
    wanted.canary > 0 || !wanted.additional.is_empty() || !wanted.headers.is_empty() || !wanted.mirrors.is_empty()
}

fn or<'a>(configured: &'a str, default: &'a str) -> &'a str {
    if configured.is_empty() { default } else { configured }
}

fn read<'a>(object: &'a Value, path: &[&str; 3]) -> Option<&'a str> {
    let found = path.iter().try_fold(object, |object, field| object.get(field));
    found.and_then(Value::as_str)
}

pub(super) fn remove(object: &mut Value, path: &[&str; 3]) {
    let [metadata, map, key] = path;
    let fields = object.get_mut(metadata).and_then(|metadata| metadata.get_mut(map));
    if let Some(fields) = fields.and_then(Value::as_object_mut) {
        fields.remove(*key);
    }
}
