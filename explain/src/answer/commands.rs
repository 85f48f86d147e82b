//! What to type, safest first: commands that look, then those that change something, with what GitOps makes of it.

use crate::case::{Case, Kind, Pod};
use crate::explanation::{Cause, Command, Evidence, GitFindings, State};
use crate::sources::{Object, text};
use serin_core::wire::pause;

/// Argo CD's back-off before it heals again: the first wait, its factor, and the longest.
const HEAL: (i64, i64, i64) = (2, 3, 300);

/// The commands for a case.
pub(super) fn of(case: &Case<'_>, causes: &[Cause], git: Option<&GitFindings>) -> Vec<Command> {
    let mut commands = Commands {
        case,
        gitops: Gitops::of(case),
        list: Vec::new(),
    };
    for cause in causes.iter().take(2) {
        commands.look(cause);
    }
    commands.change(causes);
    commands.in_git(git, causes);
    commands.list
}

/// How the object is managed from Git.
struct Gitops<'a> {
    app: Option<&'a Object>,
    /// Seconds until self-heal undoes a change.
    heals_in: Option<i64>,
}

impl<'a> Gitops<'a> {
    fn of(case: &Case<'a>) -> Self {
        let app = case.index.all("Application").find(|app| {
            app.list("/status/resources").iter().any(|it| {
                text(&it["kind"]) == case.object.kind()
                    && text(&it["name"]) == case.object.name()
                    && text(&it["namespace"]) == case.object.namespace()
            })
        });
        let heals_in = app
            .filter(|app| app.flag("/spec/syncPolicy/automated/selfHeal"))
            .map(|app| {
                let attempts = app
                    .number("/status/operationState/operation/sync/autoHealAttemptsCount")
                    .unwrap_or(0);
                let (first, factor, longest) = HEAL;
                first
                    .saturating_mul(factor.saturating_pow(u32::try_from(attempts.clamp(0, 20)).unwrap_or(0)))
                    .min(longest)
            });
        Self { app, heals_in }
    }

    /// What becomes of a change of the status, which Git does not have.
    fn of_status(&self) -> String {
        self.app.map_or_else(String::new, |_| {
            "Argo CD leaves it as it is: it changes the status, which is not in Git.".to_owned()
        })
    }

    /// What becomes of a change of the spec.
    fn of_spec(&self) -> String {
        match (self.app, self.heals_in) {
            (Some(_), Some(seconds)) => {
                format!("Self-heal will undo this in about {seconds} s, unless Git says the same.")
            }
            (Some(app), None) => format!(
                "The next sync of Application {} undoes this, unless Git says the same.",
                app.name()
            ),
            (None, _) => String::new(),
        }
    }
}

struct Commands<'c, 'a> {
    case: &'c Case<'a>,
    gitops: Gitops<'a>,
    list: Vec<Command>,
}

impl Commands<'_, '_> {
    fn add(&mut self, run: String, effect: &str, gitops: String) {
        if self.list.iter().all(|command| command.run != run) {
            self.list.push(Command {
                run,
                effect: effect.to_owned(),
                gitops,
            });
        }
    }

    fn only_looks(&mut self, run: String, effect: &str) {
        self.add(run, effect, String::new());
    }

