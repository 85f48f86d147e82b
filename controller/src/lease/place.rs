//! Where the lease lives and who we are.

use std::path::Path;
use uuid::Uuid;

/// Where a pod finds the namespace it runs in.
const POD_NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/// Where the controller is installed when nothing else is known.
const DEFAULT_NAMESPACE: &str = "argo-rollouts";
/// Name of the lease, before the instance id.
const LOCK: &str = "argo-rollouts-controller-lock";

/// A candidate: where the lease is, and under which name to hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Election {
    /// Namespace of the controller.
    pub namespace: String,
    /// Unlike that of any other process, ever.
    pub identity: String,
}

impl Election {
    /// As this process: the namespace of `POD_NAMESPACE`, else of the service account, else the only one that is served, else
    /// `argo-rollouts`; the identity `<hostname>_<uuid>` (contract 09 §2).
    #[must_use]
    pub fn of_this_process(served: Option<&str>) -> Self {
        let variable = std::env::var("POD_NAMESPACE").unwrap_or_default();
        let file = read(Path::new(POD_NAMESPACE_FILE));
        let namespace = [
            variable.trim(),
            file.trim(),
            served.unwrap_or_default(),
            DEFAULT_NAMESPACE,
        ];
        let namespace = namespace
            .into_iter()
            .find(|one| !one.is_empty())
            .unwrap_or(DEFAULT_NAMESPACE);
        Self {
            namespace: namespace.to_owned(),
            identity: format!("{}_{}", hostname(), Uuid::new_v4()),
        }
    }
}

/// Name of the lease (contract 09 §8).
#[must_use]
pub(crate) fn lease_name(instance_id: &str) -> String {
    if instance_id.is_empty() {
        LOCK.to_owned()
    } else {
        format!("{LOCK}-{instance_id}")
    }
}

fn hostname() -> String {
    let names = [
        std::env::var("HOSTNAME").unwrap_or_default(),
        read(Path::new("/proc/sys/kernel/hostname")),
        read(Path::new("/etc/hostname")),
    ];
    let name = names.iter().map(|name| name.trim()).find(|name| !name.is_empty());
    name.unwrap_or("unknown").to_owned()
}

/// Empty where there is no such file: outside a pod there is none.
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lease_is_named_after_the_instance() {
        assert_eq!(lease_name(""), "argo-rollouts-controller-lock");
        assert_eq!(lease_name("test"), "argo-rollouts-controller-lock-test");
    }

    #[test]
    fn two_processes_never_share_an_identity() {
        let (one, other) = (Election::of_this_process(None), Election::of_this_process(None));
        assert_ne!(one.identity, other.identity);
        assert!(one.identity.contains('_'));
    }
}
