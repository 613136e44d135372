//! What reading a file has to know of the machine's users. Somebody else looks them up.

use std::fmt::Debug;

use crate::model::{Account, Caller};

/// The users and groups of a machine.
pub trait Accounts: Debug {
    /// Whoever runs eco.
    fn caller(&self) -> Caller;

    /// A user, by name or number. A number needs no entry.
    fn user(&self, text: &str) -> Option<Account>;

    /// The number of a group, by name or number.
    fn group(&self, text: &str) -> Option<u32>;
}
