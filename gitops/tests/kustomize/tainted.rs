//! Repositories that want to do harm: refused before kustomize starts, with file, line and what to do. Canaries stand where
//! Secrets do, and are looked for in all that is said.

use super::Test;
use super::support::Repository;
use serin_gitops::files::Folder;
use serin_gitops::kustomize::{BuildError, Graph, Options, ProblemKind, Program, build, from_manifests};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const TESTS: &[Test] = &[
    ("links_out_of_the_repository", links_out_of_the_repository),
    ("links_within_the_repository", links_within_the_repository),
    ("huge_files", huge_files),
    ("nothing_else_can_be_read", nothing_else_can_be_read),
    ("nothing_is_executed", nothing_is_executed),
    ("secrets_are_never_said", secrets_are_never_said),
    ("limits_of_time_and_memory", limits_of_time_and_memory),
    ("all_faults_are_told_at_once", all_faults_are_told_at_once),
    ("plain_manifests", plain_manifests),
];

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {a: b}\n";

fn refused(repository: &Repository, program: &Program) -> BuildError {
    repository.try_build("o", program).map(|_| ()).unwrap_err()
}

#[cfg(unix)]
fn link(repository: &Repository, target: impl AsRef<Path>, path: &str) {
    let path = repository.root().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(target, path).unwrap();
}

/// D3: kustomize follows a folder that is a link, and prints what is there.
fn links_out_of_the_repository(program: &Program) {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("kustomization.yaml"), "resources: [secret.yaml]\n").unwrap();
    std::fs::write(outside.path().join("secret.yaml"), MAP.replace("a: b", "a: canary")).unwrap();
    let name = outside.path().file_name().unwrap().to_string_lossy().into_owned();
    let up = "../".repeat(16);
    for (target, entry) in [
        (outside.path().to_owned(), "../base"),
        (
            Path::new(&up).join(outside.path().strip_prefix("/").unwrap()),
            "../base",
        ),
        (Path::new("../..").join(&name), "../base"),
        (outside.path().join("secret.yaml"), "../base"),
        (outside.path().to_owned(), "../base/secret.yaml"),
        ("/proc/self/environ".into(), "../base"),
        ("base".into(), "../base"),
    ] {
        let repository = Repository::of("");
        repository.write(
            "o/kustomization.yaml",
            &format!("namePrefix: a-\nresources:\n- {entry}\n"),
        );
        link(&repository, &target, "base");
        let error = refused(&repository, program);
        let problem = &error.problems[0];
        assert_eq!((problem.kind, problem.line), (ProblemKind::Link, Some(3)), "{error}");
        assert!(
            problem.message.contains("symbolic link") && !problem.to_string().contains("canary"),
            "{error}"
        );
    }
    // The kustomization itself, the data of a generator, a patch.
    for (path, lines) in [
        ("o/kustomization.yaml", ""),
        ("o/data", "secretGenerator: [{name: s, files: [data]}]\n"),
        ("o/data", "secretGenerator: [{name: s, envs: [data]}]\n"),
        ("o/data", "patches: [{path: data}]\n"),
        ("o/data", "openapi: {path: data}\n"),
        ("o/.argocd-source.yaml", "namePrefix: a-\n"),
    ] {
        let repository = Repository::of("");
        if !lines.is_empty() {
            repository.write("o/kustomization.yaml", lines);
        }
        link(&repository, outside.path().join("secret.yaml"), path);
        std::fs::create_dir_all(repository.root().join("o")).unwrap();
        let error = refused(&repository, program);
        assert_eq!(error.problems[0].kind, ProblemKind::Link, "{path} {lines}: {error}");
    }
}

/// They are as good as files and folders.
fn links_within_the_repository(program: &Program) {
    let repository = Repository::of("");
    repository.write("o/kustomization.yaml", "resources: [../base, file.yaml]\n");
    repository.write(
        "real/base/kustomization.yaml",
        "resources: [map.yaml]\nnamePrefix: a-\n",
    );
    repository.write("real/base/map.yaml", MAP);
    repository.write("o/real.yaml", MAP);
    link(&repository, "real/base", "base");
    link(&repository, "real.yaml", "o/file.yaml");
    let output = repository.build("o", program);
    let mut names = output.names();
    names.sort();
    assert_eq!(names, ["ConfigMap/a-map", "ConfigMap/map"]);
    assert_eq!(
        output.place("ConfigMap/a-map", "data.a").file.to_str(),
        Some("real/base/map.yaml")
    );
    assert_eq!(
        output.place("ConfigMap/map", "data.a").file.to_str(),
        Some("o/real.yaml")
    );
}

