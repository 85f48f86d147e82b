//! Metric providers as written (contract 01 §4).

use super::rollout::PodTemplateMetadata;
use super::{IntOrString, is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a metric comes from. Exactly one is expected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricProvider {
    /// Prometheus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<Box<PrometheusMetric>>,
    /// Kayenta.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kayenta: Option<Box<KayentaMetric>>,
    /// Any HTTP service that answers JSON or text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web: Option<Box<WebMetric>>,
    /// Datadog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datadog: Option<Box<DatadogMetric>>,
    /// Wavefront.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wavefront: Option<WavefrontMetric>,
    /// New Relic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_relic: Option<NewRelicMetric>,
    /// A Kubernetes Job that succeeds or fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<Box<JobMetric>>,
    /// Amazon CloudWatch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_watch: Option<Box<CloudWatchMetric>>,
    /// Graphite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graphite: Option<GraphiteMetric>,
    /// InfluxDB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub influxdb: Option<InfluxdbMetric>,
    /// Apache SkyWalking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skywalking: Option<SkyWalkingMetric>,
    /// Plugins by name.
    #[serde(skip_serializing_if = "is_default")]
    pub plugin: BTreeMap<String, Value>,
}

/// Contract 08, Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PrometheusMetric {
    /// Address of the server.
    #[serde(skip_serializing_if = "is_default")]
    pub address: String,
    /// PromQL.
    #[serde(skip_serializing_if = "is_default")]
    pub query: String,
    /// How to log in. Always written, even empty.
    pub authentication: Authentication,
    /// Seconds until a query is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// Do not verify the certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub insecure: bool,
    /// Headers of the request.
    #[serde(skip_serializing_if = "is_default")]
    pub headers: Vec<WebMetricHeader>,
    /// Ask for a range in place of an instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range_query: Option<PrometheusRangeQuery>,
}

/// Bounds of a range query, as expressions of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PrometheusRangeQuery {
    /// Begin.
    #[serde(skip_serializing_if = "is_default")]
    pub start: String,
    /// End.
    #[serde(skip_serializing_if = "is_default")]
    pub end: String,
    /// Go duration between samples.
    #[serde(skip_serializing_if = "is_default")]
    pub step: String,
}

/// How to log in at a metric provider. All members are always written, even empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Authentication {
    /// AWS Signature Version 4.
    pub sigv4: Sigv4Config,
    /// OAuth 2 client credentials.
    pub oauth2: OAuth2Config,
    /// User and password.
    pub basic_auth: BasicAuthConfig,
}

/// AWS Signature Version 4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Sigv4Config {
    /// Region.
    #[serde(skip_serializing_if = "is_default")]
    pub region: String,
    /// Profile.
    #[serde(skip_serializing_if = "is_default")]
    pub profile: String,
    /// Role.
    #[serde(skip_serializing_if = "is_default")]
    pub role_arn: String,
}

/// OAuth 2 client credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OAuth2Config {
    /// Where tokens come from.
    #[serde(skip_serializing_if = "is_default")]
    pub token_url: String,
    /// Client.
    #[serde(skip_serializing_if = "is_default")]
    pub client_id: String,
    /// Secret of the client.
    #[serde(skip_serializing_if = "is_default")]
    pub client_secret: String,
    /// Scopes asked for.
    #[serde(skip_serializing_if = "is_default")]
    pub scopes: Vec<String>,
}

/// User and password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BasicAuthConfig {
    /// User.
    #[serde(skip_serializing_if = "is_default")]
    pub username: String,
    /// Password.
    #[serde(skip_serializing_if = "is_default")]
    pub password: String,
}

/// Contract 08, web.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WebMetric {
    /// `GET`, `POST` or `PUT`; absent means GET.
    #[serde(skip_serializing_if = "is_default")]
    pub method: String,
    /// Address.
    pub url: String,
    /// Headers of the request.
    #[serde(skip_serializing_if = "is_default")]
    pub headers: Vec<WebMetricHeader>,
    /// Body as text.
    #[serde(skip_serializing_if = "is_default")]
    pub body: String,
    /// Seconds until the request is given up.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout_seconds: i64,
    /// Where the value stands in the answer.
    #[serde(skip_serializing_if = "is_default")]
    pub json_path: String,
    /// Do not verify the certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub insecure: bool,
    /// Body as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_body: Option<Value>,
    /// How to log in. Always written, even empty.
    pub authentication: Authentication,
}

/// A header of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WebMetricHeader {
    /// Name.
    pub key: String,
    /// Value.
    pub value: String,
}

/// Contract 08, Datadog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DatadogMetric {
    /// Go duration that the query looks back; the API server fills in `5m`.
    #[serde(skip_serializing_if = "is_default")]
    pub interval: String,
    /// Query.
    #[serde(skip_serializing_if = "is_default")]
    pub query: String,
    /// Queries by name, for a formula.
    #[serde(skip_serializing_if = "is_default")]
    pub queries: BTreeMap<String, String>,
    /// Formula over the named queries.
    #[serde(skip_serializing_if = "is_default")]
    pub formula: String,
    /// `v1` or `v2`; the API server fills in `v1`.
    #[serde(skip_serializing_if = "is_default")]
    pub api_version: String,
    /// How a series becomes one number.
    #[serde(skip_serializing_if = "is_default")]
    pub aggregator: String,
    /// Where the keys are. Always written, even empty.
    pub secret_ref: SecretRef,
    /// Go duration; the API server fills in `10s`.
    #[serde(skip_serializing_if = "is_default")]
    pub request_timeout: String,
}

