//! The class of every field of who an app's processes run as and what they may use: all of them hold
//! from the start of a process on.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::Fields;
use crate::model::{Bound, Effect, LimitKey, LimitPolicy, ProcessPolicy, exact_size};

const NEW_PROCESS: Effect = Effect::Rolling;

pub(super) fn changes(fields: &mut Fields<'_>, old: &ProcessPolicy, new: &ProcessPolicy) {
    let ProcessPolicy { user, group, umask, nice, oom_score_adj, limits } = old;
    let pairs = [("user", user, &new.user), ("group", group, &new.group)];
    for (name, old, new) in pairs {
        fields.maybe(name, NEW_PROCESS, (old.as_ref(), new.as_ref()), String::clone);
    }
    let masks = (umask.as_ref(), new.umask.as_ref());
    fields.maybe("umask", NEW_PROCESS, masks, |mask| format!("{mask:03o}"));
    let pairs = [("nice", nice, &new.nice), ("oom_score_adj", oom_score_adj, &new.oom_score_adj)];
    for (name, old, new) in pairs {
        fields.maybe(name, NEW_PROCESS, (old.as_ref(), new.as_ref()), i32::to_string);
    }
    limit_changes(fields, limits, &new.limits);
}

fn limit_changes(fields: &mut Fields<'_>, old: &LimitPolicy, new: &LimitPolicy) {
    let (old, new) = (limits_in_words(old), limits_in_words(new));
    let keys: BTreeSet<LimitKey> = old.keys().chain(new.keys()).copied().collect();
    for key in keys {
        let pair = (old.get(&key), new.get(&key));
        fields.maybe(&key.to_string(), NEW_PROCESS, pair, String::clone);
    }
}

/// The limits there are, as the file has them.
pub fn limits_in_words(limits: &LimitPolicy) -> BTreeMap<LimitKey, String> {
    let LimitPolicy { memory, cpu, processes, nofile, core, file_size, stack, locked_memory } =
        limits;
    let count = |count: u64| count.to_string();
    [
        (LimitKey::Memory, memory.map(exact_size)),
        (LimitKey::Cpu, cpu.map(cores_text)),
        (LimitKey::Processes, processes.map(count)),
        (LimitKey::Nofile, nofile.map(count)),
        (LimitKey::Core, core.map(bound_text)),
        (LimitKey::FileSize, file_size.map(bound_text)),
        (LimitKey::Stack, stack.map(bound_text)),
        (LimitKey::LockedMemory, locked_memory.map(bound_text)),
    ]
    .into_iter()
    .filter_map(|(key, text)| Some((key, text?)))
    .collect()
}

/// Processors as the file has them.
fn cores_text(thousandths: u32) -> String {
    let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A bound as the file has it.
pub(super) fn bound_text(bound: Bound) -> String {
    match bound {
        Bound::Unlimited => "unlimited".to_owned(),
        Bound::Bytes(0) => "0".to_owned(),
        Bound::Bytes(bytes) => exact_size(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_they_are_written() {
        assert_eq!([1500, 2000, 10].map(cores_text), ["1.5", "2", "0.01"]);
        let bounds = [Bound::Unlimited, Bound::Bytes(0), Bound::Bytes(1 << 20)];
        assert_eq!(bounds.map(bound_text), ["unlimited", "0", "1M"]);
    }
}
