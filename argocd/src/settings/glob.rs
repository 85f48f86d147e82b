//! Wildcards in the keys of the map `resource.customizations`: `*` and `?` cross the slash, `{a,b}` are alternatives.

/// A pattern over `group/Kind`.
///
/// A class (`[a-z]`) counts as any one character: it is used to warn, where a match too many does less harm than one too few.
#[derive(Clone, Debug)]
pub(crate) struct Glob {
    alternatives: Vec<Vec<char>>,
}

impl Glob {
    /// Whether Argo CD would read this key as a pattern.
    pub(crate) fn is_pattern(text: &str) -> bool {
        text.contains(['*', '?', '[', '{'])
    }

    pub(crate) fn new(text: &str) -> Self {
        let alternatives = expand(text).iter().map(|it| without_classes(it)).collect();
        Self { alternatives }
    }

    /// Whether some text matches both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let pairs = |a: &Vec<char>| other.alternatives.iter().any(|b| meet(a, b));
        self.alternatives.iter().any(pairs)
    }

    /// Whether a text without wildcards matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        self.alternatives.iter().any(|it| meet(it, &text))
    }
}

/// The texts that `{a,b}` stands for.
fn expand(text: &str) -> Vec<String> {
    let parts = text.split_once('{').and_then(|(before, rest)| {
        let (inside, after) = rest.split_once('}')?;
        Some((before, inside, after))
    });
    let Some((before, inside, after)) = parts else {
        return vec![text.to_owned()];
    };
    let ends = expand(after);
    inside
        .split(',')
        .flat_map(|choice| ends.iter().map(move |end| format!("{before}{choice}{end}")))
        .collect()
}

fn without_classes(text: &str) -> Vec<char> {
    let mut pattern = Vec::new();
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        if next == '[' && rest.as_str().contains(']') {
            rest.find(|it| *it == ']');
            pattern.push('?');
        } else {
            pattern.push(next);
        }
    }
    pattern
}

/// Whether two patterns have a text in common: a table over their beginnings, quadratic in their lengths.
fn meet(a: &[char], b: &[char]) -> bool {
    let mut reached = vec![vec![false; b.len() + 1]; a.len() + 1];
    for i in (0..=a.len()).rev() {
        for j in (0..=b.len()).rev() {
            let at = |i: usize, j: usize| reached.get(i).and_then(|row| row.get(j)).copied().unwrap_or(false);
            reached[i][j] = match (a.get(i), b.get(j)) {
                (None, None) => true,
                (Some('*'), None) => at(i + 1, j),
                (None, Some('*')) => at(i, j + 1),
                (Some('*'), Some(_)) | (Some(_), Some('*')) => at(i + 1, j) || at(i, j + 1),
                (Some(x), Some(y)) => (x == y || *x == '?' || *y == '?') && at(i + 1, j + 1),
                (None, Some(_)) | (Some(_), None) => false,
            };
        }
    }
    reached[0][0]
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn patterns_match_across_the_slash() {
        for (pattern, text, matches) in [
            ("*/*", "argoproj.io/Rollout", true),
            ("*", "argoproj.io/Rollout", true),
            ("*.io/Roll?ut", "argoproj.io/Rollout", true),
            ("{apps,argoproj.io}/*", "argoproj.io/Rollout", true),
            ("argoproj.io/[QR]ollout", "argoproj.io/Rollout", true),
            ("*.crossplane.io/*", "argoproj.io/Rollout", false),
            ("*/*", "Pod", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn patterns_meet() {
        for (a, b, meet) in [
            ("*/*", "argoproj.io/*", true),
            ("*.io/Foo", "argoproj.*/Foo", true),
            ("a/*", "b/*", false),
            ("*/Foo", "*/Bar", false),
            ("*", "", true),
        ] {
            assert_eq!(Glob::new(a).meets(&Glob::new(b)), meet, "{a} {b}");
            assert_eq!(Glob::new(b).meets(&Glob::new(a)), meet, "{b} {a}");
        }
    }
}
