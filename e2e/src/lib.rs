//! End-to-end tests: the same on the sandbox and on a real control plane.
//!
//! ```text
//! world.given().rollout(YAML).phase("Healthy")
//!     .when().set_image("app:2")
//!     .then().phase("Paused").pods(2, 1)
//!     .await?
//! ```
//!
//! [`story`] is that language, [`view`] what it looks at, [`world`] a namespace with a controller of its own on a
//! [`cluster`]: a sandbox per world, or one real control plane (`SERIN_E2E=real`) on which the controller has the rights
//! of `deploy/standalone` and no more. [`harness`] runs scenarios side by side. [`writes`] counts what a controller wrote,
//! [`availability`] counts the pods at every change, [`lives`] are the lives whose writes are bounded; [`process`] is a controller as a process, to be killed and paused; [`transcript`]
//! compares what kubectl prints.

pub mod availability;
pub mod calls;
pub mod cluster;
pub mod harness;
pub mod lives;
mod manifests;
pub mod process;
mod replica_sets;
mod services;
pub mod story;
pub mod transcript;
pub mod view;
pub mod world;
pub mod writes;

pub use cluster::Cluster;
pub use manifests::{install_definitions, install_these};
pub use story::Story;
pub use view::View;
pub use world::World;
