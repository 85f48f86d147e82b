//! One application: a namespace with a controller of ours, a repository, and Argo CD in between.

use crate::argo::{ADMIN, Argo};
use crate::git::Repository;
use crate::install::{self, NAMESPACE};
use anyhow::{Context, Result, bail};
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use serin_e2e::World;
use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How long anything may take: Argo CD answers within a second, slow pods and pauses take some.
const PATIENCE: Duration = Duration::from_secs(45);

/// What a scenario plays on.
pub(crate) struct Stage<'a> {
    pub(crate) argo: &'a Argo,
    pub(crate) world: World,
    pub(crate) git: Repository,
    /// The application's name, which is its namespace's, too.
    pub(crate) app: String,
}

/// A resource in an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) status: String,
    pub(crate) message: String,
}

impl Health {
    pub(crate) fn new(status: &str, message: &str) -> Self {
        Self {
            status: status.to_owned(),
            message: message.to_owned(),
        }
    }

    fn of(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            status: text("status"),
            message: text("message"),
        }
    }
}

/// Where pods of the stable and of the new version are reached.
const SERVICES: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web-stable}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: web-canary}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
";

const OVERLAY: &str = "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../base]
images: [{name: registry.example/web, newTag: \"1\"}]
";

/// A canary that waits twice for somebody.
pub(crate) const ROLLOUT: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web}]}
  strategy:
    canary:
      stableService: web-stable
      canaryService: web-canary
      steps: [{setWeight: 50}, {pause: {}}, {setWeight: 75}, {pause: {}}]
";

/// The file that holds the image's tag.
const OVERLAY_FILE: &str = "overlays/prod/kustomization.yaml";

impl<'a> Stage<'a> {
    /// Puts up a stage in a world.
    pub(crate) async fn new(argo: &'a Argo, world: World) -> Result<Self> {
        let app = world.namespace().to_owned();
        let git = Repository::create(&argo.folder(&format!("git/{app}"))?).await?;
        Ok(Self { argo, world, git, app })
    }

    /// Commits a base of a Rollout, its Services and further files, and an overlay that chooses the image's tag.
    pub(crate) async fn commit_base(&self, rollout: &str, more: &[(&str, &str)]) -> Result<()> {
        let mut names = vec!["rollout.yaml", "services.yaml"];
        names.extend(more.iter().map(|(name, _)| *name));
        for (name, text) in [("rollout.yaml", rollout), ("services.yaml", SERVICES)]
            .iter()
            .chain(more)
        {
            self.git.write(&format!("base/{name}"), text)?;
        }
        let resources = names.join(", ");
        let base =
            format!("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [{resources}]\n");
        self.git.write("base/kustomization.yaml", &base)?;
        self.git.write(OVERLAY_FILE, OVERLAY)?;
        self.git.commit("first version").await?;
        Ok(())
    }

    /// Commits another tag of the image.
    pub(crate) async fn commit_tag(&self, from: u32, to: u32) -> Result<String> {
        let tag = |it: u32| format!("newTag: \"{it}\"");
        self.git.replace(OVERLAY_FILE, &tag(from), &tag(to))?;
        self.git.commit(&format!("version {to}")).await
    }

