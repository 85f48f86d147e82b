//! The templates that an analysis names, as far as they are in the build.

use crate::rules::build::Object;
use crate::rules::seen::{Seen, Target};
use serde_json::Value;
use serin_core::analysis::template::gather;
use serin_core::api::analysis_template::AnalysisTemplateSpec;
use serin_core::api::rollout::AnalysisTemplateRef;
use serin_core::notation::duration::GoDuration;
use serin_core::observed::{Template, Templates};

/// Kind of the templates of a namespace.
pub(in crate::rules) const NAMESPACED: &str = "AnalysisTemplate";
/// Kind of the templates of the cluster.
pub(in crate::rules) const CLUSTER: &str = "ClusterAnalysisTemplate";

/// A metric of a template.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Metric<'a> {
    /// The template that has it.
    pub(in crate::rules) template: &'a Object,
    /// Its name.
    pub(in crate::rules) name: &'a str,
    /// Whether it measures until somebody stops it (contract 01 §4, "EffectiveCount").
    pub(in crate::rules) endless: bool,
    /// Its initial delay in seconds; `None` where there is none or an argument decides.
    pub(in crate::rules) delay: Option<i64>,
    /// The least seconds until it ends; `None` where it does not, or where an argument decides.
    pub(in crate::rules) least_seconds: Option<i64>,
}

/// The templates that references lead to, nested ones included, each once; `None` where one is not in the build, or names
/// itself.
pub(in crate::rules) fn templates_of<'a>(
    seen: &Seen<'a>,
    from: &Object,
    references: &[AnalysisTemplateRef],
) -> Option<Vec<&'a Object>> {
    let reachable = reachable(seen, from);
    let gathered = gather(references, &reachable).ok()?;
    let (namespaced, cluster) = gathered.names();
    let of = |kind, names: Vec<&str>| -> Option<Vec<&'a Object>> {
        names.into_iter().map(|name| template(seen, from, kind, name)).collect()
    };
    let (namespaced, cluster) = (of(NAMESPACED, namespaced)?, of(CLUSTER, cluster)?);
    Some([namespaced, cluster].concat())
}

/// What an object may name: of each template only which others it names, so that one that does not decode is walked, too.
pub(in crate::rules) fn reachable(seen: &Seen<'_>, from: &Object) -> Templates {
    let of = |kind: &'static str| {
        let names = seen.ours(kind).map(|(_, object)| object.name());
        let here = names.filter_map(|name| template(seen, from, kind, name));
        let named = here.map(|object| {
            let nested = object.value.pointer("/spec/templates").cloned().unwrap_or_default();
            let spec = AnalysisTemplateSpec {
                templates: serde_json::from_value(nested).unwrap_or_default(),
                ..AnalysisTemplateSpec::default()
            };
            (object.name().to_owned(), Template::from(spec))
        });
        named.collect()
    };
    Templates {
        namespaced: of(NAMESPACED),
        cluster: of(CLUSTER),
    }
}

fn template<'a>(seen: &Seen<'a>, from: &Object, kind: &'static str, name: &str) -> Option<&'a Object> {
    match seen.target(from, name, |object| object.is_ours(kind)) {
        Target::Here(template) => Some(template),
        Target::Renamed(_) | Target::Elsewhere(_) | Target::Absent => None,
    }
}

/// The metrics of an analysis; `None` where a template is not in the build.
pub(in crate::rules) fn metrics_of<'a>(
    seen: &Seen<'a>,
    from: &Object,
    references: &[AnalysisTemplateRef],
) -> Option<Vec<Metric<'a>>> {
    let templates = templates_of(seen, from, references)?;
    let metrics = templates.into_iter().flat_map(|template| {
        let metrics = template.value.pointer("/spec/metrics").and_then(Value::as_array);
        metrics.into_iter().flatten().map(move |metric| read(template, metric))
    });
    Some(metrics.collect())
}

fn read<'a>(template: &'a Object, metric: &'a Value) -> Metric<'a> {
    let seconds = |field: &str| {
        let text = metric[field].as_str().filter(|text| !text.is_empty())?;
        text.parse::<GoDuration>().ok().map(GoDuration::whole_seconds)
    };
    let interval = metric["interval"].as_str().is_some_and(|interval| !interval.is_empty());
    let written = &metric["count"];
    let by_argument = written.as_str().is_some_and(|text| text.contains("{{"));
    let count = match written {
        Value::Number(number) => number.as_i64().unwrap_or(0),
        Value::String(text) => text.parse().unwrap_or(0),
        _ => 0,
    };
    let endless = count == 0 && interval && !by_argument;
    let measurements = match count {
        0 if interval => None,
        0 => Some(1),
        count => Some(count),
    };
    let delay = seconds("initialDelay");
    let least_seconds = measurements.and_then(|count| {
        let between = if count > 1 { seconds("interval")? } else { 0 };
        Some(delay.unwrap_or(0) + (count - 1) * between)
    });
    Metric {
        template,
        name: metric["name"].as_str().unwrap_or_default(),
        endless,
        delay,
        least_seconds,
    }
}
