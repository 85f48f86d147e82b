//! Rows as columns, laid out as Go's tabwriter does it: scripts cut columns, and see the blanks.

/// Blanks between two columns.
const GAP: usize = 2;

/// Rows of cells as lines. A column is as wide as its longest cell, counted in characters without colours, and two blanks.
/// The last cell of a row stands as it is; every other is padded, also where all after it are empty.
#[must_use]
pub(crate) fn align<R: AsRef<[String]>>(rows: &[R]) -> String {
    let mut widths = Vec::new();
    for row in rows {
        for (index, cell) in all_but_last(row.as_ref()).iter().enumerate() {
            if index == widths.len() {
                widths.push(0);
            }
            widths[index] = usize::max(widths[index], visible(cell) + GAP);
        }
    }
    let mut text = String::new();
    for row in rows {
        let row = row.as_ref();
        for (width, cell) in widths.iter().zip(all_but_last(row)) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width - visible(cell)));
        }
        text.push_str(row.last().map_or("", String::as_str));
        text.push('\n');
    }
    text
}

fn all_but_last(row: &[String]) -> &[String] {
    row.split_last().map_or(&[], |(_, others)| others)
}

/// Characters of a cell, colours aside.
fn visible(cell: &str) -> usize {
    let mut in_escape = false;
    cell.chars()
        .filter(|&c| {
            let counts = !in_escape && c != '\x1b';
            in_escape = (in_escape || c == '\x1b') && c != 'm';
            counts
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let rows = [
            ["NAME", "AGE", "INFO"],
            ["\x1b[32mα\x1b[0m", "", ""],
            ["longest", "2d3h", "x"],
        ];
        let rows = rows.map(|row| row.map(str::to_owned));
        let expected = "NAME     AGE   INFO\n\x1b[32mα\x1b[0m              \nlongest  2d3h  x\n";
        assert_eq!(align(&rows), expected);
    }
}
