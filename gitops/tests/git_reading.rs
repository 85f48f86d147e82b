//! Reading repositories that the tests make with git2 (the wrapper itself cannot write).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::{Path, PathBuf};

use serin_gitops::files::{Files, Kind};
use serin_gitops::git::{Changed, GitError, Repository};
use support::repository::{Made, bytes_below, make_read_only, make_writable};

#[test]
fn files_are_read_from_the_commit_and_not_from_the_work_tree() {
    let made = Made::new();
    let first = made.commit(
        &[
            ("base/app.yaml", "a: 1\n"),
            ("overlays/prod/kustomization.yaml", "resources: [../../base]\n"),
        ],
        "first",
    );
    made.write("base/app.yaml", "a: 3 # not committed\n");
    let repository = Repository::open(&made.path().join("overlays/prod")).unwrap();
    let files = repository.files(repository.resolve("HEAD").unwrap()).unwrap();
    assert_eq!(files.read(Path::new("base/app.yaml")).unwrap(), b"a: 1\n");
    assert_eq!(files.kind(Path::new("base/app.yaml")).unwrap(), Some(Kind::File(5)));
    assert_eq!(files.kind(Path::new("base")).unwrap(), Some(Kind::Folder));
    assert_eq!(files.kind(Path::new("base/app.yaml/x")).unwrap(), None);
    assert_eq!(files.kind(Path::new("none")).unwrap(), None);
    assert_eq!(files.list(Path::new("")).unwrap(), ["base", "overlays"]);
    assert_eq!(files.list(Path::new("overlays")).unwrap(), ["prod"]);
    for (path, why) in [
        ("base", "not a file"),
        ("none", "no such file"),
        ("../x", "out of the repository"),
        ("/etc/hosts", "not relative"),
    ] {
        let error = files.read(Path::new(path)).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(repository.resolve("HEAD").unwrap().to_string(), first);
    let prod = made.path().join("overlays/prod");
    assert_eq!(repository.inside(&prod).unwrap(), Path::new("overlays/prod"));
    assert!(matches!(
        repository.inside(Path::new("/")),
        Err(GitError::Outside { .. })
    ));
}

#[test]
fn links_are_followed_inside_the_tree_only() {
    let made = Made::new();
    made.link("overlays/linked", "../base");
    made.link("out", "../../etc");
    made.link("absolute", "/etc");
    made.link("round", "round");
    made.commit(&[("base/app.yaml", "a: 1\n")], "links");
    let repository = Repository::open(made.path()).unwrap();
    let files = repository.files(repository.resolve("HEAD").unwrap()).unwrap();
    assert_eq!(
        files.kind(Path::new("overlays/linked")).unwrap(),
        Some(Kind::Link("../base".into()))
    );
    assert_eq!(files.read(Path::new("overlays/linked/app.yaml")).unwrap(), b"a: 1\n");
    assert_eq!(files.list(Path::new("overlays/linked")).unwrap(), ["app.yaml"]);
    for (path, why) in [
        ("out/passwd", "out of the repository"),
        ("absolute/passwd", "out of the repository"),
        ("round/x", "circle"),
    ] {
        let error = files.read(Path::new(path)).unwrap_err().to_string();
        assert!(error.contains(why), "{path}: {error}");
    }
}

#[test]
fn revisions_are_resolved_as_git_does() {
    let made = Made::new();
    let one = made.commit(&[("a", "1")], "one");
    let two = made.commit(&[("a", "2")], "two");
    made.tag("v1", &one, true);
    made.tag("light", &one, false);
    made.reference("refs/remotes/origin/main", &two);
    let repository = Repository::open(made.path()).unwrap();
    let cases = [
        ("HEAD", &two),
        ("@", &two),
        ("HEAD~1", &one),
        ("HEAD^", &one),
        ("main", &two),
        ("refs/heads/main", &two),
        ("origin/main", &two),
        ("origin/main~", &one),
        ("v1", &one),
        ("v1^{commit}", &one),
        ("v1^0", &one),
        ("light", &one),
        (&one, &one),
        (&one[..7], &one),
    ];
    for (revision, wanted) in cases {
        assert_eq!(&repository.resolve(revision).unwrap().to_string(), wanted, "{revision}");
    }
    let tree = made.tree_of(&one);
    for (revision, message) in [
        ("nowhere", "there is no revision `nowhere`"),
        ("HEAD~2", "the history ends at"),
        ("HEAD^2", "the history ends at"),
        (
            "origin/next",
            "git fetch --depth=1 origin next:refs/remotes/origin/next",
        ),
        ("../../etc/passwd", "there is no revision"),
        ("HEAD^{tree}", "there is no revision"),
        ("0000000000000000000000000000000000000001", "there is no revision"),
        ("", "there is no revision"),
        (&tree, "is a tree, not a commit"),
    ] {
        let error = repository.resolve(revision).unwrap_err().to_string();
        assert!(error.contains(message), "{revision}: {error}");
    }
}

#[test]
fn packed_references_and_objects_are_read() {
    let made = Made::new();
    let one = made.commit(&[("a", "1")], "one");
    made.pack();
    std::fs::write(
        made.path().join(".git/packed-refs"),
        format!("# pack-refs with: peeled fully-peeled sorted \n{one} refs/heads/packed\n"),
    )
    .unwrap();
    let repository = Repository::open(made.path()).unwrap();
    assert_eq!(repository.resolve("packed").unwrap().to_string(), one);
    assert_eq!(
        repository
            .commit(repository.resolve("packed").unwrap())
            .unwrap()
            .subject(),
        "one"
    );
}

#[test]
fn commits_between_are_oldest_first_and_only_those_that_touch_the_paths() {
    let made = Made::new();
    let good = made.commit(&[("a/x", "1"), ("b/y", "1")], "good");
    let second = made.commit(&[("a/x", "2")], "second");
    made.commit(&[("b/y", "2")], "elsewhere");
    let side = made.commit_on(&good, &[("a/x", "9"), ("b/y", "1")], "side");
    let merge = made.merge(&side, &[("a/x", "3"), ("b/y", "2")], "merge");
    let repository = Repository::open(made.path()).unwrap();
    let (from, to) = (good.parse().unwrap(), merge.parse().unwrap());
    let subjects = |paths: &[&str]| {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        let commits = repository.between(from, to, &paths).unwrap();
        commits
            .iter()
            .map(|commit| commit.subject().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(subjects(&[]), ["second", "elsewhere", "side", "merge"]);
    assert_eq!(subjects(&["a"]), ["second", "side", "merge"]);
    assert_eq!(subjects(&["b"]), ["elsewhere"]);
    assert_eq!(subjects(&["none"]), [""; 0]);
    assert_eq!(repository.between(to, from, &[]).unwrap(), []);
    let last: Vec<String> = repository
        .last(to, &["a".into()], 2)
        .unwrap()
        .iter()
        .map(|commit| commit.subject().to_owned())
        .collect();
    assert_eq!(last, ["merge", "side"]);
    assert_eq!(repository.last(from, &["a".into()], 9).unwrap().len(), 1);
    let base = repository
        .merge_base(second.parse().unwrap(), side.parse().unwrap())
        .unwrap();
    assert_eq!(base, Some(from));
    let other = Made::new().commit(&[("z", "z")], "other");
    assert!(repository.between(from, other.parse().unwrap(), &[]).is_err());
}

#[test]
fn changes_between_commits_are_files() {
    let made = Made::new();
    let one = made.commit(
        &[
            ("a/keep", "1"),
            ("a/change", "1"),
            ("a/gone/deep", "1"),
            ("turns", "file"),
        ],
        "one",
    );
    made.remove("a/gone");
    made.remove("turns");
    let two = made.commit(&[("a/change", "2"), ("new", "1"), ("turns/into", "folder")], "two");
    let repository = Repository::open(made.path()).unwrap();
    let changes = repository.changes(one.parse().unwrap(), two.parse().unwrap()).unwrap();
    let found: Vec<_> = changes
        .iter()
        .map(|change| (change.path.to_str().unwrap(), change.changed))
        .collect();
    assert_eq!(
        found,
        [
            ("a/change", Changed::Modified),
            ("a/gone/deep", Changed::Removed),
            ("new", Changed::Added),
            ("turns", Changed::Removed),
            ("turns/into", Changed::Added)
        ]
    );
}

#[test]
fn blame_names_the_commit_that_brought_a_line() {
    let made = Made::new();
    made.commit(&[("f", "a\nb\nc\n")], "first");
    made.commit(&[("f", "top\na\nb\nc\n")], "second");
    made.commit(&[("g", "x\n")], "elsewhere");
    let last = made.commit(&[("f", "top\na\nB\nc\n")], "third");
    let repository = Repository::open(made.path()).unwrap();
    let blame = |line| repository.blame(last.parse().unwrap(), Path::new("f"), line);
    for (line, wanted) in [(1, "second"), (2, "first"), (3, "third"), (4, "first")] {
        assert_eq!(blame(line).unwrap().subject(), wanted, "line {line}");
    }
    assert!(matches!(blame(5), Err(GitError::NoLine { line: 5, .. })));
    assert!(matches!(blame(0), Err(GitError::NoLine { line: 0, .. })));
}

#[test]
fn a_shallow_clone_says_how_deep_it_must_be() {
    let made = Made::new();
    let one = made.commit(&[("a", "1")], "one");
    let two = made.commit(&[("a", "2")], "two");
    let three = made.commit(&[("a", "3")], "three");
    std::fs::write(made.path().join(".git/shallow"), format!("{two}\n")).unwrap();
    made.reference("refs/heads/aside", &made.commit_on_nothing(&[("z", "1")], "aside"));
    made.remove_object(&one);
    let repository = Repository::open(made.path()).unwrap();
    assert!(repository.is_shallow());
    assert_eq!(repository.resolve("HEAD~1").unwrap().to_string(), two);
    let error = repository.resolve("HEAD~4").unwrap_err();
    assert!(matches!(error, GitError::Shallow { .. }));
    assert!(error.to_string().contains("git fetch --deepen=3"), "{error}");
    let error = repository.resolve(&one).unwrap_err().to_string();
    assert!(
        error.contains("this clone is shallow") && error.contains("fetch-depth: 0"),
        "{error}"
    );
    let aside = repository.resolve("aside").unwrap();
    let error = repository
        .between(aside, three.parse().unwrap(), &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("too short") && error.contains("git fetch --deepen=50"),
        "{error}"
    );
    let error = repository
        .merge_base(aside, three.parse().unwrap())
        .unwrap_err()
        .to_string();
    assert!(error.contains("too short"), "{error}");
    assert_eq!(
        repository
            .between(two.parse().unwrap(), three.parse().unwrap(), &[])
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_work_tree_of_its_own_and_a_bare_repository_are_read() {
    let made = Made::new();
    let one = made.commit(&[("a", "1")], "one");
    let repository = Repository::open(&made.path().join(".git")).unwrap();
    assert_eq!(repository.resolve("HEAD").unwrap().to_string(), one);
    let (bare, linked) = (made.bare_clone(), made.linked_work_tree());
    let repository = Repository::open(bare.path()).unwrap();
    assert!(repository.work_tree().is_none());
    assert_eq!(repository.resolve("main").unwrap().to_string(), one);
    let repository = Repository::open(linked.path()).unwrap();
    assert_eq!(repository.resolve("HEAD").unwrap().to_string(), one);
    assert_eq!(repository.work_tree().unwrap(), linked.path().canonicalize().unwrap());
}

#[test]
fn what_is_no_repository_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        Repository::open(folder.path()),
        Err(GitError::NoRepository { .. })
    ));
    assert!(matches!(
        Repository::open(&folder.path().join("none")),
        Err(GitError::Unreadable { .. })
    ));
    let made = Made::new();
    std::fs::create_dir(made.path().join(".git/reftable")).unwrap();
    assert!(
        Repository::open(made.path())
            .unwrap_err()
            .to_string()
            .contains("git refs migrate")
    );
    let made = Made::new();
    std::fs::write(
        made.path().join(".git/config"),
        "[core]\n[extensions]\n\tobjectFormat = sha256\n",
    )
    .unwrap();
    assert!(
        Repository::open(made.path())
            .unwrap_err()
            .to_string()
            .contains("SHA-256")
    );
}

#[test]
fn a_read_only_repository_is_the_same_after_it_was_read() {
    let made = Made::new();
    let one = made.commit(&[("a", "1"), ("hook-ran", "no")], "one");
    let two = made.commit(&[("a", "2")], "two");
    made.plant_programs();
    let before = bytes_below(made.path());
    make_read_only(made.path());
    let repository = Repository::open(made.path()).unwrap();
    let (from, to) = (one.parse().unwrap(), repository.resolve("HEAD").unwrap());
    assert_eq!(to.to_string(), two);
    assert_eq!(repository.files(to).unwrap().read(Path::new("a")).unwrap(), b"2");
    assert_eq!(repository.between(from, to, &[]).unwrap().len(), 1);
    assert_eq!(repository.changes(from, to).unwrap().len(), 1);
    assert_eq!(repository.blame(to, Path::new("a"), 1).unwrap().id, to);
    assert!(repository.resolve("no-such-branch").is_err());
    let after = bytes_below(made.path());
    make_writable(made.path());
    assert!(before == after, "the repository changed");
    assert!(!made.path().join("ran").exists());
}
