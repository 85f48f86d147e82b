//! The tree of an expression.

use crate::builtin::Builtin;
use crate::check::Nature;
use crate::value::Value;
use std::sync::Arc;

/// A node, with what the checker knows of its type. Nodes are equal if they are written alike.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) nature: Nature,
    /// How many levels it has, as it was parsed.
    pub(crate) height: usize,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl From<Kind> for Node {
    fn from(kind: Kind) -> Self {
        let mut node = Self {
            kind,
            nature: Nature::default(),
            height: 0,
        };
        node.height = 1 + node
            .children()
            .into_iter()
            .map(|it| it.height)
            .max()
            .unwrap_or_default();
        node
    }
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Nil,
    Identifier(Arc<str>),
    Integer(i64),
    Float(f64),
    Bool(bool),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    /// A value that the optimiser computed.
    Constant(Value),
    Unary(Unary, Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    /// What a `?.` within it may leave at once, with nil.
    Chain(Box<Node>),
    Member {
        base: Box<Node>,
        property: Box<Node>,
        /// Whether it is written with `?.`.
        is_optional: bool,
        /// Whether it is called.
        is_method: bool,
    },
    Slice {
        base: Box<Node>,
        from: Option<Box<Node>>,
        to: Option<Box<Node>>,
    },
    Call {
        callee: Box<Node>,
        arguments: Vec<Node>,
    },
    Builtin {
        which: Builtin,
        arguments: Vec<Node>,
        /// What is kept of each element that a filter or a search finds, instead of the element (from the optimiser).
        kept: Option<Box<Node>>,
        /// Whether a search that finds nothing is an error (from the optimiser).
        throws: bool,
        /// How many hits are enough for a count (from the optimiser).
        threshold: Option<i64>,
    },
    /// The body of a closure.
    Predicate(Box<Node>),
    /// `#`, `#index`, `#acc`.
    Pointer(Pointer),
    Let {
        name: Arc<str>,
        value: Box<Node>,
        body: Box<Node>,
    },
    Sequence(Vec<Node>),
    Conditional {
        condition: Box<Node>,
        then: Box<Node>,
        otherwise: Box<Node>,
    },
    Array(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Kind {
    /// A call of a built-in function as the parser makes it.
    pub(crate) fn builtin(which: Builtin, arguments: Vec<Node>) -> Self {
        Self::Builtin {
            which,
            arguments,
            kept: None,
            throws: false,
            threshold: None,
        }
    }

    /// A binary operation.
    pub(crate) fn binary(operator: Operator, left: Node, right: Node) -> Self {
        Self::Binary(operator, Box::new(left), Box::new(right))
    }
}

/// What `#…` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pointer {
    Item,
    Index,
    Accumulator,
    /// A name that does not exist.
    Unknown(Arc<str>),
}

/// A unary operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    NotWord,
    Minus,
    Plus,
}

impl Unary {
    pub(crate) fn of(text: &str) -> Option<Self> {
        Some(match text {
            "!" => Self::Not,
            "not" => Self::NotWord,
            "-" => Self::Minus,
            "+" => Self::Plus,
            _ => return None,
        })
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Not => "!",
            Self::NotWord => "not",
            Self::Minus => "-",
            Self::Plus => "+",
        }
    }

    pub(crate) fn precedence(self) -> u16 {
        match self {
            Self::Not | Self::NotWord => 50,
            Self::Minus | Self::Plus => 90,
        }
    }
}

/// A binary operator; those with two spellings are two, because errors show what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Pipe,
    Or,
    OrWord,
    And,
    AndWord,
    Equal,
    NotEqual,
    Less,
    More,
    MoreOrEqual,
    LessOrEqual,
    In,
    Matches,
    Contains,
    StartsWith,
    EndsWith,
    Range,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    PowerCaret,
    Coalesce,
}

impl Operator {
    const ALL: [Self; 25] = [
        Self::Pipe,
        Self::Or,
        Self::OrWord,
        Self::And,
        Self::AndWord,
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::More,
        Self::MoreOrEqual,
        Self::LessOrEqual,
        Self::In,
        Self::Matches,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Range,
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::Modulo,
        Self::Power,
        Self::PowerCaret,
        Self::Coalesce,
    ];

