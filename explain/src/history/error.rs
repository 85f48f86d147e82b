//! Why the commits could not be told.

use std::path::PathBuf;

use serin_gitops::git::GitError;

/// Why the commits could not be told.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Git could not be read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A deployed commit is not in the repository.
    #[error("the repository does not have {revision}, which is deployed{since}; {remedy}")]
    NotFetched {
        /// The commit.
        revision: String,
        /// Since when; empty, or begins with a space.
        since: String,
        /// How to get it.
        remedy: String,
    },
    /// The overlay cannot be built.
    #[error("the overlay {} does not build at {revision}: {why}", overlay.display())]
    Build {
        /// The overlay.
        overlay: PathBuf,
        /// The commit.
        revision: String,
        /// Why, in the words of kustomize or of Serin.
        why: String,
    },
    /// No overlay has the object.
    #[error(
        "no overlay of the repository makes {object}; name its Application with --app, or another repository with --git{failed}"
    )]
    NoOverlay {
        /// The object.
        object: String,
        /// An overlay that does not build, and why; begins with a semicolon, or is empty.
        failed: String,
    },
    /// Several overlays have the object.
    #[error("several overlays of the repository make {object} ({}); name its Application with --app", overlays.join(", "))]
    SeveralOverlays {
        /// The object.
        object: String,
        /// Their folders.
        overlays: Vec<String>,
    },
    /// The application's manifests are made by something else than kustomize.
    #[error(
        "the application {application} has no folder of manifests or kustomization in this repository that makes {object}; Helm charts and plugins are not rendered"
    )]
    NoSource {
        /// The application.
        application: String,
        /// The object.
        object: String,
    },
    /// The application has never been compared or deployed.
    #[error("the application {application} names no commit; Argo CD has not compared it yet")]
    NoRevision {
        /// The application.
        application: String,
    },
}
