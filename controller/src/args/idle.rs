//! Flags that have no effect (yet): each is logged at start where somebody sets it, and has a row in docs/differences.md.

use super::Options;

/// Why a group of flags has no effect.
pub(super) struct Idle {
    /// Their names, without dashes.
    pub(super) flags: &'static [&'static str],
    /// The reason, as the second half of a sentence.
    why: &'static str,
    /// What was set, comparable.
    value: fn(&Options) -> String,
}

/// All of them.
pub(super) const IDLE: [Idle; 9] = [
    Idle {
        flags: &["service-threads"],
        why: "Services are reconciled together with the rollouts that name them",
        value: |it| it.service_threads.to_string(),
    },
    Idle {
        flags: &["ingress-threads"],
        why: "Ingresses are reconciled together with the rollouts that name them",
        value: |it| it.ingress_threads.to_string(),
    },
    Idle {
        flags: &["ephemeral-metadata-threads"],
        why: "Serin patches pods within the reconcile of their rollout",
        value: |it| it.ephemeral_metadata_threads.to_string(),
    },
    Idle {
        flags: &["ephemeral-metadata-update-pod-retries"],
        why: "Serin tries again to patch a pod in the next reconcile, with back-off",
        value: |it| it.ephemeral_metadata_update_pod_retries.to_string(),
    },
    Idle {
        flags: &["ingress-api-version"],
        why: "Serin reads Ingresses as networking.k8s.io/v1",
        value: |it| it.ingress_api_version.clone(),
    },
    Idle {
        flags: &["alb-ingress-classes", "nginx-ingress-classes"],
        why: "Serin follows every Ingress that a Rollout names, whatever its class",
        value: |it| format!("{:?} {:?}", it.alb_ingress_classes, it.nginx_ingress_classes),
    },
    Idle {
        flags: &["self-service-notification-enabled"],
        why: "this version does not send notifications",
        value: |it| it.self_service_notification_enabled.to_string(),
    },
    Idle {
        flags: &["enable-pprof-address"],
        why: "Serin has no profiler of Go; /metrics has its memory, processor time and reconciles",
        value: |it| it.enable_pprof_address.clone(),
    },
    Idle {
        flags: &["disable-compression"],
        why: "answers of the API server are never compressed",
        value: |it| it.connection.disable_compression.to_string(),
    },
];

/// One sentence for each flag that was set and has no effect.
pub(super) fn told(options: &Options) -> Vec<String> {
    let stock = Options::default();
    let set = IDLE.iter().filter(|it| (it.value)(options) != (it.value)(&stock));
    set.map(|it| {
        let names: Vec<_> = it.flags.iter().map(|name| format!("--{name}")).collect();
        let verb = if names.len() == 1 { "has" } else { "have" };
        format!("{} {verb} no effect: {}", names.join(" and "), it.why)
    })
    .collect()
}
