//! Words that are near each other, and patterns as kustomize reads them.

/// Letters to insert, delete or replace to get from one word to the other, apart from capitals.
pub(super) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.to_lowercase().chars().enumerate() {
        let mut diagonal = index;
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
        for (column, against) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *against);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The word that is nearest, if it is near enough for a typing error.
pub(super) fn nearest<'w>(word: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let near = words
        .map(|other| (distance(word, other), other))
        .filter(|(steps, _)| *steps > 0)
        .min()?;
    (near.0 <= 1 + usize::from(word.len() > 7)).then_some(near.1)
}

/// Whether a text of a target is a pattern, and not simply a name.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(|c: char| !(c.is_alphanumeric() || c == '-' || c == '.' || c == '_')) || text.contains(".*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_near() {
        assert_eq!(distance("web", "Web"), 0);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest("wbe", ["web", "worker"].into_iter()), None);
        assert_eq!(nearest("we", ["web", "worker"].into_iter()), Some("web"));
        assert_eq!(
            nearest("web", ["web"].into_iter()),
            None,
            "the same word is no typing error"
        );
        assert_eq!(
            nearest("checkout-canry", ["checkout-canary", "x"].into_iter()),
            Some("checkout-canary")
        );
        assert!(is_pattern("web.*") && is_pattern("a|b") && !is_pattern("web-1.x"));
    }
}
