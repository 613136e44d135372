//! The users and groups of this machine, as its name service knows them.
#![expect(unsafe_code, reason = "there are no safe wrappers for these calls in rustix")]

use std::{
    ffi::{CStr, CString},
    io, mem, ptr,
};

use crate::model::{Account, Caller, ProcessPolicy};

/// Entries longer than this are given up.
const LONGEST_ENTRY: usize = 1 << 20;
/// More groups a user cannot have.
const MOST_GROUPS: usize = 65_536;

/// Whom a process is started as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub account: Account,
    /// The number of the group.
    pub gid: u32,
    /// The numbers of all its groups.
    pub groups: Vec<u32>,
}

/// Whoever this process runs as.
pub fn caller() -> Caller {
    let score = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
    Caller {
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        nice: rustix::process::getpriority_process(None).unwrap_or_default(),
        oom_score_adj: score.trim().parse().unwrap_or_default(),
    }
}

/// A user, by name or number. A number needs no entry; `None` for a name without one.
pub fn user(text: &str) -> Option<Account> {
    match number(text) {
        None => by_name(&CString::new(text).ok()?),
        Some(uid) => Some(by_number(uid).unwrap_or(Account { uid, ..Account::default() })),
    }
}

/// The number of a group, by name or number.
pub fn group(text: &str) -> Option<u32> {
    number(text).or_else(|| group_by_name(&CString::new(text).ok()?))
}

/// Whom an app's processes are started as; `None` if that is whoever runs eco.
///
/// # Errors
/// A user or group is not there (any more).
pub fn identity(policy: &ProcessPolicy) -> io::Result<Option<Identity>> {
    if policy.user.is_none() && policy.group.is_none() {
        return Ok(None);
    }
    let caller = caller();
    let missing = || io::Error::from_raw_os_error(libc::ENOENT);
    let account = match &policy.user {
        Some(text) => user(text).ok_or_else(missing)?,
        None => user(&caller.uid.to_string()).ok_or_else(missing)?,
    };
    let gid = match &policy.group {
        Some(text) => group(text).ok_or_else(missing)?,
        None => account.gid.ok_or_else(missing)?,
    };
    // Without privilege nothing but what it is already was allowed.
    if caller.uid != 0 && (account.uid, gid) == (caller.uid, caller.gid) {
        return Ok(None);
    }
    let groups = account.name.as_deref().map_or_else(|| vec![gid], |name| groups_of(name, gid));
    Ok(Some(Identity { account, gid, groups }))
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Calls a function that fills a buffer of text, with a larger one each time it is too small.
/// `None` if there is no such entry.
fn look_up<E, T>(
    call: impl Fn(*mut E, *mut libc::c_char, usize, *mut *mut E) -> libc::c_int,
    take: impl FnOnce(&E) -> T,
) -> Option<T> {
    let mut buffer: Vec<libc::c_char> = vec![0; 4096];
    loop {
        let mut entry = mem::MaybeUninit::<E>::uninit();
        let mut found = ptr::null_mut();
        let code = call(entry.as_mut_ptr(), buffer.as_mut_ptr(), buffer.len(), &raw mut found);
        if code == libc::ERANGE && buffer.len() < LONGEST_ENTRY {
            buffer.resize(buffer.len() * 4, 0);
            continue;
        }
        if code != 0 || found.is_null() {
            return None;
        }
        // SAFETY: `found` points to `entry`, which the call filled; its strings lie in `buffer`,
        // which lives on.
        return Some(take(unsafe { &*found }));
    }
}

/// # Safety
/// The pointer is null or points to a C string.
unsafe fn text(pointer: *const libc::c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: as this function's own.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().ok().map(str::to_owned)
}

fn account(entry: &libc::passwd) -> Account {
    // SAFETY: the strings of an entry that was found are C strings.
    let (name, home, shell) =
        unsafe { (text(entry.pw_name), text(entry.pw_dir), text(entry.pw_shell)) };
    let (uid, gid) = (entry.pw_uid, Some(entry.pw_gid));
    let shell = shell.filter(|shell| !shell.is_empty()).or_else(|| Some("/bin/sh".to_owned()));
    Account { name, uid, gid, home, shell }
}

fn by_name(name: &CStr) -> Option<Account> {
    look_up(
        |entry, buffer, length, found| {
            // SAFETY: every pointer is valid for the call and the length is the buffer's own.
            unsafe { libc::getpwnam_r(name.as_ptr(), entry, buffer, length, found) }
        },
        account,
    )
}

fn by_number(uid: u32) -> Option<Account> {
    look_up(
        |entry, buffer, length, found| {
            // SAFETY: as above.
            unsafe { libc::getpwuid_r(uid, entry, buffer, length, found) }
        },
        account,
    )
}

fn group_by_name(name: &CStr) -> Option<u32> {
    look_up(
        |entry, buffer, length, found| {
            // SAFETY: as above.
            unsafe { libc::getgrnam_r(name.as_ptr(), entry, buffer, length, found) }
        },
        |entry: &libc::group| entry.gr_gid,
    )
}

/// The groups a login of this user would have.
fn groups_of(name: &str, gid: u32) -> Vec<u32> {
    let Ok(name) = CString::new(name) else { return vec![gid] };
    let mut groups = vec![0; 64];
    loop {
        let Ok(mut count) = libc::c_int::try_from(groups.len()) else { return vec![gid] };
        // SAFETY: the list has room for as many as is said.
        let code =
            unsafe { libc::getgrouplist(name.as_ptr(), gid, groups.as_mut_ptr(), &raw mut count) };
        if 0 <= code {
            groups.truncate(usize::try_from(count).unwrap_or_default());
            return groups;
        }
        if MOST_GROUPS <= groups.len() {
            return vec![gid];
        }
        groups.resize(groups.len() * 4, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_everywhere() {
        let root = user("root").unwrap();
        assert_eq!((root.uid, root.gid), (0, Some(0)));
        assert_eq!(user("0").unwrap(), root);
        assert!(root.home.is_some() && root.shell.is_some());
        assert_eq!(group("root").or_else(|| group("0")), Some(0));
        assert_eq!((user("no such user"), group("no such group")), (None, None));
        assert!(groups_of("root", 0).contains(&0));
    }

    #[test]
    fn a_number_needs_no_entry() {
        let found = user("4242424").unwrap();
        assert_eq!(found, Account { uid: 4_242_424, ..Account::default() });
        let policy = ProcessPolicy { user: Some("4242424".into()), ..ProcessPolicy::default() };
        assert!(identity(&policy).is_err(), "whose group is not known");
        let policy = ProcessPolicy { group: Some("7".into()), ..policy };
        let identity = identity(&policy).unwrap().unwrap();
        assert_eq!((identity.gid, identity.groups), (7, vec![7]));
    }

    #[test]
    fn nobody_asked_for_is_nobody() {
        assert_eq!(identity(&ProcessPolicy::default()).unwrap(), None);
    }
}
