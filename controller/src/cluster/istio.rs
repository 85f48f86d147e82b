//! The cluster that has Istio's configuration: this one, or the primary cluster of a mesh (contract 07 §1, "Multi-primary").

use crate::cluster::client::finished;
use crate::cluster::start;
use crate::cluster::target::{Target, Unusable};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

/// The label of the Secret, whose value is `true`.
const LABEL: &str = "istio.argoproj.io/primary-cluster";
/// The group of the kinds that are there.
const GROUP: &str = "networking.istio.io/";
/// What to do where Secrets may not be listed.
const ADVICE: &str = "deploy/istio-primary has the Role that permits it";

/// The cluster with the VirtualServices and DestinationRules.
#[derive(Clone, Default)]
pub enum IstioCluster {
    /// That of the Rollouts.
    #[default]
    Own,
    /// The one that a Secret leads to.
    Primary(Client),
    /// A Secret says that it is another one, and does not lead there: why. Nothing of Istio is read or written.
    Unusable(String),
}

impl IstioCluster {
    /// The client for objects of a group and version; `own` unless they are Istio's.
    ///
    /// # Errors
    /// The Secret does not lead to the cluster that has them: why.
    pub(crate) fn client_of<'a>(&'a self, api_version: &str, own: &'a Client) -> Result<&'a Client, &'a str> {
        match self {
            Self::Primary(client) if api_version.starts_with(GROUP) => Ok(client),
            Self::Unusable(why) if api_version.starts_with(GROUP) => Err(why),
            Self::Own | Self::Primary(_) | Self::Unusable(_) => Ok(own),
        }
    }
}

/// The API server does not tell whether there is a Secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot list the Secrets of namespace {namespace}: {cause}")]
pub struct Unlisted {
    namespace: String,
    cause: String,
}

/// Looks for the Secret in the controller's own namespace: whoever may make Secrets elsewhere must not move the routing. It is
/// read once, at the start.
///
/// # Errors
/// The API server does not answer.
pub async fn istio_cluster(client: &Client, namespace: &str) -> Result<IstioCluster, Unlisted> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let params = ListParams::default().labels(&format!("{LABEL}=true"));
    let subject = format!("the list of Secrets of namespace {namespace}");
    let listed = start::ask(&subject, ADVICE, || async {
        match api.list(&params).await {
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(None),
            listed => listed.map(|list| Some(list.items)),
        }
    });
    let unread = |cause| Unlisted {
        namespace: namespace.to_owned(),
        cause,
    };
    let Some(mut secrets) = listed.await.map_err(unread)? else {
        tracing::info!(
            namespace,
            "no Secret is looked for that has the label {LABEL}: {ADVICE}"
        );
        return Ok(IstioCluster::Own);
    };
    secrets.sort_by(|one, other| one.metadata.name.cmp(&other.metadata.name));
    let Some(secret) = secrets.first() else {
        return Ok(IstioCluster::Own);
    };
    let of = |secret: &Secret| {
        format!(
            "Secret {namespace}/{}",
            secret.metadata.name.as_deref().unwrap_or_default()
        )
    };
    if let Some(other) = secrets.get(1) {
        let why = format!(
            "{} and {} have the label {LABEL}, and there can be one primary cluster: delete one of them, and restart the controller",
            of(secret),
            of(other)
        );
        tracing::error!(why, "the objects of Istio cannot be reached");
        return Ok(IstioCluster::Unusable(why));
    }
    Ok(match connect(secret).await {
        Ok((client, cluster, target)) => {
            tracing::info!(secret = of(secret), cluster, %target, "the objects of Istio are in its primary cluster");
            IstioCluster::Primary(client)
        }
        Err(why) => {
            let why = format!(
                "{}, label {LABEL}: {why}; mend it, and restart the controller",
                of(secret)
            );
            tracing::error!(why, "the objects of Istio cannot be reached");
            IstioCluster::Unusable(why)
        }
    })
}

/// The client of the kubeconfig that a Secret has; the name of its cluster is the key.
async fn connect(secret: &Secret) -> Result<(Client, String, Target), String> {
    let data = secret.data.iter().flatten();
    let (key, kubeconfig) = match data.clone().count() {
        1 => data.last().ok_or("it has no data")?,
        0 => return Err("it has no data".to_owned()),
        keys => {
            return Err(format!(
                "it has {keys} keys, and must have one: the kubeconfig of the primary cluster"
            ));
        }
    };
    let text = std::str::from_utf8(&kubeconfig.0).map_err(|error| format!("data.{key} is not text: {error}"))?;
    let (config, target) = configuration(key, text)
        .await
        .map_err(|why| format!("data.{key}: {why}"))?;
    let client = Client::try_from(finished(config)).map_err(|error| format!("data.{key}: {error}"))?;
    Ok((client, key.clone(), target))
}

