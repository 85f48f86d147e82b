//! Fetching from a real Git server over HTTP and SSH. Reported as ignored where `git` is missing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::Path;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use serin_gitops::files::Files as _;
use serin_gitops::git::Repository;
use serin_gitops::git::remote::{Access, Address, FetchError, Wanted, fetch, offered};
use support::git_server::{GitServer, Manner, fake_ssh, with_tls};
use support::repository::{Made, bytes_below};

fn main() {
    let arguments = Arguments::from_args();
    let missing = std::process::Command::new("git").arg("--version").output().is_err();
    let tests: [(&str, fn()); 11] = [
        ("a_whole_repository_is_fetched_and_nothing_is_pushed", whole),
        ("a_second_fetch_takes_only_what_is_new", again),
        ("a_part_of_the_history_is_fetched_and_deepened", shallow),
        ("a_commit_is_fetched_by_its_hash", by_hash),
        ("credentials_are_sent_and_never_printed", credentials),
        ("redirections_are_followed", moved),
        ("certificates_are_checked_and_can_be_added", certificates),
        ("ssh_is_started_with_the_users_settings", ssh),
        ("bad_servers_are_clear_errors", bad_servers),
        ("limits_of_size_and_time_hold", limits),
        ("a_folder_of_somebody_else_is_left_alone", foreign_folder),
    ];
    let trial = |(name, run): (&str, fn())| {
        Trial::test(name, move || {
            run();
            Ok(())
        })
        .with_ignored_flag(missing)
    };
    libtest_mimic::run(&arguments, tests.into_iter().map(trial).collect()).exit();
}

type Fetched = Result<Repository, FetchError>;

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn get(url: &str, access: &Access, revisions: &[&str], depth: Option<u32>, folder: &Path) -> Fetched {
    let wanted = Wanted {
        revisions: revisions.iter().map(|&revision| revision.to_owned()).collect(),
        depth,
    };
    run(fetch(&url.parse()?, access, &wanted, folder))
}

fn history() -> (Made, Vec<String>) {
    let made = Made::new();
    let commits = (1..=5)
        .map(|n| made.commit(&[("a/file", &format!("{n}\n"))], &format!("commit {n}")))
        .collect();
    (made, commits)
}

fn whole() {
    let (made, commits) = history();
    made.tag("v1", &commits[1], true);
    let before = bytes_below(made.path());
    let server = GitServer::start(made.path(), Manner::Open);
    let folder = tempfile::tempdir().unwrap();
    let repository = get(&server.url(".git"), &Access::default(), &[], None, folder.path()).unwrap();
    let head = repository.resolve("HEAD").unwrap();
    assert_eq!(head.to_string(), commits[4]);
    assert_eq!(repository.resolve("main~4").unwrap().to_string(), commits[0]);
    assert_eq!(repository.resolve("v1").unwrap().to_string(), commits[1]);
    assert_eq!(
        repository.files(head).unwrap().read(Path::new("a/file")).unwrap(),
        b"5\n"
    );
    assert_eq!(
        repository
            .between(commits[1].parse().unwrap(), head, &["a".into()])
            .unwrap()
            .len(),
        3
    );
    assert!(!repository.is_shallow());
    assert_eq!(server.requests().len(), 2);
    assert_eq!(server.pushes(), 0);
    assert!(before == bytes_below(made.path()), "the server's repository changed");
    let names = run(offered(&server.url(".git").parse().unwrap(), &Access::default())).unwrap();
    assert!(
        names.contains(&("refs/heads/main".to_owned(), commits[4].clone())),
        "{names:?}"
    );
}

