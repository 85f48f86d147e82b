//! Rules of a canary and its steps.

use super::check;

const BOTH_SERVICES: &str = "Canary service and Stable service must to be set to use Traffic Routing";

fn canary(rows: &[(&str, &str)]) {
    let rows: Vec<(String, &str)> = rows
        .iter()
        .map(|(canary, expected)| (format!("strategy: {{canary: {canary}}}"), *expected))
        .collect();
    let rows: Vec<(&str, &str)> = rows
        .iter()
        .map(|(fragment, expected)| (fragment.as_str(), *expected))
        .collect();
    check(&rows);
}

/// Rows of one step: trafficRouting, step, finding.
fn steps(rows: &[(&str, &str, &str)]) {
    let rows: Vec<(String, &str)> = rows
        .iter()
        .map(|(routing, step, expected)| {
            let services = "canaryService: c, stableService: s";
            (
                format!("strategy: {{canary: {{{services}, trafficRouting: {routing}, steps: [{step}]}}}}"),
                *expected,
            )
        })
        .collect();
    let rows: Vec<(&str, &str)> = rows
        .iter()
        .map(|(fragment, expected)| (fragment.as_str(), *expected))
        .collect();
    check(&rows);
}

/// Contract 01 §8 "Canary"; contract 11 §E "maxSurge/maxUnavailable".
#[test]
fn surge() {
    let zero = |value: &str| {
        format!("spec.strategy.maxSurge: Invalid value: {value}: MaxSurge and MaxUnavailable both can not be zero")
    };
    canary(&[
        ("{maxSurge: 0, maxUnavailable: 0}", &zero("0")),
        ("{maxSurge: 0%, maxUnavailable: '0'}", &zero("\"0%\"")),
        ("{maxSurge: abc, maxUnavailable: 0}", &zero("\"abc\"")),
        ("{maxSurge: 0.5%, maxUnavailable: 10 %}", &zero("\"0.5%\"")),
        ("{maxSurge: 0}", ""),
        ("{maxUnavailable: 0}", ""),
        ("{maxSurge: -1, maxUnavailable: 0}", ""),
        ("{maxSurge: 101%, maxUnavailable: 0}", ""),
        ("{maxSurge: '5', maxUnavailable: 0}", ""),
    ]);
}

#[test]
fn services() {
    let stable = format!("spec.strategy.stableService: Invalid value: \"\": {BOTH_SERVICES}");
    let canary_service = format!("spec.strategy.canaryService: Invalid value: \"\": {BOTH_SERVICES}");
    canary(&[
        (
            "{canaryService: a, stableService: a}",
            "spec.strategy.stableService: Invalid value: \"a\": This rollout uses the same service for the stable and \
             canary services, but two different services are required.",
        ),
        ("{trafficRouting: {alb: {ingress: i, servicePort: 80}}}", &stable),
        ("{stableService: s, trafficRouting: {istio: {}}}", &canary_service),
        ("{trafficRouting: {istio: {destinationRule: {name: d}}}}", ""),
        ("{trafficRouting: {smi: {}}}", &stable),
        ("{trafficRouting: {apisix: {}}}", &stable),
        ("{trafficRouting: {ambassador: {mappings: [m]}}}", &stable),
        ("{trafficRouting: {nginx: {stableIngress: i}}}", &stable),
        ("{trafficRouting: {appMesh: {}}}", &stable),
        ("{trafficRouting: {traefik: {weightedTraefikServiceName: t}}}", &stable),
        ("{trafficRouting: {plugins: {a/b: {}}}}", ""),
        (
            "{canaryService: c, trafficRouting: {alb: {ingress: i, servicePort: 80}}}",
            &stable,
        ),
        (
            "{pingPong: {pingService: a, pongService: b}, trafficRouting: {alb: {ingress: i, servicePort: 80, rootService: r}}}",
            "",
        ),
        (
            "{pingPong: {pingService: a, pongService: b}, trafficRouting: {istio: {}}}",
            "",
        ),
        (
            "{pingPong: {pingService: a, pongService: b}, trafficRouting: {istio: {}, nginx: {}}}",
            &stable,
        ),
    ]);
}

