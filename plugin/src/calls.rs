//! The calls of the three kinds of plugins: names, arguments and answers (contract 07 §10).

use crate::configuration::Kind;
use crate::error::Error;
use crate::host::{Call, FAILURE, Plugins};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a step plugin is told besides the rollout (contract 03 §14).
#[derive(Clone, Debug, PartialEq)]
pub struct StepContext {
    /// Name of the plugin as the step has it.
    pub plugin_name: String,
    /// The `config` of the step, `None` where it has none.
    pub config: Option<Value>,
    /// The `status` that the plugin answered last, `None` before its first answer.
    pub status: Option<Value>,
}

/// What a step plugin answers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StepResult {
    /// The phase as the plugin wrote it. Empty means that the phase stays what it was; anything else than `Running`,
    /// `Successful`, `Failed` and `Error` is for the caller to refuse.
    #[serde(default)]
    pub phase: String,
    /// Words for a person, possibly none.
    #[serde(default)]
    pub message: String,
    /// Nanoseconds until the plugin wants to be called again; 0 where it does not say.
    #[serde(default, rename = "RequeueAfter")]
    pub requeue_after_nanoseconds: i64,
    /// What the plugin wants to have back at its next call.
    #[serde(default)]
    pub status: Option<Value>,
}

/// What a traffic router answers when it is asked whether a weight is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// The weight is not in force, or the plugin answered a number that has no meaning.
    No,
    /// The weight is in force.
    Yes,
    /// The plugin cannot tell.
    NotImplemented,
}

/// What a metric plugin and a router answer where there is nothing but a failure to tell.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    #[serde(default)]
    error_string: String,
}

