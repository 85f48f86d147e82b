//! Findings that were there before: they are shown, and do not count.

use super::report::{Problem, Report};
use crate::rules::finding::Finding;
use std::collections::BTreeMap;

type Key = (String, String, String, String);

/// The findings of a former check, without their lines: lines move.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    known: BTreeMap<Key, usize>,
}

impl Baseline {
    /// Reads what `serin check --format json` printed.
    ///
    /// # Errors
    /// If the text is not such a report.
    pub fn read(file: &str, text: &str) -> Result<Self, Problem> {
        let report: Report = serde_json::from_str(text).map_err(|error| Problem {
            file: file.to_owned(),
            line: u32::try_from(error.line()).ok().filter(|line| *line > 0),
            message: format!("this is no baseline: {error}"),
            action: "write one with `serin check --format json PATH > FILE`".to_owned(),
        })?;
        let mut known = BTreeMap::new();
        for finding in &report.findings {
            *known.entry(key(finding)).or_insert(0) += 1;
        }
        Ok(Self { known })
    }

    /// Marks the findings that it has. Of several equal ones as many as it has are known.
    pub fn mark(mut self, findings: &mut [Finding]) {
        for finding in findings {
            if let Some(left) = self.known.get_mut(&key(finding)).filter(|left| **left > 0) {
                *left -= 1;
                finding.known = true;
            }
        }
    }
}

fn key(finding: &Finding) -> Key {
    let Finding {
        rule,
        file,
        object,
        field,
        ..
    } = finding;
    (rule.clone(), file.clone(), object.clone(), field.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::check::report::Outcome;
    use crate::rules::finding::Severity;

    fn finding(file: &str, line: u32) -> Finding {
        Finding {
            rule: "RK010".to_owned(),
            severity: Severity::Error,
            file: file.to_owned(),
            line,
            object: "Rollout/web".to_owned(),
            field: "spec.x".to_owned(),
            message: "m".to_owned(),
            fix: None,
            known: false,
            names: None,
        }
    }

    #[test]
    fn known_findings_do_not_count_wherever_their_lines_went() {
        let before = Report {
            version: 1,
            findings: vec![finding("a", 1)],
            ..Report::default()
        };
        let text = serde_json::to_string(&before).unwrap();
        let mut now = Report {
            findings: vec![finding("a", 7)],
            ..Report::default()
        };
        Baseline::read("b.json", &text).unwrap().mark(&mut now.findings);
        assert_eq!(now.outcome(), Outcome::Clean);
        let mut two = Report {
            findings: vec![finding("a", 7), finding("a", 9)],
            ..Report::default()
        };
        Baseline::read("b.json", &text).unwrap().mark(&mut two.findings);
        assert_eq!(two.outcome(), Outcome::Findings, "the second is new");
    }

    #[test]
    fn what_is_no_baseline_is_refused_with_its_line() {
        let problem = Baseline::read("b.json", "{\n\"version\": 1,\n\"findings\": 7}").unwrap_err();
        assert_eq!((problem.file.as_str(), problem.line), ("b.json", Some(3)));
        assert!(problem.action.contains("--format json"), "{problem:?}");
    }
}