/// Contract 11 §E "Ping-pong".
#[test]
fn ping_pong() {
    let missing = "Ping service and Pong service must to be set to use Ping-Pong feature";
    canary(&[
        (
            "{pingPong: {pingService: a, pongService: b}, trafficRouting: {plugins: {}}}",
            "spec.strategy.trafficRouting.alb: Invalid value: null: Ping-pong feature works with the ALB, Istio, and \
             plugin-based traffic routers only",
        ),
        (
            "{pingPong: {pingService: '', pongService: ''}}",
            &format!("spec.strategy.pingPong.pingService: Invalid value: \"\": {missing}"),
        ),
        (
            "{pingPong: {pingService: a, pongService: ''}}",
            &format!("spec.strategy.pingPong.pongService: Invalid value: \"\": {missing}"),
        ),
        (
            "{pingPong: {pingService: a, pongService: a}}",
            "spec.strategy.pingPong.pingService: Invalid value: \"a\": This rollout uses the same service for the ping \
             and pong services, but two different services are required.",
        ),
        (
            "{pingPong: {pingService: a, pongService: b}, trafficRouting: {alb: {ingress: i, servicePort: 80}}}",
            "spec.strategy.trafficRouting.alb.rootService: Invalid value: \"\": Root service field is required for the \
             configuration with ALB and ping-pong feature enabled",
        ),
        ("{pingPong: {pingService: a, pongService: b}}", ""),
    ]);
}

#[test]
fn delays_and_weights() {
    canary(&[
        (
            "{scaleDownDelaySeconds: 0}",
            "spec.strategy.scaleDownDelaySeconds: Invalid value: 0: Canary scaleDownDelaySeconds can only be used with \
             traffic routing",
        ),
        (
            "{dynamicStableScale: true}",
            "spec.strategy.dynamicStableScale: Invalid value: true: Canary dynamicStableScale can only be used with \
             traffic routing",
        ),
        (
            "{dynamicStableScale: true, scaleDownDelaySeconds: 1, trafficRouting: {plugins: {a/b: {}}}}",
            "spec.strategy.dynamicStableScale: Invalid value: true: Canary dynamicStableScale cannot be used with \
             scaleDownDelaySeconds",
        ),
        (
            "{trafficRouting: {maxTrafficWeight: 1000, istio: {destinationRule: {name: d}}}}",
            "spec.strategy.trafficRouting.maxTrafficWeight: Invalid value: 1000: Canary maxTrafficWeight in traffic \
             routing only supported in Nginx and Plugins",
        ),
        (
            "{trafficRouting: {maxTrafficWeight: 1000, plugins: {a/b: {}}}, steps: [{setWeight: 500}]}",
            "",
        ),
        (
            "{trafficRouting: {maxTrafficWeight: -1, plugins: {a/b: {}}}, steps: [{setWeight: 0}]}",
            "spec.strategy.steps[0].setWeight: Invalid value: 0: SetWeight needs to be between 0 and -1",
        ),
    ]);
}

/// Contract 11 §E "Steps".
#[test]
fn kinds_weights_and_pauses() {
    let one_of = "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause";
    let pause = |seconds: i32| {
        format!("spec.strategy.steps[0].pause.duration: Invalid value: {seconds}: Duration needs to be greater than 0")
    };
    canary(&[
        (
            "{steps: [{setWeight: 5}, {setWeight: 10, pause: {}}]}",
            &format!(
                "spec.strategy.steps[1]: Invalid value: \"step.Experiment: false step.Pause: true step.SetWeight: true \
                 step.Analysis: false\": {one_of}"
            ),
        ),
        (
            "{steps: [{}]}",
            &format!(
                "spec.strategy.steps[0]: Invalid value: \"step.Experiment: true step.Pause: true step.SetWeight: true \
                 step.Analysis: true step.SetCanaryScale: true step.SetHeaderRoute: true step.SetMirrorRoute: true \
                 step.Plugin: true\": {one_of}"
            ),
        ),
        (
            "{steps: [{setWeight: 5, analysis: {}, experiment: {templates: []}}]}",
            &format!(
                "spec.strategy.steps[0]: Invalid value: \"step.Experiment: true step.Pause: false step.SetWeight: true \
                 step.Analysis: true\": {one_of}"
            ),
        ),
        ("{steps: [{setWeight: 5, plugin: {name: p}}]}", ""),
        (
            "{steps: [{setWeight: 101}]}",
            "spec.strategy.steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100",
        ),
        (
            "{steps: [{setWeight: -1}]}",
            "spec.strategy.steps[0].setWeight: Invalid value: -1: SetWeight needs to be between 0 and 100",
        ),
        ("{steps: [{pause: {duration: 0}}]}", ""),
        ("{steps: [{pause: {}}]}", ""),
        ("{steps: [{pause: {duration: -500ms}}]}", ""),
        ("{steps: [{pause: {duration: 1h}}]}", ""),
        ("{steps: [{pause: {duration: -5}}]}", &pause(-5)),
        ("{steps: [{pause: {duration: 1d}}]}", &pause(-1)),
        ("{steps: [{pause: {duration: ''}}]}", &pause(-1)),
        ("{steps: [{pause: {duration: '99999999999'}}]}", &pause(-1)),
        (
            "{steps: [{setCanaryScale: {replicas: 1}}]}",
            "spec.strategy.trafficRouting: Required value: SetCanaryScale requires TrafficRouting to be set",
        ),
    ]);
}

