//! Rules of blue-green.

use super::{FieldError, anti_affinity};
use crate::api::rollout::{BlueGreenStrategy, RolloutSpec};

pub(super) fn blue_green(errors: &mut Vec<FieldError>, spec: &RolloutSpec, strategy: &BlueGreenStrategy) {
    if strategy.active_service == strategy.preview_service {
        let detail = "This rollout uses the same service for the active and preview services, but two different \
                      services are required.";
        errors.push(FieldError::invalid(
            "spec.strategy.activeService",
            &strategy.active_service,
            detail,
        ));
    } else if strategy.active_service.is_empty() {
        // Upstream creates the ReplicaSet and then fails in every reconcile with this text (contract 11 §E).
        let path = "spec.strategy.blueGreen.activeService";
        errors.push(FieldError::invalid(path, "", "service \"\" not found"));
    }
    let kept = spec.revision_history_limit_or_default();
    if let Some(limit) = strategy.scale_down_delay_revision_limit.filter(|limit| *limit > kept) {
        let detail = "This rollout's revision history limit can not be smaller than the rollout's scale down limit";
        errors.push(FieldError::invalid(
            "spec.strategy.scaleDownDelayRevisionLimit",
            &limit,
            detail,
        ));
    }
    anti_affinity(errors, strategy.anti_affinity.as_ref());
}
