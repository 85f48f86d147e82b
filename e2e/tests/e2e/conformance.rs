//! The same calls to the sandbox and to a real API server. Each expectation is what the real one answers.

use anyhow::Result;
use serde_json::{Value, json};
use serin_e2e::World;
use serin_e2e::calls::{Calls, JSON_PATCH, MERGE, STRATEGIC};

fn map(name: &str) -> Value {
    json!({"metadata": {"name": name}, "data": {"x": "1"}})
}

/// Nobody serves it: another instance's.
fn rollout(name: &str) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": name, "labels": {"argo-rollouts.argoproj.io/controller-instance-id": "nobody"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "m", "image": "a:1"}]}},
            "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}}})
}

fn set(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "m", "image": "a:1"}]}}}})
}

pub(crate) async fn objects_are_created(world: &mut World) -> Result<()> {
    let mut c = Calls::new(world);
    c.get(
        "configmaps/a",
        404,
        json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404,
        "message": "configmaps \"a\" not found", "details": {"name": "a", "kind": "configmaps"}}),
    )
    .await?;
    c.create(
        "configmaps",
        map("a"),
        201,
        json!({"kind": "ConfigMap", "apiVersion": "v1", "data": {"x": "1"},
        "metadata": {"name": "a", "namespace": "{ns}", "generation": null}}),
    )
    .await?;
    c.create(
        "configmaps",
        map("a"),
        409,
        json!({"reason": "AlreadyExists", "message": "configmaps \"a\" already exists"}),
    )
    .await?;
    c.create("configmaps", map("Bad_Name"), 422, json!({"reason": "Invalid",
        "message": "~ConfigMap \"Bad_Name\" is invalid: metadata.name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 subdomain"})).await?;
    c.create(
        "configmaps",
        json!({"data": {}}),
        422,
        json!({"reason": "Invalid",
        "message": "~metadata.name: Required value: name or generateName is required"}),
    )
    .await?;
    c.create(
        "/api/v1/namespaces/nowhere-at-all/configmaps",
        map("a"),
        404,
        json!({"reason": "NotFound",
        "message": "namespaces \"nowhere-at-all\" not found"}),
    )
    .await?;
    c.create(
        "configmaps",
        json!({"metadata": {"name": "b", "namespace": "other"}}),
        400,
        json!({"reason": "BadRequest",
        "message": "the namespace of the provided object does not match the namespace sent on the request"}),
    )
    .await?;
    c.create(
        "configmaps?dryRun=All",
        map("dry"),
        201,
        json!({"metadata": {"name": "dry"}}),
    )
    .await?;
    c.get("configmaps/dry", 404, Value::Null).await?;
    c.end()
}

pub(crate) async fn objects_are_patched(world: &mut World) -> Result<()> {
    let mut c = Calls::new(world);
    let made = c.create("configmaps", map("a"), 201, Value::Null).await?;
    c.keep("old", &made, "/metadata/resourceVersion")?;
    // A write that changes nothing is no write.
    c.patch(
        MERGE,
        "configmaps/a",
        json!({"data": {"x": "1"}}),
        200,
        json!({"metadata": {"resourceVersion": "{old}"}}),
    )
    .await?;
    c.patch(
        MERGE,
        "configmaps/a",
        json!({"data": {"x": "2", "y": "3"}}),
        200,
        json!({"data": {"x": "2", "y": "3"}}),
    )
    .await?;
    c.patch(
        MERGE,
        "configmaps/a",
        json!({"data": {"y": null}}),
        200,
        json!({"data": {"x": "2", "y": null}}),
    )
    .await?;
    c.patch(MERGE, "configmaps/a", json!({"metadata": {"resourceVersion": "{old}"}, "data": {"x": "9"}}), 409,
        json!({"reason": "Conflict", "message": "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; \
            please apply your changes to the latest version and try again"})).await?;
    c.patch(
        JSON_PATCH,
        "configmaps/a",
        json!([{"op": "test", "path": "/data/x", "value": "7"}]),
        422,
        json!({"reason": "Invalid"}),
    )
    .await?;
    c.patch(
        JSON_PATCH,
        "configmaps/a",
        json!([{"op": "replace", "path": "/data/x", "value": "7"}]),
        200,
        json!({"data": {"x": "7"}}),
    )
    .await?;
    c.patch(
        STRATEGIC,
        "configmaps/a",
        json!({"data": {"z": "1"}}),
        200,
        json!({"data": {"x": "7", "z": "1"}}),
    )
    .await?;
    c.patch(
        "text/plain",
        "configmaps/a",
        json!({}),
        415,
        json!({"reason": "UnsupportedMediaType"}),
    )
    .await?;
    c.patch(
        MERGE,
        "configmaps/none",
        json!({}),
        404,
        json!({"reason": "NotFound", "message": "configmaps \"none\" not found"}),
    )
    .await?;
    c.end()
}

