//! What the controller does to its own process when it starts.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Takes a name that process lists show, and as many descriptors as are allowed.
pub fn prepare() {
    // Both are conveniences: nothing fails without them.
    let _named = rustix::thread::set_name(c"eco-controller");
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
