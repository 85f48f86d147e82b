//! What follows an operand: members, indexes, slices, calls of methods.

use super::lexer::is_name;
use super::parser::Parser;
use super::token::TokenKind;
use super::tree::{Kind, Node};
use std::sync::Arc;

impl Parser<'_> {
    pub(super) fn postfix(&mut self, node: Node) -> Result<Node, String> {
        let mut node = node;
        loop {
            let is_optional = self.current.is_operator("?.");
            if is_optional || self.current.is_operator(".") {
                self.advance()?;
                node = if is_optional && self.current.is_bracket("[") {
                    self.index(node, true)?
                } else {
                    self.member(node, is_optional)?
                };
            } else if self.current.is_bracket("[") {
                node = self.index(node, false)?;
            } else {
                return Ok(node);
            }
        }
    }

    /// `.name` or `.name(…)`, whose dot is read.
    fn member(&mut self, node: Node, is_optional: bool) -> Result<Node, String> {
        let token = self.current.clone();
        self.advance()?;
        let is_word = token.kind == TokenKind::Operator
            && token.text.starts_with(|it: char| is_name(it) && !it.is_numeric())
            && token.text.chars().all(is_name);
        if token.kind != TokenKind::Identifier && !is_word {
            return Err("expected name".to_owned());
        }
        let property = Box::new(self.node(Kind::String(Arc::from(token.text)))?);
        // A chain goes on to the end of the postfixes.
        let (base, is_chain) = match node.kind {
            Kind::Chain(inner) => (inner, true),
            _ => (Box::new(node), false),
        };
        let is_method = self.current.is_bracket("(");
        let mut node = self.node(Kind::Member {
            base,
            property,
            is_optional,
            is_method,
        })?;
        if is_method {
            let arguments = self.arguments(Vec::new())?;
            let callee = Box::new(node);
            node = self.node(Kind::Call { callee, arguments })?;
        }
        if is_chain || is_optional {
            node = self.node(Kind::Chain(Box::new(node)))?;
        }
        Ok(node)
    }

    /// `[…]`, from its bracket on.
    fn index(&mut self, base: Node, is_optional: bool) -> Result<Node, String> {
        self.advance()?;
        let base = Box::new(base);
        let from = if self.current.is_operator(":") {
            None
        } else {
            Some(Box::new(self.expression(0)?))
        };
        if self.current.is_operator(":") {
            self.advance()?;
            let to = if self.current.is_bracket("]") {
                None
            } else {
                Some(Box::new(self.expression(0)?))
            };
            let node = self.node(Kind::Slice { base, from, to })?;
            self.expect_bracket("]")?;
            return Ok(node);
        }
        let Some(property) = from else {
            return Err(self.unexpected());
        };
        let mut node = self.node(Kind::Member {
            base,
            property,
            is_optional,
            is_method: false,
        })?;
        if is_optional {
            node = self.node(Kind::Chain(Box::new(node)))?;
        }
        self.expect_bracket("]")?;
        Ok(node)
    }
}
