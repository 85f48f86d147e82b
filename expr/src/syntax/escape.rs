//! Escapes of quoted literals.

const WRONG: &str = "unable to unescape string";
const WRONG_OCTAL: &str = "unable to unescape octal sequence in string";

/// What a text within quotes means. Line ends become `\n`.
pub(super) fn text(raw: &str) -> Result<String, String> {
    let raw = normal(raw);
    let mut rest = raw.chars();
    let mut found = String::with_capacity(raw.len());
    while let Some(next) = rest.next() {
        if next != '\\' {
            found.push(next);
            continue;
        }
        let escape = rest.next().ok_or(WRONG)?;
        let code = match escape {
            'x' | 'X' => hex(&mut rest, 2)?,
            'u' if rest.as_str().starts_with('{') => braced(&mut rest)?,
            'u' => hex(&mut rest, 4)?,
            'U' => hex(&mut rest, 8)?,
            '0'..='3' => octal(escape, &mut rest)?,
            _ => simple(escape)?,
        };
        if code > 0x0010_FFFF {
            return Err(WRONG.to_owned());
        }
        found.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    Ok(found)
}

/// The bytes of a `b"…"` literal.
pub(super) fn bytes(raw: &str) -> Result<Vec<u8>, String> {
    let raw = normal(raw);
    let mut rest = raw.chars();
    let mut found = Vec::with_capacity(raw.len());
    while let Some(next) = rest.next() {
        if next != '\\' {
            found.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escape = rest.next().ok_or(WRONG)?;
        let code = match escape {
            'x' | 'X' => hex(&mut rest, 2)?,
            '0'..='3' => octal(escape, &mut rest)?,
            _ => simple(escape)?,
        };
        found.push(u8::try_from(code).map_err(|_| WRONG)?);
    }
    Ok(found)
}

fn normal(raw: &str) -> String {
    raw.replace("\r\n", "\n").replace('\r', "\n")
}

fn simple(escape: char) -> Result<u32, String> {
    Ok(match escape {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0C,
        'n' => 0x0A,
        'r' => 0x0D,
        't' => 0x09,
        'v' => 0x0B,
        '\\' | '\'' | '"' | '`' | '?' => u32::from(escape),
        _ => return Err(WRONG.to_owned()),
    })
}

fn hex(rest: &mut std::str::Chars<'_>, digits: usize) -> Result<u32, String> {
    let mut code = 0_u32;
    for _ in 0..digits {
        let digit = rest.next().and_then(|it| it.to_digit(16)).ok_or(WRONG)?;
        code = code.checked_mul(16).and_then(|it| it.checked_add(digit)).ok_or(WRONG)?;
    }
    Ok(code)
}

fn braced(rest: &mut std::str::Chars<'_>) -> Result<u32, String> {
    rest.next();
    let mut code = 0;
    for count in 0.. {
        match rest.next() {
            Some('}') if count > 0 => return Ok(code),
            Some(digit) if count < 6 => code = code * 16 + digit.to_digit(16).ok_or(WRONG)?,
            _ => break,
        }
    }
    Err(WRONG.to_owned())
}

fn octal(first: char, rest: &mut std::str::Chars<'_>) -> Result<u32, String> {
    let mut code = first.to_digit(8).ok_or(WRONG_OCTAL)?;
    for _ in 0..2 {
        let digit = rest.next().and_then(|it| it.to_digit(8)).ok_or(WRONG_OCTAL)?;
        code = code * 8 + digit;
    }
    Ok(code)
}
