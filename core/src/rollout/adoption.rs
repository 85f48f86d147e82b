//! Which of the ReplicaSets there are plays which part, and why: what a takeover would find (contract 02 §3, decisions
//! 15, 16, 19).
//!
//! [`report`] says what [`decide`](crate::decide()) goes by; it plans nothing, and nothing is written.

use crate::identity::Dialect;
use crate::observed::{Observed, ReplicaSet};
use crate::plan::Ownership;
use crate::rollout::invalid;
use crate::rollout::revision::{Revisions, Stable, ownership};
use crate::rollout::unread;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The parts that the ReplicaSets of one rollout play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Namespace of the rollout.
    pub namespace: String,
    /// Name of the rollout.
    pub rollout: String,
    /// What runs the present pod template.
    pub new: New,
    /// What the update goes back to when it is aborted; often the same as `new`.
    pub stable: StableRevision,
    /// All others, newest revision first.
    pub old: Vec<Adopted>,
    /// ReplicaSets whose deletion is under way: they play no part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleting: Vec<String>,
    /// ReplicaSets of the rollout whose labels its selector does not match: it would no longer own them, and leave their
    /// pods alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<String>,
    /// What does not decode of the spec, or of the status what holds the rollout, if anything does: then nothing is
    /// adopted, created or scaled, and pods stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<String>,
    /// What is invalid in the spec, or not served by this version, if anything is: the same follows. Services that it names
    /// are not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<String>,
}

/// A ReplicaSet and the reason for its part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Adopted {
    /// Name.
    pub name: String,
    /// Its pod template hash, from its label.
    pub hash: String,
    /// Its revision; 0 where it has none.
    pub revision: i64,
    /// Pods wanted.
    pub replicas: i32,
    /// Available pods, from its status.
    pub available: i32,
    /// Nobody owns it yet: the rollout would be made its owner.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub orphan: bool,
    /// Why it plays its part.
    pub why: Reason,
}

/// The ReplicaSet of the present pod template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum New {
    /// It exists.
    Adopted(Adopted),
    /// None fits: one of this name would be created, with new pods.
    Created(String),
}

/// The stable revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StableRevision {
    /// It exists.
    Adopted(Adopted),
    /// None is recorded: the first deployment.
    None,
    /// A hash is recorded whose ReplicaSet does not exist, and its pod template is still asked for: it is made again.
    Lost(String),
    /// A hash is recorded whose ReplicaSet does not exist: nothing is scaled or promoted (decision 8).
    Missing(String),
}

/// Why a ReplicaSet plays its part; of the reasons to be new, the most certain first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// `status.currentPodHash` is its hash, and the status speaks of the present generation (decision 16).
    RecordedHash,
    /// Its hash is the one of the present template, creation time left out (decision 15).
    HashDialectOmitted,
    /// Its hash is the one of the present template, creation time null (decision 15).
    HashDialectNull,
    /// Its template says the same once defaults are filled in (decision 19).
    SemanticEquality,
    /// `status.stableRS` is its hash (decision 16).
    RecordedStable,
    /// It belongs to the rollout and is neither new nor stable.
    OldRevision,
}

impl Reason {
    /// The hash of a template in this dialect is its label.
    pub(crate) fn hash(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Omitted => Self::HashDialectOmitted,
            Dialect::Null => Self::HashDialectNull,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RecordedHash => "status.currentPodHash names it",
            Self::HashDialectOmitted => "its hash is that of the pod template (Argo Rollouts v1.9 and later)",
            Self::HashDialectNull => "its hash is that of the pod template (Argo Rollouts before v1.9)",
            Self::SemanticEquality => "its pod template is equal once defaults are filled in",
            Self::RecordedStable => "status.stableRS names it",
            Self::OldRevision => "an old revision",
        })
    }
}

