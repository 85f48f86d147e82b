//! The pictures of `get rollout` and `get experiment`: a head and a tree (contract 10 §4, §8, §9), pure text from pure facts.
//!
//! [`columns`] lays out the rows.

use crate::duration;
use crate::show::columns;
use crate::show::info::{
    AnalysisRunInfo, ExperimentInfo, Identity, ImageInfo, JobInfo, PodInfo, ReplicaSetInfo, Role, RolloutInfo,
    StrategyInfo, icon,
};
use jiff::Timestamp;
use std::fmt::Write as _;

/// Whether ANSI colours are written ([`crate::show::console::Console::colors`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colors {
    /// Written.
    On,
    /// Not written.
    Off,
}

impl Colors {
    /// Wraps `text` in the colour of a well-known `word`; unknown words get the neutral colour, since the columns of
    /// upstream depend on every cell being wrapped.
    fn paint(self, text: &str, word: &str) -> String {
        match self {
            Self::Off => text.to_owned(),
            Self::On => format!("\x1b[{}m{text}\x1b[0m", code(word)),
        }
    }

    fn word(self, word: &str) -> String {
        self.paint(word, word)
    }
}

/// ANSI colour of a word or an icon.
fn code(word: &str) -> u8 {
    const NEUTRAL: u8 = 0;
    const RED: u8 = 31;
    const GREEN: u8 = 32;
    const YELLOW: u8 = 33;
    const BRIGHT_BLUE: u8 = 94;
    match word {
        icon::WAITING | icon::UNKNOWN | "canary" => YELLOW,
        icon::PROGRESSING | "preview" | "ping" | "pong" | "Pending" | "Running" => BRIGHT_BLUE,
        icon::WARNING | icon::BAD => RED,
        icon::OK | "stable" | "active" => GREEN,
        _ => NEUTRAL,
    }
}

/// How many columns a tree has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// Those of upstream.
    Usual,
    /// Also NODE, and DETAIL: the images of a ReplicaSet, the message of anything else.
    Wide,
}

/// Head and tree of a rollout, each line ended.
#[must_use]
pub(crate) fn draw(rollout: &RolloutInfo, width: Width, colors: Colors, now: Timestamp) -> String {
    let mut text = head(rollout, colors);
    text.push('\n');
    let mut table = Table::new(width, colors, now);
    table.rollout(rollout);
    text.push_str(&columns::align(&table.rows));
    text
}

/// Head and tree of an experiment, each line ended.
#[must_use]
pub(crate) fn draw_experiment(experiment: &ExperimentInfo, width: Width, colors: Colors, now: Timestamp) -> String {
    let mut text = head_of_experiment(experiment, colors);
    text.push('\n');
    let mut table = Table::new(width, colors, now);
    table.experiment(experiment, &Branch::default());
    text.push_str(&columns::align(&table.rows));
    text
}

fn head(rollout: &RolloutInfo, colors: Colors) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| labelled(&mut text, label, value);
    line("Name:", &rollout.identity.name);
    line("Namespace:", &rollout.namespace);
    line("Status:", &format!("{} {}", colors.word(rollout.icon), rollout.status));
    if !rollout.message.is_empty() {
        line("Message:", &rollout.message);
    }
    if !rollout.refused.is_empty() {
        line("Refused:", &rollout.refused);
    }
    match &rollout.strategy {
        StrategyInfo::Canary {
            step,
            set_weight,
            actual_weight,
        } => {
            line("Strategy:", "Canary");
            line("  Step:", step);
            line("  SetWeight:", &set_weight.to_string());
            line("  ActualWeight:", &actual_weight.to_string());
        }
        StrategyInfo::BlueGreen => line("Strategy:", "BlueGreen"),
        StrategyInfo::Missing => line("Strategy:", ""),
    }
    images(&mut text, &rollout.images(), colors);
    text.push_str("Replicas:\n");
    let counts = [
        ("  Desired:", rollout.desired),
        ("  Current:", rollout.current),
        ("  Updated:", rollout.updated),
        ("  Ready:", rollout.ready),
        ("  Available:", rollout.available),
    ];
    for (label, count) in counts {
        labelled(&mut text, label, &count.to_string());
    }
    text
}

