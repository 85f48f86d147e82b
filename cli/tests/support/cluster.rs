//! An API server with a state, on which one program after the other answers the same commands.

use crate::transcript::Answer;
use kube::api::{ApiResource, DynamicObject, ListParams, PostParams};
use kube::{Api, Client};
use regex::Regex;
use serde_json::{Map, Value, json};
use serin_core::notation::yaml;
use serin_sandbox::{ApiServer, RequestInfo, Served};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};

/// The kinds that states and commands are about: group, version, kind, plural.
const KINDS: [(&str, &str, &str, &str); 11] = [
    ("argoproj.io", "v1alpha1", "Rollout", "rollouts"),
    ("argoproj.io", "v1alpha1", "Experiment", "experiments"),
    ("argoproj.io", "v1alpha1", "AnalysisRun", "analysisruns"),
    ("argoproj.io", "v1alpha1", "AnalysisTemplate", "analysistemplates"),
    (
        "argoproj.io",
        "v1alpha1",
        "ClusterAnalysisTemplate",
        "clusteranalysistemplates",
    ),
    ("apps", "v1", "Deployment", "deployments"),
    ("apps", "v1", "ReplicaSet", "replicasets"),
    ("", "v1", "Pod", "pods"),
    ("", "v1", "Service", "services"),
    ("batch", "v1", "Job", "jobs"),
    ("networking.k8s.io", "v1", "Ingress", "ingresses"),
];

/// The server and what is noted of it.
pub(crate) struct Cluster {
    api: ApiServer,
    served: Served,
    kubeconfig: tempfile::NamedTempFile,
    asked: Arc<Mutex<Vec<RequestInfo>>>,
    before: BTreeMap<String, Value>,
    revision: u64,
}

