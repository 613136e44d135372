//! Values of a spec in words, as the file would have them. Two that differ never read the same.

use std::{borrow::Cow, fmt::Display, path::Path, time::Duration};

use crate::model::{
    Backoff, Command, Dependency, EnvValue, HttpProbe, KillScope, Limit, LimitThen, ListenPolicy,
    LogCompression, LogRotation, OnFailure, Pass, ProbeAddress, ReadyProbe, RestartWhen, ShareBy,
    exact_size,
};

pub(super) fn none_text() -> String {
    "none".to_owned()
}

pub(super) fn list_text<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("[{}]", items.join(", "))
}

/// An entry of `depends_on`: its condition, or both of its keys.
pub(super) fn dependency_text(dependency: Dependency) -> String {
    let Dependency { is, restart_with } = dependency;
    if restart_with {
        format!("{{is: {}, restart_with: true}}", is.word())
    } else {
        is.word().to_owned()
    }
}

pub(super) fn path_text(path: &Path) -> String {
    path.display().to_string()
}

/// A duration, without rounding.
pub(super) fn exact(duration: &Duration) -> String {
    let nanos = duration.as_nanos();
    let units = [(86_400_000_000_000, "d"), (3_600_000_000_000, "h"), (60_000_000_000, "m")];
    let small = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    let fitting =
        units.into_iter().chain(small).find(|(unit, _)| nanos != 0 && nanos.is_multiple_of(*unit));
    match fitting {
        Some((unit, name)) => format!("{}{name}", nanos / unit),
        None if nanos == 0 => "0s".to_owned(),
        None => format!("{nanos}ns"),
    }
}

pub(super) fn rotation_text(rotation: &LogRotation) -> String {
    let LogRotation { size, age, keep } = rotation;
    let age = age.as_ref().map_or_else(String::new, |age| format!(", age: {}", exact(age)));
    format!("{{size: {}{age}, keep: {keep}}}", exact_size(*size))
}

pub(super) fn compression_text(compression: LogCompression) -> String {
    match compression {
        LogCompression::None => "none",
        LogCompression::Zstd => "zstd",
        LogCompression::Gzip => "gzip",
    }
    .to_owned()
}

pub(super) fn command_text(command: &Command) -> String {
    match command {
        Command::Argv(words) => {
            let words: Vec<String> = words.iter().map(|word| word_text(&word.display())).collect();
            words.join(" ")
        }
        Command::Shell(text) => format!("{{shell: {}}}", text.display()),
    }
}

/// One word of a command as a shell would take it.
pub(super) fn word_text(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| format!("{word:?}"), Cow::into_owned)
}

pub(super) fn env_text(value: &EnvValue) -> String {
    match value {
        EnvValue::Set(text) => text.display(),
        EnvValue::Unset => "null".to_owned(),
        EnvValue::File { path, digest } => {
            let digest: String = digest.chars().take(12).collect();
            format!("{{file: {}}} ({digest})", path.display())
        }
    }
}

pub(super) fn when_text(when: RestartWhen) -> String {
    match when {
        RestartWhen::Always => "always",
        RestartWhen::OnFailure => "on-failure",
        RestartWhen::Never => "never",
    }
    .to_owned()
}

pub(super) fn then_text(then: LimitThen) -> String {
    match then {
        LimitThen::Slow => "slow",
        LimitThen::Stop => "stop",
    }
    .to_owned()
}

pub(super) fn scope_text(scope: KillScope) -> String {
    match scope {
        KillScope::Group => "group",
        KillScope::Main => "main",
    }
    .to_owned()
}

pub(super) fn backoff_text(backoff: &Backoff) -> String {
    let Backoff { initial, factor, max, jitter, reset_after } = backoff;
    let [initial, max, reset_after] = [initial, max, reset_after].map(exact);
    format!(
        "{{initial: {initial}, factor: {factor}, max: {max}, jitter: {jitter}, reset_after: {reset_after}}}"
    )
}

pub(super) fn limit_text(limit: &Limit) -> String {
    let Limit { failures, within, then } = limit;
    format!("{{failures: {failures}, within: {}, then: {}}}", exact(within), then_text(*then))
}

pub(super) fn listen_text(listen: &ListenPolicy) -> String {
    let ListenPolicy { ports, queue: _, close_idle: _, pass, share } = listen;
    let ports = match ports.as_slice() {
        [] => "auto".to_owned(),
        [only] => only.to_string(),
        several => list_text(several),
    };
    let pass = match pass {
        Pass::Inject => "",
        Pass::Fds => ", pass: fds",
    };
    let share = match share {
        ShareBy::Queue => "",
        ShareBy::Port => ", share: port",
    };
    let more = format!("{pass}{share}");
    if more.is_empty() { ports } else { format!("{{port: {ports}{more}}}") }
}

pub(super) fn ports_text(listen: &ListenPolicy) -> String {
    let (pass, share) = (Pass::Inject, ShareBy::Queue);
    listen_text(&ListenPolicy { pass, share, ..listen.clone() })
}

pub(super) fn pass_text(pass: Pass) -> String {
    match pass {
        Pass::Inject => "inject",
        Pass::Fds => "fds",
    }
    .to_owned()
}

pub(super) fn share_text(share: ShareBy) -> String {
    match share {
        ShareBy::Queue => "queue",
        ShareBy::Port => "port",
    }
    .to_owned()
}

pub(super) fn failure_text(on_failure: OnFailure) -> String {
    match on_failure {
        OnFailure::Rollback => "rollback",
        OnFailure::Pause => "pause",
    }
    .to_owned()
}

/// A probe with what it asks; values of headers are left out, as they may be secret.
pub(super) fn probe_text(probe: &ReadyProbe) -> String {
    match probe {
        ReadyProbe::Started => "the program runs".to_owned(),
        ReadyProbe::Listen => "the first listen()".to_owned(),
        ReadyProbe::Http(HttpProbe { address, path, status, headers }) => {
            let headers = match headers.len() {
                0 => String::new(),
                _ => format!(", headers: {}", list_text(headers.keys())),
            };
            let (address, path) = (address_text(address), path.display());
            format!("{{http: {address}{path}, status: {}{headers}}}", statuses_text(status))
        }
        ReadyProbe::Tcp(address) => format!("{{tcp: {}}}", address_text(address)),
        ReadyProbe::Exec(command) => format!("{{exec: {}}}", command_text(command)),
        ReadyProbe::Log(pattern) => format!("{{log: {pattern:?}}}"),
        ReadyProbe::Notify => "{notify: true}".to_owned(),
        ReadyProbe::Message(text) => format!("{{message: {text:?}}}"),
        ReadyProbe::Delay(delay) => format!("{{delay: {}}}", exact(delay)),
    }
}

pub(super) fn address_text(address: &ProbeAddress) -> String {
    match address {
        ProbeAddress::Tcp { host, port } if host.contains(':') => {
            format!("[{host}]:{}", port.display())
        }
        ProbeAddress::Tcp { host, port } => format!("{host}:{}", port.display()),
        ProbeAddress::Unix(path) => path.display(),
    }
}

pub(super) fn statuses_text(statuses: &[(u16, u16)]) -> String {
    let one = |(first, last): &(u16, u16)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    match statuses {
        [only] => one(only),
        several => list_text(several.iter().map(one)),
    }
}
