//! `list rollouts`

use super::{Column, NAMESPACE, nothing, padded, place, titles};
use crate::cluster::connect::Connection;
use crate::cluster::fleet::{self, Where};
use crate::cluster::scene::Change;
use crate::commands::line::Line;
use crate::show::columns;
use crate::show::console::Console;
use crate::show::failure::Failure;
use crate::show::info::{Around, RolloutInfo, StrategyInfo};
use crate::values;
use clap::Args;
use futures::StreamExt;
use jiff::Timestamp;
use kube::runtime::watcher::Event;
use serin_core::api::Rollout;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::interval;

/// `list rollouts`.
#[derive(Args, Debug)]
pub(crate) struct ListRollouts {
    /// Surplus words are ignored.
    #[arg(hide = true)]
    pub ignored: Vec<String>,
    /// Only show rollout with specified name
    #[arg(long, allow_hyphen_values = true, default_value = "", hide_default_value = true)]
    pub name: String,
    /// Include all namespaces
    #[arg(long, short = 'A', value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub all_namespaces: bool,
    /// Watch for changes
    #[arg(long, short, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub watch: bool,
    /// Print timestamps on updates
    #[arg(long, value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub timestamps: bool,
}

const TIMESTAMP: Column = ("TIMESTAMP", 20);
const COLUMNS: [Column; 9] = [
    ("NAME", 10),
    ("STRATEGY", 9),
    ("STATUS", 12),
    ("STEP", 4),
    ("SET-WEIGHT", 10),
    ("READY", 5),
    ("DESIRED", 7),
    ("UP-TO-DATE", 10),
    ("AVAILABLE", 9),
];
/// Where a column does not apply.
const NONE: &str = "-";
/// Changed rows are printed together, below each other.
const PRINT_EVERY: Duration = Duration::from_millis(500);

/// Prints a row for each rollout, and with `--watch` each row that changes, until interrupted.
pub(in crate::commands) async fn run(
    connection: &Connection,
    arguments: &ListRollouts,
    console: &mut Console,
) -> Result<(), Failure> {
    let place = place(connection, arguments.all_namespaces);
    let rollouts = fleet::rollouts(connection, &place, &arguments.name).await?;
    if rollouts.is_empty() && !arguments.watch {
        nothing(console);
        return Ok(());
    }
    let mut printer = Printer::new(arguments);
    printer.pending.push(titles(&printer.columns));
    for read in &rollouts {
        printer.note(&read.rollout, Timestamp::now());
    }
    printer.print(console)?;
    if arguments.watch {
        watch(connection, arguments, &place, printer, console).await?;
    }
    Ok(())
}

async fn watch(
    connection: &Connection,
    arguments: &ListRollouts,
    place: &Where,
    mut printer: Printer,
    console: &mut Console,
) -> Result<(), Failure> {
    let mut interruption = std::pin::pin!(tokio::signal::ctrl_c());
    let mut changes = std::pin::pin!(fleet::changes(connection, place, &arguments.name));
    let mut ticks = interval(PRINT_EVERY);
    let mut line = Line::new(connection);
    loop {
        tokio::select! {
            change = changes.next() => match change {
                Some(change) => {
                    line.notice(&change);
                    if let Change::Rollout(Event::Apply(read) | Event::InitApply(read) | Event::Delete(read)) = &change {
                        printer.note(&read.rollout, Timestamp::now());
                    }
                }
                None => return printer.print(console),
            },
            _ = ticks.tick() => printer.print(console)?,
            _ = &mut interruption => return printer.print(console),
        }
        if let Some(news) = line.news() {
            console.complain(&news);
        }
    }
}

/// What was printed of each rollout, and what is to be printed next.
struct Printer {
    columns: Vec<Column>,
    with_namespace: bool,
    with_timestamp: bool,
    /// The last row of each rollout, by namespace and name.
    last: BTreeMap<(String, String), [String; 9]>,
    pending: Vec<Vec<String>>,
}

impl Printer {
    fn new(arguments: &ListRollouts) -> Self {
        let (with_timestamp, with_namespace) = (arguments.timestamps, arguments.all_namespaces);
        let timestamp = with_timestamp.then_some(TIMESTAMP);
        let namespace = with_namespace.then_some(NAMESPACE);
        Self {
            columns: timestamp.into_iter().chain(namespace).chain(COLUMNS).collect(),
            with_namespace,
            with_timestamp,
            last: BTreeMap::new(),
            pending: Vec::new(),
        }
    }

    /// Notes a rollout. It gets a row if it is new, or if one of its cells changed.
    fn note(&mut self, rollout: &Rollout, now: Timestamp) {
        let info = RolloutInfo::new(rollout, &Around::default());
        let cells = cells(&info);
        let key = (info.namespace.clone(), info.identity.name.clone());
        if self.last.get(&key) == Some(&cells) {
            return;
        }
        let timestamp = self
            .with_timestamp
            .then(|| now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        let namespace = self.with_namespace.then_some(info.namespace);
        let row = timestamp.into_iter().chain(namespace).chain(cells.clone());
        self.pending.push(padded(&self.columns, row));
        self.last.insert(key, cells);
    }

    fn print(&mut self, console: &mut Console) -> Result<(), Failure> {
        if self.pending.is_empty() {
            return Ok(());
        }
        console.print(&columns::align(&std::mem::take(&mut self.pending)))
    }
}

fn cells(info: &RolloutInfo) -> [String; 9] {
    let (strategy, step, set_weight) = match &info.strategy {
        StrategyInfo::Canary { step, set_weight, .. } => ("Canary", step.clone(), set_weight.to_string()),
        StrategyInfo::BlueGreen => ("BlueGreen", String::new(), NONE.to_owned()),
        StrategyInfo::Missing => ("unknown", String::new(), NONE.to_owned()),
    };
    [
        info.identity.name.clone(),
        strategy.to_owned(),
        info.status.clone(),
        if step.is_empty() { NONE.to_owned() } else { step },
        set_weight,
        format!("{}/{}", info.ready, info.current),
        info.desired.to_string(),
        info.updated.to_string(),
        info.available.to_string(),
    ]
}
