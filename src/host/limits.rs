//! Limits that the system keeps for each process alone: their numbers, and what may be asked for.

use rustix::process::{Resource, getrlimit};

use super::cgroup::Unkept;
use crate::{
    model::{LimitKey, LimitPolicy, ProcessLimit, ProcessPolicy},
    protocol::Limit,
};

const CAP_SYS_NICE: u32 = 23;
const CAP_SYS_RESOURCE: u32 = 24;

/// The limits of a policy as the system takes them.
pub fn of_each_process(limits: &LimitPolicy) -> Vec<Limit> {
    let found = limits.of_each_process().into_iter();
    found
        .filter_map(|ProcessLimit { key, most }| {
            let (_, number) = resource(key)?;
            let most = most.unwrap_or(libc::RLIM_INFINITY);
            Some(Limit { resource: number, soft: most, hard: most })
        })
        .collect()
}

/// What this process may not ask for: a capability is missing that root usually has.
pub(super) fn refused(policy: &ProcessPolicy) -> Vec<Unkept> {
    let held = capabilities();
    let may = |capability: u32| held & (1 << capability) != 0;
    let caller = super::accounts::caller();
    let mut unkept = Vec::new();
    if !may(CAP_SYS_RESOURCE) {
        unkept.extend(beyond_hard(&policy.limits));
    }
    let lower = |wanted: Option<i32>, now: i32| wanted.is_some_and(|wanted| wanted < now);
    for (is_refused, key, name) in [
        (lower(policy.nice, caller.nice) && !may(CAP_SYS_NICE), LimitKey::Nice, "CAP_SYS_NICE"),
        (
            lower(policy.oom_score_adj, caller.oom_score_adj) && !may(CAP_SYS_RESOURCE),
            LimitKey::OomScoreAdj,
            "CAP_SYS_RESOURCE",
        ),
    ] {
        if is_refused {
            unkept.push(Unkept { key, why: format!("eco has no {name} to lower it") });
        }
    }
    unkept
}

/// The capabilities in effect, as bits.
fn capabilities() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or_default()
}

/// Those beyond what this process may have.
fn beyond_hard(limits: &LimitPolicy) -> Vec<Unkept> {
    let found = limits.of_each_process().into_iter();
    found
        .filter_map(|ProcessLimit { key, most }| {
            let hard = getrlimit(resource(key)?.0).maximum?;
            let is_beyond = most.is_none_or(|most| hard < most);
            is_beyond.then(|| Unkept { key, why: format!("eco may not go beyond {hard}") })
        })
        .collect()
}

/// What the system calls a limit; `None` for one that it keeps for control groups alone.
fn resource(key: LimitKey) -> Option<(Resource, u32)> {
    match key {
        LimitKey::Nofile => Some((Resource::Nofile, libc::RLIMIT_NOFILE)),
        LimitKey::Core => Some((Resource::Core, libc::RLIMIT_CORE)),
        LimitKey::FileSize => Some((Resource::Fsize, libc::RLIMIT_FSIZE)),
        LimitKey::Stack => Some((Resource::Stack, libc::RLIMIT_STACK)),
        LimitKey::LockedMemory => Some((Resource::Memlock, libc::RLIMIT_MEMLOCK)),
        LimitKey::Memory
        | LimitKey::Cpu
        | LimitKey::Processes
        | LimitKey::Nice
        | LimitKey::OomScoreAdj => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Bound;

    #[test]
    fn limits_have_the_systems_numbers() {
        let limits = LimitPolicy {
            memory: Some(1),
            nofile: Some(64),
            core: Some(Bound::Unlimited),
            file_size: Some(Bound::Bytes(0)),
            ..LimitPolicy::default()
        };
        let found: Vec<_> =
            of_each_process(&limits).iter().map(|it| (it.resource, it.soft, it.hard)).collect();
        let most = libc::RLIM_INFINITY;
        assert_eq!(
            found,
            [
                (libc::RLIMIT_NOFILE, 64, 64),
                (libc::RLIMIT_CORE, most, most),
                (libc::RLIMIT_FSIZE, 0, 0)
            ]
        );
        let modest = LimitPolicy { nofile: Some(1), ..LimitPolicy::default() };
        assert!(beyond_hard(&modest).is_empty());
    }
}
