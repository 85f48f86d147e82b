//! Changes objects of traffic routers, and reads them live (contract 07).

use super::replica_set::{owner_reference, params};
use super::{Act, Call, Error, Writer};
use crate::cluster::refusal::Failure;
use crate::cluster::trouble::Trouble;
use crate::store::expectations::{Expected, Subject};
use crate::store::routes::{RouteKind, StoredRoute, name_of};
use kube::api::{DeleteParams, ListParams, Patch, PostParams, Preconditions};
use kube::core::Request;
use kube::{Api, Client};
use serde_json::{Map, Value, json};
use serin_core::observed::{Attempt, Kind, Refusal, Verb};
use serin_core::plan::Target;
use serin_core::traffic::{Change, Place};
use serin_core::wire;

/// What a live read of an object tells.
pub(crate) enum Live {
    /// The object.
    Found(Box<StoredRoute>),
    /// There is none.
    Missing,
    /// The API server does not serve its kind.
    NotServed,
    /// It may not be read: why.
    Refused(String),
}

/// Kind and name, so that a person reads which object it is.
fn title(place: &Place) -> String {
    format!("{}/{}", place.kind, place.name)
}

/// What a change is called in logs and events.
pub(super) fn attempt_of(change: &Change) -> Attempt {
    let verb = match change {
        Change::Create { .. } => Verb::Create,
        Change::Patch { .. } => Verb::Patch,
        Change::Delete { .. } => Verb::Delete,
    };
    Attempt::new(verb, Kind::Route, &title(change.place()))
}

impl Act<'_> {
    pub(super) async fn change_route(&mut self, change: &Change) -> Result<(), Error> {
        let name = title(change.place());
        let call = Call {
            verb: attempt_of(change).verb,
            kind: Kind::Route,
            namespace: &change.place().namespace,
            name: &name,
            urgent: self.urgent,
        };
        match change {
            Change::Create { place, object, owned } => self.create_route(&call, place, object, *owned).await,
            Change::Patch {
                place,
                patch,
                resource_version,
            } => {
                let target = target(place, resource_version);
                let body = on_version(patch, &self.version(&target.uid, resource_version));
                let (params, body) = (params(), Patch::Merge(&body));
                let sent = async { self.writer.routes(place)?.patch(&place.name, &params, &body).await };
                match self.writer.write(&call, sent).await {
                    Ok(patched) => {
                        self.changed(Subject::Route(place.clone()), &target.uid, version(&patched));
                        Ok(())
                    }
                    Err(error) => {
                        self.learn(Subject::Route(place.clone()), &target, &error);
                        Err(error)
                    }
                }
            }
            Change::Delete {
                place,
                uid,
                resource_version,
            } => self.delete_route(&call, place, uid, resource_version).await,
        }
    }

    /// Sent as it was decided, in the version that was decided on. Where the name is taken, the store must show by whom before
    /// the next decision.
    async fn create_route(&mut self, call: &Call<'_>, place: &Place, object: &Value, owned: bool) -> Result<(), Error> {
        let mut body = object.clone();
        if let (true, Some(Value::Object(metadata))) = (owned, body.get_mut("metadata")) {
            metadata.insert("ownerReferences".to_owned(), json!([owner_reference(self.owner)]));
        }
        let params = PostParams {
            field_manager: Some(wire::FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let resource = RouteKind::of(place).resource();
        let path = <StoredRoute as kube::Resource>::url_path(&resource, Some(&place.namespace));
        let sent = async {
            let body = serde_json::to_vec(&body).map_err(kube::Error::SerdeError)?;
            let request = Request::new(path)
                .create(&params, body)
                .map_err(kube::Error::BuildRequest)?;
            self.writer
                .client_of_place(place)?
                .request::<StoredRoute>(request)
                .await
        };
        let (subject, known_as) = (Subject::Route(place.clone()), name_of(place));
        match self.writer.write(call, sent).await {
            Ok(created) => {
                self.created(subject, &known_as, version(&created));
                Ok(())
            }
            Err(error) => {
                let taken = matches!(&error, Error::Refused(failure) if failure.why == Refusal::AlreadyExists);
                if taken && let Live::Found(live) = self.writer.get_route(place).await? {
                    self.created(subject, &known_as, version(&live));
                }
                Err(error)
            }
        }
    }

    /// An object that is gone counts as deleted.
    async fn delete_route(
        &mut self,
        call: &Call<'_>,
        place: &Place,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), Error> {
        let target = target(place, resource_version);
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: Some(self.version(&target.uid, resource_version)),
        });
        let subject = Subject::Route(place.clone());
        let sent = async { self.writer.routes(place)?.delete(&place.name, &params).await };
        match self.writer.write(call, sent).await {
            Ok(_) => {
                let uid = target.uid;
                self.expectations.add(&self.owner.uid, subject, Expected::Gone { uid });
                Ok(())
            }
            Err(error) => self.gone_is_done(subject, &target, error),
        }
    }
}

