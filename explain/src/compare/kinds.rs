//! What a difference means.

use serde_json::Value;
use serin_gitops::yaml::{FieldPath, Step};

use super::ignore::Ignored;
use super::legacy::Forecast;
use super::managers::{self, Manager};
use super::rows::Row;
use super::{at, begins};
use crate::explanation::DifferenceKind;

/// What is known about all fields.
pub(super) struct Sorter<'a> {
    pub(super) git: Option<&'a Value>,
    pub(super) live: Option<&'a Value>,
    /// The live object with its managed fields.
    pub(super) managed: Option<&'a Value>,
    pub(super) forecast: Option<Forecast>,
    /// The pod templates of the columns, in the form in which they say the same if they are equal.
    pub(super) meanings: [Option<Value>; 3],
    pub(super) ignored: &'a Ignored,
    pub(super) respects_ignored: bool,
}

impl Sorter<'_> {
    /// What the difference in a row means.
    pub(super) fn kind(&self, row: &Row<'_>) -> DifferenceKind {
        let [git, live, stable] = row.values;
        let both = row.applies[0] && row.applies[1];
        if both && git != live {
            return self.of_drift(row);
        }
        let object = self.git.or(self.live);
        if row.applies[2] && (stable.is_none() || live.or(git).is_none()) && is_of_a_controller(object, &row.path()) {
            return DifferenceKind::Controller;
        }
        let column = usize::from(!row.applies[0]);
        if self.say_the_same(row, column, 2) {
            DifferenceKind::Defaulted
        } else {
            DifferenceKind::Meaningful
        }
    }

    /// What a difference between Git and the cluster means.
    fn of_drift(&self, row: &Row<'_>) -> DifferenceKind {
        let [git_path, live_path, _] = &row.paths;
        let is_live_only = row.values[0].is_none();
        if self.ignored.has(Some(git_path), Some(live_path)) {
            return DifferenceKind::Ignored;
        }
        let is_controllers = is_of_a_controller(self.live, live_path)
            || self.owner(live_path).is_some_and(|owner| is_controller(&owner));
        if self.is_drift(row) {
            if self.is_frozen(live_path) {
                return DifferenceKind::Frozen;
            }
            return if is_controllers {
                DifferenceKind::Controller
            } else {
                DifferenceKind::Meaningful
            };
        }
        if is_controllers {
            return DifferenceKind::Controller;
        }
        let by_somebody = self.owner(live_path).is_some_and(|owner| !is_deployer(owner.name));
        let is_said_elsewhere = self.say_the_same(row, 0, 1);
        if is_live_only && by_somebody && !is_said_elsewhere {
            DifferenceKind::Meaningful
        } else {
            DifferenceKind::Defaulted
        }
    }

    /// Whether Argo CD calls it different.
    fn is_drift(&self, row: &Row<'_>) -> bool {
        let Some(forecast) = &self.forecast else {
            return false;
        };
        let [git_path, live_path, _] = &row.paths;
        let after = if row.values[0].is_some() { git_path } else { live_path };
        at(&forecast.live, live_path) != at(&forecast.predicted, after)
    }

    /// Whether a sync puts the live array around the field into what it applies: an ignored field is in the same array of an
    /// object without merge keys (contract 13 §6.3).
    fn is_frozen(&self, path: &FieldPath) -> bool {
        let list = path.steps().iter().position(|step| matches!(step, Step::Index(_)));
        let Some(list) = list.and_then(|place| path.steps().get(..place)) else {
            return false;
        };
        let list = FieldPath::from(list.to_vec());
        let live = self.live.filter(|live| self.respects_ignored && is_custom(live));
        live.is_some_and(|live| self.ignored.has_below(&list) || is_retyped(live, &list))
    }

    fn owner(&self, path: &FieldPath) -> Option<Manager<'_>> {
        managers::owner(self.managed?, path)
    }

    /// Whether two columns mean the same by a field of the pod template, with defaults and quantities in mind.
    fn say_the_same(&self, row: &Row<'_>, one: usize, other: usize) -> bool {
        let value = |column: usize| {
            let meaning = self.meanings.get(column)?.as_ref()?;
            Some(at(meaning, row.paths.get(column)?).cloned())
        };
        let is_of_the_template = begins(&row.path(), &FieldPath::root().key("spec").key("template"));
        is_of_the_template && value(one).is_some() && value(one) == value(other)
    }
}

