//! `watch` and `ignore_watch`.

use super::{app::Source, given::flag_of};
use crate::config::written_tree::Node;
use crate::import::tree::{Map, text};

/// What PM2 leaves out by itself; eco leaves out `node_modules` and more anyway.
const HIDDEN: &str = ".*";

pub(super) fn of(source: &Source<'_>, app: &mut Map) {
    let given = &source.given;
    let Some(entry) = given.entry("watch") else { return };
    let at = given.place("watch");
    let paths = match flag_of(&entry.value) {
        Some(false) => return,
        Some(true) => vec![text(at.value, &source.below_cwd(""))],
        None => {
            let Some((paths, ..)) = given.list("watch") else { return };
            let paths = paths.into_iter().filter(|(path, _)| !path.is_empty());
            paths.map(|(path, span)| text(span, &source.below_cwd(path))).collect()
        }
    };
    if paths.is_empty() {
        return;
    }
    let mut watch = Map::new(at.value);
    watch.put("paths", at.key, Node::list(at.value, paths));
    match given.list("ignore_watch") {
        Some((patterns, _, at)) => {
            let patterns = patterns.into_iter().filter(|(pattern, _)| !pattern.is_empty());
            let patterns = patterns.map(|(it, span)| text(span, &ignored(source, it))).collect();
            watch.put("ignore", at.key, Node::list(at.value, patterns));
        }
        None => watch.put("ignore", at.key, text(at.value, HIDDEN)),
    }
    app.put_map("watch", at.key, watch);
}

/// A pattern with a `/` in it is one of paths, from the working directory.
fn ignored(source: &Source<'_>, pattern: &str) -> String {
    let bare = pattern.strip_prefix("./").unwrap_or(pattern);
    let is_path = bare.trim_end_matches('/').contains('/') && !bare.starts_with("**");
    if !is_path || source.cwd.starts_with(['/', '$']) {
        bare.to_owned()
    } else {
        source.below_cwd(bare)
    }
}
