//! What is known of a type before the expression runs.

use crate::builtin::Builtin;
use crate::value::{IntegerKind, Signature, Type};
use std::fmt;
use std::sync::Arc;

/// A type, as far as it is known. The default is unknown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nature {
    /// The type; none of nil and of what is unknown.
    pub(crate) of: Option<Type>,
    /// Whether it is `nil`.
    pub(crate) is_nil: bool,
    /// More about the elements of an array than its type says, or about what a closure gives.
    pub(crate) below: Option<Arc<Nature>>,
    /// The built-in function that it is.
    pub(crate) function: Option<Builtin>,
}

/// The kinds of types: those of Go's reflection that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Bool,
    Integer(IntegerKind),
    Float,
    String,
    Struct,
    Slice,
    Array,
    Map,
    Pointer,
    Function,
    Interface,
}

/// The sort of a type.
pub(crate) fn sort(of: &Type) -> Sort {
    match of {
        Type::Any | Type::Error => Sort::Interface,
        Type::Bool => Sort::Bool,
        Type::Integer(kind) => Sort::Integer(*kind),
        Type::Duration => Sort::Integer(IntegerKind::Int64),
        Type::Month | Type::Weekday => Sort::Integer(IntegerKind::Int),
        Type::Float => Sort::Float,
        Type::String | Type::StatusCode => Sort::String,
        Type::Time | Type::Location | Type::Struct(_) => Sort::Struct,
        Type::Slice(_) => Sort::Slice,
        Type::Array(..) => Sort::Array,
        Type::Map(..) | Type::NewRelicResult => Sort::Map,
        Type::Pointer(_) => Sort::Pointer,
        Type::Function(_) => Sort::Function,
    }
}

/// Whether Go lets a value of one type stand for one of another.
pub(crate) fn is_assignable(from: &Type, to: &Type) -> bool {
    let is_map = |it: &Type| *it == Type::string_map();
    from == to
        || *to == Type::Any
        || (*from == Type::NewRelicResult && is_map(to))
        || (is_map(from) && *to == Type::NewRelicResult)
}

impl From<Type> for Nature {
    fn from(of: Type) -> Self {
        Self {
            of: Some(of),
            ..Self::default()
        }
    }
}

impl fmt::Display for Nature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            Some(of) => write!(f, "{of}"),
            None => f.write_str("unknown"),
        }
    }
}

impl Nature {
    pub(crate) fn nil() -> Self {
        Self {
            is_nil: true,
            ..Self::default()
        }
    }

    /// A built-in function that is named, not called.
    pub(crate) fn builtin(which: Builtin) -> Self {
        Self {
            of: Some(Type::Function(Arc::default())),
            function: Some(which),
            ..Self::default()
        }
    }

    /// A closure that gives something.
    pub(crate) fn predicate(gives: Self) -> Self {
        let results = match &gives.of {
            _ if gives.is_unknown() => vec![Type::Any],
            Some(of) => vec![of.clone()],
            None => Vec::new(),
        };
        let signature = Signature {
            parameters: vec![Type::Any],
            is_variadic: false,
            results,
        };
        Self {
            of: Some(Type::Function(Arc::new(signature))),
            below: Some(Arc::new(gives)),
            ..Self::default()
        }
    }

    /// An array of it.
    pub(crate) fn in_array(self) -> Self {
        Self {
            of: Some(Type::slice(Type::Any)),
            below: Some(Arc::new(self)),
            ..Self::default()
        }
    }

    pub(crate) fn sort(&self) -> Option<Sort> {
        self.of.as_ref().map(sort)
    }

    pub(crate) fn is_unknown(&self) -> bool {
        match self.of {
            None => !self.is_nil,
            Some(Type::Any) => true,
            Some(_) => false,
        }
    }

    /// Whether both are of one sort, unknown and nil being one, too.
    pub(crate) fn has_kind_of(&self, other: &Self) -> bool {
        self.sort() == other.sort()
    }

    /// What a pointer leads to, itself otherwise.
    pub(crate) fn deref(&self) -> Self {
        let Some(Type::Pointer(to)) = &self.of else {
            return self.clone();
        };
        let mut to = to.clone();
        while let Type::Pointer(next) = &*to {
            to = next.clone();
        }
        Type::clone(&to).into()
    }

    pub(crate) fn key(&self) -> Self {
        match &self.of {
            Some(Type::Map(key, _)) => Type::clone(key).into(),
            Some(Type::NewRelicResult) => Type::String.into(),
            _ => Self::default(),
        }
    }

    /// The nature of an element, of an array or a map.
    pub(crate) fn element(&self) -> Self {
        match (&self.of, &self.below) {
            (Some(Type::Slice(_) | Type::Array(..)), Some(below)) => Self::clone(below),
            (Some(Type::Slice(of) | Type::Array(_, of) | Type::Map(_, of) | Type::Pointer(of)), _) => {
                Type::clone(of).into()
            }
            (Some(Type::NewRelicResult), _) => Type::Any.into(),
            _ => Self::default(),
        }
    }

    pub(crate) fn is_assignable_to(&self, other: &Self) -> bool {
        if self.is_nil
            && matches!(
                other.sort(),
                Some(Sort::Pointer | Sort::Interface | Sort::Function | Sort::Map | Sort::Slice)
            )
        {
            return true;
        }
        match (&self.of, &other.of) {
            (Some(from), Some(to)) => is_assignable(from, to),
            _ => false,
        }
    }

    pub(crate) fn is_comparable_to(&self, other: &Self) -> bool {
        self.is_unknown()
            || other.is_unknown()
            || self.is_nil
            || other.is_nil
            || (self.is_number() && other.is_number())
            || (self.is_array() && other.is_array())
            || self.is_assignable_to(other)
    }

    pub(crate) fn is_bool(&self) -> bool {
        self.sort() == Some(Sort::Bool)
    }

    pub(crate) fn is_string(&self) -> bool {
        self.sort() == Some(Sort::String)
    }

    /// Whether it is one of Go's own integers, without a name such as `time.Duration`.
    pub(crate) fn is_integer(&self) -> bool {
        matches!(self.of, Some(Type::Integer(_)))
    }

    pub(crate) fn is_float(&self) -> bool {
        self.of == Some(Type::Float)
    }

    pub(crate) fn is_number(&self) -> bool {
        self.is_integer() || self.is_float()
    }

    pub(crate) fn is_time(&self) -> bool {
        self.of == Some(Type::Time)
    }

    pub(crate) fn is_duration(&self) -> bool {
        self.of == Some(Type::Duration)
    }

    pub(crate) fn is_array(&self) -> bool {
        matches!(self.sort(), Some(Sort::Slice | Sort::Array))
    }

    pub(crate) fn is_map(&self) -> bool {
        self.sort() == Some(Sort::Map)
    }

    pub(crate) fn is_struct(&self) -> bool {
        self.sort() == Some(Sort::Struct)
    }

    pub(crate) fn is_pointer(&self) -> bool {
        self.sort() == Some(Sort::Pointer)
    }

    pub(crate) fn signature(&self) -> Option<&Signature> {
        match &self.of {
            Some(Type::Function(signature)) => Some(signature),
            _ => None,
        }
    }
}

/// A field of a struct.
pub(crate) struct Field;

impl Field {
    /// The type of a field, by its name.
    pub(crate) fn of(owner: &Nature, name: &str) -> Option<Type> {
        match &owner.of {
            Some(Type::Struct(kind)) => kind.fields().into_iter().find(|(it, _)| *it == name).map(|it| it.1),
            _ => None,
        }
    }
}
