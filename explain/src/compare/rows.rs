//! The fields in which the columns differ, with the items of lists put side by side.

use std::collections::BTreeSet;

use serde_json::Value;
use serin_gitops::yaml::{FieldPath, Step};

/// A field in three columns.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    /// Where it stands in each column: items of lists can have moved.
    pub(super) paths: [FieldPath; 3],
    /// What stands there.
    pub(super) values: [Option<&'a Value>; 3],
    /// Whether the column has a say about the field.
    pub(super) applies: [bool; 3],
}

impl Row<'_> {
    /// Its path in the first column that has it.
    pub(super) fn path(&self) -> FieldPath {
        let column = self.values.iter().position(Option::is_some).unwrap_or_default();
        self.paths.get(column).cloned().unwrap_or_default()
    }
}

/// The fields that differ. The third column is about the pod template only.
pub(super) fn differing<'a>(columns: [Option<&'a Value>; 3]) -> Vec<Row<'a>> {
    let applies = [columns[0].is_some(), columns[1].is_some(), false];
    let mut found = Vec::new();
    let start = Row {
        paths: [FieldPath::root(), FieldPath::root(), FieldPath::root()],
        values: columns,
        applies,
    };
    walk(start, columns[2].is_some(), &mut found);
    found
}

fn walk<'a>(mut row: Row<'a>, has_stable: bool, found: &mut Vec<Row<'a>>) {
    let is_template = row.paths[0].to_string() == "spec.template";
    if is_template && has_stable && row.values[..2].iter().any(Option::is_some) {
        row.applies[2] = true;
    }
    let present: Vec<&Value> = row
        .values
        .iter()
        .zip(row.applies)
        .filter(|(_, applies)| *applies)
        .filter_map(|(value, _)| *value)
        .collect();
    let Some(first) = present.first() else {
        return;
    };
    let count = row.applies.iter().filter(|applies| **applies).count();
    let all_equal = present.iter().all(|value| value == first);
    let above = is_above_the_template(&row.paths[0]);
    if all_equal && present.len() == count && !(above && has_stable) {
        return;
    }
    let objects = present.iter().all(|value| value.is_object());
    let arrays = present.iter().all(|value| value.is_array());
    if (all_equal && !above) || !(objects || arrays) {
        found.push(row);
    } else if objects {
        members(&row, has_stable, found);
    } else {
        items(&row, has_stable, found);
    }
}

/// Whether a path leads to the pod template, in which the third column has a say.
fn is_above_the_template(path: &FieldPath) -> bool {
    matches!(path.steps(), [] | [Step::Key(_)]) && matches!(path.to_string().as_str(), "" | "spec")
}

fn members<'a>(row: &Row<'a>, has_stable: bool, found: &mut Vec<Row<'a>>) {
    let keys: BTreeSet<&String> = row
        .values
        .iter()
        .flatten()
        .filter_map(|value| value.as_object())
        .flat_map(|members| members.keys())
        .collect();
    for key in keys {
        let values = row
            .values
            .map(|value| value.and_then(|value| value.get(key)).filter(|value| !value.is_null()));
        let paths = row.paths.each_ref().map(|path| path.key(key));
        walk(
            Row {
                paths,
                values,
                applies: row.applies,
            },
            has_stable,
            found,
        );
    }
}

fn items<'a>(row: &Row<'a>, has_stable: bool, found: &mut Vec<Row<'a>>) {
    let lists = row
        .values
        .map(|value| value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice));
    let lines = if lists.iter().all(|list| are_named(list)) {
        by_name(lists)
    } else {
        by_place(lists)
    };
    for line in lines {
        let mut next = Row {
            paths: row.paths.clone(),
            values: [None; 3],
            applies: row.applies,
        };
        let any = line.iter().flatten().next().copied().unwrap_or_default();
        for (column, place) in line.into_iter().enumerate() {
            if let (Some(path), Some(value), Some(list)) = (
                next.paths.get_mut(column),
                next.values.get_mut(column),
                lists.get(column),
            ) {
                *path = path.index(place.unwrap_or(any));
                *value = place.and_then(|place| list.get(place));
            }
        }
        walk(next, has_stable, found);
    }
}

type Line = [Option<usize>; 3];

fn by_place(lists: [&[Value]; 3]) -> Vec<Line> {
    let longest = lists.iter().map(|list| list.len()).max().unwrap_or_default();
    (0..longest)
        .map(|place| lists.map(|list| (place < list.len()).then_some(place)))
        .collect()
}

fn by_name(lists: [&[Value]; 3]) -> Vec<Line> {
    let mut lines: Vec<(&str, Line)> = Vec::new();
    for (column, list) in lists.into_iter().enumerate() {
        for (place, item) in list.iter().enumerate() {
            let name = name(item).unwrap_or_default();
            let known = lines.iter().position(|(known, _)| *known == name);
            let at = known.unwrap_or_else(|| {
                lines.push((name, [None; 3]));
                lines.len() - 1
            });
            if let Some(cell) = lines.get_mut(at).and_then(|(_, line)| line.get_mut(column)) {
                *cell = Some(place);
            }
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

fn are_named(list: &[Value]) -> bool {
    let names: BTreeSet<&str> = list.iter().filter_map(name).collect();
    names.len() == list.len()
}

fn name(item: &Value) -> Option<&str> {
    item.get("name").and_then(Value::as_str)
}
