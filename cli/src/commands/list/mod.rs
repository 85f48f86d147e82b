//! `list rollouts` and `list experiments` (contract 10 §5)

mod experiments;
mod rollouts;

pub(super) use experiments::run as experiments;
pub(super) use rollouts::run as rollouts;

use crate::cluster::connect::Connection;
use crate::cluster::fleet::Where;
use crate::show::console::Console;
use clap::{Args, Subcommand};
use experiments::ListExperiments;
use rollouts::ListRollouts;
use std::ffi::OsString;

/// `list <kind>`.
#[derive(Args, Debug)]
pub(crate) struct ListGroup {
    /// Kind.
    #[command(subcommand)]
    pub kind: Option<ListKind>,
}

/// What can be listed.
#[derive(Subcommand, Debug)]
pub(crate) enum ListKind {
    /// List rollouts
    #[command(visible_aliases = ["ro", "rollout"])]
    Rollouts(ListRollouts),
    /// List experiments
    #[command(visible_aliases = ["exp", "experiment"])]
    Experiments(ListExperiments),
    /// Anything else.
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

/// A column: its title, and the characters that each of its cells takes at least. Lines that are printed one by one then
/// stand mostly below each other.
type Column = (&'static str, usize);

/// The column that stands first where all namespaces are listed.
const NAMESPACE: Column = ("NAMESPACE", 9);

fn titles(columns: &[Column]) -> Vec<String> {
    columns.iter().map(|(title, _)| (*title).to_owned()).collect()
}

fn padded(columns: &[Column], cells: impl IntoIterator<Item = String>) -> Vec<String> {
    let pad = |(cell, (_, width)): (String, &Column)| format!("{cell:<width$}");
    cells.into_iter().zip(columns).map(pad).collect()
}

fn place(connection: &Connection, all_namespaces: bool) -> Where {
    if all_namespaces {
        Where::Everywhere
    } else {
        Where::In(connection.namespace.clone())
    }
}

/// Nothing was found, which is no failure.
fn nothing(console: &mut Console) {
    console.complain("No resources found.");
}
