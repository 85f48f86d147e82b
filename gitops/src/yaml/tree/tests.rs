#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::yaml::read;
use serde_json::json;

fn root(text: &str) -> Node {
    read(text.as_bytes()).unwrap().documents.remove(0).root
}

#[test]
fn a_path_as_findings_write_it_is_found_in_the_object() {
    let object = root(
        "metadata: {labels: {app.io/name: x}}\nspec: {strategy: {canary: {steps: [{setWeight: 1}]}}, a: {b: 1}, c: {b: 1}}\n",
    )
    .to_json();
    for (text, wanted) in [
        ("metadata.labels.app.io/name", "metadata.labels.app.io/name"),
        (
            "spec.strategy.steps[0].setWeight",
            "spec.strategy.canary.steps[0].setWeight",
        ),
        (
            "spec.strategy.steps[3].setWeight",
            "spec.strategy.canary.steps[3].setWeight",
        ),
        ("spec.b", "spec.b"),
        ("spec.new.field", "spec.new.field"),
        ("", ""),
    ] {
        assert_eq!(FieldPath::within(text, &object).to_string(), wanted, "{text}");
    }
    let label = FieldPath::within("metadata.labels.app.io/name", &object);
    assert_eq!(label.of(&object), Some(&json!("x")));
    assert_eq!(
        FieldPath::from_pointer("/spec/steps/0/a~1b"),
        FieldPath::parse("spec.steps[0]").key("a/b")
    );
}