pub(crate) async fn objects_are_replaced_and_deleted(world: &mut World) -> Result<()> {
    let mut c = Calls::new(world);
    let made = c.create("configmaps", map("a"), 201, Value::Null).await?;
    c.keep("old", &made, "/metadata/resourceVersion")?;
    c.keep("uid", &made, "/metadata/uid")?;
    c.patch(MERGE, "configmaps/a", json!({"data": {"x": "2"}}), 200, Value::Null)
        .await?;
    let mut stale = map("a");
    stale["metadata"]["resourceVersion"] = json!("{old}");
    c.replace("configmaps/a", stale, 409, json!({"reason": "Conflict"}))
        .await?;
    let mut other = map("a");
    other["metadata"]["uid"] = json!("11111111-2222-3333-4444-555555555555");
    c.replace("configmaps/a", other, 409, json!({"reason": "Conflict",
        "message": "~Precondition failed: UID in precondition: 11111111-2222-3333-4444-555555555555, UID in object meta: {uid}"})).await?;
    c.replace(
        "configmaps/b",
        map("a"),
        400,
        json!({"reason": "BadRequest",
        "message": "the name of the object (a) does not match the name on the URL (b)"}),
    )
    .await?;
    c.delete("configmaps/a", json!({"preconditions": {"uid": "11111111-2222-3333-4444-555555555555"}}), 409, json!({"reason": "Conflict",
        "message": "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (11111111-2222-3333-4444-555555555555) does \
            not match the UID in record ({uid}). The object might have been deleted and then recreated"})).await?;
    c.delete("configmaps/a", json!({"preconditions": {"resourceVersion": "{old}"}}), 409, json!({"reason": "Conflict",
        "message": "~Operation cannot be fulfilled on ConfigMap \"a\": the ResourceVersion in the precondition ({old}) does not match the \
            ResourceVersion in record ("})).await?;
    c.delete(
        "configmaps/a",
        Value::Null,
        200,
        json!({"kind": "Status", "status": "Success",
        "details": {"name": "a", "kind": "configmaps", "uid": "{uid}"}}),
    )
    .await?;
    c.delete("configmaps/a", Value::Null, 404, json!({"reason": "NotFound"}))
        .await?;
    c.get("/apis/nobody.example/v1/things", 404, Value::Null).await?;
    c.end()
}

async fn three_maps(c: &mut Calls<'_>) -> Result<()> {
    for name in ["m0", "m1", "m2"] {
        let mut map = map(name);
        map["metadata"]["labels"] = json!({"set": "m", "name": name});
        c.create("configmaps", map, 201, Value::Null).await?;
    }
    Ok(())
}

