//! Why a text is refused.

use granit_parser::ErrorKind;

/// Why a text is not read: it is not YAML, or it goes beyond a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ReadError {
    /// Line of the text, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub message: String,
    /// What the reader of the message can do.
    pub action: String,
}

/// What a person does about a fault of syntax: what was expected at its place.
pub(super) fn expected(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => "indent with spaces instead of tabs",
        ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnclosedFlowCollection { open: '[' } => "a `,` or `]` is expected; close the list",
        ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::UnclosedFlowCollection { .. } => "a `,` or `}` is expected; close the mapping",
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            "the bracket that was opened last is expected to be closed first; correct the brackets"
        }
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::InvalidIndentation
        | ErrorKind::InvalidSimpleKey
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::UnexpectedEofBlockMapping => {
            "a `key: value` at the indentation of the keys before is expected; correct the indentation or add the `:`"
        }
        ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::BlockEntryInFlowCollection
        | ErrorKind::UnexpectedEofBlockSequence
        | ErrorKind::InvalidBlockEntryWhitespace => {
            "a list's items are expected in lines of their own, each with `- ` at the same indentation; correct them"
        }
        ErrorKind::MappingValueNotAllowed
        | ErrorKind::MappingKeyNotAllowed
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::InvalidMappingValueWhitespace
        | ErrorKind::FlowMappingValueAdjacentCollection => {
            "no `:` is expected here; quote the value that holds it, correct the indentation, or close the bracket before"
        }
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar
        | ErrorKind::UnexpectedEndOfPlainScalar => "the closing quote is expected; add it",
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            "the end of the line is expected after the closing quote; quote the whole value"
        }
        ErrorKind::UnknownAnchor => "an anchor (`&name`) before the alias is expected; add it, or quote the value",
        ErrorKind::MissingAnchorOrAliasName => "a name is expected after `&` or `*`; quote the value",
        ErrorKind::UnexpectedCharacter { .. } | ErrorKind::PlainScalarStartsWithDashFlowIndicator => {
            "a value that begins with this character is expected in quotes; quote it"
        }
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => {
            "an escape that YAML knows is expected after `\\`; use single quotes for the text as it is"
        }
        ErrorKind::InvalidBlockScalarIndent => "the block's lines are expected at one indentation; indent them alike",
        _ => "correct the file at this place",
    }
}
