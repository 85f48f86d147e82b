//! How much Serin adds to kustomize's own time, and many builds at once.

use super::Test;
use super::support::Repository;
use serin_gitops::files::Folder;
use serin_gitops::kustomize::{Graph, Options, Program, build};
use serin_gitops::yaml::FieldPath;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub(crate) const TESTS: &[Test] = &[
    ("fifty_objects_cost_little", fifty_objects_cost_little),
    ("many_overlays_at_once", many_overlays_at_once),
];

/// An overlay above a base of 50 objects.
fn fifty(repository: &Repository, overlay: &str) {
    let rollout = super::damage::ROLLOUT;
    let (mut objects, mut patches) = (String::new(), String::new());
    for at in 0..25 {
        let name = format!("name: web-{at}");
        writeln!(objects, "{}---", rollout.replace("name: web", &name)).unwrap();
        write!(
            objects,
            "apiVersion: v1\nkind: Service\nmetadata: {{{name}}}\nspec: {{selector: {{app: web}}}}\n---\n"
        )
        .unwrap();
        write!(patches, "- target: {{kind: Rollout, {name}}}\n  patch: |-\n    - op: replace\n      path: /spec/replicas\n      value: {at}\n").unwrap();
    }
    repository.write("base/kustomization.yaml", "resources: [objects.yaml]\nnamePrefix: b-\n");
    repository.write("base/objects.yaml", &objects);
    let head = "resources: [../base]\nimages: [{name: nginx, newTag: '9'}]\nnamespace: prod\n";
    repository.write(
        &format!("{overlay}/kustomization.yaml"),
        &format!("{head}patches:\n{patches}"),
    );
}

/// The processor time of this thread, which says the same on a busy machine; `None` where the system does not tell.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// The whole way: reading, copying, the output, and the place of each field of each object.
fn fifty_objects_cost_little(program: &Program) {
    let repository = Repository::of("");
    fifty(&repository, "o");
    let files = Folder::new(repository.root()).unwrap();
    let mut least = Duration::MAX;
    for _ in 0..3 {
        let (started, before) = (Instant::now(), processor_time());
        let graph = Arc::new(Graph::read(&files, Path::new("o")).unwrap());
        let built = build(&graph, program, &Options::default()).unwrap();
        assert_eq!(built.objects.len(), 50);
        let mut places = 0;
        for (at, object) in built.objects.iter().enumerate() {
            for path in [
                "metadata.name",
                "spec.replicas",
                "spec.strategy.canary.steps",
                "spec.template.spec.containers[0].image",
                "spec.none",
            ] {
                places += usize::from(built.place(at, &FieldPath::within(path, &object.value)).is_some());
            }
        }
        assert_eq!(places, 250);
        assert_eq!(built.reaches().len(), 25);
        let took = match (before, processor_time()) {
            (Some(before), Some(after)) => after.saturating_sub(before),
            _ => started.elapsed().saturating_sub(built.took),
        };
        least = least.min(took);
    }
    eprintln!("{program}: 50 objects, {least:?} beyond kustomize's own time");
    // The aim, and this test is built without optimization.
    assert!(least < Duration::from_millis(300), "{least:?}");
}

fn many_overlays_at_once(program: &Program) {
    let many = std::env::var("SERIN_OVERLAYS")
        .ok()
        .and_then(|many| many.parse().ok())
        .unwrap_or(40);
    let repository = Repository::of("");
    for at in 0..many {
        fifty(&repository, &format!("o-{at}"));
    }
    let (next, started) = (AtomicUsize::new(0), Instant::now());
    let files = Folder::new(repository.root()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= many {
                        break;
                    }
                    let graph = Arc::new(Graph::read(&files, Path::new(&format!("o-{at}"))).unwrap());
                    let built = build(&graph, program, &Options::default()).unwrap();
                    assert_eq!(built.objects.len(), 50);
                }
            });
        }
    });
    eprintln!("{program}: {many} overlays of 50 objects in {:?}", started.elapsed());
}
