//! What was read, as data: from a cluster, from Argo CD, or from a bundle, which is the same written to a file.
//!
//! [`Reading`] collects objects as the API server gave them; [`Reading::finish`] takes the secrets out and gives
//! [`Sources`]. A bundle goes the same way when it is read, so that one written by hand hides its secrets as well.

mod literals;
mod object;
mod redact;

pub use object::{Object, list, number, text, time};
pub use redact::REDACTED;

use crate::explanation::{GitFindings, ObjectName, Unread};
use jiff::Timestamp;
use literals::Literals;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serin_core::api::lenient::Lenient;
use serin_core::api::{PodTemplate, Rollout};
use serin_core::identity::{Fingerprint, Identity};
use std::collections::{BTreeMap, BTreeSet};

/// The version of bundles.
pub const BUNDLE_VERSION: u32 = 1;

/// Everything that an explanation may know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Bundle")]
pub struct Sources {
    /// [`BUNDLE_VERSION`].
    pub version: u32,
    /// When it was read.
    pub now: Timestamp,
    /// What is to be explained.
    pub subjects: Vec<ObjectName>,
    /// The objects, without secrets, in any order.
    pub objects: Vec<Object>,
    /// Kinds that were listed: an object of such a kind that is not among [`Self::objects`] does not exist.
    pub listed: BTreeSet<String>,
    /// Objects that were asked for by name and do not exist, by [`key`].
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub missing: BTreeSet<String>,
    /// What could not be read, with the permission that was missing.
    pub unread: Vec<Unread>,
    /// What the templates of Rollouts and ReplicaSets hashed to before secrets were taken out, by UID.
    pub templates: BTreeMap<String, Template>,
    /// What Git says about a subject, by [`key`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub git: BTreeMap<String, GitFindings>,
}

/// What a pod template is known by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Template {
    /// Of a Rollout: hashes, and whether its spec is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Of a ReplicaSet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
}

/// How [`Sources::git`] names an object: `Kind/namespace/name`.
#[must_use]
pub fn key(object: &ObjectName) -> String {
    format!("{}/{}/{}", object.kind, object.namespace, object.name)
}

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is no JSON, or another kind of file.
    #[error("it is no bundle of `serin explain --save`: {0}")]
    Syntax(#[from] serde_json::Error),
    /// A newer Serin wrote it.
    #[error(
        "the bundle has version {0}; this Serin reads version {BUNDLE_VERSION}: use the Serin that wrote it, or a newer one"
    )]
    Version(u32),
}

impl Sources {
    /// Reads a bundle.
    ///
    /// # Errors
    /// The text is no bundle, or one of a newer version.
    pub fn from_json(text: &str) -> Result<Self, BundleError> {
        let bundle: Bundle = serde_json::from_str(text)?;
        Self::try_from(bundle)
    }

    /// The bundle: pretty-printed JSON.
    ///
    /// # Errors
    /// None in practice: everything is data with text keys.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

/// A bundle as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    version: u32,
    now: Timestamp,
    #[serde(default)]
    subjects: Vec<ObjectName>,
    objects: Vec<Value>,
    #[serde(default)]
    listed: BTreeSet<String>,
    #[serde(default)]
    missing: BTreeSet<String>,
    #[serde(default)]
    unread: Vec<Unread>,
    #[serde(default)]
    templates: BTreeMap<String, Template>,
    #[serde(default)]
    git: BTreeMap<String, GitFindings>,
}

impl TryFrom<Bundle> for Sources {
    type Error = BundleError;

    fn try_from(bundle: Bundle) -> Result<Self, BundleError> {
        if bundle.version != BUNDLE_VERSION {
            return Err(BundleError::Version(bundle.version));
        }
        let mut reading = Reading::new(bundle.now);
        reading.subjects = bundle.subjects;
        reading.unread = bundle.unread;
        reading.listed = bundle.listed;
        reading.missing = bundle.missing;
        reading.git = bundle.git;
        bundle.objects.into_iter().for_each(|object| reading.add("", object));
        let mut sources = reading.finish();
        // Those of the bundle were taken before its secrets went.
        sources.templates.extend(bundle.templates);
        Ok(sources)
    }
}

/// Objects as they came, until all are there.
#[derive(Debug)]
pub struct Reading {
    now: Timestamp,
    subjects: Vec<ObjectName>,
    objects: Vec<Value>,
    listed: BTreeSet<String>,
    missing: BTreeSet<String>,
    unread: Vec<Unread>,
    git: BTreeMap<String, GitFindings>,
}

