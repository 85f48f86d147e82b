//! What a fake kubelet can be told.

use std::time::Duration;

/// Whether the node that pods are bound to has an object and a Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeObject {
    /// Register the node and renew its Lease, as the loops of a real control plane want.
    Register,
    /// A node in name only: nobody looks for its object.
    Unregistered,
}

/// What becomes of the commands of pods that run to an end (restart policy Never or OnFailure).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobCommands {
    /// Run them on this machine, as nobody and without network where we are root. The machine's PATH decides what can start.
    Run,
    /// Start nothing, but know how the simplest commands end: `true`, `false` and `sleep N`, as programs or in the text of `sh -c`;
    /// in that text also `exit N`, `echo`, `;`, `&&` and `||`. Any other container runs until its pod is deleted.
    Interpret,
    /// Start nothing: such a container runs until its pod is deleted.
    Pretend,
}

/// How the fake kubelet behaves. There is no jitter: whoever is compared on it sees the same cluster.
#[derive(Clone, Debug)]
pub struct KubeletOptions {
    /// Name of the one node.
    pub node_name: String,
    /// Whether there is a Node object.
    pub node: NodeObject,
    /// From a pod's start to its containers running (and ready, where no probe says otherwise).
    pub ready_after: Duration,
    /// From a pod's start to the first image-pull error.
    pub pull_error_after: Duration,
    /// Images that cannot be pulled, as written in the pod.
    pub unpullable_images: Vec<String>,
    /// A text that makes any image that contains it impossible to pull.
    pub unpullable_marker: Option<String>,
    /// Programs (`command[0]`) that cannot be started, besides those the machine lacks where commands are run.
    pub unstartable_commands: Vec<String>,
    /// What to do with the commands of Jobs.
    pub job_commands: JobCommands,
    /// Requests under way at once.
    pub parallel_requests: usize,
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|&it| it.to_owned()).collect()
}

impl KubeletOptions {
    /// For the sandbox: no Node object, two seconds to readiness, commands interpreted and never run.
    #[must_use]
    pub fn sandbox() -> Self {
        Self {
            node_name: "serin-node".to_owned(),
            node: NodeObject::Unregistered,
            ready_after: Duration::from_secs(2),
            pull_error_after: Duration::from_secs(5),
            unpullable_images: texts(&["nginx:1.19-alpine-argo-error", "argoproj/rollouts-demo:error"]),
            unpullable_marker: Some("does-not-exist".to_owned()),
            unstartable_commands: texts(&["/bad-command", "/bad-command2", "exit"]),
            job_commands: JobCommands::Interpret,
            parallel_requests: 32,
        }
    }

    /// For a real API server, as acceptance suites expect a cluster: creation times have whole seconds, so anything under
    /// a second to readiness looks like no time at all; intermediate states are asserted for about two seconds; and a
    /// pull error must come later than another pod's readiness and one more step.
    #[must_use]
    pub fn cluster() -> Self {
        Self {
            node: NodeObject::Register,
            job_commands: JobCommands::Run,
            ..Self::sandbox()
        }
    }

    /// For load: as [`Self::cluster`], but pods are ready at once, which also saves the patch that says they are starting.
    #[must_use]
    pub fn load() -> Self {
        Self {
            ready_after: Duration::ZERO,
            job_commands: JobCommands::Pretend,
            ..Self::cluster()
        }
    }

    pub(super) fn can_pull(&self, image: &str) -> bool {
        let marked = self
            .unpullable_marker
            .as_deref()
            .is_some_and(|marker| image.contains(marker));
        !marked && !self.unpullable_images.iter().any(|it| it == image)
    }
}