/// A Secret by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretRef {
    /// Name.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Look in the run's namespace, not the controller's.
    #[serde(skip_serializing_if = "is_default")]
    pub namespaced: bool,
}

/// Contract 08, New Relic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NewRelicMetric {
    /// Name of the Secret with the keys.
    #[serde(skip_serializing_if = "is_default")]
    pub profile: String,
    /// NRQL.
    pub query: String,
    /// Seconds until a query is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
}

/// Contract 08, Wavefront.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WavefrontMetric {
    /// Address of the server.
    #[serde(skip_serializing_if = "is_default")]
    pub address: String,
    /// Query.
    #[serde(skip_serializing_if = "is_default")]
    pub query: String,
}

/// Contract 08, Graphite.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GraphiteMetric {
    /// Address of the server.
    #[serde(skip_serializing_if = "is_default")]
    pub address: String,
    /// Query.
    #[serde(skip_serializing_if = "is_default")]
    pub query: String,
}

/// Contract 08, InfluxDB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct InfluxdbMetric {
    /// Name of the Secret with address and token.
    #[serde(skip_serializing_if = "is_default")]
    pub profile: String,
    /// Flux.
    #[serde(skip_serializing_if = "is_default")]
    pub query: String,
}

/// Contract 08, SkyWalking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SkyWalkingMetric {
    /// Address of the server.
    #[serde(skip_serializing_if = "is_default")]
    pub address: String,
    /// GraphQL.
    #[serde(skip_serializing_if = "is_default")]
    pub query: String,
    /// Go duration that the query looks back.
    #[serde(skip_serializing_if = "is_default")]
    pub interval: String,
}

/// Contract 08, CloudWatch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CloudWatchMetric {
    /// Go duration that the query looks back.
    #[serde(skip_serializing_if = "is_default")]
    pub interval: String,
    /// Queries and expressions.
    pub metric_data_queries: Vec<CloudWatchQuery>,
}

/// One query or expression.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CloudWatchQuery {
    /// Name within the request.
    #[serde(skip_serializing_if = "is_default")]
    pub id: String,
    /// Expression over other queries.
    #[serde(skip_serializing_if = "is_default")]
    pub expression: String,
    /// Label of the answer.
    #[serde(skip_serializing_if = "is_default")]
    pub label: String,
    /// A metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_stat: Option<CloudWatchMetricStat>,
    /// Seconds per data point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<IntOrString>,
    /// Whether the answer is returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_data: Option<bool>,
}

/// A metric and its statistic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CloudWatchMetricStat {
    /// Metric.
    #[serde(skip_serializing_if = "is_default")]
    pub metric: CloudWatchMetricName,
    /// Seconds per data point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<IntOrString>,
    /// Statistic.
    #[serde(skip_serializing_if = "is_default")]
    pub stat: String,
    /// Unit.
    #[serde(skip_serializing_if = "is_default")]
    pub unit: String,
}

/// A metric by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CloudWatchMetricName {
    /// Dimensions.
    #[serde(skip_serializing_if = "is_default")]
    pub dimensions: Vec<CloudWatchDimension>,
    /// Name.
    #[serde(skip_serializing_if = "is_default")]
    pub metric_name: String,
    /// Namespace of CloudWatch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// A dimension of a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CloudWatchDimension {
    /// Name.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Value.
    #[serde(skip_serializing_if = "is_default")]
    pub value: String,
}

/// Contract 08, Kayenta.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct KayentaMetric {
    /// Address of the server.
    pub address: String,
    /// Application.
    pub application: String,
    /// Canary configuration.
    pub canary_config_name: String,
    /// Account of the metrics.
    pub metrics_account_name: String,
    /// Account of the configuration.
    pub configuration_account_name: String,
    /// Account of the storage.
    pub storage_account_name: String,
    /// Scores.
    pub threshold: KayentaThreshold,
    /// What is compared.
    pub scopes: Vec<KayentaScope>,
    /// Compare from the start of the run.
    #[serde(skip_serializing_if = "is_default")]
    pub lookback: bool,
}

/// Scores that decide.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct KayentaThreshold {
    /// Successful from here on.
    pub pass: i64,
    /// Inconclusive from here on.
    pub marginal: i64,
}

/// A pair of scopes that are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct KayentaScope {
    /// Name.
    pub name: String,
    /// The baseline.
    pub control_scope: KayentaScopeDetail,
    /// The canary.
    pub experiment_scope: KayentaScopeDetail,
}

/// One side of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct KayentaScopeDetail {
    /// Scope.
    pub scope: String,
    /// Region.
    pub region: String,
    /// Seconds per data point.
    pub step: i64,
    /// Begin, RFC 3339.
    #[serde(skip_serializing_if = "is_default")]
    pub start: String,
    /// End, RFC 3339.
    #[serde(skip_serializing_if = "is_default")]
    pub end: String,
}

/// Contract 08, job. The specification travels as the JSON it came as.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct JobMetric {
    /// Labels and annotations of the Job.
    #[serde(skip_serializing_if = "is_default")]
    pub metadata: PodTemplateMetadata,
    /// Specification of the Job.
    #[schemars(with = "k8s_openapi::api::batch::v1::JobSpec")]
    pub spec: Value,
}
