//! The lines of a file from its end: what is asked for is nearly always the newest.

use std::{fs::File, io, ops::ControlFlow, os::unix::fs::FileExt as _};

const BLOCK: u64 = 64 << 10;

/// A line longer than this is no line of ours and is left out.
const MAX_LINE: usize = 1 << 20;

/// Gives each line of `file`, the last one first, to `take` until that has enough.
pub(super) fn lines(
    file: &File,
    mut take: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    let mut start = file.metadata()?.len();
    // The beginning of the earliest line seen; the rest of it lies in an earlier block.
    let mut rest: Vec<u8> = Vec::new();
    while start != 0 {
        let len = start.min(BLOCK);
        start -= len;
        let mut block = vec![0; usize::try_from(len).unwrap_or_default()];
        file.read_exact_at(&mut block, start)?;
        if rest.len() < MAX_LINE {
            block.append(&mut rest);
        }
        let mut found = block.rsplit(|&byte| byte == b'\n').peekable();
        while let Some(line) = found.next() {
            if found.peek().is_none() && start != 0 {
                rest = line.to_vec();
            } else if take(line).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}
