//! Lines for `argocd-rbac-cm`: who may do what with rollouts.

/// The key of `argocd-rbac-cm` that holds them. Argo CD joins every `policy.<name>.csv` to `policy.csv`, so that nobody's
/// text has to be edited.
pub const KEY: &str = "policy.serin.csv";

/// The actions that an operator may run: kind and action.
const OPERATOR: &[(&str, &str)] = &[
    ("Rollout", "resume"),
    ("Rollout", "pause"),
    ("Rollout", "abort"),
    ("Rollout", "retry"),
    ("Rollout", "restart"),
    ("Rollout", "promote-full"),
    ("Rollout", "skip-current-step"),
    ("AnalysisRun", "terminate"),
    ("Experiment", "terminate"),
];

/// The lines: three roles, each with the least it needs. A role is given to people or groups with `g, <subject>, role:…`.
#[must_use]
pub fn policy() -> String {
    let mut lines = vec![
        "# May look: applications, their resources, which actions there are.".to_owned(),
        "p, role:serin-viewer, applications, get, */*, allow".to_owned(),
        "# May look and resume a paused rollout, nothing else.".to_owned(),
        "p, role:serin-resumer, applications, get, */*, allow".to_owned(),
        may("serin-resumer", "Rollout", "resume"),
        "# May look and run every action on rollouts, analysis runs and experiments.".to_owned(),
        "p, role:serin-operator, applications, get, */*, allow".to_owned(),
    ];
    lines.extend(
        OPERATOR
            .iter()
            .map(|(kind, action)| may("serin-operator", kind, action)),
    );
    lines.join("\n") + "\n"
}

fn may(role: &str, kind: &str, action: &str) -> String {
    format!("p, role:{role}, applications, action/argoproj.io/{kind}/{action}, */*, allow")
}