    /// Commands that show more of a cause.
    fn look(&mut self, cause: &Cause) {
        let namespace = self.case.object.namespace().to_owned();
        let about = cause
            .evidence
            .first()
            .map(|fact| fact.object.clone())
            .unwrap_or_default();
        match cause.id.as_str() {
            "crash" | "out-of-memory" => self.logs(&about, true),
            "not-ready" => self.logs(&about, false),
            "route-missing" | "router-refused" => self.route(&cause.evidence),
            "weight-not-verified" => self.ingresses(),
            "target-unhealthy" if !about.starts_with("pod/") => self.ingresses(),
            "field-fight" => {
                self.only_looks(
                    format!("kubectl -n {namespace} get {about} -o yaml --show-managed-fields"),
                    "Shows who wrote which field, and when.",
                );
            }
            "image-pull" | "cannot-start" | "unschedulable" | "evicted" | "node-lost" | "target-unhealthy" => {
                self.only_looks(
                    format!("kubectl -n {namespace} describe {about}"),
                    "Shows the pod with its events.",
                );
            }
            "replicaset-refused" => {
                if cause.summary.starts_with("A quota") {
                    self.only_looks(
                        format!("kubectl -n {namespace} describe quota"),
                        "Shows what is used of each quota.",
                    );
                }
                self.only_looks(
                    format!("kubectl -n {namespace} describe {about}"),
                    "Shows the ReplicaSet with its events.",
                );
            }
            "controller-absent" | "controller-stale" => {
                self.only_looks(
                    "kubectl get deployments,pods -A -l app.kubernetes.io/name=argo-rollouts".to_owned(),
                    "Shows whether a controller runs.",
                );
            }
            id if id.starts_with("analysis-") => {
                self.only_looks(
                    format!("kubectl -n {namespace} get {about} -o yaml"),
                    "Shows all measurements.",
                );
            }
            "experiment" => self.only_looks(
                format!("serin explain {about} -n {namespace}"),
                "Explains the Experiment.",
            ),
            "disruption-budget" => {
                let about = about.replace("poddisruptionbudget/", "pdb/");
                self.only_looks(
                    format!("kubectl -n {namespace} describe {about}"),
                    "Shows what the budget allows.",
                );
            }
            "sync-failed" | "wave-blocked" | "self-heal-loop" | "out-of-sync" | "ignore-differences-freeze" => {
                self.look_at_the_app()
            }
            "unknown" => {
                let (kind, name) = (self.case.object.kind().to_lowercase(), self.case.object.name());
                self.only_looks(
                    format!("kubectl -n {namespace} describe {kind} {name}"),
                    "Shows the object with its events.",
                );
            }
            _ => {}
        }
    }

    /// The object of a router that a condition names as `Kind namespace/name: …`, or the plugins.
    fn route(&mut self, evidence: &[Evidence]) {
        let told = evidence.first().map_or("", |fact| fact.text.as_str());
        let told = told.split_once(": ").map_or("", |(_, message)| message);
        if told.starts_with("plugin ") {
            let named = told.contains("not configured in configmap");
            let (run, effect) = if named {
                (
                    "kubectl get configmaps -A --field-selector metadata.name=argo-rollouts-config -o yaml",
                    "Shows the plugins that are configured.",
                )
            } else {
                (
                    "kubectl get pods -A -l app.kubernetes.io/name=argo-rollouts",
                    "Shows the controller, whose log has what the plugin said.",
                )
            };
            return self.only_looks(run.to_owned(), effect);
        }
        let place = told.split_once(": ").and_then(|(place, _)| place.split_once(' '));
        let place = place.and_then(|(kind, rest)| Some((kind, rest.split_once('/')?)));
        let Some((kind, (namespace, name))) = place.filter(|(kind, _)| kind.chars().all(char::is_alphanumeric)) else {
            return;
        };
        let routing = self.case.object.at("/spec/strategy/canary/trafficRouting");
        // Istio and App Mesh have a kind of one name.
        let group = if kind == "VirtualService" && routing["appMesh"].is_object() {
            ".appmesh.k8s.aws"
        } else {
            ""
        };
        self.only_looks(
            format!(
                "kubectl -n {namespace} get {}{group}/{name} -o yaml",
                kind.to_lowercase()
            ),
            "Shows the object of the router.",
        );
    }

