//! What a rollout wants of its routers, and what these report.

use crate::api::canary_step::{SetHeaderRoute, SetMirrorRoute};
use crate::api::rollout::{TrafficRouting, TrafficWeights, WeightDestination};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Versions and names of the controller's flags that routers depend on (contract 09 §1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// `--istio-api-version`: the version of `networking.istio.io`.
    pub istio_version: String,
    /// `--traffic-split-api-version`: the version of `split.smi-spec.io`.
    pub traffic_split_version: String,
    /// `--ambassador-api-version`: group and version.
    pub ambassador_api_version: String,
    /// `--traefik-api-group` and the version of `--traefik-api-version`.
    pub traefik_api_version: String,
    /// `--appmesh-crd-version`: the version of `appmesh.k8s.aws`.
    pub app_mesh_version: String,
    /// `--aws-verify-target-group`: AWS is asked whether its load balancers do what the Ingresses say.
    pub verifies_targets: bool,
    /// `--aws-target-group-binding-api-version`: group and version.
    pub target_group_binding_api_version: String,
    /// Seconds until AWS is asked again about what it does not do yet (contract 01 §7).
    pub verify_retry_seconds: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            istio_version: "v1alpha3".to_owned(),
            traffic_split_version: "v1alpha1".to_owned(),
            ambassador_api_version: "getambassador.io/v2".to_owned(),
            traefik_api_version: "traefik.io/v1alpha1".to_owned(),
            app_mesh_version: "v1beta2".to_owned(),
            verifies_targets: false,
            target_group_binding_api_version: "elbv2.k8s.aws/v1beta1".to_owned(),
            verify_retry_seconds: 10,
        }
    }
}

/// Where the traffic is routed: names that hold for all weights.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// Name of the rollout.
    pub rollout: &'a str,
    /// UID of the rollout.
    pub uid: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Service of the canary; of ping and pong the one that plays this part now. May be empty (Istio with subsets).
    pub canary_service: &'a str,
    /// Service of stable, likewise.
    pub stable_service: &'a str,
    /// `canaryService` and `stableService` as written, whatever ping and pong are.
    pub named: (&'a str, &'a str),
    /// What counts as all of the traffic (`maxTrafficWeight`, else 100).
    pub max_weight: i32,
    /// The routing as written: managed routes and stickiness.
    pub routing: &'a TrafficRouting,
    /// The flags of the controller.
    pub settings: &'a Settings,
}

impl Site<'_> {
    /// For a router that takes ping and pong only where no other Services are named (contract 07 §1).
    #[must_use]
    pub fn without_ping_pong(&self) -> Self {
        let (canary_service, stable_service) = self.named;
        if canary_service.is_empty() && stable_service.is_empty() {
            return *self;
        }
        Self {
            canary_service,
            stable_service,
            ..*self
        }
    }

    /// Whether the rollout is the controlling owner of an object.
    #[must_use]
    pub fn owns(&self, object: &Value) -> bool {
        let mut owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
        owners.any(|owner| owner["controller"] == true && owner["uid"].as_str() == Some(self.uid))
    }
}

/// What is wanted of every router.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted<'a> {
    /// Weight of the canary, out of [`Site::max_weight`].
    pub canary: i32,
    /// Pod template hash that the canary's subset leads to; empty for none.
    pub canary_hash: &'a str,
    /// Pod template hash that the subset of stable leads to; empty for none.
    pub stable_hash: &'a str,
    /// Services of experiments and their weights.
    pub additional: Vec<Destination>,
    /// Routes by header that are in force, by the order of the steps that set them; each has at least one match.
    pub headers: Vec<&'a SetHeaderRoute>,
    /// Routes that mirror and are in force, likewise.
    pub mirrors: Vec<&'a SetMirrorRoute>,
    /// Names of the routes that the steps or `managedRoutes` know, and that go unless they are in force: `managedRoutes`
    /// first, in its order, which is the order of precedence.
    pub managed: Vec<&'a str>,
}

impl Wanted<'_> {
    /// Weight of stable: what is left.
    #[must_use]
    pub fn stable(&self, site: &Site<'_>) -> i32 {
        let additional = self.additional.iter().map(|of| of.weight);
        additional
            .fold(site.max_weight.saturating_sub(self.canary), i32::saturating_sub)
            .max(0)
    }

    /// Whether a route of this name is in force.
    #[must_use]
    pub fn is_in_force(&self, name: &str) -> bool {
        self.headers.iter().any(|route| route.name == name) || self.mirrors.iter().any(|route| route.name == name)
    }
}

/// A further destination of traffic: a template of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Destination {
    /// Service.
    pub service: String,
    /// Pod template hash.
    pub hash: String,
    /// Weight.
    pub weight: i32,
}

/// What the objects of a router make of the traffic now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// The least weight that any of its routes gives the canary, out of [`Site::max_weight`].
    pub least: i32,
    /// The most that any of them gives it.
    pub most: i32,
    /// Pod template hash that the canary's destination selects, where the router and not a Service says so.
    pub canary_hash: Option<String>,
    /// Pod template hash that the destination of stable selects, likewise.
    pub stable_hash: Option<String>,
    /// Whether what carries the traffic confirms what the objects say; none where it cannot be asked, or is not.
    pub verified: Option<bool>,
}

impl Reported {
    /// Where nothing can be read, any weight may lead to what it last led to.
    #[must_use]
    pub fn unknown(recorded: Option<&TrafficWeights>, max_weight: i32) -> Self {
        let hash = |of: fn(&TrafficWeights) -> &WeightDestination| {
            let hash = &of(recorded?).pod_template_hash;
            (!hash.is_empty()).then(|| hash.clone())
        };
        Self {
            least: 0,
            most: max_weight,
            canary_hash: hash(|of| &of.canary),
            stable_hash: hash(|of| &of.stable),
            ..Self::default()
        }
    }

    /// Of the weights that the routes of one router carry; none of them gives the canary nothing.
    #[must_use]
    pub fn of_weights(weights: impl IntoIterator<Item = i32>) -> Self {
        let mut weights = weights.into_iter();
        let first = weights.next().unwrap_or(0);
        let (least, most) = weights.fold((first, first), |(least, most), of| (least.min(of), most.max(of)));
        Self {
            least,
            most,
            ..Self::default()
        }
    }
}
