//! `serin-controller replay`: decides again on a snapshot that `--dump-observed` wrote (decision 33).

use crate::telemetry::dump::Decision;
use serin_core::decide;
use std::io;
use std::path::Path;

/// Decides again on a file that `--dump-observed` wrote, and returns the plan as JSON.
///
/// # Errors
/// If the file cannot be read or holds something else.
pub(crate) fn replay(file: &Path) -> io::Result<String> {
    let decision: Decision = serde_json::from_slice(&std::fs::read(file)?)?;
    Ok(serde_json::to_string_pretty(&decide(&decision.observed, decision.now))?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::store::Key;
    use crate::telemetry::dump::Dump;
    use jiff::Timestamp;
    use serin_core::{Observed, Plan};

    #[test]
    fn a_dump_is_decided_again() {
        let folder = std::env::temp_dir().join(format!("serin-replayed-{}", std::process::id()));
        let mut observed = Observed::default();
        observed.rollout.spec.replicas = Some(3);
        let (key, now) = (Key::new("n", "a"), Timestamp::UNIX_EPOCH);
        Dump::new(folder.clone()).write(&key, now, &observed, &Plan::default());
        let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        let plan: Plan = serde_json::from_str(&replay(&file).unwrap()).unwrap();
        assert_eq!(plan, decide(&observed, now));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
