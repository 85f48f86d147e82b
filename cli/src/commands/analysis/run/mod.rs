//! `analysis run`: measures a template here and now, with the engine and the providers of the controller.

mod report;
mod wanted;

use self::report::{Form, Progress};
use self::wanted::Wanted;
use super::exit_of;
use crate::cluster::connect::{Connection, connect, install_tls};
use crate::cluster::flags::Global;
use crate::show::console::Console;
use crate::show::failure::{Failure, chain};
use clap::Args;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use kube::Client;
use serde_json::json;
use serin_controller::fetch::{Fetch, surroundings};
use serin_controller::{Alone, Clock, Fetched};
use serin_core::api::AnalysisRun;
use serin_core::wire::analysis::Phase;
use serin_sandbox::ApiServer;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// `analysis run`.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes: 0 Successful, 1 an error, 2 Failed, 3 Inconclusive.

Interrupted once, it ends as a run with `terminate: true` does; interrupted twice, it stops at once.

Examples:
  serin analysis run -f template.yaml --arg service=web --watch
  serin analysis run -f template.yaml --secret-env keys/token=API_TOKEN
  serin analysis run -f compare.yaml --canary-hash 6b9f7c8d5 --stable-hash 75d4c6f9b
  serin analysis run -f job-template.yaml --with-jobs -n test")]
pub(crate) struct Run {
    /// Files with an AnalysisTemplate, ClusterAnalysisTemplate or AnalysisRun, and with the templates that it names
    #[arg(long = "filename", short = 'f', value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Template or run of the files to measure; it may be left out where one names all others
    #[arg(long, value_name = "NAME")]
    pub template: Option<String>,
    /// Argument of the template; can be repeated
    #[arg(long = "arg", short = 'a', value_name = "NAME=VALUE")]
    pub args: Vec<String>,
    /// Pod template hash of the canary, for metrics that compare it with the stable
    #[arg(long, value_name = "HASH", requires = "stable_hash")]
    pub canary_hash: Option<String>,
    /// Pod template hash of the stable
    #[arg(long, value_name = "HASH", requires = "canary_hash")]
    pub stable_hash: Option<String>,
    /// Value of a Secret that the template or its provider reads; can be repeated
    #[arg(long, value_name = "NAME/KEY=VALUE", conflicts_with = "with_cluster")]
    pub secret: Vec<String>,
    /// The same from an environment variable, so that the value stands in no list of processes
    #[arg(long, value_name = "NAME/KEY=VARIABLE", conflicts_with = "with_cluster")]
    pub secret_env: Vec<String>,
    /// Read Secrets, and templates that the files do not have, in the cluster of the kubeconfig, with your own rights
    #[arg(long)]
    pub with_cluster: bool,
    /// Create the Jobs of metrics in that cluster, too, and delete them at the end
    #[arg(long, conflicts_with_all = ["secret", "secret_env"])]
    pub with_jobs: bool,
    /// Leave the Jobs in the cluster
    #[arg(long, requires = "with_jobs")]
    pub keep_jobs: bool,
    /// Where the Secrets of Datadog, New Relic, Wavefront and InfluxDB are
    #[arg(long, value_name = "NAMESPACE", default_value = "argo-rollouts")]
    pub controller_namespace: String,
    /// Print each measurement as it comes
    #[arg(long, short)]
    pub watch: bool,
    /// What to print at the end
    #[arg(long, short, value_enum, default_value = "text", hide_default_value = true)]
    pub output: Form,
}

/// Measures until the run has ended.
pub(super) async fn run(flags: &Global, arguments: &Run, console: &mut Console) -> Result<(), Failure> {
    install_tls();
    let connection = if arguments.with_cluster || arguments.with_jobs {
        Some(connect(flags).await?)
    } else {
        None
    };
    let of_flags = flags.namespace.clone().filter(|namespace| !namespace.is_empty());
    let namespace = match &connection {
        Some(connection) => connection.namespace.clone(),
        None => of_flags.unwrap_or_else(|| "default".to_owned()),
    };
    let secrets = given_secrets(arguments).map_err(Failure::Message)?;
    let wanted = Wanted::of(arguments).map_err(Failure::Message)?;
    let run = wanted.run(&namespace, connection.as_ref()).await?;
    refuse(&run, arguments, &secrets).map_err(Failure::Message)?;
    let mut alone = start(run, arguments, connection.as_ref(), &namespace, &secrets)?;
    let clock: Clock = Arc::new(Timestamp::now);
    let mut progress = Progress::of(arguments.watch && arguments.output == Form::Text, console);
    let ended = until_it_ends(&mut alone, &clock, &mut progress).await;
    if arguments.with_jobs && !arguments.keep_jobs {
        alone.clean_up().await;
    }
    ended?;
    progress.failed()?;
    report::at_the_end(alone.run(), arguments.output, console)?;
    exit_of(Phase::of(&alone.run().status.phase))
}