fn huge_files(program: &Program) {
    for lines in [
        "resources: [map.yaml, big.yaml]",
        "configMapGenerator: [{name: c, files: [big.yaml]}]",
    ] {
        let repository = Repository::of("");
        repository.write("o/kustomization.yaml", &format!("{lines}\n"));
        repository.write("o/map.yaml", MAP);
        let big = std::fs::File::create(repository.root().join("o/big.yaml")).unwrap();
        // A sparse file: who reads it has no memory left.
        big.set_len(40 << 30).unwrap();
        let error = refused(&repository, program);
        assert_eq!(
            (error.problems[0].kind, error.problems[0].line),
            (ProblemKind::Limit, Some(1)),
            "{error}"
        );
    }
}

/// kustomize sees a copy of the build's files and of no others.
fn nothing_else_can_be_read(program: &Program) {
    let repository = Repository::of("");
    repository.write("o/kustomization.yaml", "resources: [map.yaml]\n");
    repository.write("o/map.yaml", MAP);
    repository.write("o/other.yaml", "canary");
    repository.build("o", program);
    // A built-in transformer may name a file in a field that Serin does not know.
    repository.write(
        "o/kustomization.yaml",
        "resources: [map.yaml]\ntransformers:\n- |-\n  apiVersion: builtin\n  kind: ReplacementTransformer\n  metadata: {name: r}\n  replacements: [{path: other.yaml}]\n",
    );
    let error = refused(&repository, program);
    assert!(!error.to_string().contains("canary"), "{error}");
}

fn nothing_is_executed(program: &Program) {
    let mark = tempfile::tempdir().unwrap();
    let file = mark.path().join("executed");
    let script = format!("#!/bin/sh\ntouch '{}'\n", file.display());
    let function = |how: &str| {
        format!(
            "apiVersion: example.com/v1\nkind: Fn\nmetadata:\n  name: fn\n  annotations:\n    config.kubernetes.io/function: |\n      {how}\n"
        )
    };
    let chart = "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: c}\nname: c\n";
    let plugin = "apiVersion: someteam.example.com/v1\nkind: Plugin\nmetadata: {name: p}\n";
    for (text, kind, line) in [
        (function("exec: {path: ./script.sh}"), ProblemKind::Executable, 2),
        (
            function("container: {image: example.com/x}"),
            ProblemKind::Executable,
            2,
        ),
        (
            function("exec: {path: ./script.sh}").replace("example.com/v1", "builtin"),
            ProblemKind::Executable,
            2,
        ),
        (chart.to_owned(), ProblemKind::Helm, 2),
        (plugin.to_owned(), ProblemKind::Executable, 2),
    ] {
        for list in ["generators", "transformers", "validators"] {
            for entry in ["fn.yaml", "../folder"] {
                let repository = Repository::of("");
                repository.write(
                    "o/kustomization.yaml",
                    &format!("resources: [map.yaml]\n{list}: [{entry}]\n"),
                );
                repository.write("o/map.yaml", MAP);
                repository.write("o/fn.yaml", &text);
                repository.write("folder/kustomization.yaml", "resources: [fn.yaml]\n");
                repository.write("folder/fn.yaml", &text);
                repository.write("o/script.sh", &script);
                let error = refused(&repository, program);
                let problem = &error.problems[0];
                let wanted = if entry == "fn.yaml" {
                    "o/fn.yaml"
                } else {
                    "folder/fn.yaml"
                };
                assert_eq!(
                    (problem.kind, problem.line),
                    (kind, Some(line)),
                    "{list} {entry}: {error}"
                );
                assert_eq!(problem.file.to_str(), Some(wanted), "{error}");
            }
        }
    }
    assert!(!file.exists());
}

