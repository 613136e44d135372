//! What a new process will execute, laid out before the fork: between fork and exec nothing may be
//! allocated.

use std::{
    ffi::{CString, OsStr},
    os::unix::ffi::OsStrExt as _,
    ptr,
};

use crate::protocol::SpawnSpec;

/// Where programs are looked up when the environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Text and pointers that `execve` takes.
#[derive(Debug)]
pub(super) struct Image {
    /// The paths to try, in order.
    pub(super) candidates: Vec<CString>,
    pub(super) cwd: CString,
    argv: Strings,
    envp: Strings,
}

/// Strings and the null-ended array of pointers to them. The pointers stay valid when this moves:
/// they point to what the strings own.
#[derive(Debug)]
pub(super) struct Strings {
    pointers: Vec<*const libc::c_char>,
    _owned: Vec<CString>,
}

impl Strings {
    pub(super) fn new(owned: Vec<CString>) -> Self {
        let pointers = owned.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect();
        Self { pointers, _owned: owned }
    }

    /// The array, for `execve`.
    pub(super) fn as_ptr(&self) -> *const *const libc::c_char {
        self.pointers.as_ptr()
    }
}

impl Image {
    /// Lays out a spec. `None` if a text has a NUL byte, which a decoded spec never has.
    pub(super) fn new(spec: &SpawnSpec) -> Option<Self> {
        let argv: Option<Vec<_>> = spec.argv.iter().map(|word| c_string(word.as_bytes())).collect();
        let envp: Option<Vec<_>> = spec
            .env
            .iter()
            .map(|(name, value)| c_string(&[name.as_bytes(), b"=", value.as_bytes()].concat()))
            .collect();
        let program = spec.argv.first()?.as_bytes();
        let path = spec.variable("PATH").unwrap_or(OsStr::new(DEFAULT_PATH));
        Some(Self {
            candidates: candidates(program, path.as_bytes())?,
            cwd: c_string(spec.cwd.as_os_str().as_bytes())?,
            argv: Strings::new(argv?),
            envp: Strings::new(envp?),
        })
    }

    pub(super) fn argv(&self) -> *const *const libc::c_char {
        self.argv.as_ptr()
    }

    pub(super) fn envp(&self) -> *const *const libc::c_char {
        self.envp.as_ptr()
    }
}

fn c_string(bytes: &[u8]) -> Option<CString> {
    CString::new(bytes).ok()
}

/// The paths a program may be found at: itself if it has a `/`, else in each directory of `path`,
/// an empty one being the working directory.
fn candidates(program: &[u8], path: &[u8]) -> Option<Vec<CString>> {
    if program.contains(&b'/') {
        return Some(vec![c_string(program)?]);
    }
    path.split(|byte| *byte == b':')
        .map(|dir| {
            let dir = if dir.is_empty() { b".".as_slice() } else { dir };
            c_string(&[dir, b"/", program].concat())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_looked_up_as_a_shell_does() {
        let texts = |program: &str, path: &str| -> Vec<String> {
            let found = candidates(program.as_bytes(), path.as_bytes()).unwrap();
            found.into_iter().map(|text| text.into_string().unwrap()).collect()
        };
        assert_eq!(texts("./x", "/bin"), ["./x"]);
        assert_eq!(texts("x", "/bin::/opt/b"), ["/bin/x", "./x", "/opt/b/x"]);
    }
}
