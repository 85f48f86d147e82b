//! `man`: the man pages of all programs, made of their flags. The release has them as files.

use crate::show::console::Console;
use crate::show::failure::Failure;
use clap::Args;
use std::path::{Path, PathBuf};

/// `man`.
#[derive(Args, Debug)]
pub(crate) struct Man {
    /// Folder to write into; it is made if it does not exist
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// Writes a page for each program and for each of its commands, and says how many.
///
/// # Errors
/// If the folder cannot be made, or a page cannot be written.
pub(crate) fn run(programs: Vec<clap::Command>, folder: &Path, console: &mut Console) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let mut pages = 0;
    for mut program in programs {
        program.build();
        let name = program.get_name().to_owned();
        pages += write(program, &name, folder)?;
    }
    console.line(&format!("{pages} pages in {}", folder.display()))
}

/// The page `serin-get-rollout.1` is about `serin get rollout`.
fn write(command: clap::Command, name: &str, folder: &Path) -> Result<usize, Failure> {
    let mut pages = 1;
    for below in command
        .get_subcommands()
        .filter(|it| !it.is_hide_set() && it.get_name() != "help")
    {
        pages += write(below.clone(), &format!("{name}-{}", below.get_name()), folder)?;
    }
    let source = format!("Serin {}", env!("CARGO_PKG_VERSION"));
    let page = clap_mangen::Man::new(command.display_name(name.to_owned())).source(source);
    page.generate_to(folder)
        .map_err(|error| failed(&folder.join(format!("{name}.1")), &error))?;
    Ok(pages)
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::message(format!("cannot write {}: {error}", path.display()))
}