const ISTIO: &str = "{istio: {}, managedRoutes: [{name: r}]}";
const ALB: &str = "{alb: {ingress: i, servicePort: 80}, managedRoutes: [{name: r}]}";

#[test]
fn header_routes() {
    let path = "spec.strategy.steps[0].setHeaderRoute";
    let needs = "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix";
    let several = "StringMatch match value must have exactly one of the following: exact, regex, prefix";
    let none = "StringMatch value missed, match value must have one of the following: exact, regex, prefix";
    let alb = "SetHeaderRoute match value invalid. ALB supports 'exact' value only";
    steps(&[
        (
            "null",
            "{setHeaderRoute: {name: r}}",
            &format!("{path}: Invalid value: {{\"name\":\"r\"}}: {needs}"),
        ),
        (
            "{smi: {}}",
            "{setHeaderRoute: {name: r, match: [{headerName: a, headerValue: {regex: '<'}}]}}",
            &format!(
                "{path}: Invalid value: {{\"name\":\"r\",\"match\":[{{\"headerName\":\"a\",\"headerValue\":\
                 {{\"regex\":\"\\u003c\"}}}}]}}: {needs}"
            ),
        ),
        (
            ISTIO,
            "{setHeaderRoute: {name: r, match: [{headerName: a, headerValue: {exact: a, regex: b, prefix: c}}]}}",
            &format!("{path}.match[0]: Invalid value: {{\"exact\":\"a\",\"prefix\":\"c\",\"regex\":\"b\"}}: {several}"),
        ),
        (
            ISTIO,
            "{setHeaderRoute: {name: r, match: [{headerName: a, headerValue: {}}]}}",
            &format!("{path}.match[0]: Invalid value: {{}}: {none}"),
        ),
        (
            ISTIO,
            "{setHeaderRoute: {name: r, match: [{headerName: a, headerValue: {prefix: x}}]}}",
            "",
        ),
        (
            ALB,
            "{setHeaderRoute: {name: r, match: [{headerName: a, headerValue: {prefix: x}}]}}",
            &format!("{path}.match[0]: Invalid value: {{\"prefix\":\"x\"}}: {alb}"),
        ),
        (
            ALB,
            "{setHeaderRoute: {name: r, match: [{headerName: a, headerValue: {exact: x}}]}}",
            "",
        ),
        (
            ALB,
            "{setHeaderRoute: {name: r, match: [{headerName: a, headerValue: {exact: x, regex: x}}]}}",
            &format!("{path}.match[0]: Invalid value: {{\"exact\":\"x\",\"regex\":\"x\"}}: {alb}"),
        ),
        (
            ISTIO,
            "{setHeaderRoute: {name: r, match: [{headerName: a, headerValue: {exact: x}}, {headerName: b, headerValue: {}}]}}",
            &format!("{path}.match[1]: Invalid value: {{}}: {none}"),
        ),
    ]);
}

#[test]
fn routers_of_header_routes() {
    let needs = "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix";
    let path = "spec.strategy.steps[0].setHeaderRoute";
    steps(&[
        (
            "{apisix: {}, managedRoutes: [{name: r}]}",
            "{setHeaderRoute: {name: r}}",
            "",
        ),
        (
            "{plugins: {a/b: {}}, managedRoutes: [{name: r}]}",
            "{setHeaderRoute: {name: r}}",
            "",
        ),
        (
            "{plugins: {}, managedRoutes: [{name: r}]}",
            "{setHeaderRoute: {name: r}}",
            &format!("{path}: Invalid value: {{\"name\":\"r\"}}: {needs}"),
        ),
    ]);
}

