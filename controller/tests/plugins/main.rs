//! A controller with compiled plugins: the program of `e2e/goplugin`, where `SERIN_GOPLUGIN` names its folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod configured;
mod metrics;
mod routers;
mod steps;
#[path = "../support/mod.rs"]
mod support;
mod world;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn run<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(test());
}

/// In virtual time, in which no program lives.
fn run_virtual<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(test());
}

macro_rules! trials {
    ($run:ident: $($module:ident::$name:ident),* $(,)?) => {
        vec![$(Trial::test(stringify!($name), || { $run($module::$name); Ok(()) })),*]
    };
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let compiled = trials![run:
        steps::a_step_waits_for_its_plugin,
        steps::a_plugin_that_hangs_holds_its_own_rollout_only,
        steps::an_abort_takes_back_what_a_plugin_did,
        steps::a_step_that_fails_aborts,
        metrics::a_plugin_measures,
        metrics::a_measurement_goes_on_until_the_plugin_ends_it,
        metrics::what_goes_wrong_is_a_named_error,
        metrics::a_run_that_ends_ends_its_measurement,
        routers::a_router_is_told_in_the_order_of_argo_rollouts,
        routers::a_weight_that_is_not_confirmed_is_not_reached,
        routers::a_router_that_fails_is_named_and_called_again,
        routers::a_router_that_hangs_holds_its_own_rollout_only,
    ];
    let is_missing = world::goplugin().is_none();
    let compiled = compiled
        .into_iter()
        .map(|trial: Trial| trial.with_kind("SERIN_GOPLUGIN").with_ignored_flag(is_missing));
    let mut tests: Vec<Trial> = compiled.collect();
    tests.extend(trials![run:
        steps::a_disabled_plugin_is_passed_over,
        steps::a_plugin_that_is_not_configured_is_told_once,
        steps::a_plugin_that_does_not_start_is_in_the_status,
        routers::a_router_that_is_not_configured_is_in_the_status,
    ]);
    tests.extend(trials![run_virtual:
        configured::no_config_map_is_no_plugins,
        configured::plugins_are_those_of_the_config_map,
        configured::what_cannot_be_read_ends_the_start,
        configured::what_must_not_be_read_ends_the_start,
        configured::an_api_server_that_does_not_answer_is_asked_again,
    ]);
    libtest_mimic::run(&arguments, tests).exit_code()
}
