//! Serin's part that knows Argo CD: its settings, and how the hooks get into them.
//!
//! 1. [`settings`] reads the ConfigMap `argocd-cm` as Argo CD's own loader would and says what is wrong with it, with file,
//!    key and line.
//! 2. [`install`] compares what is there with what Serin wants there and makes a plan: a patch, the commands around it, and
//!    the way back. Nothing here writes to a cluster.

pub mod install;
pub mod settings;
