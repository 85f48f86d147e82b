//! Stories: Markdown in which an engineer reads what happens and what must then be true, played in the simulated world.
//!
//! The language is described in `stories/README.md`; `file` reads it, `acts` and `checks` give its lines their meaning.

#![allow(unreachable_pub, reason = "a module of a test binary")]

mod acts;
mod aws;
mod checks;
mod events;
mod experiments;
mod fields;
mod file;
mod plugins;
mod pods;
mod routes;
mod runs;
mod services;
mod stage;
mod workloads;

pub use file::{Story, read};
use stage::Stage;
use std::fmt;

/// What came of some stories.
#[derive(Default)]
pub struct Outcome {
    /// Stories played.
    pub stories: usize,
    /// Expectations looked at.
    pub checks: usize,
    /// What was otherwise.
    pub failures: Vec<Failure>,
}

/// A line that does not hold.
pub struct Failure {
    /// File and line, as editors understand it.
    pub place: String,
    /// The line.
    pub text: String,
    /// What is wrong with it.
    pub why: Why,
}

/// Why a line does not hold.
#[derive(Debug, PartialEq, Eq)]
pub enum Why {
    /// Nothing of this form is known, or it makes no sense here.
    NotUnderstood(String),
    /// It is otherwise.
    Otherwise {
        /// What the story says.
        expected: String,
        /// What is.
        actual: String,
    },
    /// A rule that holds in every world is broken.
    Broken(String),
}

impl Why {
    fn not_understood(why: impl Into<String>) -> Self {
        Self::NotUnderstood(why.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.place, self.text)?;
        match &self.why {
            Why::NotUnderstood(why) => writeln!(f, "  not understood: {why}"),
            Why::Otherwise { expected, actual } => writeln!(f, "  expected: {expected}\n    actual: {actual}"),
            Why::Broken(rules) => writeln!(f, "  broken: {rules}"),
        }
    }
}

/// Plays a story to its end; an act that cannot be carried out ends it.
pub fn play(story: &Story) -> Outcome {
    let mut outcome = Outcome {
        stories: 1,
        ..Outcome::default()
    };
    let fail = |line: &file::Line, why: Why| Failure {
        place: format!("{}:{}", story.file, line.number),
        text: line.text.clone(),
        why,
    };
    let mut stage = Stage::new(story.manifest.clone());
    for line in &story.lines {
        let result = if line.is_act() {
            acts::act(&mut stage, &line.text)
        } else {
            outcome.checks += 1;
            checks::check(&mut stage, line)
        };
        if let Err(why) = result {
            let ends = line.is_act() || matches!(why, Why::NotUnderstood(_));
            outcome.failures.push(fail(line, why));
            if ends {
                return outcome;
            }
        }
    }
    if let Some(last) = story.lines.last().filter(|_| !stage.world.broken.is_empty()) {
        let rules = format!("{}\n{}", stage.world.broken.join("; "), stage.world.trace.join("\n"));
        outcome.failures.push(fail(last, Why::Broken(rules)));
    }
    outcome
}

impl Outcome {
    /// Adds another outcome.
    pub fn add(&mut self, other: Self) {
        self.stories += other.stories;
        self.checks += other.checks;
        self.failures.extend(other.failures);
    }
}