pub(crate) async fn lists(world: &mut World) -> Result<()> {
    let mut c = Calls::new(world);
    three_maps(&mut c).await?;
    let named = |names: &[&str]| {
        names
            .iter()
            .map(|it| json!({"metadata": {"name": it}}))
            .collect::<Value>()
    };
    c.get(
        "configmaps?labelSelector=set%3Dm",
        200,
        json!({"kind": "ConfigMapList", "apiVersion": "v1",
        "items": named(&["m0", "m1", "m2"])}),
    )
    .await?;
    c.get(
        "configmaps?labelSelector=name+in+(m0,m2)",
        200,
        json!({"items": named(&["m0", "m2"])}),
    )
    .await?;
    c.get(
        "configmaps?labelSelector=set%3Dm,name+notin+(m0,m2)",
        200,
        json!({"items": named(&["m1"])}),
    )
    .await?;
    c.get("configmaps?labelSelector=!set,name", 200, json!({"items": []}))
        .await?;
    c.get("configmaps?labelSelector=a+b+c", 400, json!({"reason": "BadRequest"}))
        .await?;
    c.get(
        "configmaps?fieldSelector=metadata.name%3Dm1",
        200,
        json!({"items": named(&["m1"])}),
    )
    .await?;
    c.get(
        "configmaps?fieldSelector=data.x%3D1",
        400,
        json!({"reason": "BadRequest",
        "message": "\"data.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""}),
    )
    .await?;
    let first = c
        .get(
            "configmaps?labelSelector=set%3Dm&limit=2",
            200,
            json!({"items": named(&["m0", "m1"])}),
        )
        .await?;
    c.keep("token", &first, "/metadata/continue")?;
    c.get(
        "configmaps?labelSelector=set%3Dm&limit=2&continue={token}",
        200,
        json!({"items": named(&["m2"]), "metadata": {"continue": null}}),
    )
    .await?;
    c.get(
        "configmaps?limit=2&continue=rubbish",
        400,
        json!({"reason": "BadRequest"}),
    )
    .await?;
    c.end()
}

pub(crate) async fn watches(world: &mut World) -> Result<()> {
    let mut c = Calls::new(world);
    three_maps(&mut c).await?;
    let all = c.get("configmaps?labelSelector=set%3Dm", 200, Value::Null).await?;
    c.keep("from", &all, "/metadata/resourceVersion")?;
    c.patch(MERGE, "configmaps/m1", json!({"data": {"x": "2"}}), 200, Value::Null)
        .await?;
    c.patch(
        MERGE,
        "configmaps/m0",
        json!({"metadata": {"labels": {"set": "n"}}}),
        200,
        Value::Null,
    )
    .await?;
    c.delete("configmaps/m2", Value::Null, 200, Value::Null).await?;
    c.get(
        "configmaps?labelSelector=set%3Dm&watch=true&timeoutSeconds=1&resourceVersion={from}",
        200,
        json!([
        {"type": "MODIFIED", "object": {"kind": "ConfigMap", "metadata": {"name": "m1"}, "data": {"x": "2"}}},
        {"type": "DELETED", "object": {"metadata": {"name": "m0"}}},
        {"type": "DELETED", "object": {"metadata": {"name": "m2"}}}]),
    )
    .await?;
    c.get(
        "configmaps?labelSelector=set%3Dm&watch=true&timeoutSeconds=1",
        200,
        json!([{"type": "ADDED", "object": {"metadata": {"name": "m1"}}}]),
    )
    .await?;
    c.get("rollouts?resourceVersion=rubbish", 400, json!({"reason": "BadRequest"}))
        .await?;
    c.end()
}

pub(crate) async fn custom_resources_are_checked(world: &mut World) -> Result<()> {
    let mut c = Calls::new(world);
    let mut written = rollout("a");
    written["status"] = json!({"phase": "Healthy"});
    written["spec"]["unknown"] = json!(1);
    // The status is not taken at creation, unknown fields are pruned, the generation begins at 1.
    c.create(
        "rollouts",
        written,
        201,
        json!({"metadata": {"generation": 1, "name": "a"}, "status": null,
        "spec": {"unknown": null, "replicas": 2}}),
    )
    .await?;
    let mut strict = rollout("strict");
    strict["spec"]["unknown"] = json!(1);
    c.create(
        "rollouts?fieldValidation=Strict",
        strict,
        400,
        json!({"reason": "BadRequest",
        "message": "~strict decoding error: unknown field \"spec.unknown\""}),
    )
    .await?;
    let mut wrong = rollout("wrong");
    wrong["spec"]["replicas"] = json!("two");
    c.create("rollouts", wrong, 422, json!({"reason": "Invalid",
        "message": "~spec.replicas: Invalid value: \"string\": spec.replicas in body must be of type integer: \"string\""})).await?;
    c.end()
}

pub(crate) async fn status_and_generation(world: &mut World) -> Result<()> {
    let mut c = Calls::new(world);
    c.create("rollouts", rollout("a"), 201, Value::Null).await?;
    c.patch(
        MERGE,
        "rollouts/a",
        json!({"metadata": {"annotations": {"k": "v"}}}),
        200,
        json!({"metadata": {"generation": 1}}),
    )
    .await?;
    c.patch(
        MERGE,
        "rollouts/a",
        json!({"spec": {"replicas": 3}}),
        200,
        json!({"metadata": {"generation": 2}, "spec": {"replicas": 3}}),
    )
    .await?;
    // The main resource ignores the status, the status subresource all else.
    let seen = c
        .patch(
            MERGE,
            "rollouts/a",
            json!({"status": {"phase": "Paused"}}),
            200,
            json!({"metadata": {"generation": 2}, "status": null}),
        )
        .await?;
    c.keep("rv", &seen, "/metadata/resourceVersion")?;
    c.patch(
        MERGE,
        "rollouts/a/status",
        json!({"status": {"phase": "Paused", "HPAReplicas": 3, "selector": "app=a"},
        "spec": {"replicas": 9}, "metadata": {"annotations": {"no": "x"}}}),
        200,
        json!({"metadata": {"generation": 2,
        "annotations": {"no": null, "k": "v"}}, "spec": {"replicas": 3}, "status": {"phase": "Paused"}}),
    )
    .await?;
    c.patch(MERGE, "rollouts/a/status", json!({"metadata": {"resourceVersion": "{rv}"}, "status": {"phase": "x"}}), 409, json!({"reason": "Conflict",
        "message": "Operation cannot be fulfilled on rollouts.argoproj.io \"a\": the object has been modified; please apply your changes \
            to the latest version and try again"})).await?;
    c.patch(
        STRATEGIC,
        "rollouts/a",
        json!({}),
        415,
        json!({"reason": "UnsupportedMediaType"}),
    )
    .await?;
    c.end()
}

pub(crate) async fn scale(world: &mut World) -> Result<()> {
    let mut c = Calls::new(world);
    c.create("rollouts", rollout("a"), 201, Value::Null).await?;
    c.patch(MERGE, "rollouts/a", json!({"spec": {"replicas": 3}}), 200, Value::Null)
        .await?;
    let status = json!({"status": {"HPAReplicas": 3, "selector": "app=a"}});
    c.patch(MERGE, "rollouts/a/status", status, 200, Value::Null).await?;
    c.get(
        "rollouts/a/scale",
        200,
        json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "spec": {"replicas": 3},
        "status": {"replicas": 3, "selector": "app=a"}}),
    )
    .await?;
    c.patch(
        MERGE,
        "rollouts/a/scale",
        json!({"spec": {"replicas": 5}}),
        200,
        json!({"kind": "Scale", "spec": {"replicas": 5}}),
    )
    .await?;
    c.get(
        "rollouts/a",
        200,
        json!({"metadata": {"generation": 3}, "spec": {"replicas": 5}}),
    )
    .await?;
    c.get(
        "rollouts/none/status",
        404,
        json!({"reason": "NotFound", "message": "rollouts.argoproj.io \"none\" not found"}),
    )
    .await?;
    c.patch(
        MERGE,
        "rollouts/none/status",
        json!({"status": {}}),
        404,
        json!({"message": "rollouts.argoproj.io \"none\" not found"}),
    )
    .await?;
    c.patch(
        JSON_PATCH,
        "rollouts/a",
        json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "a:2"}]),
        200,
        json!({"metadata": {"generation": 4}}),
    )
    .await?;
    c.end()
}

