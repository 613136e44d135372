//! What an app's processes are started in and as, for a spawn; and what cannot be had here.

use std::collections::BTreeMap;

use super::{accept::Accepted, environment::Program, state::State};
use crate::{
    config::{Accounts, SecretKey, Source},
    host::{
        accounts::{self, Identity},
        cgroup::Unkept,
        limits, secret_key, stats,
    },
    model::{Account, AppSpec, Caller, InstanceId, ProcessPolicy, RunId},
    protocol::{Ids, SpawnSpec},
    reconcile,
};

/// The users of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Machine;

impl Accounts for Machine {
    fn caller(&self) -> Caller {
        accounts::caller()
    }

    fn user(&self, text: &str) -> Option<Account> {
        accounts::user(text)
    }

    fn group(&self, text: &str) -> Option<u32> {
        accounts::group(text)
    }
}

/// Puts user, limits and priorities into a spawn, and what follows from the user into its
/// environment unless the file says otherwise.
///
/// # Errors
/// The user or group is not there any more.
pub(super) fn put_in(spawn: &mut SpawnSpec, spec: &AppSpec) -> std::io::Result<()> {
    let policy = &spec.process;
    spawn.limits = limits::of_each_process(&policy.limits);
    spawn.umask = policy.umask;
    spawn.nice = policy.nice;
    spawn.oom_score_adj = policy.oom_score_adj;
    if let Some(identity) = accounts::identity(policy)? {
        let Identity { account, gid, groups } = identity;
        spawn.ids = Some(Ids { uid: account.uid, gid, groups });
    }
    Ok(())
}

/// Sets the variables that name the user, as a login does, unless the file says otherwise.
pub(super) fn name_user(program: &mut Program, spec: &AppSpec) {
    let Some(user) = &spec.process.user else { return };
    let Some(account) = accounts::user(user) else { return };
    let Account { name, home, shell, .. } = account;
    for (variable, value) in
        [("HOME", home), ("USER", name.clone()), ("LOGNAME", name), ("SHELL", shell)]
    {
        if spec.env.contains_key(variable) {
            continue;
        }
        program.env.retain(|(known, _)| known != variable);
        // Better none than that of whoever started eco.
        program.env.extend(value.map(|value| (variable.into(), value.into())));
    }
}

/// What a file is read with on this machine.
pub fn source<'a>(
    env: &'a BTreeMap<String, String>,
    profile: Option<&'a str>,
    key: secret_key::Bytes,
) -> Source<'a> {
    let secret_key = SecretKey::new(key);
    Source { env, profile, cpus: stats::cpus(), accounts: &Machine, secret_key, files: None }
}

impl State {
    /// Limits of an app that cannot be kept here, in words.
    pub(super) fn unkept(&self, spec: &AppSpec) -> Vec<Unkept> {
        self.cgroups.unkept(&spec.process)
    }

    /// The same in sentences.
    pub(super) fn unkept_in_words(&self, spec: &AppSpec) -> Vec<String> {
        let unkept = self.unkept(spec).into_iter();
        unkept.map(|it| format!("`{}` is not kept here: {}", it.key, it.why)).collect()
    }

    /// What became of a run with the memory it may have, in words; nothing if it was enough.
    pub(super) fn memory_in_words(&self, run: RunId, id: &InstanceId) -> Option<String> {
        match self.cgroups.oom_kills(run, &id.key) {
            0 => None,
            1 => Some("the kernel killed a process of it: its memory was at its limit".to_owned()),
            count => Some(format!(
                "the kernel killed {count} processes of it: its memory was at its limit"
            )),
        }
    }
}

/// What to say of limits that cannot be kept, for each app that is asked about and has any.
pub(super) fn notes(accepted: &Accepted, unkept: impl Fn(&AppSpec) -> Vec<Unkept>) -> Vec<String> {
    let apps = accepted.project.apps.iter();
    let apps = apps.filter(|(name, app)| !app.removed && accepted.scope.contains(*name));
    let told = apps.flat_map(|(name, app)| {
        let found = unkept(&app.spec).into_iter();
        found.map(move |it| format!("`{}` of {name} cannot be kept here: {}", it.key, it.why))
    });
    told.collect()
}

/// The fields of an app that say so, in words, for those who ask about it.
pub(super) fn fields(policy: &ProcessPolicy, unkept: &[Unkept]) -> Vec<(String, String)> {
    let ProcessPolicy { user, group, umask, nice, oom_score_adj, limits: _ } = policy;
    let text = [
        ("user", user.clone()),
        ("group", group.clone()),
        ("umask", umask.map(|mask| format!("{mask:03o}"))),
        ("nice", nice.map(|nice| nice.to_string())),
        ("oom_score_adj", oom_score_adj.map(|score| score.to_string())),
    ];
    let text = text.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?)));
    let limits = reconcile::limits_in_words(&policy.limits).into_iter();
    let limits = limits.map(|(key, text)| (key.to_string(), text));
    let with_reason = |(name, text): (String, String)| {
        let why = unkept.iter().find(|it| it.key.to_string() == name);
        let why = why.map(|it| format!(" (not kept: {})", it.why)).unwrap_or_default();
        (name, text + &why)
    };
    text.chain(limits).map(with_reason).collect()
}
