//! Custom resources: definitions, schemas, generation, status and scale.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, ValidationDirective};
use serde_json::{Value, json};
use serin_sandbox::ApiServer;
use support::{code, refusal, widget, widgets};

#[tokio::test]
async fn a_definition_is_established_at_once_and_takes_its_objects_along() {
    let api = ApiServer::new();
    let things = widgets(&api).await;
    let definitions: Api<CustomResourceDefinition> = Api::all(api.client());
    let definition = definitions.get("widgets.example.com").await.unwrap();
    let conditions = definition.status.unwrap().conditions.unwrap();
    assert!(
        conditions
            .iter()
            .any(|condition| condition.type_ == "Established" && condition.status == "True")
    );
    things
        .create(&PostParams::default(), &widget("a", &json!({ "size": 1 })))
        .await
        .unwrap();
    assert_eq!(things.list(&ListParams::default()).await.unwrap().items.len(), 1);
    definitions
        .delete("widgets.example.com", &DeleteParams::default())
        .await
        .unwrap();
    assert_eq!(code(things.list(&ListParams::default()).await), 404);
}

#[tokio::test]
async fn a_schema_prunes_and_defaults() {
    let api = ApiServer::new();
    let things = widgets(&api).await;
    let spec = json!({
        "size": 2, "unknown": 1, "colour": null, "label": null, "hint": null, "surge": "25%",
        "free": { "any": { "thing": 1 } }, "map": { "k": "v" }, "parts": [{ "name": "p", "odd": true }],
    });
    let made = things
        .create(&PostParams::default(), &widget("a", &spec))
        .await
        .unwrap();
    assert_eq!(
        made.data["spec"],
        json!({
            "size": 2, "colour": "red", "hint": null, "surge": "25%",
            "free": { "any": { "thing": 1 } }, "map": { "k": "v" }, "parts": [{ "name": "p", "weight": 1 }],
        })
    );
}

/// Specs that are refused, and the text after the object's name.
fn refusals() -> Vec<(Value, &'static str)> {
    vec![
        (json!({}), "spec.size: Required value"),
        (
            json!({ "size": "x" }),
            "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"",
        ),
        (
            json!({ "size": true }),
            "spec.size: Invalid value: \"boolean\": spec.size in body must be of type integer: \"boolean\"",
        ),
        (
            json!({ "size": 0 }),
            "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
        ),
        (
            json!({ "size": 10 }),
            "spec.size: Invalid value: 10: spec.size in body should be less than or equal to 9",
        ),
        (
            json!({ "size": 1, "colour": "blue" }),
            "spec.colour: Unsupported value: \"blue\": supported values: \"red\", \"green\"",
        ),
        (
            json!({ "size": 1, "code": "AB" }),
            "spec.code: Invalid value: \"AB\": spec.code in body should match '^[a-z]+$'",
        ),
        (
            json!({ "size": 1, "code": "a" }),
            "spec.code: Invalid value: \"a\": spec.code in body should be at least 2 chars long",
        ),
        (
            json!({ "size": 1, "code": "abcde" }),
            "spec.code: Too long: may not be more than 4 bytes",
        ),
        (
            json!({ "size": 1, "surge": true }),
            "[spec.surge: Invalid value: \"boolean\": spec.surge in body must be of type integer,string: \"boolean\", \
             spec.surge: Invalid value: \"boolean\": spec.surge in body must be of type integer: \"boolean\", <nil>: Invalid value: \
             \"\": \"spec.surge\" must validate at least one schema (anyOf)]",
        ),
        (
            json!({ "size": 1, "parts": [{}] }),
            "spec.parts[0].name: Required value",
        ),
        (
            json!({ "size": 1, "parts": [{ "name": "a" }, { "name": "a" }] }),
            "spec.parts[1]: Duplicate value: {\"name\":\"a\"}",
        ),
        // A real server does not look at the format int32 (seen on 1.35.4), only at the limits.
        (
            json!({ "size": 3_000_000_000_u64 }),
            "spec.size: Invalid value: 3000000000: spec.size in body should be less than or equal to 9",
        ),
        (
            json!({ "size": 0, "colour": "blue" }),
            "[spec.colour: Unsupported value: \"blue\": supported values: \"red\", \"green\", spec.size: Invalid value: \
             0: spec.size in body should be greater than or equal to 1]",
        ),
    ]
}

