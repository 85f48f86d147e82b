//! Runs the compiled plugins of Argo Rollouts as they are (contract 07 §9 and §10).
//!
//! A plugin is a program that the controller starts. It prints an address, and answers calls of Go's `net/rpc` there: a
//! connection of many streams (yamux), and on each of them values in Go's own encoding (gob). [`Plugins`] is all that a
//! caller needs. It takes and returns JSON as Kubernetes has it.
//!
//! ```no_run
//! # async fn example(data: std::collections::BTreeMap<String, String>) -> Result<(), Box<dyn std::error::Error>> {
//! use serin_plugin::{Configuration, Limits, Plugins, StepContext};
//!
//! let plugins = Plugins::new(Configuration::read(&data)?, Limits::default());
//! let rollout = serde_json::json!({"metadata": {"name": "shop", "namespace": "default"}});
//! let context = StepContext { plugin_name: "acme/step".to_owned(), config: None, status: None };
//! let result = plugins.step_run("acme/step", &rollout, &context).await?;
//! println!("{}: {}", result.phase, result.message);
//! plugins.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! The rooms: [`configuration`] reads the ConfigMap; `calls` has a method for each call of the three kinds of plugins;
//! `host` keeps one process for each plugin; `process` starts one and reads its handshake; `session` has the streams;
//! `rpc` sends a call and waits for its answer; `types` turns JSON into Go's fields and back, by a table that was generated
//! from the Go types; `gob` is the encoding.

mod calls;
pub mod configuration;
mod error;
pub mod gob;
mod host;
mod process;
mod rpc;
mod session;
mod types;

pub use calls::{StepContext, StepResult, Verified};
pub use configuration::{Configuration, ConfigurationError, Kind, Plugin};
pub use error::Error;
pub use host::{Limits, Plugins};