/// Says which ReplicaSet would be adopted as what, and why.
#[must_use]
pub fn report(seen: &Observed) -> Report {
    let revisions = Revisions::of(seen);
    let metadata = &seen.rollout.metadata;
    let name = metadata.name.clone().unwrap_or_default();
    let new = match (revisions.new, revisions.new_why) {
        (Some(set), Some(why)) => New::Adopted(Adopted::of(set, why)),
        (Some(_), None) | (None, _) => New::Created(format!("{name}-{}", revisions.new_hash)),
    };
    let recorded_hash = &seen.rollout.status.stable_rs;
    let recorded = |set| StableRevision::Adopted(Adopted::of(set, Reason::RecordedStable));
    let stable = match (revisions.stable, revisions.new) {
        (Stable::None, _) if recorded_hash.is_empty() => StableRevision::None,
        (Stable::None, _) => StableRevision::Lost(recorded_hash.clone()),
        (Stable::Newest, Some(set)) | (Stable::Other(set), _) => recorded(set),
        (Stable::Newest, None) | (Stable::Missing, _) => StableRevision::Missing(recorded_hash.clone()),
    };
    let old = revisions.others.iter();
    let deleting = seen.replica_sets.iter().filter(|set| set.deleting);
    let released = seen
        .replica_sets
        .iter()
        .filter(|set| ownership(seen, set) == Some(Ownership::Release));
    Report {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        rollout: name,
        new,
        stable,
        old: old.map(|set| Adopted::of(set, Reason::OldRevision)).collect(),
        deleting: deleting.map(|set| set.name.clone()).collect(),
        released: released.map(|set| set.name.clone()).collect(),
        undecodable: seen
            .undecodable
            .clone()
            .or_else(|| unread::why_held(seen).map(str::to_owned)),
        invalid: invalid::of_spec(seen),
    }
}

impl Adopted {
    fn of(set: &ReplicaSet, why: Reason) -> Self {
        Self {
            name: set.name.clone(),
            hash: set.hash().to_owned(),
            revision: set.revision(),
            replicas: set.replicas,
            available: set.available_replicas,
            orphan: set.orphan,
            why,
        }
    }
}

impl fmt::Display for Adopted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            revision,
            replicas,
            available,
            orphan,
            why,
            ..
        } = self;
        let orphan = if *orphan { ", owned by nobody yet" } else { "" };
        write!(
            f,
            "{name} (revision {revision}, {available}/{replicas} pods available{orphan}): {why}"
        )
    }
}

/// One line with each part; the first names the rollout.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "rollout {}/{}", self.namespace, self.rollout)?;
        if let Some(why) = &self.undecodable {
            writeln!(f, "  not decodable: {why}: everything stays as it is")?;
        } else if let Some(why) = &self.invalid {
            writeln!(f, "  not carried out: {why}: everything stays as it is")?;
        }
        match &self.new {
            New::Adopted(set) => writeln!(f, "  new     {set}")?,
            New::Created(name) => writeln!(f, "  new     {name} would be created: no ReplicaSet fits")?,
        }
        match &self.stable {
            StableRevision::Adopted(set) => writeln!(f, "  stable  {set}")?,
            StableRevision::None => writeln!(f, "  stable  none is recorded: a first deployment")?,
            StableRevision::Lost(hash) => writeln!(
                f,
                "  stable  no ReplicaSet has the recorded hash {hash}, whose pod template is still asked for: made again"
            )?,
            StableRevision::Missing(hash) => writeln!(
                f,
                "  stable  no ReplicaSet has the recorded hash {hash}: nothing would be scaled or promoted"
            )?,
        }
        for set in &self.old {
            writeln!(f, "  old     {set}")?;
        }
        for name in &self.deleting {
            writeln!(f, "  -       {name}: its deletion is under way")?;
        }
        for name in &self.released {
            writeln!(
                f,
                "  -       {name}: the selector does not match its labels: it would be released"
            )?;
        }
        Ok(())
    }
}
