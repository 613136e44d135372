//! What a new process will execute, laid out before the fork: between fork and exec nothing may be
//! allocated.

use std::{
    cell::UnsafeCell,
    ffi::{CString, OsStr},
    os::unix::ffi::OsStrExt as _,
    ptr,
};

use crate::protocol::SpawnSpec;

/// Where programs are looked up when the environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Who the listening sockets are for: `LISTEN_PID=`, then a process id.
const LISTEN_PID: &[u8; 11] = b"LISTEN_PID=";
/// The longest such text, its end included.
const PID_TEXT: usize = 24;

/// Text and pointers that `execve` takes.
#[derive(Debug)]
pub(super) struct Image {
    /// The paths to try, in order.
    pub(super) candidates: Vec<CString>,
    pub(super) cwd: CString,
    argv: Strings,
    envp: Strings,
    /// Where the child puts its own process id, if it has to: the text of a variable.
    own_pid: Option<Box<UnsafeCell<[u8; PID_TEXT]>>>,
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
        Self::with(owned, None)
    }

    /// With one more that belongs to somebody else.
    fn with(owned: Vec<CString>, more: Option<*const libc::c_char>) -> Self {
        let pointers = owned.iter().map(|text| text.as_ptr()).chain(more);
        Self { pointers: pointers.chain([ptr::null()]).collect(), _owned: owned }
    }

    /// The array, for `execve`.
    pub(super) fn as_ptr(&self) -> *const *const libc::c_char {
        self.pointers.as_ptr()
    }
}

impl Image {
    /// Lays out a spec, for a process that is given so many listening sockets, and variables of the
    /// keeper's own. `None` if a text has
    /// a NUL byte, which a decoded spec never has.
    pub(super) fn new(spec: &SpawnSpec, sockets: usize, own: &[(&str, String)]) -> Option<Self> {
        let argv: Option<Vec<_>> = spec.argv.iter().map(|word| c_string(word.as_bytes())).collect();
        let replaced = |name: &OsStr| {
            own.iter().any(|(known, _)| name == *known)
                || (sockets != 0 && (name == "LISTEN_FDS" || name == "LISTEN_PID"))
        };
        let own = own.iter().map(|(name, value)| c_string(format!("{name}={value}").as_bytes()));
        let envp: Option<Vec<_>> = spec
            .env
            .iter()
            .filter(|(name, _)| !replaced(name))
            .map(|(name, value)| c_string(&[name.as_bytes(), b"=", value.as_bytes()].concat()))
            .chain(own)
            .chain((sockets != 0).then(|| c_string(format!("LISTEN_FDS={sockets}").as_bytes())))
            .collect();
        let own_pid = (sockets != 0).then(|| {
            let mut text = [0; PID_TEXT];
            text.iter_mut().zip(LISTEN_PID).for_each(|(place, byte)| *place = *byte);
            Box::new(UnsafeCell::new(text))
        });
        let pid_text = own_pid.as_ref().map(|text| text.get().cast_const().cast());
        let program = spec.argv.first()?.as_bytes();
        let path = spec.variable("PATH").unwrap_or(OsStr::new(DEFAULT_PATH));
        Some(Self {
            candidates: candidates(program, path.as_bytes())?,
            cwd: c_string(spec.cwd.as_os_str().as_bytes())?,
            argv: Strings::new(argv?),
            envp: Strings::with(envp?, pid_text),
            own_pid,
        })
    }

    /// Where the decimal digits of the process's own id go, and a NUL byte after them; with room for
    /// every id.
    pub(super) fn own_pid(&self) -> Option<*mut u8> {
        let text = self.own_pid.as_ref()?;
        Some(text.get().cast::<u8>().wrapping_add(LISTEN_PID.len()))
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
