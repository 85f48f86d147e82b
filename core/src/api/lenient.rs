//! A Rollout as it is stored, read as far as it can be: what does not decode is left out and named (decision 7).

use super::ObjectMeta;
use super::rollout::{Rollout, RolloutSpec, RolloutStatus};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_path_to_error::Segment;

/// Fields that are left out of a spec, or of a status, before all of it is given up.
const MAX_LEFT_OUT: usize = 64;

/// A field of the stored status that does not decode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Unread {
    /// Its path from the status on, without indices: a list counts as one field. Empty if it is all of the status.
    pub path: Vec<String>,
    /// Its path from the root of the object on, and why it does not decode.
    pub why: String,
}

/// What could be read of a Rollout, without its metadata, and what could not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lenient {
    /// Spec and status.
    pub rollout: Rollout,
    /// The first field of the spec that does not decode, and why.
    pub undecodable: Option<String>,
    /// The fields of the status that do not decode.
    pub unread: Vec<Unread>,
}

impl Lenient {
    /// Reads the metadata of an object, and the first of its fields that does not decode, and why; never fails.
    #[must_use]
    pub fn metadata(metadata: Value) -> (ObjectMeta, Option<String>) {
        let (metadata, problems) = read::<ObjectMeta>(metadata);
        (metadata, problems.first().map(|problem| problem.told("metadata")))
    }

    /// Reads spec and status of an object; never fails.
    #[must_use]
    pub fn of(mut object: Value) -> Self {
        let mut take = |part: &str| object.get_mut(part).map(Value::take).filter(|part| !part.is_null());
        let (spec, problems) = take("spec").map(read::<RolloutSpec>).unwrap_or_default();
        let (status, unread) = take("status").map(read::<RolloutStatus>).unwrap_or_default();
        Self {
            rollout: Rollout {
                spec,
                status,
                ..Rollout::default()
            },
            undecodable: problems.first().map(|problem| problem.told("spec")),
            unread: first_of_each(unread.iter().map(Problem::unread)),
        }
    }
}

/// Reads an object of any kind without the fields that do not decode; never fails.
#[must_use]
pub fn partly<T: DeserializeOwned + Default>(object: Value) -> T {
    read(object).0
}

/// Reads one part of an object without the fields that do not decode, and says which is the first of them, from the root
/// of the object on, and why; never fails. Null is read as absent.
#[must_use]
pub fn part<T: DeserializeOwned + Default>(part: Value, root: &str) -> (T, Option<String>) {
    if part.is_null() {
        return (T::default(), None);
    }
    let (part, problems) = read(part);
    (part, problems.first().map(|problem| problem.told(root)))
}

/// One field may be left out in parts: the first reason is the one told.
fn first_of_each(all: impl Iterator<Item = Unread>) -> Vec<Unread> {
    let mut first: Vec<Unread> = Vec::new();
    for unread in all {
        if first.iter().all(|known| known.path != unread.path) {
            first.push(unread);
        }
    }
    first
}

struct Problem {
    path: Vec<Segment>,
    why: String,
}

impl Problem {
    /// The path of the field from the root of the object on, with indices.
    fn told(&self, root: &str) -> String {
        let mut field = root.to_owned();
        for segment in &self.path {
            match segment {
                Segment::Seq { index } => field.push_str(&format!("[{index}]")),
                Segment::Map { key } | Segment::Enum { variant: key } => field.push_str(&format!(".{key}")),
                Segment::Unknown => field.push_str(".?"),
            }
        }
        format!("{field}: {}", self.why)
    }

    /// A list is read and written as a whole.
    fn unread(&self) -> Unread {
        let keys = self.path.iter().map_while(|segment| match segment {
            Segment::Map { key } | Segment::Enum { variant: key } => Some(key.clone()),
            Segment::Seq { .. } | Segment::Unknown => None,
        });
        Unread {
            path: keys.collect(),
            why: self.told("status"),
        }
    }
}

