//! Texts as Go quotes them (`strconv.Quote`, the verb `%q`).

use std::fmt::Write as _;

/// The text in double quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// The text as it stands between the quotes: quotes, backslashes and what is not printable become escapes.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        let code = u32::from(char);
        // Writing to a String cannot fail.
        let _ = match char {
            '"' => out.write_str("\\\""),
            '\\' => out.write_str("\\\\"),
            '\u{7}' => out.write_str("\\a"),
            '\u{8}' => out.write_str("\\b"),
            '\u{b}' => out.write_str("\\v"),
            '\u{c}' => out.write_str("\\f"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            '\0'..='\u{1f}' | '\u{7f}' => write!(out, "\\x{code:02x}"),
            _ if is_printable(char) => out.write_char(char),
            _ if code < 0x1_0000 => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    }
    out
}

/// A character as `%#U` writes it: `U+0040 '@'`.
pub(crate) fn code_point(char: char) -> String {
    let code = u32::from(char);
    if is_printable(char) {
        format!("U+{code:04X} '{char}'")
    } else {
        format!("U+{code:04X}")
    }
}

/// Letters, marks, numbers, punctuation, symbols and the ASCII space. Rust escapes the others, too, wherever they stand but
/// at the beginning of a text (there it escapes marks as well).
fn is_printable(char: char) -> bool {
    if char.is_ascii() {
        return !char.is_ascii_control();
    }
    let mut text = String::from("a");
    text.push(char);
    text.escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go() {
        for (text, quoted_text) in [
            ("", r#""""#),
            ("plain \u{e9} \u{4e16} \u{1f600}", "\"plain \u{e9} \u{4e16} \u{1f600}\""),
            ("say \"a\\b\"", r#""say \"a\\b\"""#),
            ("\u{7}\u{8}\u{b}\u{c}\n\r\t", r#""\a\b\v\f\n\r\t""#),
            ("\0\u{1b}\u{7f}", r#""\x00\x1b\x7f""#),
            (
                "\u{80}\u{ad}\u{200b}\u{2028}\u{e000}",
                r#""\u0080\u00ad\u200b\u2028\ue000""#,
            ),
            ("\u{e0001}\u{10ffff}", r#""\U000e0001\U0010ffff""#),
            ("\u{301}e\u{301}", "\"\u{301}e\u{301}\""),
            ("a\u{a0}<b>&'", "\"a\\u00a0<b>&'\""),
        ] {
            assert_eq!(quoted(text), quoted_text);
        }
    }
}
