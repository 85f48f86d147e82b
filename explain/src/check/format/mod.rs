//! The forms in which a check is printed.

mod annotations;
mod gitlab;
mod junit;
mod markdown;
mod sarif;
mod text;

use super::report::Report;

pub use text::Style;

/// A form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// The report as it is.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit's XML, for test reports.
    Junit,
    /// Annotations of GitHub Actions.
    Github,
    /// Code Quality of GitLab.
    Gitlab,
    /// A comment for a pull request.
    Markdown,
}

/// The report in a form. The style is for text.
#[must_use]
pub fn print(report: &Report, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::print(report, style),
        Format::Json => pretty(&serde_json::to_value(report).unwrap_or_default()),
        Format::Sarif => pretty(&sarif::log(report)),
        Format::Junit => junit::print(report),
        Format::Github => annotations::print(report),
        Format::Gitlab => pretty(&gitlab::issues(report)),
        Format::Markdown => markdown::print(report),
    }
}

fn pretty(value: &serde_json::Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text + "\n"
}

/// A number that stays the same while a finding moves to another line (FNV-1a).
fn fingerprint(finding: &crate::rules::finding::Finding) -> String {
    let parts = [
        &finding.rule,
        &finding.file,
        &finding.object,
        &finding.field,
        &finding.message,
    ];
    let hash = parts
        .iter()
        .flat_map(|part| part.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests;
