//! Citations lead somewhere: "contract 03 §9" to a section of `docs/contract/03-canary.md`, "decision 16" to an item of
//! `docs/contract/decisions.md`, "invariant 7" to a row of `docs/architecture.md`. `docs/contract/README.md` says how
//! to cite.

use crate::workspace::{CRATES, File, file, files};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Where people cite, beside the crates.
const FOLDERS: [&str; 3] = ["docs", "deploy", "examples"];
const FILES: [&str; 6] = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "Cargo.toml",
    "deny.toml",
    ".ci/run",
];

/// A pattern, compiled once.
macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).unwrap());
    };
}

// A place is a section, a section's item, a part or a part's item: `7`, `10.12`, `7.2e`, `A`, `B5`.
pattern!(NAMED, r"\b[Cc]ontracts? ([0-9]{2})\b()?");
pattern!(WITHIN, r"\b([0-9]{2}) (?:§|[A-G][0-9])|(§)[0-9]");
pattern!(
    FIRST,
    r"^ ?(?:§(?<section>[0-9]+(?:\.[0-9]+)*[a-z]?|[A-G][0-9]*)\b|sections? (?<number>[0-9]+)\b|(?<part>[A-G][0-9]*)\b)"
);
pattern!(
    NEXT,
    r"^(?:, |; | and |; and |, and )(?:(?:(?<page>[0-9]{2}) )?(?:§(?<section>[0-9]+(?:\.[0-9]+)*[a-z]?|[A-G][0-9]*)\b|(?<part>[A-G][0-9]*)\b)|(?<number>[0-9]+)\b)"
);
pattern!(AND, r"^ and ([0-9]{2})\b");
pattern!(RANGE, r"^(?:–|-)§?([0-9]+(?:\.[0-9]+)*[a-z]?|[A-G][0-9]*)\b");
pattern!(ITEMS, r"^,? items? ([0-9]+(?:(?:, | and | to |–)[0-9]+)*)\b");
pattern!(WORDS, r#"^(?:[,:]? \(?"([^"]{2,60})"|, `([^`]{2,60})`)"#);
pattern!(
    NUMBERS,
    r"\b([Dd]ecision|[Ii]nvariant)s? ([0-9]+(?:(?:, and |, | and |–)[0-9]+)*)\b"
);
pattern!(HEADING, r"^##+ ([0-9]+(?:\.[0-9]+)*|[A-Z])\.? ");
pattern!(ITEM, r"^ {0,3}([0-9]+|[a-z])\. ");

#[test]
fn citations_lead_somewhere() {
    let book = Book::read();
    let mut cited = 0;
    let mut findings = Vec::new();
    for file in all() {
        let (number, broken) = book.check(&file);
        cited += number;
        findings.extend(broken);
    }
    assert!(cited > 1200, "the walk found {cited} citations only");
    crate::none(&findings);
}

#[test]
fn pages_that_are_cited_by_name_have_the_heading() {
    let by_heading = Regex::new(r#"\b([\w/.-]+\.md), "([^"]+)""#).unwrap();
    let by_number = Regex::new(r"\b([\w/.-]+\.md) §").unwrap();
    let mut findings = Vec::new();
    for file in all() {
        let (text, lines) = flat(&file.text);
        let place = |at: usize| format!("{}:{}", file.path, line(&lines, at));
        for hit in by_heading.captures_iter(&text) {
            if !heads(&hit[1]).iter().any(|heading| heading.contains(&hit[2])) {
                findings.push(format!(
                    "{}: {} has no such heading",
                    place(hit.get(0).unwrap().start()),
                    &hit[0]
                ));
            }
        }
        for hit in by_number.find_iter(&text) {
            findings.push(format!(
                "{}: {}: that page has no numbers",
                place(hit.start()),
                hit.as_str()
            ));
        }
    }
    crate::none(&findings);
}

/// A map that names what is not there leads people astray.
#[test]
fn paths_in_the_documentation_exist() {
    let path =
        Regex::new(r"`((?:core|world|lua|argocd|controller|cli|sandbox|e2e|deploy|examples|docs)/[\w./-]*)`").unwrap();
    let mut findings = Vec::new();
    let mut found = 0;
    for file in files("docs").into_iter().chain(FILES.map(file)) {
        let of_upstream = number(&file.path).is_some();
        for hit in path
            .captures_iter(&file.text)
            .filter(|_| !of_upstream && file.path.ends_with(".md"))
        {
            found += 1;
            if !planned(&hit[1]) && !crate::workspace::root().join(&hit[1]).exists() {
                findings.push(format!("{}: {}", file.path, &hit[1]));
            }
        }
    }
    assert!(found > 100, "the walk found {found} paths only");
    crate::none(&findings);
}

/// The last column of each row names the test: a file below `core/tests`, `world/tests` or the root.
#[test]
fn tests_that_differences_name_exist() {
    let name = Regex::new(r"`([\w./-]+\.(?:rs|md|json))`").unwrap();
    let folders = ["core/tests/", "world/tests/", ""];
    let there = |file: &str| {
        folders
            .iter()
            .any(|folder| crate::workspace::root().join(format!("{folder}{file}")).exists())
    };
    let text = file("docs/differences.md").text;
    let tests = text
        .lines()
        .filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | "));
    let named = tests
        .flat_map(|(_, tests)| name.captures_iter(tests))
        .map(|hit| hit[1].to_owned());
    let (found, lost): (Vec<String>, Vec<String>) = named.partition(|file| there(file));
    assert!(found.len() > 50, "{} tests were found only", found.len());
    crate::none(&lost);
}

/// The last column of each row of `docs/demand.md` names a test: a file below `world/tests` or the root, with the beginning of a
/// heading or the name of a function in it.
#[test]
fn tests_that_the_list_of_issues_names_exist() {
    let named = Regex::new(r"`([\w./-]+\.(?:rs|md))`(?: \((`\w+`|[^`)]+)\))?").unwrap();
    let text = file("docs/demand.md").text;
    let rows = text
        .lines()
        .filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | "));
    let tests = rows
        .map(|(_, tests)| tests)
        .filter(|tests| !tests.starts_with("not yet"));
    let mut found = 0;
    let mut lost = Vec::new();
    for test in tests.flat_map(|tests| named.captures_iter(tests)) {
        found += 1;
        let name = test.get(2).map_or("", |name| name.as_str());
        let wanted = match name.strip_prefix('`') {
            Some(function) => format!("fn {}(", function.trim_end_matches('`')),
            None if name.is_empty() => String::new(),
            None => format!("## {name}"),
        };
        let there = ["", "world/tests/"].iter().any(|folder| {
            let path = crate::workspace::root().join(format!("{folder}{}", &test[1]));
            std::fs::read_to_string(path).is_ok_and(|text| text.contains(&wanted))
        });
        if !there {
            lost.push(test[0].to_owned());
        }
    }
    assert!(found > 40, "{found} tests were found only");
    crate::none(&lost);
}

/// Rooms that decision 53 names, and that are made with their first code.
fn planned(path: &str) -> bool {
    ["core/src/rollout/", "core/src/analysis/", "controller/src/fetch/"]
        .iter()
        .any(|room| path.starts_with(room))
}

/// The headings of a page, by its path from the root or its name in `docs/`; none of a page that is not there.
fn heads(page: &str) -> Vec<String> {
    let folders = ["", "docs/", "docs/contract/"];
    let there = folders.map(|folder| crate::workspace::root().join(format!("{folder}{page}")));
    let text = there
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .unwrap_or_default();
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn issues_are_named_with_their_repository() {
    let bare = Regex::new(r"(?i)\bissues? #?[0-9]+\b|\blater issues?\b").unwrap();
    let mut findings = Vec::new();
    for file in all().iter().filter(|file| !file.path.ends_with("tidy/citations.rs")) {
        let (text, lines) = flat(&file.text);
        for hit in bare.find_iter(&text) {
            findings.push(format!("{}:{}: {}", file.path, line(&lines, hit.start()), hit.as_str()));
        }
    }
    crate::none(&findings);
}

#[test]
fn a_citation_that_leads_nowhere_is_found() {
    let book = Book::read();
    let found = |path: &str, text: &str| {
        // Spelt otherwise here, so that this file passes itself.
        let text = text
            .replace('@', "contract ")
            .replace("Dec", "decision")
            .replace("Inv", "invariant");
        let path = path.to_owned();
        book.check(&File { path, text }).1.len()
    };
    for bad in [
        "@00",
        "@03 §16",
        "@03 §3, §99",
        "@03 §3 and §99",
        "@03 §3; 04 §99",
        "@03 §3–99",
        "@05 section 99",
        "@10 sections 3 and 99",
        "/// @04\n/// §99",
        "-- (@10 §3,\n-- §99)",
        "@02 §5 item 9",
        "@03 §7.9",
        "@03 §7.2h",
        "@04 §10.13",
        "@11 A17",
        "@11 §H or not, @11 B12",
        "@11 B1 and C9",
        "@01 §1, \"YAML quirks\"",
        "@02 §10, `demoteStable`",
        "Dec 0",
        "Dec 999",
        "Decs 15, 999",
        "Decs 15–999",
        "Decs 12 and\n/// 999",
        "Inv 99",
    ] {
        assert_eq!(found("a.rs", bad), 1, "{bad}");
    }
    for good in [
        "(@03 §3, §15; 04 §10.12, decided 999 times)",
        "@01 §1, \"JSON quirks\"; @02 §10, `promoteStable`, 99 pods",
        "@10 sections 3 and 9; @11 E (\"Steps\"); @02 §5 item 4; @03 §7.2e; @02 and 09",
        "Decs 15, 16, 19; Decs 15–17; Dec 1, @11 B and C; Invs 7 and 13",
    ] {
        assert_eq!(found("a.rs", good), 0, "{good}");
    }
    // Within the contract the number of the page is enough, and the section alone means the same page.
    for bad in ["(03 §99)", "(§99)", "(11 A99)", "§3, 04 §99"] {
        assert_eq!(found("docs/contract/03-canary.md", bad), 1, "{bad}");
    }
    assert_eq!(found("docs/contract/03-canary.md", "§15 (04 §12)"), 0);
    assert_eq!(found("docs/contract/04-bluegreen.md", "§15 (03 §15)"), 1);
}

fn all() -> Vec<File> {
    let folders = CRATES.into_iter().chain(FOLDERS).flat_map(files);
    // JSON is recorded or generated.
    let written = folders.filter(|file| !file.path.ends_with(".json"));
    written.chain(FILES.map(file)).collect()
}

/// The pages that are cited.
struct Book {
    /// By page, the places in it, and for each the text of its section.
    pages: BTreeMap<String, BTreeMap<String, String>>,
    /// Numbers of decisions.
    decisions: BTreeSet<String>,
    /// Numbers of invariants.
    invariants: BTreeSet<String>,
}

impl Book {
    fn read() -> Self {
        let pages = files("docs/contract");
        let number = |file: &File| number(&file.path).map(|number| (number, places(&file.text)));
        let rows = |path: &str, row: &str| {
            let row = Regex::new(row).unwrap();
            let text = file(path).text;
            row.captures_iter(&text).map(|row| row[1].to_owned()).collect()
        };
        Self {
            pages: pages.iter().filter_map(number).collect(),
            decisions: rows("docs/contract/decisions.md", r"(?m)^([0-9]+)\. "),
            invariants: rows("docs/architecture.md", r"(?m)^\| ([0-9]+) \|"),
        }
    }

    /// How many places a file cites, and which of them are not there.
    fn check(&self, file: &File) -> (usize, Vec<String>) {
        let (text, lines) = flat(&file.text);
        let mut cited = contract(&text, number(&file.path).as_deref());
        cited.extend(numbers(&text));
        let broken = cited.iter().filter(|cited| !self.has(cited));
        let told = broken.map(|cited| {
            let quoted = cited.quoted.as_ref().map(|quoted| format!(" {quoted:?}"));
            let Cited { kind, place, .. } = cited;
            let line = line(&lines, cited.at);
            format!("{}:{line}: {kind} {place}{}", file.path, quoted.unwrap_or_default())
        });
        (cited.len(), told.collect())
    }

    fn has(&self, cited: &Cited) -> bool {
        match cited.kind.as_str() {
            "decision" => self.decisions.contains(&cited.place),
            "invariant" => self.invariants.contains(&cited.place),
            page => self.pages.get(page).is_some_and(|places| {
                let quoted = cited.quoted.as_deref().unwrap_or_default().to_lowercase();
                places
                    .get(&cited.place)
                    .is_some_and(|text| text.to_lowercase().contains(&quoted))
            }),
        }
    }
}

/// A citation.
struct Cited {
    /// Where in the text it stands.
    at: usize,
    /// The number of a page, "decision" or "invariant".
    kind: String,
    /// What of it; nothing for a whole page.
    place: String,
    /// Words that stand there.
    quoted: Option<String>,
}

impl Cited {
    fn new(at: usize, kind: &str, place: &str) -> Self {
        Self {
            at,
            kind: kind.to_owned(),
            place: place.to_owned(),
            quoted: None,
        }
    }
}

/// The number of a page of the contract, from its path.
fn number(path: &str) -> Option<String> {
    let name = path.strip_prefix("docs/contract/")?;
    let number = name.get(..2)?;
    number.parse::<u8>().is_ok().then(|| number.to_owned())
}

/// Sections, parts and their items, with the text of the section.
fn places(page: &str) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> = BTreeMap::from([(String::new(), String::new())]);
    let mut sections: BTreeMap<String, String> = BTreeMap::new();
    let (mut section, mut last) = (String::new(), String::new());
    for line in page.lines() {
        if let Some(found) = HEADING.captures(line) {
            section = found[1].to_owned();
            sections.insert(section.clone(), section.clone());
        } else if let Some(found) = ITEM.captures(line) {
            let lettered = section.starts_with(|first: char| first.is_ascii_uppercase());
            let joint = if lettered { "" } else { "." };
            if found[1].starts_with(|first: char| first.is_ascii_digit()) {
                last = format!("{section}{joint}{}", &found[1]);
                sections.entry(last.clone()).or_insert_with(|| section.clone());
            } else {
                sections.insert(format!("{last}{}", &found[1]), section.clone());
            }
        }
        // A subsection's text is its section's, too.
        let outer = section.split('.').next().unwrap_or_default().to_owned();
        for place in BTreeSet::from([outer, section.clone()]) {
            let text = texts.entry(place).or_default();
            text.push_str(line.trim());
            text.push(' ');
        }
    }
    let text = |section: &String| texts.get(section).cloned().unwrap_or_default();
    let mut found: BTreeMap<String, String> = sections.iter().map(|(place, of)| (place.clone(), text(of))).collect();
    found.insert(String::new(), String::new());
    found
}

/// A text with its lines joined, as a citation may be broken over two lines of a comment; and where each line begins.
fn flat(text: &str) -> (String, Vec<usize>) {
    let mut flat = String::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        lines.push(flat.len());
        let line = line.trim().trim_end_matches('\\');
        let marks = ["///", "//!", "//", "--", "#", ">", "*"];
        let bare = marks.iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line);
        flat.push_str(bare.trim());
        flat.push(' ');
    }
    (flat, lines)
}

