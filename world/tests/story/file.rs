//! A file of stories: headings, a Rollout in YAML, and lines.

use serde_json::Value;
use serin_world::merge;

/// One section of a file, with all it needs to be played.
#[derive(Debug)]
pub struct Story {
    /// File, as failures name it.
    pub file: String,
    /// Line of its heading.
    pub line: usize,
    /// Its heading.
    pub title: String,
    /// The Rollout: the one at the top of the file, with the changes of the section merged in.
    pub manifest: Value,
    /// What happens and what must be true.
    pub lines: Vec<Line>,
}

/// One line of a story.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// Number within the file.
    pub number: usize,
    /// Its text, without indentation.
    pub text: String,
    /// Columns by which it is indented.
    indent: usize,
    /// The list below it, where it ends with a colon.
    pub items: Vec<String>,
}

impl Line {
    /// Something happens; otherwise something must be true.
    pub fn is_act(&self) -> bool {
        self.indent == 0
    }
}

/// What a fenced block is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Prose,
    Yaml,
    Story,
}

/// Reads the stories of a file.
///
/// # Errors
/// File, line and what is wrong there.
pub fn read(file: &str, text: &str) -> Result<Vec<Story>, String> {
    let mut reader = Reader {
        file,
        base: Value::Null,
        stories: Vec::new(),
    };
    let mut block = Block::Prose;
    let mut yaml = String::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if let Some(language) = line.strip_prefix("```") {
            block = match (block, language.trim()) {
                (Block::Prose, "yaml") => Block::Yaml,
                (Block::Prose, "story") => Block::Story,
                (Block::Yaml, "") => {
                    reader.yaml(number, &std::mem::take(&mut yaml))?;
                    Block::Prose
                }
                (Block::Story, "") => Block::Prose,
                (_, other) => {
                    return Err(format!(
                        "{file}:{number}: a block of `{other}` is neither yaml nor story"
                    ));
                }
            };
            continue;
        }
        match block {
            Block::Prose => reader.prose(number, line),
            Block::Yaml => {
                yaml.push_str(line);
                yaml.push('\n');
            }
            Block::Story => reader.story_line(number, line)?,
        }
    }
    if block != Block::Prose {
        return Err(format!("{file}: the last block has no end"));
    }
    reader.finish()
}

struct Reader<'a> {
    file: &'a str,
    base: Value,
    stories: Vec<Story>,
}

impl Reader<'_> {
    fn prose(&mut self, number: usize, line: &str) {
        if let Some(title) = line.strip_prefix("## ") {
            self.stories.push(Story {
                file: self.file.to_owned(),
                line: number,
                title: title.trim().to_owned(),
                manifest: self.base.clone(),
                lines: Vec::new(),
            });
        }
    }

    fn yaml(&mut self, number: usize, text: &str) -> Result<(), String> {
        let value: Value = serde_saphyr::from_str(text).map_err(|error| format!("{}:{number}: {error}", self.file))?;
        match self.stories.last_mut() {
            None => self.base = value,
            Some(story) => merge(&mut story.manifest, &value),
        }
        Ok(())
    }

    fn story_line(&mut self, number: usize, line: &str) -> Result<(), String> {
        let text = line.trim();
        let indent = line.len() - line.trim_start().len();
        if text.is_empty() {
            return Ok(());
        }
        let place = format!("{}:{number}", self.file);
        let story = self
            .stories
            .last_mut()
            .ok_or_else(|| format!("{place}: a story without a heading"))?;
        if let Some(item) = text.strip_prefix("- ") {
            let owner = story
                .lines
                .last_mut()
                .filter(|owner| owner.indent > 0 && owner.indent < indent);
            let owner = owner.ok_or_else(|| format!("{place}: a list without an expectation above it"))?;
            owner.items.push(item.trim().to_owned());
            return Ok(());
        }
        if !matches!(indent, 0 | 2) {
            return Err(format!(
                "{place}: what happens is not indented, what must be true by two columns"
            ));
        }
        story.lines.push(Line {
            number,
            text: text.to_owned(),
            indent,
            items: Vec::new(),
        });
        Ok(())
    }

    fn finish(self) -> Result<Vec<Story>, String> {
        for story in &self.stories {
            let place = format!("{}:{}", self.file, story.line);
            if !cites_its_source(&story.title) {
                return Err(format!(
                    "{place}: the heading names no source, such as (contract 03 §2)"
                ));
            }
            if story.lines.iter().all(Line::is_act) {
                return Err(format!("{place}: the story expects nothing"));
            }
        }
        if self.stories.is_empty() {
            return Err(format!("{}: no story", self.file));
        }
        Ok(self.stories)
    }
}

fn cites_its_source(title: &str) -> bool {
    let source = title.rsplit_once('(').map_or("", |(_, source)| source);
    let names = |what: &str| {
        source
            .split_once(what)
            .is_some_and(|(_, rest)| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    names("contract ") || names("decision ") || names("invariant ") || names("argo-rollouts#")
}