/// Whether an object is of a custom kind: Argo CD knows no merge keys of its lists.
fn is_custom(object: &Value) -> bool {
    let group = object
        .get("apiVersion")
        .and_then(Value::as_str)
        .and_then(|version| version.split_once('/'))
        .map_or("", |(group, _)| group);
    is_custom_group(group)
}

/// Whether the kinds of a group are custom.
pub(crate) fn is_custom_group(group: &str) -> bool {
    let is_built_in = group.ends_with(".k8s.io") && !group.starts_with("gateway.networking");
    group.contains('.') && !is_built_in
}

/// Whether Argo CD's own reading of a list of containers differs from the live one: it reads the pod template of a Rollout by
/// its type, in which each container has `resources`, and quantities have their short form. What it adds counts as ignored
/// (docs/argocd-sync.md, "RespectIgnoreDifferences freezes arrays").
fn is_retyped(live: &Value, list: &FieldPath) -> bool {
    let is_rollout = live.get("kind").is_some_and(|kind| kind == "Rollout");
    let lists = ["spec.template.spec.containers", "spec.template.spec.initContainers"];
    let is_of_containers = lists.contains(&list.to_string().as_str());
    let changes = |container: &Value| match container.get("resources") {
        None | Some(Value::Null) => true,
        Some(resources) => {
            let sides = ["limits", "requests"]
                .iter()
                .filter_map(|side| resources.get(side)?.as_object());
            sides.flat_map(|side| side.values()).any(is_long)
        }
    };
    let containers = at(live, list).and_then(Value::as_array);
    is_rollout && is_of_containers && containers.is_some_and(|containers| containers.iter().any(changes))
}

/// Whether a quantity is written in another form than the short one: as a number, with a point, or in thousands of a unit.
fn is_long(quantity: &Value) -> bool {
    quantity
        .as_str()
        .is_none_or(|text| text.contains('.') || text.ends_with("000m") || text.ends_with("000"))
}

/// Whether a controller of rollouts or of traffic writes this field (contract 13 §6.4).
fn is_of_a_controller(object: Option<&Value>, path: &FieldPath) -> bool {
    const HASH: &str = "rollouts-pod-template-hash";
    let kind = object
        .and_then(|object| object.get("kind"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let keys: Vec<&str> = path
        .steps()
        .iter()
        .filter_map(|step| {
            if let Step::Key(key) = step {
                Some(key.as_str())
            } else {
                None
            }
        })
        .collect();
    let last = keys.last().copied().unwrap_or_default();
    let is_annotation = keys.starts_with(&["metadata", "annotations"]);
    if last == HASH
        || (is_annotation
            && (last.starts_with("rollout.argoproj.io/") || last.starts_with("argo-rollouts.argoproj.io/")))
    {
        return true;
    }
    match kind {
        "VirtualService" | "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "TLSRoute" | "TraefikService" | "ApisixRoute"
        | "TrafficSplit" => last == "weight" || last == "rollouts.argoproj.io/gatewayapi-canary",
        "Mapping" => last == "weight",
        "Ingress" => is_annotation && last.contains("/actions."),
        _ => false,
    }
}

/// Whether a manager is a controller: what it writes is nobody's edit. Autoscalers write the subresource `scale`, and so do
/// people with `kubectl scale`.
fn is_controller(manager: &Manager<'_>) -> bool {
    let name = manager.name;
    let is_persons = name.starts_with("kubectl");
    let is_known = ["rollouts-controller", "argo-rollouts", "rollout", "vpa-", "keda"]
        .iter()
        .any(|start| name.starts_with(start));
    let is_named_so = name.contains("controller") || name.contains("operator") || name.contains("autoscaler");
    !is_deployer(name) && !is_persons && (is_known || is_named_so || manager.subresource == "scale")
}

/// Whether a manager brings what Git wants; what it wrote beyond that came from defaults and webhooks.
fn is_deployer(name: &str) -> bool {
    [
        "argocd-controller",
        "argocd-application-controller",
        "kustomize-controller",
        "helm-controller",
        "flux",
        "helm",
    ]
    .contains(&name)
}
