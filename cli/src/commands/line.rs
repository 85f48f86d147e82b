//! Whether a watch still hears the API server, and what its user is told about that.

use crate::connect::{Answers, Connection};
use crate::scene::Change;
use serin_controller::{Target, Trouble};

/// The line to the API server.
pub(super) struct Line {
    target: Target,
    answers: Answers,
    lost: Option<Lost>,
    /// What the user has not been told yet.
    news: Option<String>,
}

/// A line that is down.
struct Lost {
    trouble: Trouble,
    /// How many answers there had been by then.
    answers: u64,
}

impl Line {
    pub(super) fn new(connection: &Connection) -> Self {
        Self {
            target: connection.target.clone(),
            answers: connection.answers.clone(),
            lost: None,
            news: None,
        }
    }

    /// Takes in that a watch broke. It is told once, however often it is tried again in vain.
    pub(super) fn notice(&mut self, change: &Change) {
        let Change::Lost(trouble) = change else { return };
        let answers = self.answers.count();
        let before = self.lost.replace(Lost {
            trouble: trouble.clone(),
            answers,
        });
        if before.is_none_or(|before| before.trouble != *trouble) {
            self.news = Some(format!(
                "Watch interrupted: {}. Trying again.",
                trouble.what(&self.target)
            ));
        }
    }

    /// What is new since the last call. Answers since the loss mean that the watch goes on.
    pub(super) fn news(&mut self) -> Option<String> {
        let is_back = self
            .lost
            .as_ref()
            .is_some_and(|lost| self.answers.count() > lost.answers);
        if is_back && self.news.is_none() {
            self.lost = None;
            self.news = Some("The API server answers again: the watch goes on.".to_owned());
        }
        self.news.take()
    }

    /// What stands below a picture while the line is down.
    pub(super) fn state(&self) -> Option<String> {
        let lost = self.lost.as_ref()?;
        Some(format!(
            "Watch interrupted: {}. Trying again.",
            lost.trouble.what(&self.target)
        ))
    }
}