fn again() {
    let (made, _) = history();
    let server = GitServer::start(made.path(), Manner::Open);
    let folder = tempfile::tempdir().unwrap();
    let fetch = || get(&server.url(".git"), &Access::default(), &["main"], None, folder.path()).unwrap();
    let packs = || std::fs::read_dir(folder.path().join("objects/pack")).unwrap().count();
    fetch();
    assert_eq!((server.requests().len(), packs()), (2, 2));
    fetch();
    assert_eq!((server.requests().len(), packs()), (3, 2), "all of it was there");
    let new = made.commit(&[("a/file", "new\n")], "new");
    assert_eq!(fetch().resolve("main").unwrap().to_string(), new);
    assert_eq!((server.requests().len(), packs()), (5, 4));
    let smallest = std::fs::read_dir(folder.path().join("objects/pack"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len());
    assert!(smallest.min().unwrap() < 700, "the second pack has three objects");
}

fn shallow() {
    let (made, commits) = history();
    let server = GitServer::start(made.path(), Manner::Open);
    let folder = tempfile::tempdir().unwrap();
    let fetch = |depth| get(&server.url(".git"), &Access::default(), &["HEAD"], depth, folder.path()).unwrap();
    let repository = fetch(Some(2));
    assert!(repository.is_shallow());
    assert_eq!(repository.resolve("HEAD~1").unwrap().to_string(), commits[3]);
    let error = repository.resolve("HEAD~3").unwrap_err().to_string();
    assert!(error.contains("--deepen=2"), "{error}");
    let repository = fetch(Some(2));
    assert_eq!(repository.resolve("HEAD").unwrap().to_string(), commits[4]);
    let repository = fetch(Some(4));
    assert_eq!(repository.resolve("HEAD~3").unwrap().to_string(), commits[1]);
    let repository = fetch(None);
    assert!(!repository.is_shallow());
    assert_eq!(repository.resolve("HEAD~4").unwrap().to_string(), commits[0]);
    assert_eq!(server.pushes(), 0);
}

fn by_hash() {
    let (made, commits) = history();
    let server = GitServer::start(made.path(), Manner::Open);
    let folder = tempfile::tempdir().unwrap();
    let fetch = || {
        get(
            &server.url(".git"),
            &Access::default(),
            &[&commits[2]],
            Some(1),
            folder.path(),
        )
    };
    let error = fetch().unwrap_err().to_string();
    assert!(error.contains("cannot give out a commit by its hash"), "{error}");
    let config = made.path().join(".git/config");
    let old = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        config,
        format!("{old}[uploadpack]\n\tallowReachableSHA1InWant = true\n"),
    )
    .unwrap();
    let repository = fetch().unwrap();
    assert_eq!(repository.resolve(&commits[2]).unwrap().to_string(), commits[2]);
    assert_eq!(
        repository
            .files(commits[2].parse().unwrap())
            .unwrap()
            .read(Path::new("a/file"))
            .unwrap(),
        b"3\n"
    );
    assert!(repository.resolve(&commits[4]).is_err());
}

fn credentials() {
    let (made, _) = history();
    let server = GitServer::start(made.path(), Manner::Password);
    let folder = tempfile::tempdir().unwrap();
    let port = server.port();
    let given = format!("http://ann:canary@127.0.0.1:{port}/.git");
    get(&given, &Access::default(), &["main"], None, folder.path()).unwrap();
    let variables = |name: &str| match name {
        "SERIN_GIT_USERNAME" => Some("ann".to_owned()),
        "SERIN_GIT_TOKEN" => Some("canary".to_owned()),
        _ => None,
    };
    get(
        &server.url(".git"),
        &Access::from_environment(variables),
        &["main"],
        None,
        folder.path(),
    )
    .unwrap();
    for wrong in [
        server.url(".git"),
        format!("http://ann:canary-2@127.0.0.1:{port}/.git?token=canary"),
    ] {
        let error = get(&wrong, &Access::default(), &["main"], None, folder.path()).unwrap_err();
        assert!(matches!(error, FetchError::Denied { .. }));
        assert!(error.to_string().contains("SERIN_GIT_TOKEN"), "{error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    let error = get(
        "http://ann:canary@git.example.com/x",
        &Access::default(),
        &[],
        None,
        folder.path(),
    )
    .unwrap_err();
    assert!(
        matches!(error, FetchError::Unencrypted { .. }) && !error.to_string().contains("canary"),
        "{error}"
    );
    for (_, content) in bytes_below(folder.path()) {
        assert!(!format!("{content:?}").contains("canary"));
    }
}

fn moved() {
    let (made, commits) = history();
    let server = GitServer::start(made.path(), Manner::Moves);
    let folder = tempfile::tempdir().unwrap();
    let repository = get(&server.url(".git"), &Access::default(), &["main"], None, folder.path()).unwrap();
    assert_eq!(repository.resolve("main").unwrap().to_string(), commits[4]);
    assert_eq!(server.requests().last().unwrap(), "POST /moved/.git/git-upload-pack");
}

fn certificates() {
    let (made, commits) = history();
    let server = GitServer::start(made.path(), Manner::Password);
    let (port, certificate) = with_tls(server.port());
    let folder = tempfile::tempdir().unwrap();
    let url = format!("https://ann:canary@localhost:{port}/.git");
    let error = get(&url, &Access::default(), &["main"], None, &folder.path().join("one")).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, FetchError::Unreachable { .. }) && text.contains("certificate"),
        "{text}"
    );
    assert!(
        !text.contains("canary") && server.requests().is_empty(),
        "nothing is sent to a server that is not trusted: {text}"
    );
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, certificate).unwrap();
    let named = file.to_str().unwrap().to_owned();
    let access = Access::from_environment(|name| (name == "GIT_SSL_CAINFO").then(|| named.clone()));
    let repository = get(&url, &access, &["main"], None, &folder.path().join("two")).unwrap();
    assert_eq!(repository.resolve("main").unwrap().to_string(), commits[4]);
    std::fs::write(&file, "no certificate").unwrap();
    let error = get(&url, &access, &["main"], None, &folder.path().join("three"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("ca.pem") || error.contains("certificate"), "{error}");
}