async fn until_it_ends(alone: &mut Alone, clock: &Clock, progress: &mut Progress<'_>) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    let measured = alone.to_its_end(clock, &stop, |run, _| progress.show(run));
    let mut measured = std::pin::pin!(measured);
    loop {
        tokio::select! {
            () = &mut measured => return Ok(()),
            _ = tokio::signal::ctrl_c() => {
                if stop.is_cancelled() {
                    return Err(Failure::message("interrupted while the run was being terminated"));
                }
                stop.cancel();
            }
        }
    }
}

/// Data of Secrets by their names.
type Secrets = BTreeMap<String, BTreeMap<String, String>>;

fn given_secrets(arguments: &Run) -> Result<Secrets, String> {
    let mut secrets = Secrets::new();
    let mut add = |flag: &str, form: &str, text: &str, value: &dyn Fn(&str) -> Result<String, String>| {
        // The value is not repeated: it is a secret.
        let wrong = || format!("--{flag}: write it as {form}");
        let (place, given) = text.split_once('=').ok_or_else(wrong)?;
        let (name, key) = place.split_once('/').ok_or_else(wrong)?;
        let data = secrets.entry(name.to_owned()).or_default();
        data.insert(key.to_owned(), value(given)?);
        Ok::<(), String>(())
    };
    for text in &arguments.secret {
        add("secret", "NAME/KEY=VALUE", text, &|value| Ok(value.to_owned()))?;
    }
    for text in &arguments.secret_env {
        add("secret-env", "NAME/KEY=VARIABLE", text, &|variable| {
            std::env::var(variable)
                .map_err(|_| format!("--secret-env: the environment has no text variable {variable:?}"))
        })?;
    }
    Ok(secrets)
}

/// What would only come out after a while, or never: a condition that is no expression, a Secret that nobody gave, a Job
/// that may not be created, a comparison of nobody knows what.
fn refuse(run: &AnalysisRun, arguments: &Run, secrets: &Secrets) -> Result<(), String> {
    if !arguments.with_cluster && !arguments.with_jobs {
        for arg in &run.spec.args {
            let reference = arg.value_from.as_ref().and_then(|from| from.secret_key_ref.as_ref());
            let Some(reference) = reference else { continue };
            let (name, key) = (&reference.name, &reference.key);
            if !secrets.get(name).is_some_and(|data| data.contains_key(key)) {
                return Err(format!(
                    "argument {:?} comes from the Secret {name}: give it with --secret-env {name}/{key}=VARIABLE, or let \
                     --with-cluster read it",
                    arg.name
                ));
            }
        }
    }
    for metric in &run.spec.metrics {
        if metric.compare.is_some() && arguments.canary_hash.is_none() {
            return Err(format!(
                "metric {:?} compares canary and stable: give their pod template hashes with --canary-hash HASH and \
                 --stable-hash HASH",
                metric.name
            ));
        }
        if metric.provider.job.is_some() && !arguments.with_jobs {
            return Err(format!(
                "metric {:?}: its provider is a Job: --with-jobs creates it in the cluster of the kubeconfig",
                metric.name
            ));
        }
    }
    wanted::refuse_conditions(run)
}

fn start(
    run: AnalysisRun,
    arguments: &Run,
    connection: Option<&Connection>,
    namespace: &str,
    secrets: &Secrets,
) -> Result<Alone, Failure> {
    let client = match connection {
        Some(connection) => connection.client.clone(),
        None => in_memory(secrets, [namespace, &arguments.controller_namespace]),
    };
    let mut surroundings = surroundings(|name| std::env::var(name).ok());
    // Nobody knows the run: it can own nothing, and what it would own would be collected as garbage.
    surroundings.environment.jobs_elsewhere = true;
    let clock: Clock = Arc::new(Timestamp::now);
    let fetch = Fetch::new(client.clone(), &arguments.controller_namespace, clock, surroundings);
    let with_jobs = arguments.with_jobs;
    let alone = Alone::new(run, client, Arc::new(Fetched::new(fetch)), Arc::new(move || with_jobs));
    alone.map_err(|error| Failure::message(chain(&error)))
}

/// A cluster in this process that has the given Secrets, and nothing else.
fn in_memory(secrets: &Secrets, namespaces: [&str; 2]) -> Client {
    let api = ApiServer::new();
    for namespace in namespaces {
        for (name, data) in secrets {
            let data: BTreeMap<&String, ByteString> = data
                .iter()
                .map(|(key, value)| (key, ByteString(value.as_bytes().to_vec())))
                .collect();
            let object = json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": name, "namespace": namespace}, "data": data,
            });
            api.store_as_is("", "secrets", object);
        }
    }
    api.client()
}