impl Cluster {
    /// A server that holds the objects of a state.
    pub(crate) async fn start(state: &str) -> Self {
        let clock = || "2026-03-01T12:00:00Z".parse().unwrap();
        let api = ApiServer::with_clock(Arc::new(clock));
        install_crds(&api.client()).await;
        let path = folder().join(format!("states/{state}.yaml"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut uids = BTreeMap::new();
        for document in yaml::parse_docs(&text).unwrap() {
            store(&api, document.value, &mut uids).await;
        }
        let served = api.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let kubeconfig = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(kubeconfig.path(), served.kubeconfig()).unwrap();
        let before = objects(&api.client()).await;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        api.intercept(Box::new(move |request: &RequestInfo| {
            noted.lock().unwrap().push(request.clone());
            None
        }));
        let revision = api.revision();
        Self {
            api,
            served,
            kubeconfig,
            asked,
            before,
            revision,
        }
    }

    /// Whether the objects are no longer those of the state.
    pub(crate) fn is_changed(&self) -> bool {
        self.api.revision() != self.revision
    }

    /// What a program answers to a command.
    pub(crate) async fn run(&self, program: &Path, command: &str) -> Answer {
        self.api.clear_requests();
        self.asked.lock().unwrap().clear();
        let output = tokio::process::Command::new(program)
            .args(words(command))
            .current_dir(folder())
            .env("KUBECONFIG", self.kubeconfig.path())
            .env_remove("NO_COLOR")
            .env("TERM", "xterm")
            .env("HOME", "/nowhere")
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let mut asked = self.asked();
        // What these read, and in which order, is each program's own affair: Argo Rollouts starts six watches at once.
        if ["status", "get", "list"].contains(&command.split(' ').next().unwrap_or_default()) {
            asked.retain(|line| !["get ", "list ", "watch "].iter().any(|verb| line.starts_with(verb)));
        }
        let changed = if self.is_changed() {
            self.changed().await
        } else {
            Vec::new()
        };
        Answer {
            out: self.same_everywhere(&output.stdout),
            err: self.same_everywhere(&output.stderr),
            exit: output.status.code().unwrap_or(-1),
            asked,
            changed,
        }
    }

    fn asked(&self) -> Vec<String> {
        let bodies = self.asked.lock().unwrap();
        let records = self.api.requests();
        let line = |(index, record): (usize, &serin_sandbox::RequestRecord)| {
            let request = &record.request;
            let mut line = format!("{} {}", request.verb, request.resource);
            for part in [&request.name, &request.subresource] {
                if !part.is_empty() {
                    line += &format!("/{part}");
                }
            }
            if !request.namespace.is_empty() && request.namespace != "default" {
                line += &format!(" in {}", request.namespace);
            }
            if !(200..300).contains(&record.code) {
                line += &format!(" {}", record.code);
            }
            let body = bodies.get(index).map(|request| &*request.body);
            if let Some(body) = body.filter(|body| request.verb == "patch" && body.is_object()) {
                line += &format!(" {body}");
            }
            timeless(&line)
        };
        records.iter().enumerate().map(line).collect()
    }

    async fn changed(&self) -> Vec<String> {
        self.api.clear_intercept();
        let after = objects(&self.api.client()).await;
        let mut changed = Vec::new();
        for (name, object) in &after {
            match self.before.get(name) {
                Some(before) if before == object => {}
                Some(before) => changed.push(timeless(&format!("{name} {}", difference(before, object)))),
                None => changed.push(timeless(&format!("{name} {object}"))),
            }
        }
        let gone = self.before.keys().filter(|name| !after.contains_key(*name));
        changed.extend(gone.map(|name| format!("{name} gone")));
        changed
    }

    /// A text without what differs from run to run.
    fn same_everywhere(&self, text: &[u8]) -> String {
        let text = String::from_utf8_lossy(text).replace(&self.served.url(), "{server}");
        let text = text.replace(&self.kubeconfig.path().display().to_string(), "{kubeconfig}");
        let text = Regex::new("time=\"[^\"]*\"")
            .unwrap()
            .replace_all(&text, "time=\"T\"")
            .into_owned();
        // Of a panic of Go the first line says all.
        match text.find("panic: ") {
            Some(at) => format!(
                "{}\n",
                text[..]
                    .lines()
                    .find(|line| line.starts_with("panic: "))
                    .unwrap_or(&text[at..])
            ),
            None => text,
        }
    }
}

/// Times of the real clock, as `restart` sends them.
fn timeless(text: &str) -> String {
    let restart = Regex::new(r#""restartAt":"[^"]*""#).unwrap();
    restart.replace_all(text, r#""restartAt":"T""#).into_owned()
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded")
}

/// The words of a command, as a shell splits them.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in command.chars() {
        match (character, quote) {
            (_, Some(open)) if character == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (' ', None) => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

async fn install_crds(client: &Client) {
    // Making and reading them takes longer than all the rest.
    static DEFINITIONS: OnceLock<Vec<Value>> = OnceLock::new();
    let definitions = DEFINITIONS.get_or_init(|| {
        let texts = serin_core::crd::manifests().unwrap().into_iter();
        texts
            .flat_map(|(_, text)| yaml::parse_docs(&text).unwrap())
            .map(|document| document.value)
            .collect()
    });
    let resource = resource((
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
    ));
    let stored: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    for definition in definitions {
        let definition = serde_json::from_value(definition.clone()).unwrap();
        stored.create(&PostParams::default(), &definition).await.unwrap();
    }
}

fn resource((group, version, kind, plural): (&str, &str, &str, &str)) -> ApiResource {
    let api_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version,
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// Stores an object. An owner is named in place of its UID: `uid: Rollout/web`.
async fn store(api: &ApiServer, mut object: Value, uids: &mut BTreeMap<String, String>) {
    let kind = object["kind"].as_str().unwrap().to_owned();
    let of_kind = KINDS.iter().find(|(_, _, known, _)| *known == kind).unwrap();
    let metadata = object["metadata"].as_object_mut().unwrap();
    if kind != "ClusterAnalysisTemplate" {
        metadata.entry("namespace").or_insert_with(|| json!("default"));
    }
    metadata
        .entry("creationTimestamp")
        .or_insert_with(|| json!("2026-03-01T10:00:00Z"));
    for owner in object["metadata"]["ownerReferences"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        owner["uid"] = json!(uids[owner["uid"].as_str().unwrap()]);
    }
    let name = format!("{kind}/{}", object["metadata"]["name"].as_str().unwrap());
    api.store_as_is(of_kind.0, of_kind.3, object);
    uids.insert(name.clone(), uid_of(&api.client(), *of_kind, &name).await);
}

async fn uid_of(client: &Client, kind: (&str, &str, &str, &str), name: &str) -> String {
    let all: Api<DynamicObject> = Api::all_with(client.clone(), &resource(kind));
    let listed = all.list(&ListParams::default()).await.unwrap();
    let found = listed
        .items
        .into_iter()
        .find(|it| format!("{}/{}", kind.2, it.metadata.name.as_deref().unwrap()) == name);
    found.unwrap().metadata.uid.unwrap()
}

/// All objects by kind and name, without what each write changes.
async fn objects(client: &Client) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for kind in KINDS {
        let all: Api<DynamicObject> = Api::all_with(client.clone(), &resource(kind));
        for object in all.list(&ListParams::default()).await.unwrap().items {
            let mut object = serde_json::to_value(object).unwrap();
            for field in ["resourceVersion", "managedFields", "uid"] {
                object["metadata"].as_object_mut().unwrap().remove(field);
            }
            found.insert(
                format!("{}/{}", kind.2, object["metadata"]["name"].as_str().unwrap()),
                object,
            );
        }
    }
    found
}

/// The merge patch from one value to another.
fn difference(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return after.clone();
    };
    let mut patch = Map::new();
    for (key, value) in after {
        match before.get(key) {
            Some(old) if old == value => {}
            Some(old) => drop(patch.insert(key.clone(), difference(old, value))),
            None => drop(patch.insert(key.clone(), value.clone())),
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Value::Object(patch)
}
