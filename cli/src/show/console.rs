//! Where results and errors go, and how they look there.

use crate::show::failure::Failure;
use crate::show::program::Program;
use crate::show::tree::Colors;
use std::ffi::OsStr;
use std::io::{self, Write};

/// Written before each picture of `--watch`: home, clear the screen, home.
pub(crate) const CLEAR: &str = "\x1b[H\x1b[2J\x1b[0;0H";

/// The two streams of a command and how they are used.
pub struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    terminal: Terminal,
    /// Whether the environment asks for text without colours.
    plain: bool,
    program: Program,
    /// Whether this is the process's own: it then also gets the log.
    of_process: bool,
}

/// What stands at the other end of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// A person at a screen that can be redrawn.
    Screen,
    /// A pipe, a file, or a log of CI.
    Lines,
}

/// Whether the caller wants colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always, also into pipes and files
    Always,
    /// Never
    Never,
}

impl Console {
    /// Standard output and standard error of this process.
    #[must_use]
    pub(crate) fn of_process() -> Self {
        let screen = io::IsTerminal::is_terminal(&io::stdout()) && std::env::var_os("CI").is_none();
        let terminal = if screen { Terminal::Screen } else { Terminal::Lines };
        let environment = |name| std::env::var_os(name);
        Self {
            plain: is_plain(environment("NO_COLOR").as_deref(), environment("TERM").as_deref()),
            of_process: true,
            ..Self::new(Box::new(io::stdout()), Box::new(io::stderr()), terminal)
        }
    }

    /// Streams of the caller's choice.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, terminal: Terminal) -> Self {
        Self {
            out,
            err,
            terminal,
            plain: false,
            program: Program::Serin,
            of_process: false,
        }
    }

    /// Whether standard output may be redrawn.
    #[must_use]
    pub(crate) fn terminal(&self) -> Terminal {
        self.terminal
    }

    /// The name by which the program was called: texts use it.
    #[must_use]
    pub(crate) fn program(&self) -> Program {
        self.program
    }

    pub(crate) fn called_as(&mut self, program: Program) {
        self.program = program;
    }

    pub(crate) fn is_of_process(&self) -> bool {
        self.of_process
    }

    /// Whether colours are written. A flag wins over the environment.
    #[must_use]
    pub(crate) fn colors(&self, choice: ColorChoice) -> Colors {
        let on = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => self.terminal == Terminal::Screen && !self.plain,
        };
        if on { Colors::On } else { Colors::Off }
    }

    /// Writes text as it is.
    ///
    /// # Errors
    /// Standard output is gone.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush())
            .map_err(|error| Failure::output(&error))
    }

    /// Writes one line.
    ///
    /// # Errors
    /// Standard output is gone.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.print(&format!("{text}\n"))
    }

    /// Writes one line to standard error. If standard error is gone, there is nowhere to report it.
    pub(crate) fn complain(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    /// Standard output is gone.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| Failure::output(&error))
    }
}

/// `NO_COLOR` counts if it is not empty (no-color.org); a dumb terminal knows no colours.
fn is_plain(no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    no_color.is_some_and(|it| !it.is_empty()) || term.is_some_and(|it| it == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_and_for_those_who_ask() {
        use ColorChoice::{Always, Auto, Never};
        use Terminal::{Lines, Screen};
        for (choice, terminal, no_color, term, on) in [
            (Auto, Screen, None, Some("xterm"), true),
            (Auto, Screen, Some(""), Some("xterm"), true),
            (Auto, Screen, Some("1"), Some("xterm"), false),
            (Auto, Screen, None, Some("dumb"), false),
            (Auto, Lines, None, Some("xterm"), false),
            (Always, Lines, Some("1"), Some("dumb"), true),
            (Never, Screen, None, Some("xterm"), false),
        ] {
            let console = Console {
                plain: is_plain(no_color.map(OsStr::new), term.map(OsStr::new)),
                ..Console::new(Box::new(io::sink()), Box::new(io::sink()), terminal)
            };
            let expected = if on { Colors::On } else { Colors::Off };
            assert_eq!(
                console.colors(choice),
                expected,
                "{choice:?} {terminal:?} {no_color:?} {term:?}"
            );
        }
    }
}
