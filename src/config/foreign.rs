//! Files that are clearly something else: what they seem to be, underlined at their first key.

use std::{ffi::OsStr, path::Path};

use super::{
    fault::{Fault, Faults, Problem, Span},
    tree::{Kind, Node},
};

/// A format, and how its file is told from ours.
struct Format {
    name: &'static str,
    keys: &'static [&'static str],
    /// Formats whose keys are telling enough without being all there.
    any: bool,
}

const FORMATS: &[Format] = &[
    Format { name: "a Docker Compose file", keys: &["services"], any: false },
    Format { name: "a Kubernetes manifest", keys: &["apiVersion", "kind"], any: false },
    Format { name: "a GitHub workflow", keys: &["on", "jobs"], any: false },
    Format { name: "a process-compose file", keys: &["processes"], any: false },
    Format { name: "a GitLab CI file", keys: &["stages", "before_script"], any: true },
    Format { name: "a package.json", keys: &["dependencies", "devDependencies"], any: true },
    Format { name: "an OpenAPI document", keys: &["openapi", "paths"], any: false },
];

/// What a text seems to be, if it is clearly not an eco file: `a Docker Compose file`.
pub fn looks_foreign(text: &str) -> Option<&'static str> {
    let source = super::fault::SourceText::new("".into(), text.to_owned());
    let log = super::log::Log::new(source);
    let root = super::tree::parse(&log)?;
    seems_to_be(&root).map(|(name, _)| name)
}

/// What a tree seems to be, and where it begins to show.
fn seems_to_be(root: &Node) -> Option<(&'static str, Span)> {
    match &root.kind {
        Kind::List(items) => {
            let first = items.first()?;
            let key = first.entries()?.first()?.key_span;
            let has = |key| first.entry(key).is_some();
            if has("hosts") && (has("tasks") || has("roles")) {
                return Some(("an Ansible playbook", key));
            }
            (has("script") || has("name")).then_some((PM2, key))
        }
        Kind::Map(entries) => {
            let first = entries.first()?.key_span;
            if let Some(apps) = root.entry("apps") {
                let is_list = matches!(apps.value.kind, Kind::List(_));
                return is_list.then_some((PM2, apps.key_span));
            }
            let has = |key: &&str| root.entry(key).is_some();
            let found = FORMATS.iter().find(|format| {
                if format.any { format.keys.iter().any(has) } else { format.keys.iter().all(has) }
            });
            found.map(|format| (format.name, first))
        }
        Kind::Scalar(_) => None,
    }
}

/// Those of which `eco import` makes eco files.
const IMPORTED: [&str; 2] = ["a Docker Compose file", "a process-compose file"];

const PM2: &str = "a PM2 ecosystem file";
const PM2_HELP: &str = "the commands that take a file read it as such";

/// The problem with a tree that is not ours.
pub(super) fn problem(root: &Node) -> Option<Problem> {
    if let Some((name, span)) = seems_to_be(root) {
        let message = format!("this is not an eco file: it seems to be {name}");
        let problem = Problem::new("foreign_file", message, span, "begins here");
        let help = match name {
            PM2 => PM2_HELP,
            _ if IMPORTED.contains(&name) => "`eco import` makes an eco file of it",
            _ => "an eco file has its apps under `apps:`",
        };
        return Some(problem.help(help));
    }
    match &root.kind {
        Kind::Map(_) => None,
        Kind::List(_) | Kind::Scalar(_) => {
            let message = "this is not an eco file: it is not a mapping";
            let label = format!("this is {}", root.noun());
            let problem = Problem::new("foreign_file", message, root.span, label);
            Some(problem.help("an eco file has its apps under `apps:`"))
        }
    }
}

/// A file whose name says that it is PM2's is none of ours.
pub(super) fn refuse_by_name(path: &Path) -> Result<(), Faults> {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    if ["js", "cjs", "mjs", "json"].contains(&extension) {
        let message = format!("`.{extension}` files are PM2 ecosystem files, not eco files");
        return Err(Faults::one(Fault::of_file(path, "foreign_file", message)));
    }
    Ok(())
}
