//! What the controller does to its own process when it starts.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit of open files this process was given.
#[derive(Clone, Copy, Debug)]
pub struct Given(Rlimit);

/// Takes a name that process lists show, and as many descriptors as are allowed.
pub fn prepare() -> Given {
    // Both are conveniences: nothing fails without them.
    let _named = rustix::thread::set_name(c"eco-controller");
    let given = getrlimit(Resource::Nofile);
    let maximum = given.maximum;
    let _raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    Given(given)
}

/// Takes back what does not concern a process started from here.
pub fn undo(given: Given) {
    let _lowered = setrlimit(Resource::Nofile, given.0);
}