impl Failure {
    fn into_result(self) -> Result<(), Error> {
        if self.error_string.is_empty() {
            Ok(())
        } else {
            Err(Error::Answer(self.error_string))
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StepAnswer {
    result: StepResult,
    error: Failure,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VerifyAnswer {
    #[serde(default)]
    verified: i64,
    err: Failure,
}

const MEASUREMENT: &str = "pkg/apis/rollouts/v1alpha1.Measurement";

macro_rules! call {
    ($method:literal, $registered:literal, $arguments:literal, $answer:expr) => {
        &Call {
            method: $method,
            registered: $registered,
            arguments: $arguments,
            answer: $answer,
        }
    };
}

const METRIC_RUN: &Call = call!("Run", "RunArgs", "metricproviders/plugin/rpc.RunArgs", MEASUREMENT);
const METRIC_RESUME: &Call = call!(
    "Resume",
    "TerminateAndResumeArgs",
    "metricproviders/plugin/rpc.TerminateAndResumeArgs",
    MEASUREMENT
);
const METRIC_TERMINATE: &Call = &Call {
    method: "Terminate",
    ..*METRIC_RESUME
};
const METRIC_GARBAGE_COLLECT: &Call = call!(
    "GarbageCollect",
    "GarbageCollectArgs",
    "metricproviders/plugin/rpc.GarbageCollectArgs",
    FAILURE
);
const METRIC_METADATA: &Call = call!(
    "GetMetadata",
    "GetMetadataArgs",
    "metricproviders/plugin/rpc.GetMetadataArgs",
    "map[string]string"
);

const STEP_ANSWER: &str = "rollout/steps/plugin/rpc.Response";
const STEP_RUN: &Call = call!("Run", "step.RunArgs", "rollout/steps/plugin/rpc.RunArgs", STEP_ANSWER);
const STEP_TERMINATE: &Call = call!(
    "Terminate",
    "step.TerminateArgs",
    "rollout/steps/plugin/rpc.TerminateArgs",
    STEP_ANSWER
);
const STEP_ABORT: &Call = call!(
    "Abort",
    "step.AbortArgs",
    "rollout/steps/plugin/rpc.AbortArgs",
    STEP_ANSWER
);

const ROUTER_UPDATE_HASH: &Call = call!(
    "UpdateHash",
    "UpdateHashArgs",
    "rollout/trafficrouting/plugin/rpc.UpdateHashArgs",
    FAILURE
);
const ROUTER_SET_WEIGHT: &Call = call!(
    "SetWeight",
    "SetWeightAndVerifyWeightArgs",
    "rollout/trafficrouting/plugin/rpc.SetWeightAndVerifyWeightArgs",
    FAILURE
);
const ROUTER_VERIFY_WEIGHT: &Call = &Call {
    method: "VerifyWeight",
    answer: "rollout/trafficrouting/plugin/rpc.VerifyWeightResponse",
    ..*ROUTER_SET_WEIGHT
};
const ROUTER_SET_HEADER: &Call = call!(
    "SetHeaderRoute",
    "SetHeaderArgs",
    "rollout/trafficrouting/plugin/rpc.SetHeaderArgs",
    FAILURE
);
const ROUTER_SET_MIRROR: &Call = call!(
    "SetMirrorRoute",
    "SetMirrorArgs",
    "rollout/trafficrouting/plugin/rpc.SetMirrorArgs",
    FAILURE
);
const ROUTER_REMOVE: &Call = call!(
    "RemoveManagedRoutes",
    "RemoveManagedRoutesArgs",
    "rollout/trafficrouting/plugin/rpc.RemoveManagedRoutesArgs",
    FAILURE
);

/// Metric providers.
///
/// `run` is an AnalysisRun, `metric` one of its metrics with its arguments resolved, `measurement` what the plugin answered
/// before: each as Kubernetes has it in JSON. So is the answer. Where its phase is `Error`, its message begins
/// `failed to run via plugin: ` (or `resume`, or `terminate`), as in Argo Rollouts.
impl Plugins {
    /// Begins a measurement. The plugin may answer one that has not ended.
    ///
    /// # Errors
    /// The plugin does not run ([`Error::Start`]), or gives no answer ([`Error::Call`]).
    pub async fn metric_run(&self, name: &str, run: &Value, metric: &Value) -> Result<Value, Error> {
        let arguments = [("AnalysisRun", run), ("Metric", metric)];
        let measured = self.call(Kind::Metric, name, METRIC_RUN, &arguments).await?;
        Ok(explained(measured, "run"))
    }

    /// Asks how a measurement stands that has not ended.
    ///
    /// # Errors
    /// As [`Plugins::metric_run`].
    pub async fn metric_resume(
        &self,
        name: &str,
        run: &Value,
        metric: &Value,
        measurement: &Value,
    ) -> Result<Value, Error> {
        let arguments = [("AnalysisRun", run), ("Metric", metric), ("Measurement", measurement)];
        let measured = self.call(Kind::Metric, name, METRIC_RESUME, &arguments).await?;
        Ok(explained(measured, "resume"))
    }

    /// Ends a measurement that has not ended.
    ///
    /// # Errors
    /// As [`Plugins::metric_run`].
    pub async fn metric_terminate(
        &self,
        name: &str,
        run: &Value,
        metric: &Value,
        measurement: &Value,
    ) -> Result<Value, Error> {
        let arguments = [("AnalysisRun", run), ("Metric", metric), ("Measurement", measurement)];
        let measured = self.call(Kind::Metric, name, METRIC_TERMINATE, &arguments).await?;
        Ok(explained(measured, "terminate"))
    }

    /// Lets the plugin forget all but the last `limit` measurements of a metric.
    ///
    /// # Errors
    /// As [`Plugins::metric_run`], and [`Error::Answer`] with the plugin's own words.
    pub async fn metric_garbage_collect(
        &self,
        name: &str,
        run: &Value,
        metric: &Value,
        limit: i64,
    ) -> Result<(), Error> {
        let arguments = [("AnalysisRun", run), ("Metric", metric), ("Limit", &Value::from(limit))];
        let answer = self
            .call(Kind::Metric, name, METRIC_GARBAGE_COLLECT, &arguments)
            .await?;
        read::<Failure>(METRIC_GARBAGE_COLLECT, answer)?.into_result()
    }

    /// What the plugin wants in the `metadata` of a metric's result. The key `error` tells a failure; its text then begins
    /// `failed to get metadata via plugin: `, as in Argo Rollouts.
    ///
    /// # Errors
    /// As [`Plugins::metric_run`].
    pub async fn metric_metadata(&self, name: &str, metric: &Value) -> Result<BTreeMap<String, String>, Error> {
        let answer = self
            .call(Kind::Metric, name, METRIC_METADATA, &[("Metric", metric)])
            .await?;
        let mut metadata: BTreeMap<String, String> = read(METRIC_METADATA, answer)?;
        if let Some(error) = metadata.get_mut("error").filter(|error| !error.is_empty()) {
            *error = format!("failed to get metadata via plugin: {error}");
        }
        Ok(metadata)
    }
}

/// Step plugins. `rollout` is the Rollout as Kubernetes has it in JSON.
impl Plugins {
    /// Runs the step, or asks how it goes.
    ///
    /// # Errors
    /// The plugin does not run ([`Error::Start`]), gives no answer ([`Error::Call`]), or answers that it failed
    /// ([`Error::Answer`]).
    pub async fn step_run(&self, name: &str, rollout: &Value, context: &StepContext) -> Result<StepResult, Error> {
        self.step(name, STEP_RUN, rollout, context).await
    }

    /// Stops a step that still runs.
    ///
    /// # Errors
    /// As [`Plugins::step_run`].
    pub async fn step_terminate(
        &self,
        name: &str,
        rollout: &Value,
        context: &StepContext,
    ) -> Result<StepResult, Error> {
        self.step(name, STEP_TERMINATE, rollout, context).await
    }

    /// Takes back what the step did.
    ///
    /// # Errors
    /// As [`Plugins::step_run`].
    pub async fn step_abort(&self, name: &str, rollout: &Value, context: &StepContext) -> Result<StepResult, Error> {
        self.step(name, STEP_ABORT, rollout, context).await
    }

    async fn step(&self, name: &str, call: &Call, rollout: &Value, context: &StepContext) -> Result<StepResult, Error> {
        let context = json!({
            "PluginName": context.plugin_name,
            "Config": context.config,
            "Status": context.status,
        });
        let arguments = [("Rollout", rollout), ("Context", &context)];
        let answer: StepAnswer = read(call, self.call(Kind::Step, name, call, &arguments).await?)?;
        answer.error.into_result()?;
        Ok(answer.result)
    }
}

/// Traffic routers. `rollout` is the Rollout as Kubernetes has it in JSON; `additional` is a list of weight destinations
/// (`serviceName`, `podTemplateHash`, `weight`), or null.
///
/// The failures of all of them: the plugin does not run ([`Error::Start`]), or it gives no answer or answers that it failed
/// ([`Error::Answer`], whose text begins `failed to set weight via plugin: ` and so on, as in Argo Rollouts).
impl Plugins {
    /// Tells the router which hashes are canary and stable.
    ///
    /// # Errors
    /// [`Error::Start`] and [`Error::Answer`].
    pub async fn router_update_hash(
        &self,
        name: &str,
        rollout: &Value,
        canary_hash: &str,
        stable_hash: &str,
        additional: &Value,
    ) -> Result<(), Error> {
        let (canary_hash, stable_hash) = (Value::from(canary_hash), Value::from(stable_hash));
        let arguments = [
            ("Rollout", rollout),
            ("CanaryHash", &canary_hash),
            ("StableHash", &stable_hash),
            ("AdditionalDestinations", additional),
        ];
        self.route(name, "update hash", ROUTER_UPDATE_HASH, &arguments).await
    }

    /// Sets the weight of the canary, in the unit of the rollout's traffic routing (percent, or parts of `maxTrafficWeight`).
    ///
    /// # Errors
    /// [`Error::Start`] and [`Error::Answer`].
    pub async fn router_set_weight(
        &self,
        name: &str,
        rollout: &Value,
        weight: i32,
        additional: &Value,
    ) -> Result<(), Error> {
        let weight = Value::from(weight);
        let arguments = [
            ("Rollout", rollout),
            ("DesiredWeight", &weight),
            ("AdditionalDestinations", additional),
        ];
        self.route(name, "set weight", ROUTER_SET_WEIGHT, &arguments).await
    }

    /// Asks whether a weight is in force.
    ///
    /// # Errors
    /// [`Error::Start`] and [`Error::Answer`].
    pub async fn router_verify_weight(
        &self,
        name: &str,
        rollout: &Value,
        weight: i32,
        additional: &Value,
    ) -> Result<Verified, Error> {
        let weight = Value::from(weight);
        let arguments = [
            ("Rollout", rollout),
            ("DesiredWeight", &weight),
            ("AdditionalDestinations", additional),
        ];
        let answer = self.call(Kind::Router, name, ROUTER_VERIFY_WEIGHT, &arguments).await;
        let verified = answer.and_then(|answer| {
            let VerifyAnswer { verified, err } = read(ROUTER_VERIFY_WEIGHT, answer)?;
            err.into_result().map(|()| verified)
        });
        let verified = verified.map_err(|error| of_router(error, "verify weight"))?;
        Ok(match verified {
            1 => Verified::Yes,
            2 => Verified::NotImplemented,
            _ => Verified::No,
        })
    }

    /// Sets a header route, as a `setHeaderRoute` step has it.
    ///
    /// # Errors
    /// [`Error::Start`] and [`Error::Answer`].
    pub async fn router_set_header_route(&self, name: &str, rollout: &Value, route: &Value) -> Result<(), Error> {
        let arguments = [("Rollout", rollout), ("SetHeaderRoute", route)];
        self.route(name, "set header route", ROUTER_SET_HEADER, &arguments)
            .await
    }

    /// Sets a mirror route, as a `setMirrorRoute` step has it.
    ///
    /// # Errors
    /// [`Error::Start`] and [`Error::Answer`].
    pub async fn router_set_mirror_route(&self, name: &str, rollout: &Value, route: &Value) -> Result<(), Error> {
        let arguments = [("Rollout", rollout), ("SetMirrorRoute", route)];
        self.route(name, "set mirror route", ROUTER_SET_MIRROR, &arguments)
            .await
    }

    /// Removes the routes of `managedRoutes`.
    ///
    /// # Errors
    /// [`Error::Start`] and [`Error::Answer`].
    pub async fn router_remove_managed_routes(&self, name: &str, rollout: &Value) -> Result<(), Error> {
        self.route(name, "remove managed routes", ROUTER_REMOVE, &[("Rollout", rollout)])
            .await
    }

    async fn route(&self, name: &str, doing: &str, call: &Call, arguments: &[(&str, &Value)]) -> Result<(), Error> {
        let answer = self.call(Kind::Router, name, call, arguments).await;
        let done = answer.and_then(|answer| read::<Failure>(call, answer)?.into_result());
        done.map_err(|error| of_router(error, doing))
    }
}

/// A failure of a router, which says what was to be done.
fn of_router(error: Error, doing: &str) -> Error {
    match error {
        start @ Error::Start(_) => start,
        error @ (Error::Call { .. } | Error::Answer(_)) => {
            Error::Answer(format!("failed to {doing} via plugin: {error}"))
        }
    }
}

/// The answer as its type.
fn read<T: serde::de::DeserializeOwned>(call: &Call, answer: Value) -> Result<T, Error> {
    serde_json::from_value(answer).map_err(|error| Error::Call {
        method: call.method,
        cause: format!("the answer cannot be read: {error}"),
    })
}

/// A measurement whose error says which operation it comes from.
fn explained(mut measurement: Value, operation: &str) -> Value {
    if measurement["phase"] == "Error" {
        let message = measurement["message"].as_str().unwrap_or_default();
        measurement["message"] = Value::from(format!("failed to {operation} via plugin: {message}"));
    }
    measurement
}
