//! Every example decodes without a field left over, and is valid.

use crate::workspace::files;
use serin_core::api::Rollout;

#[test]
fn examples_are_valid() {
    let mut findings = Vec::new();
    let mut rollouts = 0;
    // Above the base of the overlays stand patches, which are parts of Rollouts. What they build is checked by the tests of
    // `serin check` (explain/tests/check).
    let is_patch = |path: &str| path.starts_with("examples/overlays/") && !path.contains("/base/");
    let examples = files("examples");
    for file in examples
        .iter()
        .filter(|file| file.path.ends_with(".yaml") && !is_patch(&file.path))
    {
        for document in file.text.split("\n---") {
            if !document.contains("kind: Rollout") {
                continue;
            }
            let value = serde_saphyr::from_str::<serde_json::Value>(document);
            if value.as_ref().is_ok_and(|value| value["kind"] != "Rollout") {
                continue; // It names Rollouts, as an autoscaler does.
            }
            rollouts += 1;
            match value.map(serde_json::from_value::<Rollout>) {
                Ok(Ok(rollout)) => {
                    let broken = serin_core::validate::rollout(&rollout);
                    findings.extend(broken.iter().map(|broken| format!("{}: {broken}", file.path)));
                }
                Ok(Err(error)) => findings.push(format!("{}: {error}", file.path)),
                Err(error) => findings.push(format!("{}: {error}", file.path)),
            }
        }
    }
    assert!(rollouts > 0, "no example was found");
    crate::none(&findings);
}
