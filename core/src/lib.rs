//! Argo Rollouts resources and the decisions of progressive delivery, without IO.
//!
//! The way through: an [`Observed`] (what the shell has read) and a clock reading go into [`decide()`]; a [`Plan`] comes
//! out. [`api`] is the resources as written, [`meaning`] what they mean, [`validate`] what is wrong with them,
//! [`identity`] the hashes of pod templates; [`rollout`] decides, [`analysis`] of templates and their runs, [`experiment`] of
//! experiments; [`hooks`] is what Argo CD shows and what people ask;
//! [`wire`] has the strings of the interface, [`notation`] the ways in which Go and Kubernetes write things.

pub mod analysis;
pub mod api;
pub mod crd;
pub mod experiment;
pub mod hooks;
pub mod identity;
pub mod meaning;
pub mod notation;
pub mod observed;
pub mod plan;
pub mod rollout;
pub mod traffic;
pub mod validate;
pub mod wire;

pub use observed::Observed;
pub use plan::Plan;
pub use rollout::decide::decide;
