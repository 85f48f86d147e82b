//! Measurements over real connections: what providers are sent, and what goes wrong on the way.

#![allow(clippy::unwrap_used, clippy::panic)]

mod aws;
mod compared;
mod jobs;
mod login;
mod server;
mod trouble;
