//! The resources of `argoproj.io/v1alpha1` as written (contract 01): every field, none interpreted.

pub mod analysis;
pub mod rollout;
pub mod template;

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    LabelSelector, LabelSelectorRequirement, ObjectMeta, OwnerReference, Time,
};
pub use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
pub use rollout::{Rollout, RolloutSpec, RolloutStatus};
pub use template::PodTemplate;

/// API group of all kinds.
pub const GROUP: &str = "argoproj.io";
/// The only version.
pub const VERSION: &str = "v1alpha1";
/// `argoproj.io/v1alpha1`.
pub const API_VERSION: &str = "argoproj.io/v1alpha1";

/// For `skip_serializing_if`: Go's `omitempty`.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl kube_core::Resource for Rollout {
    type DynamicType = ();
    type Scope = kube_core::NamespaceResourceScope;

    fn kind(&(): &()) -> std::borrow::Cow<'_, str> {
        "Rollout".into()
    }
    fn group(&(): &()) -> std::borrow::Cow<'_, str> {
        GROUP.into()
    }
    fn version(&(): &()) -> std::borrow::Cow<'_, str> {
        VERSION.into()
    }
    fn plural(&(): &()) -> std::borrow::Cow<'_, str> {
        "rollouts".into()
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
