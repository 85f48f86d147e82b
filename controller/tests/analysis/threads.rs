//! `--analysis-threads`: how many runs are reconciled at once.

use crate::world::{World, alone, answers, seconds, spec, web};
use serde_json::json;
use serin_controller::Options;
use serin_sandbox::FaultResponse;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test(start_paused = true)]
async fn as_many_runs_are_reconciled_at_once_as_there_are_threads() {
    for threads in [1, 3] {
        let options = alone(Options {
            analysis_threads: threads,
            ..Options::default()
        });
        let world = World::start_with(answers("Successful"), options, serin_core::decide).await;
        // Nothing is written: who writes holds its thread.
        let held = Arc::<AtomicUsize>::default();
        let holds = Arc::clone(&held);
        world.api.intercept(Box::new(move |request| {
            let writes = request.verb == "patch" && request.resource == "analysisruns";
            writes.then(|| {
                holds.fetch_add(1, Ordering::SeqCst);
                FaultResponse::Hang
            })
        }));
        for run in 0..6 {
            let metrics = json!([web("m", &json!({}))]);
            world.create(&format!("run-{run}"), spec(&metrics)).await;
        }
        seconds(2).await;
        assert_eq!(held.load(Ordering::SeqCst), threads);
        world.api.clear_intercept();
        world.stop().await;
    }
}
