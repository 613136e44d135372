//! What a Dockerfile says about the program of its image: ENTRYPOINT, CMD, WORKDIR.

use std::path::Path;

use crate::{
    config::written_tree::{Node, Text},
    import::{tree::scalar, variables::text_of},
};

/// What is run, as one of both instructions says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// The words themselves.
    Words(Vec<String>),
    /// A line for a shell.
    Line(String),
}

/// What of a Dockerfile matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) entrypoint: Option<Run>,
    pub(super) command: Option<Run>,
    pub(super) workdir: Option<String>,
}

/// One stage of it.
#[derive(Debug, Default)]
struct Stage {
    name: String,
    recipe: Recipe,
}

/// Where the Dockerfile of a `build` is, from the file's directory on.
pub(super) fn path_of(build: &Node) -> String {
    let context = scalar(build).or_else(|| text_of(build.entry("context"))).unwrap_or(".");
    let name = text_of(build.entry("dockerfile")).unwrap_or("Dockerfile");
    match context.trim_end_matches('/').trim_start_matches("./") {
        "" | "." => name.to_owned(),
        context => format!("{context}/{name}"),
    }
}

impl Recipe {
    /// Reads the Dockerfile of a `build`, if it is there.
    pub(super) fn of(build: &Node, dir: &Path) -> Option<Self> {
        let target = text_of(build.entry("target"));
        // It says what is to run, so that nobody else may write it.
        let text = Text::read(&dir.join(path_of(build))).ok()?;
        Self::read(&text.log.source.text, target)
    }

    fn read(text: &str, target: Option<&str>) -> Option<Self> {
        let mut stages: Vec<Stage> = Vec::new();
        for line in lines(text) {
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
            let rest = rest.trim();
            if word.eq_ignore_ascii_case("FROM") {
                stages.push(stage(rest, &stages));
                continue;
            }
            let Some(Stage { recipe, .. }) = stages.last_mut() else { continue };
            match word.to_ascii_uppercase().as_str() {
                "ENTRYPOINT" => {
                    recipe.entrypoint = run(rest);
                    recipe.command = None;
                }
                "CMD" => recipe.command = run(rest),
                "WORKDIR" => recipe.workdir = Some(rest.trim_matches('"').to_owned()),
                _ => {}
            }
        }
        let found = match target {
            Some(target) => stages.into_iter().find(|stage| stage.name == target),
            None => stages.pop(),
        };
        found.map(|stage| stage.recipe)
    }
}

/// A stage at its `FROM`, which may be an earlier one.
fn stage(from: &str, stages: &[Stage]) -> Stage {
    let words: Vec<&str> = from.split_whitespace().filter(|word| !word.starts_with("--")).collect();
    let name = match words.as_slice() {
        [_, word, name, ..] if word.eq_ignore_ascii_case("as") => (*name).to_owned(),
        _ => String::new(),
    };
    let base = words
        .first()
        .and_then(|base| stages.iter().find(|stage| !stage.name.is_empty() && stage.name == *base));
    Stage { name, recipe: base.map(|base| base.recipe.clone()).unwrap_or_default() }
}

/// A list of JSON is words, all else a line.
fn run(rest: &str) -> Option<Run> {
    let found = match serde_json::from_str::<Vec<String>>(rest) {
        Ok(words) if words.is_empty() => return None,
        Ok(words) => Run::Words(words),
        Err(_) if rest.is_empty() => return None,
        Err(_) => Run::Line(rest.to_owned()),
    };
    Some(found)
}

/// The instructions, each as one line.
fn lines(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut open = String::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('#') || (line.is_empty() && open.is_empty()) {
            continue;
        }
        if let Some(part) = line.strip_suffix('\\') {
            open.push_str(part);
            open.push(' ');
        } else {
            open.push_str(line);
            out.push(std::mem::take(&mut open));
        }
    }
    if !open.is_empty() {
        out.push(open);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_stage_says_what_runs() {
        let text = "# syntax=1\nARG V=20\nFROM node:$V AS base\nWORKDIR /app\nENTRYPOINT [\"/e.sh\"]\n\
                    CMD [\"a\"]\nFROM base AS dev\nCMD npm run \\\n  # why\n  dev\nFROM --platform=x \
                    base\ncmd [\"node\", \"server.js\"]\n";
        let words =
            |words: &[&str]| Some(Run::Words(words.iter().map(|it| (*it).into()).collect()));
        let last = Recipe::read(text, None).unwrap();
        assert_eq!(last.command, words(&["node", "server.js"]));
        assert_eq!(last.entrypoint, words(&["/e.sh"]));
        assert_eq!(last.workdir.as_deref(), Some("/app"));
        let dev = Recipe::read(text, Some("dev")).unwrap();
        let Some(Run::Line(line)) = dev.command else { panic!("{dev:?}") };
        assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["npm", "run", "dev"]);
        assert_eq!(Recipe::read(text, Some("none")), None);
        assert_eq!(Recipe::read("RUN x", None), None);
    }
}
