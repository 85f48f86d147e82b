//! Analysis of rollouts, measured by Jobs, which both clusters can run, and over HTTP, for which time must pass.

use crate::blue_green::BLUE_GREEN;
use crate::canary::CANARY;
use anyhow::Result;
use serde_json::{Value, json};
use serin_e2e::{Story, World};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// A template with one Job.
fn template(name: &str, command: &str) -> String {
    job_template(name, "[]", command)
}

/// A template with these arguments and one Job.
pub(crate) fn job_template(name: &str, args: &str, command: &str) -> String {
    format!(
        "
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {{name: {name}}}
spec:
  args: {args}
  metrics:
  - name: verify
    provider:
      job:
        spec:
          backoffLimit: 0
          template:
            spec:
              restartPolicy: Never
              containers: [{{name: main, image: 'shell:1', command: [sh, -c, '{command}']}}]
"
    )
}

fn templates(name: &str) -> Value {
    json!({"templates": [{"templateName": name}]})
}

/// The first version of a canary with these fields runs.
fn canary<'w>(world: &'w mut World, command: &str, fields: &Value) -> Story<'w> {
    world
        .given()
        .objects(&template("verify", command))
        .rollout(CANARY)
        .healthy()
        .when()
        .edit(json!({"spec": {"strategy": {"canary": fields}}}))
}

pub(crate) async fn a_background_analysis_that_fails_aborts(world: &mut World) -> Result<()> {
    let fields = json!({"analysis": templates("verify"), "steps": [{"setWeight": 50}, {"pause": {}}]});
    canary(world, "sleep 5 && exit 1", &fields)
        .set_image("app:2")
        .then()
        .phase("Paused")
        .run("-2", "Running")
        .phase("Degraded")
        .run("-2", "Failed")
        .condition("Progressing", "False", "RolloutAborted")
        .ready_pods(1, 4)
        .events_in_order(&["AnalysisRunRunning", "AnalysisRunFailed", "RolloutAborted"])
        // The next version is measured anew.
        .when()
        .objects(&template("good", "exit 0"))
        .edit(json!({"spec": {"strategy": {"canary": {"analysis": templates("good"), "steps": [{"setWeight": 50}]}}}}))
        .set_image("app:3")
        .then()
        .healthy()
        .run("-3", "Successful")
        .ready_pods(3, 4)
        .await
}

pub(crate) async fn an_inline_job_is_waited_for(world: &mut World) -> Result<()> {
    let fields = json!({"steps": [{"setWeight": 25}, {"analysis": templates("verify")}]});
    canary(world, "sleep 4 && exit 0", &fields)
        .set_image("app:2")
        .then()
        .run("-2-1", "Running")
        .phase("Progressing")
        .at_step(1)
        .ready_pods(2, 1)
        .run("-2-1", "Successful")
        .healthy()
        .ready_pods(2, 4)
        .await
}

pub(crate) async fn a_run_that_a_person_ends_is_no_verdict(world: &mut World) -> Result<()> {
    let fields = json!({"steps": [{"setWeight": 25}, {"analysis": templates("verify")}]});
    canary(world, "sleep 600", &fields)
        .set_image("app:2")
        .then()
        .run("-2-1", "Running")
        .when()
        .wait(Duration::from_secs(4))
        .terminate_run("-2-1")
        .then()
        .run("-2-1", "Inconclusive")
        .phase("Paused")
        .message("InconclusiveAnalysisRun")
        .stays("Paused", Duration::from_secs(3))
        .when()
        .promote()
        .then()
        .healthy()
        .ready_pods(2, 4)
        .await
}

pub(crate) async fn a_killed_controller_goes_on_with_its_job(world: &mut World) -> Result<()> {
    let fields = json!({"steps": [{"setWeight": 25}, {"analysis": templates("verify")}]});
    canary(world, "sleep 12 && exit 0", &fields)
        .set_image("app:2")
        .then()
        .run("-2-1", "Running")
        .when()
        .wait(Duration::from_secs(3))
        .kill_controller()
        .wait(Duration::from_secs(1))
        .start_controller()
        .then()
        .run("-2-1", "Running")
        .healthy()
        .until("one Job was made", |view| {
            let results = view.runs.iter().flat_map(|run| &run.status.metric_results);
            let counts: Vec<(i32, i32, usize)> =
                results.map(|it| (it.count, it.error, it.measurements.len())).collect();
            if counts == [(1, 0, 1)] {
                Ok(())
            } else {
                Err(format!("{counts:?}"))
            }
        })
        .await
}

fn blue_green<'w>(world: &'w mut World, command: &str, when: &str) -> Story<'w> {
    let rollout = BLUE_GREEN.replace("autoPromotionEnabled: false", "autoPromotionEnabled: true");
    world
        .given()
        .service("active")
        .service("preview")
        .objects(&template("verify", command))
        .rollout(&rollout)
        .healthy()
        .serves("active", 1)
        .when()
        .edit(json!({"spec": {"strategy": {"blueGreen": {when: templates("verify"), "scaleDownDelaySeconds": 30}}}}))
        .set_image("app:2")
}

