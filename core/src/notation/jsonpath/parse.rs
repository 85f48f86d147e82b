//! From the text of a template to its pieces.

use super::{End, Error, Piece, Slice, Step};

/// Reads a whole template.
pub(super) fn template(text: &str) -> Result<Vec<Piece>, Error> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once('{') {
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        let mut reader = Reader {
            rest: inside,
            steps: Vec::new(),
        };
        reader.path()?;
        pieces.push(Piece::Path(reader.steps));
        rest = reader.rest;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

/// Reads a path that stands within another: an operand, a member of a union, a quoted key. Text that ends the braces early
/// is checked and left out.
fn inner(text: &str) -> Result<Vec<Step>, Error> {
    match template(&format!("{{{text}}}"))?.into_iter().next() {
        Some(Piece::Path(steps)) => Ok(steps),
        Some(Piece::Text(_)) | None => Ok(Vec::new()),
    }
}

/// Reads the path in a pair of braces.
struct Reader<'t> {
    /// What is not read yet.
    rest: &'t str,
    /// What was read.
    steps: Vec<Step>,
}

impl<'t> Reader<'t> {
    /// Reads up to the closing brace, and takes it.
    fn path(&mut self) -> Result<(), Error> {
        loop {
            let first = self.rest.chars().next();
            if self.took("[?(") {
                self.filter()?;
                continue;
            }
            if self.took("..") {
                self.descent()?;
                continue;
            }
            match first {
                None | Some('\r' | '\n') => return Err(Error::new("unclosed action")),
                Some('}') => {
                    self.rest = &self.rest[1..];
                    return Ok(());
                }
                Some(' ' | '@' | '$') => self.rest = &self.rest[1..],
                Some('[') => self.brackets()?,
                Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
                Some('.') => {
                    self.rest = &self.rest[1..];
                    self.field();
                }
                Some(sign) if sign == '+' || sign == '-' || sign.is_ascii_digit() => self.number()?,
                Some(letter) if is_of_word(letter) => self.word(),
                Some(other) => {
                    return Err(Error::new(format_args!(
                        "unrecognized character in action: {}",
                        named(other)
                    )));
                }
            }
        }
    }

    fn took(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes so many bytes.
    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// After `..`: a name may follow without a dot.
    fn descent(&mut self) -> Result<(), Error> {
        if self.steps.last() == Some(&Step::Descent) {
            return Err(Error::new("invalid multiple recursive descent"));
        }
        self.steps.push(Step::Descent);
        if self.rest.starts_with(is_of_word) {
            self.field();
        }
        Ok(())
    }

    /// A name after a dot, up to what ends it; a backslash keeps the next character.
    fn field(&mut self) {
        let mut chars = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, char)) = chars.next() {
            if char == '\\' {
                chars.next();
            } else if ends_a_word(char) {
                end = at;
                break;
            }
        }
        let name = self.take(end);
        self.steps.push(if name == "*" {
            Step::Wildcard
        } else {
            Step::Field(name.replace('\\', ""))
        });
    }

    fn word(&mut self) {
        let end = self.rest.find(ends_a_word).unwrap_or(self.rest.len());
        let step = match self.take(end) {
            "true" => Step::Bool(true),
            "false" => Step::Bool(false),
            word => Step::Word(word.to_owned()),
        };
        self.steps.push(step);
    }

    fn number(&mut self) -> Result<(), Error> {
        let sign = usize::from(self.rest.starts_with(['+', '-']));
        let digits = self.rest[sign..].find(|it: char| it != '.' && !it.is_ascii_digit());
        let text = self.take(digits.map_or(self.rest.len(), |digits| sign + digits));
        let float = || text.parse().ok().filter(|number: &f64| number.is_finite());
        let step = text.parse().map(Step::Int).ok().or_else(|| float().map(Step::Float));
        let step = step.ok_or_else(|| Error::new(format_args!("cannot parse number {text}")))?;
        self.steps.push(step);
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), Error> {
        let mut before = quote;
        let mut end = None;
        for (at, char) in self.rest.char_indices().skip(1) {
            if char == '\n' {
                break;
            }
            if char == quote && before != '\\' {
                end = Some(at + 1);
                break;
            }
            before = char;
        }
        let end = end.ok_or_else(|| Error::new("unterminated quoted string"))?;
        let text = self.take(end);
        let within = &text[1..text.len() - 1];
        let plain = unescaped(within, quote)
            .ok_or_else(|| Error::new(format_args!("unquote string {text} error invalid syntax")))?;
        self.steps.push(Step::Text(plain));
        Ok(())
    }

    /// An index, a slice, a union or a quoted key.
    fn brackets(&mut self) -> Result<(), Error> {
        let end = self
            .rest
            .find([']', '\n'])
            .filter(|end| self.rest[*end..].starts_with(']'));
        let end = end.ok_or_else(|| Error::new("unterminated array"))?;
        let text = self.take(end + 1);
        let text = match &text[1..end] {
            "*" => ":",
            text => text,
        };
        if text.contains(',') {
            let members = text
                .split(',')
                .map(|member| inner(&format!("[{}]", member.trim_matches(' '))));
            let members = members.collect::<Result<_, _>>()?;
            self.steps.push(Step::Union(members));
        } else if let Some(key) = key(text) {
            self.steps.extend(inner(&format!(".{key}"))?);
        } else {
            self.steps.push(Step::Slice(slice(text)?));
        }
        Ok(())
    }

    /// After `[?(`: an operand, or two with an operator between them.
    fn filter(&mut self) -> Result<(), Error> {
        let end = self.filter_end().ok_or_else(|| Error::new("unterminated filter"))?;
        let text = self.take(end);
        self.rest = &self.rest[1..];
        if !self.took("]") {
            return Err(Error::new("unclosed array expect ]"));
        }
        self.steps.push(match comparison(text) {
            None => Step::Exists(inner(text)?),
            Some((left, operator, right)) => Step::Compare {
                left: inner(left)?,
                operator: operator.to_owned(),
                right: inner(right)?,
            },
        });
        Ok(())
    }

    /// Where the closing bracket of a filter is. One within a quoted text does not count; only the first such text is seen.
    fn filter_end(&self) -> Option<usize> {
        let mut quote = None;
        let mut closed = false;
        let mut before = '(';
        for (at, char) in self.rest.char_indices() {
            match (char, quote) {
                ('\n', _) => return None,
                ('"' | '\'', None) => quote = Some(char),
                ('"' | '\'', Some(quote)) => closed |= char == quote && before != '\\',
                (')', quote) if quote.is_some() == closed => return Some(at),
                _ => {}
            }
            before = char;
        }
        None
    }
}

