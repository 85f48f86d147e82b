//! The names that several commands take.

use clap::Args;

/// Names of rollouts.
#[derive(Args, Debug)]
pub(crate) struct Names {
    /// Names of rollouts
    #[arg(value_name = "ROLLOUT_NAME")]
    pub names: Vec<String>,
}
