//! The Application object, from the cluster or from the API. It is read leniently: a field of another form than expected is
//! as if it were absent.

use serde_json::Value;

use super::rules::IgnoreRule;

/// The name of an application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApplicationName {
    /// Its namespace; `None` for that of Argo CD itself.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// An Application object.
#[derive(Debug, Clone, PartialEq)]
pub struct Application(Value);

/// Where manifests come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The repository.
    pub repository: String,
    /// The folder in it; empty for a chart or a source that only others refer to.
    pub path: String,
    /// The branch, tag or hash that is followed.
    pub target_revision: String,
    /// The `kustomize` part as written; `null` where there is none.
    pub kustomize: Value,
    /// The chart of a Helm repository.
    pub chart: Option<String>,
}

/// What was last compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sync {
    /// `Synced`, `OutOfSync` or `Unknown`.
    pub status: String,
    /// The commits that were compared, one for each source.
    pub revisions: Vec<String>,
}

/// A deployment of the history, which is oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// Its number.
    pub id: i64,
    /// The commits, one for each source.
    pub revisions: Vec<String>,
    /// The sources as they were then.
    pub sources: Vec<Source>,
    /// When it began, in RFC 3339; empty in old versions.
    pub started_at: String,
    /// When it ended, in RFC 3339.
    pub deployed_at: String,
    /// Who began it; `None` for automated sync.
    pub by: Option<String>,
}

/// The last sync, or the one that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operation {
    /// `Running`, `Succeeded`, `Failed`, `Error` or `Terminating`.
    pub phase: String,
    /// What Argo CD says about it.
    pub message: String,
    /// When it began, in RFC 3339.
    pub started_at: String,
    /// When it ended, in RFC 3339; empty while it runs.
    pub finished_at: String,
    /// How often it was tried again.
    pub retries: i64,
    /// The most retries; `None` where none is set.
    pub retry_limit: Option<i64>,
    /// How often self-heal has begun it again.
    pub self_heal_attempts: i64,
    /// Whether Argo CD began it by itself.
    pub automated: bool,
    /// Who began it.
    pub by: Option<String>,
    /// The commits that are applied, one for each source.
    pub revisions: Vec<String>,
    /// What became of each object.
    pub resources: Vec<SyncedResource>,
}

/// What a sync did with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncedResource {
    /// The object.
    pub resource: Resource,
    /// `Synced`, `SyncFailed`, `Pruned` or `PruneSkipped`.
    pub status: String,
    /// What the API server said.
    pub message: String,
    /// The phase of the hook, or of the object's health while the sync waits.
    pub phase: String,
    /// `PreSync`, `Sync`, `PostSync` or `SyncFail`.
    pub sync_phase: String,
}

/// An object of the application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resource {
    /// Its API group; empty for the core group.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `Synced` or `OutOfSync`.
    pub status: String,
    /// Its health, if Argo CD says it.
    pub health: Option<String>,
    /// What Argo CD says about its health.
    pub health_message: String,
    /// Its sync wave.
    pub wave: i64,
    /// Whether the next sync removes it, if pruning is allowed.
    pub requires_pruning: bool,
}

/// A condition of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `ComparisonError`, `SyncError`, …
    pub kind: String,
    /// What Argo CD says.
    pub message: String,
    /// Since when, in RFC 3339; empty where it does not say.
    pub since: String,
}

impl Application {
    /// Wraps an Application object.
    #[must_use]
    pub fn new(object: Value) -> Self {
        Self(object)
    }

    /// The object as it was read.
    #[must_use]
    pub fn object(&self) -> &Value {
        &self.0
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// Its namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// Its project.
    #[must_use]
    pub fn project(&self) -> &str {
        self.text("/spec/project")
    }

    /// The namespace for objects that have none.
    #[must_use]
    pub fn destination_namespace(&self) -> &str {
        self.text("/spec/destination/namespace")
    }

    /// What people edit: the dry source of a hydrator, else all sources, else the source (contract 13 §5.2).
    #[must_use]
    pub fn sources(&self) -> Vec<Source> {
        let dry = self
            .0
            .pointer("/spec/sourceHydrator/drySource")
            .filter(|dry| dry.is_object());
        dry.map_or_else(
            || sources_of(self.0.pointer("/spec").unwrap_or(&Value::Null)),
            |dry| vec![source_of(dry)],
        )
    }

    /// Whether what is applied comes from another branch than the one that people edit (the source hydrator).
    #[must_use]
    pub fn is_hydrated(&self) -> bool {
        self.0.pointer("/spec/sourceHydrator").is_some_and(Value::is_object)
    }

    /// What was last compared.
    #[must_use]
    pub fn sync(&self) -> Sync {
        let sync = self.0.pointer("/status/sync").unwrap_or(&Value::Null);
        Sync {
            status: text(sync, "/status").to_owned(),
            revisions: revisions_of(sync),
        }
    }

    /// The health of the whole application.
    #[must_use]
    pub fn health(&self) -> &str {
        self.text("/status/health/status")
    }

    /// The deployments, oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<Deployed> {
        let mut history: Vec<Deployed> = self.list("/status/history").iter().map(deployed).collect();
        history.sort_by_key(|deployed| deployed.id);
        history
    }

