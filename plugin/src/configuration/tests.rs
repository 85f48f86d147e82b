#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::{Configuration, Kind};
use std::collections::BTreeMap;

fn read(key: &str, text: &str) -> Result<Configuration, String> {
    let data = BTreeMap::from([(key.to_owned(), text.to_owned())]);
    Configuration::read(&data).map_err(|error| error.to_string())
}

#[test]
fn lists_are_read() {
    let text = "\
- name: acme/step
  location: file:///plugins/step
  sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
  disabled: true
  args: [\"-v\", \"2\"]
  headersFrom: [{secretRef: {name: token}}]
  unknown: 1
- name: acme/other.step_2
  location: ./other
- name: acme/step
  location: file:///plugins/second
";
    let configuration = read("stepPlugins", text).unwrap();
    assert_eq!(configuration.iter().count(), 2);
    let step = configuration.plugin(Kind::Step, "acme/step").unwrap();
    assert_eq!(step.file().unwrap().to_str(), Some("/plugins/step"), "the first counts");
    assert!(step.disabled && step.sha256.as_ref().is_some_and(|digest| digest.starts_with("ba78")));
    assert_eq!(step.args, ["-v", "2"]);
    let other = configuration.plugin(Kind::Step, "acme/other.step_2").unwrap();
    assert_eq!(other.file().unwrap().to_str(), Some("./other"));
    assert_eq!(configuration.plugin(Kind::Metric, "acme/step"), None);
}

#[test]
fn nothing_is_no_plugins() {
    assert_eq!(Configuration::read(&BTreeMap::new()), Ok(Configuration::default()));
    assert_eq!(read("stepPlugins", ""), Ok(Configuration::default()));
    assert_eq!(read("stepPlugins", "# none\n"), Ok(Configuration::default()));
    assert_eq!(read("stepPlugins", "[]"), Ok(Configuration::default()));
    assert_eq!(read("unknown", "a: ["), Ok(Configuration::default()));
}

#[test]
fn errors_name_key_and_line() {
    for (text, why) in [
        (
            "a: b",
            "line 1: a list of plugins is needed, each with name and location",
        ),
        (
            "- name: acme/a\n  location: /a\n- name: acme\n  location: /b\n",
            "line 3: name: plugin repository (acme) must be in the format of <namespace>/<name>",
        ),
        (
            "- location: /a",
            "line 1: name: plugin repository () must be in the format of <namespace>/<name>",
        ),
        (
            "- name: a/b/c\n  location: /a",
            "line 1: name: plugin repository (a/b/c) must be in the format of <namespace>/<name>",
        ),
        (
            "- name: acme/a",
            "line 1: location: where is the file of acme/a? A path is needed, as file:///plugins/name",
        ),
        (
            "- name: acme/a\n  location: s3://a/b",
            "line 2: location: s3:// is no place for a plugin; file:// is",
        ),
        (
            "- name: acme/a\n  location: /a\n  sha256: abc",
            "line 3: sha256: 64 hexadecimal digits are needed, as sha256sum prints them",
        ),
        (
            "- name: acme/a\n  location: /a\n  args: [1]\n",
            "line 3: args[0]: invalid type: integer `1`, expected a string",
        ),
    ] {
        let error = read("metricProviderPlugins", text).unwrap_err();
        assert_eq!(
            error,
            format!("ConfigMap argo-rollouts-config, metricProviderPlugins, {why}")
        );
    }
    let error = read("trafficRouterPlugins", "- name: acme/a\n  location: [\n").unwrap_err();
    let begins = "ConfigMap argo-rollouts-config, trafficRouterPlugins, line ";
    assert!(error.starts_with(begins), "{error}");
}

#[test]
fn what_is_to_be_downloaded_is_refused_alone() {
    let text = "- {name: acme/far, location: 'https://user:secret@example.com/far?token=secret'}\n\
                - {name: acme/near, location: /near}\n";
    let configuration = read("metricProviderPlugins", text).unwrap();
    assert!(configuration.plugin(Kind::Metric, "acme/near").unwrap().file().is_ok());
    let error = configuration
        .plugin(Kind::Metric, "acme/far")
        .unwrap()
        .file()
        .unwrap_err();
    assert!(
        error.contains("the location of acme/far is https://example.com/far; put the file on a volume"),
        "{error}"
    );
    assert!(!error.contains("secret"), "{error}");
}
