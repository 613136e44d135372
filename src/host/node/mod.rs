//! What is loaded into Node programs: small files, put where whoever they run as can read them.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::PermissionsExt as _,
    },
    path::{Path, PathBuf},
    sync::LazyLock,
};

use sha2::{Digest as _, Sha256};

use super::{home::Home, store::atomic};

/// A file that is loaded.
#[derive(Debug)]
struct Loaded {
    text: &'static str,
    name: String,
}

impl Loaded {
    /// The same text has the same name; found out once, not at each start of a program.
    fn new(text: &'static str) -> Self {
        let hash = Sha256::digest(text);
        let hash = hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        Self { text, name: format!("{hash:016x}.cjs") }
    }
}

static PRELOAD: LazyLock<Loaded> = LazyLock::new(|| Loaded::new(include_str!("preload.cjs")));
static AGENT: LazyLock<Loaded> = LazyLock::new(|| Loaded::new(include_str!("agent.cjs")));
/// Programs that root starts may run as anybody, also by their own doing, and root's home is open to
/// nobody. Only root writes here.
const OF_ROOT: &str = "/run/eco-node";

/// Where the file lies by which a program hears and says what PM2's do; it is made if it is not there.
///
/// It is never removed, not by another version either, whose file has another name: a program that has
/// it in its environment could start no Node process any more.
///
/// # Errors
/// It cannot be written.
pub fn preload(home: &Home) -> io::Result<PathBuf> {
    place(home, &PRELOAD)
}

/// Likewise for the agent that measures.
///
/// # Errors
/// It cannot be written.
pub fn agent(home: &Home) -> io::Result<PathBuf> {
    place(home, &AGENT)
}

fn place(home: &Home, file: &Loaded) -> io::Result<PathBuf> {
    let own = home.run.join("node");
    if !rustix::process::geteuid().is_root() {
        return placed(&own, file);
    }
    // Where it cannot be had, those that stay root can still be served.
    placed(Path::new(OF_ROOT), file).or_else(|_| placed(&own, file))
}

fn placed(dir: &Path, file: &Loaded) -> io::Result<PathBuf> {
    let path = dir.join(&file.name);
    let is_there = fs::read(&path).is_ok_and(|found| found == file.text.as_bytes());
    if !is_there {
        fs::create_dir_all(dir)?;
        // Whatever mask this process has.
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
        // Another eco may be at it: each writes a file of its own, and puts the same in the end.
        let new = dir.join(format!(".{}.new", std::process::id()));
        let written = atomic::write_new(&new, file.text.as_bytes(), false)
            .and_then(|()| fs::set_permissions(&new, fs::Permissions::from_mode(0o644)))
            .and_then(|()| fs::rename(&new, &path));
        if let Err(error) = written {
            drop(fs::remove_file(&new));
            return Err(error);
        }
    }
    Ok(path)
}

/// The value of `NODE_OPTIONS` that loads `preload` before what `others` say.
pub fn options(preload: &Path, others: &[u8]) -> OsString {
    let path = preload.as_os_str().as_bytes();
    let mut text = b"--require=".to_vec();
    // Not every program that looks into this variable knows of quotes.
    if path.iter().any(|byte| matches!(byte, b' ' | b'"' | b'\\')) {
        text.push(b'"');
        for byte in path {
            text.extend(matches!(byte, b'"' | b'\\').then_some(b'\\'));
            text.push(*byte);
        }
        text.push(b'"');
    } else {
        text.extend(path);
    }
    if !others.trim_ascii().is_empty() {
        text.push(b' ');
        text.extend(others);
    }
    OsString::from_vec(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_made_once_and_for_everybody() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("node");
        let path = placed(&dir, &PRELOAD).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), PRELOAD.text);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&dir)), (0o644, 0o755));
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        assert_eq!(placed(&dir, &PRELOAD).unwrap(), path);
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written);
        fs::write(&path, "half of it").unwrap();
        placed(&dir, &PRELOAD).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), PRELOAD.text);
        placed(&dir, &AGENT).unwrap();
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 2);
    }

    #[test]
    fn it_comes_before_other_options() {
        let of = |path: &str, others: &str| options(Path::new(path), others.as_bytes());
        assert_eq!(of("/a b/x", ""), "--require=\"/a b/x\"");
        assert_eq!(of("/a\"\\", " "), r#"--require="/a\"\\""#);
        assert_eq!(of("/x", "--inspect -r y"), "--require=/x --inspect -r y");
    }
}
