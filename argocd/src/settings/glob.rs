//! Wildcards in the keys of the map `resource.customizations`: `*` and `?` cross the slash, `{a,b}` are alternatives.

use std::collections::BTreeSet;

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

    /// Whether some key that Argo CD can look up matches both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let pairs = |a: &Vec<char>| other.alternatives.iter().any(|b| meet(a, b));
        self.alternatives.iter().any(pairs)
    }

    /// Whether a key without wildcards matches.
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

/// How far a key is read that can name a resource: `group/Kind`, or `Kind` in the core group. A key has at most one slash;
/// a group is lower case with dots, a kind has no dots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Start,
    /// A group or a kind.
    Either,
    Group,
    Slash,
    Kind,
}

impl Part {
    /// One character of each sort that makes a difference, for where both patterns leave it open.
    const SAMPLES: [char; 4] = ['a', 'A', '.', '/'];

    /// The part after one more character; `None` where no key goes on like this.
    fn after(self, next: char) -> Option<Self> {
        let small = next.is_ascii_lowercase() || next.is_ascii_digit() || next == '-';
        match self {
            Self::Start | Self::Either if small => Some(Self::Either),
            Self::Start | Self::Either if next.is_ascii_uppercase() => Some(Self::Kind),
            Self::Group if small || next == '.' => Some(Self::Group),
            Self::Either if next == '.' => Some(Self::Group),
            Self::Either | Self::Group if next == '/' => Some(Self::Slash),
            Self::Slash | Self::Kind if small || next.is_ascii_uppercase() => Some(Self::Kind),
            Self::Start | Self::Either | Self::Group | Self::Slash | Self::Kind => None,
        }
    }

    fn is_whole(self) -> bool {
        matches!(self, Self::Either | Self::Kind)
    }
}

/// Whether two patterns have a possible key in common: a walk over both at once, each place visited once.
fn meet(a: &[char], b: &[char]) -> bool {
    let mut seen = BTreeSet::new();
    let mut ahead = vec![(0, 0, Part::Start)];
    while let Some((i, j, part)) = ahead.pop() {
        if !seen.insert((i, j, part)) {
            continue;
        }
        let (x, y) = (a.get(i), b.get(j));
        if x.is_none() && y.is_none() && part.is_whole() {
            return true;
        }
        // A star may stand for nothing.
        if x == Some(&'*') {
            ahead.push((i + 1, j, part));
        }
        if y == Some(&'*') {
            ahead.push((i, j + 1, part));
        }
        let (Some(&x), Some(&y)) = (x, y) else { continue };
        let is_open = |it: char| it == '*' || it == '?';
        let both = [x, y];
        let choices = match (is_open(x), is_open(y)) {
            (true, true) => &Part::SAMPLES[..],
            (true, false) => &both[1..],
            (false, true) => &both[..1],
            (false, false) if x == y => &both[..1],
            (false, false) => continue,
        };
        let step = |at: usize, it: char| if it == '*' { at } else { at + 1 };
        let next = choices.iter().filter_map(|&it| part.after(it));
        ahead.extend(next.map(|part| (step(i, x), step(j, y), part)));
    }
    false
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
            ("*", "*", true),
            // Only a key with two slashes would match both.
            ("*.upbound.io/*", "*.crossplane.io/*", false),
            ("*.upbound.io/*", "*.io/*", true),
            ("*.upbound.io/*", "*.gcp.upbound.io/Bucket", true),
            ("*/*/*", "*", false),
            // A kind has no dots, a group no capitals, and neither is empty.
            ("*.io", "*", false),
            ("A*/*", "*/*", false),
            ("?*/?*", "*", true),
            ("/*", "*", false),
            ("{apps,batch}/*", "*ch/Job", true),
            ("{apps,batch}/*", "*.ch/Job", false),
            ("Pod", "P?d", true),
        ] {
            assert_eq!(Glob::new(a).meets(&Glob::new(b)), meet, "{a} {b}");
            assert_eq!(Glob::new(b).meets(&Glob::new(a)), meet, "{b} {a}");
        }
    }
}
