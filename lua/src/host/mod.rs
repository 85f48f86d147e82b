//! Runs health checks and actions as Argo CD's Lua machine does (contract 13 §1): a new machine for each call, the
//! libraries of its closed mode, its limits, its conversions of values and its reading of results.
//!
//! Argo CD's machine is gopher-lua, this one is Lua 5.1 itself. What cannot be bridged, so that scripts which depend on
//! it must be run in gopher-lua (`e2e/gopherlua`):
//! - `goto` and labels are no Lua 5.1: [`HostError::Goto`].
//! - A number joined to a text with `..` without `tostring` has 14 digits here: `0.1 + 0.2` and whole numbers from
//!   1e14 look different.
//! - Texts used as numbers in arithmetic (`"010" + 1`): gopher-lua reads them as Go does, 8 here and there 10.
//! - The order of `pairs`: by insertion there (and at random for the resource itself), by hash here.
//! - `load` and its like are forbidden here, there they are not.
//! - Texts of errors raised by the machine: same kind, other words.
//! - `string.format` and patterns in the open mode: Lua's own here, a re-creation in Go there.

mod convert;
mod error;
mod functions;
mod machine;
mod number;
mod patch;
mod result;
mod time;

pub use error::{HostError, ResultError};
pub use result::{Acted, FoundAction, Health, Impacted, Operation};

use jiff::Timestamp;
use machine::{Input, Libraries, Limits};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// A host of Lua scripts. Holds limits only; every call has a machine of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    libraries: Libraries,
    limits: Limits,
}

impl Default for Host {
    fn default() -> Self {
        Self::argocd()
    }
}

impl Host {
    /// What Argo CD gives to actions and to custom health checks: base, `table` and `require("os")` with `time` and
    /// `date`; one second; 256 calls deep. The limit of 64 MiB is ours, Argo CD has none (contract 13 §1.1).
    #[must_use]
    pub fn argocd() -> Self {
        Self {
            libraries: Libraries::Closed,
            limits: Limits {
                time: Duration::from_secs(1),
                bytes: 64 * 1024 * 1024,
                depth: 256,
            },
        }
    }

    /// What Argo CD gives to built-in health checks and with `useOpenLibs`: `string`, `math` and `coroutine` too, and
    /// a global `os` with `time` and `date`. Files, processes and the debugger stay closed, other than in Argo CD.
    ///
    /// A single call of a text function (a pattern of many `.-`) is not interrupted at the deadline, neither is it in
    /// Argo CD.
    #[must_use]
    pub fn with_open_libraries() -> Self {
        Self {
            libraries: Libraries::Open,
            ..Self::argocd()
        }
    }

    /// The same host with another deadline, for machines that are busy with something else.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.limits.time = deadline;
        self
    }

    /// The health that `script` gives to `object` (contract 13 §1.3). A table that is not made as Argo CD wants it, and
    /// nil, is the empty health, which Argo CD takes for healthy; a status outside Argo CD's six is Unknown.
    ///
    /// # Errors
    /// Where Argo CD would show Unknown with an error: the script cannot be read, raises, runs into a limit, or returns
    /// neither a table nor nil or a table without JSON form.
    pub fn health(&self, script: &str, object: &Value) -> Result<Health, HostError> {
        // No health may depend on the time: what does would be as old as Argo CD's last look.
        let returned = self.run(script, object, &BTreeMap::new(), Timestamp::UNIX_EPOCH)?;
        Ok(returned.map_or_else(Health::default, |returned| result::health(&returned)))
    }

    /// The actions that the discovery `script` offers for `object`, sorted by name (contract 13 §2.4).
    ///
    /// # Errors
    /// Where Argo CD would fail to list actions: as for [`Self::health`], and where nil or something else than a table of
    /// tables is returned.
    pub fn discover(&self, script: &str, object: &Value) -> Result<Vec<FoundAction>, HostError> {
        let returned = self.run(script, object, &BTreeMap::new(), Timestamp::UNIX_EPOCH)?;
        Ok(result::actions(&returned.ok_or_else(no_table)?)?)
    }

    /// What an action's `script` does to `object`, and what Argo CD would write of it (contract 13 §2.5). `now` is the
    /// time that the script sees.
    ///
    /// # Errors
    /// Where Argo CD would refuse or fail: as for [`Self::health`], and where the result is no object or list of
    /// operations.
    pub fn act(
        &self,
        script: &str,
        object: &Value,
        parameters: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<Acted, HostError> {
        let returned = self.run(script, object, parameters, now)?;
        Ok(result::acted(returned.ok_or_else(no_table)?, object)?)
    }

    fn run(
        &self,
        script: &str,
        object: &Value,
        parameters: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<Option<Value>, HostError> {
        let input = Input {
            object,
            parameters,
            now,
        };
        machine::run(self.libraries, self.limits, script, &input)
    }
}

fn no_table() -> ResultError {
    ResultError::NotATable {
        found: "nil".to_owned(),
    }
}
