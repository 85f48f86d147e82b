//! Conditions of analyses against expr-lang/expr, the library of Argo Rollouts: a table with its answers, and expressions
//! made at random, which it is asked where `SERIN_GOEXPR` names the folder of `e2e/goexpr/build`.
//!
//! `UPDATE=1` with `SERIN_GOEXPR` writes the answers of the table again; read the diff. `SERIN_EXPRESSIONS=20000` makes as
//! many at random, `SERIN_EXPRESSION_SEED=7` others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(clippy::print_stdout, reason = "how much was compared")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and ask a program"
)]

mod answers;
mod limits;
mod oracle;
mod random;
mod table;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let is_missing = oracle::folder().is_none();
    let test = |name: &str, run: fn()| {
        Trial::test(name, move || {
            run();
            Ok(())
        })
    };
    let asks = |name: &str, run: fn()| test(name, run).with_kind("SERIN_GOEXPR").with_ignored_flag(is_missing);
    let tests = vec![
        test("values_are_those_of_the_table", table::values_are_those_of_the_table),
        test(
            "verdicts_are_those_of_the_table",
            table::verdicts_are_those_of_the_table,
        ),
        test("times_are_those_of_the_table", table::times_are_those_of_the_table),
        test("differences_are_differences", table::differences_are_differences),
        test("the_table_is_long", table::the_table_is_long),
        test("deep_expressions_are_refused", limits::deep_expressions_are_refused),
        test("long_runs_end", limits::long_runs_end),
        test(
            "a_condition_is_compiled_again_for_another_type",
            limits::a_condition_is_compiled_again_for_another_type,
        ),
        asks(
            "the_table_is_what_the_library_answers",
            table::the_table_is_what_the_library_answers,
        ),
        asks(
            "random_expressions_give_the_same",
            random::random_expressions_give_the_same,
        ),
    ];
    libtest_mimic::run(&arguments, tests).exit_code()
}
