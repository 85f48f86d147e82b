//! A real Argo CD as plain processes: application controller, repository server, API server and Redis on loopback.

use crate::hooks::Hooks;
use crate::install;
use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use kube::api::{ListParams, Patch, PatchParams};
use kube::client::Body;
use kube::{Client, Config, ResourceExt};
use serde_json::{Value, json};
use serin_sandbox::control_plane::{Environment, Folder, Process};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// How long one program may take until it answers.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Who can do anything.
pub(crate) const ADMIN: &str = "admin";

/// A running Argo CD.
pub(crate) struct Argo {
    // Dropped in this order: programs first, their folder last.
    _processes: Vec<Process>,
    programs: Programs,
    kube: Client,
    http: BTreeMap<&'static str, Client>,
    tokens: BTreeMap<&'static str, String>,
    address: String,
    folder: Folder,
    /// The health checks and actions it works with.
    pub(crate) hooks: Hooks,
}

/// The programs of other people that are needed.
pub(crate) struct Programs {
    /// Argo CD: one program that plays the role its name says.
    pub(crate) argocd: PathBuf,
    path: OsString,
}

impl Programs {
    /// `None` where there is no Argo CD to test.
    pub(crate) fn find() -> Result<Option<Self>> {
        let Some(argocd) = std::env::var_os("ARGOCD").filter(|it| !it.is_empty()) else {
            return Ok(None);
        };
        let argocd =
            std::fs::canonicalize(&argocd).with_context(|| format!("ARGOCD={}", PathBuf::from(&argocd).display()))?;
        let beside = argocd.parent().map(Path::to_path_buf).into_iter();
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(beside.chain(std::env::split_paths(&others)))?;
        for (program, from) in [
            ("redis-server", "a package of that name, or valkey's compatible one"),
            (
                "kustomize",
                "https://github.com/kubernetes-sigs/kustomize/releases; it can also lie beside argocd",
            ),
            ("git", "a package of that name"),
        ] {
            let found = std::env::split_paths(&path).any(|it| it.join(program).is_file());
            ensure!(found, "Argo CD needs {program} on PATH ({from})");
        }
        Ok(Some(Self { argocd, path }))
    }
}

/// Free ports on loopback, chosen together so that they differ.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let listeners: Vec<TcpListener> = (0..N)
        .map(|_| TcpListener::bind(("127.0.0.1", 0)))
        .collect::<Result<_, _>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

struct Ports {
    redis: u16,
    repo: u16,
    server: u16,
    /// Metrics and health of repository server, API server and application controller.
    metrics: [u16; 3],
}

impl Argo {
    /// Installs the settings, starts the programs and waits until all of them answer.
    pub(crate) async fn start(programs: Programs, hooks: Hooks, kube: Client, kubeconfig: &Path) -> Result<Self> {
        let keep = std::env::var_os("SERIN_ARGOCD_KEEP").is_some();
        let folder = Folder::create("serin-argocd")?.kept(keep);
        if keep {
            eprintln!("the logs stay in {}", folder.path().display());
        }
        let [redis, repo, server, m1, m2, m3] = free_ports()?;
        let ports = Ports {
            redis,
            repo,
            server,
            metrics: [m1, m2, m3],
        };
        let env = environment(&programs, &folder, kubeconfig)?;
        let password = uuid::Uuid::new_v4().simple().to_string();
        let secret = secret(&programs, &password).await?;
        install::install(&kube, &secret, &hooks.settings()).await?;
        let mut processes = Vec::new();
        for (name, command) in commands(&folder, &ports, kubeconfig)? {
            processes.push(Process::start(name, &command, Environment::Only(&env), folder.path())?);
        }
        let nobody = http_client(ports.server, None)?;
        for port in [ports.metrics[0], ports.metrics[2], ports.server] {
            wait_for_health(&http_client(port, None)?, &mut processes).await?;
        }
        let session = json!({"username": ADMIN, "password": password});
        let (code, answer) = call(&nobody, "POST", "/api/v1/session", &session).await?;
        let token = answer["token"].as_str();
        let token = token.with_context(|| format!("no session for the administrator: {code} {answer}"))?;
        let mut tokens = BTreeMap::from([(ADMIN, token.to_owned())]);
        let admin = http_client(ports.server, Some(token))?;
        for account in ["reader", "resumer"] {
            let path = format!("/api/v1/account/{account}/token");
            let (code, answer) = call(&admin, "POST", &path, &json!({"name": account, "expiresIn": 86400})).await?;
            let token = answer["token"].as_str();
            let token = token.with_context(|| format!("no token for {account}: {code} {answer}"))?;
            tokens.insert(account, token.to_owned());
        }
        let http = tokens
            .iter()
            .map(|(name, token)| Ok((*name, http_client(ports.server, Some(token))?)));
        Ok(Self {
            http: http.collect::<Result<_>>()?,
            address: format!("127.0.0.1:{}", ports.server),
            _processes: processes,
            programs,
            kube,
            tokens,
            folder,
            hooks,
        })
    }

