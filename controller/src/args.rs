//! Flags (contract 09 §1), checked once.

use kube::Client;
use serin_core::notation::duration::{GoDuration, ParseError};
use std::path::PathBuf;
use std::time::Duration;

/// Options of the controller, as flags. The defaults are upstream's.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Path to the kubeconfig file to use.
    #[arg(long)]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig context to use.
    #[arg(long)]
    pub context: Option<String>,
    /// The kubeconfig cluster to use.
    #[arg(long)]
    pub cluster: Option<String>,
    /// The kubeconfig user to use.
    #[arg(long)]
    pub user: Option<String>,
    /// Namespace of the controller, and the only one served with --namespaced.
    #[arg(long, short)]
    pub namespace: Option<String>,
    /// Address of the API server.
    #[arg(long)]
    pub server: Option<String>,
    /// Bearer token for the API server.
    #[arg(long)]
    pub token: Option<String>,
    /// Do not check the certificate of the API server.
    #[arg(long)]
    pub insecure_skip_tls_verify: bool,
    /// Seconds between reconciles of all rollouts although nothing changed.
    #[arg(long, default_value_t = 900)]
    pub rollout_resync: u64,
    /// Serve one namespace only.
    #[arg(long)]
    pub namespaced: bool,
    /// Log level: debug, info, warn or error.
    #[arg(long, default_value = "info")]
    pub loglevel: String,
    /// Log format: text or json.
    #[arg(long, default_value = "")]
    pub logformat: String,
    /// Verbosity of the client library, 0 to 10.
    #[arg(long, default_value_t = 0)]
    pub kloglevel: u8,
    /// Port of /metrics; 0 chooses a free port.
    #[arg(long = "metricsPort", alias = "metricsport", default_value_t = 8090)]
    pub metrics_port: u16,
    /// Port of /healthz; 0 chooses a free port.
    #[arg(long = "healthzPort", default_value_t = 8080)]
    pub healthz_port: u16,
    /// Serve only objects with this instance id; if empty, serve only objects without one.
    #[arg(long, default_value = "")]
    pub instance_id: String,
    /// Writes per second to the API server.
    #[arg(long, default_value_t = 40.0)]
    pub qps: f64,
    /// Writes that may exceed --qps for a short time.
    #[arg(long, default_value_t = 80)]
    pub burst: u32,
    /// Rollouts reconciled in parallel.
    #[arg(long, default_value_t = 10)]
    pub rollout_threads: usize,
    /// Experiments reconciled in parallel.
    #[arg(long, default_value_t = 10)]
    pub experiment_threads: usize,
    /// AnalysisRuns reconciled in parallel.
    #[arg(long, default_value_t = 30)]
    pub analysis_threads: usize,
    /// Accepted; Services are reconciled together with the rollouts that name them.
    #[arg(long, default_value_t = 10)]
    pub service_threads: usize,
    /// Ingresses reconciled in parallel.
    #[arg(long, default_value_t = 10)]
    pub ingress_threads: usize,
    /// Pods relabelled in parallel.
    #[arg(long, default_value_t = 10)]
    pub ephemeral_metadata_threads: usize,
    /// Tries to relabel a pod.
    #[arg(long, default_value_t = 3)]
    pub ephemeral_metadata_update_pod_retries: u32,
    /// Version of TargetGroupBindings.
    #[arg(long, default_value = "elbv2.k8s.aws/v1beta1")]
    pub aws_target_group_binding_api_version: String,
    /// Tag that names the resource of a load balancer.
    #[arg(long, default_value = "ingress.k8s.aws/resource")]
    pub alb_tag_key_resource_id: String,
    /// Version of Istio's kinds.
    #[arg(long, default_value = "v1alpha3")]
    pub istio_api_version: String,
    /// Version of Ambassador's kinds.
    #[arg(long, default_value = "getambassador.io/v2")]
    pub ambassador_api_version: String,
    /// Version of SMI's TrafficSplit.
    #[arg(long, default_value = "v1alpha1")]
    pub traffic_split_api_version: String,
    /// Group of Traefik's kinds.
    #[arg(long, default_value = "traefik.io")]
    pub traefik_api_group: String,
    /// Version of Traefik's kinds.
    #[arg(long, default_value = "traefik.io/v1alpha1")]
    pub traefik_api_version: String,
    /// Version of Ingresses.
    #[arg(long, default_value = "")]
    pub ingress_api_version: String,
    /// Version of App Mesh's kinds.
    #[arg(long, default_value = "v1beta2")]
    pub appmesh_crd_version: String,
    /// Ingress classes of ALB; they replace the default.
    #[arg(long, default_value = "alb")]
    pub alb_ingress_classes: Vec<String>,
    /// Ingress classes of nginx; they replace the default.
    #[arg(long, default_value = "nginx")]
    pub nginx_ingress_classes: Vec<String>,
    /// Verify target groups at AWS.
    #[arg(long, alias = "alb-verify-weight", num_args = 0..=1, require_equals = true, default_value_t = false,
        default_missing_value = "true", action = clap::ArgAction::Set)]
    pub aws_verify_target_group: bool,
    /// Elect a leader among replicas.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true",
        action = clap::ArgAction::Set)]
    pub leader_elect: bool,
    /// How long a lease lasts after its last renewal.
    #[arg(long, default_value = "15s", value_parser = parse_duration)]
    pub leader_election_lease_duration: Duration,
    /// How long a leader tries to renew its lease before it gives up.
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    pub leader_election_renew_deadline: Duration,
    /// How long a process waits between tries to take or renew the lease.
    #[arg(long, default_value = "2s", value_parser = parse_duration)]
    pub leader_election_retry_period: Duration,
    /// Read notification settings in the namespaces of rollouts.
    #[arg(long)]
    pub self_service_notification_enabled: bool,
    /// Run only these controllers; the only name is `analysis`.
    #[arg(long, value_delimiter = ',')]
    pub controllers: Vec<String>,
    /// Address of the profiler.
    #[arg(long, default_value = "")]
    pub enable_pprof_address: String,
    /// Write an annotation when the message of a rollout changes and its phase does not, so that Argo CD shows the new
    /// message at once.
    #[arg(long)]
    pub announce_messages: bool,
    /// Write each distinct decision (snapshot, time and plan) to a file in this folder, for `serin-controller replay`.
    #[arg(long, env = "SERIN_DUMP_OBSERVED")]
    pub dump_observed: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        #[derive(clap::Parser)]
        struct Bare {
            #[command(flatten)]
            options: Options,
        }
        // The environment is no default of the library; there are no required flags, so no arguments always parse.
        let mut options = <Bare as clap::Parser>::parse_from(["serin-controller"]).options;
        options.dump_observed = None;
        options
    }
}

