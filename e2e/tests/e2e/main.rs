//! Whole rollouts from outside: on the sandbox in `cargo test`, on a real control plane by `e2e/real`.

mod canary;

use serin_e2e::{harness, scenario};
use std::process::ExitCode;

fn main() -> ExitCode {
    harness::main(vec![
        scenario!(canary::first_deploy_goes_straight_to_healthy),
        scenario!(canary::steps_pause_and_promotion_to_the_end),
    ])
}
