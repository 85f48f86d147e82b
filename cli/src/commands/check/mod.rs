//! `check`: what is wrong with overlays and manifests, before they are merged. It reads, and writes nothing.

mod live;
mod root;
mod work;

use crate::cluster::flags::Global;
use crate::show::console::{ColorChoice, Console, Terminal};
use crate::show::failure::Failure;
use crate::show::tree::Colors;
use clap::{Args, ValueEnum};
use serin_explain::check::baseline::Baseline;
use serin_explain::check::format::{Format, Style, print};
use serin_explain::check::report::{Outcome, Problem, Report, VERSION};
use serin_explain::rules;
use std::path::PathBuf;
use work::Work;

/// `check …`.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Overlays, folders of overlays, or manifests
    #[arg(value_name = "PATH", required_unless_present = "explain")]
    pub paths: Vec<PathBuf>,
    /// Also say what the change since this commit does: a branch, a tag, a hash, HEAD~1
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    /// Name of the Application of Argo CD whose .argocd-source-NAME.yaml counts; of an overlay with one such file it counts anyway
    #[arg(long, value_name = "APPLICATION")]
    pub app: Option<String>,
    /// Form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    /// Findings that were there before, as --format json wrote them; they do not count
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Show the page of a rule
    #[arg(long, value_name = "RULE")]
    pub explain: Option<String>,
    /// The kustomize to build with, else the one on PATH; if it is repeated, what the others build differently is a finding
    #[arg(long, value_name = "PROGRAM", value_delimiter = ',')]
    pub kustomize: Vec<PathBuf>,
    /// When to use colours
    #[arg(long, value_enum, default_value = "auto")]
    pub color: ColorChoice,
}

/// The forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people
    Text,
    /// For programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit's XML, for test reports
    Junit,
    /// Annotations of GitHub Actions
    Github,
    /// Code Quality of GitLab
    Gitlab,
    /// A comment for a pull request
    Markdown,
}

impl From<Form> for Format {
    fn from(form: Form) -> Self {
        match form {
            Form::Text => Self::Text,
            Form::Json => Self::Json,
            Form::Sarif => Self::Sarif,
            Form::Junit => Self::Junit,
            Form::Github => Self::Github,
            Form::Gitlab => Self::Gitlab,
            Form::Markdown => Self::Markdown,
        }
    }
}

/// The exit code where findings count.
const FINDINGS: u8 = 1;
/// The exit code where something could not be checked.
const NOT_CHECKED: u8 = 2;

/// Checks and prints. Exit code 0 if clean, 1 with findings, 2 if something could not be checked.
pub(super) async fn run(flags: &Global, arguments: &Check, console: &mut Console) -> Result<(), Failure> {
    if let Some(id) = &arguments.explain {
        return explain(id, console);
    }
    let mut report = report(arguments, console);
    if live::is_asked(flags) {
        live::settle(flags, &mut report)
            .await
            .map_err(|failure| failure.with_code(NOT_CHECKED))?;
    }
    let style = Style {
        colors: console.colors(arguments.color) == Colors::On,
    };
    console.print(&print(&report, arguments.format.into(), style))?;
    match report.outcome() {
        Outcome::Clean => Ok(()),
        Outcome::Findings => Err(Failure::Exit(FINDINGS)),
        Outcome::NotChecked => Err(Failure::Exit(NOT_CHECKED)),
    }
}

fn explain(id: &str, console: &mut Console) -> Result<(), Failure> {
    match rules::rule(id) {
        Some(rule) => console.print(rule.page),
        None => {
            let known: Vec<&str> = rules::RULES.iter().map(|rule| rule.id).collect();
            console.complain(&format!(
                "Error: there is no rule {id:?}; the rules are {}",
                known.join(", ")
            ));
            Err(Failure::Exit(NOT_CHECKED))
        }
    }
}

/// The whole check. What goes wrong is part of the report.
fn report(arguments: &Check, console: &mut Console) -> Report {
    let mut report = Report {
        version: VERSION,
        ..Report::default()
    };
    let baseline = match arguments.baseline.as_ref().map(read_baseline).transpose() {
        Ok(baseline) => baseline,
        Err(problem) => {
            report.errors.push(problem);
            return report;
        }
    };
    // A bar is for a person who waits, and not part of what is printed.
    let bar = console.terminal() == Terminal::Screen && arguments.format == Form::Text;
    for path in &arguments.paths {
        match Work::prepare(path, arguments) {
            Ok(work) => work.carry_out(&mut report, &mut |done, all| progress(console, bar, done, all)),
            Err(problems) => report.errors.extend(problems),
        }
    }
    report.tidy();
    report.about.base.clone_from(&arguments.base);
    if let Some(baseline) = baseline {
        baseline.mark(&mut report.findings);
    }
    report
}

fn read_baseline(file: &PathBuf) -> Result<Baseline, Problem> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| Problem {
        file: name.clone(),
        line: None,
        message: format!("the baseline cannot be read: {error}"),
        action: "write one with `serin check --format json PATH > FILE`".to_owned(),
    })?;
    Baseline::read(&name, &text)
}

/// One line that is drawn again and again, and goes at the end.
fn progress(console: &mut Console, bar: bool, done: usize, all: usize) {
    const WIDTH: usize = 30;
    if !bar || all < 2 {
        return;
    }
    let full = done * WIDTH / all.max(1);
    let text = if done == all {
        "\r\x1b[K".to_owned()
    } else {
        format!("\r[{}{}] {done}/{all}", "#".repeat(full), ".".repeat(WIDTH - full))
    };
    let _ = console.print(&text);
}
