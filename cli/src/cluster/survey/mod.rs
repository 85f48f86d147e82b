//! What `explain` reads from a cluster: GET requests alone, and only for what the objects to explain need.
//!
//! What to ask follows from what is there: `needs` says it in two rounds, each sent at once, and nothing is asked twice.

mod ask;
mod needs;
mod routes;

use crate::cluster::connect::Connection;
use crate::show::failure::Failure;
use ask::{Answer, Ask};
use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use kube::Client;
use serde_json::Value;
use serin_controller::Trouble;
use serin_explain::Reading;
use std::collections::BTreeSet;

/// Requests under way at once.
const AT_ONCE: usize = 16;

/// What to explain.
#[derive(Clone, Debug)]
pub(crate) enum Subjects {
    /// These, of one namespace: kind and name.
    Named(Vec<(Kind, String)>),
    /// All rollouts that are not Healthy, and the AnalysisRuns and Experiments without an owner that did not succeed, of one
    /// namespace or of all.
    All {
        /// Of all namespaces.
        everywhere: bool,
    },
}

/// A kind that can be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A Rollout.
    Rollout,
    /// An AnalysisRun.
    AnalysisRun,
    /// An Experiment.
    Experiment,
}

impl Kind {
    /// As the API names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rollout => "Rollout",
            Self::AnalysisRun => "AnalysisRun",
            Self::Experiment => "Experiment",
        }
    }
}

/// Reads what explanations need.
///
/// # Errors
/// The subjects themselves cannot be read, or no request goes through. What else cannot be read is noted in the result.
pub(crate) async fn read(
    connection: &Connection,
    subjects: &Subjects,
    app: Option<&str>,
    now: Timestamp,
) -> Result<Reading, Failure> {
    let mut survey = Survey {
        client: connection.client.clone(),
        reading: Reading::new(now),
        asked: BTreeSet::new(),
    };
    let roots = survey.subjects(&connection.namespace, subjects).await?;
    let first = needs::first(&roots, app);
    survey.send(first).await?;
    // What is named by what came.
    for _ in 0..2 {
        let next = needs::then(&roots, &survey.reading);
        survey.send(next).await?;
    }
    Ok(survey.reading)
}

struct Survey {
    client: Client,
    reading: Reading,
    asked: BTreeSet<Ask>,
}

impl Survey {
    /// The objects to explain; they are also added to what was read.
    async fn subjects(&mut self, namespace: &str, subjects: &Subjects) -> Result<Vec<Value>, Failure> {
        let roots = match subjects {
            Subjects::Named(names) => {
                let mut roots = Vec::new();
                for (kind, name) in names {
                    roots.push(self.subject(namespace, *kind, name).await?);
                }
                roots
            }
            Subjects::All { everywhere } => {
                let namespace = (!everywhere).then_some(namespace);
                let answer = ask::send(&self.client, &Ask::list("Rollout", namespace, ""))
                    .await
                    .map_err(Failure::from)?;
                let mut roots: Vec<Value> = answer.objects.into_iter().filter(needs::is_in_trouble).collect();
                for kind in [Kind::AnalysisRun, Kind::Experiment] {
                    roots.extend(self.on_their_own(kind, namespace).await?);
                }
                roots
            }
        };
        for root in &roots {
            let text = |path: &str| root.pointer(path).and_then(Value::as_str).unwrap_or_default();
            self.reading
                .explain(text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
            self.reading.add("", root.clone());
        }
        Ok(roots)
    }

    /// Objects of a kind that no rollout or Experiment owns, and that did not succeed. Where they may not be listed, that is
    /// noted.
    async fn on_their_own(&mut self, kind: Kind, namespace: Option<&str>) -> Result<Vec<Value>, Failure> {
        let ask = Ask::list(kind.name(), namespace, "");
        match ask::send(&self.client, &ask).await {
            Ok(answer) => Ok(answer
                .objects
                .into_iter()
                .filter(needs::stands_alone_in_trouble)
                .collect()),
            Err(trouble) if is_of_the_connection(&trouble) => Err(trouble.into()),
            Err(trouble) => {
                self.reading.unread(&ask.what(), &ask.permission(&trouble));
                Ok(Vec::new())
            }
        }
    }

    async fn subject(&mut self, namespace: &str, kind: Kind, name: &str) -> Result<Value, Failure> {
        let ask = Ask::get(kind.name(), namespace, name);
        match ask::send(&self.client, &ask).await {
            Ok(Answer { mut objects, .. }) if !objects.is_empty() => Ok(objects.remove(0)),
            Ok(_) => {
                let kind = kind.name().to_lowercase();
                Err(Failure::not_found(&format!("{kind}.argoproj.io"), name))
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Sends what was not sent before, and adds what comes back.
    async fn send(&mut self, asks: BTreeSet<Ask>) -> Result<(), Failure> {
        let new: Vec<Ask> = asks.difference(&self.asked).cloned().collect();
        let client = self.client.clone();
        let mut answers = stream::iter(new.clone())
            .map(|ask| {
                let client = client.clone();
                async move {
                    let answer = ask::send(&client, &ask).await;
                    (ask, answer)
                }
            })
            .buffer_unordered(AT_ONCE);
        let mut failed = None;
        while let Some((ask, answer)) = answers.next().await {
            match answer {
                Ok(answer) => self.take(&ask, answer),
                Err(trouble) => {
                    if !matches!(trouble, Trouble::Forbidden(_)) {
                        failed.get_or_insert(trouble.clone());
                    }
                    self.reading.unread(&ask.what(), &ask.permission(&trouble));
                }
            }
        }
        self.asked.extend(new);
        // An API server that went away is no answer; a single odd resource is.
        match failed.filter(is_of_the_connection) {
            Some(trouble) => Err(trouble.into()),
            None => Ok(()),
        }
    }

    fn take(&mut self, ask: &Ask, answer: Answer) {
        let found = !answer.objects.is_empty();
        if let Some(object) = ask.object().filter(|_| answer.known && !found) {
            self.reading.missing(&object);
        }
        for object in answer.objects {
            self.reading.add(ask.kind(), object);
        }
        if ask.is_list() && answer.known {
            self.reading.listed(ask.kind());
        }
    }
}

/// Nothing more will come from this server.
fn is_of_the_connection(trouble: &Trouble) -> bool {
    matches!(
        trouble,
        Trouble::Refused
            | Trouble::Unresolved(_)
            | Trouble::TimedOut
            | Trouble::Broken(_)
            | Trouble::Unauthorized
            | Trouble::Untrusted
            | Trouble::WrongName(_)
            | Trouble::BadCertificate(_)
            | Trouble::NoTls
            | Trouble::NeedsTls
            | Trouble::Proxy(_)
            | Trouble::Credentials(_)
    )
}
