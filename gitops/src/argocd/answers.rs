//! What the API answers, read leniently.

use std::collections::BTreeMap;

use serde_json::Value;

use super::application::{list, text};
use super::rules::IgnoreRule;
use super::tracking::Tracking;

/// An object in the four forms in which Argo CD compares it. Secrets are masked by Argo CD.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ManagedResource {
    /// Its API group.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What Git wants; `None` if Git has no such object.
    pub target: Option<Value>,
    /// What is there; `None` if nothing is.
    pub live: Option<Value>,
    /// What is there, without the fields that are ignored.
    pub normalized_live: Option<Value>,
    /// What would be there after a sync, without the fields that are ignored.
    pub predicted_live: Option<Value>,
    /// Whether the last two differ.
    pub modified: bool,
}

/// An object of the tree of an application: one of Git, or one that such an object owns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TreeNode {
    /// Its API group.
    pub group: String,
    /// Its version.
    pub version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// The UIDs of what owns it.
    pub parents: Vec<String>,
    /// Its health; `None` for kinds without one.
    pub health: Option<String>,
    /// What Argo CD says about its health.
    pub message: String,
    /// Names and values of what Argo CD shows beside it.
    pub info: BTreeMap<String, String>,
    /// Its images.
    pub images: Vec<String>,
    /// When it was made, in RFC 3339.
    pub created_at: String,
}

/// An event of the application, or of one of its objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// `Normal` or `Warning`.
    pub kind: String,
    /// Its reason, for instance `ResourceActionRan`.
    pub reason: String,
    /// Its message.
    pub message: String,
    /// The object, as `Kind/name`.
    pub object: String,
    /// When it was last seen, in RFC 3339.
    pub last_seen: String,
    /// How often it was seen.
    pub count: i64,
}

/// A commit, as Argo CD knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevisionMetadata {
    /// Name and e-mail address of who wrote it.
    pub author: String,
    /// When, in RFC 3339.
    pub date: String,
    /// Its message.
    pub message: String,
    /// The tags that name it.
    pub tags: Vec<String>,
}

/// Argo CD's settings, as far as comparisons need them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// How objects are marked.
    pub tracking: Tracking,
    /// Fields that all applications leave out of comparisons; empty for who is not logged in.
    pub ignore_rules: Vec<IgnoreRule>,
    /// The options of kustomize.
    pub kustomize_options: String,
    /// The namespace of Argo CD.
    pub namespace: String,
}

/// The versions of Argo CD and its tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Version {
    /// Of Argo CD.
    pub argo_cd: String,
    /// Of kustomize.
    pub kustomize: String,
}

impl ManagedResource {
    pub(super) fn of(value: &Value) -> Self {
        Self {
            group: owned(value, "/group"),
            kind: owned(value, "/kind"),
            namespace: owned(value, "/namespace"),
            name: owned(value, "/name"),
            target: document(value, "/targetState"),
            live: document(value, "/liveState"),
            normalized_live: document(value, "/normalizedLiveState"),
            predicted_live: document(value, "/predictedLiveState"),
            modified: value.pointer("/modified").and_then(Value::as_bool).unwrap_or_default(),
        }
    }
}

impl TreeNode {
    pub(super) fn of(value: &Value) -> Self {
        let health = text(value, "/health/status");
        let info = list(value, "/info")
            .iter()
            .map(|pair| (owned(pair, "/name"), owned(pair, "/value")));
        Self {
            group: owned(value, "/group"),
            version: owned(value, "/version"),
            kind: owned(value, "/kind"),
            namespace: owned(value, "/namespace"),
            name: owned(value, "/name"),
            uid: owned(value, "/uid"),
            parents: list(value, "/parentRefs")
                .iter()
                .map(|parent| owned(parent, "/uid"))
                .collect(),
            health: (!health.is_empty()).then(|| health.to_owned()),
            message: owned(value, "/health/message"),
            info: info.collect(),
            images: strings(value, "/images"),
            created_at: owned(value, "/createdAt"),
        }
    }
}

impl Event {
    pub(super) fn of(value: &Value) -> Self {
        let times = ["/lastTimestamp", "/eventTime", "/firstTimestamp"].map(|pointer| text(value, pointer));
        Self {
            kind: owned(value, "/type"),
            reason: owned(value, "/reason"),
            message: owned(value, "/message"),
            object: format!(
                "{}/{}",
                text(value, "/involvedObject/kind"),
                text(value, "/involvedObject/name")
            ),
            last_seen: times
                .into_iter()
                .find(|time| !time.is_empty())
                .unwrap_or_default()
                .to_owned(),
            count: value.pointer("/count").and_then(Value::as_i64).unwrap_or(1),
        }
    }
}

impl RevisionMetadata {
    pub(super) fn of(value: &Value) -> Self {
        Self {
            author: owned(value, "/author"),
            date: owned(value, "/date"),
            message: owned(value, "/message"),
            tags: strings(value, "/tags"),
        }
    }
}

impl Settings {
    pub(super) fn of(value: &Value) -> Self {
        let label = text(value, "/appLabelKey");
        let usual = Tracking::default();
        let overrides = value.pointer("/resourceOverrides").and_then(Value::as_object);
        let overrides = overrides.map(|map| map.iter().map(|(key, value)| (key.clone(), value.clone())).collect());
        Self {
            tracking: Tracking {
                label: if label.is_empty() {
                    usual.label
                } else {
                    label.to_owned()
                },
                by_label: text(value, "/trackingMethod").contains("label"),
            },
            ignore_rules: IgnoreRule::of_settings(&overrides.unwrap_or_default()),
            kustomize_options: owned(value, "/kustomizeOptions/BuildOptions"),
            namespace: owned(value, "/controllerNamespace"),
        }
    }
}

impl Version {
    pub(super) fn of(value: &Value) -> Self {
        Self {
            argo_cd: owned(value, "/Version"),
            kustomize: owned(value, "/KustomizeVersion"),
        }
    }
}

/// An object that Argo CD sends as JSON in a string; `null` stands for none.
pub(super) fn document(value: &Value, pointer: &str) -> Option<Value> {
    serde_json::from_str(text(value, pointer))
        .ok()
        .filter(|object: &Value| object.is_object())
}

fn owned(value: &Value, pointer: &str) -> String {
    text(value, pointer).to_owned()
}

fn strings(value: &Value, pointer: &str) -> Vec<String> {
    list(value, pointer)
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
