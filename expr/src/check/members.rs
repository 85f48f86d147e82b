//! Members, indexes and slices.

use super::{Checker, Field, Nature};
use crate::syntax::{Kind, Node};
use crate::value::{Type, method};

impl Checker<'_> {
    pub(super) fn member(
        &mut self,
        base: &mut Node,
        property: &mut Node,
        is_optional: bool,
        is_method: bool,
    ) -> Result<Nature, String> {
        if matches!(&base.kind, Kind::Identifier(name) if &**name == "$env") {
            return match &property.kind {
                Kind::String(name) if is_optional => Ok(self.names.nature(name).unwrap_or_default()),
                Kind::String(name) => self.name(name, false),
                _ => Ok(Nature::default()),
            };
        }
        let owner = self.visit(base)?;
        let key = self.visit(property)?;
        if owner.is_unknown() {
            return Ok(Nature::default());
        }
        let name = match &property.kind {
            Kind::String(name) => Some(name.clone()),
            _ => None,
        };
        if let Some(name) = &name {
            if owner.is_nil {
                return Err(format!("type nil has no field {name}"));
            }
            let found = owner.of.as_ref().and_then(|it| method::signature(it, name));
            if let Some(signature) = found {
                return Ok(Type::Function(signature).into());
            }
        }
        let owner = owner.deref();
        if owner.is_map() {
            return map_element(&owner, &key);
        }
        if owner.is_array() {
            let key = key.deref();
            if !key.is_integer() && !key.is_unknown() {
                return Err(format!(
                    "array elements can only be selected using an integer (got {key})"
                ));
            }
            return Ok(owner.element());
        }
        let Some(name) = name else {
            return Err(format!("type {owner}[{key}] is undefined"));
        };
        if let Some(field) = Field::of(&owner, &name) {
            return Ok(field.into());
        }
        let what = if is_method { "method" } else { "field" };
        Err(format!("type {owner} has no {what} {name}"))
    }

    pub(super) fn slice(
        &mut self,
        base: &mut Node,
        from: &mut Option<Box<Node>>,
        to: &mut Option<Box<Node>>,
    ) -> Result<Nature, String> {
        let nature = self.visit(base)?;
        if nature.is_unknown() {
            return Ok(Nature::default());
        }
        if !nature.is_string() && !nature.is_array() {
            return Err(format!("cannot slice {nature}"));
        }
        for bound in [from, to].into_iter().flatten() {
            let bound = self.visit(bound)?.deref();
            if !bound.is_integer() && !bound.is_unknown() {
                return Err(format!("non-integer slice index {bound}"));
            }
        }
        Ok(nature)
    }
}

fn map_element(owner: &Nature, key: &Nature) -> Result<Nature, String> {
    let wanted = owner.key();
    let fits = key.is_assignable_to(&wanted) || key.deref().is_assignable_to(&wanted);
    if !fits && !key.is_unknown() {
        let key = key.deref();
        return Err(format!("cannot use {key} to get an element from {owner}"));
    }
    Ok(owner.element())
}
