//! Random lives: crashes after any write, late counters, pods that come and go, people.

use crate::cluster::{Cluster, Set, template};
use serde_json::{Value, json};
use serin_core::wire::analysis::Phase;
use serin_core::wire::experiment::TemplateState;

/// xorshift64*: the same seed gives the same life.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % limit
    }

    fn small(&mut self, limit: i64) -> i64 {
        i64::try_from(self.below(u64::try_from(limit).unwrap())).unwrap()
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

const NAMES: [&str; 3] = ["a", "b", "c"];
const VERDICTS: [Phase; 4] = [Phase::Successful, Phase::Failed, Phase::Error, Phase::Inconclusive];

fn spec(random: &mut Random) -> Value {
    let templates = 1 + random.below(3);
    let templates: Vec<Value> = NAMES
        .iter()
        .take(usize::try_from(templates).unwrap())
        .map(|name| {
            let mut more = json!({"replicas": random.below(4)});
            if random.one_in(2) {
                more["service"] = json!({});
            }
            template(name, &more)
        })
        .collect();
    let analyses: Vec<Value> = (0..random.below(3))
        .map(|index| json!({"name": format!("n{index}"), "templateName": "web", "requiredForCompletion": random.one_in(2)}))
        .collect();
    let mut spec = json!({"templates": templates, "analyses": analyses, "progressDeadlineSeconds": 30});
    if random.one_in(2) {
        spec["duration"] = json!(format!("{}s", random.below(60)));
    }
    match random.below(3) {
        0 => spec["scaleDownDelaySeconds"] = json!(0),
        1 => spec["scaleDownDelaySeconds"] = json!(7),
        _ => {}
    }
    spec
}

fn born(random: &mut Random) -> Cluster {
    let mut cluster = Cluster::of(&spec(random)).with_template("web");
    cluster.ready_after = (!random.one_in(8)).then(|| random.small(20));
    cluster.lag = random.small(4);
    cluster
}

/// Somebody or something does something.
fn happens(cluster: &mut Cluster, random: &mut Random) {
    match random.below(9) {
        0 => cluster.dies_after = Some(cluster.writes + 1 + usize::try_from(random.below(4)).unwrap()),
        1 => {
            let running = cluster.runs.iter().find(|(run, _)| !run.is_completed());
            if let Some(name) = running.map(|(run, _)| run.name.clone()) {
                let phase = VERDICTS[usize::try_from(random.below(4)).unwrap()];
                cluster.end_run(&name, phase, "said");
            }
        }
        2 if random.one_in(3) => cluster.edit(&json!({"terminate": true})),
        3 if random.one_in(3) => {
            cluster.sets.pop();
        }
        4 if random.one_in(3) => {
            cluster.services.pop();
        }
        5 => {
            let late = cluster.after(random.small(40));
            if let Some(pod) = cluster.sets.first_mut().and_then(|set| set.pods.first_mut()) {
                *pod = late;
            }
        }
        6 if random.one_in(2) => {
            let mut templates = serde_json::to_value(&cluster.experiment.spec.templates).unwrap();
            templates[0]["replicas"] = json!(random.below(4));
            cluster.edit(&json!({"templates": templates}));
        }
        7 if random.one_in(4) => {
            cluster.foreign_sets = vec!["exp-a".to_owned(), "exp-b".to_owned()];
            let foreign = &cluster.foreign_sets;
            cluster.sets.retain(|set| !foreign.contains(&set.object.name));
        }
        8 => cluster.foreign_sets.clear(),
        _ => {}
    }
}

/// What holds at every moment.
fn check(cluster: &Cluster, before: &Cluster, seed: u64) {
    // What has ended keeps its size until its delay is over.
    let under_way = |set: &&Set| !set.object.annotations.contains_key("scale-down-deadline");
    for set in cluster.sets.iter().filter(under_way) {
        let mut templates = cluster.experiment.spec.templates.iter();
        let wanted = templates.find(|template| set.object.name == format!("exp-{}", template.name));
        let wanted = wanted.and_then(|template| template.replicas).unwrap_or(1);
        assert!(
            set.object.replicas <= wanted,
            "life {seed}: {} of {wanted}",
            set.object.replicas
        );
    }
    let (old, new) = (&before.experiment.status, &cluster.experiment.status);
    if Phase::of(&old.phase).is_completed() {
        assert_eq!(
            (&old.phase, &old.message),
            (&new.phase, &new.message),
            "life {seed}: a final phase stays"
        );
    }
    for of in &old.template_statuses {
        let completed = TemplateState::of(&of.status).is_some_and(TemplateState::is_completed);
        let now = new.template_statuses.iter().find(|now| now.name == of.name);
        if let Some(now) = now.filter(|_| completed) {
            assert_eq!(now.status, of.status, "life {seed}: a final state stays");
        }
    }
    if old.available_at.is_some() {
        assert_eq!(old.available_at, new.available_at, "life {seed}");
    }
    for analysis in &cluster.experiment.spec.analyses {
        let base = format!("exp-{}", analysis.name);
        let runs = cluster.runs.iter().filter(|(run, _)| run.name.starts_with(&base));
        assert!(runs.count() <= 1, "life {seed}: two runs of {}", analysis.name);
    }
    if new.phase == "Successful" && !cluster.experiment.spec.terminate {
        let required = cluster
            .experiment
            .spec
            .analyses
            .iter()
            .filter(|of| of.required_for_completion);
        for of in required {
            assert_eq!(
                cluster.analysis(&of.name).1,
                "Successful",
                "life {seed}: unknown is never success"
            );
        }
    }
}

fn rests(cluster: &Cluster, seed: u64) {
    assert!(cluster.plan().is_empty(), "life {seed}: {:?}", cluster.plan());
    assert_eq!(cluster.plan().wake, None, "life {seed}");
    assert!(
        Phase::of(&cluster.experiment.status.phase).is_completed(),
        "life {seed}"
    );
    assert!(
        cluster.sizes().iter().all(|(_, size)| *size == 0),
        "life {seed}: {:?}",
        cluster.sizes()
    );
    assert!(cluster.services.is_empty(), "life {seed}");
    assert!(cluster.runs.iter().all(|(run, _)| run.is_completed()), "life {seed}");
    assert!(cluster.sets.iter().all(|set| set.pods.is_empty()), "life {seed}");
}

#[test]
fn every_life_ends_without_pods() {
    let mut ends = std::collections::BTreeMap::new();
    for seed in 1..=1_000 {
        let mut random = Random::new(seed);
        let mut cluster = born(&mut random);
        for _ in 0..12 {
            let before = cluster.clone();
            happens(&mut cluster, &mut random);
            cluster.run(random.small(15));
            check(&cluster, &before, seed);
        }
        cluster.edit(&json!({"terminate": true}));
        let before = cluster.clone();
        cluster.run(120);
        check(&cluster, &before, seed);
        rests(&cluster, seed);
        *ends.entry(cluster.experiment.status.phase.clone()).or_insert(0) += 1;
    }
    // Chance leads everywhere.
    assert_eq!(ends.len(), 4, "{ends:?}");
    assert!(ends.values().all(|times| *times > 20), "{ends:?}");
}

/// The same life with a crash after each of its writes ends in the same way.
#[test]
fn a_crash_after_any_single_write() {
    let mut crashes = 0;
    for seed in 1..=60 {
        let live = |dies_after: Option<usize>| {
            let mut random = Random::new(seed);
            let mut cluster = born(&mut random);
            cluster.dies_after = dies_after;
            let verdicts: Vec<Phase> = (0..2)
                .map(|_| VERDICTS[usize::try_from(random.below(4)).unwrap()])
                .collect();
            cluster.run(40);
            for (index, phase) in verdicts.into_iter().enumerate() {
                let name = format!("exp-n{index}");
                if cluster
                    .runs
                    .iter()
                    .any(|(run, _)| run.name == name && !run.is_completed())
                {
                    cluster.end_run(&name, phase, "said");
                }
            }
            cluster.run(120);
            if !Phase::of(&cluster.experiment.status.phase).is_completed() {
                cluster.edit(&json!({"terminate": true}));
            }
            cluster.run(120);
            rests(&cluster, seed);
            cluster
        };
        let smooth = live(None);
        for write in 1..=smooth.writes {
            let crashed = live(Some(write));
            crashes += 1;
            assert_eq!(
                crashed.phase(),
                smooth.phase(),
                "life {seed}, crash after write {write}"
            );
            for (a, b) in crashed
                .experiment
                .status
                .template_statuses
                .iter()
                .zip(&smooth.experiment.status.template_statuses)
            {
                assert_eq!(
                    (&a.status, &a.message),
                    (&b.status, &b.message),
                    "life {seed}, crash after write {write}"
                );
                assert_eq!(
                    (&a.service_name, &a.pod_template_hash),
                    (&b.service_name, &b.pod_template_hash)
                );
            }
            let names =
                |cluster: &Cluster| -> Vec<String> { cluster.runs.iter().map(|(run, _)| run.name.clone()).collect() };
            assert_eq!(
                names(&crashed),
                names(&smooth),
                "life {seed}, crash after write {write}"
            );
        }
    }
    assert!(crashes > 300, "{crashes}");
}
