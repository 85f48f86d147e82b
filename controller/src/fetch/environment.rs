//! What the environment of the controller says to providers (contract 08 §1, §3, §4, §10). It is read once, at the start.

use serin_core::analysis::provider::{Environment, Secret};
use std::path::PathBuf;

/// What the environment says.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// What providers may know.
    pub environment: Environment,
    /// `ARGO_ROLLOUTS_ANALYSIS_JOB_KUBECONFIG`: where Jobs run, if not where the runs are.
    pub job_kubeconfig: Option<JobKubeconfig>,
}

/// The cluster of Jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobKubeconfig {
    /// That of the controller's pod.
    InCluster,
    /// That of a file.
    File(PathBuf),
}

/// Reads the environment, given as a function of names.
pub fn surroundings(variable: impl Fn(&str) -> Option<String>) -> Surroundings {
    let text = |name: &str| variable(name).unwrap_or_default();
    let first = |names: [&str; 2]| names.into_iter().map(text).find(|value| !value.is_empty());
    let datadog = [
        ("api-key", "DD_API_KEY"),
        ("app-key", "DD_APP_KEY"),
        ("address", "DD_ADDRESS"),
    ];
    let datadog = datadog.map(|(key, name)| variable(name).map(|value| (key.to_owned(), Secret::new(value))));
    let job_kubeconfig = match text("ARGO_ROLLOUTS_ANALYSIS_JOB_KUBECONFIG") {
        path if path.is_empty() => None,
        path if path == "in-cluster" => Some(JobKubeconfig::InCluster),
        path => Some(JobKubeconfig::File(path.into())),
    };
    Surroundings {
        environment: Environment {
            prometheus_address: text("ARGO_ROLLOUTS_PROMETHEUS_ADDRESS"),
            job_namespace: text("ARGO_ROLLOUTS_ANALYSIS_JOB_NAMESPACE"),
            jobs_elsewhere: job_kubeconfig.is_some(),
            datadog: datadog.into_iter().collect(),
            aws_region: first(["AWS_REGION", "AWS_DEFAULT_REGION"]).unwrap_or_default(),
            aws_endpoint: first(["AWS_ENDPOINT_URL_CLOUDWATCH", "AWS_ENDPOINT_URL"]).unwrap_or_default(),
            offset_seconds: 0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        job_kubeconfig,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_datadog_count_only_together() {
        let of = |names: &'static [&str]| surroundings(|name| names.contains(&name).then(|| name.to_lowercase()));
        let all = of(&["DD_API_KEY", "DD_APP_KEY", "DD_ADDRESS"]).environment.datadog;
        assert!(all.is_some_and(|keys| keys["app-key"].expose() == "dd_app_key"));
        assert!(of(&["DD_API_KEY", "DD_APP_KEY"]).environment.datadog.is_none());
    }

    #[test]
    fn jobs_may_be_in_another_cluster() {
        let of = |value: &'static str| surroundings(|name| name.ends_with("JOB_KUBECONFIG").then(|| value.to_owned()));
        assert_eq!(of("").job_kubeconfig, None);
        assert_eq!(of("in-cluster").job_kubeconfig, Some(JobKubeconfig::InCluster));
        assert_eq!(
            of("/etc/jobs").job_kubeconfig,
            Some(JobKubeconfig::File("/etc/jobs".into()))
        );
        assert!(of("in-cluster").environment.jobs_elsewhere);
        assert_eq!(
            surroundings(|name| (name == "AWS_DEFAULT_REGION").then(|| "r".into()))
                .environment
                .aws_region,
            "r"
        );
    }
}
