//! The values for `${…}` that a file of their own has.

use std::collections::BTreeMap;

use super::{
    fill, resolve,
    tree::{self, Node},
};

/// The values of the `vars_file`. Its own name is filled from the environment only.
pub(super) fn values(context: &resolve::Context<'_>, merged: &Node) -> BTreeMap<String, String> {
    let Some(entry) = merged.entry("vars_file").filter(|entry| !entry.value.is_null()) else {
        return BTreeMap::new();
    };
    if !context.vars.are_known() {
        return BTreeMap::new();
    }
    let value = fill::value(&entry.value, context.vars, context.log);
    let tree::Kind::Scalar(scalar) = &value.kind else { return BTreeMap::new() };
    if scalar.is_unfilled {
        return BTreeMap::new();
    }
    let read = context.env_file(&scalar.text, value.span, "`vars_file`");
    read.map(|values| (*values).clone()).unwrap_or_default()
}
