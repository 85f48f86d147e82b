#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use serde_json::json;
use serin_core::notation::yaml;

fn one(text: &str) -> Node {
    let mut stream = read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(stream.documents.len(), 1, "{text}");
    stream.documents.remove(0).root
}

fn fault(text: &str) -> ReadError {
    read(text.as_bytes()).expect_err(text)
}

/// Scalars mean what they mean to the rest of Serin, which is what they mean to kubectl.
#[test]
fn scalars_are_those_of_kubernetes() {
    let words = "on No yes y n Y true False TRUE ~ null Null 0644 0o17 0x10 0b11 1_000 1.5 .5 -.5 5. 1e3 +12 -12 -0 .  5% 10m \
                 1:30 2024-01-01 2024-01-01T00:00:00Z 12345678901234567890 -9223372036854775808 99999999999999999999999 abc a:b <<x v1 1.2.3 \
                 nginx:1.25 0 00 08 09 1__0 _1 0x 0xg off Off of oN t f";
    for word in words
        .split(' ')
        .chain(["", "'1'", "\"on\"", "|-\n  1", "!!str 1", "!!int \"7\"", "!x 1", "a b"])
    {
        let text = format!("k: {word}\n");
        let wanted = yaml::parse_docs(&text).unwrap().remove(0).value;
        assert_eq!(one(&text).to_json(), wanted, "{text}");
    }
    assert_eq!(one("a: .inf").to_json(), json!({"a": ".inf"}));
}

#[test]
fn each_key_and_value_has_its_place() {
    let text = "# head\nmetadata:\n  labels:\n    app.io/name: x\nspec:\n  steps:\n  - setWeight: 5\n  - pause: {duration: 1d}\n  list: [a,\n    b]\n";
    let root = one(text);
    for (path, line, column) in [
        (FieldPath::root(), 2, 1),
        (FieldPath::root().key("metadata").key("labels").key("app.io/name"), 4, 5),
        (FieldPath::parse("spec.steps[0].setWeight"), 7, 5),
        (FieldPath::parse("spec.steps[1].pause.duration"), 8, 13),
        (FieldPath::parse("spec.list[1]"), 10, 5),
        (FieldPath::parse("spec.steps[1]"), 8, 5),
    ] {
        assert_eq!(root.mark_of(&path), Some(Mark { line, column }), "{path}");
    }
    assert_eq!(root.mark_of(&FieldPath::parse("spec.none")), None);
    assert_eq!(
        root.closest(&FieldPath::parse("spec.steps[7].x")),
        (Mark { line: 6, column: 3 }, 2)
    );
    let value = root.find(&FieldPath::parse("spec.steps[1].pause.duration")).unwrap();
    assert_eq!(&text[value.bytes.clone()], "1d");
    assert_eq!((value.mark.line, value.mark.column), (8, 23));
}

#[test]
fn documents_and_comments() {
    let text = "# a\n---\nx: 1 # b\n---\n---\n# c\ny: 2\n...\n---\n";
    let stream = read(text.as_bytes()).unwrap();
    let documents: Vec<_> = stream
        .documents
        .iter()
        .map(|it| (it.index, it.root.mark.line, it.root.to_json()))
        .collect();
    assert_eq!(documents, [(0, 3, json!({"x": 1})), (2, 7, json!({"y": 2}))]);
    let comments: Vec<_> = stream
        .comments
        .iter()
        .map(|it| (it.mark.line, it.text.as_str(), it.alone))
        .collect();
    assert_eq!(comments, [(1, "a", true), (3, "b", false), (6, "c", true)]);
    for empty in ["", "# only\n", "---\n", "\u{feff}"] {
        assert_eq!(read(empty.as_bytes()).unwrap().documents, [], "{empty:?}");
    }
    assert_eq!(one("\u{feff}a: 1\r\nb: 2\r\n").to_json(), json!({"a": 1, "b": 2}));
}

