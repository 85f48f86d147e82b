//! Reads a request's path and query: which resource, which object, which verb.

use std::collections::BTreeMap;

use http::Method;

use crate::status::ApiError;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/api`, `/apis`, `/version` and the like.
    Document(String),
    /// A resource, one of its objects, or a subresource.
    Resource(Target),
}

/// The target of a resource request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    /// Empty for cluster-scoped resources and for requests across namespaces.
    pub(crate) namespace: String,
    /// Empty for collections.
    pub(crate) name: String,
    pub(crate) subresource: String,
}

impl Route {
    /// Reads a path.
    pub(crate) fn parse(path: &str) -> Self {
        let parts: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(percent_decode)
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
            ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
            _ => return Self::Document(format!("/{}", parts.join("/"))),
        };
        let (namespace, rest) = match rest {
            // `/namespaces/x/status` and `/finalize` are subresources of the namespace, not collections in it.
            ["namespaces", _, "status" | "finalize"] => ("", rest),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        let at = |index: usize| rest.get(index).map(|part| (*part).to_owned()).unwrap_or_default();
        Self::Resource(Target {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: at(0),
            namespace: namespace.to_owned(),
            name: at(1),
            subresource: rest.get(2..).map(|rest| rest.join("/")).unwrap_or_default(),
        })
    }
}

/// The query parameters; a repeated one keeps its first value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads a query string; empty parts (`?&a=b`, as kube writes them) are skipped.
    pub(crate) fn parse(text: &str) -> Self {
        let mut map = BTreeMap::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            map.entry(percent_decode(key))
                .or_insert_with(|| percent_decode(&value.replace('+', " ")));
        }
        Self(map)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| matches!(value, "true" | "1"))
    }

    /// A whole number; 400 if it is not one.
    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.get(key) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            ApiError::bad_request(format!(
                "strconv.ParseUint: parsing {text:?}: invalid syntax in parameter {key}"
            ))
        })
    }

    pub(crate) fn dry_run(&self) -> Result<bool, ApiError> {
        match self.get("dryRun") {
            None => Ok(false),
            Some("All") => Ok(true),
            Some(other) => Err(ApiError::bad_request(format!(
                "Unsupported value: {other:?}: supported values: \"All\""
            ))),
        }
    }
}

/// The Kubernetes verb of a request, as audit logs and RBAC name it.
pub(crate) fn verb(method: &Method, target: &Target, query: &Query) -> &'static str {
    let collection = target.name.is_empty();
    match *method {
        Method::GET if query.flag("watch") => "watch",
        Method::GET if collection => "list",
        Method::GET => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if collection => "deletecollection",
        Method::DELETE => "delete",
        _ => "",
    }
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Query, Route, Target};

    fn target(path: &str) -> Option<Target> {
        match Route::parse(path) {
            Route::Resource(target) => Some(target),
            Route::Document(_) => None,
        }
    }

    #[test]
    fn paths_of_all_forms() {
        let of = |group: &str, plural: &str, namespace: &str, name: &str, subresource: &str| {
            Some(Target {
                group: group.to_owned(),
                version: "v1".to_owned(),
                plural: plural.to_owned(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                subresource: subresource.to_owned(),
            })
        };
        assert_eq!(target("/api/v1/pods"), of("", "pods", "", "", ""));
        assert_eq!(target("/api/v1/namespaces"), of("", "namespaces", "", "", ""));
        assert_eq!(target("/api/v1/namespaces/a"), of("", "namespaces", "", "a", ""));
        assert_eq!(
            target("/api/v1/namespaces/a/finalize"),
            of("", "namespaces", "", "a", "finalize")
        );
        assert_eq!(
            target("/api/v1/namespaces/a/pods/b/status"),
            of("", "pods", "a", "b", "status")
        );
        assert_eq!(
            target("/apis/apps/v1/namespaces/a/replicasets"),
            of("apps", "replicasets", "a", "", "")
        );
        assert_eq!(target("/apis/apps/v1"), None);
    }

    #[test]
    fn queries_as_kube_writes_them() {
        let query = Query::parse("&labelSelector=a%3Db%2Cc+in+(d)&watch=true&limit=x");
        assert_eq!(query.get("labelSelector"), Some("a=b,c in (d)"));
        assert!(query.flag("watch"));
        assert!(query.number("limit").is_err());
    }
}
