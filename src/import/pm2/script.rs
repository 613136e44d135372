//! What `script` is: a file, a directory, a program in `PATH`, or a line for a shell; and what runs it.

use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use super::{
    Reading,
    given::{At, Given},
};
use crate::config::{
    Span,
    written_tree::{Problem, quoted},
};

/// A script with what runs it.
#[derive(Debug)]
pub(super) struct Script {
    /// As it was written.
    written: String,
    pub(super) at: At,
    pub(super) kind: Kind,
    /// The words that come first, with where they stand; none if it runs by itself.
    pub(super) interpreter: Vec<String>,
    pub(super) interpreter_at: Span,
    /// Whether node or bun runs it.
    pub(super) is_js: bool,
    /// Whether Node runs it, as far as can be seen.
    pub(super) runs_node: bool,
}

/// What a script is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A path.
    File,
    /// A word that is looked up in `PATH`.
    Program,
    /// Words.
    Line,
}

/// The programs that run files with these endings.
const INTERPRETERS: &[(&str, &str)] = &[
    ("js", "node"),
    ("cjs", "node"),
    ("mjs", "node"),
    ("ts", "bun"),
    ("tsx", "bun"),
    ("coffee", "coffee"),
    ("ls", "lsc"),
    ("sh", "bash"),
    ("py", "python3"),
    ("rb", "ruby"),
    ("php", "php"),
    ("pl", "perl"),
];

/// Programs that are Node's, or start what is.
const OF_NODE: [&str; 13] = [
    "node", "nodejs", "npm", "npx", "pnpm", "pnpx", "yarn", "next", "nuxt", "nest", "tsx",
    "ts-node", "nodemon",
];

/// Programs that start what `package.json` names, and end at SIGTERM alone as they should.
const PACKAGE_MANAGERS: [&str; 4] = ["npm", "pnpm", "yarn", "npx"];

impl Script {
    /// `None` without a script, or if it cannot be run, which was said. `dir` is its working directory.
    pub(super) fn of(reading: &Reading<'_>, given: &Given<'_>, dir: Option<&Path>) -> Option<Self> {
        let Some((written, at)) = given.text("script").filter(|(text, _)| !text.trim().is_empty())
        else {
            if given.entry("script").is_none() {
                let problem =
                    Problem::new("missing_key", "the app has no `script`", given.span, "");
                reading.log.push(problem.help("as in `{ name: 'web', script: 'server.js' }`"));
            } else if given.text("script").is_some() {
                let at = given.place("script").value;
                reading.log.push(Problem::new("value", "`script` is empty", at, "what to run?"));
            }
            return None;
        };
        let file = dir.map(|dir| dir.join(written));
        let exists = file.as_deref().is_some_and(Path::exists);
        let extension = Path::new(written).extension().and_then(|it| it.to_str());
        let by_extension = INTERPRETERS.iter().find(|(it, _)| Some(*it) == extension);
        let kind = if exists {
            Kind::File
        } else if written.contains(char::is_whitespace) {
            Kind::Line
        } else if written.contains('/') || by_extension.is_some() {
            Kind::File
        } else {
            Kind::Program
        };
        if let Some(file) = file.as_deref().filter(|_| kind == Kind::File && !exists) {
            let message = format!("the script {} does not exist", quoted(written));
            let problem = Problem::new("no_script", message, at.value, "no such file");
            reading.log.warn(problem.help(format!("looked for {}", file.display())));
        }
        let named = interpreter(reading, given, dir)?;
        let interpreter_at = given.entry("exec_interpreter").map_or(at.value, |it| it.value.span);
        let interpreter = match (named, kind) {
            (Some(words), Kind::File | Kind::Line) => words,
            // `npm` by node is npm.
            (Some(words), Kind::Program) => {
                not_by(reading, &words, (written, at), interpreter_at);
                Vec::new()
            }
            (None, Kind::Program | Kind::Line) => Vec::new(),
            (None, Kind::File) => by_extension.map_or_else(
                || by_content(file.as_deref()),
                |(_, program)| vec![(*program).to_owned()],
            ),
        };
        let runner = interpreter.first().map(|first| first.rsplit('/').next().unwrap_or(first));
        let first = written.split_whitespace().next();
        let runner = runner.or(first.filter(|_| kind != Kind::File));
        let is_js = runner.is_some_and(|name| ["node", "nodejs", "bun"].contains(&name));
        let words: Vec<&str> = match kind {
            Kind::File => interpreter.iter().map(String::as_str).collect(),
            Kind::Program | Kind::Line => written.split_whitespace().collect(),
        };
        let runs_node = words.iter().any(|word| is_of_node(word))
            || (words.is_empty() && is_node_script(file.as_deref()));
        let written = written.to_owned();
        Some(Self { written, at, kind, interpreter, interpreter_at, is_js, runs_node })
    }