/// The number of the line at an offset.
fn line(lines: &[usize], at: usize) -> usize {
    lines.partition_point(|begin| *begin <= at)
}

/// Citations of the contract. Within one of its pages, `own`, the word "contract" need not be there.
fn contract(text: &str, own: Option<&str>) -> Vec<Cited> {
    let begins = if own.is_some() { &*WITHIN } else { &*NAMED };
    let mut cited = Vec::new();
    let mut from = 0;
    while let Some(found) = begins.captures_at(text, from) {
        let page = found.get(1).map(|page| (page.as_str(), page.end()));
        let bare = found.get(2).map(|sign| (own.unwrap_or_default(), sign.start()));
        let Some((page, at)) = page.or(bare) else { break };
        let end = found.get(0).map_or(at, |all| all.end());
        from = chain(text, at, page, &mut cited).max(end);
    }
    cited
}

/// Reads what is cited after the number of a page: "§3, §15; 04 §2 item 5". Gives back where that ends.
fn chain(text: &str, begin: usize, page: &str, cited: &mut Vec<Cited>) -> usize {
    let (mut at, mut page, mut spelt) = (begin, page.to_owned(), false);
    loop {
        let first = at == begin;
        let pattern = if first { &*FIRST } else { &*NEXT };
        let Some(found) = pattern.captures(&text[at..]) else {
            break;
        };
        if let Some(other) = found.name("page") {
            page = other.as_str().to_owned();
        }
        let part = found.name("part").filter(|part| part.len() > 1 || page == "11");
        // A number alone goes on with a list of sections only where they are spelt as a word.
        let number = found.name("number").filter(|_| first || spelt);
        let Some(place) = found.name("section").or(part).or(number) else {
            break;
        };
        spelt |= first && number.is_some();
        let start = at;
        at += found[0].len();
        at = details(text, at, start, (&page, place.as_str()), cited);
    }
    if at == begin {
        cited.push(Cited::new(begin, &page, ""));
        cited.extend(
            AND.captures(&text[begin..])
                .map(|other| Cited::new(begin, &other[1], "")),
        );
    }
    at
}

