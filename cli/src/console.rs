//! Where results and errors go.

use crate::failure::Failure;
use crate::tree::Colors;
use std::io::{self, Write};

/// The two streams of a command and how they are used.
pub struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    terminal: Terminal,
}

/// What stands at the other end of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// A person at a screen that can be redrawn.
    Screen,
    /// A pipe, a file, or a log of CI.
    Lines,
}

impl Console {
    /// Standard output and standard error of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let screen = io::IsTerminal::is_terminal(&io::stdout()) && std::env::var_os("CI").is_none();
        let terminal = if screen { Terminal::Screen } else { Terminal::Lines };
        Self::new(Box::new(io::stdout()), Box::new(io::stderr()), terminal)
    }

    /// Streams of the caller's choice.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, terminal: Terminal) -> Self {
        Self { out, err, terminal }
    }

    /// Whether standard output may be redrawn.
    #[must_use]
    pub fn terminal(&self) -> Terminal {
        self.terminal
    }

    /// Whether colours are written: not with `--no-color`, not on a dumb terminal.
    #[must_use]
    pub fn colors(no_color: bool) -> Colors {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if no_color || dumb { Colors::Off } else { Colors::On }
    }

    /// Writes text as it is.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush())
            .map_err(|error| Failure::output(&error))
    }

    /// Writes one line.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.print(&format!("{text}\n"))
    }

    /// Writes one line to standard error, which is the last resort: if it is gone nobody can be told.
    pub fn complain(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| Failure::output(&error))
    }
}
