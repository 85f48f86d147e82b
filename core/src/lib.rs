//! Argo Rollouts resources and the decisions of progressive delivery, without IO.
//!
//! The way through: an [`Observed`] (what the shell has read) and a clock reading go into [`decide()`]; a [`Plan`] comes
//! out. `look` holds both and what follows from them, `revision` says which ReplicaSet is what ([`adoption`]
//! tells it to people), `canary` and `bluegreen` decide where the update goes and how many pods each ReplicaSet gets,
//! `service` which pods a Service selects, `replica_set` turns that into actions, `status`,
//! `conditions`, `phase` and `duration` say so to the user, `invalid` handles a spec that cannot be carried out.

pub mod adoption;
pub mod anti_affinity;
pub mod api;
mod bluegreen;
pub mod canary;
mod conditions;
mod course;
pub mod crd;
pub mod decide;
mod draft;
mod duration;
mod ephemeral;
pub mod go_duration;
pub mod identity;
mod invalid;
mod look;
pub mod observed;
mod phase;
pub mod plan;
pub mod pods;
mod references;
pub mod refused;
mod replica_set;
mod report;
pub mod request;
mod restart;
mod revision;
pub mod rules;
mod service;
pub mod spec;
mod status;
pub mod validate;
pub mod view;
pub mod wire;
pub mod yaml;

pub use decide::decide;
pub use observed::Observed;
pub use plan::Plan;
