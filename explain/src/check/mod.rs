//! `serin check`: what it looks at, what it prints, what it leaves out, and what a change does.
//!
//! A check goes through these rooms: [`discover`] finds the overlays below a path; each is built (by the caller) and read by
//! the rules ([`crate::rules`]); [`suppress`] takes away what people ignore, [`baseline`] marks what was there before;
//! [`change`] says what a commit does; [`report`] and [`mod@format`] are what is printed.

pub mod baseline;
pub mod change;
pub mod discover;
pub mod format;
pub mod report;
pub mod suppress;
