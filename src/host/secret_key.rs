//! The home's key for digests of secret files: 32 random bytes that only its owner can read.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::{home::Home, store::atomic};

/// What a key is made of.
pub type Bytes = [u8; 32];

fn path(home: &Home) -> PathBuf {
    home.state.join("secret.key")
}

/// The key of the home, if it has one.
///
/// # Errors
/// The file is there and cannot be read or is no key: it is named, and what to do.
pub fn read(home: &Home) -> io::Result<Option<Bytes>> {
    let path = path(home);
    match fs::read(&path) {
        Ok(found) => Bytes::try_from(found.as_slice()).map(Some).map_err(|_| damaged(&path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(named(&path, &error)),
    }
}

fn damaged(path: &Path) -> io::Error {
    let text = format!(
        "{} is no key of {} bytes; remove it: a new one is made, and apps that use `{{file: …}}` \
         are replaced once",
        path.display(),
        size_of::<Bytes>()
    );
    io::Error::new(ErrorKind::InvalidData, text)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// A new key, which is not kept.
///
/// # Errors
/// The system has no random numbers.
pub fn fresh() -> io::Result<Bytes> {
    let mut bytes = Bytes::default();
    let mut rest: &mut [u8] = &mut bytes;
    while !rest.is_empty() {
        let got = rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty())?;
        rest = rest.get_mut(got..).unwrap_or_default();
    }
    Ok(bytes)
}

/// Makes `key` the home's, unless it has one: the answer is the one it has then.
///
/// # Errors
/// The file cannot be made, or the one that is there is no key.
pub fn keep(home: &Home, key: Bytes) -> io::Result<Bytes> {
    let path = path(home);
    // It gets its name when it is whole: of two that make one at a time, one wins.
    let new = home.state.join(format!(".secret.key.{}", std::process::id()));
    let made = atomic::write_new(&new, &key, true).and_then(|()| fs::hard_link(&new, &path));
    drop(fs::remove_file(&new));
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(named(&path, &error)),
        Ok(()) | Err(_) => Ok(read(home)?.unwrap_or(key)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_first_key_stays_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path()).unwrap();
        home.create().unwrap();
        assert_eq!(read(&home).unwrap(), None);
        let first = fresh().unwrap();
        assert_eq!(keep(&home, first).unwrap(), first);
        assert_eq!(keep(&home, fresh().unwrap()).unwrap(), first);
        assert_eq!(read(&home).unwrap(), Some(first));
        let mode = fs::metadata(path(&home)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let left: Vec<_> = fs::read_dir(&home.state).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_damaged_key_is_named_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path()).unwrap();
        home.create().unwrap();
        fs::write(path(&home), b"short").unwrap();
        let error = read(&home).unwrap_err().to_string();
        assert!(error.contains("secret.key is no key of 32 bytes; remove it"), "{error}");
        assert!(keep(&home, fresh().unwrap()).is_err());
        assert_eq!(fs::read(path(&home)).unwrap(), b"short");
    }
}
