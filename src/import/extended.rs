//! What one app of another program's YAML file takes over from another one by `extends`.

use std::{collections::HashSet, rc::Rc};

use super::yaml::{Values, at, merged};
use crate::config::written_tree::{Entry, Node, Problem, quoted};

/// How a format has it.
pub(super) struct Extends {
    /// Where its apps stand.
    pub(super) section: &'static str,
    /// What it calls one.
    pub(super) what: &'static str,
    /// Whom the value of `extends` names; `None` if none of this file.
    pub(super) named: fn(&Node) -> Option<&str>,
    /// Keys whose lists and mappings take the place of the others'.
    pub(super) replaces: fn(&str) -> bool,
}

impl Extends {
    /// An app with what it extends; `None` if that cannot be, which is said.
    pub(super) fn of(&self, root: &Node, values: Values<'_>, entry: &Entry) -> Option<Rc<Node>> {
        self.below(root, values, entry, &mut HashSet::new())
    }

    fn below<'n>(
        &self,
        root: &'n Node,
        values: Values<'_>,
        entry: &'n Entry,
        seen: &mut HashSet<&'n str>,
    ) -> Option<Rc<Node>> {
        if entry.value.entries().is_none() {
            values.wrong(entry, "a mapping");
            return None;
        }
        let extends = at(&entry.value, &["extends"]);
        let named = extends.and_then(|extends| Some((extends, (self.named)(&extends.value)?)));
        let Some((extends, name)) = named else { return Some(Rc::clone(&entry.value)) };
        seen.insert(&entry.key);
        let other = at(root, &[self.section, name]).filter(|_| !seen.contains(name));
        let Some(other) = other else {
            let message = format!("`{}` extends {}, which it cannot", entry.key, quoted(name));
            let label = format!("expected the name of another {}", self.what);
            values.log.push(Problem::new("extends", message, extends.value.span, label));
            return None;
        };
        let below = self.below(root, values, other, seen)?;
        Some(merged(&below, &entry.value, self.replaces))
    }
}
