//! What a write costs the cluster in memory among 1,000, 4,000 and 16,000 pods: `cargo bench -p serin-sandbox`.
//!
//! Aim: the cost does not grow by more than the logarithm of their number.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot set up its cluster has nothing to measure"
)]

use divan::Bencher;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use serin_sandbox::ApiServer;

fn main() {
    divan::main();
}

#[divan::bench(args = [1_000, 4_000, 16_000], sample_count = 20, sample_size = 20)]
fn patch(bencher: Bencher<'_, '_>, pods: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let server = ApiServer::new();
    let api: Api<Pod> = Api::namespaced(server.client(), "default");
    runtime.block_on(async {
        for number in 0..pods {
            let spec = json!({"containers": [{"name": "main", "image": "app:1"}]});
            let pod =
                serde_json::from_value(json!({"metadata": {"name": format!("p{number}")}, "spec": spec})).unwrap();
            api.create(&PostParams::default(), &pod).await.unwrap();
        }
    });
    let mut next = 0;
    bencher.bench_local(|| {
        next += 1;
        let patch = Patch::Merge(json!({"metadata": {"labels": {"number": next.to_string()}}}));
        let name = format!("p{}", next % pods);
        runtime
            .block_on(api.patch(&name, &PatchParams::default(), &patch))
            .unwrap()
    });
}
