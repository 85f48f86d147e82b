//! `--dump-observed`: each decision with its snapshot in a file (decision 33). The file is a bug report, a replay and the
//! seed of a simulated life.

use crate::store::Key;
use crate::sync::lock;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use serin_core::observed::Kind;
use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Mutex;

/// One decision, as it is written; what was decided stands beside it, and is not read again.
#[derive(Debug, Deserialize)]
pub(crate) struct Decision<O> {
    /// The clock reading.
    pub(crate) now: Timestamp,
    /// What was seen.
    pub(crate) observed: O,
}

/// Writes every distinct decision to a folder.
pub(crate) struct Dump {
    folder: PathBuf,
    written: Mutex<Written>,
}

#[derive(Default)]
struct Written {
    /// Files so far.
    files: u64,
    /// The hash of the last decision on each object.
    last: HashMap<(Kind, Key), u64>,
}

impl Dump {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            written: Mutex::default(),
        }
    }

    /// Writes a decision on an object of a kind unless it is the same as the one before. A failure is logged and has no other
    /// effect.
    pub(crate) fn write(
        &self,
        kind: Kind,
        key: &Key,
        now: Timestamp,
        observed: &impl Serialize,
        plan: &impl Serialize,
    ) {
        let decided = || Ok((serde_json::to_value(observed)?, serde_json::to_value(plan)?));
        if let Err(error) = decided().and_then(|decided| self.try_write(kind, key, now, decided)) {
            tracing::warn!(folder = %self.folder.display(), %error, "cannot write a decision to the folder");
        }
    }

    /// How many objects it remembers the last decision of.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        lock(&self.written).last.len()
    }

    /// The object is gone.
    pub(crate) fn forget(&self, kind: Kind, key: &Key) {
        lock(&self.written).last.remove(&(kind, key.clone()));
    }

    fn try_write(&self, kind: Kind, key: &Key, now: Timestamp, (observed, plan): (Value, Value)) -> io::Result<()> {
        let mut hasher = DefaultHasher::new();
        (&observed, &plan).hash(&mut hasher);
        let hash = hasher.finish();
        if lock(&self.written).last.insert((kind, key.clone()), hash) == Some(hash) {
            return Ok(());
        }
        let decision = json!({"kind": kind.as_str(), "now": now.to_string(), "observed": observed, "plan": plan});
        // Only the person who runs the controller may read what it saw.
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        self.new_file(kind, key, now)?
            .write_all(&serde_json::to_vec_pretty(&decision)?)
    }

    /// A file that was not there before: an earlier process may have written to this folder.
    fn new_file(&self, kind: Kind, key: &Key, now: Timestamp) -> io::Result<File> {
        let at = now.strftime("%Y%m%dT%H%M%S.%6fZ");
        loop {
            let number = {
                let mut written = lock(&self.written);
                written.files += 1;
                written.files
            };
            let (kind, namespace, name) = (kind.as_str().to_lowercase(), &key.namespace, &key.name);
            let name = format!("{namespace}_{kind}_{name}_{at}_{number:06}.json");
            let opened = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(self.folder.join(name));
            match opened {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => return other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serin_core::{Observed, Plan};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    #[test]
    fn a_distinct_decision_is_written_once_and_can_be_read_again() {
        let folder = std::env::temp_dir().join(format!("serin-replay-{}", std::process::id()));
        let dump = Dump::new(folder.clone());
        let key = Key::new("n", "a");
        let mut observed = Observed::default();
        dump.write(Kind::Rollout, &key, Timestamp::UNIX_EPOCH, &observed, &Plan::default());
        dump.write(Kind::Rollout, &key, Timestamp::UNIX_EPOCH, &observed, &Plan::default());
        observed.rollout.spec.replicas = Some(3);
        dump.write(Kind::Rollout, &key, Timestamp::UNIX_EPOCH, &observed, &Plan::default());
        let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        assert_eq!(files.len(), 2);
        let decision: Decision<Observed> = serde_json::from_slice(&std::fs::read(&files[1]).unwrap()).unwrap();
        assert_eq!(decision.observed, observed);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn only_its_owner_reads_a_dump_and_no_process_overwrites_that_of_another() {
        let parent = std::env::temp_dir().join(format!("serin-dumps-{}", std::process::id()));
        let folder = parent.join("dumps");
        let (key, now, plan) = (Key::new("n", "a"), Timestamp::UNIX_EPOCH, Plan::default());
        for replicas in [1, 2] {
            let mut observed = Observed::default();
            observed.rollout.spec.replicas = Some(replicas);
            Dump::new(folder.clone()).write(Kind::Rollout, &key, now, &observed, &plan);
        }
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let mut replicas = Vec::new();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            let decision: Decision<Observed> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            replicas.push(decision.observed.rollout.spec.replicas.unwrap());
        }
        replicas.sort_unstable();
        assert_eq!(replicas, [1, 2]);
        std::fs::remove_dir_all(parent).unwrap();
    }
}