impl Options {
    /// One sentence for each flag that was set and has no effect yet.
    #[must_use]
    pub(crate) fn without_effect(&self) -> Vec<String> {
        let stock = Self::default();
        let mut missing = Vec::new();
        let mut check = |asked: bool, flag: &str, what: &str| {
            if asked {
                missing.push(format!("--{flag} has no effect: {what}"));
            }
        };
        let changed = self.experiment_threads != stock.experiment_threads;
        check(changed, "experiment-threads", "this version does not serve Experiments");
        check(
            self.analysis_threads != stock.analysis_threads,
            "analysis-threads",
            "this version does not serve AnalysisRuns",
        );
        check(
            self.ingress_threads != stock.ingress_threads,
            "ingress-threads",
            "this version does not serve Ingresses",
        );
        let changed = self.ephemeral_metadata_threads != stock.ephemeral_metadata_threads
            || self.ephemeral_metadata_update_pod_retries != stock.ephemeral_metadata_update_pod_retries;
        check(
            changed,
            "ephemeral-metadata-threads/-update-pod-retries",
            "Serin patches pods within the reconcile of their rollout",
        );
        check(
            self.routers() != stock.routers(),
            "*-api-version, --*-ingress-classes and the like",
            "this version does not serve traffic routers",
        );
        check(
            self.aws_verify_target_group,
            "aws-verify-target-group",
            "this version does not verify target groups",
        );
        check(
            self.self_service_notification_enabled,
            "self-service-notification-enabled",
            "this version does not send notifications",
        );
        check(
            !self.enable_pprof_address.is_empty(),
            "enable-pprof-address",
            "this version has no profiler",
        );
        missing
    }

    fn routers(&self) -> String {
        let routers = (
            &self.aws_target_group_binding_api_version,
            &self.alb_tag_key_resource_id,
            &self.istio_api_version,
            &self.ambassador_api_version,
            &self.traffic_split_api_version,
            &self.traefik_api_group,
            &self.traefik_api_version,
            &self.ingress_api_version,
            &self.appmesh_crd_version,
            &self.alb_ingress_classes,
            &self.nginx_ingress_classes,
        );
        format!("{routers:?}")
    }

    /// The one namespace that is served; `None` for all.
    pub(crate) fn served_namespace(&self, client: &Client) -> Option<String> {
        let default = || client.default_namespace().to_owned();
        self.namespaced.then(|| self.namespace.clone().unwrap_or_else(default))
    }

    /// The label selector of custom resources (contract 09 §2): the id, or no label.
    #[must_use]
    pub(crate) fn instance_selector(&self) -> String {
        let label = serin_core::wire::INSTANCE_ID;
        if self.instance_id.is_empty() {
            format!("!{label}")
        } else {
            format!("{label}={}", self.instance_id)
        }
    }
}

/// Parses a Go duration such as `1m30s` or `500ms`; a negative one makes no sense here.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration: GoDuration = text.parse().map_err(|error: ParseError| error.to_string())?;
    u64::try_from(duration.nanos())
        .map(Duration::from_nanos)
        .map_err(|_| format!("{text:?} is negative"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Bare {
        #[command(flatten)]
        options: Options,
    }

    fn parse(args: &[&str]) -> Options {
        Bare::try_parse_from(std::iter::once("x").chain(args.iter().copied()))
            .unwrap()
            .options
    }

    #[test]
    fn stock_flags_miss_nothing() {
        assert_eq!(Options::default().without_effect(), Vec::<String>::new());
        assert_eq!(
            Options::default().instance_selector(),
            "!argo-rollouts.argoproj.io/controller-instance-id"
        );
    }

    #[test]
    fn flags_without_their_capability_say_so() {
        let options = parse(&[
            "--analysis-threads",
            "3",
            "--istio-api-version=v1",
            "--leader-elect=false",
        ]);
        assert_eq!(options.without_effect().len(), 2);
        assert!(!options.leader_elect);
    }

    #[test]
    fn repeated_classes_replace_the_default() {
        let options = parse(&[
            "--alb-ingress-classes",
            "a",
            "--alb-ingress-classes",
            "b",
            "--metricsport=1",
        ]);
        assert_eq!(options.alb_ingress_classes, ["a", "b"]);
        assert_eq!(options.metrics_port, 1);
    }

    #[test]
    fn durations_are_those_of_go() {
        assert_eq!(parse_duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
        for bad in ["15", "", "1d", "-1s", "9999999h"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