/// Reads what may follow a place: the end of a range, items, words that stand there. Gives back where that ends.
fn details(text: &str, mut at: usize, start: usize, place: (&str, &str), cited: &mut Vec<Cited>) -> usize {
    let (page, place) = place;
    cited.push(Cited::new(start, page, place));
    if let Some(found) = RANGE.captures(&text[at..]) {
        cited.push(Cited::new(start, page, &found[1]));
        at += found[0].len();
    }
    if let Some(found) = ITEMS.captures(&text[at..]) {
        let items = digits(&found[1]).map(|item| Cited::new(start, page, &format!("{place}.{item}")));
        cited.extend(items);
        at += found[0].len();
    }
    if let Some(found) = WORDS.captures(&text[at..]) {
        let words = found.get(1).or(found.get(2)).map(|words| words.as_str().to_owned());
        cited.push(Cited {
            quoted: words,
            ..Cited::new(start, page, place)
        });
        at += found[0].len();
    }
    at
}

/// Citations such as "decision 7", "decisions 15, 16 and 19", "decisions 15–17".
fn numbers(text: &str) -> Vec<Cited> {
    let mut cited = Vec::new();
    for found in NUMBERS.captures_iter(text) {
        let kind = found[1].to_lowercase();
        let at = found.get(0).map_or(0, |all| all.start());
        cited.extend(digits(&found[2]).map(|number| Cited::new(at, &kind, number)));
    }
    cited
}

fn digits(list: &str) -> impl Iterator<Item = &str> {
    list.split(|it: char| !it.is_ascii_digit()).filter(|it| !it.is_empty())
}
