//! Answers of the query API as trees.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// How deep an answer may be.
const DEEPEST: usize = 32;

/// An element: its name without a prefix, its text, and those in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    name: String,
    text: String,
    inner: Vec<Element>,
}

impl Element {
    /// The root of a document.
    ///
    /// # Errors
    /// If it is no whole document of XML.
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        let text = str::from_utf8(body).map_err(|error| error.to_string())?;
        let mut reader = Reader::from_str(text);
        // The first holds the root.
        let mut open = vec![Self::default()];
        loop {
            let event = reader.read_event().map_err(|error| error.to_string())?;
            match event {
                Event::Start(start) => open.push(Self::named(&start)),
                Event::Empty(start) => add(&mut open, Self::named(&start)),
                Event::End(_) => {
                    let done = open.pop().unwrap_or_default();
                    add(&mut open, done);
                }
                Event::Text(text) => write(&mut open, &text.xml10_content()),
                Event::CData(text) => write(&mut open, &text.xml10_content()),
                Event::GeneralRef(of) => {
                    let known = of.resolve_char_ref().map_err(|error| error.to_string())?;
                    let known = known.map(String::from);
                    let named = || quick_xml::escape::resolve_predefined_entity(&of.xml10_content()).map(str::to_owned);
                    write(&mut open, &known.or_else(named).ok_or("an entity that is not known")?);
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
            if open.len() > DEEPEST {
                return Err(format!("more than {DEEPEST} elements within each other"));
            }
        }
        match (open.len(), open.pop().and_then(|all| all.inner.into_iter().next())) {
            (1, Some(root)) => Ok(root),
            _ => Err("no whole document".to_owned()),
        }
    }

    fn named(start: &BytesStart<'_>) -> Self {
        let name = start.local_name();
        Self {
            name: name.as_ref().to_string(),
            ..Self::default()
        }
    }

    /// The first element of a name in it.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.inner.iter().find(|element| element.name == name)
    }

    /// The text of the first element of a name; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).map_or("", |element| element.text.trim())
    }

    /// The members of a list in it.
    pub(super) fn members(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.get(name).into_iter().flat_map(|list| &list.inner)
    }
}

fn add(open: &mut [Element], element: Element) {
    if let Some(around) = open.last_mut() {
        around.inner.push(element);
    }
}

fn write(open: &mut [Element], text: &str) {
    if let Some(around) = open.last_mut() {
        around.text.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_tree_is_read_and_a_part_of_one_is_not() {
        let text =
            "<?xml version=\"1.0\"?><a xmlns=\"n\"><b> x&amp;&#65; </b><c><member><d/></member><member/></c></a>";
        let root = Element::parse(text.as_bytes()).unwrap();
        assert_eq!(root.text("b"), "x&A");
        assert_eq!(root.text("none"), "");
        assert_eq!(root.members("c").count(), 2);
        assert_eq!(root.members("none").count(), 0);
        assert!(root.members("c").next().unwrap().get("d").is_some());
        for broken in ["", "<a>", "<a></b>", "text", "<a>&nbsp;</a>", &"<a>".repeat(40)] {
            assert!(Element::parse(broken.as_bytes()).is_err(), "{broken}");
        }
        assert!(Element::parse(&[b'<', 0xff]).is_err());
    }
}