/// Splits a comparison at its operator; none where there is no operator or nothing beside it.
fn comparison(text: &str) -> Option<(&str, &str, &str)> {
    let of_operator = |it: char| "!<>=".contains(it);
    let start = text.find(of_operator).filter(|start| *start > 0)?;
    let after = text[start..].find(|it| !of_operator(it));
    // Where nothing but operators follows, the last of them is the right side.
    let end = after.map_or(text.len() - 1, |after| start + after);
    (end > start).then(|| (&text[..start], &text[start..end], &text[end..]))
}

/// The key in `'key'`.
fn key(text: &str) -> Option<&str> {
    let key = text.strip_prefix('\'')?.strip_suffix('\'')?;
    (!key.contains('\'')).then_some(key)
}

fn slice(text: &str) -> Result<Slice, Error> {
    let invalid = || Error::new(format_args!("invalid array index {text}"));
    let parts: Vec<&str> = text.split(':').collect();
    let is_number = |part: &str| part.trim_start_matches('-').bytes().all(|it| it.is_ascii_digit());
    let signs = |part: &str| part.len() - part.trim_start_matches('-').len();
    if parts.len() > 3 || !parts.iter().all(|part| is_number(part) && signs(part) < 2) {
        return Err(invalid());
    }
    let number = |at: usize| match parts.get(at).copied() {
        None | Some("") => Ok(None),
        Some(part) => part
            .parse()
            .map(Some)
            .map_err(|_| Error::new(format_args!("array index {part} is not a number"))),
    };
    let start = number(0)?;
    let end = match (parts.len(), number(1)?) {
        (0 | 1, _) => End::Next,
        (_, None) => End::Open,
        (_, Some(end)) => End::Before(end),
    };
    let step = number(2)?;
    Ok(Slice { start, end, step })
}

/// A quoted text without its escapes, which are those of Go; none where one of them is wrong.
fn unescaped(text: &str, quote: char) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    let mut utf8 = [0; 4];
    while let Some(char) = chars.next() {
        let plain = match char {
            '\\' => match escape(&mut chars, quote)? {
                Escaped::Byte(byte) => {
                    bytes.push(byte);
                    continue;
                }
                Escaped::Char(char) => char,
            },
            char if char == quote => return None,
            char => char,
        };
        bytes.extend_from_slice(plain.encode_utf8(&mut utf8).as_bytes());
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

enum Escaped {
    Char(char),
    Byte(u8),
}

/// What follows a backslash.
fn escape(chars: &mut std::str::Chars<'_>, quote: char) -> Option<Escaped> {
    let code = |chars: &mut std::str::Chars<'_>, digits: usize, radix: u32, first: u32| {
        (0..digits).try_fold(first, |sum, _| Some(sum * radix + chars.next()?.to_digit(radix)?))
    };
    let plain = match chars.next()? {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        'x' => return u8::try_from(code(chars, 2, 16, 0)?).ok().map(Escaped::Byte),
        'u' => char::from_u32(code(chars, 4, 16, 0)?)?,
        'U' => char::from_u32(code(chars, 8, 16, 0)?)?,
        octal @ '0'..='7' => {
            let value = code(chars, 2, 8, octal.to_digit(8)?)?;
            return u8::try_from(value).ok().map(Escaped::Byte);
        }
        same if same == quote => same,
        _ => return None,
    };
    Some(Escaped::Char(plain))
}

fn is_of_word(char: char) -> bool {
    char == '_' || char.is_alphabetic() || char.is_ascii_digit()
}

fn ends_a_word(char: char) -> bool {
    " \t\r\n.,[]$@{}".contains(char)
}

/// A character as Go's `%#U` names it.
fn named(char: char) -> String {
    let code = u32::from(char);
    if char.is_control() {
        format!("U+{code:04X}")
    } else {
        format!("U+{code:04X} '{char}'")
    }
}
