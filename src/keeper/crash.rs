//! Points at which a test lets the keeper die while it answers a call. Only in builds with debug
//! assertions; others have none of it.
//!
//! A test writes the name of a point into `keeper-crash-at` in the keeper's directory. The keeper
//! that comes to it removes the file and kills itself.

use super::event_loop::Keeper;

impl Keeper {
    /// Dies here if a test wants so.
    #[cfg(debug_assertions)]
    pub(super) fn crash_point(&self, call: &str, step: &str) {
        let path = self.run_dir.join("keeper-crash-at");
        let wanted = std::fs::read_to_string(&path);
        if wanted.is_ok_and(|wanted| wanted == format!("{call} {step}"))
            && std::fs::remove_file(path).is_ok()
        {
            drop(super::sys::signal_process(rustix::process::getpid(), libc::SIGKILL));
        }
    }

    /// Nothing: this build has no such points.
    #[cfg(not(debug_assertions))]
    #[expect(clippy::unused_self, reason = "it is used in other builds")]
    pub(super) fn crash_point(&self, _: &str, _: &str) {}
}