    /// The Ingresses whose load balancer does not do what they say.
    fn ingresses(&mut self) {
        let alb = self.case.object.at("/spec/strategy/canary/trafficRouting/alb");
        let several = crate::sources::list(&alb["ingresses"]).iter();
        let names: Vec<String> = std::iter::once(&alb["ingress"])
            .chain(several)
            .map(|name| text(name).to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        let namespace = self.case.object.namespace().to_owned();
        if names.is_empty() && self.case.rollout.spec.strategy.blue_green.is_some() {
            self.only_looks(
                format!("kubectl -n {namespace} get targetgroupbindings"),
                "Shows which target groups are bound to which Services.",
            );
        }
        for name in names {
            self.only_looks(
                format!("kubectl -n {namespace} describe ingress {name}"),
                "Shows the Ingress, and the events of its load balancer controller.",
            );
        }
    }

    fn logs(&mut self, about: &str, previous: bool) {
        let namespace = self.case.object.namespace();
        let Some(pod) = self.case.pods.iter().find(|pod| pod.object.address() == about) else {
            return;
        };
        let container = container_of(pod);
        let before = if previous { " --previous" } else { "" };
        let effect = if previous {
            "Shows what the process said before it ended."
        } else {
            "Shows what the process says."
        };
        self.only_looks(
            format!(
                "kubectl -n {namespace} logs {} -c {container}{before}",
                pod.object.name()
            ),
            effect,
        );
    }

    fn look_at_the_app(&mut self) {
        if let Some(app) = self.gitops.app {
            self.only_looks(
                format!("argocd app get {}", app.name()),
                "Shows the state of the Application.",
            );
            self.only_looks(
                format!("argocd app diff {}", app.name()),
                "Shows what differs from Git.",
            );
        }
    }

    /// Commands that change the object, as its state allows.
    fn change(&mut self, causes: &[Cause]) {
        if self.case.kind != Kind::Rollout {
            return;
        }
        let (name, namespace) = (
            self.case.object.name().to_owned(),
            self.case.object.namespace().to_owned(),
        );
        let to_stable = "All traffic goes back to the stable revision; the new pods are scaled down.";
        match self.case.state() {
            State::Paused => {
                let by_hand = self.case.object.flag("/spec/paused");
                let gitops = if by_hand {
                    self.gitops.of_spec()
                } else {
                    self.gitops.of_status()
                };
                if self.case.is_updating() && !causes.is_empty() {
                    self.add(
                        format!("serin abort {name} -n {namespace}"),
                        to_stable,
                        self.gitops.of_status(),
                    );
                }
                let reason = self
                    .case
                    .object
                    .list("/status/pauseConditions")
                    .first()
                    .map_or("", |it| text(&it["reason"]));
                let effect = if by_hand {
                    "Ends the pause that was made by hand."
                } else if reason == pause::BLUE_GREEN_PAUSE {
                    "Switches the active Service to the new revision."
                } else {
                    "Ends the pause; the next step begins."
                };
                self.add(format!("serin promote {name} -n {namespace}"), effect, gitops);
                if self.case.is_updating() && causes.is_empty() {
                    self.add(
                        format!("serin abort {name} -n {namespace}"),
                        to_stable,
                        self.gitops.of_status(),
                    );
                }
            }
            State::Degraded if self.case.is_aborted() => {
                let effect = "Begins the update again, from the first step; mend the cause first.";
                self.add(
                    format!("serin retry rollout {name} -n {namespace}"),
                    effect,
                    self.gitops.of_status(),
                );
            }
            State::Degraded | State::Progressing
                if self.case.is_updating() && !causes.is_empty() && self.case.stable().is_some() =>
            {
                self.add(
                    format!("serin abort {name} -n {namespace}"),
                    to_stable,
                    self.gitops.of_status(),
                );
            }
            State::Healthy | State::Progressing | State::Degraded | State::Unknown => {}
        }
    }

    /// The commit to revert, as text: nothing here writes to Git.
    fn in_git(&mut self, git: Option<&GitFindings>, causes: &[Cause]) {
        let Some(git) = git.filter(|git| !git.revision.is_empty() && !causes.is_empty()) else {
            return;
        };
        let bad = self.case.state() == State::Degraded || self.case.is_updating();
        if !bad {
            return;
        }
        let gitops = match self.gitops.app {
            Some(app) if app.at("/spec/syncPolicy/automated").is_object() => {
                "Argo CD syncs it once it is merged.".to_owned()
            }
            Some(app) => format!("It arrives with the next sync: argocd app sync {}.", app.name()),
            None => "It arrives as your other changes do.".to_owned(),
        };
        self.add(
            format!("git revert {}", git.revision),
            "Takes back the commit at fault; send it the usual way.",
            gitops,
        );
    }
}

/// The container to look at: one that is not ready, else the first.
fn container_of(pod: &Pod<'_>) -> String {
    let containers = pod.containers();
    let down = containers
        .iter()
        .find(|it| !it.is_ready() && !it.init)
        .or_else(|| containers.iter().find(|it| it.ended().is_some()));
    down.or_else(|| containers.iter().find(|it| !it.init))
        .map_or_else(String::new, |it| it.name.to_owned())
}