    pub(crate) fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.text() == text)
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Pipe => "|",
            Self::Or => "||",
            Self::OrWord => "or",
            Self::And => "&&",
            Self::AndWord => "and",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::More => ">",
            Self::MoreOrEqual => ">=",
            Self::LessOrEqual => "<=",
            Self::In => "in",
            Self::Matches => "matches",
            Self::Contains => "contains",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Range => "..",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "**",
            Self::PowerCaret => "^",
            Self::Coalesce => "??",
        }
    }

    /// The higher, the tighter it binds.
    pub(crate) fn precedence(self) -> u16 {
        match self {
            Self::Pipe => 0,
            Self::Or | Self::OrWord => 10,
            Self::And | Self::AndWord => 15,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::More
            | Self::MoreOrEqual
            | Self::LessOrEqual
            | Self::In
            | Self::Matches
            | Self::Contains
            | Self::StartsWith
            | Self::EndsWith => 20,
            Self::Range => 25,
            Self::Add | Self::Subtract => 30,
            Self::Multiply | Self::Divide | Self::Modulo => 60,
            Self::Power | Self::PowerCaret => 100,
            Self::Coalesce => 500,
        }
    }

    pub(crate) fn is_right_associative(self) -> bool {
        matches!(self, Self::Power | Self::PowerCaret)
    }

    pub(crate) fn is_comparison(self) -> bool {
        matches!(self, Self::Less | Self::More | Self::MoreOrEqual | Self::LessOrEqual)
    }

    /// Whether `not` may stand before it.
    pub(crate) fn is_negatable(self) -> bool {
        matches!(
            self,
            Self::In | Self::Matches | Self::Contains | Self::StartsWith | Self::EndsWith
        )
    }

    pub(crate) fn is_or(self) -> bool {
        matches!(self, Self::Or | Self::OrWord)
    }

    pub(crate) fn is_and(self) -> bool {
        matches!(self, Self::And | Self::AndWord)
    }
}

impl Node {
    /// The nodes directly below it, in the order in which they are written.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Nil
            | Kind::Identifier(_)
            | Kind::Integer(_)
            | Kind::Float(_)
            | Kind::Bool(_)
            | Kind::String(_)
            | Kind::Bytes(_)
            | Kind::Constant(_)
            | Kind::Pointer(_) => Vec::new(),
            Kind::Unary(_, one) | Kind::Chain(one) | Kind::Predicate(one) => vec![one],
            Kind::Binary(_, left, right) => vec![left, right],
            Kind::Member { base, property, .. } => vec![base, property],
            Kind::Slice { base, from, to } => {
                let mut below: Vec<&Self> = vec![base];
                below.extend(from.as_deref());
                below.extend(to.as_deref());
                below
            }
            Kind::Call { callee, arguments } => {
                let mut below: Vec<&Self> = vec![callee];
                below.extend(arguments);
                below
            }
            Kind::Builtin { arguments, .. } => arguments.iter().collect(),
            Kind::Let { value, body, .. } => vec![value, body],
            Kind::Sequence(nodes) | Kind::Array(nodes) => nodes.iter().collect(),
            Kind::Conditional {
                condition,
                then,
                otherwise,
            } => vec![condition, then, otherwise],
            Kind::Map(pairs) => pairs.iter().flat_map(|(key, value)| [key, value]).collect(),
        }
    }

    /// The same, to change them.
    pub(crate) fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.kind {
            Kind::Nil
            | Kind::Identifier(_)
            | Kind::Integer(_)
            | Kind::Float(_)
            | Kind::Bool(_)
            | Kind::String(_)
            | Kind::Bytes(_)
            | Kind::Constant(_)
            | Kind::Pointer(_) => Vec::new(),
            Kind::Unary(_, one) | Kind::Chain(one) | Kind::Predicate(one) => vec![one],
            Kind::Binary(_, left, right) => vec![left, right],
            Kind::Member { base, property, .. } => vec![base, property],
            Kind::Slice { base, from, to } => {
                let mut below: Vec<&mut Self> = vec![base];
                below.extend(from.as_deref_mut());
                below.extend(to.as_deref_mut());
                below
            }
            Kind::Call { callee, arguments } => {
                let mut below: Vec<&mut Self> = vec![callee];
                below.extend(arguments);
                below
            }
            Kind::Builtin { arguments, .. } => arguments.iter_mut().collect(),
            Kind::Let { value, body, .. } => vec![value, body],
            Kind::Sequence(nodes) | Kind::Array(nodes) => nodes.iter_mut().collect(),
            Kind::Conditional {
                condition,
                then,
                otherwise,
            } => vec![condition, then, otherwise],
            Kind::Map(pairs) => pairs.iter_mut().flat_map(|(key, value)| [key, value]).collect(),
        }
    }

    /// How many nodes it is.
    pub(crate) fn size(&self) -> usize {
        1 + self.children().into_iter().map(Self::size).sum::<usize>()
    }
}
