//! What one step of the shell costs with 1,000, 4,000 and 16,000 rollouts: `cargo bench -p serin-controller --features bench`.
//!
//! Aim: the cost does not grow by more than the logarithm of their number. A walk through all of them would show at once:
//! 16 times the rollouts would cost 16 times as much.

use divan::Bencher;
use serin_controller::growth::{Step, full, steps};
use std::fmt;

fn main() {
    divan::main();
}

/// A step in a shell of some size.
struct Case {
    what: &'static str,
    step: Step,
    rollouts: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.rollouts)
    }
}

fn cases() -> Vec<Case> {
    let of = |(what, step)| [1_000, 4_000, 16_000].map(|rollouts| Case { what, step, rollouts });
    steps().into_iter().flat_map(of).collect()
}

// Each number is taken once: 640 of them are fewer than the rollouts of the smallest shell.
#[divan::bench(args = cases(), sample_count = 40, sample_size = 16)]
fn step(bencher: Bencher<'_, '_>, case: &Case) {
    let full = full(case.rollouts);
    let mut next = 0;
    bencher
        .with_inputs(|| {
            next += 1;
            next - 1
        })
        .bench_local_values(|number| (case.step)(&full, number));
}