/// D1: the keys and both places.
#[test]
fn duplicate_keys() {
    let text =
        "a: 1\nspec:\n  containers:\n  - name: x\n  - name: y\n    env: []\n    env: []\na: 2\n---\na: 1\n'a': 2\n";
    let stream = read(text.as_bytes()).unwrap();
    let found: Vec<_> = stream
        .duplicates
        .iter()
        .map(|it| (it.document, it.path.to_string(), it.first.line, it.again.line))
        .collect();
    assert_eq!(
        found,
        [
            (0, "spec.containers[1].env".to_owned(), 6, 7),
            (0, "a".to_owned(), 1, 8),
            (1, "a".to_owned(), 10, 11)
        ]
    );
    assert_eq!(stream.documents[0].root.get("a").unwrap().to_json(), json!(2));
    assert_eq!(
        stream.documents[0].root.mark_of(&FieldPath::parse("a")).unwrap().line,
        8
    );
    assert_eq!(read(b"{a: {x: 1}, b: {x: 1}}").unwrap().duplicates, []);
}

#[test]
fn aliases_and_merge_keys() {
    let root = one("base: &b {x: 1, y: 2}\nfirst: {<<: *b, y: 3}\nmany: {<<: [*b, {x: 9, z: 4}]}\nagain: *b\n");
    assert_eq!(
        root.to_json(),
        json!({"base": {"x": 1, "y": 2}, "first": {"x": 1, "y": 3}, "many": {"x": 1, "y": 2, "z": 4}, "again": {"x": 1, "y": 2}})
    );
    assert_eq!(root.mark_of(&FieldPath::parse("first.x")).unwrap().line, 1);
    assert_eq!(root.get("again").unwrap().mark, Mark { line: 4, column: 8 });
    assert_eq!(root.find(&FieldPath::parse("many.z")).unwrap().to_json(), json!(4));
}

/// D2: nine levels of nine cost kustomize 4.7 GB.
#[test]
fn alias_bombs_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..=9 {
        let below = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", vec![below; 9].join(", "));
    }
    let found = fault(&text);
    assert!(found.message.contains("aliases"), "{found}");
    assert!(found.line < 8, "{found}");
    assert!(fault("a: &a [*a]").message.contains("alias"));
}

#[test]
fn what_is_too_much_is_refused() {
    let deep = "[".repeat(1000) + &"]".repeat(1000);
    let blocks: String = (0..1000).map(|level| " ".repeat(level) + "a:\n").collect();
    for text in [deep.as_str(), blocks.as_str()] {
        let found = fault(text);
        assert!(found.message.contains("deep"), "{found}");
    }
    let limits = Limits {
        bytes: 10,
        ..Limits::default()
    };
    assert!(
        read_with(b"a: 12345678", limits)
            .unwrap_err()
            .message
            .contains("11 bytes")
    );
    assert!(read_with(b"a: 1234567", limits).is_ok());
}

#[test]
fn broken_text_is_told_with_its_place() {
    for (text, line, column, words) in [
        ("a: 1\nb: [1\nc: 2\n", 3, 2, "close the bracket before"),
        ("a: [1\n", 1, 4, "`]`"),
        ("a:\n\tb: 1\n", 2, 2, "spaces instead of tabs"),
        ("a: 1\n b: 2\n", 2, 3, "indentation"),
        ("a: b: 2\n", 1, 5, "quote the value"),
        ("a: 'x\n", 2, 1, "closing quote"),
        ("a: *none\n", 1, 4, "anchor"),
        ("- a\nb: 1\n", 2, 1, "items"),
        ("a: 'b' c\n", 1, 8, "quote the whole value"),
        ("a: @b\n", 1, 4, "quote it"),
        ("? [a]\n: 1\n", 1, 3, "key"),
        ("{{ .Values.x }}: 1\n", 1, 1, "key"),
    ] {
        let found = fault(text);
        assert_eq!((found.line, found.column), (line, column), "{text}: {found}");
        let told = format!("{}; {}", found.message, found.action);
        assert!(told.contains(words), "{text}: {told}");
    }
    let found = read(b"a: 1\nb: \xff\n").unwrap_err();
    assert_eq!((found.line, found.column), (2, 4), "{found}");
}

#[test]
fn a_literal_block_stands_where_its_text_does() {
    for (text, literal, line, column) in [
        ("a: |\n  x\n", true, 2, 3),
        ("a: |-\n\n\n  x\n", true, 4, 3),
        ("a: >\n  x\n", false, 2, 3),
        ("a: 'x'\n", false, 1, 4),
    ] {
        let root = one(text);
        let node = root.get("a").unwrap();
        assert_eq!((node.is_literal, node.mark), (literal, Mark { line, column }), "{text}");
    }
}
