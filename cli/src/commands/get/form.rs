//! What `get` prints (`-o`).

use crate::show::failure::Failure;
use crate::show::tree::Width;
use clap::ValueEnum;
use serde_json::Value;
use serin_core::notation::yaml;

/// What `get` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Head and tree
    Tree,
    /// The tree with nodes, images and messages
    Wide,
    /// One JSON object; with --watch one line after each change
    Json,
    /// The same as YAML; with --watch one document after each change
    Yaml,
}

impl Form {
    /// The text in this form.
    ///
    /// # Errors
    /// The data cannot be written as text.
    pub(super) fn text(
        self,
        drawn: impl FnOnce(Width) -> String,
        data: impl FnOnce() -> Value,
    ) -> Result<String, Failure> {
        match self {
            Self::Tree => Ok(drawn(Width::Usual)),
            Self::Wide => Ok(drawn(Width::Wide)),
            Self::Json => Ok(format!("{}\n", data())),
            Self::Yaml => yaml::to_string(&data()).map_err(|error| Failure::message(error.to_string())),
        }
    }

    /// Whether it is for people, who see it on a screen.
    pub(super) fn is_picture(self) -> bool {
        match self {
            Self::Tree | Self::Wide => true,
            Self::Json | Self::Yaml => false,
        }
    }

    /// What stands between two that follow each other in a file.
    pub(super) fn separator(self) -> &'static str {
        match self {
            Self::Tree | Self::Wide => "\n",
            Self::Json => "",
            Self::Yaml => "---\n",
        }
    }
}
