//! Argo CD's health checks and resource actions as Lua, generated from the rules in `serin_core::hooks`, and a host that
//! runs such scripts as Argo CD does.

pub mod customization;
pub mod generate;
pub mod host;
pub mod suite;
