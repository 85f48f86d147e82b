//! `options`: the flags of every command.

use crate::args;
use crate::show::console::Console;
use crate::show::failure::Failure;

/// Lists them.
pub(super) fn run(console: &mut Console) -> Result<(), Failure> {
    let text = args::global_flags();
    console.print(&text)
}
