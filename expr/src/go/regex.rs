//! Regular expressions of Go (RE2), translated to those of the regex crate.
//!
//! The two differ little: in Go `\d`, `\w`, `\s` and `\b` mean ASCII, a class has no set operations, `\Q…\E` quotes, and
//! a counted repetition ends at 1,000.

use regex::bytes::{Regex, RegexBuilder};
use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

/// How much memory a compiled expression may take, in bytes.
const SIZE: usize = 1 << 20;
/// The largest count of a repetition.
const REPEAT: u32 = 1_000;
/// How deep groups may be nested.
const DEPTH: u32 = 200;

/// A compiled expression.
///
/// # Errors
/// What `regexp.Compile` says.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    let wrong = |what: String| format!("error parsing regexp: {what}");
    let translated = Translation::of(pattern).map_err(wrong)?;
    let built = RegexBuilder::new(&translated)
        .size_limit(SIZE)
        .nest_limit(DEPTH)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => wrong(format!("expression too large: `{pattern}`")),
        other => {
            let why = other.to_string();
            wrong(
                why.lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ")
                    .to_owned(),
            )
        }
    })
}

struct Translation<'p> {
    rest: Peekable<Chars<'p>>,
    out: String,
    /// How many groups are open.
    groups: usize,
    /// Whether a repetition may follow here, and whether one just ended.
    has_operand: bool,
    repetition: Option<String>,
}

impl<'p> Translation<'p> {
    fn of(pattern: &'p str) -> Result<String, String> {
        let mut translation = Self {
            rest: pattern.chars().peekable(),
            out: String::new(),
            groups: 0,
            has_operand: false,
            repetition: None,
        };
        while let Some(next) = translation.rest.next() {
            translation.one(next, pattern)?;
        }
        if translation.groups > 0 {
            return Err(format!("missing closing ): `{pattern}`"));
        }
        Ok(translation.out)
    }

    fn one(&mut self, next: char, pattern: &str) -> Result<(), String> {
        match next {
            '*' | '+' | '?' => return self.repeat(next.to_string()),
            '{' => {
                if let Some(count) = self.counted()? {
                    return self.repeat(count);
                }
                self.out.push_str("\\{");
            }
            '(' => {
                self.group()?;
                self.groups += 1;
                self.operand(false);
                return Ok(());
            }
            ')' => {
                self.groups = self
                    .groups
                    .checked_sub(1)
                    .ok_or_else(|| format!("unexpected ): `{pattern}`"))?;
                self.out.push(')');
            }
            '|' => {
                self.out.push('|');
                self.operand(false);
                return Ok(());
            }
            '[' => self.class()?,
            '\\' => self.escape()?,
            // Other than in the crate, these are literal.
            '}' | ']' | '#' | '&' | '~' | '-' => {
                self.out.push('\\');
                self.out.push(next);
            }
            _ => self.out.push(next),
        }
        self.operand(true);
        Ok(())
    }

    fn operand(&mut self, is_there: bool) {
        self.has_operand = is_there;
        self.repetition = None;
    }

