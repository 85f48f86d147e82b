//! Which application an object belongs to (contract 13 §5.2).

use serde_json::Value;

use super::application::ApplicationName;

const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";

/// How Argo CD marks its objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracking {
    /// The label that holds the name of the application.
    pub label: String,
    /// Whether the label counts. With the method `annotation`, other tools can have set it.
    pub by_label: bool,
}

impl Default for Tracking {
    /// Both marks: what can be assumed without Argo CD's settings.
    fn default() -> Self {
        Self {
            label: "app.kubernetes.io/instance".to_owned(),
            by_label: true,
        }
    }
}

/// The application that an object's mark names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tracked {
    /// By the annotation, which names this very object.
    Annotation(ApplicationName),
    /// By the label, which many other tools set: a guess, until the application lists the object.
    Label(ApplicationName),
}

impl Tracked {
    /// The application.
    #[must_use]
    pub fn application(&self) -> &ApplicationName {
        match self {
            Self::Annotation(name) | Self::Label(name) => name,
        }
    }
}

/// The application of an object. An annotation that names another object was copied, and does not count.
#[must_use]
pub fn application_of(object: &Value, tracking: &Tracking) -> Option<Tracked> {
    let metadata = object.get("metadata")?;
    let mark = metadata
        .get("annotations")
        .and_then(|all| all.get(TRACKING_ID))
        .and_then(Value::as_str);
    if let Some(name) = mark.and_then(|mark| annotated(object, mark)) {
        return Some(Tracked::Annotation(name));
    }
    let label = metadata
        .get("labels")
        .and_then(|all| all.get(&tracking.label))
        .and_then(Value::as_str);
    let label = label.filter(|label| tracking.by_label && !label.is_empty())?;
    Some(Tracked::Label(named(label)))
}

/// `APP:GROUP/KIND:NAMESPACE/NAME`, if it names the object.
fn annotated(object: &Value, mark: &str) -> Option<ApplicationName> {
    let mut parts = mark.splitn(3, ':');
    let (application, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
    let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let own_kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let own_name = object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
    // A cluster-scoped object carries the application's destination.
    let right_place = name
        .split_once('/')
        .is_some_and(|(place, found)| found == own_name && namespace.is_none_or(|own| own == place));
    (kind == format!("{group}/{own_kind}") && right_place && !application.is_empty()).then(|| named(application))
}

/// `NAMESPACE_NAME`, or `NAME` in Argo CD's own namespace.
fn named(text: &str) -> ApplicationName {
    match text.split_once('_') {
        Some((namespace, name)) => ApplicationName {
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        },
        None => ApplicationName {
            namespace: None,
            name: text.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn rollout(annotation: &str, label: &str) -> Value {
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web", "namespace": "demo",
            "annotations": {TRACKING_ID: annotation}, "labels": {"app.kubernetes.io/instance": label}}})
    }

    #[test]
    fn the_annotation_names_the_application() {
        let found = |mark: &str| application_of(&rollout(mark, ""), &Tracking::default());
        let plain = ApplicationName {
            namespace: None,
            name: "shop".into(),
        };
        assert_eq!(
            found("shop:argoproj.io/Rollout:demo/web"),
            Some(Tracked::Annotation(plain))
        );
        let elsewhere = ApplicationName {
            namespace: Some("team".into()),
            name: "shop".into(),
        };
        assert_eq!(
            found("team_shop:argoproj.io/Rollout:demo/web"),
            Some(Tracked::Annotation(elsewhere))
        );
        for copied in [
            "shop:argoproj.io/Rollout:demo/api",
            "shop:apps/Deployment:demo/web",
            "shop:argoproj.io/Rollout:x/web",
            "shop",
            "",
        ] {
            assert_eq!(found(copied), None, "{copied}");
        }
    }

    #[test]
    fn the_label_is_a_guess() {
        let object = rollout("other:apps/Deployment:demo/api", "shop");
        let name = ApplicationName {
            namespace: None,
            name: "shop".into(),
        };
        assert_eq!(
            application_of(&object, &Tracking::default()),
            Some(Tracked::Label(name))
        );
        let strict = Tracking {
            by_label: false,
            ..Tracking::default()
        };
        assert_eq!(application_of(&object, &strict), None);
    }
}