fn ssh() {
    let (made, commits) = history();
    let place = tempfile::tempdir().unwrap();
    let access = Access {
        ssh: fake_ssh(place.path()),
        ..Access::default()
    };
    let path = made.path().join(".git");
    let url = format!("ssh://git@example.com:2222{}", path.display());
    let repository = get(&url, &access, &["main"], Some(2), &place.path().join("cache")).unwrap();
    assert_eq!(repository.resolve("main").unwrap().to_string(), commits[4]);
    let words = std::fs::read_to_string(place.path().join("words")).unwrap();
    let wanted = format!(
        "-o\nBatchMode=yes\n-o\nClearAllForwardings=yes\n-T\n-p\n2222\n--\ngit@example.com\ngit-upload-pack '{}'\n",
        path.display()
    );
    assert_eq!(words, wanted);
    let again = get(&url, &access, &["main"], Some(2), &place.path().join("cache")).unwrap();
    assert_eq!(again.resolve("main~1").unwrap().to_string(), commits[3]);
    let error = get(
        "git@example.com:denied",
        &access,
        &[],
        None,
        &place.path().join("other"),
    )
    .unwrap_err()
    .to_string();
    assert!(error.contains("Permission denied (publickey)"), "{error}");
    let error = get(
        &format!("git@example.com:{}/none", path.display()),
        &access,
        &[],
        None,
        &place.path().join("other"),
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("not appear to be a git repository")
    );
    let missing = Access {
        ssh: place.path().join("missing"),
        ..Access::default()
    };
    let error = get(&url, &missing, &[], None, &place.path().join("other"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("cannot start"), "{error}");
}

fn bad_servers() {
    let (made, _) = history();
    let folder = tempfile::tempdir().unwrap();
    let fails = |url: &str, revision: &str, message: &str| {
        let error = get(url, &Access::default(), &[revision], None, folder.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains(message), "{error}");
    };
    let open = GitServer::start(made.path(), Manner::Open);
    fails(
        &open.url("none"),
        "main",
        "does not exist, or the credentials do not allow to see it",
    );
    fails(&open.url(".git"), "nowhere", "has no branch or tag `nowhere`");
    fails(
        &GitServer::start(made.path(), Manner::Page).url(".git"),
        "main",
        "does not speak Git's protocol",
    );
    fails(
        &GitServer::start(made.path(), Manner::Cuts).url(".git"),
        "main",
        "cannot reach http://127.0.0.1",
    );
    fails("http://127.0.0.1:1/x", "main", "cannot reach http://127.0.0.1:1/x");
    fails("git://example.com/x", "main", "neither encrypted");
    let empty = Made::new();
    let error = get(
        &GitServer::start(empty.path(), Manner::Open).url(".git"),
        &Access::default(),
        &[],
        None,
        folder.path(),
    );
    assert!(matches!(error, Err(FetchError::Empty { .. })));
    let repository = get(&open.url(".git"), &Access::default(), &["main"], None, folder.path()).unwrap();
    assert!(
        repository.resolve("main~4").is_ok(),
        "what a failed fetch left does not disturb the next one"
    );
}

fn limits() {
    let made = Made::new();
    let noise: String = (0..200_000_u64)
        .map(|n| char::from(b'a' + u8::try_from((n * n * 31 + n / 7) % 23).unwrap()))
        .collect();
    made.commit(&[("big", &noise)], "big");
    let mut access = Access::default();
    access.limits.bytes = 1000;
    let folder = tempfile::tempdir().unwrap();
    let server = GitServer::start(made.path(), Manner::Open);
    let error = get(&server.url(".git"), &access, &["main"], None, folder.path()).unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { limit: 1000, .. }), "{error}");
    let mut access = Access::default();
    access.limits.time = Duration::from_millis(300);
    let silent = GitServer::start(made.path(), Manner::Silent);
    let error = get(&silent.url(".git"), &access, &["main"], None, folder.path()).unwrap_err();
    assert!(matches!(error, FetchError::TooSlow { .. }), "{error}");
}

fn foreign_folder() {
    let (made, _) = history();
    let before = bytes_below(made.path());
    let server = GitServer::start(made.path(), Manner::Open);
    for folder in [made.path().to_path_buf(), made.path().join(".git")] {
        let error = get(&server.url(".git"), &Access::default(), &["main"], None, &folder).unwrap_err();
        assert!(matches!(error, FetchError::Folder { .. }), "{error}");
    }
    assert!(before == bytes_below(made.path()));
    assert!("x://".parse::<Address>().is_err());
}
