//! `options`: the flags of every command.

use crate::cluster::flags::Global;
use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::Args as _;

/// Lists them.
pub(super) fn run(console: &mut Console) -> Result<(), Failure> {
    console.print(&global_flags())
}

fn global_flags() -> String {
    let flags = Global::augment_args(clap::Command::new("options"));
    let mut flags = flags.disable_help_flag(true).help_template("{all-args}");
    flags.render_help().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_lists_the_flags_of_every_command() {
        let text = global_flags();
        for flag in [
            "-n, --namespace <NAMESPACE>",
            "--certificate-authority",
            "--as-group",
            "-v, --kloglevel",
            "--context",
        ] {
            assert!(text.contains(flag), "{flag}:\n{text}");
        }
        assert!(!text.contains("--help"), "{text}");
    }
}