    /// The last sync, or the one that runs; `None` where there never was one.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        self.0
            .pointer("/status/operationState")
            .filter(|state| state.is_object())
            .map(operation)
    }

    /// The objects.
    #[must_use]
    pub fn resources(&self) -> Vec<Resource> {
        self.list("/status/resources").iter().map(resource).collect()
    }

    /// What is wrong with the application itself.
    #[must_use]
    pub fn conditions(&self) -> Vec<Condition> {
        let condition = |value: &Value| Condition {
            kind: text(value, "/type").to_owned(),
            message: text(value, "/message").to_owned(),
            since: text(value, "/lastTransitionTime").to_owned(),
        };
        self.list("/status/conditions").iter().map(condition).collect()
    }

    /// The fields that comparisons leave out.
    #[must_use]
    pub fn ignore_rules(&self) -> Vec<IgnoreRule> {
        self.list("/spec/ignoreDifferences")
            .iter()
            .map(IgnoreRule::of)
            .collect()
    }

    /// Whether a sync option is set, for instance `RespectIgnoreDifferences=true`.
    #[must_use]
    pub fn has_sync_option(&self, option: &str) -> bool {
        self.list("/spec/syncPolicy/syncOptions")
            .iter()
            .any(|value| value.as_str() == Some(option))
    }

    /// Whether Argo CD syncs by itself when Git changes.
    #[must_use]
    pub fn is_automated(&self) -> bool {
        let automated = self
            .0
            .pointer("/spec/syncPolicy/automated")
            .filter(|automated| automated.is_object());
        automated.is_some_and(|automated| automated.pointer("/enabled").and_then(Value::as_bool) != Some(false))
    }

    /// Whether Argo CD undoes what others change.
    #[must_use]
    pub fn is_self_healing(&self) -> bool {
        self.is_automated()
            && self
                .0
                .pointer("/spec/syncPolicy/automated/selfHeal")
                .and_then(Value::as_bool)
                == Some(true)
    }

    fn text(&self, pointer: &str) -> &str {
        text(&self.0, pointer)
    }

    fn list(&self, pointer: &str) -> &[Value] {
        list(&self.0, pointer)
    }
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

fn sources_of(value: &Value) -> Vec<Source> {
    match list(value, "/sources") {
        [] => value
            .pointer("/source")
            .filter(|source| source.is_object())
            .map(source_of)
            .into_iter()
            .collect(),
        several => several.iter().map(source_of).collect(),
    }
}

fn source_of(value: &Value) -> Source {
    let chart = text(value, "/chart");
    Source {
        repository: text(value, "/repoURL").to_owned(),
        path: text(value, "/path").to_owned(),
        target_revision: text(value, "/targetRevision").to_owned(),
        kustomize: value.pointer("/kustomize").cloned().unwrap_or_default(),
        chart: (!chart.is_empty()).then(|| chart.to_owned()),
    }
}

fn revisions_of(value: &Value) -> Vec<String> {
    let several: Vec<String> = list(value, "/revisions")
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let one = text(value, "/revision");
    if several.is_empty() && !one.is_empty() {
        vec![one.to_owned()]
    } else {
        several
    }
}

fn initiator(value: &Value) -> Option<String> {
    let name = text(value, "/initiatedBy/username");
    (!name.is_empty()).then(|| name.to_owned())
}

fn deployed(value: &Value) -> Deployed {
    Deployed {
        id: number(value, "/id"),
        revisions: revisions_of(value),
        sources: sources_of(value),
        started_at: text(value, "/deployStartedAt").to_owned(),
        deployed_at: text(value, "/deployedAt").to_owned(),
        by: initiator(value),
    }
}

fn operation(state: &Value) -> Operation {
    let asked = state.pointer("/operation").unwrap_or(&Value::Null);
    let synced = |value: &Value| SyncedResource {
        resource: resource(value),
        status: text(value, "/status").to_owned(),
        message: text(value, "/message").to_owned(),
        phase: text(value, "/hookPhase").to_owned(),
        sync_phase: text(value, "/syncPhase").to_owned(),
    };
    let result = revisions_of(state.pointer("/syncResult").unwrap_or(&Value::Null));
    let wanted = revisions_of(asked.pointer("/sync").unwrap_or(&Value::Null));
    Operation {
        phase: text(state, "/phase").to_owned(),
        message: text(state, "/message").to_owned(),
        started_at: text(state, "/startedAt").to_owned(),
        finished_at: text(state, "/finishedAt").to_owned(),
        retries: number(state, "/retryCount"),
        retry_limit: asked.pointer("/retry/limit").and_then(Value::as_i64),
        self_heal_attempts: number(asked, "/sync/autoHealAttemptsCount"),
        automated: asked
            .pointer("/initiatedBy/automated")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
        by: initiator(asked),
        revisions: if result.is_empty() { wanted } else { result },
        resources: list(state, "/syncResult/resources").iter().map(synced).collect(),
    }
}

fn resource(value: &Value) -> Resource {
    let health = text(value, "/health/status");
    Resource {
        group: text(value, "/group").to_owned(),
        kind: text(value, "/kind").to_owned(),
        namespace: text(value, "/namespace").to_owned(),
        name: text(value, "/name").to_owned(),
        status: text(value, "/status").to_owned(),
        health: (!health.is_empty()).then(|| health.to_owned()),
        health_message: text(value, "/health/message").to_owned(),
        wave: number(value, "/syncWave"),
        requires_pruning: value
            .pointer("/requiresPruning")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
    }
}
