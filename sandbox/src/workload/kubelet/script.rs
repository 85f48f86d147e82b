//! Commands of Jobs that the kubelet interprets itself: a few words that tests and examples need, in the time of the cluster.

use super::process;
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Container;

/// The codes of a shell.
const SUCCESS: i32 = 0;
const FAILURE: i32 = 1;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    /// The time from its start to its end.
    pub(super) after: SignedDuration,
    /// Its exit code.
    pub(super) code: i32,
}

/// How the command of `container` ends; `None` if it contains anything that is not interpreted.
///
/// Known are `true`, `false` and `sleep N`, as a program or in the text of `sh -c`; and in that text `:`, `exit N`, `echo` with plain
/// words, `;`, `&&`, `||` and line breaks.
pub(super) fn ending(container: &Container) -> Option<Ending> {
    let words = container
        .command
        .as_ref()?
        .iter()
        .chain(container.args.iter().flatten());
    let words: Vec<String> = words.map(|it| process::expand(it, container)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (program, arguments) = words.split_first()?;
    let program = program.rsplit('/').next().unwrap_or(program);
    match (program, arguments) {
        ("sh" | "ash" | "bash", ["-c", text]) => shell(text),
        ("exit" | ":" | "echo", _) => None, // Words of a shell; no program of this name is known.
        _ => match command(&[&[program], arguments].concat())? {
            Done::Went { after, code } | Done::Left { after, code } => Some(Ending { after, code }),
        },
    }
}

/// What one command did.
enum Done {
    /// It ended.
    Went { after: SignedDuration, code: i32 },
    /// It ended the shell.
    Left { after: SignedDuration, code: i32 },
}

fn command(words: &[&str]) -> Option<Done> {
    let at_once = |code| Done::Went {
        after: SignedDuration::ZERO,
        code,
    };
    Some(match words {
        ["true" | ":"] => at_once(SUCCESS),
        ["false"] => at_once(FAILURE),
        ["echo", ..] => at_once(SUCCESS),
        ["sleep", time] => Done::Went {
            after: seconds(time)?,
            code: SUCCESS,
        },
        ["exit", code] => Done::Left {
            after: SignedDuration::ZERO,
            code: i32::from(code.parse::<u8>().ok()?),
        },
        _ => return None,
    })
}

/// `5`, `0.5s`, `2m` or `1h`.
fn seconds(text: &str) -> Option<SignedDuration> {
    let (number, unit) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1.0),
        (at, 'm') => (&text[..at], 60.0),
        (at, 'h') => (&text[..at], 3600.0),
        _ => (text, 1.0),
    };
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = number.parse::<f64>().ok().filter(|_| plain)?;
    SignedDuration::try_from_secs_f64(number * unit).ok()
}

/// Runs the text of `sh -c`. All of it must be known, also what is not reached.
fn shell(text: &str) -> Option<Ending> {
    // Expansion, quotes, pipes, redirections and jobs are not interpreted.
    if text.contains([
        '$', '`', '\'', '"', '\\', '<', '>', '(', ')', '{', '}', '*', '?', '[', '#', '=',
    ]) {
        return None;
    }
    let text = text
        .replace("&&", " \u{1} ")
        .replace("||", " \u{2} ")
        .replace([';', '\n'], " \u{3} ");
    if text.contains(['&', '|']) {
        return None;
    }
    let (mut after, mut code, mut left) = (SignedDuration::ZERO, SUCCESS, false);
    let mut runs = true;
    for part in text.split_inclusive(['\u{1}', '\u{2}', '\u{3}']) {
        let words: Vec<&str> = part.split_whitespace().filter(|word| !is_operator(word)).collect();
        if !words.is_empty() {
            let done = command(&words)?;
            if runs && !left {
                let (Done::Went {
                    after: took,
                    code: ended,
                }
                | Done::Left {
                    after: took,
                    code: ended,
                }) = &done;
                after = after.checked_add(*took)?;
                code = *ended;
                left = matches!(done, Done::Left { .. });
            }
        }
        runs = match part.chars().last() {
            Some('\u{1}') => code == SUCCESS,
            Some('\u{2}') => code != SUCCESS,
            _ => true,
        };
    }
    Some(Ending { after, code })
}

fn is_operator(word: &str) -> bool {
    matches!(word, "\u{1}" | "\u{2}" | "\u{3}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn of(words: &[&str]) -> Option<(i128, i32)> {
        let env = json!([{"name": "N", "value": "3"}]);
        let container = serde_json::from_value(json!({"name": "c", "command": words, "env": env})).unwrap();
        ending(&container).map(|it| (it.after.as_millis(), it.code))
    }

    #[test]
    fn programs_that_are_known() {
        assert_eq!(of(&["true"]), Some((0, 0)));
        assert_eq!(of(&["/bin/false"]), Some((0, 1)));
        assert_eq!(of(&["sleep", "0.5"]), Some((500, 0)));
        assert_eq!(of(&["sleep", "$(N)m"]), Some((180_000, 0)));
    }

    #[test]
    fn texts_of_a_shell() {
        for (text, ends) in [
            ("exit 1", (0, 1)),
            ("sleep 2 && exit $(N)", (2_000, 3)),
            ("false || exit 7", (0, 7)),
            ("false && exit 7", (0, 1)),
            ("false && sleep 9 || sleep 1", (1_000, 0)),
            ("false; true", (0, 0)),
            ("echo all is well\nsleep 1h\nexit 0", (3_600_000, 0)),
            ("exit 4; sleep 5", (0, 4)),
        ] {
            assert_eq!(of(&["sh", "-c", text]), Some(ends), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not_interpreted() {
        for text in [
            "curl -f http://web",
            "exit $CODE",
            "sleep 1 &",
            "true | false",
            "echo 'a b'",
            "exit 256",
            "sleep -1",
            "true && curl web",
            "exit",
        ] {
            assert_eq!(of(&["sh", "-c", text]), None, "{text}");
        }
        assert_eq!(of(&["/app/check"]), None);
        assert_eq!(of(&["sleep", "a"]), None);
        assert_eq!(of(&["sh", "-ec", "true"]), None);
        assert_eq!(of(&[]), None);
    }
}
