//! `completion SHELL`: scripts that ask `__complete` for the next word. They are our own; the protocol is cobra's, so that
//! kubectl's `kubectl_complete-argo-rollouts` works with it, too.

use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::Args;

/// `completion SHELL`.
#[derive(Args, Debug)]
pub(crate) struct Completion {
    /// bash, zsh, fish or powershell
    #[arg(value_name = "SHELL")]
    pub shells: Vec<String>,
}

/// The shells that there are scripts for.
pub(crate) const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "powershell"];

/// Prints the script for a shell.
pub(super) fn run(arguments: &Completion, console: &mut Console) -> Result<(), Failure> {
    let program = console.program().name();
    if let Some(unknown) = arguments.shells.iter().find(|shell| !SHELLS.contains(&shell.as_str())) {
        return Err(Failure::message(format!(
            "invalid argument {unknown:?} for \"{program} completion\""
        )));
    }
    let [shell] = arguments.shells.as_slice() else {
        let given = arguments.shells.len();
        return Err(Failure::message(format!("accepts 1 arg(s), received {given}")));
    };
    let script = match shell.as_str() {
        "bash" => include_str!("bash.sh"),
        "zsh" => include_str!("zsh.sh"),
        "fish" => include_str!("fish.fish"),
        _ => include_str!("powershell.ps1"),
    };
    console.print(&script.replace("PROGRAM", program))
}
