//! The answer: everything about one object put together, and about all of them, worst first.

mod commands;
mod verdict;

use crate::case::{Case, Index};
use crate::causes;
use crate::explanation::{Explanation, Explanations, ObjectName, State, Unread, VERSION};
use crate::next;
use crate::serving;
use crate::sources::{Sources, key};

/// Explains the first subject of what was read.
///
/// It is total: an object that was not read is explained as unknown.
#[must_use]
pub fn explain(sources: &Sources) -> Explanation {
    let nothing = ObjectName {
        kind: "Rollout".to_owned(),
        namespace: String::new(),
        name: String::new(),
    };
    let subject = sources.subjects.first().unwrap_or(&nothing);
    one(sources, &Index::new(sources), subject)
}

/// Explains all subjects of what was read, worst first.
#[must_use]
pub fn explain_all(sources: &Sources) -> Explanations {
    let index = Index::new(sources);
    let mut explanations: Vec<_> = sources
        .subjects
        .iter()
        .map(|subject| one(sources, &index, subject))
        .collect();
    explanations.sort_by(|a, b| severity(a).cmp(&severity(b)));
    Explanations {
        version: VERSION,
        explanations,
    }
}

/// What orders explanations: those without users served, then by state, those with causes first, then by name.
fn severity(of: &Explanation) -> (bool, State, bool, &str, &str) {
    let nobody = !of.serving.is_empty() && of.serving.iter().all(|it| it.weight.unwrap_or(0) == 0 || it.ready == 0);
    (
        !nobody,
        of.state,
        of.causes.is_empty(),
        &of.object.namespace,
        &of.object.name,
    )
}

fn one(sources: &Sources, index: &Index<'_>, subject: &ObjectName) -> Explanation {
    let object = index.find(&subject.kind, &subject.namespace, &subject.name);
    let case = object.and_then(|object| Case::new(sources, index, object));
    let Some(case) = case else {
        return unread(sources, subject);
    };
    let causes = causes::find(&case);
    let serving = serving::of(&case);
    let git = sources.git.get(&key(subject)).cloned();
    Explanation {
        object: subject.clone(),
        state: case.state(),
        verdict: verdict::of(&case, &serving, &causes),
        next: next::tell(&case, &causes),
        commands: commands::of(&case, &causes, git.as_ref()),
        serving,
        causes,
        git,
        unread: sources.unread.clone(),
    }
}

/// An object that is not among what was read.
fn unread(sources: &Sources, subject: &ObjectName) -> Explanation {
    let mut unread = sources.unread.clone();
    if unread.is_empty() {
        unread.push(Unread {
            what: format!("{} {}", subject.kind, subject.name),
            permission: "it is not among what was read".to_owned(),
        });
    }
    Explanation {
        object: subject.clone(),
        state: State::Unknown,
        verdict: format!("{} {} was not read.", subject.kind, subject.name),
        serving: Vec::new(),
        causes: Vec::new(),
        git: None,
        next: "This cannot be computed: the object was not read.".to_owned(),
        commands: Vec::new(),
        unread,
    }
}
