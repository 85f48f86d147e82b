//! Real kustomize on the cases of `tests/cases`. Without a kustomize all of it is ignored: `SERIN_KUSTOMIZE` names the folder that
//! `e2e/kustomize/build` fills, else kustomize and kubectl are taken from PATH.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod damage;
mod native;
mod speed;
mod support;
mod tainted;
mod trace;

use libtest_mimic::{Arguments, Trial};
use serin_gitops::kustomize::Program;
use std::process::ExitCode;
use std::sync::Arc;

/// A test, run with each program.
type Test = (&'static str, fn(&Program));

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let programs: Vec<Arc<Program>> = support::programs()
        .iter()
        .map(|path| Arc::new(Program::at(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))))
        .collect();
    let mut trials = Vec::new();
    for (name, run) in damage::TESTS
        .into_iter()
        .chain([trace::TESTS, tainted::TESTS, native::TESTS, speed::TESTS])
        .flatten()
    {
        for program in &programs {
            let program = Arc::clone(program);
            let kind = program.to_string().replace(' ', "-");
            let run = move || {
                run(&program);
                Ok(())
            };
            trials.push(Trial::test(*name, run).with_kind(kind));
        }
        if programs.is_empty() {
            trials.push(
                Trial::test(*name, || Ok(()))
                    .with_kind("kustomize")
                    .with_ignored_flag(true),
            );
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
