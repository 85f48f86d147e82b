//! A network namespace of its own, in which every address of the pod network is this machine.

use anyhow::Result;
use std::process::{Command, Stdio};

/// Set inside.
const INSIDE: &str = "SERIN_DATAPLANE_INSIDE";
/// The network in which the fake kubelet's pods have their addresses.
const PODS: &str = "10.128.0.0/10";

/// Whether this process is in it.
pub(crate) fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

fn setup() -> String {
    format!("ip address add {PODS} dev lo && ip link set lo up")
}

/// Why there can be none here.
pub(crate) fn missing() -> Option<String> {
    let tried = Command::new("unshare")
        .args(["-rn", "sh", "-c", &setup()])
        .stdin(Stdio::null())
        .output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!(
            "no network namespace (unshare -rn): {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => Some(format!("unshare cannot be started: {error}")),
    }
}

/// Runs this program again, inside; whether it went well there.
pub(crate) fn enter() -> Result<bool> {
    let status = Command::new("unshare")
        // What is started here ends with this process.
        .args(["-rn", "--kill-child", "sh", "-c"])
        .arg(format!("{} && exec \"$@\"", setup()))
        .arg("sh")
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .status()?;
    Ok(status.success())
}
