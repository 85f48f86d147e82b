//! Compiled plugins as they are: the program of `e2e/goplugin`, where `SERIN_GOPLUGIN` names its folder, and scripts that
//! are no plugins.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests write files")]

mod calls;
mod host;
mod scripts;

use libtest_mimic::{Arguments, Trial};
use serin_plugin::{Configuration, Limits, Plugins};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Short times, so that the tests see them pass.
const LIMITS: Limits = Limits {
    start: Duration::from_secs(20),
    ping: Duration::from_secs(5),
    call: Duration::from_secs(20),
    quit: Duration::from_secs(5),
};

/// The compiled plugin.
fn goplugin() -> Option<PathBuf> {
    std::env::var_os("SERIN_GOPLUGIN").map(|folder| PathBuf::from(folder).join("goplugin"))
}

/// Plugins of all kinds with one name and one file.
fn plugins(name: &str, file: &str, limits: Limits) -> Plugins {
    let item = format!("- {{name: {name}, location: {file:?}}}");
    let keys = ["metricProviderPlugins", "stepPlugins", "trafficRouterPlugins"];
    let data: BTreeMap<String, String> = keys.map(|key| (key.to_owned(), item.clone())).into();
    Plugins::new(Configuration::read(&data).unwrap(), limits)
}

/// The compiled plugin, with every kind that it is.
fn compiled(limits: Limits) -> Plugins {
    plugins("acme/go", goplugin().expect("SERIN_GOPLUGIN").to_str().unwrap(), limits)
}

fn run<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(test());
}

macro_rules! trials {
    ($($module:ident::$name:ident),* $(,)?) => {
        vec![$(Trial::test(stringify!($name), || { run($module::$name); Ok(()) })),*]
    };
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let compiled: Vec<Trial> = trials![
        calls::a_metric_plugin_sees_what_was_sent,
        calls::a_metric_plugin_says_that_it_failed,
        calls::a_step_plugin_sees_what_was_sent,
        calls::a_step_plugin_says_that_it_failed,
        calls::a_router_sees_what_was_sent,
        calls::a_router_that_gives_no_answer_is_an_error,
        calls::each_kind_has_a_type,
        calls::a_large_rollout_arrives,
        host::a_plugin_that_hangs_is_an_error,
        host::calls_do_not_wait_for_each_other,
        host::a_plugin_that_died_is_started_again,
        host::a_plugin_that_does_not_initialise_is_an_error,
        host::a_plugin_that_stands_still_is_started_again,
        host::shutdown_ends_the_processes,
        host::a_file_is_pinned,
    ];
    let is_missing = goplugin().is_none();
    let compiled = compiled
        .into_iter()
        .map(|trial| trial.with_kind("SERIN_GOPLUGIN").with_ignored_flag(is_missing));
    let mut tests: Vec<Trial> = compiled.collect();
    tests.extend(trials![
        scripts::what_is_no_plugin_is_an_error,
        scripts::a_process_that_says_nothing_is_an_error,
        scripts::who_waits_for_a_start_has_its_answer,
        scripts::a_server_that_speaks_otherwise_is_an_error,
        scripts::what_is_not_configured_is_an_error,
        scripts::what_is_to_be_downloaded_is_an_error,
    ]);
    libtest_mimic::run(&arguments, tests).exit_code()
}
