//! clap's errors in the words of pflag (contract 10 §9): neither prints usage.

use crate::show::failure::Failure;
use clap::Command;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use std::error::Error as _;
use std::ffi::OsString;

/// What pflag would have said.
pub(super) fn translate(error: &Error, definition: &Command, words: &[OsString]) -> Failure {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        Some(_) | None => "",
    };
    let flag = context(ContextKind::InvalidArg);
    let value = context(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument => Failure::message(unknown_flag(flag, words)),
        ErrorKind::InvalidValue | ErrorKind::NoEquals if value.is_empty() => Failure::message(missing_value(words)),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let problem = error
                .source()
                .map_or_else(|| choices(error.get(ContextKind::ValidValue)), ToString::to_string);
            let flag = both_names(definition, flag);
            Failure::message(format!("invalid argument {value:?} for {flag:?} flag: {problem}"))
        }
        // Only our own commands have such.
        ErrorKind::MissingRequiredArgument => {
            let missing = strings(error.get(ContextKind::InvalidArg));
            Failure::message(format!("missing required arguments: {}", missing.join(", ")))
        }
        _ => Failure::message(first_line(&error.to_string())),
    }
}

/// What a flag takes, where it takes one of a few words.
fn choices(context: Option<&ContextValue>) -> String {
    let words = strings(context);
    if words.is_empty() {
        "invalid value".to_owned()
    } else {
        format!("it must be one of {}", words.join(", "))
    }
}

fn strings(context: Option<&ContextValue>) -> &[String] {
    match context {
        Some(ContextValue::Strings(texts)) => texts,
        Some(_) | None => &[],
    }
}

fn unknown_flag(flag: &str, words: &[OsString]) -> String {
    if let Some(name) = flag.strip_prefix("--") {
        return format!("unknown flag: --{}", name.split('=').next().unwrap_or_default());
    }
    let letter = flag.trim_start_matches('-').chars().next().unwrap_or('-');
    let is_group = |word: &String| word.starts_with('-') && !word.starts_with("--") && word.contains(letter);
    let group = words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .find(is_group);
    format!(
        "unknown shorthand flag: '{letter}' in {}",
        group.unwrap_or_else(|| flag.to_owned())
    )
}

/// Only the last word can lack its value: a flag takes any next word.
fn missing_value(words: &[OsString]) -> String {
    let last = words
        .last()
        .map(|word| word.to_string_lossy().into_owned())
        .unwrap_or_default();
    match last.chars().last() {
        Some(letter) if !last.starts_with("--") => format!("flag needs an argument: {letter:?} in {last}"),
        Some(_) | None => format!("flag needs an argument: {last}"),
    }
}

/// `-t, --timeout` for clap's `--timeout <TIMEOUT>`.
fn both_names(definition: &Command, flag: &str) -> String {
    let long = flag
        .trim_start_matches('-')
        .split([' ', '[', '='])
        .next()
        .unwrap_or_default();
    match find(definition, long).and_then(clap::Arg::get_short) {
        Some(short) => format!("-{short}, --{long}"),
        None => format!("--{long}"),
    }
}

fn find<'a>(command: &'a Command, long: &str) -> Option<&'a clap::Arg> {
    let own = command
        .get_arguments()
        .find(|argument| argument.get_long() == Some(long));
    own.or_else(|| command.get_subcommands().find_map(|command| find(command, long)))
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
