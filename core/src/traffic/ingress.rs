//! Ingresses that a router's spec names: one, or a list (contract 07 §2, §3).

use super::{Place, Routes, Site};
use crate::validate::FieldError;
use serde_json::Value;

/// The two fields that name Ingresses, of which a spec has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ingresses<'a> {
    /// Path of the router in the spec.
    pub(super) router: &'static str,
    /// The one Ingress, and the field that names it.
    pub(super) one: (&'static str, &'a str),
    /// The list, and the field as upstream prints it (contract 11 §E, "01 §9 routers").
    pub(super) many: (&'static str, &'a [String]),
    /// Both fields, as the sentence has them that asks for one.
    pub(super) words: &'static str,
}

impl<'a> Ingresses<'a> {
    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (_, one) = self.one;
        let (_, many) = self.many;
        let one = (!one.is_empty()).then_some(one);
        one.into_iter().chain(many.iter().map(String::as_str))
    }

    /// The first that is not there, or does not lead to a Service; before that, that both fields or none of them name any.
    pub(super) fn references(&self, site: &Site<'_>, routes: &Routes, service: &str) -> Option<FieldError> {
        let (router, (one, name), (many, names)) = (self.router, self.one, self.many);
        let which = match (name.is_empty(), names.is_empty()) {
            (true, true) => Some("Neither"),
            (false, false) => Some("Both"),
            (true, false) | (false, true) => None,
        };
        if let Some(which) = which {
            let detail = format!("Either {} must be configured. {which} are configured.", self.words);
            return Some(FieldError::invalid(format!("{router}.{one}"), "", detail));
        }
        let refuse = |of: &str, detail: String| {
            if name.is_empty() {
                FieldError::invalid(format!("{router}.{many}"), names, detail)
            } else {
                FieldError::invalid(format!("{router}.{one}"), of, detail)
            }
        };
        if let Some(name) = self.names().find(|name| routes.is_missing(&place(site, name))) {
            return Some(refuse(name, format!("ingress.networking.k8s.io \"{name}\" not found")));
        }
        let without = self.names().find(|name| {
            let found = routes.find(&place(site, name));
            found.is_some_and(|object| !leads_to(object, service))
        });
        without.map(|name| refuse(name, no_rules(name, service)))
    }
}

/// The Ingress of this name.
pub(super) fn place(site: &Site<'_>, name: &str) -> Place {
    Place {
        api_version: "networking.k8s.io/v1".to_owned(),
        kind: "Ingress".to_owned(),
        plural: "ingresses".to_owned(),
        namespace: site.namespace.to_owned(),
        name: name.to_owned(),
    }
}

/// Whether an Ingress leads to a Service, by a rule or by its default.
pub(super) fn leads_to(object: &Value, service: &str) -> bool {
    let spec = &object["spec"];
    let is = |backend: &Value| backend["service"]["name"].as_str() == Some(service);
    let mut rules = spec["rules"].as_array().into_iter().flatten();
    is(&spec["defaultBackend"])
        || rules.any(|rule| {
            let mut paths = rule["http"]["paths"].as_array().into_iter().flatten();
            paths.any(|path| is(&path["backend"]))
        })
}

/// What is said of an Ingress that does not lead to a Service.
pub(super) fn no_rules(name: &str, service: &str) -> String {
    format!("ingress `{name}` has no rules using service {service} backend")
}
