//! Help and usage. The help of `serin` leaves out the connection flags, as kubectl's does; under the plugin's name help has
//! upstream's shape (decision 49).

use super::arity::{Arity, NAMED};
use super::upstream;
use crate::show::program::Program;
use clap::{Arg, Command};
use std::ffi::OsString;
use std::fmt::Write as _;

/// The definition of the whole command line, ready to read words and to show help.
pub(super) fn definition(command: Command, program: Program) -> Command {
    let mut command = plain_switches(last_flag_wins(command.name(program.name()).bin_name(program.words())));
    if program == Program::Serin {
        let hint = format!(
            "Run '{} options' for the flags that all commands accept.",
            program.words()
        );
        command = with_hint(command.mut_args(|argument| argument.hide(true)), &hint);
    }
    if program == Program::Plugin {
        command = only_upstreams(command);
    }
    for (path, arity, word) in NAMED {
        let rest = match arity {
            Arity::One => format!("{word} [flags]"),
            Arity::Many => format!("{word}... [flags]"),
            Arity::Assignment => format!("{word} CONTAINER=IMAGE [flags]"),
        };
        let usage = format!("{} {} {rest}", program.words(), path.join(" "));
        command = at(command, path, &|it| it.override_usage(usage.clone()));
    }
    command.build();
    command
}

/// pflag lets the last of several equal flags win.
fn last_flag_wins(command: Command) -> Command {
    command.args_override_self(true).mut_subcommands(last_flag_wins)
}

/// A switch takes `=true` and `=false` too. Its usual default, `false`, is not shown.
fn plain_switches(command: Command) -> Command {
    let plain = |argument: Arg| {
        let is_off = argument.get_default_values() == ["false"];
        if is_switch(&argument) {
            argument.value_name("BOOL").hide_default_value(is_off)
        } else {
            argument
        }
    };
    command.mut_args(plain).mut_subcommands(plain_switches)
}

fn is_switch(argument: &Arg) -> bool {
    argument.get_num_args().is_some_and(|it| it.min_values() == 0) && argument.get_long().is_some()
}

/// The plugin lists the commands of Argo Rollouts alone (decision 49). The others work all the same.
fn only_upstreams(command: Command) -> Command {
    let known: Vec<_> = upstream::children(&[]).into_iter().map(|(name, _)| name).collect();
    command.mut_subcommands(|it| {
        let is_known = known.iter().any(|name| name == it.get_name());
        it.hide(!is_known)
    })
}

fn with_hint(command: Command, hint: &str) -> Command {
    let hint = hint.to_owned();
    command
        .after_help(hint.clone())
        .mut_subcommands(move |it| with_hint(it, &hint))
}

fn at(command: Command, path: &[&str], change: &dyn Fn(Command) -> Command) -> Command {
    match path.split_first() {
        Some((first, rest)) => command.mut_subcommand(first, |it| at(it, rest, change)),
        None => change(command),
    }
}

/// The names of the commands that words lead to, which may be aliases, as far as there are any.
pub(super) fn known(root: &Command, words: &[&str]) -> Vec<String> {
    let (mut command, mut path) = (root, Vec::new());
    for next in words.iter().map_while(|word| {
        command = command.find_subcommand(word)?;
        Some(command)
    }) {
        path.push(next.get_name().to_owned());
    }
    path
}

/// The help of a command, by its words below the program.
pub(super) fn of(definition: &mut Command, path: &[&str], program: Program) -> String {
    if let (Program::Plugin, Some(text)) = (program, upstream::help(path)) {
        return text;
    }
    let Some(command) = find(definition, path) else {
        return String::new();
    };
    match (program, command.get_about()) {
        (Program::Serin, _) => command.render_help().to_string(),
        (Program::Plugin, Some(about)) => format!("{about}\n\n{}", as_cobra(command)),
        (Program::Plugin, None) => as_cobra(command),
    }
}

