//! One process for each plugin: started when it is needed, asked before each call whether it is well, started again when it
//! has died (contract 07 §9 and §11, "Plugins").

use crate::configuration::{Configuration, Kind, Plugin};
use crate::error::Error;
use crate::process::{Process, check_digest};
use crate::rpc::Body;
use crate::session::Session;
use crate::types::table;
use futures::future::join_all;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// A call: its method, the name under which Go registers its arguments, their type, and the type of the answer.
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) registered: &'static str,
    pub(crate) arguments: &'static str,
    pub(crate) answer: &'static str,
}

impl Call {
    fn failed(&self, cause: String) -> Error {
        let method = self.method;
        Error::Call { method, cause }
    }
}

/// All kinds of plugins have it. It has no arguments.
const TYPE: &Call = &Call {
    method: "Type",
    registered: "",
    arguments: "",
    answer: "string",
};

/// The type of an answer that has nothing but a failure to tell.
pub(crate) const FAILURE: &str = "utils/plugin/types.RpcError";

/// How long a plugin may take. What takes longer is an error; nothing waits for a plugin without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until it serves and has initialised itself.
    pub start: Duration,
    /// Until it answers a ping.
    pub ping: Duration,
    /// Until it answers a call.
    pub call: Duration,
    /// Until it has ended when it is asked to. It is killed then.
    pub quit: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(60),
            ping: Duration::from_secs(5),
            call: Duration::from_secs(60),
            quit: Duration::from_secs(2),
        }
    }
}

/// The plugins of a controller. Their processes are killed when this is dropped.
#[derive(Debug)]
pub struct Plugins {
    configuration: Configuration,
    limits: Limits,
    running: BTreeMap<(Kind, String), Mutex<Place>>,
    has_ended: AtomicBool,
}

/// The place of a plugin.
#[derive(Debug, Default)]
struct Place {
    running: Option<Running>,
    /// When it last did not start, and why. Whoever waited for that start has the same answer: to try again for each of
    /// them would keep the last one waiting many times as long as a start may take.
    failed: Option<(Instant, Error)>,
}

/// A plugin that serves.
#[derive(Debug)]
struct Running {
    process: Process,
    session: Arc<Session>,
}

impl Plugins {
    /// The plugins of a configuration. None of them is started yet.
    #[must_use]
    pub fn new(configuration: Configuration, limits: Limits) -> Self {
        let places = configuration
            .iter()
            .map(|(kind, plugin)| ((kind, plugin.name.clone()), Mutex::default()));
        Self {
            running: places.collect(),
            configuration,
            limits,
            has_ended: AtomicBool::new(false),
        }
    }

    /// What is configured.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Compares the files of all plugins with their digests, for the start of the controller: a file that is not the one
    /// that was pinned ends it (contract 07 §11, "Plugins"). Each start of a plugin compares again.
    ///
    /// # Errors
    /// The first plugin whose file is missing or another one.
    pub async fn verify(&self) -> Result<(), Error> {
        for (_, plugin) in self.configuration.iter() {
            if let (Ok(file), Some(digest)) = (plugin.file(), &plugin.sha256) {
                let checked = check_digest(&file, digest).await;
                checked.map_err(|cause| Error::Start(format!("plugin {}: {cause}", plugin.name)))?;
            }
        }
        Ok(())
    }

    /// Ends all plugins: each is asked to, and killed if it takes too long. What is called afterwards fails.
    pub async fn shutdown(&self) {
        self.has_ended.store(true, Ordering::SeqCst);
        join_all(self.running.values().map(async |place| {
            if let Some(running) = place.lock().await.running.take() {
                running.end(self.limits.quit).await;
            }
        }))
        .await;
    }

    /// Calls a plugin. The arguments are fields of the type that the call names, as JSON.
    pub(crate) async fn call(
        &self,
        kind: Kind,
        name: &str,
        call: &Call,
        arguments: &[(&str, &Value)],
    ) -> Result<Value, Error> {
        let value = table().and_then(|table| table.arguments(call.arguments, arguments));
        let value = value.map_err(|cause| call.failed(cause))?;
        let body = Body::Interface(call.registered, call.arguments, &value);
        self.send(kind, name, call, body).await
    }

    /// The name that a plugin gives itself.
    ///
    /// # Errors
    /// The plugin does not run ([`Error::Start`]), or gives no answer ([`Error::Call`]).
    pub async fn type_of(&self, kind: Kind, name: &str) -> Result<String, Error> {
        let answer = self.send(kind, name, TYPE, Body::Nil).await?;
        let text = answer.as_str().map(str::to_owned);
        text.ok_or_else(|| TYPE.failed("the answer is no text".to_owned()))
    }

