//! What Argo CD knows: the Application object, and its REST API.
//!
//! Only GET requests are sent, and never with `refresh`: that parameter writes an annotation although it needs no right to
//! write (contract 13 §5.1).

mod answers;
mod application;
mod client;
mod connection;
mod deployments;
mod error;
mod rules;
mod tracking;

pub use answers::{Event, ManagedResource, RevisionMetadata, Settings, TreeNode, Version};
pub use application::{
    Application, ApplicationName, Condition, Deployed, Operation, Resource, Source, Sync, SyncedResource,
};
pub use client::{Client, ObjectKey};
pub use connection::{Connection, ConnectionError, ConnectionOptions};
pub use deployments::DeployedManifests;
pub use error::ApiError;
pub use rules::IgnoreRule;
pub use tracking::{Tracked, Tracking, application_of};
