//! Rollouts: what is decided of one, from what is observed to the plan (contract 02 to 05).
//!
//! [`decide`](crate::decide()) is the way in, and a decision has three movements:
//!
//! - *Read.* `look` holds what is observed, the clock and what follows from both. `revision` sorts out which ReplicaSet is
//!   what ([`adoption`] says it to people, and [`leaving`] what another controller would do otherwise), `availability` what
//!   may be relied on of its pods, and `update` where the update stands.
//! - *Want.* `canary` and `bluegreen` say what they want, as the plain values of `want`: the size of each ReplicaSet, and
//!   what each Service leads to.
//!   `analysis` says which AnalysisRuns there are to be, and what their verdicts make of the update; [`experiment`] says the
//!   same of Experiments, and `step_plugin` of calls of step plugins.
//!   Where routers carry the weight of a canary, [`traffic`] says which weight it has now and is to have, and what follows
//!   for Services and sizes.
//! - *Order.* `order` makes changes of that, in the one order that is safe at every moment, and nothing else does.
//!
//! A rollout may take its pods from a workload: [`workload`] fills in the pod template before all that, and says how many
//! pods the workload keeps.
//!
//! Then `report` tells it: `status`, `conditions`, `phase` and `duration`. `invalid` handles a spec that cannot be carried
//! out, `unread` a status that does not decode.

pub mod adoption;
pub mod analysis;
pub(crate) mod anti_affinity;
pub mod asked;
pub(crate) mod asleep;
pub(crate) mod availability;
pub(crate) mod bluegreen;
pub mod canary;
pub(crate) mod conditions;
pub mod decide;
pub(crate) mod delay;
pub(crate) mod duration;
pub(crate) mod ephemeral;
pub mod experiment;
pub(crate) mod history;
pub(crate) mod invalid;
pub mod leaving;
pub(crate) mod look;
pub(crate) mod order;
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
pub(crate) mod step_plugin;
pub mod traffic;
pub mod unread;
pub(crate) mod update;
pub(crate) mod verification;
pub mod view;
pub(crate) mod want;
pub mod workload;
