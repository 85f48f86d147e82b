//! An explanation as machines read it: `{"version": 1, "explanations": [...]}`, documented in `docs/explain.md`.
//!
//! Additions raise [`VERSION`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the output.
pub const VERSION: u32 = 1;

/// What `serin explain -o json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanations {
    /// [`VERSION`].
    pub version: u32,
    /// Worst first.
    pub explanations: Vec<Explanation>,
}

/// Why one object is in its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// Which object.
    pub object: ObjectName,
    /// Its state.
    pub state: State,
    /// One sentence: who is served by what, now.
    pub verdict: String,
    /// Which revisions users reach.
    pub serving: Vec<Serving>,
    /// Root before symptom; empty for what is healthy, paused as planned or progressing in time.
    pub causes: Vec<Cause>,
    /// What Git says; absent where Git was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitFindings>,
    /// What happens if nobody acts.
    pub next: String,
    /// What to type, safest first.
    pub commands: Vec<Command>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// An object of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectName {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The state of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Something is wrong.
    Degraded,
    /// Nothing can be said.
    Unknown,
    /// Something moves.
    Progressing,
    /// It waits for a person or for a time.
    Paused,
    /// All is as wanted.
    Healthy,
}

/// A revision that users reach, or could.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Serving {
    /// The number of the revision; `None` where no ReplicaSet carries one.
    pub revision: Option<i64>,
    /// The pod template hash.
    pub hash: String,
    /// What it is for.
    pub role: Role,
    /// What users get, in percent: the router's weight, else the share of ready pods behind the Service that users use.
    pub weight: Option<i64>,
    /// Pods that are ready.
    pub ready: i64,
    /// Pods that are wanted.
    pub wanted: i64,
}

/// What a revision is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The stable revision of a canary.
    Stable,
    /// The new revision of a canary.
    Canary,
    /// The revision behind the active Service of a blue-green.
    Active,
    /// The revision behind the preview Service of a blue-green.
    Preview,
}

/// One cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// From the closed list of [`crate::causes`].
    pub id: String,
    /// Whether it was seen.
    pub confidence: Confidence,
    /// One sentence.
    pub summary: String,
    /// What was seen.
    pub evidence: Vec<Evidence>,
}

/// How sure a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The evidence says it.
    Observed,
    /// It follows from what was seen, but was not seen itself.
    Inferred,
}

/// A fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Where it was read: `status`, `condition`, `event`, `pod`, `argocd`, `git`, …
    pub source: String,
    /// The object, as `kind/name`.
    pub object: String,
    /// The field, as a path; empty where there is none.
    pub field: String,
    /// How old the fact is, as `kubectl` writes ages; empty where that is not known.
    pub age: String,
    /// What it says, without secrets.
    pub text: String,
}

/// What Git says about an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitFindings {
    /// The commit at fault, which need not be HEAD.
    pub revision: String,
    /// The last commit that was deployed and became stable.
    pub last_good: Option<String>,
    /// The commits between the two that change this object, its pods or what it refers to, oldest first.
    pub commits: Vec<Commit>,
    /// The fields in which Git, the live object and the running stable revision differ.
    pub fields: Vec<FieldDifference>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Commit {
    /// Its full hash.
    pub sha: String,
    /// Who wrote it.
    pub author: String,
    /// When, in RFC 3339.
    pub date: String,
    /// The first line of its message.
    pub message: String,
}

/// A field in three columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldDifference {
    /// The path of the field in the object.
    pub path: String,
    /// What Git wants; `null` where Git has no such field.
    pub git: serde_json::Value,
    /// What the live object has.
    pub live: serde_json::Value,
    /// What the running stable revision has.
    pub stable: serde_json::Value,
    /// What the difference means.
    pub kind: DifferenceKind,
    /// The file that a person edits, relative to the root of the repository.
    pub file: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u32>,
}

/// What a difference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DifferenceKind {
    /// Somebody changed it.
    Meaningful,
    /// A controller owns it.
    Controller,
    /// Argo CD is told to ignore it.
    Ignored,
    /// RespectIgnoreDifferences keeps the live array.
    Frozen,
    /// The API server's defaults.
    Defaulted,
}

/// A command to type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    /// The words.
    pub run: String,
    /// What they do.
    pub effect: String,
    /// What GitOps makes of it; empty where there is none.
    pub gitops: String,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unread {
    /// What.
    pub what: String,
    /// The permission that was missing, or the reason.
    pub permission: String,
}
