//! Every example decodes without a field left over, and is valid.

use crate::workspace::files;
use serin_core::api::Rollout;

#[test]
fn examples_are_valid() {
    let mut findings = Vec::new();
    let mut rollouts = 0;
    // Overlays hold patches of Rollouts; `serin check` builds and judges them (cli/tests/check.rs).
    let is_whole = |path: &str| path.ends_with(".yaml") && !path.starts_with("examples/overlays/");
    for file in files("examples").iter().filter(|file| is_whole(&file.path)) {
        for document in file.text.split("\n---") {
            if !document.contains("kind: Rollout") {
                continue;
            }
            rollouts += 1;
            match serde_saphyr::from_str::<serde_json::Value>(document).map(serde_json::from_value::<Rollout>) {
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
