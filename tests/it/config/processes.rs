//! Users, groups and priorities: who may ask for which.

use eco::{
    config::{Accounts, Source, load_text},
    model::{Account, Caller},
};

use super::{KEY, env, here};

/// A machine with two users, run by one of them.
#[derive(Debug)]
struct Two {
    uid: u32,
}

impl Accounts for Two {
    fn caller(&self) -> Caller {
        Caller { uid: self.uid, gid: self.uid, nice: 2, oom_score_adj: 100 }
    }

    fn user(&self, text: &str) -> Option<Account> {
        let account = |uid| Account { uid, gid: Some(uid), ..Account::default() };
        match text {
            "me" | "1000" => Some(account(1000)),
            "other" => Some(account(1001)),
            "4242" => Some(Account { uid: 4242, ..Account::default() }),
            _ => None,
        }
    }

    fn group(&self, text: &str) -> Option<u32> {
        match text {
            "me" => Some(1000),
            other => other.parse().ok(),
        }
    }
}

/// Codes and places of the faults of an app with these keys, for this caller.
fn faults(uid: u32, keys: &str) -> Vec<(String, u32)> {
    let text = format!("apps:\n  web:\n    command: x\n    {keys}\n");
    let accounts = Two { uid };
    let env = env();
    let source = Source {
        env: &env,
        profile: None,
        cpus: 1,
        accounts: &accounts,
        secret_key: KEY,
        files: None,
    };
    match load_text(&here("processes.yaml"), text.as_bytes(), &source) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(|fault| (fault.code.to_string(), fault.col)).collect(),
    }
}

#[test]
fn only_root_may_choose_a_user() {
    let ours =
        ["user: me", "user: 1000", "group: me", "nice: 2", "oom_score_adj: 100", "umask: 077"];
    for keys in ours {
        assert_eq!(faults(1000, keys), [], "{keys}");
    }
    for keys in ["user: other", "group: 7", "nice: 1", "oom_score_adj: 99"] {
        let column = u32::try_from(keys.find(' ').unwrap()).unwrap() + 6;
        assert_eq!(faults(1000, keys), [("not_allowed".to_owned(), column)], "{keys}");
        assert_eq!(faults(0, keys), [], "{keys}");
    }
}

#[test]
fn who_is_not_there_is_named() {
    for uid in [0, 1000] {
        assert_eq!(faults(uid, "user: nobody-here"), [("not_found".to_owned(), 11)]);
        assert_eq!(faults(uid, "group: nobody-here"), [("not_found".to_owned(), 12)]);
    }
    assert_eq!(faults(0, "user: 4242"), [("value".to_owned(), 11)], "its group is not known");
    assert_eq!(faults(0, "user: 4242\n    group: 7"), []);
}