pub(crate) async fn what_fails_before_the_switch_never_serves(world: &mut World) -> Result<()> {
    blue_green(world, "sleep 2 && exit 1", "prePromotionAnalysis")
        .then()
        .serves("preview", 2)
        .run("-2-pre", "Failed")
        .phase("Degraded")
        .serves("active", 1)
        .ready_pods(1, 2)
        .condition("Progressing", "False", "RolloutAborted")
        .await
}

pub(crate) async fn what_fails_after_the_switch_gives_the_service_back(world: &mut World) -> Result<()> {
    blue_green(world, "sleep 3 && exit 1", "postPromotionAnalysis")
        .then()
        .serves("active", 2)
        .run("-2-post", "Failed")
        .phase("Degraded")
        .serves("active", 1)
        .ready_pods(1, 2)
        .await
}

pub(crate) async fn what_passes_on_both_sides_of_the_switch_stays(world: &mut World) -> Result<()> {
    blue_green(world, "sleep 1", "prePromotionAnalysis")
        .edit(json!({"spec": {"strategy": {"blueGreen": {"postPromotionAnalysis": templates("verify")}}}}))
        .then()
        .run("-2-pre", "Successful")
        .run("-2-post", "Successful")
        .healthy()
        .serves("active", 2)
        .await
}

/// Serves metrics until the tests end, and gives the address. `/requests?hash=H&canary=C` has the errors of the version H: the
/// canary C has many. `/few` has too few requests for a verdict.
fn metrics() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who goes away gets no answer, and asks again.
            _ = answer(stream);
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut read, mut part) = (Vec::new(), [0; 4096]);
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part)? {
            0 => return Ok(()),
            bytes => read.extend(part.iter().take(bytes)),
        }
    }
    let request = String::from_utf8_lossy(&read);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let of = |name: &str| path.split(['?', '&']).find_map(|pair| pair.strip_prefix(name));
    let body = match (of("hash="), of("canary=")) {
        (Some(hash), Some(canary)) if hash == canary => json!({"errors": 220, "requests": 2000}),
        (Some(_), Some(_)) => json!({"errors": 2, "requests": 2000}),
        _ => json!({"rate": 1.0, "requests": 3}),
    };
    let (body, kind) = (body.to_string(), "Content-Type: application/json");
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\n{kind}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// A canary whose step is an analysis by one metric over HTTP, with these fields.
fn measured<'w>(world: &'w mut World, path: &str, args: &str, metric: &str) -> Result<Story<'w>> {
    let template = format!(
        "
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {{name: measured}}
spec:
  args: {args}
  metrics:
  - {{name: errors, {metric}, provider: {{web: {{url: '{}{path}'}}}}}}
",
        metrics()?
    );
    let given = match args {
        "[]" => json!([]),
        _ => json!([{"name": "canary", "valueFrom": {"podTemplateHashValue": "Latest"}}]),
    };
    let analysis = json!({"templates": [{"templateName": "measured"}], "args": given});
    Ok(world
        .given()
        .objects(&template)
        .rollout(CANARY)
        .healthy()
        .when()
        .edit(json!({"spec": {"strategy": {"canary": {"steps": [{"setWeight": 25}, {"analysis": analysis}]}}}}))
        .set_image("app:2"))
}

pub(crate) async fn a_canary_that_is_worse_than_stable_is_aborted(world: &mut World) -> Result<()> {
    let compare = "interval: 1s, count: 30, compare: {arg: hash, worse: higher, margin: '0.01', confidence: '0.95', result: \
                   {successes: result.errors, trials: result.requests}}";
    let path = "/requests?hash={{args.hash}}&canary={{args.canary}}";
    measured(world, path, "[{name: hash}, {name: canary}]", compare)?
        .then()
        .run("-2-1", "Failed")
        .phase("Degraded")
        .condition("Progressing", "False", "RolloutAborted")
        .ready_pods(1, 4)
        .until("what was found is told", |view| {
            let results = view.runs.iter().flat_map(|run| &run.status.metric_results);
            let told: Vec<&str> = results
                .flat_map(|it| &it.measurements)
                .map(|it| it.message.as_str())
                .collect();
            let found = "the canary is worse by more than 0.01: canary 220 of 2000 (0.11), stable 2 of 2000 (0.001)";
            if told.len() == 1 && told.iter().all(|message| message.starts_with(found)) {
                Ok(())
            } else {
                Err(format!("{told:?}"))
            }
        })
        .await
}

pub(crate) async fn too_little_data_is_no_verdict(world: &mut World) -> Result<()> {
    let metric = "successCondition: result.rate > 0.9, noData: Inconclusive, samples: result.requests, minSamples: 100";
    measured(world, "/few", "[]", metric)?
        .then()
        .run("-2-1", "Inconclusive")
        .phase("Paused")
        .message("InconclusiveAnalysisRun")
        .ready_pods(2, 1)
        .when()
        .promote()
        .then()
        .healthy()
        .ready_pods(2, 4)
        .await
}
