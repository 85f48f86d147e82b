//! The fields that Argo CD is told to leave out (`ignoreDifferences`).

use std::collections::BTreeSet;

use serde_json::Value;
use serin_gitops::argocd::IgnoreRule;
use serin_gitops::yaml::{FieldPath, Step};

use super::{begins, jq, managers};

/// The ignored fields of both objects.
#[derive(Debug, Clone, Default)]
pub(super) struct Ignored {
    /// In Git's object.
    pub(super) git: BTreeSet<FieldPath>,
    /// In the live object.
    pub(super) live: BTreeSet<FieldPath>,
    /// Expressions that were not understood.
    pub(super) not_understood: Vec<String>,
    /// The rules for the object.
    rules: Vec<IgnoreRule>,
    /// The live object's record of managers.
    managed: Value,
}

impl Ignored {
    /// Finds them by the rules for the object.
    pub(super) fn of(rules: &[IgnoreRule], git: Option<&Value>, live: Option<&Value>) -> Self {
        let Some(object) = git.or(live) else {
            return Self::default();
        };
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let version = text("/apiVersion");
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let namespace = live
            .or(git)
            .and_then(|object| object.pointer("/metadata/namespace"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        let fits = |rule: &&IgnoreRule| rule.matches(group, text("/kind"), namespace, text("/metadata/name"));
        let rules: Vec<IgnoreRule> = rules.iter().filter(fits).cloned().collect();
        let expressions: BTreeSet<&String> = rules.iter().flat_map(|rule| &rule.jq).collect();
        let not_understood = expressions
            .into_iter()
            .filter(|text| jq::parse(text).is_none())
            .cloned()
            .collect();
        let managed = live
            .and_then(|live| live.pointer("/metadata/managedFields"))
            .cloned()
            .unwrap_or_default();
        let mut ignored = Self {
            not_understood,
            rules,
            managed,
            ..Self::default()
        };
        ignored.git = git.map(|git| ignored.paths(git)).unwrap_or_default();
        ignored.live = live.map(|live| ignored.paths(live)).unwrap_or_default();
        ignored
    }

    /// The ignored fields of another form of the object.
    pub(super) fn paths(&self, object: &Value) -> BTreeSet<FieldPath> {
        let mut paths = BTreeSet::new();
        for rule in &self.rules {
            paths.extend(
                rule.pointers
                    .iter()
                    .map(|pointer| resolved(object, pointer))
                    .filter(|path| path.of(object).is_some()),
            );
            for expression in rule.jq.iter().filter_map(|text| jq::parse(text)) {
                paths.extend(jq::paths(&expression, object));
            }
            let managers = rule.managers.iter().map(String::as_str).collect::<Vec<_>>();
            paths.extend(managers::owned_by(&self.managed, &managers, object));
        }
        paths.remove(&FieldPath::root());
        paths
    }

    /// Whether a field of one of the objects is ignored, itself or as a part of what is.
    pub(super) fn has(&self, git: Option<&FieldPath>, live: Option<&FieldPath>) -> bool {
        let within = |paths: &BTreeSet<FieldPath>, path: &FieldPath| paths.iter().any(|ignored| begins(path, ignored));
        git.is_some_and(|path| within(&self.git, path)) || live.is_some_and(|path| within(&self.live, path))
    }

    /// Whether something below a path of one of the objects is ignored.
    pub(super) fn has_below(&self, path: &FieldPath) -> bool {
        self.git.iter().chain(&self.live).any(|ignored| begins(ignored, path))
    }
}

/// The path of a JSON pointer in an object: whether a number is an index or a key depends on what stands there.
fn resolved(object: &Value, pointer: &str) -> FieldPath {
    let mut path = FieldPath::root();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        let is_list = path.of(object).is_some_and(Value::is_array);
        path = match part.parse() {
            Ok(index) if is_list => path.index(index),
            _ => path.key(&part),
        };
    }
    path
}

/// The object without some of its fields. Items of lists go from the end, so that the paths of the others stay right.
pub(super) fn without(object: &Value, paths: &BTreeSet<FieldPath>) -> Value {
    let mut object = object.clone();
    for path in paths.iter().rev() {
        remove(&mut object, path.steps());
    }
    object
}

fn remove(value: &mut Value, steps: &[Step]) {
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    match (value, step) {
        (Value::Object(members), Step::Key(key)) if rest.is_empty() => _ = members.remove(key),
        (Value::Object(members), Step::Key(key)) => {
            if let Some(inner) = members.get_mut(key) {
                remove(inner, rest);
            }
        }
        (Value::Array(items), Step::Index(index)) if rest.is_empty() && *index < items.len() => {
            _ = items.remove(*index)
        }
        (Value::Array(items), Step::Index(index)) => {
            if let Some(inner) = items.get_mut(*index) {
                remove(inner, rest);
            }
        }
        _ => {}
    }
}