impl Reading {
    /// Nothing yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            subjects: Vec::new(),
            objects: Vec::new(),
            listed: BTreeSet::new(),
            missing: BTreeSet::new(),
            unread: Vec::new(),
            git: BTreeMap::new(),
        }
    }

    /// Asks for an explanation of an object.
    pub fn explain(&mut self, kind: &str, namespace: &str, name: &str) {
        self.subjects.push(ObjectName {
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        });
    }

    /// Adds an object. Items of a list do not name their kind: `kind` is it then.
    pub fn add(&mut self, kind: &str, mut object: Value) {
        if let Some(members) = object.as_object_mut() {
            let named = members
                .get("kind")
                .and_then(Value::as_str)
                .is_some_and(|kind| !kind.is_empty());
            if !named && !kind.is_empty() {
                members.insert("kind".to_owned(), kind.into());
            }
            self.objects.push(object);
        }
    }

    /// What is to be explained.
    #[must_use]
    pub fn subjects(&self) -> Vec<ObjectName> {
        self.subjects.clone()
    }

    /// Adds an object in the place of an earlier reading of it, from another source.
    pub fn replace(&mut self, kind: &str, object: Value) {
        let place = |object: &Value| {
            (
                object["metadata"]["namespace"].clone(),
                object["metadata"]["name"].clone(),
            )
        };
        let same = place(&object);
        self.objects.retain(|it| it["kind"] != kind || place(it) != same);
        self.add(kind, object);
    }

    /// Notes that all objects of a kind are there, in the namespaces of the subjects: what is not among them is missing.
    pub fn listed(&mut self, kind: &str) {
        self.listed.insert(kind.to_owned());
    }

    /// Notes that an object that was asked for by name does not exist.
    pub fn missing(&mut self, object: &ObjectName) {
        self.missing.insert(key(object));
    }

    /// Notes what could not be read, once.
    pub fn unread(&mut self, what: &str, permission: &str) {
        let unread = Unread {
            what: what.to_owned(),
            permission: permission.to_owned(),
        };
        if !self.unread.contains(&unread) {
            self.unread.push(unread);
        }
    }

    /// Adds what Git says about an object.
    pub fn git(&mut self, object: &ObjectName, findings: GitFindings) {
        self.git.insert(key(object), findings);
    }

    /// The objects of a kind that were added so far.
    pub fn of_kind<'r>(&'r self, kind: &'r str) -> impl Iterator<Item = &'r Value> + 'r {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// Takes the secrets out.
    #[must_use]
    pub fn finish(self) -> Sources {
        let mut literals = Literals::default();
        self.objects.iter().for_each(|object| literals.note(object));
        let mut templates: BTreeMap<String, Template> = self.objects.iter().filter_map(template).collect();
        for identity in templates.values_mut().filter_map(|it| it.identity.as_mut()) {
            // What is wrong with a spec is told with the value that is wrong.
            if let Some(invalid) = &mut identity.invalid {
                *invalid = literals.clean(invalid).unwrap_or_else(|| invalid.clone());
            }
        }
        let clean = |object| Object(redact::object(object, &literals));
        Sources {
            version: BUNDLE_VERSION,
            now: self.now,
            subjects: self.subjects,
            objects: self.objects.into_iter().map(clean).collect(),
            listed: self.listed,
            missing: self.missing,
            unread: self.unread,
            templates,
            git: self.git,
        }
    }
}

/// What the template of an object hashes to, by its UID.
fn template(object: &Value) -> Option<(String, Template)> {
    let uid = object
        .pointer("/metadata/uid")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let template = match object["kind"].as_str()? {
        "Rollout" => Template {
            identity: Some(Identity::of(&rollout(object))),
            ..Template::default()
        },
        "ReplicaSet" => {
            let template = PodTemplate::new(object.pointer("/spec/template")?);
            let annotations = object.pointer("/metadata/annotations");
            let annotations = annotations.and_then(|it| serde_json::from_value(it.clone()).ok());
            Template {
                fingerprint: Some(Fingerprint::of_replica_set(&template, &annotations.unwrap_or_default())),
                ..Template::default()
            }
        }
        _ => return None,
    };
    Some((uid.to_owned(), template))
}

/// A Rollout as far as it can be read.
pub(crate) fn rollout(object: &Value) -> Rollout {
    let (metadata, _) = Lenient::metadata(object["metadata"].clone());
    let Lenient { rollout, .. } = Lenient::of(object.clone());
    Rollout { metadata, ..rollout }
}