fn head_of_experiment(experiment: &ExperimentInfo, colors: Colors) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| labelled(&mut text, label, value);
    line("Name:", &experiment.identity.name);
    line("Namespace:", &experiment.namespace);
    line(
        "Status:",
        &format!("{} {}", colors.word(experiment.icon), experiment.status),
    );
    if !experiment.message.is_empty() {
        line("Message:", &experiment.message);
    }
    images(&mut text, &experiment.images(), colors);
    text
}

/// A line of a head.
fn labelled(text: &mut String, label: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{label:<17}{value}");
}

fn images(text: &mut String, images: &[ImageInfo], colors: Colors) {
    for (index, image) in images.iter().enumerate() {
        let label = if index == 0 { "Images:" } else { "" };
        labelled(text, label, &image_with_tags(image, colors));
    }
}

fn image_with_tags(image: &ImageInfo, colors: Colors) -> String {
    if image.tags.is_empty() {
        return image.image.clone();
    }
    let tags: Vec<_> = image.tags.iter().map(|tag| colors.word(tag)).collect();
    format!("{} ({})", image.image, tags.join(", "))
}

/// What stands before a row and before its children.
#[derive(Clone, Default)]
struct Branch {
    row: String,
    children: String,
}

impl Branch {
    /// The branches of `count` children.
    fn fork(&self, count: usize) -> impl Iterator<Item = Self> + use<'_> {
        (0..count).map(move |index| {
            let (row, children) = if index + 1 == count {
                ("└──", "   ")
            } else {
                ("├──", "│  ")
            };
            Self {
                row: format!("{}{row}", self.children),
                children: format!("{}{children}", self.children),
            }
        })
    }
}

/// Rows of NAME, KIND, STATUS, AGE and INFO.
struct Table {
    width: Width,
    colors: Colors,
    now: Timestamp,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(width: Width, colors: Colors, now: Timestamp) -> Self {
        let header = ["NAME", "KIND", "STATUS", "AGE", "INFO"].map(str::to_owned).to_vec();
        let mut table = Self {
            width,
            colors,
            now,
            rows: vec![header],
        };
        table.more("NODE", "DETAIL");
        table
    }

    /// The further cells of the last row, where they are shown.
    fn more(&mut self, node: &str, detail: &str) {
        if let (Width::Wide, Some(row)) = (self.width, self.rows.last_mut()) {
            // A message may have several lines; a row has one.
            row.extend([node.to_owned(), detail.replace('\n', " ")]);
        }
    }

    fn rollout(&mut self, rollout: &RolloutInfo) {
        let root = Branch::default();
        let name = format!("⟳ {}", rollout.identity.name);
        self.row(
            &root,
            &name,
            "Rollout",
            (rollout.icon, &rollout.status),
            &rollout.identity,
            String::new(),
        );
        let revisions = rollout.revisions();
        for (revision, branch) in revisions.iter().zip(root.fork(revisions.len())) {
            self.revision(rollout, *revision, &branch);
        }
    }

    fn revision(&mut self, rollout: &RolloutInfo, revision: i64, branch: &Branch) {
        let name = format!("{}# revision:{revision}", branch.row);
        let blank = String::new;
        self.rows.push(vec![name, blank(), " ".to_owned(), blank(), blank()]);
        let sets: Vec<_> = rollout
            .replica_sets
            .iter()
            .filter(|set| set.revision == revision)
            .collect();
        let experiments: Vec<_> = rollout
            .experiments
            .iter()
            .filter(|it| it.revision == revision)
            .collect();
        let runs: Vec<_> = rollout
            .analysis_runs
            .iter()
            .filter(|run| run.revision == revision)
            .collect();
        let mut branches = branch.fork(sets.len() + experiments.len() + runs.len());
        for (set, branch) in sets.into_iter().zip(&mut branches) {
            self.replica_set(set, &branch);
        }
        for (experiment, branch) in experiments.into_iter().zip(&mut branches) {
            self.experiment(experiment, &branch);
        }
        for (run, branch) in runs.into_iter().zip(&mut branches) {
            self.analysis_run(run, &branch);
        }
    }

