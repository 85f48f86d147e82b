//! `serin-controller`: see [`serin_controller::program`].

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match serin_controller::program::run(std::env::args_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The last resort: if standard error is gone, there is nowhere to report it.
            let _ = writeln!(std::io::stderr(), "Error: {}", serin_controller::program::text(&error));
            ExitCode::FAILURE
        }
    }
}
