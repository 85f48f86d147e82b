//! Help and usage of the plugin, which are those of Argo Rollouts (decision 49): texts from `upstream.txt`, in the form of Go's
//! cobra.

use crate::show::program::Program;
use std::fmt::Write as _;

/// What a command says of itself.
#[derive(Debug, Default)]
struct Entry {
    /// The words below the program.
    path: Vec<&'static str>,
    /// What comes after them.
    usage: &'static str,
    aliases: &'static str,
    /// One line about it.
    short: &'static str,
    long: String,
    examples: String,
    /// Its own flags; of the first entry, those of every command.
    flags: Vec<Flag>,
}

/// One flag, sorted by its name.
#[derive(Debug)]
pub(super) struct Flag {
    /// `-n, --namespace string`, with blanks where there is no short form.
    form: &'static str,
    /// What it does.
    pub(super) about: String,
}

impl Flag {
    /// The long name.
    pub(super) fn long(&self) -> &'static str {
        let name = self.form.split("--").nth(1).unwrap_or_default();
        name.split(' ').next().unwrap_or_default()
    }
}

/// Names of commands are padded to at least so many characters.
const NAME: usize = 11;
/// The longest name of a command of Argo Rollouts, which Serin does not have.
const LONGEST: &str = "notifications";

/// All entries, the program's own first.
fn entries() -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in include_str!("upstream.txt").lines() {
        let (label, rest) = line.split_once(' ').unwrap_or((line, ""));
        if label == "==" {
            entries.push(Entry {
                path: rest.split_whitespace().collect(),
                ..Entry::default()
            });
        }
        let Some(entry) = entries.last_mut() else { continue };
        let text = || {
            rest.strip_prefix('|')
                .and_then(|rest| rest.strip_suffix('|'))
                .unwrap_or(rest)
        };
        match label {
            "use" => entry.usage = rest,
            "aliases" => entry.aliases = rest,
            "short" => entry.short = rest,
            "long" => append(&mut entry.long, text()),
            "example" => append(&mut entry.examples, text()),
            "flag" => {
                let (form, about) = rest.split_once('|').unwrap_or((rest, ""));
                let about = about.replace("{cache}", &cache());
                entry.flags.push(Flag { form, about });
            }
            _ => {}
        }
    }
    entries
}

fn append(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// Where kubectl keeps its cache; Serin has none, and only shows it.
fn cache() -> String {
    let home = || {
        std::env::var("HOME")
            .map(|home| format!("{home}/.kube/cache"))
            .unwrap_or_default()
    };
    std::env::var("KUBECACHEDIR").unwrap_or_else(|_| home())
}

/// The entry of a command, by its words below the program.
fn entry(path: &[&str]) -> Option<Entry> {
    entries().into_iter().find(|entry| entry.path == path)
}

/// The commands below a command, with a line about each.
pub(super) fn children(path: &[&str]) -> Vec<(String, String)> {
    let below = |entry: &Entry| entry.path.len() == path.len() + 1 && entry.path.starts_with(path);
    let mut rows: Vec<_> = entries()
        .into_iter()
        .filter(below)
        .filter_map(|entry| Some(((*entry.path.last()?).to_owned(), entry.short.to_owned())))
        .collect();
    if path.is_empty() {
        rows.push(("help".to_owned(), "Help about any command".to_owned()));
    }
    rows.sort_unstable();
    rows
}

/// The help of a command: what it does, and its usage.
pub(super) fn help(path: &[&str]) -> Option<String> {
    let entry = entry(path)?;
    let about = if entry.long.is_empty() {
        entry.short
    } else {
        entry.long.trim_end()
    };
    Some(format!("{about}\n\n{}", usage(path)?))
}

/// The usage of a command.
pub(super) fn usage(path: &[&str]) -> Option<String> {
    let entry = entry(path)?;
    let name = std::iter::once(Program::Plugin.name())
        .chain(path.iter().copied())
        .collect::<Vec<_>>()
        .join(" ");
    let mut text = format!("Usage:\n  {}\n", format!("{name} {}", entry.usage).trim_end());
    let children = children(path);
    if !children.is_empty() {
        let _ = writeln!(text, "  {name} [command]");
    }
    if !entry.aliases.is_empty() {
        let own = path.last().copied().unwrap_or_default();
        let _ = write!(text, "\nAliases:\n  {own}, {}\n", entry.aliases);
    }
    if !entry.examples.is_empty() {
        let _ = write!(text, "\nExamples:\n{}", entry.examples);
    }
    if !children.is_empty() {
        text.push_str("\nAvailable Commands:\n");
        let longest = children.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let width = longest.max(if path.is_empty() { LONGEST.len() } else { NAME });
        for (name, about) in &children {
            let _ = writeln!(text, "  {name:<width$} {about}");
        }
    }
    flags(&mut text, "Flags", own_flags(entry, path));
    if !path.is_empty() {
        let every = self::entry(&[]).map(|root| root.flags).unwrap_or_default();
        flags(&mut text, "Global Flags", every);
    }
    if !children.is_empty() {
        let _ = write!(
            text,
            "\nUse \"{name} [command] --help\" for more information about a command.\n"
        );
    }
    Some(text)
}

fn own_flags(entry: Entry, path: &[&str]) -> Vec<Flag> {
    let mut own = entry.flags;
    own.push(help_flag(path));
    own.sort_by_key(Flag::long);
    own
}

/// All flags of a command; `None` if Argo Rollouts has no such command.
pub(super) fn flags_of(path: &[&str]) -> Option<Vec<Flag>> {
    let mut all = entry(path)?.flags;
    all.push(help_flag(path));
    if !path.is_empty() {
        all.extend(entry(&[])?.flags);
    }
    Some(all)
}

/// The flag that every command has.
fn help_flag(path: &[&str]) -> Flag {
    Flag {
        form: "-h, --help",
        about: format!("help for {}", path.last().copied().unwrap_or(Program::Plugin.name())),
    }
}

/// Flags in columns.
fn flags(text: &mut String, heading: &str, flags: Vec<Flag>) {
    let _ = write!(text, "\n{heading}:\n");
    let width = flags.iter().map(|flag| flag.form.len()).max().unwrap_or_default();
    for flag in flags {
        let _ = writeln!(text, "  {:<width$}   {}", flag.form, flag.about);
    }
}
