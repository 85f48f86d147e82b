//! Whatever is read makes no panic, and means the same when it is read again: durations, int-or-strings, quantities, conditions,
//! YAML and the five kinds, up to the decision (decision 36).
//!
//! Inputs are the kept corpora, and mutations of them by a seeded generator. A mutation that leads to an answer of a new shape
//! joins the inputs of this run. An input that fails is written to the corpus: it stays there as a test once it is mended.
//!
//! ```sh
//! SERIN_FUZZ_SECONDS=180 cargo test --workspace --test fuzz yaml -- --nocapture      # SERIN_FUZZ_SEED=7 for another course
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "reads and writes the corpora, ends after the time that was asked for, and says how far it came"
)]

mod corpus;
mod mutate;
mod random;
mod targets;

use random::Random;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Mutations in an ordinary run of the tests.
const FEW: u64 = 1_000;
/// Inputs of a run.
const MOST_INPUTS: usize = 4_000;
/// Bytes of an input.
const MOST_BYTES: usize = 20_000;

/// What an input is read as.
type Target = fn(&str) -> String;

/// When a run ends: after so many mutations, or at a time.
enum End {
    After(u64),
    At(Instant),
}

impl End {
    fn of_environment() -> Self {
        let seconds = std::env::var("SERIN_FUZZ_SECONDS").ok();
        seconds.map_or(Self::After(FEW), |seconds| {
            Self::At(Instant::now() + Duration::from_secs(seconds.parse().unwrap()))
        })
    }

    fn is_reached(&self, mutations: u64) -> bool {
        match self {
            Self::After(most) => mutations >= *most,
            Self::At(end) => mutations.is_multiple_of(64) && Instant::now() >= *end,
        }
    }
}

fn fuzz(name: &str, words: &[&str], target: Target) {
    let seed = std::env::var("SERIN_FUZZ_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut random = Random::new(seed);
    let mut inputs = corpus::read(name);
    assert!(!inputs.is_empty(), "the corpus {name} is empty");
    let mut shapes = BTreeSet::new();
    for input in &inputs {
        shapes.insert(try_one(name, input, target));
    }
    let (end, mut mutations) = (End::of_environment(), 0);
    while !end.is_reached(mutations) {
        let mut input = inputs[random.below(inputs.len())].clone();
        for _ in 0..=random.below(4) {
            let other = random.below(inputs.len());
            input = mutate::text(&mut random, &input, &inputs[other], words);
        }
        mutate::cut(&mut input, MOST_BYTES);
        let is_new = shapes.insert(try_one(name, &input, target));
        if is_new && inputs.len() < MOST_INPUTS {
            inputs.push(input);
        }
        mutations += 1;
    }
    println!(
        "{name}: {mutations} mutations, {} shapes of answers, seed {seed}",
        shapes.len()
    );
}

/// The shape of the answer.
fn try_one(name: &str, input: &str, target: Target) -> String {
    match catch_unwind(AssertUnwindSafe(|| target(input))) {
        Ok(shape) => shape,
        Err(_) => {
            let file = corpus::keep(name, input);
            panic!("{name}: the input in {} fails", file.display());
        }
    }
}

#[test]
fn durations() {
    let words = [
        "ns",
        "us",
        "µs",
        "μs",
        "ms",
        "s",
        "m",
        "h",
        "d",
        "-",
        "+",
        ".",
        "9223372036854775808",
        "0",
    ];
    fuzz("durations", &words, targets::duration);
}

#[test]
fn int_or_strings() {
    let words = [
        "%",
        "%%",
        "-",
        "+",
        "2147483648",
        "9223372036854775808",
        "100%",
        "null",
        "\"",
        "[]",
        "{}",
        "1e3",
        " ",
    ];
    fuzz("int-or-string", &words, targets::int_or_string);
}

#[test]
fn quantities() {
    let words = [
        "n",
        "u",
        "m",
        "k",
        "M",
        "G",
        "T",
        "P",
        "E",
        "Ki",
        "Mi",
        "Ei",
        "e",
        "E-",
        ".",
        "-",
        "+",
        "9223372036854775807",
        "\"",
    ];
    fuzz("quantities", &words, targets::quantity);
}

#[test]
fn yaml() {
    let words = [
        "---\n",
        "---# x\n",
        "...\n",
        "%YAML 1.1\n",
        "&a ",
        "*a",
        "<<: *a",
        "|-\n",
        ">+\n",
        "? ",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "'",
        "#",
        "!!int ",
        "\t",
        "\u{feff}",
        "\u{2028}",
        "\r",
        "\0",
        "~",
        "0o17",
        "1_000",
        ".inf",
        "on",
    ];
    fuzz("yaml", &words, targets::yaml);
}

#[test]
fn kinds() {
    let words = [
        "null",
        "[]",
        "{}",
        "-1",
        "2147483648",
        "9223372036854775808",
        "1e400",
        "\"\"",
        "\"9999h\"",
        "true",
        "\"-5%\"",
        "[null]",
        "\"2026-13-01T00:00:00Z\"",
        "\"+1000000-01-01T00:00:00Z\"",
        "0.5",
    ];
    fuzz("kinds", &words, targets::kind);
}

#[test]
fn conditions() {
    let words = [
        "result",
        "result[0]",
        ".a",
        "?.",
        "??",
        "#",
        "#acc",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "all(",
        "reduce(",
        "filter(",
        "map(",
        " in ",
        " not ",
        " matches ",
        "let x = ",
        "; ",
        " | ",
        " ? ",
        " : ",
        "..",
        "**",
        "1e9",
        "0x",
        "'",
        "\"",
        "`",
        "\\u{",
        "b\"",
        "/*",
        "//",
        "if ",
        " else ",
        "$env",
        "::",
        "date(",
        "duration(",
        "now()",
        "repeat(",
        "toJSON(",
        "(?i",
        "{1000}",
        "\u{feff}",
    ];
    fuzz("conditions", &words, targets::condition);
}