/// What is shown after a wrong number of arguments.
pub(super) fn usage(definition: &mut Command, path: &[&str], program: Program) -> String {
    if let (Program::Plugin, Some(text)) = (program, upstream::usage(path)) {
        return text;
    }
    let Some(command) = find(definition, path) else {
        return String::new();
    };
    match program {
        Program::Serin => command.render_help().to_string(),
        Program::Plugin => as_cobra(command),
    }
}

fn find<'a>(command: &'a mut Command, path: &[&str]) -> Option<&'a mut Command> {
    match path.split_first() {
        Some((first, rest)) => find(command.find_subcommand_mut(first)?, rest),
        None => Some(command),
    }
}

/// The help that the words of a command line ask for with `-h` or `--help`.
pub(super) fn as_asked(definition: &mut Command, words: &[OsString], program: Program) -> String {
    let mut path: Vec<String> = Vec::new();
    let mut command: &Command = definition;
    for word in words.iter().skip(1).filter_map(|it| it.to_str()) {
        let Some(next) = command.find_subcommand(word) else {
            continue;
        };
        path.push(next.get_name().to_owned());
        command = next;
    }
    let path: Vec<_> = path.iter().map(String::as_str).collect();
    of(definition, &path, program)
}

/// One line: how a command is called.
pub(super) fn usage_line(definition: &mut Command, path: &[&str]) -> String {
    find(definition, path).map_or_else(String::new, |command| command.render_usage().to_string())
}

/// The names of what a group knows.
pub(super) fn subcommands(definition: &Command, group: &str) -> Vec<String> {
    let group = definition.find_subcommand(group);
    let known = group.into_iter().flat_map(Command::get_subcommands);
    known.map(|it| it.get_name().to_owned()).collect()
}

/// Usage, aliases, commands and flags in the order and columns of Go's cobra.
fn as_cobra(command: &Command) -> String {
    /// Names of commands are padded to at least so many characters.
    const NAME: usize = 11;
    let path = command.get_bin_name().unwrap_or_default();
    let known: Vec<_> = command.get_subcommands().filter(|it| !it.is_hide_set()).collect();
    let is_root = !path.is_empty() && path == Program::Plugin.words();
    let mut text = "Usage:\n".to_owned();
    if is_root {
        let _ = writeln!(text, "  {path} COMMAND [flags]");
    } else if known.is_empty() {
        let _ = writeln!(text, "  {}", use_line(command));
    } else {
        // `list` names its kinds in the singular, and takes no name.
        let (plural, name) = if command.get_name() == "list" {
            ("s", "")
        } else {
            ("", " RESOURCE_NAME")
        };
        let singular = |it: &&Command| it.get_name().strip_suffix(plural).unwrap_or_default().to_owned();
        let kinds: Vec<_> = known.iter().map(singular).collect();
        let _ = writeln!(text, "  {path} <{}>{name} [flags]", kinds.join("|"));
    }
    if !known.is_empty() {
        let _ = writeln!(text, "  {path} [command]");
    }
    let aliases: Vec<_> = command.get_visible_aliases().collect();
    if !aliases.is_empty() {
        let _ = write!(text, "\nAliases:\n  {}, {}\n", command.get_name(), aliases.join(", "));
    }
    if !known.is_empty() {
        text.push_str("\nAvailable Commands:\n");
        let mut rows: Vec<_> = known.iter().map(|it| (it.get_name(), it.get_about())).collect();
        rows.sort_unstable_by_key(|(name, _)| *name);
        let width = rows
            .iter()
            .map(|(name, _)| name.len())
            .max()
            .unwrap_or_default()
            .max(NAME);
        for (name, about) in rows {
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {name:<width$} {about}");
        }
    }
    let (global, own): (Vec<_>, Vec<_>) = command
        .get_arguments()
        .filter(|it| it.get_long().is_some() && !it.is_hide_set())
        .partition(|it| it.is_global_set() && !is_root);
    flags(&mut text, "Flags", &own, command.get_name());
    flags(&mut text, "Global Flags", &global, command.get_name());
    if !known.is_empty() {
        let _ = write!(
            text,
            "\nUse \"{path} [command] --help\" for more information about a command.\n"
        );
    }
    text
}

