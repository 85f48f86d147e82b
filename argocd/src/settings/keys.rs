//! Keys of the split form, `resource.customizations.<type>.<group>_<Kind>`.

/// The beginning that makes Argo CD look at a key.
pub(crate) const PREFIX: &str = "resource.customizations";

/// What a key customizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CustomizationType {
    /// The health script.
    Health,
    /// Whether that script gets Lua's whole library.
    UseOpenLibs,
    /// The resource actions.
    Actions,
    /// Fields that no comparison looks at.
    IgnoreDifferences,
    /// Fields whose change alone refreshes nothing.
    IgnoreResourceUpdates,
    /// Fields that are compared as a Kubernetes type.
    KnownTypeFields,
}

impl CustomizationType {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Health,
        Self::UseOpenLibs,
        Self::Actions,
        Self::IgnoreDifferences,
        Self::IgnoreResourceUpdates,
        Self::KnownTypeFields,
    ];

    /// The word in a split key.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::UseOpenLibs => "useOpenLibs",
            Self::Actions => "actions",
            Self::IgnoreDifferences => "ignoreDifferences",
            Self::IgnoreResourceUpdates => "ignoreResourceUpdates",
            Self::KnownTypeFields => "knownTypeFields",
        }
    }

    /// The field of the same meaning in the map `resource.customizations`.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Health => "health.lua",
            Self::UseOpenLibs => "health.lua.useOpenLibs",
            Self::Actions | Self::IgnoreDifferences | Self::IgnoreResourceUpdates | Self::KnownTypeFields => {
                self.name()
            }
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// The type that somebody who wrote this word may have meant.
    fn meant(word: &str) -> Option<Self> {
        let plain = |text: &str| text.to_ascii_lowercase().trim_end_matches('s').to_owned();
        Self::ALL
            .into_iter()
            .find(|it| plain(it.name()) == plain(word) || plain(it.field()) == plain(word))
    }
}

/// What Argo CD makes of a key that begins with [`PREFIX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The map of all kinds.
    Map,
    /// Too few parts: passed over in silence.
    Ignored,
    /// A customization of one kind.
    Split(SplitKey),
    /// Stops the load. Why, and what to write instead.
    Wrong {
        /// What is wrong.
        problem: String,
        /// What to write.
        remedy: String,
    },
}

/// A customization of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitKey {
    /// What is customized.
    pub customization: CustomizationType,
    /// `group/Kind`, `Kind` in the core group, `*/*` for all kinds.
    pub group_kind: String,
}

/// Reads a key; `None` if Argo CD does not take it for a customization.
pub(crate) fn parse(key: &str) -> Option<Key> {
    if key == PREFIX {
        return Some(Key::Map);
    }
    if !key.starts_with(PREFIX) {
        return None;
    }
    let mut parts = key.splitn(4, '.').skip(2);
    let (Some(word), Some(kind)) = (parts.next(), parts.next()) else {
        return Some(Key::Ignored);
    };
    let group_kind = match kind.split('_').collect::<Vec<_>>()[..] {
        [group, kind] => format!("{group}/{kind}"),
        ["all"] => "*/*".to_owned(),
        [kind] if !kind.is_empty() => kind.to_owned(),
        _ => return Some(wrong_kind(word, kind)),
    };
    Some(match CustomizationType::of(word) {
        Some(customization) => Key::Split(SplitKey {
            customization,
            group_kind,
        }),
        None => wrong_type(word, kind),
    })
}

fn wrong_kind(word: &str, kind: &str) -> Key {
    let problem = if kind.is_empty() {
        "no kind is named".to_owned()
    } else {
        format!(
            "{kind:?} has {} underscores; exactly one stands between group and kind, none before a kind of the core group",
            kind.matches('_').count()
        )
    };
    let remedy = format!(
        "name it {PREFIX}.{word}.<group>_<Kind>; a group or kind that needs a wildcard or another underscore goes into the map `{PREFIX}`"
    );
    Key::Wrong { problem, remedy }
}

fn wrong_type(word: &str, kind: &str) -> Key {
    let names: Vec<_> = CustomizationType::ALL.iter().map(|it| it.name()).collect();
    let remedy = match CustomizationType::meant(word) {
        Some(meant) => format!("rename the key to {PREFIX}.{}.{kind}", meant.name()),
        None => format!("use one of {}, or remove the key", names.join(", ")),
    };
    Key::Wrong {
        problem: format!("there is no customization type {word:?}"),
        remedy,
    }
}

/// A key of the split form that Argo CD understands.
pub(crate) fn split_key(key: &str) -> Option<SplitKey> {
    match parse(key)? {
        Key::Split(split) => Some(split),
        Key::Map | Key::Ignored | Key::Wrong { .. } => None,
    }
}
