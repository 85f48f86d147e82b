#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const TWO_CLUSTERS: &str = r#"
apiVersion: v1
kind: Config
current-context: dev
contexts:
- name: dev
  context: {cluster: near, user: me, namespace: shop}
- name: live
  context: {cluster: far, user: me}
clusters:
- name: near
  cluster: {server: "http://near:1"}
- name: far
  cluster: {server: "http://far:2"}
users:
- name: me
  user: {}
"#;

/// The configuration that flags make of the two clusters.
fn config_of(flags: &Global) -> Result<Config, Failure> {
    let mut kubeconfig = Kubeconfig::from_yaml(TWO_CLUSTERS).unwrap();
    let options = override_entries(&mut kubeconfig, flags, &["kubeconfig f".to_owned()])?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let read = runtime.block_on(Config::from_custom_kubeconfig(kubeconfig, &options));
    read.map_err(|error| Failure::message(chain(&error)))
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn flags_choose_and_override_entries() {
    let config = config_of(&Global::default()).unwrap();
    assert_eq!(
        (
            config.cluster_url.to_string().as_str(),
            config.default_namespace.as_str()
        ),
        ("http://near:1/", "shop")
    );
    let config = config_of(&Global {
        context: some("live"),
        ..Global::default()
    })
    .unwrap();
    assert_eq!(
        (
            config.cluster_url.to_string().as_str(),
            config.default_namespace.as_str()
        ),
        ("http://far:2/", "default")
    );
    let config = config_of(&Global {
        cluster: some("far"),
        ..Global::default()
    })
    .unwrap();
    assert_eq!(config.cluster_url.to_string(), "http://far:2/");
    let flags = Global {
        server: some("http://other:3"),
        impersonate: some("you"),
        token: some("t"),
        ..Global::default()
    };
    let config = config_of(&flags).unwrap();
    assert_eq!(config.cluster_url.to_string(), "http://other:3/");
    assert_eq!(config.auth_info.impersonate.as_deref(), Some("you"));
    assert!(config.auth_info.token.is_some());
}

#[test]
fn missing_entries_are_named_with_their_file() {
    let table = [
        (
            Global {
                context: some("nope"),
                ..Global::default()
            },
            "context \"nope\" does not exist (kubeconfig f)\nChoose one with --context or with `kubectl config use-context`; \
             there are: \"dev\", \"live\"",
        ),
        (
            Global {
                cluster: some("nope"),
                ..Global::default()
            },
            "cluster \"nope\" does not exist (kubeconfig f)",
        ),
        (
            Global {
                user: some("nope"),
                ..Global::default()
            },
            "user \"nope\" does not exist (kubeconfig f)",
        ),
    ];
    for (flags, text) in table {
        assert_eq!(config_of(&flags).err(), Some(Failure::message(text)));
    }
}

#[test]
fn request_timeouts() {
    assert_eq!(request_timeout("0"), Ok(None));
    assert_eq!(request_timeout("5"), Ok(Some(Duration::from_secs(5))));
    assert_eq!(request_timeout("1m"), Ok(Some(Duration::from_secs(60))));
    assert!(request_timeout("soon").is_err());
}
