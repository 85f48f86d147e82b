//! Pods as objects: their age, their labels and annotations.

use super::Why;
use super::fields::compare;
use super::stage::{Stage, length};
use serde_json::json;

/// `of r1 label role: active`, `of r1 annotation a: absent`, `of r1 are 10s old`: each of them.
pub fn check(stage: &Stage, text: &str) -> Result<(), Why> {
    let (revision, rest) = text.split_once(' ').ok_or_else(|| Why::not_understood("no field"))?;
    let set = &stage.world.sets[stage.find(revision)?];
    if set.pods.is_empty() {
        return Err(Why::Otherwise {
            expected: format!("pods of {revision}"),
            actual: "none".to_owned(),
        });
    }
    if let Some(age) = rest.strip_prefix("are ").and_then(|rest| rest.strip_suffix(" old")) {
        let born = stage.world.now.checked_sub(length(age)?).ok();
        let ages = set
            .pods
            .iter()
            .map(|pod| stage.world.now.duration_since(pod.created).as_secs());
        let ages = ages.collect::<Vec<_>>();
        if set.pods.iter().all(|pod| Some(pod.created) == born) {
            return Ok(());
        }
        return Err(Why::Otherwise {
            expected: age.to_owned(),
            actual: format!("seconds {ages:?}"),
        });
    }
    let (key, expected) = rest.split_once(": ").ok_or_else(|| Why::not_understood("no value"))?;
    for pod in &set.pods {
        let value = if let Some(key) = key.strip_prefix("label ") {
            pod.injected.labels.get(key)
        } else if let Some(key) = key.strip_prefix("annotation ") {
            pod.injected.annotations.get(key)
        } else {
            return Err(Why::not_understood("neither a label nor an annotation"));
        };
        compare(stage, expected, &json!(value))?;
    }
    Ok(())
}