    /// A client of the cluster with every right.
    pub(crate) fn kube(&self) -> Client {
        self.kube.clone()
    }

    /// Host and port of the API server.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The token of an account.
    pub(crate) fn token(&self, user: &str) -> Result<&str> {
        let token = self.tokens.get(user).with_context(|| format!("no account {user}"))?;
        Ok(token)
    }

    /// A folder of its own for somebody.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        Ok(self.folder.folder(name)?)
    }

    /// What `/api/version` says.
    pub(crate) async fn version(&self) -> Result<String> {
        let version = self.get(ADMIN, "/api/version").await?;
        Ok(version["Version"].as_str().context("a version")?.to_owned())
    }

    /// GET; an error unless the answer is 200.
    pub(crate) async fn get(&self, user: &str, path: &str) -> Result<Value> {
        let (code, answer) = self.call(user, "GET", path, &Value::Null).await?;
        ensure!(code == 200, "GET {path}: {code} {answer}");
        Ok(answer)
    }

    /// Any call: code and body.
    pub(crate) async fn call(&self, user: &str, method: &str, path: &str, body: &Value) -> Result<(u16, Value)> {
        let client = self.http.get(user).with_context(|| format!("no account {user}"))?;
        call(client, method, path, body).await
    }

    /// The command line, as somebody uses it: whether it succeeded, and what it printed (errors last).
    pub(crate) async fn try_cli(&self, user: &str, words: &[&str]) -> Result<(bool, String)> {
        let token = self.tokens.get(user).with_context(|| format!("no account {user}"))?;
        let output = self
            .command(words)
            .env("ARGOCD_SERVER", &self.address)
            .env("ARGOCD_OPTS", "--plaintext")
            .env("ARGOCD_AUTH_TOKEN", token)
            .output();
        let output = tokio::time::timeout(Duration::from_secs(120), output).await;
        let output = output.with_context(|| format!("argocd {} hangs", words.join(" ")))??;
        let text = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        Ok((output.status.success(), text.concat()))
    }

    /// The same where it has to succeed.
    pub(crate) async fn cli(&self, user: &str, words: &[&str]) -> Result<String> {
        let (well, text) = self.try_cli(user, words).await?;
        ensure!(well, "argocd {} failed: {text}", words.join(" "));
        Ok(text)
    }

    /// The command line without a server: what it prints.
    pub(crate) async fn offline(&self, words: &[&str]) -> Result<String> {
        let output = self.command(words).output().await?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "argocd {}: {errors}", words.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.programs.argocd);
        command
            .args(words)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", &self.programs.path)
            .env("KUBECTL_EXTERNAL_DIFF", self.folder.path().join("bin/second"))
            .kill_on_drop(true);
        command
    }

    /// As docs/argocd.md has it done with kubectl: every application is looked at anew.
    pub(crate) async fn refresh_all(&self) -> Result<()> {
        let apps = install::api(
            &self.kube,
            "argoproj.io/v1alpha1",
            "Application",
            Some(install::NAMESPACE),
        );
        let patch = Patch::Merge(json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}));
        for app in apps.list(&ListParams::default()).await? {
            apps.patch(&app.name_any(), &PatchParams::default(), &patch).await?;
        }
        Ok(())
    }

    /// Replaces what tests have added to `argocd-cm`.
    pub(crate) async fn set_settings(&self, added: &serde_json::Map<String, Value>) -> Result<()> {
        install::set_settings(&self.kube, added).await
    }
}

/// Password and key of the server, as Argo CD keeps them.
async fn secret(programs: &Programs, password: &str) -> Result<Value> {
    let words = ["account", "bcrypt", "--password", password];
    let hashed = Command::new(&programs.argocd).args(words).output().await?;
    ensure!(
        hashed.status.success(),
        "argocd account bcrypt: {}",
        String::from_utf8_lossy(&hashed.stderr)
    );
    // A password that was set in the same second as a token is issued makes the token look older than the password.
    let set_at = Timestamp::now() - jiff::SignedDuration::from_mins(1);
    Ok(json!({
        "admin.password": String::from_utf8(hashed.stdout)?.trim(),
        "admin.passwordMtime": set_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "server.secretkey": format!("{password}{password}"),
    }))
}