    fn experiment(&mut self, experiment: &ExperimentInfo, branch: &Branch) {
        let name = self.colors.paint(&experiment.identity.name, &experiment.status);
        let status = (experiment.icon, experiment.status.as_str());
        self.row(
            branch,
            &format!("Σ {name}"),
            "Experiment",
            status,
            &experiment.identity,
            String::new(),
        );
        self.more("", &experiment.message);
        let mut branches = branch.fork(experiment.replica_sets.len() + experiment.analysis_runs.len());
        for (set, branch) in experiment.replica_sets.iter().zip(&mut branches) {
            self.replica_set(set, &branch);
        }
        for (run, branch) in experiment.analysis_runs.iter().zip(&mut branches) {
            self.analysis_run(run, &branch);
        }
    }

    fn replica_set(&mut self, set: &ReplicaSetInfo, branch: &Branch) {
        let colors = self.colors;
        // Colours nest: a stable and active name is wrapped twice.
        let name = set
            .roles
            .iter()
            .fold(set.identity.name.clone(), |name, role| colors.paint(&name, role.tag()));
        let mut info: Vec<_> = set.roles.iter().map(|role: &Role| colors.word(role.tag())).collect();
        if !set.scale_down_deadline.is_empty() {
            info.push(format!("delay:{}", set.remaining_delay(self.now)));
        }
        let status = (set.icon, set.status.as_str());
        self.row(
            branch,
            &format!("⧉ {name}"),
            "ReplicaSet",
            status,
            &set.identity,
            info.join(","),
        );
        self.more("", &set.images.join(","));
        for (pod, branch) in set.pods.iter().zip(branch.fork(set.pods.len())) {
            self.pod(pod, &branch);
        }
    }

    fn pod(&mut self, pod: &PodInfo, branch: &Branch) {
        let mut info = format!("ready:{}/{}", pod.ready, pod.containers);
        if pod.restarts > 0 {
            let _ = write!(info, ",restarts:{}", pod.restarts);
        }
        self.row(
            branch,
            &format!("□ {}", pod.identity.name),
            "Pod",
            (pod.icon, &pod.status),
            &pod.identity,
            info,
        );
        self.more(&pod.node, &pod.message);
    }

    fn analysis_run(&mut self, run: &AnalysisRunInfo, branch: &Branch) {
        let counts = [
            (icon::OK, run.successful),
            (icon::BAD, run.failed),
            (icon::UNKNOWN, run.inconclusive),
            (icon::WARNING, run.error),
        ];
        let counted = counts.into_iter().filter(|(_, count)| *count > 0);
        let counts = counted.map(|(icon, count)| format!("{} {count}", self.colors.word(icon)));
        let samples: Vec<&str> = run.samples.iter().map(|of| of.samples.as_str()).collect();
        let samples = (!samples.is_empty()).then(|| format!("{} samples", samples.join("/")));
        let info: Vec<_> = counts.chain(samples).collect();
        let name = self.colors.paint(&run.identity.name, &run.status);
        let status = (run.icon, run.status.as_str());
        self.row(
            branch,
            &format!("α {name}"),
            "AnalysisRun",
            status,
            &run.identity,
            info.join(","),
        );
        self.more("", &run.message);
        for (job, branch) in run.jobs.iter().zip(branch.fork(run.jobs.len())) {
            self.job(job, &branch);
        }
    }

    fn job(&mut self, job: &JobInfo, branch: &Branch) {
        let name = self.colors.paint(&job.identity.name, &job.status);
        let status = (job.icon, job.status.as_str());
        self.row(
            branch,
            &format!("⊞ {name}"),
            "Job",
            status,
            &job.identity,
            String::new(),
        );
        self.more("", &job.message);
    }

    fn row(
        &mut self,
        branch: &Branch,
        name: &str,
        kind: &str,
        (icon, status): (&str, &str),
        identity: &Identity,
        info: String,
    ) {
        let status = format!("{} {status}", self.colors.word(icon));
        let age = duration::age(identity.created, self.now);
        let name = format!("{}{name}", branch.row);
        self.rows.push(vec![name, kind.to_owned(), status, age, info]);
    }
}

#[cfg(test)]
mod tests;
