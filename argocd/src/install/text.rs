//! The plan as a person reads it.

use super::{Change, InstallPlan, Outcome, rbac};
use crate::settings::list;
use serin_core::notation::yaml::YamlError;
use serin_lua::generate::Version;

/// Names under which the texts tell the user to keep the patches.
const PATCH_FILE: &str = "serin-argocd-cm.yaml";
const UNDO_FILE: &str = "serin-argocd-cm-undo.yaml";

impl InstallPlan {
    /// What would change, how to apply it, what must follow, and how to take it back, for an Argo CD of a version in a
    /// namespace.
    ///
    /// # Errors
    /// As [`InstallPlan::patch`].
    pub fn text(&self, namespace: &str, version: Version) -> Result<String, YamlError> {
        let mut text = format!("argocd-cm as in {}:\n\n", self.source);
        for change in &self.changes {
            text.push_str(&line(change));
        }
        if let Some(note) = updates_note(version, self) {
            text.push_str(&note);
        }
        if !self.warnings.is_empty() {
            text.push_str("\nAlso seen there:\n\n");
            text.push_str(&list(&self.warnings));
        }
        if self.is_empty() {
            text.push_str("\nNothing to change.\n");
            return Ok(text);
        }
        text.push_str(&steps(namespace));
        text.push_str(&section("The patch", PATCH_FILE, &self.patch()?));
        text.push_str(&section("The way back", UNDO_FILE, &self.undo()?));
        Ok(text)
    }
}

/// Before 3.0 a switch comes first.
fn updates_note(version: Version, plan: &InstallPlan) -> Option<String> {
    let wanted = plan
        .changes
        .iter()
        .any(|it| it.key.starts_with("resource.customizations.ignoreResourceUpdates."));
    (wanted && !version.ignores_updates_by_default()).then(|| {
        format!(
            "\nArgo CD {version} looks at ignoreResourceUpdates only where argocd-cm has\n\
             resource.ignoreResourceUpdatesEnabled: \"true\"; that is yours to decide.\n"
        )
    })
}

fn line(change: &Change) -> String {
    let word = match change.outcome {
        Outcome::Add { .. } => "add",
        Outcome::Unchanged => "unchanged",
        Outcome::Update { .. } => "update",
        Outcome::Extend { .. } => "extend",
        Outcome::Clash => "clash",
    };
    let note = change.note.as_ref().map(|note| format!("             {note}\n"));
    format!("  {word:<10} {}\n{}", change.key, note.unwrap_or_default())
}

fn steps(namespace: &str) -> String {
    let policy: String = rbac::policy().lines().map(|line| format!("     {line}\n")).collect();
    format!(
        "
Nothing was applied. To apply it:

1. Save both patches below (`-o patch` and `-o undo` print one alone), then

     kubectl -n {namespace} patch configmap argocd-cm --type merge --patch-file {PATCH_FILE}

   Not with kubectl apply: where argocd-cm was applied before, it removes every key that is not in the file.

2. Refresh the applications. Without it their health stays as it was until their next reconcile, minutes later:

     kubectl -n {namespace} annotate applications --all argocd.argoproj.io/refresh=normal --overwrite

3. Let people run the actions: key {} of ConfigMap argocd-rbac-cm, and `g, <user or group>, role:serin-…`
   lines of your own. deploy/argocd/argocd-rbac-cm.yaml is a patch with these lines:

{policy}
4. To take it back, and refresh as above:

     kubectl -n {namespace} patch configmap argocd-cm --type merge --patch-file {UNDO_FILE}
",
        rbac::KEY
    )
}

fn section(title: &str, file: &str, patch: &str) -> String {
    format!("\n# {title}: {file}\n{patch}")
}
