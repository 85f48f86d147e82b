//! `list experiments`

use super::{Column, NAMESPACE, nothing, padded, place, titles};
use crate::cluster::connect::Connection;
use crate::cluster::fleet;
use crate::duration;
use crate::show::columns;
use crate::show::console::Console;
use crate::show::failure::Failure;
use crate::values;
use clap::Args;
use jiff::Timestamp;
use serin_core::api::Experiment;

/// `list experiments`.
#[derive(Args, Debug)]
pub(crate) struct ListExperiments {
    /// Surplus words are ignored.
    #[arg(hide = true)]
    pub ignored: Vec<String>,
    /// Include all namespaces
    #[arg(long, short = 'A', value_parser = values::boolean, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false")]
    pub all_namespaces: bool,
}

const COLUMNS: [Column; 5] = [
    ("NAME", 10),
    ("STATUS", 6),
    ("DURATION", 8),
    ("REMAINING", 9),
    ("AGE", 3),
];
/// Where a column does not apply.
const NONE: &str = "-";

/// Prints a row for each experiment.
pub(in crate::commands) async fn run(
    connection: &Connection,
    arguments: &ListExperiments,
    console: &mut Console,
) -> Result<(), Failure> {
    let everywhere = arguments.all_namespaces;
    let experiments = fleet::experiments(connection, &place(connection, everywhere)).await?;
    if experiments.is_empty() {
        nothing(console);
        return Ok(());
    }
    let mut columns = COLUMNS.to_vec();
    if everywhere {
        columns.insert(0, NAMESPACE);
    }
    let now = Timestamp::now();
    let mut rows = vec![titles(&columns)];
    for experiment in &experiments {
        let namespace = everywhere.then(|| experiment.metadata.namespace.clone().unwrap_or_default());
        rows.push(padded(&columns, namespace.into_iter().chain(cells(experiment, now))));
    }
    console.print(&columns::align(&rows))
}

fn cells(experiment: &Experiment, now: Timestamp) -> [String; 5] {
    let (spec, status, metadata) = (&experiment.spec, &experiment.status, &experiment.metadata);
    let duration = duration::parse_go(&spec.duration).ok();
    let has_ended = matches!(
        status.phase.as_str(),
        "Successful" | "Failed" | "Error" | "Inconclusive"
    );
    let began = status.available_at.as_ref().filter(|_| !has_ended);
    let remaining = duration
        .zip(began)
        .map(|(duration, began)| duration - now.duration_since(began.0))
        .filter(jiff::SignedDuration::is_positive);
    let shown = |span: Option<jiff::SignedDuration>| span.map_or_else(|| NONE.to_owned(), duration::human);
    [
        metadata.name.clone().unwrap_or_default(),
        status.phase.clone(),
        shown(duration),
        shown(remaining),
        duration::age(metadata.creation_timestamp.as_ref().map(|time| time.0), now),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use serde_json::{Value, json};

    /// Upstream's plugin printed these cells for these states.
    #[test]
    fn what_does_not_apply_is_a_dash() {
        let now: Timestamp = "2026-03-08T12:00:00Z".parse().unwrap();
        let an_hour_ago = "2026-03-08T11:00:00Z";
        let table: [(Value, Value, [&str; 3]); 7] = [
            (
                json!("3h"),
                json!({"phase": "Running", "availableAt": an_hour_ago}),
                ["Running", "3h", "120m"],
            ),
            (
                json!(""),
                json!({"phase": "Running", "availableAt": an_hour_ago}),
                ["Running", "-", "-"],
            ),
            (json!("3h"), json!({"phase": "Pending"}), ["Pending", "3h", "-"]),
            (
                json!("5m"),
                json!({"phase": "Running", "availableAt": an_hour_ago}),
                ["Running", "5m", "-"],
            ),
            (
                json!("3h"),
                json!({"phase": "Failed", "availableAt": an_hour_ago}),
                ["Failed", "3h", "-"],
            ),
            (json!("soon"), json!({"phase": "Error"}), ["Error", "-", "-"]),
            (json!("90m"), json!({}), ["", "90m", "-"]),
        ];
        for (duration, status, expected) in table {
            let experiment: Experiment = serde_json::from_value(json!({
                "metadata": {"name": "trial", "creationTimestamp": "2026-03-01T12:00:00Z"},
                "spec": {"duration": duration}, "status": status}))
            .unwrap();
            let [name, phase, duration, remaining, age] = cells(&experiment, now);
            assert_eq!((name.as_str(), age.as_str()), ("trial", "7d"));
            assert_eq!(
                [phase.as_str(), duration.as_str(), remaining.as_str()],
                expected,
                "{status}"
            );
        }
    }
}
