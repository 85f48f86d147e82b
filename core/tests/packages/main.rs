//! What people install: the kustomize bases, the single files and the Helm chart say the same.
//!
//! `UPDATE=1 cargo test -p serin-core --test packages` writes the generated files again. What needs kustomize or Helm is
//! ignored where they are missing: `KUBECTL` and `SERIN_HELM` name them, else they are taken from PATH or from where
//! `e2e/controlplane/build` and `e2e/helm/build` put them.
#![allow(
    clippy::disallowed_types,
    reason = "kustomize and Helm are programs; this is a test, and decides nothing"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(
    clippy::disallowed_methods,
    reason = "compares the committed files, writes them when asked, and runs kustomize and Helm"
)]

mod chart;
mod release;
mod source;
mod tools;

use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use serin_core::notation::yaml;
use source::{read, root};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use tools::{helm, kustomize, template};

/// What binds the rights to the service account.
const BINDINGS: [&str; 3] = [
    "ClusterRoleBinding/argo-rollouts",
    "RoleBinding/argo-rollouts-lease",
    "RoleBinding/argo-rollouts-plugins",
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let test = |name: &str, kind: &str, is_missing: bool, run: fn()| {
        let run = move || {
            run();
            Ok(())
        };
        Trial::test(name, run).with_kind(kind).with_ignored_flag(is_missing)
    };
    let (no_kustomize, no_helm) = (tools::kubectl().is_none(), helm().is_none());
    let (kustomize, both) = ("kustomize", "helm");
    let tests = vec![
        test("generated_files_are_fresh", "", false, generated_files_are_fresh),
        test("one_version_everywhere", "", false, one_version_everywhere),
        test("the_schema_knows_every_value", "", false, the_schema_knows_every_value),
        test(
            "the_krew_manifest_is_whole",
            "",
            false,
            release::the_krew_manifest_is_whole,
        ),
        test(
            "checksums_name_every_file",
            "",
            false,
            release::checksums_name_every_file,
        ),
        test("every_platform_is_built", "", false, release::every_platform_is_built),
        test("install_is_standalone", kustomize, no_kustomize, install_is_standalone),
        test(
            "namespace_install_is_namespaced",
            kustomize,
            no_kustomize,
            namespace_install_is_namespaced,
        ),
        test(
            "namespaced_stays_in_its_namespace",
            kustomize,
            no_kustomize,
            namespaced_stays_in_its_namespace,
        ),
        test(
            "the_chart_is_standalone",
            both,
            no_kustomize || no_helm,
            the_chart_is_standalone,
        ),
        test(
            "the_chart_is_namespaced",
            both,
            no_kustomize || no_helm,
            the_chart_is_namespaced,
        ),
        test("the_chart_has_no_faults", both, no_helm, the_chart_has_no_faults),
        test(
            "values_are_where_they_belong",
            both,
            no_helm,
            values_are_where_they_belong,
        ),
        test(
            "an_unknown_value_is_refused",
            both,
            no_helm,
            an_unknown_value_is_refused,
        ),
    ];
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// Path in the repository and content of each generated file.
fn generated() -> Vec<(String, String)> {
    let mut files = vec![
        ("deploy/install.yaml".to_owned(), source::install()),
        ("deploy/namespace-install.yaml".to_owned(), source::namespace_install()),
        ("deploy/namespaced/role.yaml".to_owned(), source::role_file()),
        ("deploy/namespaced/routers.yaml".to_owned(), source::router_roles_file()),
    ];
    let of_chart = chart::files().into_iter();
    files.extend(of_chart.map(|(name, text)| (format!("{}/{name}", chart::FOLDER), text)));
    files
}

fn generated_files_are_fresh() {
    for (name, fresh) in generated() {
        let path = root().join(&name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &fresh).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == fresh,
            "{name} is stale: UPDATE=1 cargo test -p serin-core --test packages"
        );
    }
}

/// The crates, the image and the chart are released together.
fn one_version_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    let (_, tag) = source::image();
    assert_eq!(tag, format!("v{version}"), "deploy/base/kustomization.yaml");
    let chart = of_chart("Chart.yaml");
    assert_eq!(chart["version"], version);
    assert_eq!(chart["appVersion"], tag);
    let (repository, _) = source::image();
    assert_eq!(of_chart("values.yaml")["controller"]["image"]["repository"], repository);
}