#[test]
fn mirror_and_managed_routes() {
    let mirror = "spec.strategy.steps[0].setMirrorRoute";
    let none = "StringMatch value missed, match value must have one of the following: exact, regex, prefix";
    let missing = "spec.strategy.trafficRouting.managedRoutes: Required value: Rollout has missing field \
                   'spec.strategy.canary.trafficRouting.managedRoutes'";
    let unknown = "Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes";
    steps(&[
        (
            ALB,
            "{setMirrorRoute: {name: r, percentage: 5}}",
            &format!(
                "{mirror}: Invalid value: {{\"name\":\"r\",\"percentage\":5}}: SetMirrorRoute requires TrafficRouting, \
                 supports Istio and Plugins"
            ),
        ),
        (
            ISTIO,
            "{setMirrorRoute: {name: r, match: [{method: {exact: GET}, path: {}}]}}",
            &format!("{mirror}.match[0]: Invalid value: {{}}: {none}"),
        ),
        (ISTIO, "{setMirrorRoute: {name: r, match: [{headers: {a: {}}}]}}", ""),
        (
            ISTIO,
            "{setMirrorRoute: {name: r, match: [{path: {exact: a, regex: b}}]}}",
            &format!(
                "{mirror}.match[0]: Invalid value: {{\"exact\":\"a\",\"regex\":\"b\"}}: StringMatch match value must have \
                 exactly one of the following: exact, regex, prefix"
            ),
        ),
        (
            "{plugins: {a/b: {}}, managedRoutes: [{name: r}]}",
            "{setMirrorRoute: {name: r, percentage: 5}}",
            "",
        ),
        (
            "null",
            "{setMirrorRoute: {name: r}}",
            &format!(
                "{mirror}: Invalid value: {{\"name\":\"r\"}}: SetMirrorRoute requires TrafficRouting, supports Istio and \
                 Plugins"
            ),
        ),
        ("{istio: {}}", "{setMirrorRoute: {name: r}}", missing),
        ("{istio: {}, managedRoutes: []}", "{setHeaderRoute: {name: r}}", missing),
        (
            ISTIO,
            "{setHeaderRoute: {name: x}}",
            &format!("spec.strategy.steps[0].setHeaderRoute: Invalid value: \"x\": {unknown}"),
        ),
        (
            ISTIO,
            "{setMirrorRoute: {name: x}}",
            &format!("{mirror}: Invalid value: \"x\": {unknown}"),
        ),
    ]);
}

#[test]
fn experiments_and_arguments() {
    let weight = "spec.strategy.steps[0].experiment.templates[1].weight: Invalid value: 5:";
    let experiment = "{experiment: {templates: [{name: a, specRef: stable}, {name: b, specRef: canary, weight: 5}]}}";
    let argument =
        |field: &str| format!("{{analysis: {{args: [{{name: a, valueFrom: {{fieldRef: {{fieldPath: {field}}}}}}}]}}}}");
    let refused = |field: &str| {
        format!(
            "spec.strategy.steps[0].analyses: Invalid value: [{{\"name\":\"a\",\"valueFrom\":{{\"fieldRef\":\
             {{\"fieldPath\":\"{field}\"}}}}}}]: Analyses arguments must refer to valid object metadata supported by \
             downwardAPI"
        )
    };
    steps(&[
        (
            "null",
            experiment,
            &format!("{weight} Experiment template weight cannot be set unless TrafficRouting is enabled"),
        ),
        (
            "{nginx: {stableIngress: i}}",
            experiment,
            &format!(
                "{weight} Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and \
                 Plugins at this time"
            ),
        ),
        ("{smi: {}}", experiment, ""),
        ("{istio: {}}", experiment, ""),
        ("{alb: {ingress: i, servicePort: 80}}", experiment, ""),
        ("{plugins: {a/b: {}}}", experiment, ""),
        ("{gatewayAPI: {httpRoute: web}}", experiment, ""),
        (
            "{smi: {}}",
            "{setWeight: 96}, {experiment: {templates: [{name: a, specRef: stable, weight: 2}, {name: b, specRef: canary, weight: 3}]}}",
            "spec.strategy.steps[1].experiment.templates: Invalid value: 5: the weights of the templates, and that of the canary, \
             which is 96 here, may not be more than 100 together",
        ),
        (
            "{smi: {}}",
            "{experiment: {templates: [{name: a, specRef: stable, weight: -1}]}}",
            "spec.strategy.steps[0].experiment.templates[0].weight: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "null",
            "{experiment: {templates: [], analyses: [{name: one, templateName: t, args: [{name: a, valueFrom: {fieldRef: \
             {fieldPath: metadata.ownerReferences}}}]}]}}",
            &refused("metadata.ownerReferences"),
        ),
        ("null", &argument("metadata.labels"), ""),
        ("null", &argument("\"metadata.labels['nothing']\""), ""),
        ("null", &argument("\"metadata.annotations['A.b/C']\""), ""),
        ("null", &argument("status.nothing"), ""),
        (
            "null",
            &argument("metadata.ownerReferences"),
            &refused("metadata.ownerReferences"),
        ),
        (
            "null",
            &argument("\"metadata.labels['a b']\""),
            &refused("metadata.labels['a b']"),
        ),
        (
            "null",
            &argument("\"metadata.name['a']\""),
            &refused("metadata.name['a']"),
        ),
    ]);
}