/// Leaves out what cannot be decoded, one field at a time; nothing is left where there is no end to it.
fn read<T: DeserializeOwned + Default>(mut part: Value) -> (T, Vec<Problem>) {
    let mut problems = Vec::new();
    for _ in 0..MAX_LEFT_OUT {
        match serde_path_to_error::deserialize::<_, T>(&part) {
            Ok(read) => return (read, problems),
            Err(error) => {
                let path: Vec<Segment> = error.path().iter().cloned().collect();
                let removed = leave_out(&mut part, &path);
                let why = error.into_inner().to_string();
                problems.push(Problem { path, why });
                if !removed {
                    break;
                }
            }
        }
    }
    // The first reason says more than that there are too many, and the whole is what could not be read.
    let why = problems.first().map(|problem| problem.why.clone()).unwrap_or_default();
    problems.push(Problem { path: Vec::new(), why });
    (T::default(), problems)
}

/// Removes the deepest field of `path` that exists; false if there is none.
fn leave_out(object: &mut Value, path: &[Segment]) -> bool {
    let Some((last, parents)) = path.split_last() else {
        return false;
    };
    let mut holder = Some(&mut *object);
    for segment in parents {
        holder = holder.and_then(|value| child(value, segment));
    }
    let removed = match (holder, last) {
        (Some(Value::Object(fields)), Segment::Map { key }) => fields.remove(key).is_some(),
        (Some(Value::Array(items)), Segment::Seq { index }) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    };
    removed || leave_out(object, parents)
}

fn child<'v>(value: &'v mut Value, segment: &Segment) -> Option<&'v mut Value> {
    match segment {
        Segment::Map { key } => value.get_mut(key),
        Segment::Seq { index } => value.get_mut(*index),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[test]
    fn each_part_is_read_as_far_as_it_can_be() {
        let lenient = Lenient::of(json!({
            "spec": {"replicas": "three", "minReadySeconds": 5},
            "status": {"phase": "Healthy", "replicas": "x", "blueGreen": {"activeSelector": 7, "previewSelector": "p"},
                "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "soon"}], "stableRS": "abc"},
        }));
        let why = lenient.undecodable.unwrap();
        assert!(why.starts_with("spec.replicas: invalid type"), "{why}");
        assert_eq!(lenient.rollout.spec.min_ready_seconds, 5);
        let status = &lenient.rollout.status;
        assert_eq!((status.phase.as_str(), status.stable_rs.as_str()), ("Healthy", "abc"));
        assert_eq!(status.blue_green.preview_selector, "p");
        let paths: Vec<String> = lenient.unread.iter().map(|unread| unread.path.join(".")).collect();
        assert_eq!(paths.len(), 3, "{paths:?}");
        assert!(
            paths.contains(&"pauseConditions".to_owned()) && paths.contains(&"blueGreen.activeSelector".to_owned())
        );
        let pause = lenient
            .unread
            .iter()
            .find(|unread| unread.path == ["pauseConditions"])
            .unwrap();
        assert!(
            pause.why.starts_with("status.pauseConditions[0].startTime: "),
            "{}",
            pause.why
        );
    }

    #[test]
    fn of_metadata_only_what_does_not_decode_is_left_out() {
        let (metadata, why) = Lenient::metadata(json!({"name": "a", "labels": {"app": "web", "tier": 7}}));
        assert_eq!(metadata.name.as_deref(), Some("a"));
        assert_eq!(metadata.labels.unwrap().len(), 1);
        assert_eq!(
            why.unwrap(),
            "metadata.labels.tier: invalid type: integer `7`, expected a string"
        );
        let (metadata, why) = Lenient::metadata(json!({"name": "a", "annotations": ["b"]}));
        assert_eq!((metadata.name.as_deref(), metadata.annotations), (Some("a"), None));
        assert!(why.unwrap().starts_with("metadata.annotations: "));
    }

    #[test]
    fn what_is_of_the_wrong_kind_altogether_is_named_as_a_whole() {
        let lenient = Lenient::of(json!({"spec": 7, "status": {"phase": "Healthy"}}));
        assert!(lenient.undecodable.unwrap().starts_with("spec: "));
        assert_eq!(lenient.rollout.status.phase, "Healthy");
        let lenient = Lenient::of(json!({"spec": {"replicas": 2}, "status": 7}));
        assert_eq!((lenient.undecodable, lenient.rollout.spec.replicas), (None, Some(2)));
        assert!(lenient.unread.iter().any(|unread| unread.path.is_empty()));
        let bad = vec![json!(1); MAX_LEFT_OUT + 1];
        let lenient = Lenient::of(json!({"status": {"stableRS": "abc", "conditions": bad}}));
        assert!(lenient.unread.iter().any(|unread| unread.path.is_empty()), "too many");
    }
}
