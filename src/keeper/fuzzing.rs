//! What of the keeper takes in bytes of others, for the fuzz targets and the tests of their inputs.

pub use super::notice::hear;
use super::{image::Image, share, state::SavedKeeper};
use crate::protocol::SpawnSpec;

/// Whether a spec can be laid out for a process that is given so many sockets.
pub fn can_be_laid_out(spec: &SpawnSpec, sockets: usize) -> bool {
    Image::new(spec, sockets, &[]).is_some()
}

/// A note of what is shared as it would be written again; `None` if it cannot be read.
pub fn sharing_again(note: &[u8]) -> Option<Vec<u8>> {
    share::again(note)
}

/// A keeper's state as it would be written again; `None` if it cannot be read.
pub fn state_again(state: &[u8]) -> Option<Vec<u8>> {
    SavedKeeper::decode(state).ok().map(|saved| saved.encode())
}
