//! From characters to words.

use super::escape;
use super::token::{Token, TokenKind};
use crate::go::quote::{code_point, quoted};
use std::collections::VecDeque;

/// Words that are operators.
const WORDS: [&str; 10] = [
    "in",
    "or",
    "and",
    "matches",
    "contains",
    "startsWith",
    "endsWith",
    "let",
    "if",
    "else",
];

/// Reads words one by one, so that an error shows only once the parser gets there.
pub(super) struct Lexer<'a> {
    source: &'a str,
    /// Where the word begins, and where it ends so far, in bytes.
    start: usize,
    end: usize,
    ready: VecDeque<Token>,
    is_done: bool,
}

/// Whether it may stand in a name.
pub(super) fn is_name(char: char) -> bool {
    char == '_' || char == '$' || char.is_alphabetic() || char.is_numeric()
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            start: 0,
            end: 0,
            ready: VecDeque::new(),
            is_done: false,
        }
    }

    /// The next word; none after the end.
    pub(super) fn token(&mut self) -> Result<Option<Token>, String> {
        while self.ready.is_empty() && !self.is_done {
            self.scan()?;
        }
        Ok(self.ready.pop_front())
    }

    fn peek(&self) -> Option<char> {
        self.source.get(self.end..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.end += next.len_utf8();
        Some(next)
    }

    fn accept(&mut self, chars: &str) -> bool {
        let is_next = self.peek().is_some_and(|it| chars.contains(it));
        if is_next {
            self.next();
        }
        is_next
    }

    fn accept_run(&mut self, chars: &str) {
        while self.accept(chars) {}
    }

    fn word(&self) -> &'a str {
        self.source.get(self.start..self.end).unwrap_or_default()
    }

    fn emit(&mut self, kind: TokenKind) {
        let word = self.word();
        self.emit_text(kind, word);
    }

    fn emit_text(&mut self, kind: TokenKind, text: impl Into<String>) {
        self.ready.push_back(Token::new(kind, text));
        self.start = self.end;
    }

    fn scan(&mut self) -> Result<(), String> {
        self.start = self.end;
        let Some(char) = self.next() else {
            self.is_done = true;
            self.emit_text(TokenKind::End, "");
            return Ok(());
        };
        match char {
            _ if char.is_whitespace() => {}
            '\'' | '"' => {
                let text = escape::text(self.literal(char)?)?;
                self.emit_text(TokenKind::String, text);
            }
            '`' => self.raw()?,
            'b' | 'B' if matches!(self.peek(), Some('\'' | '"')) => {
                let quote = self.next().unwrap_or_default();
                self.start += 1;
                let bytes = escape::bytes(self.literal(quote)?)?;
                self.emit_text(TokenKind::Bytes, String::from_utf8_lossy(&bytes));
                if let Some(token) = self.ready.back_mut() {
                    token.bytes = bytes;
                }
            }
            '0'..='9' => {
                self.end = self.start;
                self.number()?;
            }
            '?' => {
                self.accept(".?");
                self.emit(TokenKind::Operator);
            }
            '/' if self.accept("/") => while self.next().is_some_and(|it| it != '\n') {},
            '/' if self.accept("*") => self.comment()?,
            '#' => self.pointer(),
            '|' => {
                self.accept("|");
                self.emit(TokenKind::Operator);
            }
            ':' => {
                self.accept(":");
                self.emit(TokenKind::Operator);
            }
            '(' | '[' | '{' | ')' | ']' | '}' => self.emit(TokenKind::Bracket),
            '/' | ',' | ';' | '%' | '+' | '-' | '^' => self.emit(TokenKind::Operator),
            '&' | '!' | '=' | '*' | '<' | '>' => {
                self.accept("&=*");
                self.emit(TokenKind::Operator);
            }
            '.' if self.peek().is_some_and(|it| it.is_ascii_digit()) => {
                self.end = self.start;
                self.number()?;
            }
            '.' => {
                self.accept(".");
                self.emit(TokenKind::Operator);
            }
            _ if is_name(char) => self.name(),
            _ => return Err(format!("unrecognized character: {}", code_point(char))),
        }
        Ok(())
    }

    /// A quoted literal whose quote is read: what is between the quotes.
    fn literal(&mut self, quote: char) -> Result<&'a str, String> {
        const OPEN: &str = "literal not terminated";
        loop {
            match self.next().ok_or(OPEN)? {
                '\n' => return Err(OPEN.to_owned()),
                '\\' => self.escape(quote)?,
                char if char == quote => break,
                _ => {}
            }
        }
        Ok(self.source.get(self.start + 1..self.end - 1).unwrap_or_default())
    }

    fn escape(&mut self, quote: char) -> Result<(), String> {
        match self.next() {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\') => Ok(()),
            Some(char) if char == quote => Ok(()),
            Some('0'..='7') => self.digits(8, 2),
            Some('x') => self.digits(16, 2),
            Some('u') if self.accept("{") => {
                let begin = self.end;
                self.accept_run("0123456789abcdefABCDEF");
                let count = self.end - begin;
                let is_closed = self.accept("}");
                wrong_escape_unless((1..=6).contains(&count) && is_closed)
            }
            Some('u') => self.digits(16, 4),
            Some('U') => self.digits(16, 8),
            _ => wrong_escape_unless(false),
        }
    }

    fn digits(&mut self, base: u32, count: usize) -> Result<(), String> {
        for _ in 0..count {
            let is_digit = self.next().is_some_and(|it| it.is_digit(base));
            wrong_escape_unless(is_digit)?;
        }
        Ok(())
    }

    /// A literal in backticks, of which two stand for one.
    fn raw(&mut self) -> Result<(), String> {
        loop {
            match self.next() {
                Some('`') if self.accept("`") => {}
                Some('`') => break,
                Some(_) => {}
                None => return Err("literal not terminated".to_owned()),
            }
        }
        let text = self.source.get(self.start + 1..self.end - 1).unwrap_or_default();
        self.emit_text(TokenKind::String, text.replace("``", "`"));
        Ok(())
    }

    fn number(&mut self) -> Result<(), String> {
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        let end = self.end;
        if self.accept(".") {
            if self.peek() == Some('.') {
                // `1..2` is a range.
                self.end = end;
                self.emit(TokenKind::Number);
                return Ok(());
            }
            self.accept_run(digits);
        }
        if self.accept("eE") {
            self.accept("+-");
            self.accept_run(digits);
        }
        if self.peek().is_some_and(is_name) {
            self.next();
            return Err(format!("bad number syntax: {}", quoted(self.word())));
        }
        self.emit(TokenKind::Number);
        Ok(())
    }

    fn absorb_name(&mut self) {
        while self.peek().is_some_and(is_name) {
            self.next();
        }
    }

    fn name(&mut self) {
        self.absorb_name();
        let word = self.word();
        if word == "not" {
            self.not();
        } else if WORDS.contains(&word) {
            self.emit(TokenKind::Operator);
        } else {
            self.emit(TokenKind::Identifier);
        }
    }

    /// `not`, and the word after it if that may be negated.
    fn not(&mut self) {
        self.emit(TokenKind::Operator);
        self.accept_run(" ");
        self.start = self.end;
        let end = self.end;
        self.absorb_name();
        match self.word() {
            "in" | "matches" | "contains" | "startsWith" | "endsWith" => self.emit(TokenKind::Operator),
            _ => self.end = end,
        }
    }

    fn pointer(&mut self) {
        self.accept("#");
        self.emit(TokenKind::Operator);
        self.absorb_name();
        if !self.word().is_empty() {
            self.emit(TokenKind::Identifier);
        }
    }

    fn comment(&mut self) -> Result<(), String> {
        loop {
            match self.next() {
                None => return Err("unclosed comment".to_owned()),
                Some('*') if self.accept("/") => return Ok(()),
                Some(_) => {}
            }
        }
    }
}

fn wrong_escape_unless(is_right: bool) -> Result<(), String> {
    if is_right {
        Ok(())
    } else {
        Err("invalid char escape".to_owned())
    }
}
