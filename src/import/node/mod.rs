//! Ecosystem files that are programs: node runs them, and says what they export.
//!
//! What comes back is data without places, so it is written out as JSON and faults point into that.
//! Values of variables are hidden in it.

mod process;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    rc::Rc,
};

use serde::Deserialize;
use serde_json::Value;

use self::process::Ended;
use super::literal;
use crate::config::{
    Span, text_digest,
    written_tree::{Entry, Kind, Log, Node, Origin, Problem, SourceText, Text, distrust},
};

/// Other files than these many are not followed: a file that loads more has them from packages.
const MOST_FILES: usize = 1000;
/// Variables that say how a program is run at all: kept for the next time, read or not.
const ALWAYS: [&str; 5] = ["PATH", "HOME", "LANG", "TMPDIR", "NODE_OPTIONS"];

/// What node answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    value: Value,
    /// What is no data: where, and what it is.
    odd: Vec<(String, String)>,
    variables: Vec<String>,
    files: Vec<PathBuf>,
    /// What the file threw.
    error: Option<String>,
    stack: String,
}

/// A file that was run.
pub(in crate::import) struct Evaluated {
    pub(in crate::import) text: Text,
    /// What it exports; without it `text` has the faults.
    pub(in crate::import) root: Option<Rc<Node>>,
    pub(in crate::import) origin: Origin,
}

/// Runs the file whose text this is, with this environment.
pub(in crate::import) fn evaluate(
    text: Text,
    env: &BTreeMap<String, String>,
    lenient: bool,
) -> Evaluated {
    let mut origin = Origin { lenient, ..Origin::default() };
    let file = text.absolute();
    let answer = match run(&file, env) {
        Ok(answer) => answer,
        Err(problem) => {
            text.log.push(*problem);
            return Evaluated { text, root: None, origin };
        }
    };
    // Also of what fails: an edit of one of them may mend it.
    let is_local =
        |path: &PathBuf| !path.components().any(|part| part.as_os_str() == "node_modules");
    let local = answer.files.iter().filter(|path| is_local(path));
    origin.inputs = local.take(MOST_FILES).cloned().collect();
    let digest = |path: &PathBuf| Some((path.clone(), text_digest(&fs::read(path).ok()?)));
    origin.digests = origin.inputs.iter().filter_map(digest).collect();
    if let Some(error) = &answer.error {
        text.log.push(thrown(&text.log, &file, error, &answer.stack));
        return Evaluated { text, root: None, origin };
    }
    if let Some(problem) = distrusted(&answer.files) {
        text.log.push(problem);
        return Evaluated { text, root: None, origin };
    }
    let read = answer.variables.iter().map(String::as_str).chain(ALWAYS);
    let read = read.filter_map(|name| Some((name.to_owned(), env.get(name)?.clone())));
    origin.vars = read.collect();
    let (log, root) = written_out(&text, &answer.value);
    for (at, what) in &answer.odd {
        let message = format!("`{at}` is {what}, which is no data");
        let problem = Problem::new("not_data", message, Span::new(0, 1), "not in here");
        let problem = problem.help("write text, a number, a list or a mapping instead");
        if lenient { log.warn(problem) } else { log.push(problem) }
    }
    Evaluated { text: Text { log, ..text }, root, origin }
}

fn run(file: &Path, env: &BTreeMap<String, String>) -> Result<Answer, Box<Problem>> {
    let start = Span::new(0, 1);
    let problem = |code, message: String, label: &str, help: String| {
        Box::new(
            Problem::new(code, message, start, label)
                .maybe_help(Some(help).filter(|it| !it.is_empty())),
        )
    };
    let Some(node) = process::find("node", env) else {
        let message = "this file is a program, and there is no `node` in PATH to run it";
        let help = "install Node.js, or write the file as data only: it is then read without node";
        return Err(problem("no_node", message.to_owned(), "is more than data", help.to_owned()));
    };
    let (ended, printed) = process::run(&node, file, env).map_err(|error| {
        let message = format!("{} cannot be run: {error}", node.display());
        problem("evaluation", message, "to be run by node", String::new())
    })?;
    let printed = last_lines(&printed);
    match ended {
        Ended::Answered(line) => serde_json::from_slice(&line).map_err(|error| {
            let message = format!("node's answer makes no sense: {error}");
            problem("evaluation", message, "was run by node", printed)
        }),
        Ended::TooLate => {
            let seconds = process::PATIENCE.as_secs();
            let message = format!("node did not come to an end with this file within {seconds} s");
            let help = "it should only say what runs; what takes long belongs elsewhere".to_owned();
            Err(problem("evaluation", message, "was run by node", help))
        }
        Ended::TooMuch => {
            let message = "what this file exports is larger than 4 MiB".to_owned();
            Err(problem("evaluation", message, "was run by node", String::new()))
        }
        Ended::Gone => {
            let message = "node ended before it could say what this file exports".to_owned();
            Err(problem("evaluation", message, "was run by node", printed))
        }
    }
}

