//! Why a rollout is Degraded ([`explain`]), and whether an overlay will be ([`check`], by [`rules`]). Pure over what was
//! read, but for [`history`], which reads Git.
//!
//! A caller collects objects as the API server gives them, in a [`Reading`]; [`Reading::finish`] takes the secrets out.
//! [`explain`] answers from that alone: who is served, why, what happens next, and what to type.
//!
//! ```
//! use serin_explain::{Reading, explain, report};
//! use serde_json::json;
//!
//! let owned = |uid: &str| json!([{"uid": uid, "controller": true}]);
//! let mut reading = Reading::new("2026-11-21T12:00:00Z".parse()?);
//! reading.explain("Rollout", "shop", "web");
//! reading.add("Rollout", json!({
//!     "metadata": {"name": "web", "namespace": "shop", "uid": "r", "generation": 1},
//!     "spec": {"replicas": 2, "strategy": {"canary": {}}},
//!     "status": {"observedGeneration": "1", "phase": "Progressing", "stableRS": "aaa", "currentPodHash": "bbb"},
//! }));
//! for (hash, revision, ready) in [("aaa", "41", 2), ("bbb", "42", 0)] {
//!     reading.add("ReplicaSet", json!({
//!         "metadata": {"name": format!("web-{hash}"), "namespace": "shop", "uid": hash, "ownerReferences": owned("r"),
//!             "labels": {"rollouts-pod-template-hash": hash}, "annotations": {"rollout.argoproj.io/revision": revision}},
//!         "spec": {"replicas": 2}, "status": {"replicas": 2, "readyReplicas": ready, "availableReplicas": ready},
//!     }));
//! }
//! reading.add("Pod", json!({
//!     "metadata": {"name": "web-bbb-1", "namespace": "shop", "uid": "p", "ownerReferences": owned("bbb")},
//!     "spec": {"containers": [{"name": "web", "image": "shop:2", "env": [{"name": "KEY", "value": "never shown"}]}]},
//!     "status": {"containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "ErrImagePull"}}}]},
//! }));
//!
//! let explanation = explain(&reading.finish());
//! assert_eq!(explanation.causes[0].id, "image-pull");
//! assert_eq!(
//!     report::line(&explanation),
//!     "rollout/web in shop is Progressing: 1 of 2 pods of revision 42 cannot pull image shop:2; users are on revision 41, \
//!      100 %, 2/2 ready; the update to revision 42 is under way."
//! );
//! # Ok::<(), jiff::Error>(())
//! ```

pub mod answer;
pub mod case;
pub mod causes;
pub mod check;
pub mod compare;
pub mod explanation;
pub mod history;
pub mod next;
pub mod report;
pub mod rules;
pub mod serving;
pub mod sources;

pub use answer::{explain, explain_all};
pub use explanation::{Explanation, Explanations};
pub use sources::{Reading, Sources};
