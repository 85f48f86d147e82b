//! The plugins that ConfigMap `argo-rollouts-config` names (contract 07 §9).

#[cfg(test)]
mod tests;

use regex::Regex;
use serde::Deserialize;
use serin_core::notation::yaml::{YamlError, parse_docs};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

/// What a plugin is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It routes traffic.
    Router,
    /// It measures a metric.
    Metric,
    /// It is a step of a canary.
    Step,
}

impl Kind {
    /// All of them, in the order in which they are read.
    pub const ALL: [Self; 3] = [Self::Router, Self::Metric, Self::Step];

    /// The key of the ConfigMap.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Router => "trafficRouterPlugins",
            Self::Metric => "metricProviderPlugins",
            Self::Step => "stepPlugins",
        }
    }

    /// The value by which a plugin knows that it is started as this kind (contract 07 §10).
    pub(crate) fn cookie(self) -> &'static str {
        match self {
            Self::Router => "trafficrouter",
            Self::Metric => "metricprovider",
            Self::Step => "step",
        }
    }

    /// The name under which a plugin serves this kind (contract 07 §10).
    pub(crate) fn dispensed(self) -> &'static str {
        match self {
            Self::Router => "RpcTrafficRouterPlugin",
            Self::Metric => "RpcMetricProviderPlugin",
            Self::Step => "RpcStepPlugin",
        }
    }
}

/// A plugin as the ConfigMap has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// Its name, `namespace/name`, by which rollouts and metrics refer to it.
    pub name: String,
    /// Where its file is, as written: `file://…` or a path, from the working directory where it is relative.
    pub location: String,
    /// The SHA-256 of its file in hexadecimal digits. The file is not run if it is another one.
    pub sha256: Option<String>,
    /// Whether steps with it are passed over. Only steps know this.
    pub disabled: bool,
    /// Arguments of its command line.
    pub args: Vec<String>,
}

impl Plugin {
    /// The file to run.
    ///
    /// # Errors
    /// The location is one to download from, which Serin does not do (decision 54). The text says what to do instead.
    pub fn file(&self) -> Result<PathBuf, String> {
        match self.location.split_once("://") {
            None => Ok(PathBuf::from(&self.location)),
            Some(("file", path)) => Ok(PathBuf::from(path)),
            Some(_) => Err(format!(
                "plugins are not downloaded, and the location of {} is {}; put the file on a volume of the controller, \
                 write its path as location (file:///…), and pin it with sha256",
                self.name,
                without_credentials(&self.location)
            )),
        }
    }
}

/// An address without the user and the query, which may hold secrets.
fn without_credentials(location: &str) -> String {
    let (scheme, rest) = location.split_once("://").unwrap_or(("", location));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// All plugins that are configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    plugins: BTreeMap<(Kind, String), Plugin>,
}

/// Why the ConfigMap cannot be used. It ends the start of the controller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ConfigMap argo-rollouts-config, {key}, line {line}: {message}")]
pub struct ConfigurationError {
    /// Key of the ConfigMap.
    pub key: &'static str,
    /// Line in the value of the key, from 1.
    pub line: usize,
    /// What is wrong, and what is needed.
    pub message: String,
}

/// An item of a list. Fields that nobody knows are left out, as in Argo Rollouts, and so is `headersFrom`: it has what is
/// sent to download a plugin.
#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    name: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    sha256: String,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    args: Option<Vec<String>>,
}

/// The form of a name (contract 07 §9).
static NAME: LazyLock<Result<Regex, regex::Error>> =
    LazyLock::new(|| Regex::new(r"^([a-zA-Z0-9\-]+)/([a-zA-Z0-9_\-.]+)$"));

impl Configuration {
    /// Reads the data of the ConfigMap; none is empty data. Of two plugins of a kind with the same name the first counts.
    ///
    /// # Errors
    /// Something that is no YAML, no list of plugins, or a plugin that cannot be one.
    pub fn read(data: &BTreeMap<String, String>) -> Result<Self, ConfigurationError> {
        let mut plugins = BTreeMap::new();
        for kind in Kind::ALL {
            let Some(text) = data.get(kind.key()) else {
                continue;
            };
            for plugin in list(kind.key(), text)? {
                plugins.entry((kind, plugin.name.clone())).or_insert(plugin);
            }
        }
        Ok(Self { plugins })
    }

    /// The plugin of a name, `None` where there is none of this kind.
    #[must_use]
    pub fn plugin(&self, kind: Kind, name: &str) -> Option<&Plugin> {
        self.plugins.get(&(kind, name.to_owned()))
    }

    /// All plugins with their kinds.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &Plugin)> {
        self.plugins.iter().map(|((kind, _), plugin)| (*kind, plugin))
    }
}

fn list(key: &'static str, text: &str) -> Result<Vec<Plugin>, ConfigurationError> {
    let broken = |line, message| ConfigurationError { key, line, message };
    let documents = parse_docs(text).map_err(|error| match error {
        YamlError::Read { line, message, .. } => broken(line, message),
        YamlError::Write(message) => broken(1, message),
    })?;
    let Some(document) = documents.first() else {
        return Ok(Vec::new());
    };
    let Some(items) = document.value.as_array() else {
        let message = "a list of plugins is needed, each with name and location".to_owned();
        return Err(broken(document.line, message));
    };
    let items = items.iter().enumerate().map(|(index, item)| {
        let at = |field: &str| document.line_of(&format!("[{index}].{field}"));
        let item: Item = serde_path_to_error::deserialize(item).map_err(|error| {
            let field = error.path().to_string();
            broken(at(&field), format!("{field}: {}", error.inner()))
        })?;
        plugin(item).map_err(|(field, message)| broken(at(field), format!("{field}: {message}")))
    });
    items.collect()
}

/// A plugin that can be one; else the field that is wrong, and what is wrong with it.
fn plugin(item: Item) -> Result<Plugin, (&'static str, String)> {
    let name = NAME.as_ref().map_err(|error| ("name", error.to_string()))?;
    if !name.is_match(&item.name) {
        let message = format!(
            "plugin repository ({}) must be in the format of <namespace>/<name>",
            item.name
        );
        return Err(("name", message));
    }
    if item.location.is_empty() {
        let message = format!(
            "where is the file of {}? A path is needed, as file:///plugins/name",
            item.name
        );
        return Err(("location", message));
    }
    let scheme = item.location.split_once("://").map(|(scheme, _)| scheme);
    if let Some(other) = scheme.filter(|scheme| !["file", "http", "https"].contains(scheme)) {
        return Err(("location", format!("{other}:// is no place for a plugin; file:// is")));
    }
    let is_digest = item.sha256.len() == 64 && item.sha256.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !item.sha256.is_empty() && !is_digest {
        return Err((
            "sha256",
            "64 hexadecimal digits are needed, as sha256sum prints them".to_owned(),
        ));
    }
    Ok(Plugin {
        name: item.name,
        location: item.location,
        sha256: Some(item.sha256).filter(|digest| !digest.is_empty()),
        disabled: item.disabled,
        args: item.args.unwrap_or_default(),
    })
}