pub(crate) async fn finalizers(world: &mut World) -> Result<()> {
    let mut c = Calls::new(world);
    c.create("rollouts", rollout("a"), 201, Value::Null).await?;
    c.patch(
        MERGE,
        "rollouts/a",
        json!({"metadata": {"finalizers": ["example.com/hold"]}}),
        200,
        json!({"metadata": {"generation": 1}}),
    )
    .await?;
    c.delete(
        "rollouts/a",
        Value::Null,
        200,
        json!({"metadata": {"finalizers": ["example.com/hold"], "generation": 2}}),
    )
    .await?;
    c.get(
        "rollouts/a",
        200,
        json!({"metadata": {"deletionGracePeriodSeconds": 0}}),
    )
    .await?;
    c.patch(
        MERGE,
        "rollouts/a",
        json!({"metadata": {"finalizers": null}}),
        200,
        Value::Null,
    )
    .await?;
    c.get(
        "rollouts/a",
        404,
        json!({"message": "rollouts.argoproj.io \"a\" not found"}),
    )
    .await?;
    c.end()
}

pub(crate) async fn replica_sets(world: &mut World) -> Result<()> {
    let mut c = Calls::new(world);
    c.create("replicasets", set("s"), 201, json!({"metadata": {"generation": 1}, "spec": {"template": {"spec": {
        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
        "containers": [{"imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log"}]}}}})).await?;
    let mut unlike = set("u");
    unlike["spec"]["selector"]["matchLabels"]["app"] = json!("else");
    c.create(
        "replicasets",
        unlike,
        422,
        json!({"reason": "Invalid", "message": "~ReplicaSet.apps \"u\" is invalid: \
        spec.template.metadata.labels: Invalid value: {\"app\":\"u\"}: `selector` does not match template `labels`"}),
    )
    .await?;
    let mut negative = set("n");
    negative["spec"]["replicas"] = json!(-1);
    c.create("replicasets", negative, 422, json!({"reason": "Invalid", "message": "~spec.replicas: Invalid value: -1: must be greater than or equal to 0"})).await?;
    c.patch(
        MERGE,
        "replicasets/s",
        json!({"spec": {"selector": {"matchLabels": {"app": "x"}}}}),
        422,
        json!({"reason": "Invalid",
        "message": "~field is immutable"}),
    )
    .await?;
    c.patch(
        MERGE,
        "replicasets/s",
        json!({"metadata": {"annotations": {"a": "b"}}}),
        200,
        json!({"metadata": {"generation": 1}}),
    )
    .await?;
    c.patch(
        MERGE,
        "replicasets/s",
        json!({"spec": {"minReadySeconds": 3}}),
        200,
        json!({"metadata": {"generation": 2}}),
    )
    .await?;
    c.get(
        "replicasets/s/scale",
        200,
        json!({"kind": "Scale", "spec": {"replicas": null}, "status": {"replicas": 0, "selector": "app=s"}}),
    )
    .await?;
    c.delete(
        "replicasets/s",
        json!({"propagationPolicy": "Background"}),
        200,
        json!({"status": "Success"}),
    )
    .await?;
    c.end()
}

pub(crate) async fn owners_take_their_own_along(world: &mut World) -> Result<()> {
    let mut c = Calls::new(world);
    let owner = c.create("configmaps", map("owner"), 201, Value::Null).await?;
    c.keep("owner", &owner, "/metadata/uid")?;
    let mut owned = map("owned");
    owned["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "{owner}"}]);
    c.create("configmaps", owned, 201, Value::Null).await?;
    c.delete(
        "configmaps/owner",
        json!({"propagationPolicy": "Background"}),
        200,
        Value::Null,
    )
    .await?;
    let mut left = 200;
    for _ in 0..100 {
        left = c.probe("configmaps/owned").await?;
        if left == 404 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::ensure!(left == 404, "what it owned is still there");
    let mut two = map("two");
    two["metadata"]["ownerReferences"] = json!([
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x", "controller": true},
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "y", "uid": "y", "controller": true}]);
    c.create(
        "configmaps",
        two,
        422,
        json!({"reason": "Invalid",
        "message": "~Only one reference can have Controller set to true"}),
    )
    .await?;
    c.end()
}