    async fn send(&self, kind: Kind, name: &str, call: &Call, body: Body<'_>) -> Result<Value, Error> {
        let session = self.session(kind, name).await?;
        let answer = timeout(self.limits.call, session.call(call.method, body)).await;
        let answer = answer.map_err(|_| call.failed(late(name, self.limits.call)))?;
        let answer = answer.map_err(|cause| call.failed(cause))?;
        let json = table().and_then(|table| table.to_json(call.answer, &answer));
        json.map_err(|cause| call.failed(format!("the answer makes no sense: {cause}")))
    }

    /// The session of a plugin that is well: it is pinged, and started if it does not run.
    async fn session(&self, kind: Kind, name: &str) -> Result<Arc<Session>, Error> {
        let missing = || {
            Error::Start(format!(
                "unable to find plugin ({name}): plugin {name} not configured in configmap"
            ))
        };
        let plugin = self.configuration.plugin(kind, name).ok_or_else(missing)?;
        let place = self.running.get(&(kind, name.to_owned())).ok_or_else(missing)?;
        let asked = Instant::now();
        let mut place = place.lock().await;
        if self.has_ended.load(Ordering::SeqCst) {
            return Err(Error::Start(format!(
                "plugin {name} is not started: the controller ends"
            )));
        }
        if let Some((at, error)) = &place.failed
            && *at > asked
        {
            return Err(error.clone());
        }
        if let Some(running) = &mut place.running {
            match running.is_well(name, self.limits.ping).await {
                Ok(true) => return Ok(Arc::clone(&running.session)),
                Ok(false) => place.running = None,
                Err(error) => {
                    if let Some(mut running) = place.running.take() {
                        running.process.kill().await;
                    }
                    return Err(error);
                }
            }
        }
        match self.start(kind, plugin).await {
            Ok(running) => {
                let session = Arc::clone(&running.session);
                place.running = Some(running);
                Ok(session)
            }
            Err(error) => {
                place.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn start(&self, kind: Kind, plugin: &Plugin) -> Result<Running, Error> {
        let name = &plugin.name;
        let limit = self.limits.start;
        let no_client = |cause: String| Error::Start(format!("unable to get plugin client ({name}): {cause}"));
        let serving = timeout(limit, serve(kind, plugin)).await;
        let running = serving.map_err(|_| no_client(late(name, limit)))?.map_err(no_client)?;
        let refused = |cause: String| Error::Start(format!("unable to initialize plugin via rpc ({name}): {cause}"));
        let initialised = timeout(limit, running.session.call("InitPlugin", Body::Nil)).await;
        let answer = initialised.map_err(|_| refused(late(name, limit)))?.map_err(refused)?;
        let answer = table()
            .and_then(|table| table.to_json(FAILURE, &answer))
            .map_err(refused)?;
        match answer["ErrorString"].as_str() {
            None | Some("") => {
                tracing::info!(plugin = name, "plugin started");
                Ok(running)
            }
            Some(error) => Err(refused(error.to_owned())),
        }
    }
}

/// Starts the process of a plugin and connects to it.
async fn serve(kind: Kind, plugin: &Plugin) -> Result<Running, String> {
    let file = plugin.file()?;
    if let Some(digest) = &plugin.sha256 {
        check_digest(&file, digest).await?;
    }
    let (process, address) = Process::start(plugin, &file, kind).await?;
    let session = Session::connect(&plugin.name, &address, kind.dispensed()).await?;
    let session = Arc::new(session);
    Ok(Running { process, session })
}

fn late(name: &str, limit: Duration) -> String {
    format!("plugin {name} gave no answer within {limit:?}")
}

impl Running {
    /// Whether the plugin answers; `false` if its process has ended.
    async fn is_well(&mut self, name: &str, limit: Duration) -> Result<bool, Error> {
        if let Some(status) = self.process.ended() {
            tracing::warn!(plugin = name, status, "plugin has ended, it is started again");
            return Ok(false);
        }
        let cause = match timeout(limit, self.session.ping()).await {
            Ok(Ok(())) => return Ok(true),
            Ok(Err(cause)) => {
                // Its connection ends a moment before the process does.
                if timeout(Duration::from_millis(200), self.process.wait()).await.is_ok() {
                    tracing::warn!(plugin = name, "plugin has ended, it is started again");
                    return Ok(false);
                }
                cause
            }
            Err(_) => late(name, limit),
        };
        Err(Error::Start(format!(
            "could not ping plugin will cleanup process so we can restart it next reconcile ({cause})"
        )))
    }

    /// Asks the process to end, and kills it if it does not.
    async fn end(mut self, limit: Duration) {
        let ended = timeout(limit, async {
            if let Err(cause) = self.session.quit().await {
                tracing::debug!(cause, "a plugin was asked to end");
            }
            self.process.wait().await;
        });
        if ended.await.is_err() {
            self.process.kill().await;
        }
    }
}
