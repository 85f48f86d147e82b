//! What came of the cases.

use std::fmt;
use std::path::PathBuf;

/// All cases and what is wrong around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Cases in the order of their files.
    pub cases: Vec<Case>,
    /// Files that are not as they must be, so that cases are missing.
    pub problems: Vec<Problem>,
    /// Files of tests that Argo CD itself never runs, because of their names.
    pub never_run: Vec<PathBuf>,
    /// Kinds (`group/Kind`) that were left out because no script was given for them.
    pub left_out: Vec<String>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// API group of the kind, empty for the core one.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// What was tested.
    pub what: What,
    /// The case's input, as its file names it.
    pub input: String,
    /// The file that describes the case.
    pub file: PathBuf,
    /// Its line there, from 1.
    pub line: usize,
    /// What came of it.
    pub outcome: Outcome,
}

/// What a case tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// `health.lua`.
    Health,
    /// `discovery.lua`.
    Discovery,
    /// The `action.lua` of an action.
    Action(String),
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer is the expected one.
    Passed,
    /// It is the expected one for Argo CD's own tests, which do not see what comes on top.
    PassedWithMore {
        /// What the result has and the expected output has not.
        more: String,
    },
    /// It is not.
    Failed {
        /// What was expected and what came instead.
        why: String,
    },
    /// The script is fine for Argo CD but this host cannot run it.
    CannotRun {
        /// What the host lacks.
        why: String,
    },
}

/// A file that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1, where one is to blame.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

impl Report {
    /// Whether no case failed and no file was wrong. Cases that cannot run here do not count.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
            && !self
                .cases
                .iter()
                .any(|case| matches!(case.outcome, Outcome::Failed { .. }))
    }

    /// How many cases of a sort passed, failed and cannot run.
    #[must_use]
    pub fn counts(&self, of: impl Fn(&What) -> bool) -> (usize, usize, usize) {
        let mut counts = (0, 0, 0);
        for case in self.cases.iter().filter(|case| of(&case.what)) {
            match case.outcome {
                Outcome::Passed | Outcome::PassedWithMore { .. } => counts.0 += 1,
                Outcome::Failed { .. } => counts.1 += 1,
                Outcome::CannotRun { .. } => counts.2 += 1,
            }
        }
        counts
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.group.is_empty() { "" } else { "/" };
        let Self {
            group,
            kind,
            what,
            input,
            ..
        } = self;
        write!(f, "{group}{slash}{kind} {what} {input}")
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Health => f.write_str("health"),
            Self::Discovery => f.write_str("discovery"),
            Self::Action(name) => write!(f, "action {name}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Lines of what is wrong, then the counts.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in &self.cases {
            let (word, why) = match &case.outcome {
                Outcome::Passed => continue,
                Outcome::PassedWithMore { more } => ("passed, with more than expected", more),
                Outcome::Failed { why } => ("FAILED", why),
                Outcome::CannotRun { why } => ("cannot run here", why),
            };
            writeln!(f, "{word}: {case}")?;
            writeln!(f, "  {}:{}", case.file.display(), case.line)?;
            writeln!(f, "  {why}")?;
        }
        for problem in &self.problems {
            writeln!(f, "FAULT: {problem}")?;
        }
        for file in &self.never_run {
            writeln!(
                f,
                "note: {}: Argo CD never runs this file; the one it runs is called action_test.yaml",
                file.display()
            )?;
        }
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        for (name, of) in [
            ("health", (|what| matches!(what, What::Health)) as fn(&What) -> bool),
            ("discovery", |what| matches!(what, What::Discovery)),
            ("action", |what| matches!(what, What::Action(_))),
        ] {
            let (passed, failed, cannot) = self.counts(of);
            let all = passed + failed + cannot;
            writeln!(
                f,
                "{name}: {all} case{}, {passed} passed, {failed} failed, {cannot} cannot run here",
                plural(all)
            )?;
        }
        if !self.left_out.is_empty() {
            writeln!(f, "left out, for want of scripts: {}", self.left_out.join(", "))?;
        }
        let faults = self.problems.len();
        writeln!(f, "{faults} faulty file{}", plural(faults))
    }
}
