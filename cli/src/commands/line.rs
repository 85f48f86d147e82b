//! Whether the watches are connected to the API server, and what the user sees of that.

use crate::cluster::connect::{Answers, Connection};
use crate::cluster::scene::Change;
use serin_controller::{Target, Trouble};
use std::collections::BTreeMap;

/// The line to the API server.
pub(super) struct Line {
    target: Target,
    answers: Answers,
    /// The watches that are down, by the plural of their resource.
    lost: BTreeMap<String, Lost>,
    /// What the user has not seen yet.
    news: Option<String>,
}

/// A watch that is down.
struct Lost {
    trouble: Trouble,
    /// How many answers there had been for its resource.
    answers: u64,
}

impl Line {
    pub(super) fn new(connection: &Connection) -> Self {
        Self {
            target: connection.target.clone(),
            answers: connection.answers.clone(),
            lost: BTreeMap::new(),
            news: None,
        }
    }

    /// Notes that a watch broke. Each trouble is shown once, for all watches and all their tries.
    pub(super) fn notice(&mut self, change: &Change) {
        let Change::Lost(plural, trouble) = change else { return };
        let is_known = self.lost.values().any(|lost| lost.trouble == *trouble);
        let lost = Lost {
            trouble: trouble.clone(),
            answers: self.answers.of(plural),
        };
        self.lost.insert(plural.clone(), lost);
        if !is_known {
            self.news = Some(self.words(trouble));
        }
    }

    /// What is new since the last call. Once each lost watch gets an answer, all continues.
    pub(super) fn news(&mut self) -> Option<String> {
        if self.news.is_none() && !self.lost.is_empty() {
            let answers = &self.answers;
            self.lost.retain(|plural, lost| answers.of(plural) <= lost.answers);
            if self.lost.is_empty() {
                return Some("The API server answers again. The watch continues.".to_owned());
            }
        }
        self.news.take()
    }

    /// The line below a picture while a watch is down.
    pub(super) fn state(&self) -> Option<String> {
        let lost = self.lost.values().next()?;
        Some(self.words(&lost.trouble))
    }

    fn words(&self, trouble: &Trouble) -> String {
        format!("Watch interrupted: {}. Trying again.", trouble.what(&self.target))
    }
}
