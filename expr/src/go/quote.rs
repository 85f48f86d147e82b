//! Quoted text.

use std::fmt::Write as _;

/// A text in double quotes, as `%q` writes it.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{C}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{B}' => out.push_str("\\v"),
            ' ' => out.push(' '),
            char if is_printable(char) => out.push(char),
            char => push_code(&mut out, u32::from(char)),
        }
    }
    out.push('"');
    out
}

fn push_code(out: &mut String, code: u32) {
    // Writing to a string does not fail.
    let _ = match code {
        0..=0x7F => write!(out, "\\x{code:02x}"),
        0x80..=0xFFFF => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// A character as `%#U` writes it: `U+0040 '@'`.
pub(crate) fn code_point(char: char) -> String {
    let code = u32::from(char);
    if is_printable(char) || char == ' ' {
        format!("U+{code:04X} '{char}'")
    } else {
        format!("U+{code:04X}")
    }
}

/// Nearly `unicode.IsPrint`: neither a control character nor a space other than the ASCII one.
fn is_printable(char: char) -> bool {
    !char.is_control()
        && !char.is_whitespace()
        && !matches!(u32::from(char), 0xAD | 0x200B..=0x200F | 0xFEFF | 0xFFF9..=0xFFFB)
}
