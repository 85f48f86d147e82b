//! The resources of `argoproj.io/v1alpha1` as written (contract 01): every field, none interpreted.

pub mod analysis;
pub mod analysis_run;
pub mod analysis_template;
pub mod canary_step;
pub mod experiment;
pub mod lenient;
pub mod providers;
pub mod rollout;
pub mod rollout_status;
pub mod template;
pub mod traffic_routing;

pub use analysis_run::AnalysisRun;
pub use analysis_template::{AnalysisTemplate, ClusterAnalysisTemplate};
pub use experiment::Experiment;
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

macro_rules! resource {
    ($kind:ident, $plural:literal, $scope:ident) => {
        impl kube_core::Resource for $kind {
            type DynamicType = ();
            type Scope = kube_core::$scope;

            fn kind(&(): &()) -> std::borrow::Cow<'_, str> {
                stringify!($kind).into()
            }
            fn group(&(): &()) -> std::borrow::Cow<'_, str> {
                GROUP.into()
            }
            fn version(&(): &()) -> std::borrow::Cow<'_, str> {
                VERSION.into()
            }
            fn plural(&(): &()) -> std::borrow::Cow<'_, str> {
                $plural.into()
            }
            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

resource!(Rollout, "rollouts", NamespaceResourceScope);
resource!(Experiment, "experiments", NamespaceResourceScope);
resource!(AnalysisRun, "analysisruns", NamespaceResourceScope);
resource!(AnalysisTemplate, "analysistemplates", NamespaceResourceScope);
resource!(
    ClusterAnalysisTemplate,
    "clusteranalysistemplates",
    ClusterResourceScope
);
