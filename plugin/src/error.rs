//! Why a plugin gave no answer.

/// Why a call of a plugin failed. The text begins as in Argo Rollouts (contract 07 §11, "Plugins").
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The plugin does not run: it is not configured, its file is not the one that was pinned, it does not start, it
    /// refuses to initialise, or it does not answer a ping. The next call tries again.
    #[error("unable to start plugin system: {0}")]
    Start(String),
    /// The plugin runs, and the call has no answer: it took too long, the process ended meanwhile, the method is unknown,
    /// or the answer makes no sense.
    #[error("{method} rpc call error: {cause}")]
    Call {
        /// Name of the method, as `Run`.
        method: &'static str,
        /// What happened.
        cause: String,
    },
    /// The plugin answered that it failed. The text is the plugin's own.
    #[error("{0}")]
    Answer(String),
}
