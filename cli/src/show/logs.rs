//! The log of a command on standard error, as `-v` and `--loglevel` ask for it.

use crate::show::failure::Failure;
use serin_controller::LogFormat;
use tracing_subscriber::EnvFilter;

/// Sends the log to standard error. Does nothing if the process already has a subscriber.
pub(crate) fn install(verbosity: i64, level: Option<&str>) {
    let installed = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter(verbosity, level)))
        .with_writer(std::io::stderr)
        .event_format(LogFormat::Text)
        .try_init();
    if let Err(error) = installed {
        tracing::debug!(%error, "the process already has a log subscriber");
    }
}

/// Log levels are those of logrus.
pub(crate) fn check_level(level: Option<&str>) -> Result<(), Failure> {
    const LEVELS: [&str; 8] = ["panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"];
    match level {
        Some(level) if !LEVELS.contains(&level.to_lowercase().as_str()) => {
            Err(Failure::message(format!("not a valid logrus Level: {level:?}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// `-v 1` and higher log repeated reads, 6 and higher each request, 8 and higher what the libraries log. The controller of
/// a sandbox logs only if a level is given.
fn filter(verbosity: i64, level: Option<&str>) -> String {
    let asked = level.map(|level| match level.to_ascii_lowercase().as_str() {
        "panic" | "fatal" | "error" => "error",
        "warn" | "warning" => "warn",
        "debug" => "debug",
        "trace" => "trace",
        _ => "info",
    });
    let own = asked.unwrap_or("info");
    let controller = asked.unwrap_or("off");
    let requests = match verbosity {
        ..=0 => "off",
        1..=5 => "info",
        6.. => "debug",
    };
    let libraries = match verbosity {
        ..=7 => "off",
        8..=9 => "debug",
        10.. => "trace",
    };
    format!(
        "{libraries},serin={own},serin_controller={controller},serin_sandbox={controller},serin::cluster::connect::requests={requests}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_choose_what_is_told() {
        assert_eq!(
            filter(0, None),
            "off,serin=info,serin_controller=off,serin_sandbox=off,serin::cluster::connect::requests=off"
        );
        assert_eq!(
            filter(6, Some("WARNING")),
            "off,serin=warn,serin_controller=warn,serin_sandbox=warn,serin::cluster::connect::requests=debug"
        );
        assert!(filter(1, None).ends_with("requests=info"));
        assert!(filter(9, None).starts_with("debug,"));
    }
}
