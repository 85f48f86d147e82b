//! The built-in functions: their names, what they take, and what they give.

mod aggregate;
mod call;
mod check;
mod data;
mod list;
mod number;
mod text;
mod when;

pub(crate) use call::{Context, call};
pub(crate) use check::{Checked, check, signatures};
pub(crate) use list::is_descending;

macro_rules! builtins {
    ($($variant:ident $name:literal,)*) => {
        /// A built-in function.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Builtin {
            $($variant,)*
        }

        impl Builtin {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

builtins! {
    All "all",
    None "none",
    Any "any",
    One "one",
    Filter "filter",
    Map "map",
    Find "find",
    FindIndex "findIndex",
    FindLast "findLast",
    FindLastIndex "findLastIndex",
    Count "count",
    Sum "sum",
    GroupBy "groupBy",
    SortBy "sortBy",
    Reduce "reduce",
    Len "len",
    Type "type",
    Abs "abs",
    Ceil "ceil",
    Floor "floor",
    Round "round",
    Int "int",
    Float "float",
    String "string",
    Trim "trim",
    TrimPrefix "trimPrefix",
    TrimSuffix "trimSuffix",
    Upper "upper",
    Lower "lower",
    Split "split",
    SplitAfter "splitAfter",
    Replace "replace",
    Repeat "repeat",
    Join "join",
    IndexOf "indexOf",
    LastIndexOf "lastIndexOf",
    HasPrefix "hasPrefix",
    HasSuffix "hasSuffix",
    Max "max",
    Min "min",
    Mean "mean",
    Median "median",
    ToJson "toJSON",
    FromJson "fromJSON",
    ToBase64 "toBase64",
    FromBase64 "fromBase64",
    Now "now",
    Duration "duration",
    Date "date",
    Timezone "timezone",
    First "first",
    Last "last",
    Get "get",
    Take "take",
    Keys "keys",
    Values "values",
    ToPairs "toPairs",
    FromPairs "fromPairs",
    Reverse "reverse",
    Uniq "uniq",
    Concat "concat",
    Flatten "flatten",
    Sort "sort",
    BitAnd "bitand",
    BitOr "bitor",
    BitXor "bitxor",
    BitNand "bitnand",
    BitShl "bitshl",
    BitShr "bitshr",
    BitUshr "bitushr",
    BitNot "bitnot",
}

/// What a function with a closure takes at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Argument {
    Value,
    OptionalValue,
    Closure,
    OptionalClosure,
}

impl Argument {
    pub(crate) fn is_optional(self) -> bool {
        matches!(self, Self::OptionalValue | Self::OptionalClosure)
    }
}

impl Builtin {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.name() == name)
    }

    /// What it takes, if it takes a closure.
    pub(crate) fn closure(self) -> Option<&'static [Argument]> {
        match self {
            Self::All
            | Self::None
            | Self::Any
            | Self::One
            | Self::Filter
            | Self::Map
            | Self::Find
            | Self::FindIndex
            | Self::FindLast
            | Self::FindLastIndex
            | Self::GroupBy => Some(&[Argument::Value, Argument::Closure]),
            Self::Count | Self::Sum => Some(&[Argument::Value, Argument::OptionalClosure]),
            Self::SortBy | Self::Reduce => Some(&[Argument::Value, Argument::Closure, Argument::OptionalValue]),
            _ => None,
        }
    }
}