fn of_chart(file: &str) -> Value {
    yaml::parse_docs(&read(&format!("{}/{file}", chart::FOLDER)))
        .unwrap()
        .remove(0)
        .value
}

/// Otherwise the default values themselves would be refused, or a new value would not be checked.
fn the_schema_knows_every_value() {
    fn same(values: &Value, schema: &Value, path: &str) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        assert_eq!(schema["additionalProperties"], false, "{path}");
        let values = values.as_object().unwrap();
        for (name, value) in values {
            let schema = properties
                .get(name)
                .unwrap_or_else(|| panic!("no {path}.{name} in the schema"));
            same(value, schema, &format!("{path}.{name}"));
        }
        for name in properties.keys().filter(|it| *it != "global") {
            assert!(values.contains_key(name), "{path}.{name} is not in values.yaml");
        }
    }
    same(&of_chart("values.yaml"), &of_chart("values.schema.json"), "");
}

/// Kind and name: no two objects of an installation have both.
type Objects = BTreeMap<String, Value>;

fn objects(text: &str) -> Objects {
    let read = yaml::parse_docs(text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    let key = |value: &Value| {
        format!(
            "{}/{}",
            value["kind"].as_str().unwrap(),
            value["metadata"]["name"].as_str().unwrap()
        )
    };
    let count = read.len();
    let objects: Objects = read.into_iter().map(|it| (key(&it.value), it.value)).collect();
    assert_eq!(objects.len(), count, "two objects of one name");
    objects
}

/// Into a namespace, as `kubectl apply -n` and Helm put what names none.
fn put_into(objects: &mut Objects, namespace: &str) {
    let cluster = [
        "CustomResourceDefinition",
        "ClusterRole",
        "ClusterRoleBinding",
        "Namespace",
    ];
    for object in objects.values_mut() {
        if !cluster.contains(&object["kind"].as_str().unwrap()) {
            object["metadata"]["namespace"] = json!(namespace);
        }
        if object["kind"] == "RoleBinding" {
            object["subjects"][0]["namespace"] = json!(namespace);
        }
    }
}

fn assert_same(ours: &Objects, theirs: &Objects) {
    let names = |objects: &Objects| objects.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(ours), names(theirs));
    for (name, object) in ours {
        assert_eq!(*object, theirs[name], "{name}");
    }
}

fn install_is_standalone() {
    let mut file = objects(&read("deploy/install.yaml"));
    put_into(&mut file, "argo-rollouts");
    let mut base = objects(&kustomize("deploy/standalone"));
    // As with Argo Rollouts, users create the namespace.
    assert!(base.remove("Namespace/argo-rollouts").is_some());
    assert_same(&file, &base);
}

fn namespace_install_is_namespaced() {
    assert_same(
        &objects(&read("deploy/namespace-install.yaml")),
        &objects(&kustomize("deploy/namespaced")),
    );
}

/// Whoever has rights in one namespace only can apply it.
fn namespaced_stays_in_its_namespace() {
    let base = objects(&kustomize("deploy/namespaced"));
    let outside = [
        "CustomResourceDefinition",
        "ClusterRole",
        "ClusterRoleBinding",
        "Namespace",
    ];
    for object in base.values() {
        assert!(!outside.contains(&object["kind"].as_str().unwrap()), "{object}");
        assert!(!object.to_string().contains("\"ClusterRole\""), "{object}");
        assert_eq!(object["metadata"].get("namespace"), None);
    }
    let container = &base["Deployment/argo-rollouts"]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"], json!(["--namespaced"]));
    // The same rights, in one namespace.
    let cluster = objects(&read("deploy/standalone/cluster-role.yaml"));
    assert_eq!(
        base["Role/argo-rollouts"]["rules"],
        cluster["ClusterRole/argo-rollouts"]["rules"]
    );
}

/// Takes off what only the chart has: the note that a deleted release leaves the CRDs.
fn without_keep(objects: &mut Objects) {
    for object in objects
        .values_mut()
        .filter(|it| it["kind"] == "CustomResourceDefinition")
    {
        let annotations = object["metadata"].as_object_mut().unwrap().remove("annotations");
        assert_eq!(annotations, Some(json!({"helm.sh/resource-policy": "keep"})));
    }
}