impl Writer {
    /// The client of the cluster that has objects of this group and version.
    ///
    /// # Errors
    /// It cannot be reached: why.
    pub(crate) fn client_of(&self, api_version: &str) -> Result<&Client, &str> {
        self.istio.client_of(api_version, &self.client)
    }

    fn client_of_place(&self, place: &Place) -> kube::Result<&Client> {
        let unusable = |why: &str| kube::Error::Service(why.into());
        self.client_of(&place.api_version).map_err(unusable)
    }

    fn routes(&self, place: &Place) -> kube::Result<Api<StoredRoute>> {
        let (client, resource) = (self.client_of_place(place)?, RouteKind::of(place).resource());
        Ok(Api::namespaced_with(client.clone(), &place.namespace, &resource))
    }

    async fn get_live(&self, place: &Place) -> Result<StoredRoute, kube::Error> {
        if !place.name.is_empty() {
            return self.routes(place)?.get(&place.name).await;
        }
        let resource = RouteKind::of(place).resource();
        let path = <StoredRoute as kube::Resource>::url_path(&resource, Some(&place.namespace));
        let request = Request::new(path).list(&ListParams::default());
        let client = self.client_of_place(place)?;
        client.request(request.map_err(kube::Error::BuildRequest)?).await
    }

    /// Reads an object of a router live; all of its namespace where the place has no name.
    pub(crate) async fn get_route(&self, place: &Place) -> Result<Live, Failure> {
        if let Err(why) = self.client_of(&place.api_version) {
            return Ok(Live::Refused(why.to_owned()));
        }
        let name = title(place);
        let call = Call {
            verb: Verb::Get,
            kind: Kind::Route,
            namespace: &place.namespace,
            name: &name,
            urgent: true,
        };
        let sent = async {
            match self.get_live(place).await {
                Ok(found) => Ok(Live::Found(Box::new(found))),
                Err(error) => match (Trouble::from(&error), &error) {
                    (Trouble::UnknownKind, _) => Ok(Live::NotServed),
                    (Trouble::Forbidden(said), _) => {
                        let verb = if place.name.is_empty() { "list" } else { "get" };
                        Ok(Live::Refused(RouteKind::of(place).refused(verb, &said)))
                    }
                    (_, kube::Error::Api(status)) if status.code == 404 => Ok(Live::Missing),
                    _ => Err(error),
                },
            }
        };
        self.call(&call, sent).await
    }
}

/// The object that is changed: its name stands for its UID.
fn target(place: &Place, resource_version: &str) -> Target {
    Target {
        name: place.name.clone(),
        uid: name_of(place),
        resource_version: resource_version.to_owned(),
    }
}

fn version(object: &StoredRoute) -> &str {
    object.meta.resource_version.as_deref().unwrap_or_default()
}

/// The patch with the version that it was made from (decisions 12, 13).
fn on_version(patch: &Value, version: &str) -> Value {
    let fields = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let mut body: Map<String, Value> = fields(patch);
    let mut metadata = body.get("metadata").map(fields).unwrap_or_default();
    metadata.insert("resourceVersion".to_owned(), version.into());
    body.insert("metadata".to_owned(), Value::Object(metadata));
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_carries_the_version_and_keeps_what_it_says() {
        let expected = json!({"metadata": {"resourceVersion": "7"}, "spec": {"a": 1}});
        assert_eq!(on_version(&json!({"spec": {"a": 1}}), "7"), expected);
        let patch = json!({"metadata": {"annotations": {"a": "b"}, "labels": null}});
        let expected = json!({"metadata": {"annotations": {"a": "b"}, "labels": null, "resourceVersion": "7"}});
        assert_eq!(on_version(&patch, "7"), expected);
    }

    #[test]
    fn an_attempt_names_kind_and_object() {
        let place = Place {
            api_version: "networking.k8s.io/v1".into(),
            kind: "Ingress".into(),
            plural: "ingresses".into(),
            namespace: "n".into(),
            name: "web".into(),
        };
        let change = Change::Delete {
            place,
            uid: "u".into(),
            resource_version: "1".into(),
        };
        assert_eq!(attempt_of(&change).to_string(), "delete router object Ingress/web");
    }
}
