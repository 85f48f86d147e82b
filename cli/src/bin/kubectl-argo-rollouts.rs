//! `kubectl argo rollouts`: the same commands under the name that kubectl looks for.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    serin::run(std::env::args_os()).await
}
