//! Reports: text, JSON, Markdown, one line.
