//! Rollouts: what is decided of one, from what is observed to the plan (contract 02 to 05).
//!
//! [`decide`](crate::decide()) is the way in. `look` holds what is observed, the clock and what follows from both;
//! `revision` sorts out which ReplicaSet is what ([`adoption`] says it to people); `update` says where an update stands;
//! `canary` and `bluegreen` decide where it goes and how many pods each ReplicaSet gets; `service` says which pods a
//! Service selects; `replica_set` turns that into actions; `status`, `conditions`, `phase` and `duration` report it;
//! `invalid` handles a spec that cannot be carried out.

pub mod adoption;
pub(crate) mod anti_affinity;
pub mod asked;
pub(crate) mod availability;
pub(crate) mod bluegreen;
pub mod canary;
pub(crate) mod conditions;
pub mod decide;
pub(crate) mod duration;
pub(crate) mod ephemeral;
pub(crate) mod invalid;
pub(crate) mod look;
pub(crate) mod phase;
pub mod pods;
pub mod references;
pub mod refused;
pub(crate) mod replica_set;
pub(crate) mod report;
pub(crate) mod restart;
pub(crate) mod revision;
pub(crate) mod service;
pub(crate) mod status;
pub(crate) mod update;
pub mod view;
