//! Processes: late, dead, unwilling, another file.

use crate::{LIMITS, compiled, goplugin, plugins};
use serde_json::json;
use serin_plugin::{Configuration, Limits, Plugins, StepContext};
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

fn doing(what: &str) -> StepContext {
    let config = Some(json!({"do": what}));
    StepContext {
        plugin_name: "acme/go".to_owned(),
        config,
        status: None,
    }
}

async fn step(plugins: &Plugins, what: &str) -> Result<String, String> {
    let answer = plugins.step_run("acme/go", &json!({}), &doing(what)).await;
    answer.map(|result| result.phase).map_err(|error| error.to_string())
}

fn running() -> Result<String, String> {
    Ok("Running".to_owned())
}

pub(crate) async fn a_plugin_that_hangs_is_an_error() {
    let plugins = compiled(Limits {
        call: Duration::from_millis(500),
        ..LIMITS
    });
    let error = step(&plugins, "hang").await;
    assert_eq!(
        error,
        Err("Run rpc call error: plugin acme/go gave no answer within 500ms".to_owned())
    );
    assert_eq!(step(&plugins, "echo").await, running(), "it still answers others");
}

pub(crate) async fn calls_do_not_wait_for_each_other() {
    let plugins = compiled(Limits {
        call: Duration::from_secs(4),
        ..LIMITS
    });
    assert_eq!(step(&plugins, "echo").await, running());
    let begun = Instant::now();
    let quick = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let answer = step(&plugins, "echo").await;
        (answer, begun.elapsed())
    };
    let (slow, (quick, took)) = tokio::join!(step(&plugins, "hang"), quick);
    assert!(slow.is_err());
    assert_eq!(quick, running());
    assert!(took < Duration::from_secs(3), "{took:?}");
}

pub(crate) async fn a_plugin_that_died_is_started_again() {
    let plugins = compiled(LIMITS);
    assert_eq!(step(&plugins, "echo").await, running());
    let error = step(&plugins, "die").await.unwrap_err();
    assert!(error.starts_with("Run rpc call error: "), "{error}");
    assert_eq!(step(&plugins, "echo").await, running());
}

pub(crate) async fn a_plugin_that_stands_still_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let (script, pid) = (folder.path().join("script"), folder.path().join("pid"));
    let text = format!(
        "#!/bin/sh\necho $$ >{}\nexec {}\n",
        pid.display(),
        goplugin().unwrap().display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    let limits = Limits {
        ping: Duration::from_millis(300),
        ..LIMITS
    };
    let plugins = plugins("acme/go", script.to_str().unwrap(), limits);
    assert_eq!(step(&plugins, "echo").await, running());
    let number = std::fs::read_to_string(&pid).unwrap();
    let stopped = tokio::process::Command::new("kill")
        .args(["-STOP", number.trim()])
        .status()
        .await;
    assert!(stopped.unwrap().success());
    let error = "unable to start plugin system: could not ping plugin will cleanup process so we can restart it next \
                 reconcile (plugin acme/go gave no answer within 300ms)";
    assert_eq!(step(&plugins, "echo").await, Err(error.to_owned()));
    assert_eq!(step(&plugins, "echo").await, running());
    assert_ne!(std::fs::read_to_string(&pid).unwrap(), number, "another process");
}

pub(crate) async fn a_plugin_that_does_not_initialise_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("unwilling");
    let text = format!(
        "#!/bin/sh\nGOPLUGIN_INIT_ERROR=no exec {}\n",
        goplugin().unwrap().display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    let plugins = plugins("acme/go", script.to_str().unwrap(), LIMITS);
    let error = "unable to start plugin system: unable to initialize plugin via rpc (acme/go): no";
    for _ in 0..2 {
        assert_eq!(step(&plugins, "echo").await, Err(error.to_owned()));
    }
}

pub(crate) async fn shutdown_ends_the_processes() {
    let plugins = compiled(LIMITS);
    assert_eq!(step(&plugins, "echo").await, running());
    let begun = Instant::now();
    plugins.shutdown().await;
    assert!(begun.elapsed() < LIMITS.quit, "it ended by itself");
    let error = step(&plugins, "echo").await;
    assert_eq!(
        error,
        Err("unable to start plugin system: plugin acme/go is not started: the controller ends".to_owned())
    );
}

pub(crate) async fn a_file_is_pinned() {
    let file = goplugin().unwrap();
    let pinned = |digest: &str| {
        let text = format!(
            "- {{name: acme/go, location: {:?}, sha256: {digest:?}}}",
            file.to_str().unwrap()
        );
        let data = BTreeMap::from([("stepPlugins".to_owned(), text)]);
        Plugins::new(Configuration::read(&data).unwrap(), LIMITS)
    };
    let wrong = pinned(&"0".repeat(64));
    let start = wrong.verify().await.unwrap_err().to_string();
    assert!(
        start.contains("is not the file that is pinned: its sha256 is "),
        "{start}"
    );
    let error = step(&wrong, "echo").await.unwrap_err();
    let begins = "unable to start plugin system: unable to get plugin client (acme/go): ";
    assert!(
        error.starts_with(begins) && error.contains("is not the file that is pinned"),
        "{error}"
    );
    let is = error
        .split("its sha256 is ")
        .nth(1)
        .and_then(|rest| rest.split(',').next())
        .unwrap();
    let right = pinned(is);
    assert_eq!(right.verify().await, Ok(()));
    assert_eq!(step(&right, "echo").await, running());
}
