//! The README: its links lead somewhere; the file of its tour is examples/tour, and what it shows of
//! each command is what happens. `UPDATE_README=1` writes that down anew.

use std::{fs, path::Path, process::Command};

use crate::harness::{TestEnv, free_port, program, repository};

/// Where the README has its project, and the port it names.
const DIR: &str = "/srv/shop";
const PORT: &str = "3000";

/// A command of the tour, and what follows it there.
struct Step {
    command: String,
    shown: String,
}

/// A piece of the section: prose, or the steps of a block.
enum Piece {
    Prose(String),
    Block(Vec<Step>),
}

fn read(section: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (index, part) in section.split("```console\n").enumerate() {
        let prose = if index == 0 {
            part
        } else {
            let (block, prose) = part.split_once("```").unwrap();
            pieces.push(Piece::Block(steps(block)));
            prose
        };
        pieces.push(Piece::Prose(prose.to_owned()));
    }
    pieces
}

fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), shown: String::new() });
        } else {
            let step = steps.last_mut().expect("a block begins with a command");
            step.shown.push_str(line);
            step.shown.push('\n');
        }
    }
    steps
}

fn written(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Prose(text) => out.push_str(text),
            Piece::Block(steps) => {
                let steps: Vec<String> =
                    steps.iter().map(|it| format!("$ {}\n{}", it.command, it.shown)).collect();
                out.extend(["```console\n", &steps.concat(), "```"]);
            }
        }
    }
    out
}

/// A line that tells how far a command is: how many come, and when, is not the same each time.
fn is_progress(line: &str) -> bool {
    let states = ["converging ", "ready ", "degraded ", "off "];
    let after = ["web: ", "worker: "].iter().find_map(|app| line.strip_prefix(app));
    after.is_some_and(|rest| states.iter().any(|state| rest.starts_with(state)))
}

/// What a command prints, as the README shows it.
fn shown(printed: &str, dir: &Path, port: u16) -> String {
    let printed = printed.replace(&dir.display().to_string(), DIR);
    let printed = printed.replace(&port.to_string(), PORT);
    let mut out = String::new();
    let mut was_progress = false;
    for line in printed.lines() {
        let is_progress = is_progress(line);
        match (is_progress, was_progress) {
            (true, true) => {}
            (true, false) => out.push_str("…\n"),
            (false, _) => out.extend([line.trim_end(), "\n"]),
        }
        was_progress = is_progress;
    }
    // A blank line at the end would look as if something were missing.
    format!("{}\n", out.trim_end()).trim_start_matches('\n').to_owned()
}

/// The text without what differs from run to run: pids, times, revisions, and the room they take.
fn normalised(text: &str) -> String {
    let line = |line: &str| {
        let words: Vec<String> = line.split_whitespace().map(word).collect();
        words.join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn word(word: &str) -> String {
    let bare = word.trim_end_matches(['.', ',', ';', ':']);
    if bare.len() == 12 && bare.chars().all(|c| c.is_ascii_hexdigit()) {
        return "REVISION".to_owned();
    }
    let is_time =
        |unit: &str| bare.strip_suffix(unit).is_some_and(|number| number.parse::<f64>().is_ok());
    let units = ["", "ms", "s", "m", "h", "B", "K", "M", "%"];
    if units.iter().any(|unit| is_time(unit)) { "N".to_owned() } else { word.to_owned() }
}

#[test]
fn the_tour_of_the_readme_is_what_happens() {
    program("node");
    program("python3");
    program("curl");
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    let (before, rest) = readme.split_once("\n## A tour\n").unwrap();
    let (section, after) = rest.split_once("\n## ").unwrap();
    let file = fs::read_to_string(repository("examples/tour/ecosystem.yaml")).unwrap();
    assert!(section.contains(&format!("```yaml\n{file}```")), "not examples/tour/ecosystem.yaml");

    let (env, port) = (TestEnv::new(), free_port());
    for entry in fs::read_dir(repository("examples/tour")).unwrap().map(Result::unwrap) {
        let text = fs::read_to_string(entry.path()).unwrap();
        let name = entry.file_name().into_string().unwrap();
        env.write(&name, &text.replace(PORT, &port.to_string()));
    }
    let mut pieces = read(section);
    let mut differ = Vec::new();
    for piece in &mut pieces {
        let Piece::Block(steps) = piece else { continue };
        for step in steps {
            let printed = shown(&printed(&env, &step.command, port), &env.dir(), port);
            let printed = if printed == "\n" { String::new() } else { printed };
            if normalised(&printed) != normalised(&step.shown) {
                differ.push(format!("$ {}\n{printed}", step.command));
                step.shown = printed;
            }
        }
    }
    if std::env::var_os("UPDATE_README").is_some() {
        let text = format!("{before}\n## A tour\n{}\n## {after}", written(&pieces));
        fs::write(repository("README.md"), text).unwrap();
        return;
    }
    assert!(differ.is_empty(), "run with UPDATE_README=1 to write down:\n{}", differ.join("\n"));
}

/// Both streams of a command, as on a terminal.
fn printed(env: &TestEnv, command: &str, port: u16) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_eco")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {}", command.replace(PORT, &port.to_string()))])
        .current_dir(env.dir())
        .env("PATH", path)
        .env("ECO_HOME", env.home())
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The targets of the links of a page in Markdown.
fn links(text: &str) -> Vec<&str> {
    let parts = text.split("](").skip(1);
    parts.filter_map(|rest| rest.split_once(')').map(|(target, _)| target)).collect()
}

#[test]
fn every_link_of_the_pages_leads_somewhere() {
    let mut dead = Vec::new();
    let pages = [
        "README.md",
        "schema/README.md",
        "schema/errors.md",
        "examples/express/README.md",
        "examples/pm2/README.md",
    ];
    for page in pages {
        let path = repository(page);
        let text = fs::read_to_string(&path).unwrap();
        let headings: Vec<String> =
            text.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
        for link in links(&text) {
            let is_there = match link.strip_prefix('#') {
                Some(place) => {
                    headings.iter().any(|known| known == place)
                        || text.contains(&format!("<a id=\"{place}\">"))
                }
                None if link.starts_with("http") => true,
                None => path.parent().unwrap().join(link.split('#').next().unwrap()).exists(),
            };
            if !is_there {
                dead.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

/// What a link to a heading is called.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
