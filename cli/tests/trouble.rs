//! What is said when the API server cannot be reached or refuses: one table for the command line and for the controller's
//! start. The server, where it is configured and what to do are named; nothing is the raw text of a library.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![expect(clippy::needless_pass_by_value, reason = "json!() values read best at the call")]

#[path = "support/raw.rs"]
mod raw;
mod support;

use raw::{Certificate, Raw, answer, closed_port};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use support::{Outcome, run};

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Self(std::env::temp_dir().join(format!("serin-trouble-{name}-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0).unwrap();
        folder
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn kubeconfig(cluster: Value, user: Value) -> String {
    json!({"apiVersion": "v1", "kind": "Config", "current-context": "dev",
        "contexts": [{"name": "dev", "context": {"cluster": "near", "user": "me"}},
            {"name": "lost", "context": {"cluster": "gone", "user": "me"}}],
        "clusters": [{"name": "near", "cluster": cluster}],
        "users": [{"name": "me", "user": user}]})
    .to_string()
}

/// What the command line says and what the controller says.
async fn both(file: &Path, flags: &str) -> (Outcome, String) {
    let arguments = format!("--kubeconfig {}{flags}", file.display());
    let outcome = run(&format!("serin status web {arguments}")).await;
    let words: Vec<_> = format!("serin-controller --takeover-report {arguments}")
        .split(' ')
        .map(std::ffi::OsString::from)
        .collect();
    let started = tokio::task::spawn_blocking(move || serin_controller::program::run(words.into_iter()));
    let error = serin_controller::program::text(&started.await.unwrap().unwrap_err());
    (outcome, error)
}

/// `{server}` is the API server with its kubeconfig and context, `{file}` the kubeconfig.
#[track_caller]
fn check(row: &str, (outcome, controller): &(Outcome, String), file: &Path, server: &str, expected: &str) {
    let place = format!("kubeconfig {}", file.display());
    let expected = expected
        .replace(
            "{server}",
            &format!("the API server {server} ({place}, context \"dev\")"),
        )
        .replace("{file}", &place);
    assert_eq!(*outcome, Outcome::failure("", &format!("Error: {expected}\n")), "{row}");
    assert_eq!(*controller, expected, "{row}: the controller");
}

fn status(code: u16, reason: &str, message: &str) -> String {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason,
        "code": code});
    answer(
        code,
        "content-type: application/json\r\nretry-after: 0\r\n",
        &body.to_string(),
    )
}

const FORBIDDEN: &str = "rollouts.argoproj.io is forbidden: User \"me\" cannot get resource \"rollouts\"";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_server_answers() {
    let folder = Folder::new("answers");
    let rows = [
        (
            "401",
            status(401, "Unauthorized", "Unauthorized"),
            "{server} does not accept the credentials of user \"me\"\n\
             Log in again: a token or certificate may have expired, or belongs to another cluster."
                .to_owned(),
        ),
        (
            "403",
            status(403, "Forbidden", FORBIDDEN),
            format!(
                "{FORBIDDEN}\nAsk for a role that allows it, or use another context. This was {{server}} of user \"me\"."
            ),
        ),
        (
            "no CRD",
            answer(404, "", "404 page not found\n"),
            "{server} does not know this kind of object: its CRD is not installed there\n\
             Is this the right cluster? Install the CRDs: kubectl apply --server-side -f crds/"
                .to_owned(),
        ),
        (
            "500",
            status(500, "InternalError", "etcdserver: no leader"),
            "{server} fails with 500: etcdserver: no leader\nTry again later; the log of the API server says more."
                .to_owned(),
        ),
        (
            "503",
            status(
                503,
                "ServiceUnavailable",
                "the server is currently unable to handle the request",
            ),
            "{server} fails with 503: the server is currently unable to handle the request\n\
             Try again later; the log of the API server says more."
                .to_owned(),
        ),
        (
            "TLS only",
            answer(400, "", "Client sent an HTTP request to an HTTPS server.\n"),
            "cannot reach {server}: it speaks TLS only\nWrite https:// in place of http://.".to_owned(),
        ),
        (
            "no HTTP",
            "SSH-2.0-OpenSSH_9.9\r\n".to_owned(),
            "cannot reach {server}: it does not speak HTTP".to_owned(),
        ),
    ];
    for (row, answer, expected) in rows {
        let server = Raw::always(answer).await;
        let file = folder.file(
            "config",
            &kubeconfig(json!({"server": server.url()}), json!({"token": "t"})),
        );
        check(row, &both(&file, "").await, &file, &server.url(), &expected);
    }
    // The report of the controller waits instead (`controller/tests/takeover.rs`).
    let server = Raw::always(status(
        429,
        "TooManyRequests",
        "Too many requests, please try again later.",
    ))
    .await;
    let file = folder.file("config", &kubeconfig(json!({"server": server.url()}), json!({})));
    let outcome = run(&format!("serin status web --kubeconfig {}", file.display())).await;
    let text = "is overloaded: Too many requests, please try again later.\nTry again later.\n";
    assert!(
        outcome.err.starts_with("Error: the API server http://127.0.0.1:") && outcome.err.ends_with(text),
        "{outcome:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_reached() {
    let folder = Folder::new("network");
    let refused = format!("https://127.0.0.1:{}", closed_port().await);
    let no_tls = format!("https://127.0.0.1:{}", raw::without_tls().await);
    let silent = format!("http://127.0.0.1:{}", Raw::always(String::new()).await.port);
    for (row, server, expected) in [
        (
            "refused",
            &refused,
            "cannot reach {server}: connection refused\nIs the cluster running, and are address and port right?",
        ),
        (
            "no TLS",
            &no_tls,
            "cannot reach {server}: it does not speak TLS\nCheck the port, or write http:// if it is meant.",
        ),
        (
            "no answer",
            &silent,
            "cannot reach {server}: it ended the connection without an answer",
        ),
    ] {
        let file = folder.file("config", &kubeconfig(json!({"server": server}), json!({})));
        check(row, &both(&file, "").await, &file, server, expected);
    }

    let file = folder.file(
        "config",
        &kubeconfig(json!({"server": "https://serin.invalid:6443"}), json!({})),
    );
    let (outcome, controller) = both(&file, "").await;
    for text in [outcome.err.trim_start_matches("Error: ").trim_end(), &controller] {
        let begin = format!(
            "cannot reach the API server https://serin.invalid:6443 (kubeconfig {}",
            file.display()
        );
        assert!(
            text.starts_with(&begin) && text.contains("): its name is unknown: "),
            "{text}"
        );
        assert!(text.ends_with("\nCheck the address. Is a VPN needed?"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_trusted() {
    let folder = Folder::new("tls");
    let good = Certificate::new("127.0.0.1", 4000);
    let other = Certificate::new("elsewhere.example", 4000);
    let old = Certificate::new("127.0.0.1", 2020);
    let renamed = Certificate::of_authority("another authority", "127.0.0.1", 4000);
    for (row, certificate, authority, expected) in [
        (
            "an authority of the same name",
            &good,
            &other,
            "cannot trust {server}: its certificate is signed by an unknown authority\n\
             Check the address. If it is right, the cluster's entry in the kubeconfig needs the authority: \
             certificate-authority-data.",
        ),
        (
            "unknown authority",
            &good,
            &renamed,
            "cannot trust {server}: its certificate is signed by an unknown authority\n\
             Check the address. If it is right, the cluster's entry in the kubeconfig needs the authority: \
             certificate-authority-data.",
        ),
        (
            "another name",
            &other,
            &other,
            "cannot trust {server}: its certificate is for elsewhere.example\n\
             Check the address. If it is right, give a name of the certificate as tls-server-name of the cluster in the \
             kubeconfig.",
        ),
        (
            "expired",
            &old,
            &old,
            "cannot trust {server}: its certificate has expired\n\
             Check the address and the clock of this machine, or renew the server's certificate.",
        ),
    ] {
        let server = Raw::with_tls(certificate).await;
        let url = format!("https://127.0.0.1:{}", server.port);
        let trusted = folder.file("ca.pem", &authority.authority);
        let cluster = json!({"server": url, "certificate-authority": trusted});
        let file = folder.file("config", &kubeconfig(cluster, json!({})));
        check(row, &both(&file, "").await, &file, &url, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_does_not_lead_there() {
    let folder = Folder::new("proxy");
    let server = "https://api.example:6443";
    let closed = format!("127.0.0.1:{}", closed_port().await);
    let refusing = Raw::always(answer(403, "", "")).await;
    let asking = Raw::always(answer(407, "", "")).await;
    for (row, address, why) in [
        ("refused", closed, "Connection refused"),
        (
            "forbidden",
            format!("127.0.0.1:{}", refusing.port),
            "it refuses to connect to that server",
        ),
        (
            "password",
            format!("127.0.0.1:{}", asking.port),
            "it wants a user and a password",
        ),
    ] {
        let cluster = json!({"server": server, "proxy-url": format!("http://me:secret@{address}")});
        let file = folder.file("config", &kubeconfig(cluster, json!({})));
        let found = both(&file, "").await;
        let why = if row == "refused" {
            // The system adds its number.
            let at = found.1.find(why).unwrap_or_else(|| panic!("{row}: {}", found.1));
            found.1[at..].lines().next().unwrap().to_owned()
        } else {
            why.to_owned()
        };
        let expected = format!(
            "cannot reach {{server}} through the proxy http://{address}: {why}\n\
             Check proxy-url in the kubeconfig and HTTPS_PROXY; NO_PROXY names the servers that need no proxy."
        );
        check(row, &found, &file, server, &expected);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_cannot_be_had() {
    let folder = Folder::new("credentials");
    let exec = |command: &str, arguments: &[&str]| {
        json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": arguments,
            "interactiveMode": "Never"}})
    };
    for (row, plugin, user, why) in [
        (
            "the plugin fails",
            "sh",
            exec("sh", &["-c", "echo 'the session has expired' >&2; exit 3"]),
            "it failed with exit status: 3: the session has expired",
        ),
        (
            "the plugin is missing",
            "serin-no-such-plugin",
            exec("serin-no-such-plugin", &[]),
            "it cannot be started: No such file or directory (os error 2)",
        ),
        (
            "the plugin says something else",
            "echo",
            exec("echo", &["hello"]),
            "its answer cannot be read: ",
        ),
    ] {
        let server = "https://api.example:6443";
        let file = folder.file("config", &kubeconfig(json!({"server": server}), user));
        let found = both(&file, "").await;
        let why = if why.ends_with(": ") {
            let at = found.1.find(why).unwrap_or_else(|| panic!("{row}: {}", found.1));
            found.1[at..].lines().next().unwrap().to_owned()
        } else {
            why.to_owned()
        };
        let expected = format!(
            "no credentials for {{server}} from the plugin {plugin:?}: {why}\nDoes `kubectl get namespaces` work? Log in again as for kubectl."
        );
        check(row, &found, &file, server, &expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kubeconfig_that_cannot_be_used() {
    let folder = Folder::new("kubeconfig");
    let good = kubeconfig(json!({"server": "http://127.0.0.1:1"}), json!({}));
    let choose = "Choose one with --context or with `kubectl config use-context`; there are: \"dev\", \"lost\"";
    for (row, text, flags, expected) in [
        (
            "missing context",
            good.clone(),
            " --context nope",
            format!("context \"nope\" does not exist ({{file}}, context \"nope\")\n{choose}"),
        ),
        (
            "missing cluster of a context",
            good.clone(),
            " --context lost",
            "context \"lost\" names the cluster \"gone\", which does not exist ({file}, context \"lost\")".to_owned(),
        ),
        (
            "no current context",
            good.replace("\"current-context\":\"dev\",", ""),
            "",
            format!("no context is chosen ({{file}})\n{choose}"),
        ),
        (
            "no contexts",
            "{\"apiVersion\": \"v1\", \"kind\": \"Config\"}".to_owned(),
            "",
            "no context is chosen ({file})\nThe kubeconfig has no contexts. Is it the right file?".to_owned(),
        ),
        (
            "no server",
            kubeconfig(json!({}), json!({})),
            "",
            "the cluster has no server ({file}, context \"dev\")".to_owned(),
        ),
        (
            "no URL",
            kubeconfig(json!({"server": "https://a b"}), json!({})),
            "",
            "the server is not a URL: invalid uri character ({file}, context \"dev\")".to_owned(),
        ),
    ] {
        let file = folder.file("config", &text);
        check(row, &both(&file, flags).await, &file, "", &expected);
    }

    for (row, text, part) in [
        ("no YAML", "a: [\n", "is not a kubeconfig: "),
        ("another file", "- a\n- b\n", "is not a kubeconfig: "),
    ] {
        let file = folder.file("config", text);
        let (outcome, controller) = both(&file, "").await;
        let begin = format!("the kubeconfig {} {part}", file.display());
        assert!(
            outcome.err.starts_with(&format!("Error: {begin}")),
            "{row}: {outcome:?}"
        );
        assert!(controller.starts_with(&begin), "{row}: {controller}");
        assert_eq!(controller.lines().count(), 1, "{row}: {controller}");
    }
    let file = folder.0.join("none");
    let (outcome, controller) = both(&file, "").await;
    let expected = format!(
        "the kubeconfig {} cannot be read: No such file or directory (os error 2)",
        file.display()
    );
    assert_eq!((outcome.err, controller), (format!("Error: {expected}\n"), expected));

    // A file that the kubeconfig names.
    let cluster = json!({"server": "https://127.0.0.1:1", "certificate-authority": "/no/such/ca.pem"});
    let file = folder.file("config", &kubeconfig(cluster, json!({})));
    let (outcome, controller) = both(&file, "").await;
    for text in [&outcome.err, &controller] {
        assert!(
            text.contains("/no/such/ca.pem") && text.contains(&*file.to_string_lossy()),
            "{text}"
        );
        assert!(!text.contains('{') && text.trim_end().lines().count() == 1, "{text}");
    }
}

/// Scripts know what upstream's plugin says of the API server's answers.
#[tokio::test]
async fn under_the_plugins_name_answers_are_told_in_upstreams_words() {
    for (code, answer, expected) in [
        (401, status(401, "Unauthorized", "x"), "Unauthorized"),
        (403, status(403, "Forbidden", FORBIDDEN), FORBIDDEN),
        (
            404,
            answer(404, "", "404 page not found\n"),
            "the server could not find the requested resource",
        ),
        (
            429,
            answer(
                429,
                "retry-after: 0\r\n",
                "Too many requests, please try again later.\n",
            ),
            "the server has received too many requests and has asked us to try again later",
        ),
        (504, status(504, "Timeout", "request timed out"), "request timed out"),
    ] {
        let server = Raw::always(answer).await;
        for command in ["status web", "abort web", "promote web"] {
            let outcome = run(&format!("kubectl-argo-rollouts {command} --server {}", server.url())).await;
            assert_eq!(
                outcome,
                Outcome::failure("", &format!("Error: {expected}\n")),
                "{code} {command}"
            );
        }
    }
}

/// A promotion that is repeated in silence can land after an abort.
#[tokio::test]
async fn a_write_is_sent_once() {
    const BUSY: &str = "Nothing was changed. The request was sent once and is not repeated.\n";
    const UNKNOWN: &str = "whether it was carried out is unknown. Look with `serin get rollout` first.\n";
    for (code, expected) in [(429, BUSY), (503, UNKNOWN), (504, UNKNOWN)] {
        for command in [
            "abort web",
            "retry rollout web",
            "pause web",
            "restart web",
            "promote web",
            "promote web --full",
            "terminate analysisrun web",
            "terminate experiment web",
        ] {
            let seen = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
                "spec": {"strategy": {"canary": {"steps": [{"pause": {}}]}}},
                "status": {"currentPodHash": "a", "stableRS": "b", "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"}]}});
            let refusal = status(code, "x", "come back later");
            let server = Raw::start(move |request| {
                if request.starts_with("GET ") {
                    answer(200, "", &seen.to_string())
                } else {
                    refusal.clone()
                }
            })
            .await;
            let outcome = run(&format!("serin {command} --server {}", server.url())).await;
            assert!(
                !outcome.success && outcome.err.contains(expected),
                "{code} {command}: {outcome:?}"
            );
            let writes: Vec<_> = server
                .asked()
                .into_iter()
                .filter(|it| !it.starts_with("GET "))
                .collect();
            assert_eq!(writes.len(), 1, "{code} {command}: {writes:?}");
        }
    }
}

#[tokio::test]
async fn a_read_is_repeated_and_said_with_v() {
    let asked = std::sync::atomic::AtomicU32::new(0);
    let server = Raw::start(move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 | 1 => status(429, "TooManyRequests", "later"),
        _ => {
            let seen = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
                "metadata": {"name": "web", "generation": 1},
                "spec": {}, "status": {"phase": "Healthy", "observedGeneration": "1"}});
            answer(200, "", &seen.to_string())
        }
    })
    .await;
    let program = env!("CARGO_BIN_EXE_serin");
    let go = async |more: &[&str]| {
        let mut command = tokio::process::Command::new(program);
        command
            .args(["status", "web", "--watch=false", "--server", &server.url()])
            .args(more);
        command.output().await.unwrap()
    };
    let told = go(&["-v", "1"]).await;
    assert_eq!(String::from_utf8_lossy(&told.stdout), "Healthy\n", "{told:?}");
    assert_eq!(server.asked().len(), 3);
    let log = String::from_utf8_lossy(&told.stderr);
    let repeats = log
        .lines()
        .filter(|line| line.contains("the read is repeated") && line.contains("status=429"))
        .count();
    assert_eq!(repeats, 2, "{log}");
    // Nobody asked for a log.
    let quiet = go(&[]).await;
    assert!(quiet.status.success() && quiet.stderr.is_empty(), "{quiet:?}");
    let requests = go(&["-v", "6"]).await;
    let log = String::from_utf8_lossy(&requests.stderr);
    assert!(
        log.contains("method=GET") && log.contains("status=200") && log.contains("/rollouts/web"),
        "{log}"
    );
}

fn healthy_later(phase: &str) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "web", "namespace": "default", "uid": "u", "generation": 1, "resourceVersion": "5"},
        "spec": {"strategy": {"canary": {}}},
        "status": {"phase": phase, "message": "", "observedGeneration": "1"}})
}