fn last_lines(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.get(lines.len().saturating_sub(6)..).unwrap_or_default().join("\n")
}

/// What a file threw, at the line of it that the stack names.
fn thrown(log: &Log, file: &Path, error: &str, stack: &str) -> Problem {
    let name = file.to_string_lossy();
    let place = stack.lines().find_map(|line| {
        let (_, rest) = line.split_once(&*name)?;
        let mut numbers = rest.strip_prefix(':')?.split(|c: char| !c.is_ascii_digit());
        let line: usize = numbers.next()?.parse().ok()?;
        let column = numbers.next().and_then(|column| column.parse().ok()).unwrap_or(0);
        Some((line, column))
    });
    let mut lines = error.lines();
    let first = lines.next().unwrap_or_default();
    let message = format!("node: {first}");
    let help = lines.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let (span, label) = place
        .map_or((Span::new(0, 1), "thrown while this file was run"), |place| {
            (line_from(&log.source.text, place), "thrown here")
        });
    Problem::new("evaluation", message, span, label)
        .maybe_help(Some(help).filter(|it| !it.is_empty()))
}

/// A line from a column on, both from 1.
fn line_from(text: &str, (line, column): (usize, usize)) -> Span {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(before..).unwrap_or_default().split('\n').next().unwrap_or_default();
    let indent = rest.len() - rest.trim_start().len();
    let skip = rest.char_indices().nth(column.saturating_sub(1)).map_or(indent, |(at, _)| at);
    Span::new(before + skip.max(indent), before + rest.trim_end().len())
}

/// As root, what the file has loaded is held to the same as itself.
fn distrusted(files: &[PathBuf]) -> Option<Problem> {
    files.iter().find_map(|path| {
        let file = File::open(path).ok()?;
        let why = distrust(path, &file).ok()??;
        let message = format!("it loads {}: {why}", path.display());
        Some(Problem::new("not_trusted", message, Span::new(0, 1), "this file"))
    })
}

/// The data as JSON to point into, and as a tree.
fn written_out(text: &Text, value: &Value) -> (Log, Option<Rc<Node>>) {
    let json = serde_json::to_string_pretty(value).unwrap_or_default();
    let name: PathBuf = format!("{} (as node gave it)", text.path.display()).into();
    let plain = Log::new(SourceText::new(name.clone(), json.clone()));
    // What was just written is valid.
    let root = literal::value(&plain).ok();
    let mut shown = json.into_bytes();
    if let Some(root) = &root {
        hide_variables(root, &mut shown);
    }
    let shown = String::from_utf8_lossy(&shown).into_owned();
    (Log::new(SourceText::new(name, shown)), root)
}

fn hide_variables(node: &Node, text: &mut [u8]) {
    let below: Vec<&Rc<Node>> = match &node.kind {
        Kind::Scalar(_) => return,
        Kind::List(items) => items.iter().collect(),
        Kind::Map(entries) => {
            let is_env = |entry: &&Entry| &*entry.key == "env" || entry.key.starts_with("env_");
            for variable in entries.iter().filter(is_env) {
                let values = variable.value.entries().unwrap_or_default();
                for value in values {
                    hide(value.value.span, text);
                }
            }
            entries.iter().map(|entry| &entry.value).collect()
        }
    };
    for node in below {
        hide_variables(node, text);
    }
}

fn hide(span: Span, text: &mut [u8]) {
    // Between the quotes.
    let inner = text.get_mut(span.start + 1..span.end.saturating_sub(1)).unwrap_or_default();
    inner.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b'*');
}