    pub(super) fn text(&self) -> &str {
        &self.written
    }

    /// The path as the first word of a command, where a bare name would be looked up in `PATH`.
    pub(super) fn path(&self, is_first: bool) -> String {
        if is_first && !self.written.contains('/') {
            format!("./{}", self.written)
        } else {
            self.written.clone()
        }
    }

    /// Whether a package manager runs it.
    pub(super) fn is_package_script(&self) -> bool {
        let first = self.written.split_whitespace().next().unwrap_or_default();
        let name = first.rsplit('/').next().unwrap_or_default();
        let name = name.strip_suffix("-cli.js").unwrap_or(name);
        PACKAGE_MANAGERS.contains(&name)
    }

    /// The name of an app that has none.
    pub(super) fn base_name(&self) -> String {
        let word = match self.kind {
            Kind::Line => self.written.split_whitespace().next().unwrap_or_default(),
            Kind::File | Kind::Program => self.written.as_str(),
        };
        Path::new(word).file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// The words of `interpreter`; the inner `None` if the file names none. `none` is no words.
#[expect(clippy::option_option, reason = "the outer one is a fault")]
fn interpreter(
    reading: &Reading<'_>,
    given: &Given<'_>,
    dir: Option<&Path>,
) -> Option<Option<Vec<String>>> {
    let Some((written, at)) = given.text("exec_interpreter").filter(|(it, _)| !it.is_empty())
    else {
        return Some(None);
    };
    if written == "none" {
        return Some(Some(Vec::new()));
    }
    if written.starts_with("node@") {
        let message = format!("{} is a node that nvm would look for", quoted(written));
        let problem = Problem::new("refused", message, at.value, "not looked for");
        reading.log.push(problem.help("write the path of that node, as `nvm which` prints it"));
        return None;
    }
    if dir.is_some_and(|dir| dir.join(written).is_file()) {
        return Some(Some(vec![written.to_owned()]));
    }
    let Some(words) = shlex::split(written).filter(|words| !words.is_empty()) else {
        let message = "`interpreter` cannot be split into words";
        reading.log.push(Problem::new("value", message, at.value, "a quote is never closed"));
        return None;
    };
    Some(Some(words))
}

/// Says that a program is not run by the interpreter that is named: it may have been meant for a file
/// that is not there. Node and shells are named so often, for `npm` too, that it means nothing.
fn not_by(reading: &Reading<'_>, words: &[String], (script, at): (&str, At), named: Span) {
    const USUAL: [&str; 4] = ["node", "nodejs", "bash", "sh"];
    let Some(first) = words.first() else { return };
    if reading.place.is_none() || USUAL.iter().any(|it| first.rsplit('/').next() == Some(it)) {
        return;
    }
    let message = format!(
        "there is no file {}, so it is a program in PATH, which `interpreter` does not run",
        quoted(script)
    );
    let problem = Problem::new("value", message, named, "has no effect");
    let help = format!("write `./{script}` if a file is meant");
    reading.log.warn(problem.also(at.value, "no such file").help(help));
}

fn is_of_node(word: &str) -> bool {
    OF_NODE.contains(&word.rsplit('/').next().unwrap_or(word))
}

/// Whether a file that runs by itself names node in its first line. One that cannot be looked at is
/// taken for what PM2 takes it for.
fn is_node_script(file: Option<&Path>) -> bool {
    let Some(file) = file.filter(|file| file.exists()) else { return true };
    let mut start = Vec::new();
    let read = File::open(file).map(|file| file.take(128).read_to_end(&mut start));
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line.strip_prefix(b"#!").unwrap_or_default());
    matches!(read, Ok(Ok(_))) && line.split_whitespace().any(is_of_node)
}

/// What runs a file whose name does not say it: itself if it can, else node.
fn by_content(file: Option<&Path>) -> Vec<String> {
    let node = vec!["node".to_owned()];
    let Some(file) = file else { return Vec::new() };
    let Ok(about) = fs::metadata(file) else { return Vec::new() };
    if about.is_dir() {
        return node;
    }
    // Opening a pipe waits for somebody at its other end.
    if !about.is_file() {
        return Vec::new();
    }
    let mut start = [0_u8; 4];
    let read = File::open(file).and_then(|mut file| file.read(&mut start)).unwrap_or(0);
    let start = start.get(..read).unwrap_or_default();
    let is_text = std::str::from_utf8(start).is_ok() && !start.contains(&0) && start != b"\x7fELF";
    let can_run = about.permissions().mode() & 0o111 != 0;
    if !is_text || (start.starts_with(b"#!") && can_run) { Vec::new() } else { node }
}
