//! A small Kubernetes for tests and demonstrations, in one process.
//!
//! [`ApiServer`] is an in-memory API server: objects with resourceVersions, watches, patches, subresources, owner
//! deletion and CRD schemas, for `kube::Client` in-process and over HTTP. It knows nothing of rollouts. What it does
//! not do is written down in `docs/sandbox.md`.

mod admit;
mod api;
mod apply;
mod builtin;
pub mod control_plane;
mod crd;
mod create;
mod decode;
mod delete;
mod discovery;
mod events;
mod fields;
mod gc;
mod managed;
mod metadata;
mod openapi;
mod patch;
mod pods;
mod read;
mod registry;
mod render;
mod rest;
mod route;
mod scale;
mod schema;
mod selector;
mod server;
mod state;
mod status;
mod store;
mod table;
mod update;
mod watch;
mod web_pages;
pub mod workload;

pub use api::{ApiServer, Clock, FaultResponse, Interceptor, Kept, RequestInfo, RequestRecord, ResponseBody};
pub use server::Served;
pub use status::{ApiError, FieldError};
