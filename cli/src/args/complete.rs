//! `__complete` and `__completeNoDesc`: what a shell may put in place of the last word. The protocol is that of Go's cobra, which
//! kubectl speaks with its plugins: a candidate a line, with a tab before its description; a colon and a number, which says
//! what the shell should do.

use super::{help, upstream};
use crate::cluster::flags::Global;
use crate::commands::completion::SHELLS;
use crate::show::program::Program;
use clap::{Arg, Args as _, Command, FromArgMatches as _};
use std::collections::BTreeSet;
use std::ffi::OsString;

/// The answer to a shell.
#[derive(Debug)]
pub(crate) struct Completion {
    /// Candidates with their descriptions, in order.
    pub(crate) candidates: Vec<(String, String)>,
    /// What the shell should do.
    pub(crate) directive: Directive,
    /// Names in the cluster that come after the candidates.
    pub(crate) names: Option<Names>,
    /// Whether descriptions are wanted.
    pub(crate) described: bool,
    /// What is wrong with the words so far.
    pub(crate) problem: Option<String>,
    /// The flags about the cluster.
    pub(crate) global: Box<Global>,
}

/// What the shell should do with the candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Directive {
    /// Offer files if there are no candidates.
    Default = 0,
    /// Offer nothing: something went wrong.
    Error = 1,
    /// Offer no files.
    NoFiles = 4,
}

/// Names of objects in the cluster that begin with a prefix.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// Of which kind.
    pub(crate) of: Named,
    /// How they begin.
    pub(crate) prefix: String,
}

/// The kinds whose names are completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// Rollouts.
    Rollouts,
    /// Experiments.
    Experiments,
    /// AnalysisRuns.
    AnalysisRuns,
}

/// The names that a command takes first.
fn named(path: &[&str]) -> Option<Named> {
    Some(match path {
        ["get" | "retry", "rollout"] | ["set", "image"] => Named::Rollouts,
        ["status" | "promote" | "restart" | "abort" | "pause" | "undo"] => Named::Rollouts,
        ["get" | "retry" | "terminate", "experiment"] => Named::Experiments,
        ["terminate", "analysisrun"] => Named::AnalysisRuns,
        _ => return None,
    })
}

/// Completes the last of the words, which come after `__complete`.
pub(super) fn complete(definition: &Command, words: &[OsString], described: bool, program: Program) -> Completion {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let (last, before) = words
        .split_last()
        .map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let line = Line::read(definition, before);
    let mut completion = Completion {
        candidates: Vec::new(),
        directive: Directive::Default,
        names: None,
        described,
        problem: line.problem(before),
        global: Box::new(line.global()),
    };
    if completion.problem.is_none() {
        line.complete(last, program, &mut completion);
    }
    completion
}

/// The words before the last one, as cobra reads them.
struct Line<'d> {
    root: &'d Command,
    command: &'d Command,
    path: Vec<&'d str>,
    /// The words that led there; a command may have been called by an alias.
    typed: Vec<String>,
    /// Words that are neither commands nor flags.
    others: Vec<String>,
    /// Long names of the flags that are there.
    flags: BTreeSet<&'d str>,
    /// Flags about the cluster, each as one word.
    global: Vec<String>,
    /// The last word is a flag whose value comes next.
    open: Option<&'d Arg>,
    /// After `--` no word is a flag.
    ended: bool,
    /// The first flag that there is not.
    unknown: Option<String>,
}

impl<'d> Line<'d> {
    fn read(definition: &'d Command, words: &[String]) -> Self {
        let mut line = Self {
            root: definition,
            command: definition,
            path: Vec::new(),
            typed: Vec::new(),
            others: Vec::new(),
            flags: BTreeSet::new(),
            global: Vec::new(),
            open: None,
            ended: false,
            unknown: None,
        };
        for word in words {
            line.take(word);
        }
        line
    }

    fn take(&mut self, word: &str) {
        if let Some(flag) = self.open.take() {
            self.set(flag, Some(word));
        } else if !self.ended && word == "--" {
            self.ended = true;
        } else if !self.ended && word.starts_with("--") {
            let (name, value) = word[2..]
                .split_once('=')
                .map_or((&word[2..], None), |(name, value)| (name, Some(value)));
            let flag = self.find(|flag| flag.get_long() == Some(name));
            self.flag(flag, value, &format!("unknown flag: --{name}"));
        } else if !self.ended && word.starts_with('-') && word.len() > 1 {
            self.short(word);
        } else if self.others.is_empty()
            && let Some(next) = self.command.find_subcommand(word)
        {
            self.path.push(next.get_name());
            self.typed.push(word.to_owned());
            self.command = next;
        } else {
            self.others.push(word.to_owned());
        }
    }

    /// `-v`, `-wv`, `-n=x`, `-nx`.
    fn short(&mut self, word: &str) {
        let letters = &word[1..];
        for (at, letter) in letters.char_indices() {
            let rest = &letters[at + letter.len_utf8()..];
            let flag = self.find(|flag| flag.get_short() == Some(letter));
            let takes_value = flag.is_some_and(|flag| !help::is_switch_or_help(flag));
            let value = rest
                .strip_prefix('=')
                .or_else(|| Some(rest).filter(|rest| takes_value && !rest.is_empty()));
            self.flag(flag, value, &format!("unknown shorthand flag: {letter:?} in {word}"));
            if value.is_some() || flag.is_none() {
                return;
            }
        }
    }

