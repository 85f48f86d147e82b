//! Which object of the output is which instance.

use super::{Identity, Instance};
use serde_json::Value;
use std::collections::HashMap;

/// For each object of the output, the instance that it came from. What was renamed by something else than prefix, suffix
/// and hash is told by its kind where only one is left.
pub(in crate::kustomize) fn assign(objects: &[Value], instances: &[Instance]) -> Vec<Option<usize>> {
    let identities: Vec<_> = objects.iter().map(Identity::of).collect();
    let mut by_kind: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (index, instance) in instances.iter().enumerate() {
        let key = (instance.original.group.as_str(), instance.original.kind.as_str());
        by_kind.entry(key).or_default().push(index);
    }
    let mut taken = vec![false; instances.len()];
    let mut found = vec![None; objects.len()];
    let ways: [fn(&Identity, &Instance) -> bool; 5] = [
        |object, it| it.name == object.name && it.namespace == object.namespace,
        |object, it| it.is_generated && is_hashed(&object.name, &it.name) && it.namespace == object.namespace,
        |object, it| it.name == object.name,
        |object, it| it.is_generated && is_hashed(&object.name, &it.name),
        |object, it| object.name.contains(it.original.name.as_str()),
    ];
    for way in ways {
        for (at, identity) in identities.iter().enumerate() {
            let Some(identity) = identity.as_ref().filter(|_| found[at].is_none()) else {
                continue;
            };
            let same_kind = by_kind.get(&(identity.group.as_str(), identity.kind.as_str()));
            let mut free = same_kind.into_iter().flatten().copied().filter(|index| !taken[*index]);
            if let Some(index) = free.find(|index| way(identity, &instances[*index])) {
                taken[index] = true;
                found[at] = Some(index);
            }
        }
    }
    // A patch may change the kind, or give any name.
    let only_one: [fn(&Identity, &Instance) -> bool; 3] = [
        |object, it| it.original.kind == object.kind,
        |object, it| it.name == object.name,
        |_, _| true,
    ];
    for fits in only_one {
        for (at, identity) in identities.iter().enumerate() {
            let Some(identity) = identity.as_ref().filter(|_| found[at].is_none()) else {
                continue;
            };
            let free = (0..instances.len()).filter(|index| !taken[*index] && fits(identity, &instances[*index]));
            let free: Vec<usize> = free.take(2).collect();
            let others = identities
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != at && found[*other].is_none());
            let is_wanted = |index: usize| {
                others
                    .clone()
                    .flat_map(|(_, other)| other)
                    .any(|it| fits(it, &instances[index]))
            };
            if let [only] = free[..]
                && !is_wanted(only)
            {
                taken[only] = true;
                found[at] = Some(only);
            }
        }
    }
    found
}

/// Whether a name is another with kustomize's hash at its end: ten small letters and digits.
fn is_hashed(name: &str, plain: &str) -> bool {
    let hash = name.strip_prefix(plain).and_then(|rest| rest.strip_prefix('-'));
    hash.is_some_and(|hash| {
        hash.len() == 10
            && hash
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::is_hashed;

    #[test]
    fn hashes() {
        assert!(is_hashed("p-cm-4h2mbtbbt6", "p-cm"));
        for other in [
            "p-cm",
            "p-cm-4h2mbtbbt",
            "p-cm-4h2mbtbbt66",
            "p-cm-4H2mbtbbt6",
            "x-cm-4h2mbtbbt6",
        ] {
            assert!(!is_hashed(other, "p-cm"), "{other}");
        }
    }
}
