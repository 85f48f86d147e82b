//! `serin`: the command line.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    serin::run(std::env::args_os()).await
}
