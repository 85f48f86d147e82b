//! The walls of the house, as tests: how long files and functions may be, which crate may know which, what core may
//! not do. CONTRIBUTING.md says what to do when one of them fails.
//!
//! The lists of exceptions are ratchets: an entry that is larger than needed, or no longer needed, fails as well, so
//! they can only shrink.

#![allow(clippy::disallowed_methods, reason = "this test reads the workspace; core does not")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod citations;
mod crates;
mod enums;
mod examples;
mod length;
mod purity;
mod rings;
mod scripts;
mod words;
mod workspace;

/// Fails with one line per finding.
#[track_caller]
fn none(findings: &[String]) {
    assert!(
        findings.is_empty(),
        "{} finding(s):\n{}",
        findings.len(),
        findings.join("\n")
    );
}