/// Errors of these kinds keep a real server from looking at the rules of a schema, and it says so.
fn with_rules_left_out(expected: &str) -> String {
    let kinds = [
        "Required value",
        "Too long",
        "Too many",
        "Unsupported value",
        "in body must be of type",
    ];
    if !kinds.iter().any(|kind| expected.contains(kind)) {
        return expected.to_owned();
    }
    let list = expected
        .strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'))
        .unwrap_or(expected);
    format!(
        "[{list}, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct \
         the existing errors to complete validation]"
    )
}

#[tokio::test]
async fn a_schema_refuses_with_the_words_of_a_real_server() {
    let api = ApiServer::new();
    let things = widgets(&api).await;
    for (spec, expected) in &refusals() {
        let status = refusal(things.create(&PostParams::default(), &widget("x", spec)).await);
        assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"), "{spec}");
        let expected = with_rules_left_out(expected);
        assert_eq!(
            status.message,
            format!("Widget.example.com \"x\" is invalid: {expected}")
        );
    }
    let status = refusal(things.create(&PostParams::default(), &widget("x", &json!({}))).await);
    let details = status.details.unwrap();
    assert_eq!(
        (details.kind.as_str(), details.group.as_str(), details.name.as_str()),
        ("Widget", "example.com", "x")
    );
    assert_eq!(
        (details.causes[0].field.as_str(), details.causes[0].reason.as_str()),
        ("spec.size", "FieldValueRequired")
    );
}

#[tokio::test]
async fn a_value_that_never_changes() {
    let api = ApiServer::new();
    let things = widgets(&api).await;
    things
        .create(
            &PostParams::default(),
            &widget("a", &json!({ "size": 1, "fixed": "x" })),
        )
        .await
        .unwrap();
    let patch = Patch::Merge(json!({ "spec": { "fixed": "y" } }));
    let status = refusal(things.patch("a", &PatchParams::default(), &patch).await);
    assert_eq!(
        status.message,
        "Widget.example.com \"a\" is invalid: spec.fixed: Invalid value: \"string\": fixed is immutable"
    );
}

#[tokio::test]
async fn generation_counts_changes_of_the_spec_only() {
    let api = ApiServer::new();
    let things = widgets(&api).await;
    let params = PatchParams::default();
    let made = things
        .create(&PostParams::default(), &widget("a", &json!({ "size": 1 })))
        .await
        .unwrap();
    assert_eq!(made.metadata.generation, Some(1));
    let labelled = things
        .patch(
            "a",
            &params,
            &Patch::Merge(json!({ "metadata": { "labels": { "x": "y" } } })),
        )
        .await
        .unwrap();
    assert_eq!(labelled.metadata.generation, Some(1));
    let changed = things
        .patch(
            "a",
            &params,
            &Patch::Merge(json!({ "spec": { "size": 2 }, "status": { "note": "no" } })),
        )
        .await
        .unwrap();
    assert_eq!(
        (changed.metadata.generation, changed.data.get("status")),
        (Some(2), None),
        "status is a subresource"
    );
    let status = json!({ "metadata": { "labels": { "x": "z" } }, "spec": { "size": 9 }, "status": { "note": "yes" } });
    let reported = things.patch_status("a", &params, &Patch::Merge(status)).await.unwrap();
    assert_eq!(reported.metadata.generation, Some(2));
    assert_eq!(reported.data["spec"]["size"], 2, "a status write changes status alone");
    assert_eq!(reported.metadata.labels.unwrap()["x"], "y");
    assert_eq!(reported.data["status"]["note"], "yes");
    let mut replaced = things.get("a").await.unwrap();
    replaced.data["status"]["note"] = json!("other");
    let same = things.replace("a", &PostParams::default(), &replaced).await.unwrap();
    assert_eq!(
        same.metadata.resource_version, replaced.metadata.resource_version,
        "nothing was left to change"
    );
    replaced.metadata.resource_version = None;
    let status = refusal(things.replace("a", &PostParams::default(), &replaced).await);
    assert!(
        status.message.ends_with("must be specified for an update"),
        "{}",
        status.message
    );
}

#[tokio::test]
async fn scale_follows_the_paths_of_the_definition() {
    let api = ApiServer::new();
    let things = widgets(&api).await;
    things
        .create(&PostParams::default(), &widget("a", &json!({ "size": 1 })))
        .await
        .unwrap();
    assert_eq!(code(things.get_scale("a").await), 500, "no replicas yet");
    let five = Patch::Merge(json!({ "spec": { "replicas": 5 } }));
    let scale = things.patch_scale("a", &PatchParams::default(), &five).await.unwrap();
    assert_eq!(scale.spec.unwrap().replicas, Some(5));
    let status = Patch::Merge(json!({ "status": { "replicas": 3, "selector": "app=a" } }));
    things
        .patch_status("a", &PatchParams::default(), &status)
        .await
        .unwrap();
    let scale = things.get_scale("a").await.unwrap().status.unwrap();
    assert_eq!((scale.replicas, scale.selector.as_deref()), (3, Some("app=a")));
    assert_eq!(things.get("a").await.unwrap().metadata.generation, Some(2));
    let negative = Patch::Merge(json!({ "spec": { "replicas": -1 } }));
    let status = refusal(things.patch_scale("a", &PatchParams::default(), &negative).await);
    assert_eq!(
        status.message,
        "Widget.example.com \"a\" is invalid: .spec.replicas: Invalid value: -1: should be a non-negative integer"
    );
}

