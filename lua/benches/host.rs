//! How long one call takes, machine and all: `cargo bench -p serin-lua`.
//!
//! Aim: a health check of the largest object well under 1 ms.

#![allow(clippy::expect_used, reason = "a benchmark")]

use divan::{Bencher, black_box};
use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::hooks;
use serin_lua::generate;
use serin_lua::host::Host;
use std::collections::BTreeMap;

fn main() {
    divan::main();
}

/// A health check of the usual kind: two gates, a phase, a list of conditions.
const HEALTH: &str = "
local status = obj.status
if status == nil then
  return { status = 'Progressing', message = 'not seen yet' }
end
local generation = tonumber(status.observedGeneration)
if generation ~= nil and generation < obj.metadata.generation then
  return { status = 'Progressing', message = 'not seen yet' }
end
for _, condition in ipairs(status.conditions) do
  if condition.type == 'InvalidSpec' then
    return { status = 'Degraded', message = condition.message }
  end
end
if status.phase == 'Paused' then
  return { status = 'Suspended', message = 'step ' .. tostring(status.currentStepIndex) }
end
return { status = 'Healthy', message = '' }
";

const ACTION: &str = "
local os = require('os')
obj.spec.restartAt = os.date('!%Y-%m-%dT%XZ')
return obj
";

/// A Rollout with so many steps, conditions and containers.
fn rollout(size: usize) -> Value {
    let steps: Vec<Value> = (0..size).map(|step| json!({ "setWeight": step })).collect();
    let conditions: Vec<Value> = (0..size)
        .map(|index| json!({ "type": format!("Condition{index}"), "status": "True", "message": "all is well", "lastTransitionTime": "2026-01-01T00:00:00Z" }))
        .collect();
    let containers: Vec<Value> = (0..size)
        .map(|index| {
            let env: Vec<Value> = (0..10)
                .map(|n| json!({ "name": format!("VARIABLE_{n}"), "value": "x" }))
                .collect();
            json!({ "name": format!("container-{index}"), "image": "registry.example.com/shop:1", "env": env })
        })
        .collect();
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": { "name": "checkout", "namespace": "shop", "generation": 4 },
        "spec": { "replicas": 3, "strategy": { "canary": { "steps": steps } }, "template": { "spec": { "containers": containers } } },
        "status": { "observedGeneration": "4", "phase": "Paused", "currentStepIndex": 2, "conditions": conditions },
    })
}

/// The generated health check of a Rollout.
#[divan::bench(args = [1, 30, 50])]
fn generated_health(bencher: Bencher<'_, '_>, size: usize) {
    let object = rollout(size);
    let kinds = generate::customizations(&generate::Options::default());
    let script = kinds[0].health.clone().expect("a health check");
    let host = Host::argocd();
    bencher.bench(|| host.health(black_box(&script), black_box(&object)).expect("an answer"));
}

/// The same in Rust, from the rules.
#[divan::bench(args = [1, 30, 50])]
fn health_by_rules(bencher: Bencher<'_, '_>, size: usize) {
    let object = rollout(size);
    let rules = hooks::all(&hooks::Options::default()).remove(0);
    bencher.bench(|| rules.health(black_box(&object)));
}

/// The generated discovery of a Rollout's actions.
#[divan::bench(args = [1, 50])]
fn generated_discovery(bencher: Bencher<'_, '_>, size: usize) {
    let object = rollout(size);
    let kinds = generate::customizations(&generate::Options::default());
    let script = kinds[0].actions.clone().expect("actions").discovery;
    let host = Host::argocd();
    bencher.bench(|| {
        host.discover(black_box(&script), black_box(&object))
            .expect("an answer")
    });
}

#[divan::bench(args = [1, 50])]
fn health(bencher: Bencher<'_, '_>, size: usize) {
    let object = rollout(size);
    let host = Host::argocd();
    bencher.bench(|| host.health(black_box(HEALTH), black_box(&object)).expect("an answer"));
}

#[divan::bench(args = [1, 50])]
fn action(bencher: Bencher<'_, '_>, size: usize) {
    let object = rollout(size);
    let host = Host::argocd();
    let parameters = BTreeMap::new();
    bencher.bench(|| {
        host.act(
            black_box(ACTION),
            black_box(&object),
            &parameters,
            Timestamp::UNIX_EPOCH,
        )
        .expect("an answer")
    });
}

/// The machine alone.
#[divan::bench]
fn empty(bencher: Bencher<'_, '_>) {
    let host = Host::argocd();
    let object = json!({});
    bencher.bench(|| host.health(black_box("return {}"), &object).expect("an answer"));
}