    /// Creates the Application, with this `spec.syncPolicy` and further fields of `spec`.
    pub(crate) async fn create_app(&self, policy: Value, more: Value) -> Result<()> {
        let mut spec = json!({
            "project": "default",
            "source": {"repoURL": self.git.url(), "path": "overlays/prod", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": self.world.namespace()},
            "syncPolicy": policy,
        });
        if let (Some(fields), Value::Object(more)) = (spec.as_object_mut(), more) {
            fields.extend(more);
        }
        let app = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": self.app, "namespace": NAMESPACE}, "spec": spec});
        install::apply(&self.argo.kube(), app).await?;
        Ok(())
    }

    /// The usual beginning: synced, Healthy, revision 1.
    pub(crate) async fn synced(&mut self) -> Result<()> {
        self.commit_base(ROLLOUT, &[]).await?;
        self.create_app(json!({}), json!({})).await?;
        self.sync().await?;
        self.world.rollout_is("web");
        self.world.then().healthy().ready_pods(1, 2).await
    }

    /// And then an update, which waits at its first pause.
    pub(crate) async fn paused(&mut self) -> Result<()> {
        self.synced().await?;
        self.commit_tag(1, 2).await?;
        self.sync().await?;
        self.world.then().phase("Paused").at_step(1).ready_pods(2, 1).await
    }

    /// Syncs as somebody does who waits for the end of it.
    pub(crate) async fn sync(&self) -> Result<String> {
        self.argo
            .cli(ADMIN, &["app", "sync", &self.app, "--timeout", "45"])
            .await
    }

    /// Lets Argo CD look at Git at once.
    pub(crate) async fn refresh(&self) -> Result<()> {
        let (apps, annotation) = (self.apps(), json!({"argocd.argoproj.io/refresh": "normal"}));
        let patch = Patch::Merge(json!({"metadata": {"annotations": annotation}}));
        apps.patch(&self.app, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    fn apps(&self) -> Api<DynamicObject> {
        install::api(
            &self.argo.kube(),
            "argoproj.io/v1alpha1",
            "Application",
            Some(NAMESPACE),
        )
    }

    /// Anything of the application's namespace.
    pub(crate) fn objects(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        install::api(&self.argo.kube(), api_version, kind, Some(self.world.namespace()))
    }

    /// One of our kinds as it is stored.
    pub(crate) async fn object(&self, kind: &str, name: &str) -> Result<Value> {
        let object = self.objects("argoproj.io/v1alpha1", kind).get(name).await?;
        Ok(serde_json::to_value(object)?)
    }

    /// Writes a status as a controller does; AnalysisRuns and Experiments have no subresource for it.
    pub(crate) async fn set_status(&self, kind: &str, name: &str, status: Value) -> Result<()> {
        let patch = Patch::Merge(json!({"status": status}));
        let objects = self.objects("argoproj.io/v1alpha1", kind);
        objects.patch(name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// The application as Argo CD shows it.
    pub(crate) async fn application(&self) -> Result<Value> {
        let path = format!("/api/v1/applications/{}?project=default", self.app);
        self.argo.get(ADMIN, &path).await
    }

    /// Sync status and health of the application: `Synced/Suspended`.
    pub(crate) async fn state(&self) -> Result<String> {
        let app = self.application().await?;
        let text = |pointer: &str| app.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
        Ok(format!(
            "{}/{}",
            text("/status/sync/status"),
            text("/status/health/status")
        ))
    }

    /// Health of a resource in the tree; none where Argo CD has no opinion of that kind.
    pub(crate) async fn health(&self, kind: &str, name: &str) -> Result<Option<Health>> {
        let path = format!("/api/v1/applications/{}/resource-tree?project=default", self.app);
        let tree = self.argo.get(ADMIN, &path).await?;
        let nodes = tree["nodes"].as_array().context("a tree without nodes")?;
        let node = nodes.iter().find(|it| it["kind"] == kind && it["name"] == name);
        let node = node.with_context(|| format!("no {kind} {name} in the tree"))?;
        Ok(node.get("health").map(Health::of))
    }

    /// Waits until something is as it should be.
    pub(crate) async fn until<T, F>(&self, what: &str, wanted: T, look: impl Fn() -> F) -> Result<Duration>
    where
        T: PartialEq + Debug,
        F: Future<Output = Result<T>>,
    {
        self.until_so(what, |seen| *seen == wanted, look)
            .await
            .with_context(|| format!("wanted: {wanted:?}"))
    }

    /// Waits until something fits.
    pub(crate) async fn until_so<T, F>(
        &self,
        what: &str,
        fits: impl Fn(&T) -> bool,
        look: impl Fn() -> F,
    ) -> Result<Duration>
    where
        T: Debug,
        F: Future<Output = Result<T>>,
    {
        let began = Instant::now();
        loop {
            let seen = look().await;
            if seen.as_ref().is_ok_and(&fits) {
                return Ok(began.elapsed());
            }
            if began.elapsed() > PATIENCE {
                bail!("{what}: after {PATIENCE:?} there is {seen:?}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits for a sync status and health of the application.
    pub(crate) async fn until_state(&self, wanted: &str) -> Result<Duration> {
        self.until("the application", wanted.to_owned(), || self.state()).await
    }

    /// Waits for the health of a resource.
    pub(crate) async fn until_health(&self, kind: &str, name: &str, wanted: Health) -> Result<Duration> {
        self.until(&format!("{kind} {name}"), Some(wanted), || self.health(kind, name))
            .await
    }

    /// Removes the application, not what it has made: the namespace goes as a whole.
    pub(crate) async fn stop(self) -> Result<()> {
        if self.apps().get_opt(&self.app).await?.is_some() {
            self.apps().delete(&self.app, &DeleteParams::default()).await?;
        }
        self.world.stop().await
    }
}

/// Names of objects, for messages.
pub(crate) fn names(objects: &[DynamicObject]) -> Vec<String> {
    objects.iter().map(ResourceExt::name_any).collect()
}
