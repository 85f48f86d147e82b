//! Logs with the keys that logrus writes (`time`, `level`, `msg`), as text or JSON.

use crate::args::Options;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::fmt::{self, Write as _};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Text or JSON; anything unknown is text (contract 09 §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `time="…" level=info msg="…" key=value`
    Text,
    /// `{"level":"info","msg":"…","time":"…"}`
    Json,
}

/// Sends logs to stderr as the options say; does nothing if the process already has a subscriber.
pub(crate) fn install(options: &Options) {
    let format = if options.logformat.eq_ignore_ascii_case("json") {
        Format::Json
    } else {
        Format::Text
    };
    // We log failures with the server and its words; the client library would log them again in its own.
    let client = if options.kloglevel > 0 {
        "debug"
    } else {
        "warn,kube_client=off"
    };
    let level = match options.loglevel.to_ascii_lowercase().as_str() {
        "panic" | "fatal" | "error" => "error",
        "warn" | "warning" => "warn",
        "debug" => "debug",
        "trace" => "trace",
        _ => "info",
    };
    let filter = EnvFilter::new(format!("{client},serin_controller={level},serin_core={level}"));
    let installed = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .event_format(format)
        .try_init();
    if let Err(error) = installed {
        tracing::debug!(%error, "the process already has a log subscriber");
    }
}

impl<S, N> FormatEvent<S, N> for Format
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let line = self.line(&now, level(*event.metadata().level()), fields);
        writer.write_str(&line)?;
        writer.write_char('\n')
    }
}

impl Format {
    fn line(self, time: &str, level: &str, fields: Fields) -> String {
        let Fields { message, mut others } = fields;
        match self {
            Self::Json => {
                others.insert("level".into(), level.into());
                others.insert("msg".into(), message.into());
                others.insert("time".into(), time.into());
                Value::Object(others).to_string()
            }
            Self::Text => {
                let mut line = format!("time={time:?} level={level} msg={message:?}");
                for (key, value) in &others {
                    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
                    let bare =
                        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._/@^+".contains(c));
                    // Writing to a String cannot fail.
                    let _ = if bare {
                        write!(line, " {key}={text}")
                    } else {
                        write!(line, " {key}={text:?}")
                    };
                }
                line
            }
        }
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            self.message = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        } else {
            self.others.insert(field.name().to_owned(), value);
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        let mut others = Map::new();
        others.insert("rollout".into(), "a b".into());
        others.insert("time_ms".into(), 3.into());
        Fields {
            message: "it's \"done\"".into(),
            others,
        }
    }

    #[test]
    fn text_is_that_of_logrus() {
        let line = Format::Text.line("2026-01-01T00:00:00Z", "info", fields());
        assert_eq!(
            line,
            r#"time="2026-01-01T00:00:00Z" level=info msg="it's \"done\"" rollout="a b" time_ms=3"#
        );
    }

    #[test]
    fn json_has_the_same_keys() {
        let line = Format::Json.line("2026-01-01T00:00:00Z", "warning", fields());
        assert_eq!(
            line,
            r#"{"level":"warning","msg":"it's \"done\"","rollout":"a b","time":"2026-01-01T00:00:00Z","time_ms":3}"#
        );
    }
}
