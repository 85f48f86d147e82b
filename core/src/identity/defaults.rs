//! What the API server fills in where a pod template is silent (decision 19), as facts of Kubernetes' core/v1.
//!
//! Only what it does for templates: requests that follow limits, service links and the like are filled in pods. A field
//! that only some versions of Kubernetes default is filled in, too: whether it is written out makes no difference then.

use super::encode::quantity_value;
use serde_json::{Map, Value, json};

type Members = Map<String, Value>;

/// Fills in defaults; quantities become their values, so that `1Gi` equals `1073741824`.
pub(super) fn fill_in(template: &mut Value) {
    let Some(spec) = template.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    set(spec, "restartPolicy", "Always");
    set(spec, "dnsPolicy", "ClusterFirst");
    set(spec, "schedulerName", "default-scheduler");
    set(spec, "terminationGracePeriodSeconds", 30);
    set(spec, "securityContext", json!({}));
    quantities(spec.get_mut("overhead"));
    resources(spec);
    let host_network = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        each(spec, list, |found| container(found, host_network));
    }
    each(spec, "volumes", volume);
}

/// Go leaves an empty text, and a number of 0, unset.
fn set(members: &mut Members, name: &str, default: impl Into<Value>) {
    let unset = match members.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => false,
    };
    if unset {
        members.insert(name.to_owned(), default.into());
    }
}

/// For numbers that are no pointers in Go: 0 is as good as unset.
fn set_number(members: &mut Members, name: &str, default: i64) {
    if members.get(name).and_then(Value::as_i64) == Some(0) {
        members.remove(name);
    }
    set(members, name, default);
}

/// For pointers to text: an empty text is a value.
fn set_pointer(members: &mut Members, name: &str, default: &str) {
    members.entry(name).or_insert_with(|| default.into());
}

fn within(members: &mut Members, name: &str, fill: impl FnOnce(&mut Members)) {
    if let Some(inner) = members.get_mut(name).and_then(Value::as_object_mut) {
        fill(inner);
    }
}

fn each(members: &mut Members, name: &str, mut fill: impl FnMut(&mut Members)) {
    let items = members.get_mut(name).and_then(Value::as_array_mut);
    items
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
        .for_each(&mut fill);
}

fn quantities(list: Option<&mut Value>) {
    let list = list.and_then(Value::as_object_mut).into_iter().flatten();
    for (_, amount) in list {
        if let Some(value) = quantity_value(amount) {
            *amount = value.into();
        }
    }
}

fn resources(members: &mut Members) {
    within(members, "resources", |resources| {
        quantities(resources.get_mut("limits"));
        quantities(resources.get_mut("requests"));
    });
}

fn container(container: &mut Members, host_network: bool) {
    set(container, "terminationMessagePath", "/dev/termination-log");
    set(container, "terminationMessagePolicy", "File");
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let policy = pull_policy(image);
    set(container, "imagePullPolicy", policy);
    resources(container);
    each(container, "ports", |port| {
        set(port, "protocol", "TCP");
        if host_network {
            let number = port.get("containerPort").and_then(Value::as_i64).unwrap_or(0);
            set_number(port, "hostPort", number);
        }
    });
    each(container, "env", |env| {
        within(env, "valueFrom", |from| {
            within(from, "fieldRef", |field| set(field, "apiVersion", "v1"));
            within(from, "fileKeyRef", |file| set(file, "optional", false));
            within(from, "resourceFieldRef", divisor);
        });
    });
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        within(container, probe, |probe| {
            set_number(probe, "timeoutSeconds", 1);
            set_number(probe, "periodSeconds", 10);
            set_number(probe, "successThreshold", 1);
            set_number(probe, "failureThreshold", 3);
            handler(probe);
        });
    }
    within(container, "lifecycle", |lifecycle| {
        for hook in ["postStart", "preStop"] {
            within(lifecycle, hook, handler);
        }
    });
    within(container, "securityContext", |context| {
        set(context, "procMount", "Default");
    });
}

fn divisor(reference: &mut Members) {
    let value = reference.get("divisor").and_then(quantity_value);
    reference.insert("divisor".to_owned(), value.unwrap_or_else(|| "0".to_owned()).into());
}

fn handler(handler: &mut Members) {
    within(handler, "httpGet", |get| {
        set(get, "path", "/");
        set(get, "scheme", "HTTP");
    });
    within(handler, "grpc", |grpc| set_pointer(grpc, "service", ""));
}

/// Always for the tag `latest`, written or not; an image named by its digest alone is not fetched again.
fn pull_policy(image: &str) -> &'static str {
    let (name, digest) = match image.split_once('@') {
        Some((name, _)) => (name, true),
        None => (image, false),
    };
    let last = name.rsplit('/').next().unwrap_or_default();
    match last.split_once(':') {
        Some((_, "latest")) => "Always",
        None if !digest => "Always",
        Some(_) | None => "IfNotPresent",
    }
}

fn volume(volume: &mut Members) {
    const MODE: i64 = 0o644;
    if !volume.keys().any(|key| key != "name") {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    within(volume, "emptyDir", |dir| {
        if let Some(value) = dir.get("sizeLimit").and_then(quantity_value) {
            dir.insert("sizeLimit".to_owned(), value.into());
        }
    });
    for source in ["secret", "configMap"] {
        within(volume, source, |source| set(source, "defaultMode", MODE));
    }
    within(volume, "downwardAPI", |source| {
        set(source, "defaultMode", MODE);
        downward(source);
    });
    within(volume, "projected", |projected| {
        set(projected, "defaultMode", MODE);
        each(projected, "sources", |source| {
            within(source, "downwardAPI", downward);
            within(source, "serviceAccountToken", |token| {
                set(token, "expirationSeconds", 3600);
            });
        });
    });
    within(volume, "hostPath", |path| set_pointer(path, "type", ""));
    within(volume, "iscsi", |iscsi| set(iscsi, "iscsiInterface", "default"));
    within(volume, "rbd", |rbd| {
        set(rbd, "pool", "rbd");
        set(rbd, "user", "admin");
        set(rbd, "keyring", "/etc/ceph/keyring");
    });
    within(volume, "azureDisk", |disk| {
        set_pointer(disk, "cachingMode", "ReadWrite");
        set_pointer(disk, "kind", "Shared");
        set_pointer(disk, "fsType", "ext4");
        set(disk, "readOnly", false);
    });
    within(volume, "scaleIO", |scale| {
        set(scale, "storageMode", "ThinProvisioned");
        set(scale, "fsType", "xfs");
    });
    within(volume, "image", |image| {
        let reference = image.get("reference").and_then(Value::as_str).unwrap_or_default();
        let policy = pull_policy(reference);
        set(image, "pullPolicy", policy);
    });
    within(volume, "ephemeral", |ephemeral| {
        within(ephemeral, "volumeClaimTemplate", |claim| {
            within(claim, "spec", |spec| {
                set_pointer(spec, "volumeMode", "Filesystem");
                resources(spec);
            });
        });
    });
}

fn downward(source: &mut Members) {
    each(source, "items", |item| {
        within(item, "fieldRef", |field| set(field, "apiVersion", "v1"));
        within(item, "resourceFieldRef", divisor);
    });
}
