//! The Helm chart `deploy/helm/serin`: its templates are the files of the kustomize bases, with values in place of what users
//! choose. `Chart.yaml`, `values.yaml`, `values.schema.json` and `NOTES.txt` are written by hand.

use super::source::{DEFINITIONS, GENERATED, of_namespace, read, replace, role, routers};

/// Where the chart stands.
pub(crate) const FOLDER: &str = "deploy/helm/serin";

/// Name in the folder and content of each generated file.
pub(crate) fn files() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = DEFINITIONS
        .iter()
        .map(|it| (format!("files/crds/{it}.yaml"), read(&format!("crds/{it}.yaml"))))
        .collect();
    let templates = [
        ("crds", definitions()),
        ("service-account", service_account()),
        ("cluster-role", when(".Values.clusterInstall", &cluster_role())),
        (
            "role",
            when("not .Values.clusterInstall", &subject(&in_namespace(&role(), 2))),
        ),
        (
            "router-cluster-roles",
            when(".Values.clusterInstall", &routers(subject)),
        ),
        (
            "router-roles",
            when(
                "not .Values.clusterInstall",
                &routers(|text| subject(&in_namespace(&of_namespace(text), 2))),
            ),
        ),
        ("aggregate-roles", aggregate_roles()),
        ("lease-role", own_role("lease-role")),
        ("plugins-role", own_role("plugins-role")),
        ("deployment", deployment()),
        ("pod-disruption-budget", pod_disruption_budget()),
        ("network-policy", network_policy()),
        ("metrics-service", metrics_service()),
    ];
    for (name, text) in templates {
        let heading = format!("{{{{- /* {} */}}}}\n", GENERATED.trim_start_matches("# ").trim_end());
        files.push((format!("templates/{name}.yaml"), format!("{heading}{text}")));
    }
    files
}

fn when(condition: &str, text: &str) -> String {
    format!("{{{{- if {condition} }}}}\n{text}{{{{- end }}}}\n")
}

/// Objects that stand in the namespace of the release.
fn in_namespace(text: &str, objects: usize) -> String {
    replace(
        text,
        objects,
        "\n  labels:\n",
        "\n  namespace: {{ .Release.Namespace }}\n  labels:\n",
    )
}

/// As raw text: Helm's functions would write the large numbers of a schema in another form. The definitions outlive the
/// release, since all Rollouts go with them.
fn definitions() -> String {
    "{{- if .Values.installCRDs }}\n\
     {{- range $path, $_ := .Files.Glob \"files/crds/*.yaml\" }}\n\
     ---\n\
     {{- $text := $.Files.Get $path }}\n\
     {{- if $.Values.keepCRDs }}\n\
     {{- $text = replace \"\\nmetadata:\\n\" \"\\nmetadata:\\n  annotations:\\n    helm.sh/resource-policy: keep\\n\" $text }}\n\
     {{- end }}\n\
     {{ $text }}\n\
     {{- end }}\n\
     {{- end }}\n"
        .to_owned()
}

fn service_account() -> String {
    let text = named_account(
        &in_namespace(&read("deploy/base/service-account.yaml"), 1),
        "\n  name: argo-rollouts\n",
    );
    let annotations =
        "{{- with .Values.serviceAccount.annotations }}\n  annotations:\n    {{- toYaml . | nindent 4 }}\n{{- end }}\n";
    when(".Values.serviceAccount.create", &format!("{text}{annotations}"))
}

/// The service account that the release uses, in place of the one of the bases.
fn named_account(text: &str, line: &str) -> String {
    let name = "{{ .Values.serviceAccount.name | default \"argo-rollouts\" }}";
    replace(text, 1, line, &line.replace("argo-rollouts", name))
}

/// The subject of a binding of the bases: the last lines.
fn subject(text: &str) -> String {
    let account = named_account(text, "- kind: ServiceAccount\n  name: argo-rollouts\n");
    let namespace = "  namespace: argo-rollouts\n";
    let account = account.strip_suffix(namespace).unwrap_or(&account);
    format!("{account}  namespace: {{{{ .Release.Namespace }}}}\n")
}

fn cluster_role() -> String {
    subject(&read("deploy/standalone/cluster-role.yaml"))
}

fn aggregate_roles() -> String {
    let text = read("deploy/standalone/aggregate-roles.yaml");
    when("and .Values.clusterInstall .Values.createClusterAggregateRoles", &text)
}

