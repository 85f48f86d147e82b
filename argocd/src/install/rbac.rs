//! Lines for `argocd-rbac-cm`: who may do what with rollouts.

use serin_core::hooks;

/// The key of `argocd-rbac-cm` that holds them. Argo CD joins every `policy.<name>.csv` to `policy.csv`, so that nobody's
/// text has to be edited.
pub const KEY: &str = "policy.serin.csv";

/// The lines: three roles, each with the least it needs. A role is given to people or groups with `g, <subject>, role:…`.
///
/// The actions of the operator are those that the hooks offer by default.
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
    for kind in hooks::all(&hooks::Options::default()) {
        let allowed = kind
            .actions
            .iter()
            .map(|action| may("serin-operator", kind.kind, action.name));
        lines.extend(allowed);
    }
    lines.join("\n") + "\n"
}

fn may(role: &str, kind: &str, action: &str) -> String {
    format!(
        "p, role:{role}, applications, action/{}/{kind}/{action}, */*, allow",
        hooks::GROUP
    )
}