/// What kustomize says of a failure repeats patches and literals.
fn secrets_are_never_said(program: &Program) {
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: canary-1}\ndata: {b: Y2FuYXJ5LTI=}\n";
    let patch = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: [canary-3]\n";
    for (lines, files) in [
        (
            "resources: [s.yaml]\npatches: [{path: p.yaml}]",
            vec![("s.yaml", secret), ("p.yaml", patch)],
        ),
        ("resources: [s.yaml, s.yaml]", vec![("s.yaml", secret)]),
        (
            "resources: [s.yaml]\npatches: [{patch: 'stringData: {a: canary-4}'}]",
            vec![("s.yaml", secret)],
        ),
        (
            "resources: [s.yaml]\npatches: [{target: {kind: Secret}, patch: '[{op: add, path: /data/x, value: canary-5}]'}]",
            vec![("s.yaml", secret)],
        ),
        (
            "secretGenerator: [{name: s, literals: ['a=canary-6', canary-7]}]",
            vec![],
        ),
        (
            "secretGenerator: [{name: s, type: [x], literals: ['a=canary-8']}]",
            vec![],
        ),
        (
            "secretGenerator: [{name: s, envs: [e.env]}]",
            vec![("e.env", "A=canary-9\ncanary-10 canary-11=\n=canary-12\n")],
        ),
        (
            "secretGenerator: [{name: s, behavior: merge, literals: ['a=canary-13']}]",
            vec![],
        ),
        (
            "resources: [s.yaml]",
            vec![("s.yaml", "apiVersion: v1\nkind: Secret\nstringData: {a: canary-14}\n")],
        ),
        (
            "resources: [s.yaml]",
            vec![(
                "s.yaml",
                "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: canary-15, a: canary-16}\n",
            )],
        ),
        (
            "resources: [s.yaml]\nreplacements: [{source: {kind: Secret, fieldPath: stringData.none}, targets: [{select: {kind: Secret}, fieldPaths: [x.y]}]}]",
            vec![("s.yaml", secret)],
        ),
        (
            "resources: ['https://canary:canary@example.com/canary?x=canary']"
                .split("/canary?")
                .next()
                .unwrap(),
            vec![],
        ),
    ] {
        let lines = if lines.contains("https") {
            "resources: ['https://canary:canary@example.com/x?token=canary']"
        } else {
            lines
        };
        let repository = Repository::of("");
        repository.write("o/kustomization.yaml", &format!("{lines}\n"));
        for (name, text) in files {
            repository.write(&format!("o/{name}"), text);
        }
        let said = match repository.try_build("o", program) {
            Ok(output) => format!("{:?}", output.built.notes),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(
            !said.contains("canary") && !said.contains("Y2FuYXJ5"),
            "{lines}\n{said}"
        );
    }
}

fn limits_of_time_and_memory(program: &Program) {
    let repository = Repository::case("layers");
    let graph = Arc::new(repository.graph("overlay").unwrap());
    let options = Options {
        time_limit: Duration::from_millis(1),
        ..Options::default()
    };
    let error = build(&graph, program, &options).map(|_| ()).unwrap_err();
    assert_eq!(error.problems[0].kind, ProblemKind::Program);
    assert!(error.to_string().contains("did not end within"), "{error}");
    if cfg!(target_os = "linux") {
        let options = Options {
            memory_limit: 64 << 20,
            ..Options::default()
        };
        let error = build(&graph, program, &options).map(|_| ()).unwrap_err();
        assert_eq!(error.problems[0].kind, ProblemKind::Program, "{error}");
        assert!(error.to_string().contains("memory"), "{error}");
    }
}

fn all_faults_are_told_at_once(program: &Program) {
    let repository = Repository::of("");
    repository.write(
        "o/kustomization.yaml",
        "resources:\n- none.yaml\n- broken.yaml\n- https://example.com/x.yaml\nhelmGlobals: {chartHome: x}\n",
    );
    repository.write("o/broken.yaml", "a: [1\nb: 2\n");
    let error = refused(&repository, program);
    let found: Vec<_> = error
        .problems
        .iter()
        .map(|problem| (problem.kind, problem.line))
        .collect();
    assert_eq!(
        found,
        [
            (ProblemKind::Helm, Some(5)),
            (ProblemKind::Missing, Some(2)),
            (ProblemKind::Syntax, Some(2)),
            (ProblemKind::Remote, Some(4))
        ],
        "{error}"
    );
}

fn plain_manifests(_: &Program) {
    let repository = Repository::of("");
    repository.write("a.yaml", &format!("{MAP}---\n{}", MAP.replace("map", "other")));
    let files = Folder::new(repository.root()).unwrap();
    let built = from_manifests(&files, &["a.yaml".into()]).unwrap();
    assert_eq!(built.objects.len(), 2);
    let place = built.place_of(1, "data.a").unwrap();
    assert_eq!((place.file.to_str(), place.line), (Some("a.yaml"), 9));
    let error = from_manifests(&files, &["none.yaml".into()]).map(|_| ()).unwrap_err();
    assert_eq!(error.problems[0].kind, ProblemKind::Unreadable);
    assert!(Graph::read(&files, Path::new("none")).is_err());
}