async fn configuration(key: &str, text: &str) -> Result<(Config, Target), String> {
    // A client tells of a syntax error with the text around it, and that is secret.
    let kubeconfig = Kubeconfig::from_yaml(text).map_err(|_| "this is not a kubeconfig".to_owned())?;
    for named in &kubeconfig.auth_infos {
        if let Some(why) = named.auth_info.as_ref().and_then(outside) {
            return Err(format!("user {:?} {why}", named.name));
        }
    }
    for named in &kubeconfig.clusters {
        if named
            .cluster
            .as_ref()
            .is_some_and(|cluster| cluster.certificate_authority.is_some())
        {
            return Err(format!(
                "cluster {:?} has its certificate in a file: use certificate-authority-data",
                named.name
            ));
        }
    }
    let config = Config::from_custom_kubeconfig(kubeconfig.clone(), &KubeConfigOptions::default()).await;
    let config = config.map_err(|error| {
        let Unusable(why) = Unusable::entries(&error, &kubeconfig, &[format!("key {key}")], None);
        why
    })?;
    let target = Target::new(&config, Vec::new(), None);
    Ok((config, target))
}

/// Credentials outside of the Secret: a command that would run in the controller's container, or its files.
fn outside(user: &kube::config::AuthInfo) -> Option<&'static str> {
    if user.exec.is_some() || user.auth_provider.is_some() {
        Some("gets its credentials from a command, which is not run: use a token or client-certificate-data")
    } else if user.token_file.is_some() || user.client_certificate.is_some() || user.client_key.is_some() {
        Some("has its credentials in files: use a token, or client-certificate-data and client-key-data")
    } else {
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn kubeconfig(user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{{name: a, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'https://mesh.example:6443'}}}}]\nusers: [{{name: u, user: {user}}}]\n"
        )
    }

    async fn refusal(data: &[(&str, &str)]) -> String {
        let data: BTreeMap<_, _> = data
            .iter()
            .map(|(key, text)| ((*key).to_owned(), k8s_openapi::ByteString(text.as_bytes().to_vec())))
            .collect();
        let secret = Secret {
            data: Some(data),
            ..Secret::default()
        };
        match connect(&secret).await {
            Ok((_, cluster, target)) => format!("{cluster} {target}"),
            Err(why) => why,
        }
    }

    #[tokio::test]
    async fn a_secret_that_leads_nowhere_says_which_part_and_what_to_do() {
        crate::cluster::client::install_tls();
        let good = kubeconfig("{token: t}");
        assert_eq!(
            refusal(&[("mesh", &good)]).await,
            "mesh the API server https://mesh.example:6443"
        );
        assert_eq!(refusal(&[]).await, "it has no data");
        let two = refusal(&[("a", &good), ("b", &good)]).await;
        assert_eq!(
            two,
            "it has 2 keys, and must have one: the kubeconfig of the primary cluster"
        );
        let broken = refusal(&[("mesh", "token: [secret")]).await;
        assert_eq!(broken, "data.mesh: this is not a kubeconfig");
        let command = refusal(&[("mesh", &kubeconfig("{exec: {command: aws, apiVersion: x/v1}}"))]).await;
        assert!(
            command.starts_with("data.mesh: user \"u\" gets its credentials from a command"),
            "{command}"
        );
        let file = refusal(&[("mesh", &kubeconfig("{tokenFile: /etc/passwd}"))]).await;
        assert!(
            file.starts_with("data.mesh: user \"u\" has its credentials in files"),
            "{file}"
        );
        let context = refusal(&[("mesh", &good.replace("current-context: a", "current-context: b"))]).await;
        assert!(context.contains("context \"b\" does not exist (key mesh)"), "{context}");
    }

    #[tokio::test]
    async fn only_kinds_of_istio_are_elsewhere() {
        crate::cluster::client::install_tls();
        let (config, _) = configuration("mesh", &kubeconfig("{token: t}")).await.unwrap();
        let own = Client::try_from(config).unwrap();
        let cluster = IstioCluster::Unusable("broken".to_owned());
        assert_eq!(cluster.client_of("networking.istio.io/v1", &own).err(), Some("broken"));
        assert!(cluster.client_of("networking.k8s.io/v1", &own).is_ok());
        assert!(IstioCluster::Own.client_of("networking.istio.io/v1", &own).is_ok());
    }
}