    fn find(&self, is_asked: impl Fn(&&'d Arg) -> bool) -> Option<&'d Arg> {
        self.command.get_arguments().find(is_asked)
    }

    fn flag(&mut self, flag: Option<&'d Arg>, value: Option<&str>, unknown: &str) {
        match (flag, value) {
            (None, _) => {
                self.unknown.get_or_insert_with(|| unknown.to_owned());
            }
            (Some(flag), None) if !help::is_switch_or_help(flag) => self.open = Some(flag),
            (Some(flag), value) => self.set(flag, value),
        }
    }

    fn set(&mut self, flag: &'d Arg, value: Option<&str>) {
        let long = flag.get_long().unwrap_or_default();
        self.flags.insert(long);
        if flag.is_global_set() && long != "help" {
            let value = value.map(|value| format!("={value}")).unwrap_or_default();
            self.global.push(format!("--{long}{value}"));
        }
    }

    fn problem(&self, words: &[String]) -> Option<String> {
        if self.path.is_empty() && !self.others.is_empty() && !self.is_help() {
            return Some(format!("unable to find a command for arguments: [{}]", words.join(" ")));
        }
        let unknown = self.unknown.as_ref()?;
        let of_command: Vec<_> = words
            .iter()
            .filter(|word| !self.typed.contains(word))
            .cloned()
            .collect();
        Some(format!(
            "Error while parsing flags from args [{}]: {unknown}",
            of_command.join(" ")
        ))
    }

    /// Flags that cannot be read are the command's to refuse.
    fn global(&self) -> Global {
        let command = Global::augment_args(Command::new("flags").no_binary_name(true).args_override_self(true));
        let matches = command.try_get_matches_from(&self.global);
        matches
            .and_then(|matches| Global::from_arg_matches(&matches))
            .unwrap_or_default()
    }

    /// `help` is not a command of the definition.
    fn is_help(&self) -> bool {
        self.path.is_empty() && self.others.first().is_some_and(|word| word == "help")
    }

    fn complete(&self, last: &str, program: Program, to: &mut Completion) {
        let is_value = last.starts_with('-') && last.contains('=') && !self.ended;
        if self.flags.contains("help") {
            to.directive = Directive::NoFiles;
        } else if self.open.is_some() || is_value {
            // No value is known; it may be a file.
        } else if last.starts_with('-') && !self.ended {
            to.directive = Directive::NoFiles;
            self.flag_names(last, program, to);
        } else {
            self.nouns(last, program, to);
        }
    }

    fn flag_names(&self, last: &str, program: Program, to: &mut Completion) {
        let is_root = self.path.is_empty();
        // Under the plugin's name the flags of Argo Rollouts, as in its help.
        let upstream = (program == Program::Plugin)
            .then(|| upstream::flags_of(&self.path))
            .flatten();
        for flag in help::sorted_flags(self.command, is_root) {
            let long = flag.get_long().unwrap_or_default();
            // Flags that can be repeated are offered again.
            let repeats = matches!(flag.get_action(), clap::ArgAction::Append);
            if self.flags.contains(long) && !repeats {
                continue;
            }
            let about = match &upstream {
                Some(flags) => match flags.iter().find(|known| known.long() == long) {
                    Some(known) => known.about.split(" (default ").next().unwrap_or_default().to_owned(),
                    None => continue,
                },
                None => flag.get_help().map(ToString::to_string).unwrap_or_default(),
            };
            let short = flag.get_short().map(|letter| format!("-{letter}"));
            for word in std::iter::once(format!("--{long}")).chain(short) {
                if word.starts_with(last) {
                    to.candidates.push((word, about.clone()));
                }
            }
        }
    }

    fn nouns(&self, last: &str, program: Program, to: &mut Completion) {
        if self.is_help() {
            to.directive = Directive::NoFiles;
            let path: Vec<_> = self.others[1..].iter().map(String::as_str).collect();
            let known = help::known(self.root, &path);
            let known: Vec<_> = known.iter().map(String::as_str).collect();
            if let Some(command) = help::named(self.root, &path) {
                to.candidates = children(command, &known, last, program);
            }
            return;
        }
        let has_own_flag = self.command.get_arguments().any(|flag| {
            let long = flag.get_long().unwrap_or_default();
            !flag.is_global_set() && self.flags.contains(long)
        });
        if self.others.is_empty() && !has_own_flag && help::has_children(self.command) {
            to.directive = Directive::NoFiles;
            to.candidates = children(self.command, &self.path, last, program);
        }
        if self.path == ["completion"] {
            if self.others.is_empty() {
                to.directive = Directive::NoFiles;
                let known = SHELLS.into_iter().filter(|shell| shell.starts_with(last));
                to.candidates = known.map(|shell| (shell.to_owned(), String::new())).collect();
            }
        } else if let Some(of) = named(&self.path) {
            to.directive = Directive::NoFiles;
            to.names = self.others.is_empty().then(|| Names {
                of,
                prefix: last.to_owned(),
            });
        }
    }
}

/// The commands below a command that begin with a prefix.
fn children(command: &Command, path: &[&str], prefix: &str, program: Program) -> Vec<(String, String)> {
    let mut rows = match program {
        Program::Plugin => upstream::children(path),
        Program::Serin => help::children(command, path.is_empty()),
    };
    rows.retain(|(name, _)| name.starts_with(prefix));
    rows
}
