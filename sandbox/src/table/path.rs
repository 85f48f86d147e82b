//! The simple JSON paths of printer columns: fields, indexes, and one kind of filter.

use serde_json::Value;

/// The first value at a path such as `.status.conditions[?(@.type=="Ready")].status`.
pub(super) fn find<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = object;
    for step in steps(path) {
        value = match step {
            Step::Field(name) => value.get(&name)?,
            Step::Index(index) => value.get(index)?,
            Step::Where(field, wanted) => value
                .as_array()?
                .iter()
                .find(|item| find(item, &field).and_then(Value::as_str) == Some(wanted.as_str()))?,
        };
    }
    Some(value)
}

enum Step {
    Field(String),
    Index(usize),
    Where(String, String),
}

fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut name = String::new();
    let mut letters = path.chars();
    let flush = |name: &mut String, steps: &mut Vec<Step>| {
        if !name.is_empty() {
            steps.push(Step::Field(std::mem::take(name)));
        }
    };
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => name.extend(letters.next()),
            '.' => flush(&mut name, &mut steps),
            '[' => {
                flush(&mut name, &mut steps);
                let inner: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                steps.extend(bracket(&inner));
            }
            other => name.push(other),
        }
    }
    flush(&mut name, &mut steps);
    steps
}

fn bracket(inner: &str) -> Option<Step> {
    if let Ok(index) = inner.parse() {
        return Some(Step::Index(index));
    }
    let quoted = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
    match inner.strip_prefix("?(").and_then(|rest| rest.strip_suffix(')')) {
        Some(filter) => {
            let (field, wanted) = filter.split_once("==")?;
            Some(Step::Where(
                field.trim().trim_start_matches('@').to_owned(),
                quoted(wanted),
            ))
        }
        None => Some(Step::Field(quoted(inner))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::find;

    #[test]
    fn fields_indexes_and_filters() {
        let object = json!({
            "metadata": { "labels": { "a.b/c": "x" } },
            "list": [{ "type": "A", "status": "1" }, { "type": "B", "status": "2" }],
        });
        let table = [
            (".list[1].status", Some("2")),
            (".list[?(@.type==\"A\")].status", Some("1")),
            (".list[?(@.type==\"C\")].status", None),
            (".metadata.labels.a\\.b/c", Some("x")),
            (".metadata.labels['a.b/c']", Some("x")),
            (".nothing.here", None),
        ];
        for (path, expected) in table {
            assert_eq!(find(&object, path).and_then(|value| value.as_str()), expected, "{path}");
        }
    }
}
