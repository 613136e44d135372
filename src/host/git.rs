//! What git knows of a directory: the commit it is at, and files as another commit has them. A machine
//! may have no git, and a repository may be somebody else's: then nothing is known.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// How long an apply waits for git at most: a repository may be huge, or on a slow disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// Variables by which a hook of git, or a person, names another repository than that of the directory.
const NAMES_ANOTHER: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
];

/// Where the files around one are in their history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its name, in hex.
    pub id: String,
    /// Whether files that git knows differ from it, or git does not know the file that is asked
    /// about; `None` if there was no git to ask, or it would not say.
    pub dirty: Option<bool>,
}

/// Why git gave no answer.
#[derive(Debug)]
pub enum GitError {
    /// There is none, or it cannot be executed.
    Missing(io::Error),
    /// It said no, in its own words.
    Refused(String),
    /// It took too long, or said too much.
    Endless,
}

/// The commit that the repository around a file is at; `None` if that cannot be known.
pub fn commit_of(file: &Path) -> Option<Commit> {
    asked(file).or_else(|| {
        let dir = file.parent()?;
        let head = dir.ancestors().find_map(|dir| head_of(&dir.join(".git")));
        head.map(|id| Commit { id, dirty: None })
    })
}

fn asked(file: &Path) -> Option<Commit> {
    let (dir, name) = (file.parent()?, file.file_name()?);
    let words = ["status", "--porcelain=v2", "--branch", "--untracked-files=no"].map(OsStr::new);
    let short = Limits { patience: PATIENCE, bytes: 8 << 20 };
    let status = ask(dir, &words, short).ok()?;
    let text = String::from_utf8_lossy(&status);
    // A repository without a commit has none to name.
    let id =
        text.lines().find_map(|line| line.strip_prefix("# branch.oid ")).and_then(commit_id)?;
    let changed = text.lines().any(|line| !line.starts_with('#'));
    let known = || {
        let words = [OsStr::new("ls-files"), OsStr::new("--error-unmatch"), OsStr::new("--"), name];
        ask(dir, &words, short).is_ok()
    };
    Some(Commit { id, dirty: Some(changed || !known()) })
}

/// The commit that a repository's own files name: a directory `.git`, or a file that names one.
fn head_of(git: &Path) -> Option<String> {
    let git = if git.is_dir() {
        git.to_owned()
    } else {
        let text = small_file(git)?;
        git.parent()?.join(text.strip_prefix("gitdir: ")?)
    };
    let head = small_file(&git.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref: ") else { return commit_id(&head) };
    // A worktree has its branches with the others'.
    let common = small_file(&git.join("commondir")).map(|common| git.join(common));
    let common = common.unwrap_or(git);
    if let Some(id) = small_file(&common.join(name)).as_deref().and_then(commit_id) {
        return Some(id);
    }
    let packed = small_file(&common.join("packed-refs"))?;
    let line = packed.lines().find(|line| line.split(' ').nth(1) == Some(name))?;
    commit_id(line.split(' ').next()?)
}

/// The name of a commit, and nothing else that a file may hold.
fn commit_id(text: &str) -> Option<String> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && matches!(text.len(), 40 | 64)).then(|| text.to_owned())
}

fn small_file(path: &Path) -> Option<String> {
    const LARGEST: u64 = 8 << 20;
    let about = fs::metadata(path).ok().filter(|it| it.is_file() && it.len() <= LARGEST)?;
    let mut text = String::with_capacity(usize::try_from(about.len()).ok()?);
    File::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text.trim_end().to_owned())
}

/// How long, in time and bytes, an answer may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// What takes longer is given up.
    pub patience: Duration,
    /// What is longer is an error.
    pub bytes: u64,
}

/// What git answers in a directory. Nothing of a repository is run, written or locked by it.
///
/// # Errors
/// Why there is no answer.
pub fn ask(dir: &Path, words: &[&OsStr], limits: Limits) -> Result<Vec<u8>, GitError> {
    let mut child = spawn(dir, words).map_err(GitError::Missing)?;
    let (sender, answers) = mpsc::channel();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let read = |stream: Option<Box<dyn Read + Send>>, most: u64, sender: mpsc::Sender<_>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stream.map(|stream| stream.take(most).read_to_end(&mut bytes));
            // Who gave up waiting needs no answer.
            let _ignored = sender.send(read.transpose().map(|_| bytes));
        })
    };
    let out = out.map(|out| -> Box<dyn Read + Send> { Box::new(out) });
    let err = err.map(|err| -> Box<dyn Read + Send> { Box::new(err) });
    let (said, sayings) = mpsc::channel();
    drop(read(out, limits.bytes.saturating_add(1), sender));
    drop(read(err, 4096, said));
    let answer = answers.recv_timeout(limits.patience);
    let is_short = |bytes: &Vec<u8>| u64::try_from(bytes.len()).is_ok_and(|it| it <= limits.bytes);
    let answer = answer.ok().and_then(Result::ok).filter(is_short);
    let Some(answer) = answer else {
        end(&mut child);
        return Err(GitError::Endless);
    };
    // It has closed its output: it ends, unless something is very wrong.
    let said = sayings.recv_timeout(limits.patience).ok().and_then(Result::ok);
    if said.is_none() {
        end(&mut child);
        return Err(GitError::Endless);
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(answer),
        Ok(_) | Err(_) => {
            let said = String::from_utf8_lossy(&said.unwrap_or_default()).into_owned();
            Err(GitError::Refused(first_line(&said)))
        }
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself just now.
    let _ignored = child.kill();
    let _ignored = child.wait();
}

/// What git says is wrong, without the advice that may follow.
fn first_line(said: &str) -> String {
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it failed");
    let line = line.trim();
    line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")).unwrap_or(line).to_owned()
}

#[expect(clippy::disallowed_methods, reason = "it is no app, and is waited for")]
fn spawn(dir: &Path, words: &[&OsStr]) -> io::Result<Child> {
    let mut command = Command::new("git");
    // A monitor is a program that the repository names.
    command.args(["--no-optional-locks", "-c", "core.fsmonitor=false"].map(OsString::from));
    for name in NAMES_ANOTHER {
        command.env_remove(name);
    }
    command
        .args(words)
        .current_dir(dir)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}
