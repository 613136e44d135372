//! What of the keeper takes in bytes of others, for the fuzz targets and the tests of their inputs.

use super::image::Image;
pub use super::notice::hear;
use crate::protocol::SpawnSpec;

/// Whether a spec can be laid out for a process that is given so many sockets.
pub fn can_be_laid_out(spec: &SpawnSpec, sockets: usize) -> bool {
    Image::new(spec, sockets).is_some()
}