/// Helm creates the namespace of a release itself (--create-namespace).
fn the_chart_is_standalone() {
    let mut chart = objects(&template("argo-rollouts", &[]).unwrap());
    without_keep(&mut chart);
    let mut base = objects(&kustomize("deploy/standalone"));
    assert!(base.remove("Namespace/argo-rollouts").is_some());
    assert_same(&chart, &base);
}

fn the_chart_is_namespaced() {
    let chart = objects(&template("team", &["clusterInstall=false", "installCRDs=false"]).unwrap());
    let mut base = objects(&kustomize("deploy/namespaced"));
    put_into(&mut base, "team");
    assert_same(&chart, &base);
}

fn the_chart_has_no_faults() {
    let folder = root().join(chart::FOLDER);
    let said = tools::run(tools::helm_command().arg("lint").arg("--strict").arg(&folder)).unwrap();
    assert!(said.contains("0 chart(s) failed"), "{said}");
}

fn values_are_where_they_belong() {
    let set = [
        "controller.image.repository=registry.example/serin",
        "controller.image.tag=v9",
        "controller.image.pullPolicy=Always",
        "controller.replicas=1",
        "controller.extraArgs={--qps=100,--burst=200}",
        "controller.extraEnv[0].name=A",
        "controller.extraEnv[0].value=b",
        "controller.resources.requests.memory=1Gi",
        "controller.nodeSelector.disk=ssd",
        "controller.tolerations[0].key=only",
        "controller.priorityClassName=high",
        "controller.podLabels.team=a",
        "controller.podAnnotations.note=b",
        "controller.metrics.service.annotations.scrape=yes",
        "imagePullSecrets[0].name=registry",
        "serviceAccount.name=mine",
        "serviceAccount.annotations.role=c",
        "networkPolicy.enabled=false",
        "keepCRDs=false",
    ];
    let all = objects(&template("argo-rollouts", &set).unwrap());
    let deployment = &all["Deployment/argo-rollouts"]["spec"];
    let (template, pod) = (&deployment["template"], &deployment["template"]["spec"]);
    let container = &pod["containers"][0];
    assert_eq!(deployment["replicas"], 1);
    assert_eq!(container["image"], "registry.example/serin:v9");
    assert_eq!(container["imagePullPolicy"], "Always");
    assert_eq!(container["args"], json!(["--qps=100", "--burst=200"]));
    assert_eq!(container["env"][0]["name"], "POD_NAMESPACE");
    assert_eq!(container["env"][1], json!({"name": "A", "value": "b"}));
    assert_eq!(
        container["resources"]["requests"],
        json!({"cpu": "50m", "memory": "1Gi"})
    );
    assert_eq!(pod["nodeSelector"], json!({"disk": "ssd"}));
    assert_eq!(pod["tolerations"], json!([{"key": "only"}]));
    assert_eq!(pod["priorityClassName"], "high");
    assert_eq!(pod["imagePullSecrets"], json!([{"name": "registry"}]));
    assert_eq!(pod["serviceAccountName"], "mine");
    assert_eq!(
        template["metadata"]["labels"],
        json!({"app.kubernetes.io/name": "argo-rollouts", "team": "a"})
    );
    assert_eq!(template["metadata"]["annotations"], json!({"note": "b"}));
    assert_eq!(
        all["ServiceAccount/mine"]["metadata"]["annotations"],
        json!({"role": "c"})
    );
    for binding in BINDINGS {
        assert!(all.contains_key(binding), "{binding}");
    }
    for (binding, object) in all.iter().filter(|(it, _)| it.contains("RoleBinding/")) {
        let subject = json!([{"kind": "ServiceAccount", "name": "mine", "namespace": "argo-rollouts"}]);
        assert_eq!(object["subjects"], subject, "{binding}");
    }
    assert_eq!(
        all["Service/argo-rollouts-metrics"]["metadata"]["annotations"],
        json!({"scrape": "yes"})
    );
    let definition = &all["CustomResourceDefinition/rollouts.argoproj.io"]["metadata"];
    assert_eq!(definition.get("annotations"), None);
    // One replica has no budget, and the policy is switched off.
    assert!(
        !all.keys()
            .any(|it| it.starts_with("PodDisruptionBudget") || it.starts_with("NetworkPolicy"))
    );
}

fn an_unknown_value_is_refused() {
    let error = template("argo-rollouts", &["controller.replica=3"]).unwrap_err();
    assert!(error.contains("replica") && error.contains("not allowed"), "{error}");
}
