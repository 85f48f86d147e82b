//! Flags (contract 09 §1), checked once.

pub(crate) mod connection;
pub(crate) mod errors;
mod idle;

use connection::ConnectionFlags;
use kube::Client;
use serin_core::notation::duration::{GoDuration, ParseError};
use serin_core::traffic::Settings;
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
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true",
        action = clap::ArgAction::Set, value_parser = boolean)]
    pub insecure_skip_tls_verify: bool,
    /// The flags of kubectl that lay something else over the kubeconfig.
    #[command(flatten)]
    pub connection: ConnectionFlags,
    /// Seconds between reconciles of all rollouts although nothing changed.
    #[arg(long, default_value_t = 900)]
    pub rollout_resync: u64,
    /// Serve one namespace only: that of --namespace, else of the kubeconfig, else of the pod. Nothing is read or written
    /// outside of it, so that a Role is enough.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true",
        action = clap::ArgAction::Set, value_parser = boolean)]
    pub namespaced: bool,
    /// Log level: debug, info, warn or error.
    #[arg(long, default_value = "info", value_parser = level)]
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
        default_missing_value = "true", action = clap::ArgAction::Set, value_parser = boolean)]
    pub aws_verify_target_group: bool,
    /// Elect a leader among replicas.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true",
        action = clap::ArgAction::Set, value_parser = boolean)]
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
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true",
        action = clap::ArgAction::Set, value_parser = boolean)]
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
    /// One sentence for each flag that was set and has no effect.
    #[must_use]
    pub(crate) fn without_effect(&self) -> Vec<String> {
        idle::told(self)
    }

    /// The one namespace that is served; `None` for all.
    pub(crate) fn served_namespace(&self, client: &Client) -> Option<String> {
        let default = || client.default_namespace().to_owned();
        self.namespaced.then(|| self.namespace.clone().unwrap_or_else(default))
    }

    /// The versions of the kinds of traffic routers.
    #[must_use]
    pub(crate) fn routers(&self) -> Settings {
        let version = self.traefik_api_version.rsplit('/').next().unwrap_or_default();
        Settings {
            istio_version: self.istio_api_version.clone(),
            traffic_split_version: self.traffic_split_api_version.clone(),
            ambassador_api_version: self.ambassador_api_version.clone(),
            traefik_api_version: format!("{}/{version}", self.traefik_api_group),
            app_mesh_version: self.appmesh_crd_version.clone(),
            verifies_targets: self.aws_verify_target_group,
            target_group_binding_api_version: self.aws_target_group_binding_api_version.clone(),
            ..Settings::default()
        }
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

/// A boolean as Go's flags have it.
fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "True" | "TRUE" => Ok(true),
        "0" | "f" | "F" | "false" | "False" | "FALSE" => Ok(false),
        _ => Err("it must be true or false".to_owned()),
    }
}

/// A log level, as upstream's logger names them.
fn level(text: &str) -> Result<String, String> {
    match text.to_ascii_lowercase().as_str() {
        "panic" | "fatal" | "error" | "warn" | "warning" | "info" | "debug" | "trace" => Ok(text.to_owned()),
        _ => Err(format!(
            "not a valid logrus Level: {text:?}; it must be debug, info, warn or error"
        )),
    }
}

/// Seconds, or a Go duration.
fn parse_wait(text: &str) -> Result<Duration, String> {
    text.parse()
        .map_or_else(|_| parse_duration(text), |seconds| Ok(Duration::from_secs(seconds)))
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
            "--service-threads",
            "3",
            "--ingress-api-version=extensions/v1beta1",
            "--leader-elect=false",
            "--enable-pprof-address=:6060",
        ]);
        let told = options.without_effect();
        for (line, flag) in told
            .iter()
            .zip(["service-threads", "ingress-api-version", "enable-pprof-address"])
        {
            assert!(line.starts_with(&format!("--{flag} has no effect: ")), "{line}");
        }
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(!options.leader_elect);
    }

    #[test]
    fn booleans_are_those_of_go() {
        assert!(parse(&["--namespaced"]).namespaced);
        assert!(parse(&["--namespaced=T"]).namespaced);
        assert!(!parse(&["--namespaced=0", "--self-service-notification-enabled=false"]).namespaced);
    }

    #[test]
    fn mistakes_are_told_in_one_line_with_what_to_do() {
        for (words, said) in [
            (&["--qqs=1"][..], "unknown flag: --qqs"),
            (&["-x"], "unknown flag: -x"),
            (&["--qps"], "flag needs an argument: --qps"),
            (
                &["--qps=fast"],
                "invalid argument \"fast\" for \"--qps\" flag: invalid float literal",
            ),
            (
                &["--namespaced=perhaps"],
                "invalid argument \"perhaps\" for \"--namespaced\" flag: it must be true or false",
            ),
            (
                &["--metricsPort=70000"],
                "invalid argument \"70000\" for \"--metricsPort\" flag: 70000 is not in 0..=65535",
            ),
            (
                &["--leader-election-retry-period=2"],
                "invalid argument \"2\" for \"--leader-election-retry-period\" flag: time: missing unit in duration \"2\"",
            ),
            (
                &["--loglevel=loud"],
                "invalid argument \"loud\" for \"--loglevel\" flag: not a valid logrus Level: \"loud\"; it must be debug, info, \
                 warn or error",
            ),
            (&["surplus"], "unknown command \"surplus\" for \"serin-controller\""),
        ] {
            let words = std::iter::once("x").chain(words.iter().copied());
            let text = errors::text(&Bare::try_parse_from(words).map(|_| ()).unwrap_err());
            assert_eq!(text, format!("{said}\n`serin-controller --help` lists the flags."));
        }
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
