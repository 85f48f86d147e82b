//! K1 to K29 and D1 to D12: what kustomize does to a Rollout, before and after Serin's configuration and schema.

mod labels;
mod lists;
mod names;
mod odd;

use super::Test;
use super::support::Repository;
use serin_gitops::kustomize::shipped;

pub(crate) const TESTS: [&[Test]; 4] = [lists::TESTS, names::TESTS, labels::TESTS, odd::TESTS];

/// Upstream's configuration and schema, as its documentation advises.
const PUBLISHED_CONFIGURATION: &str = "configurations: [https://raw.githubusercontent.com/argoproj/argo-rollouts/master/docs/features/kustomize/rollout-transform.yaml]\n";
const PUBLISHED_CONFIGURATION_V5: &str = "configurations:\n- https://argoproj.github.io/argo-rollouts/features/kustomize/rollout-transform-kustomize-v5.yaml\n";
const PUBLISHED_SCHEMA: &str = "openapi:\n  path: https://raw.githubusercontent.com/argoproj/argo-rollouts/master/docs/features/kustomize/rollout_cr_schema.json\n";
/// Serin's, beside the kustomization.
const CONFIGURATION: &str = "configurations: [serin-transform.yaml]\n";
const SCHEMA: &str = "openapi: {path: serin-schema.json}\n";

/// The kinds of which a pod's containers are looked at.
pub(crate) const ROLLOUT: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  strategy:
    canary:
      steps:
      - setWeight: 5
      - pause: {}
      - setWeight: 10
      - setWeight: 50
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: main
        image: nginx:1
        ports:
        - containerPort: 80
        env:
        - {name: A, value: a}
      - name: sidecar
        image: envoy:1
";

/// The same pods in a Deployment.
fn deployment() -> String {
    let (head, rest) = ROLLOUT.split_once("  strategy:\n").unwrap();
    let (_, template) = rest.split_once("  template:\n").unwrap();
    let head = head
        .replace("argoproj.io/v1alpha1", "apps/v1")
        .replace("Rollout", "Deployment");
    format!("{head}  template:\n{template}")
}

/// A strategic merge patch of `spec` of a Rollout or Deployment `web`.
fn merge_patch(kind: &str, spec: &str) -> String {
    let version = if kind == "Rollout" {
        "argoproj.io/v1alpha1"
    } else {
        "apps/v1"
    };
    format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: web}}\nspec:\n{spec}")
}

/// A folder `o` with a kustomization of these lines, a Rollout, a Deployment, and Serin's two files.
fn overlay(kustomization: &str) -> Repository {
    let repository = Repository::of("");
    repository.write("o/kustomization.yaml", kustomization);
    repository.write("o/rollout.yaml", ROLLOUT);
    repository.write("o/deployment.yaml", &deployment());
    ship(&repository, "o");
    repository
}

/// Serin's two files in a folder.
fn ship(repository: &Repository, folder: &str) {
    repository.write(&format!("{folder}/serin-transform.yaml"), shipped::TRANSFORM);
    repository.write(&format!("{folder}/serin-schema.json"), shipped::SCHEMA);
}