fn use_line(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.trim_start_matches("Usage: ").replace("[OPTIONS]", "[flags]")
}

/// Flags in columns, sorted by name, with the type of their value.
fn flags(text: &mut String, heading: &str, arguments: &[&Arg], command: &str) {
    let mut rows = Vec::new();
    for argument in arguments {
        rows.push(match argument.get_long().unwrap_or_default() {
            "help" => ("help", ("  -h, --help".to_owned(), format!("help for {command}"))),
            long => (long, row(argument)),
        });
    }
    rows.sort_unstable();
    let width = rows.iter().map(|(_, (flag, _))| flag.len()).max().unwrap_or_default();
    if !rows.is_empty() {
        let _ = write!(text, "\n{heading}:\n");
    }
    for (_, (flag, about)) in rows {
        let _ = writeln!(text, "{flag:<width$}   {about}");
    }
}

fn row(argument: &Arg) -> (String, String) {
    let short = argument
        .get_short()
        .map_or_else(|| "    ".to_owned(), |it| format!("-{it}, "));
    let long = argument.get_long().unwrap_or_default();
    let kind = match type_of(argument) {
        "" => String::new(),
        kind => format!(" {kind}"),
    };
    let mut about = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let default = argument.get_default_values().first().and_then(|it| it.to_str());
    match default {
        None | Some("false" | "0" | "0s" | "") => {}
        Some(value) if type_of(argument) == "string" => {
            let _ = write!(about, " (default {value:?})");
        }
        Some(value) => {
            let _ = write!(about, " (default {value})");
        }
    }
    (format!("  {short}--{long}{kind}"), about)
}

/// The word of pflag for the value of a flag; empty for a switch.
fn type_of(argument: &Arg) -> &'static str {
    let takes_value = argument.get_action().takes_values();
    match argument.get_long().unwrap_or_default() {
        _ if !takes_value || is_switch(argument) => "",
        "kloglevel" | "timeout-seconds" => "int",
        "timeout" => "duration",
        "as-group" => "stringArray",
        _ => "string",
    }
}

/// The command by these words, which may be aliases.
pub(super) fn named<'d>(command: &'d Command, path: &[&str]) -> Option<&'d Command> {
    match path.split_first() {
        Some((first, rest)) => named(command.find_subcommand(first)?, rest),
        None => Some(command),
    }
}

/// Whether a command is a group.
pub(super) fn has_children(command: &Command) -> bool {
    command.get_subcommands().next().is_some()
}

/// The commands below a command that are shown, with a line about each, sorted.
pub(super) fn children(command: &Command, is_root: bool) -> Vec<(String, String)> {
    let shown = command.get_subcommands().filter(|it| !it.is_hide_set());
    let mut rows: Vec<_> = shown
        .map(|it| {
            (
                it.get_name().to_owned(),
                it.get_about().map(ToString::to_string).unwrap_or_default(),
            )
        })
        .collect();
    if is_root {
        rows.push(("help".to_owned(), "Help about any command".to_owned()));
    }
    rows.sort_unstable();
    rows
}

/// Whether a flag takes no value as a word of its own.
pub(super) fn is_switch_or_help(argument: &Arg) -> bool {
    is_switch(argument) || !argument.get_action().takes_values()
}

/// The flags of a command: those of every command first, sorted; the program itself has only one list.
pub(super) fn sorted_flags(command: &Command, is_root: bool) -> Vec<&Arg> {
    let known = command.get_arguments().filter(|it| it.get_long().is_some());
    let mut shown: Vec<_> = known.filter(|it| it.is_global_set() || !it.is_hide_set()).collect();
    shown.sort_by_key(|it| {
        (
            !(is_root || it.is_global_set() && it.get_long() != Some("help")),
            it.get_long(),
        )
    });
    shown
}