    fn repeat(&mut self, written: String) -> Result<(), String> {
        let lazy = self.rest.next_if_eq(&'?').is_some();
        let whole = if lazy { format!("{written}?") } else { written };
        if let Some(before) = &self.repetition {
            return Err(format!("invalid nested repetition operator: `{before}{whole}`"));
        }
        if !self.has_operand {
            return Err(format!("missing argument to repetition operator: `{whole}`"));
        }
        self.out.push_str(&whole);
        self.repetition = Some(whole);
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,3}`, whose bracket is read; anything else is literal.
    fn counted(&mut self) -> Result<Option<String>, String> {
        let ahead: String = self.rest.clone().take_while(|it| *it != '}').take(12).collect();
        let has_end = self.rest.clone().nth(ahead.chars().count()) == Some('}');
        let (least, most) = ahead.split_once(',').unwrap_or((&ahead, &ahead));
        let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        let is_count = is_number(least) && (most.is_empty() || is_number(most));
        if !has_end || !is_count {
            return Ok(None);
        }
        let least_count: u32 = least.parse().unwrap_or(u32::MAX);
        let most_count: u32 = if most.is_empty() {
            least_count
        } else {
            most.parse().unwrap_or(u32::MAX)
        };
        let written = format!("{{{ahead}}}");
        if least_count > REPEAT || most_count > REPEAT || least_count > most_count {
            return Err(format!("invalid repeat count: `{written}`"));
        }
        for _ in 0..=ahead.chars().count() {
            self.rest.next();
        }
        Ok(Some(written))
    }

    /// What stands behind an opening bracket of a group.
    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        if self.rest.peek() != Some(&'?') {
            return Ok(());
        }
        let ahead: String = self.rest.clone().take(64).collect();
        if ahead.starts_with("?P<")
            || (ahead.starts_with("?<") && !ahead.starts_with("?<=") && !ahead.starts_with("?<!"))
        {
            let name: String = ahead.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            let is_name = !name.is_empty() && name.chars().all(|it| it == '_' || it.is_ascii_alphanumeric());
            if !is_name || !ahead.contains('>') {
                return Err(format!("invalid named capture: `({ahead}`"));
            }
            // The crate wants a letter first; nobody reads the name.
            for _ in 0..=ahead.find('>').unwrap_or_default() {
                self.rest.next();
            }
            return Ok(());
        }
        let flags: String = ahead
            .chars()
            .skip(1)
            .take_while(|it| matches!(it, 'i' | 'm' | 's' | 'U' | '-'))
            .collect();
        let end = ahead.chars().nth(1 + flags.len());
        let is_right = matches!(end, Some(':' | ')')) && !flags.ends_with('-') && flags.matches('-').count() <= 1;
        if !is_right || (flags.is_empty() && end != Some(':')) {
            let shown: String = ahead.chars().take(2 + flags.len()).collect();
            return Err(format!("invalid or unsupported Perl syntax: `({shown}`"));
        }
        let _ = write!(self.out, "?{flags}");
        for _ in 0..=flags.len() {
            self.rest.next();
        }
        if end == Some(':') {
            self.rest.next();
            self.out.push(':');
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(next) = self.rest.next() else {
            return Err("trailing backslash at end of expression: ``".to_owned());
        };
        match next {
            'b' => self.out.push_str("(?-u:\\b)"),
            'B' => self.out.push_str("(?-u:\\B)"),
            'A' | 'z' => {
                self.out.push('\\');
                self.out.push(next);
            }
            'Q' => self.quoted(),
            'C' => self.out.push_str("(?s-u:.)"),
            _ => {
                let meaning = self.class_escape(next)?;
                self.out.push_str(&meaning);
            }
        }
        Ok(())
    }

    /// `\Q…\E`: literal text.
    fn quoted(&mut self) {
        let mut text = String::new();
        while let Some(next) = self.rest.next() {
            if next == '\\' && self.rest.next_if_eq(&'E').is_some() {
                break;
            }
            text.push(next);
        }
        self.out.push_str(&regex::escape(&text));
    }

    /// An escape that may stand in a class, too.
    fn class_escape(&mut self, next: char) -> Result<String, String> {
        Ok(match next {
            'd' => "[0-9]".to_owned(),
            'D' => "[^0-9]".to_owned(),
            'w' => "[0-9A-Za-z_]".to_owned(),
            'W' => "[^0-9A-Za-z_]".to_owned(),
            's' => "[\\t\\n\\f\\r ]".to_owned(),
            'S' => "[^\\t\\n\\f\\r ]".to_owned(),
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => format!("\\{next}"),
            'p' | 'P' => {
                let name = self.braced_or_one();
                format!("\\{next}{{{name}}}")
            }
            'x' => {
                let digits = if self.rest.peek() == Some(&'{') {
                    self.braced_or_one()
                } else {
                    let digits: String = self.rest.clone().take(2).collect();
                    self.rest.next();
                    self.rest.next();
                    digits
                };
                let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                let code = code.ok_or_else(|| format!("invalid escape sequence: `\\x{digits}`"))?;
                format!("\\x{{{:x}}}", u32::from(code))
            }
            '0'..='7' if next == '0' || self.rest.peek().is_some_and(|it| matches!(it, '0'..='7')) => {
                let mut code = next.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    if let Some(digit) = self.rest.next_if(|it| it.is_digit(8)) {
                        code = code * 8 + digit.to_digit(8).unwrap_or_default();
                    }
                }
                format!("\\x{{{code:x}}}")
            }
            _ if next.is_ascii_punctuation() => format!("\\{next}"),
            _ => return Err(format!("invalid escape sequence: `\\{next}`")),
        })
    }

    /// `{Name}` or one character.
    fn braced_or_one(&mut self) -> String {
        if self.rest.next_if_eq(&'{').is_none() {
            return self.rest.next().map(String::from).unwrap_or_default();
        }
        let mut name = String::new();
        while let Some(next) = self.rest.next().filter(|it| *it != '}') {
            name.push(next);
        }
        name
    }

    /// A class, whose bracket is read.
    fn class(&mut self) -> Result<(), String> {
        let whole: String = self.rest.clone().collect();
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut is_first = true;
        // The character that a range may begin with.
        let mut before: Option<char> = None;
        loop {
            let next = self.rest.next();
            if next == Some('-')
                && let (Some(from), Some(to)) = (before, self.rest.peek().copied())
                && !matches!(to, ']' | '\\' | '[')
                && to < from
            {
                return Err(format!("invalid character class range: `{from}-{to}`"));
            }
            before = next.filter(|it| *it != '\\');
            match next {
                None => return Err(format!("missing closing ]: `[{whole}`")),
                Some(']') if !is_first => break,
                Some('[') if self.rest.peek() == Some(&':') => self.posix()?,
                Some('\\') => {
                    let escaped = self
                        .rest
                        .next()
                        .ok_or_else(|| format!("missing closing ]: `[{whole}`"))?;
                    let meaning = self.class_escape(escaped)?;
                    self.out.push_str(&meaning);
                }
                // A range, or a dash at an end.
                Some('-') => {
                    let is_last = self.rest.peek() == Some(&']');
                    self.out.push_str(if is_first || is_last { "\\-" } else { "-" });
                }
                Some(char) if matches!(char, '[' | ']' | '&' | '~' | '#' | ' ') => {
                    self.out.push('\\');
                    self.out.push(char);
                }
                Some(char) => self.out.push(char),
            }
            is_first = false;
        }
        self.out.push(']');
        Ok(())
    }

    /// `[:alpha:]`.
    fn posix(&mut self) -> Result<(), String> {
        let ahead: String = self.rest.clone().take(16).collect();
        let Some(name) = ahead.strip_prefix(':').and_then(|it| it.split_once(":]")) else {
            self.out.push_str("\\[");
            return Ok(());
        };
        let name = name.0;
        let known = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
            "word", "xdigit",
        ];
        if !known.contains(&name.trim_start_matches('^')) {
            return Err(format!("invalid character class range: `[:{name}:]`"));
        }
        let _ = write!(self.out, "[:{name}:]");
        for _ in 0..name.len() + 3 {
            self.rest.next();
        }
        Ok(())
    }
}
