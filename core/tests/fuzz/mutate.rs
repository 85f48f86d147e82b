//! One small change of a text.

use super::random::Random;

/// A change of a place of the text: characters, words of the target's language, lines, parts of another input.
pub(crate) fn text(random: &mut Random, input: &str, other: &str, words: &[&str]) -> String {
    let characters: Vec<char> = input.chars().collect();
    let from = random.below(characters.len() + 1);
    let to = from + random.below((characters.len() - from).min(24) + 1);
    let head = || characters[..from].iter().collect::<String>();
    let tail = |at: usize| characters[at..].iter().collect::<String>();
    match random.below(9) {
        0 => format!("{}{}", head(), tail(to)),
        1 => format!("{}{}{}", head(), random.pick(words), tail(from)),
        2 => format!("{}{}{}", head(), random.pick(words), tail(to)),
        3 => format!("{}{}{}", head(), odd(random), tail(from)),
        4 => {
            let copied: String = characters[from..to].iter().collect();
            format!("{}{copied}{copied}{}", head(), tail(to))
        }
        5 => value(random, input, words),
        6 => lines(random, input),
        7 => {
            let lines: Vec<&str> = other.split_inclusive('\n').collect();
            let line = if lines.is_empty() { "" } else { random.pick(&lines) };
            format!("{}{line}{}", head(), tail(from))
        }
        _ => {
            let digit = char::from(b'0' + u8::try_from(random.below(10)).unwrap());
            format!("{}{digit}{}", head(), tail(from))
        }
    }
}

/// A character of another kind.
fn odd(random: &mut Random) -> char {
    let odd = [
        '\0',
        '\u{7f}',
        '\u{85}',
        'é',
        '\u{200b}',
        '\u{10ffff}',
        '\n',
        ' ',
        ':',
        '-',
    ];
    odd[random.below(odd.len())]
}

/// A word in place of what a line says after its colon: the structure stays.
fn value(random: &mut Random, input: &str, words: &[&str]) -> String {
    let lines: Vec<&str> = input.split_inclusive('\n').collect();
    if lines.is_empty() {
        return input.to_owned();
    }
    let at = random.below(lines.len());
    let word = random.pick(words);
    let change = |(index, line): (usize, &&str)| match line.split_once(": ") {
        Some((key, _)) if index == at => format!("{key}: {word}\n"),
        Some(_) | None => (*line).to_owned(),
    };
    lines.iter().enumerate().map(change).collect()
}

/// A line less, twice, or elsewhere.
fn lines(random: &mut Random, input: &str) -> String {
    let mut lines: Vec<&str> = input.split_inclusive('\n').collect();
    if lines.is_empty() {
        return input.to_owned();
    }
    let (from, to) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(3) {
        0 => _ = lines.remove(from),
        1 => lines.insert(to, lines[from]),
        _ => lines.swap(from, to),
    }
    lines.concat()
}

/// No longer than so many bytes.
pub(crate) fn cut(text: &mut String, bytes: usize) {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}
