//! Which objects a patch aims at, by kustomize's rules.

use super::Identity;
use super::instances::{Instance, Pass};
use crate::kustomize::graph::Target;
use crate::yaml::Node;
use regex::Regex;
use serde_json::Value;

/// A target with its expressions read.
pub(super) struct Selector<'t> {
    target: &'t Target,
    name: Pattern<'t>,
    namespace: Pattern<'t>,
    group: Pattern<'t>,
    version: Pattern<'t>,
    kind: Pattern<'t>,
}

/// A regular expression for a whole text; most are plain words.
enum Pattern<'t> {
    Any,
    Word(&'t str),
    Regex(Box<Regex>),
}

impl<'t> Pattern<'t> {
    fn new(text: Option<&'t str>) -> Self {
        let Some(text) = text else { return Self::Any };
        if text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/'))
        {
            return Self::Word(text);
        }
        // What is no regular expression, kustomize refuses.
        Regex::new(&format!("^(?:{text})$")).map_or(Self::Any, |regex| Self::Regex(Box::new(regex)))
    }

    fn fits(&self, texts: &[&str]) -> bool {
        match self {
            Self::Any => true,
            Self::Word(word) => texts.contains(word),
            Self::Regex(regex) => texts.iter().any(|text| regex.is_match(text)),
        }
    }
}

impl<'t> Selector<'t> {
    pub(super) fn new(target: &'t Target) -> Self {
        let pattern = |text: &'t Option<String>| Pattern::new(text.as_deref());
        Self {
            name: pattern(&target.name),
            namespace: pattern(&target.namespace),
            group: pattern(&target.group),
            version: pattern(&target.version),
            kind: pattern(&target.kind),
            target,
        }
    }

    /// Whether an object on its way through a layer is meant: by its original name or that of the moment. `built` is the object
    /// in the output, if it is there: a label may come from the file or from a layer.
    pub(super) fn fits(&self, instance: &Instance, pass: &Pass, built: Option<&Value>) -> bool {
        let original = &instance.original;
        let namespace = |namespace: &Option<String>| namespace.clone().unwrap_or_else(|| "default".to_owned());
        let namespaces = [namespace(&original.namespace), namespace(&pass.namespace)];
        self.name.fits(&[&original.name, &pass.name])
            && self.namespace.fits(&[&namespaces[0], &namespaces[1]])
            && self.group.fits(&[&original.group])
            && self.version.fits(&[&original.version])
            && self.kind.fits(&[&original.kind])
            && has(self.target.label_selector.as_deref(), "labels", instance, built)
            && has(
                self.target.annotation_selector.as_deref(),
                "annotations",
                instance,
                built,
            )
    }
}

/// Whether a patch without a target means an object: by any name that it has had.
pub(super) fn is_same(patch: &Identity, instance: &Instance, layer: usize) -> bool {
    let original = &instance.original;
    if (&patch.group, &patch.kind) != (&original.group, &original.kind) {
        return false;
    }
    let namespace = |namespace: &Option<String>| namespace.clone().unwrap_or_else(|| "default".to_owned());
    let until = instance
        .passes
        .iter()
        .position(|pass| pass.layer == layer)
        .unwrap_or_default();
    let passes = instance
        .passes
        .iter()
        .take(until + 1)
        .map(|pass| (&pass.name, &pass.namespace));
    std::iter::once((&original.name, &original.namespace))
        .chain(passes)
        .any(|(name, of)| patch.name == *name && namespace(&patch.namespace) == namespace(of))
}

fn has(selector: Option<&str>, key: &str, instance: &Instance, built: Option<&Value>) -> bool {
    let Some(selector) = selector else { return true };
    let written = instance
        .node
        .as_ref()
        .and_then(|node| node.get("metadata")?.get(key))
        .map(Node::to_json);
    let built = built.map(|built| built["metadata"][key].clone());
    [written, built]
        .into_iter()
        .flatten()
        .chain([Value::Null])
        .any(|labels| selects(selector, &labels))
}

/// Whether labels fit a selector as kubectl writes it: `a=b,c!=d,e,!f,g in (h,i)`.
fn selects(selector: &str, labels: &Value) -> bool {
    requirements(selector).iter().all(|requirement| {
        let value = |key: &str| labels[key.trim()].as_str();
        let requirement = requirement.trim();
        if let Some((key, values)) = requirement.split_once(" notin ") {
            return value(key).is_none_or(|value| !listed(values, value));
        }
        if let Some((key, values)) = requirement.split_once(" in ") {
            return value(key).is_some_and(|value| listed(values, value));
        }
        if let Some((key, wanted)) = requirement.split_once("!=") {
            return value(key) != Some(wanted.trim());
        }
        if let Some((key, wanted)) = requirement.split_once('=') {
            return value(key) == Some(wanted.trim_start_matches('=').trim());
        }
        match requirement.strip_prefix('!') {
            Some(key) => value(key).is_none(),
            None => value(requirement).is_some(),
        }
    })
}

fn listed(values: &str, value: &str) -> bool {
    let values = values.trim().trim_start_matches('(').trim_end_matches(')');
    values.split(',').any(|item| item.trim() == value)
}

/// The parts between commas that stand in no parentheses.
fn requirements(selector: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, letter) in selector.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&selector[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&selector[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::selects;
    use serde_json::json;

    #[test]
    fn selectors() {
        let labels = json!({"app": "web", "tier": "front"});
        for (selector, fits) in [
            ("app=web", true),
            ("app==web, tier=front", true),
            ("app=api", false),
            ("app!=api", true),
            ("app", true),
            ("!app", false),
            ("none", false),
            ("!none", true),
            ("app in (api, web),tier", true),
            ("app notin (api,web)", false),
            ("none notin (a)", true),
            ("", true),
        ] {
            assert_eq!(selects(selector, &labels), fits, "{selector}");
        }
    }
}