/// The environment of Argo CD's programs, and the folders it names.
fn environment(programs: &Programs, folder: &Folder, kubeconfig: &Path) -> Result<Vec<(String, String)>> {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let bin = folder.folder("bin")?;
    for role in ["application-controller", "repo-server", "server"] {
        symlink(&programs.argocd, bin.join(format!("argocd-{role}")))?;
    }
    // The repository server runs this for every revision, even where signatures are not to be checked: none is, here.
    // The other one is the "diff" of the command line: it shows the second of two objects.
    for (name, line) in [("git-verify-wrapper.sh", "exit 0"), ("second", "cat \"$2\"")] {
        let script = bin.join(name);
        std::fs::write(&script, format!("#!/bin/sh\n{line}\n"))?;
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
    }
    std::fs::write(folder.folder("ssh")?.join("ssh_known_hosts"), "")?;
    let at = |name: &str| -> Result<String> { Ok(folder.folder(name)?.display().to_string()) };
    let path = format!("{}:{}", bin.display(), programs.path.to_string_lossy());
    let variables = [
        ("HOME", at("home")?),
        ("TMPDIR", at("tmp")?),
        ("PATH", path),
        ("KUBECONFIG", kubeconfig.display().to_string()),
        ("ARGOCD_FAKE_IN_CLUSTER", "true".to_owned()),
        ("ARGOCD_GPG_ENABLED", "false".to_owned()),
        ("ARGOCD_GNUPGHOME", at("gpg/keys")?),
        ("ARGOCD_GPG_DATA_PATH", at("gpg/source")?),
        ("ARGOCD_TLS_DATA_PATH", at("tls")?),
        ("ARGOCD_SSH_DATA_PATH", at("ssh")?),
        ("ARGOCD_PLUGINSOCKFILEPATH", at("plugins")?),
        ("ARGOCD_APP_CONF_PATH", at("conf")?),
        (
            "ARGOCD_ASK_PASS_SOCK",
            folder.path().join("ask-pass").display().to_string(),
        ),
        // Nobody is asked for anything.
        ("GIT_TERMINAL_PROMPT", "0".to_owned()),
    ];
    Ok(variables.map(|(name, value)| (name.to_owned(), value)).into())
}

/// The programs with their flags.
fn commands(folder: &Folder, ports: &Ports, kubeconfig: &Path) -> Result<Vec<(&'static str, Vec<String>)>> {
    let program = |role: &str| folder.path().join(format!("bin/argocd-{role}")).display().to_string();
    let flags = |first: String, text: String| -> Vec<String> {
        std::iter::once(first)
            .chain(text.split_whitespace().map(str::to_owned))
            .collect()
    };
    let (redis, repo) = (format!("--redis=127.0.0.1:{}", ports.redis), ports.repo);
    let repo_client = format!("--repo-server=127.0.0.1:{repo} --repo-server-plaintext");
    let cluster = format!(
        "--kubeconfig={} --namespace={}",
        kubeconfig.display(),
        install::NAMESPACE
    );
    let [repo_metrics, server_metrics, controller_metrics] = ports.metrics;
    let (redis_port, server_port) = (ports.redis, ports.server);
    let (data, ui) = (folder.folder("redis")?, folder.folder("ui")?);
    let (data, ui) = (data.display(), ui.display());
    Ok(vec![
        (
            "redis",
            flags(
                "redis-server".to_owned(),
                format!("--bind 127.0.0.1 --port {redis_port} --appendonly no --dir {data} --dbfilename none.rdb"),
            ),
        ),
        (
            "repo-server",
            flags(
                program("repo-server"),
                format!(
                    "--address=127.0.0.1 --port={repo} --metrics-address=127.0.0.1 --metrics-port={repo_metrics} {redis} --disable-tls --client-ca-path="
                ),
            ),
        ),
        // Its metrics and health listener has no flag for an address and takes 0.0.0.0; it shows names of applications, no more.
        (
            "application-controller",
            flags(
                program("application-controller"),
                format!("{cluster} --metrics-port={controller_metrics} {redis} {repo_client}"),
            ),
        ),
        (
            "server",
            flags(
                program("server"),
                format!(
                    "{cluster} --insecure --address=127.0.0.1 --port={server_port} --metrics-address=127.0.0.1 \
                     --metrics-port={server_metrics} --staticassets={ui} {redis} {repo_client} --dex-server=http://127.0.0.1:1"
                ),
            ),
        ),
    ])
}

fn http_client(port: u16, token: Option<&str>) -> Result<Client> {
    let mut config = Config::new(format!("http://127.0.0.1:{port}").parse()?);
    config.auth_info.token = token.map(|it| it.to_owned().into());
    Ok(Client::try_from(config)?)
}

async fn call(client: &Client, method: &str, path: &str, body: &Value) -> Result<(u16, Value)> {
    let bytes = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Body::from(bytes))?;
    let response = tokio::time::timeout(Duration::from_secs(30), client.send(request)).await;
    let response = response.with_context(|| format!("{method} {path}: no answer"))??;
    let code = response.status().as_u16();
    let text = response.into_body().collect_bytes().await?;
    let answer = serde_json::from_slice(&text);
    Ok((
        code,
        answer.unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&text).into_owned())),
    ))
}

async fn wait_for_health(client: &Client, processes: &mut [Process]) -> Result<()> {
    let until = Instant::now() + READY_WITHIN;
    // Refused and 503 alike mean: not yet. What it is in the end stands in the logs.
    while !matches!(call(client, "GET", "/healthz", &Value::Null).await, Ok((200, _))) {
        for process in &mut *processes {
            process.check()?;
        }
        if Instant::now() > until {
            let logs: Vec<String> = processes.iter().map(Process::tail).collect();
            bail!(
                "not ready within {READY_WITHIN:?}; the last lines of the logs:\n{}",
                logs.join("\n\n")
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
