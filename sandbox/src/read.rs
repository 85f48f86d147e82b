//! Lists, in pages where the client wants them.

use serde_json::{Map, Value, json};

use crate::registry::api_version;
use crate::render::{Form, List};
use crate::route::Query;
use crate::state::{Resolved, State, in_version};
use crate::status::ApiError;
use crate::store::ObjectName;
use crate::watch::Filter;

impl State {
    /// LIST. A continued list keeps the resourceVersion of its first page, so that a watch from there misses nothing.
    pub(crate) fn list(&self, target: &Resolved, query: &Query, form: Form) -> Result<List, ApiError> {
        let filter = Filter::parse(target, query)?;
        let limit = query.number("limit")?.filter(|limit| *limit > 0);
        let current = self.store.revision();
        let mut revision = current;
        let mut after = None;
        if let Some(token) = query.get("continue") {
            let (begun, last) = parse_token(token)
                .ok_or_else(|| ApiError::bad_request("continue key is not valid: the token is malformed"))?;
            if begun < self.store.oldest(&target.resource.id) {
                return Err(ApiError::expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a \
                     new list without the continue parameter.",
                ));
            }
            revision = begun;
            after = Some(last);
        } else if let Some(wanted) = query.number("resourceVersion")?.filter(|wanted| *wanted > current) {
            return Err(ApiError::future_version(wanted, current));
        }
        let namespace = filter.namespace.clone();
        let mut matching = self
            .store
            .list(&target.resource.id, namespace.as_deref(), after.as_ref())
            .filter(|(_, object)| filter.matches(object));
        let take = limit
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(usize::MAX);
        let page: Vec<_> = matching.by_ref().take(take).collect();
        let mut metadata = Map::from_iter([("resourceVersion".to_owned(), json!(revision.to_string()))]);
        let left = matching.count();
        if let (true, Some((last, _))) = (left > 0, page.last()) {
            metadata.insert("continue".to_owned(), json!(token(revision, last)));
            if filter.labels.is_empty() && filter.fields.is_empty() {
                metadata.insert("remainingItemCount".to_owned(), json!(left));
            }
        }
        let (api_version, kind) = match form {
            Form::Whole | Form::Table => (
                api_version(&target.resource.group, &target.version),
                target.resource.list_kind.clone(),
            ),
            Form::Metadata => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadataList".to_owned()),
        };
        let items = page
            .into_iter()
            .map(|(_, object)| in_version(object, &target.resource, &target.version));
        Ok(List {
            api_version,
            kind,
            metadata: Value::Object(metadata),
            items: items.collect(),
            form,
            typed_items: target.resource.custom || form == Form::Metadata,
        })
    }
}

fn token(revision: u64, last: &ObjectName) -> String {
    format!("{revision}:{}/{}", last.namespace, last.name)
}

fn parse_token(token: &str) -> Option<(u64, ObjectName)> {
    let (revision, at) = token.split_once(':')?;
    let (namespace, name) = at.split_once('/')?;
    Some((
        revision.parse().ok()?,
        ObjectName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        },
    ))
}
