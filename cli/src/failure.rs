//! How a command fails: one line that says what is wrong, in upstream's words where scripts know them (contract 10 §9).

use crate::console::Console;
use kube::core::Status;
pub use serin_controller::chain;
use std::process::ExitCode;

/// Why a command failed.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// Shown as `Error: <text>`.
    Message(String),
    /// Shown as it is: the usage of the command, after a wrong number of arguments.
    Usage(String),
    /// Shown as it is, although nothing failed: the usage after `help` for something unknown.
    HelpOnNothing(String),
    /// The reader of standard output went away: nothing is shown.
    ReaderLeft,
}

impl Failure {
    /// A line of text.
    #[must_use]
    pub fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    /// Standard output cannot be written.
    #[must_use]
    pub fn output(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::ReaderLeft
        } else {
            Self::Message(format!("writing to standard output: {error}"))
        }
    }

    /// A rollout or a Deployment that is not there, in the words of a lister: `rollout.argoproj.io "x" not found`.
    #[must_use]
    pub fn not_found(kind_and_group: &str, name: &str) -> Self {
        Self::Message(format!("{kind_and_group} {name:?} not found"))
    }

    /// Shows the failure and gives the exit code.
    #[must_use]
    pub fn report(self, console: &mut Console) -> ExitCode {
        match self {
            Self::Message(text) => console.complain(&format!("Error: {text}")),
            Self::Usage(text) => console.complain(text.trim_end()),
            Self::HelpOnNothing(text) => {
                console.complain(text.trim_end());
                return ExitCode::SUCCESS;
            }
            Self::ReaderLeft => return ExitCode::SUCCESS,
        }
        ExitCode::FAILURE
    }
}

impl From<kube::Error> for Failure {
    /// What the API server said, else the whole chain of causes on one line.
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) => Self::Message(text_of(status)),
            other => Self::Message(chain(other)),
        }
    }
}

fn text_of(status: &Status) -> String {
    match (status.code, status.message.as_str()) {
        (401, _) => "Unauthorized".to_owned(),
        (code, "") => format!("the API server answered {code} {}", status.reason),
        (_, message) => message.to_owned(),
    }
}
