//! How a command fails: what is wrong and what to do. Under the plugin's name errors have upstream's words, because scripts
//! know them (contract 10 §9, decision 49).

use crate::show::console::Console;
use crate::show::program::Program;
pub(crate) use serin_controller::chain;
use serin_controller::{Target, Trouble, Unusable};
use std::process::ExitCode;

/// Why a command failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Shown as `Error: <text>`.
    Message(String),
    /// The API server cannot be reached, or refuses.
    Api(Box<Refused>),
    /// Shown as it is: the usage of the command, after a wrong number of arguments.
    Usage(String),
    /// Shown as it is, although nothing failed: the usage after `help` for something unknown.
    HelpOnNothing(String),
    /// All has been said; the process ends with this code.
    Exit(u8),
    /// The reader of standard output went away: nothing is shown.
    ReaderLeft,
    /// Another failure, with an exit code of its own.
    Coded(u8, Box<Failure>),
}

/// A request that came to nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// What happened.
    pub trouble: Trouble,
    /// The server, once it is known here.
    pub target: Option<Target>,
    /// Whether the request would have changed something.
    pub of_write: bool,
    /// What was being done, before the words of the error; empty if they need none.
    pub doing: String,
}

impl Failure {
    /// A line of text.
    #[must_use]
    pub(crate) fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    /// Standard output cannot be written.
    #[must_use]
    pub(crate) fn output(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::ReaderLeft
        } else {
            Self::Message(format!("writing to standard output: {error}"))
        }
    }

    /// The same, with an exit code of its own; a reader that left is no failure.
    #[must_use]
    pub(crate) fn with_code(self, code: u8) -> Self {
        match self {
            Self::ReaderLeft => Self::ReaderLeft,
            other => Self::Coded(code, Box::new(other)),
        }
    }

    /// A rollout or a Deployment that is not there, in the words of a lister: `rollout.argoproj.io "x" not found`.
    #[must_use]
    pub(crate) fn not_found(kind_and_group: &str, name: &str) -> Self {
        Self::Message(format!("{kind_and_group} {name:?} not found"))
    }

    /// A write that failed. It was sent once: a person who repeats it must know what happened.
    #[must_use]
    pub(crate) fn of_write(error: &kube::Error) -> Self {
        Self::Api(Box::new(Refused {
            trouble: Trouble::from(error),
            target: None,
            of_write: true,
            doing: String::new(),
        }))
    }

    /// The same, with what was being done before its words: `failed restoring revision 2: …`.
    #[must_use]
    pub(crate) fn while_doing(self, doing: &str) -> Self {
        match self {
            Self::Message(text) => Self::Message(format!("{doing}: {text}")),
            Self::Api(mut refused) => {
                refused.doing.insert_str(0, &format!("{doing}: "));
                Self::Api(refused)
            }
            other => other,
        }
    }

    /// The same, with the server that it happened with.
    #[must_use]
    pub(crate) fn at(self, target: &Target) -> Self {
        match self {
            Self::Api(mut refused) => {
                refused.target.get_or_insert_with(|| target.clone());
                Self::Api(refused)
            }
            Self::Coded(code, inner) => Self::Coded(code, Box::new(inner.at(target))),
            other => other,
        }
    }

    /// Shows the failure and gives the exit code.
    #[must_use]
    pub(crate) fn report(self, console: &mut Console) -> ExitCode {
        match self {
            Self::Message(text) => console.complain(&format!("Error: {text}")),
            Self::Api(refused) => {
                let text = refused.text(console.program());
                console.complain(&format!("Error: {text}"));
            }
            Self::Usage(text) => console.complain(text.trim_end()),
            Self::HelpOnNothing(text) => {
                console.complain(text.trim_end());
                return ExitCode::SUCCESS;
            }
            Self::Exit(code) => return ExitCode::from(code),
            Self::ReaderLeft => return ExitCode::SUCCESS,
            Self::Coded(code, inner) => {
                // `with_code` has kept what is no failure out.
                let _ = inner.report(console);
                return ExitCode::from(code);
            }
        }
        ExitCode::FAILURE
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        Trouble::from(&error).into()
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Api(Box::new(Refused {
            trouble,
            target: None,
            of_write: false,
            doing: String::new(),
        }))
    }
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        Self::Message(unusable.0)
    }
}

impl Refused {
    fn text(&self, program: Program) -> String {
        let doing = &self.doing;
        if let (Program::Plugin, Some(text)) = (program, upstreams(&self.trouble)) {
            return format!("{doing}{text}");
        }
        let target = self.target.clone().unwrap_or_default();
        let mut text = format!("{doing}{}", self.trouble.what(&target));
        let of_write = self.of_write.then(|| after_write(&self.trouble, program)).flatten();
        for line in of_write.into_iter().chain(self.trouble.remedy(&target)) {
            text.push('\n');
            text.push_str(&line);
        }
        text
    }
}

/// The words of upstream's plugin for what the API server answers. Its errors about the
/// connection are Go's, without server and remedy; both names show ours instead.
fn upstreams(trouble: &Trouble) -> Option<&str> {
    match trouble {
        Trouble::Unauthorized => Some("Unauthorized"),
        Trouble::UnknownKind => Some("the server could not find the requested resource"),
        Trouble::Busy(_) => Some("the server has received too many requests and has asked us to try again later"),
        Trouble::Forbidden(message)
        | Trouble::Failing(_, message)
        | Trouble::Refusal(message)
        | Trouble::Other(message) => Some(message),
        Trouble::Refused
        | Trouble::Unresolved(_)
        | Trouble::TimedOut
        | Trouble::Broken(_)
        | Trouble::Untrusted
        | Trouble::WrongName(_)
        | Trouble::BadCertificate(_)
        | Trouble::NoTls
        | Trouble::NeedsTls
        | Trouble::Proxy(_)
        | Trouble::Unreadable(_)
        | Trouble::Credentials(_) => None,
    }
}

/// What is known about the requested change.
fn after_write(trouble: &Trouble, program: Program) -> Option<String> {
    match trouble {
        Trouble::Busy(_) => Some("Nothing was changed. The request was sent once and is not repeated.".to_owned()),
        Trouble::Failing(..) | Trouble::TimedOut | Trouble::Broken(_) | Trouble::Unreadable(_) => Some(format!(
            "The request was sent once and is not repeated; whether it was carried out is unknown. Look with `{} get rollout` \
             first.",
            program.words()
        )),
        _ => None,
    }
}