/// A Role of the controller's own namespace.
fn own_role(name: &str) -> String {
    subject(&in_namespace(&read(&format!("deploy/base/{name}.yaml")), 2))
}

fn metrics_service() -> String {
    let text = in_namespace(&read("deploy/base/metrics-service.yaml"), 1);
    let annotations = "  {{- with .Values.controller.metrics.service.annotations }}\n  annotations:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\nspec:\n";
    let text = replace(&text, 1, "spec:\n", annotations);
    when(".Values.controller.metrics.enabled", &text)
}

fn pod_disruption_budget() -> String {
    let text = in_namespace(&read("deploy/base/pod-disruption-budget.yaml"), 1);
    // One pod that may never go would stop every drain.
    when(
        "and .Values.controller.pdb.enabled (gt (int .Values.controller.replicas) 1)",
        &text,
    )
}

fn network_policy() -> String {
    when(
        ".Values.networkPolicy.enabled",
        &in_namespace(&read("deploy/base/network-policy.yaml"), 1),
    )
}

/// A list or map of the values, where it is not empty, at this indentation.
fn with(value: &str, name: &str, indent: usize) -> String {
    let space = " ".repeat(indent);
    format!(
        "{space}{{{{- with .Values.{value} }}}}\n{space}{name}:\n{space}  {{{{- toYaml . | nindent {} }}}}\n{space}{{{{- end }}}}\n",
        indent + 2
    )
}

fn deployment() -> String {
    let text = replace(
        &read("deploy/base/deployment.yaml"),
        1,
        "  labels:\n    app.kubernetes.io/component",
        "  namespace: {{ .Release.Namespace }}\n  labels:\n    app.kubernetes.io/component",
    );
    let text = replace(
        &text,
        1,
        "  replicas: 2\n",
        "  replicas: {{ .Values.controller.replicas }}\n",
    );
    let text = named_account(&text, "      serviceAccountName: argo-rollouts\n");
    let image = "        image: \"{{ .Values.controller.image.repository }}:{{ .Values.controller.image.tag | default .Chart.AppVersion }}\"\n\
        \x20       {{- with .Values.controller.image.pullPolicy }}\n        imagePullPolicy: {{ . }}\n        {{- end }}\n\
        \x20       {{- if or (not .Values.clusterInstall) .Values.controller.extraArgs }}\n        args:\n\
        \x20       {{- if not .Values.clusterInstall }}\n        - --namespaced\n        {{- end }}\n\
        \x20       {{- with .Values.controller.extraArgs }}\n          {{- toYaml . | nindent 8 }}\n        {{- end }}\n        {{- end }}\n";
    let text = replace(&text, 1, "        image: serin\n", image);
    let variables = "        ports:\n        - name: metrics\n";
    let extra =
        "        {{- with .Values.controller.extraEnv }}\n          {{- toYaml . | nindent 8 }}\n        {{- end }}\n";
    let text = replace(&text, 1, variables, &format!("{extra}{variables}"));
    let (before, rest) = text.split_once("        resources:\n").unwrap();
    let (resources, after) = rest.split_once("        securityContext:\n").unwrap();
    assert_eq!(resources, RESOURCES, "values.yaml has the same");
    let text = format!(
        "{before}{}        securityContext:\n{after}",
        with("controller.resources", "resources", 8)
    );
    let pod = [
        with("imagePullSecrets", "imagePullSecrets", 6),
        with("controller.nodeSelector", "nodeSelector", 6),
        with("controller.tolerations", "tolerations", 6),
        with("controller.affinity", "affinity", 6),
        "      {{- with .Values.controller.priorityClassName }}\n      priorityClassName: {{ . }}\n      {{- end }}\n"
            .to_owned(),
    ]
    .concat();
    let containers = "      containers:\n";
    let text = replace(&text, 1, containers, &format!("{pod}{containers}"));
    let labels = "      labels:\n        app.kubernetes.io/name: argo-rollouts\n    spec:\n";
    let extra = "      labels:\n        app.kubernetes.io/name: argo-rollouts\n        {{- with .Values.controller.podLabels }}\n          \
        {{- toYaml . | nindent 8 }}\n        {{- end }}\n";
    let annotations = with("controller.podAnnotations", "annotations", 6);
    replace(&text, 1, labels, &format!("{extra}{annotations}    spec:\n"))
}

/// The resources of `deploy/base/deployment.yaml`, which are values of the chart.
const RESOURCES: &str = "          requests:
            cpu: 50m
            memory: 64Mi
          limits:
            ephemeral-storage: 1Gi
";
