//! `serin`.
fn main() {}
