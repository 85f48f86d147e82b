//! The metrics of analysis templates (contract 09 §3). Those of the cluster have an empty namespace.

use crate::store::analysis::AllTemplates;
use crate::telemetry::scrape::{family, sample};
use serin_core::analysis::provider;

/// Writes `analysis_template_info` and `analysis_template_metric_info`.
pub(super) fn write(text: &mut String, templates: &AllTemplates) {
    let all = templates.all();
    if all.is_empty() {
        return;
    }
    let (info, of_metrics) = ("analysis_template_info", "analysis_template_metric_info");
    family(text, info, "gauge", "Information about an analysis template.");
    for (key, _) in &all {
        sample(text, info, &[("name", &*key.name), ("namespace", &*key.namespace)], "1");
    }
    family(
        text,
        of_metrics,
        "gauge",
        "A metric of an analysis template, and its provider.",
    );
    for (key, template) in &all {
        for metric in &template.spec.metrics {
            let (metric, kind) = (&*metric.name, provider::name(metric));
            let labels = [
                ("metric", metric),
                ("name", &*key.name),
                ("namespace", &*key.namespace),
                ("type", kind),
            ];
            sample(text, of_metrics, &labels, "1");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::store::Source;
    use crate::store::analysis::StoredTemplate;
    use serde_json::json;

    #[test]
    fn templates_of_the_cluster_have_no_namespace() {
        let templates = AllTemplates::default();
        let mut text = String::new();
        write(&mut text, &templates);
        assert_eq!(text, "");
        let spec = json!({"metrics": [{"name": "rate", "provider": {"prometheus": {"query": "up"}}}]});
        let metadata = |namespace: &str| json!({"name": "t", "namespace": namespace, "resourceVersion": "1"});
        let one: StoredTemplate<false> =
            serde_json::from_value(json!({"metadata": metadata("shop"), "spec": spec})).unwrap();
        templates.apply(one, Source::Event);
        let all: StoredTemplate<true> =
            serde_json::from_value(json!({"metadata": {"name": "all"}, "spec": {}})).unwrap();
        templates.apply(all, Source::Event);
        write(&mut text, &templates);
        for line in [
            r#"analysis_template_info{name="all",namespace=""} 1"#,
            r#"analysis_template_info{name="t",namespace="shop"} 1"#,
            r#"analysis_template_metric_info{metric="rate",name="t",namespace="shop",type="Prometheus"} 1"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
