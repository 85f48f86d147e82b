//! The scripts of one kind, whoever wrote them.

/// What Argo CD calls a resource customization, as far as it is Lua.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Customization {
    /// API group, empty for the core one.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// `health.lua`.
    pub health: Option<String>,
    /// The resource actions.
    pub actions: Option<Actions>,
}

/// The actions of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    /// `discovery.lua`: which actions there are, and which are disabled.
    pub discovery: String,
    /// Name and `action.lua` of each.
    pub definitions: Vec<(String, String)>,
}
