//! clap's errors in one line, as those of upstream's flags (contract 10 §9 has the same library's texts).

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use std::error::Error as _;

/// What is wrong with the words of the command line, and what to do.
pub(crate) fn text(error: &Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        Some(_) | None => "",
    };
    let flag = context(ContextKind::InvalidArg);
    let name = flag.split([' ', '=', '[']).next().unwrap_or_default();
    let value = context(ContextKind::InvalidValue);
    let what = match error.kind() {
        ErrorKind::UnknownArgument if flag.starts_with('-') => format!("unknown flag: {name}"),
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => {
            let word = [flag, context(ContextKind::InvalidSubcommand)].concat();
            format!("unknown command {word:?} for \"serin-controller\"")
        }
        ErrorKind::InvalidValue | ErrorKind::NoEquals if value.is_empty() => format!("flag needs an argument: {name}"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let why = error
                .source()
                .map_or_else(|| "invalid value".to_owned(), ToString::to_string);
            format!("invalid argument {value:?} for {name:?} flag: {why}")
        }
        _ => first_line(&error.to_string()),
    };
    format!("{what}\n`serin-controller --help` lists the flags.")
}

fn first_line(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}