#[tokio::test]
async fn patches_of_each_kind() {
    let api = ApiServer::new();
    let things = widgets(&api).await;
    let params = PatchParams::default();
    things
        .create(&PostParams::default(), &widget("a", &json!({ "size": 1 })))
        .await
        .unwrap();
    let strategic = Patch::Strategic(json!({ "spec": { "size": 2 } }));
    let status = refusal(things.patch("a", &params, &strategic).await);
    assert_eq!((status.code, status.reason.as_str()), (415, "UnsupportedMediaType"));
    let json_patch = |text: Value| Patch::<()>::Json(serde_json::from_value(text).unwrap());
    let test = json!([{ "op": "test", "path": "/spec/size", "value": 7 }, { "op": "replace", "path": "/spec/size", "value": 3 }]);
    let status = refusal(things.patch("a", &params, &json_patch(test)).await);
    assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"));
    let replace = json!([{ "op": "replace", "path": "/spec/size", "value": 3 }]);
    let patched = things.patch("a", &params, &json_patch(replace)).await.unwrap();
    assert_eq!(patched.data["spec"]["size"], 3);
    let apply = Patch::Apply(widget("a", &json!({ "size": 4 })));
    // Size belongs to those who wrote it before.
    assert_eq!(code(things.patch("a", &PatchParams::apply("me"), &apply).await), 409);
    let applied = things
        .patch("a", &PatchParams::apply("me").force(), &apply)
        .await
        .unwrap();
    assert_eq!(applied.data["spec"]["size"], 4);
    assert_eq!(code(things.patch("none", &params, &Patch::Merge(json!({}))).await), 404);
    assert_eq!(
        code(
            things
                .patch("a", &params, &Patch::Merge(json!({ "metadata": { "uid": "other" } })))
                .await
        ),
        409
    );
}

#[tokio::test]
async fn dry_runs_and_strict_writes() {
    let api = ApiServer::new();
    let things = widgets(&api).await;
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let before = api.revision();
    assert_eq!(
        things
            .create(&dry, &widget("a", &json!({ "size": 1 })))
            .await
            .unwrap()
            .data["spec"]["colour"],
        "red"
    );
    assert_eq!((things.get_opt("a").await.unwrap(), api.revision()), (None, before));

    things
        .create(&PostParams::default(), &widget("a", &json!({ "size": 1 })))
        .await
        .unwrap();
    let patch = Patch::Merge(json!({ "spec": { "sise": 2 } }));
    let strict = PatchParams {
        field_validation: Some(ValidationDirective::Strict),
        ..PatchParams::default()
    };
    let status = refusal(things.patch("a", &strict, &patch).await);
    assert_eq!(status.code, 422);
    let value = "\\\"spec\\\":{\\\"colour\\\":\\\"red\\\",\\\"sise\\\":2,\\\"size\\\":1}}\"";
    let end = format!("{value}: strict decoding error: unknown field \"spec.sise\"");
    assert!(status.message.ends_with(&end), "{}", status.message);
    things.patch("a", &PatchParams::default(), &patch).await.unwrap();
}

#[tokio::test]
async fn a_collection_is_deleted_by_selector() {
    let api = ApiServer::new();
    let things = widgets(&api).await;
    for (name, team) in [("a", "x"), ("b", "y"), ("c", "x")] {
        let mut one = widget(name, &json!({ "size": 1 }));
        one.metadata.labels = Some([("team".to_owned(), team.to_owned())].into());
        things.create(&PostParams::default(), &one).await.unwrap();
    }
    things
        .delete_collection(&DeleteParams::default(), &ListParams::default().labels("team=x"))
        .await
        .unwrap();
    let left = things.list(&ListParams::default()).await.unwrap();
    assert_eq!(
        left.items
            .iter()
            .map(|one| one.metadata.name.clone().unwrap())
            .collect::<Vec<_>>(),
        ["b"]
    );
}
