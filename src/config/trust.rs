//! Whether a file may say what root is to run: only if nobody else can write it.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
};

const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Why somebody else has a say in an open file, in words, and what to do; `None` if nobody has, or
/// if this is not root.
pub(crate) fn distrust(path: &Path, file: &File) -> io::Result<Option<String>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(why(&file.metadata()?, &dir.metadata()?))
}

fn why(file: &Metadata, dir: &Metadata) -> Option<String> {
    if file.uid() != 0 {
        let uid = file.uid();
        return Some(format!(
            "the file is user {uid}'s, who would say by it what root runs; `chown root` it, or run \
             eco as that user"
        ));
    }
    if file.mode() & OTHERS_WRITE != 0 {
        let text = "everybody may write the file, and say by it what root runs; `chmod o-w` it";
        return Some(text.to_owned());
    }
    // Who may not write the file may put another one in its place.
    let replaceable = dir.mode() & OTHERS_WRITE != 0 && dir.mode() & STICKY == 0;
    replaceable.then(|| {
        "everybody may put another file in the place of this one, and say by it what root runs; \
         `chmod o-w` its directory"
            .to_owned()
    })
}