fn list(kind: &str, items: &[Value]) -> String {
    let list = json!({"apiVersion": "v1", "kind": kind, "metadata": {"resourceVersion": "5"}, "items": items});
    answer(200, "content-type: application/json\r\n", &list.to_string())
}

/// A server whose watches and lists break from the second list of rollouts on, until it has been asked often enough.
async fn breaking(times: usize) -> Raw {
    let broken = std::sync::atomic::AtomicUsize::new(0);
    Raw::start(move |request| {
        let is_watch = request.contains("watch=true");
        let path = request.split(['?', ' ']).nth(1).unwrap_or_default();
        if path.ends_with("/rollouts/web") {
            return answer(200, "", &healthy_later("Progressing").to_string());
        }
        if path.ends_with("/rollouts") && broken.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < times {
            // The connection breaks.
            return String::new();
        }
        match path.rsplit('/').next().unwrap() {
            // Answered late, and without news.
            _ if is_watch => "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
            "rollouts" => list("RolloutList", &[healthy_later("Healthy")]),
            "replicasets" => list("ReplicaSetList", &[]),
            "pods" => list("PodList", &[]),
            _ => answer(404, "", ""),
        }
    })
    .await
}

/// It was a line of a log that nobody could see.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_breaks_says_so_once_and_goes_on() {
    let server = breaking(3).await;
    let outcome = run(&format!("serin status web --timeout 60s --server {}", server.url())).await;
    let url = server.url();
    let expected = format!(
        "Watch interrupted: cannot reach the API server {url} (--server): it ended the connection without an answer. \
         Trying again.\nThe API server answers again: the watch goes on.\n"
    );
    assert!(
        outcome.success && outcome.out == "Progressing\nHealthy\n",
        "{outcome:?}"
    );
    assert_eq!(outcome.err, expected);

    let server = breaking(2).await;
    let outcome = run(&format!(
        "serin get rollout web -w --timeout-seconds 8 --server {}",
        server.url()
    ))
    .await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(outcome.err, expected.replace(&url, &server.url()));
    // Two pictures: before and after.
    let pictures: Vec<_> = outcome.out.lines().filter(|line| line.starts_with("Status:")).collect();
    assert_eq!(
        pictures,
        ["Status:          ◌ Progressing", "Status:          ✔ Healthy"],
        "{}",
        outcome.out
    );
}
