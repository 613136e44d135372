//! `listen`: the ports of an app, which no other app of the file may have too.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use super::Context;
use crate::{
    config::{
        fault::{Problem, Span},
        field::{At, Field},
        scalar::{DurationText, Flag, PortText},
        suggest::quoted,
        written::{self, App, Listen, ListenItem},
    },
    model::{EnvValue, ListenPolicy, ListenPort, Pass, ShareBy},
};

/// More ports than this for one app are a mistake.
const MOST: usize = 16;

/// What is known of an app's `listen`.
#[derive(Debug)]
pub(super) struct Listening {
    /// `None` without `listen`, and where it is wrong or not known.
    pub(super) policy: Option<ListenPolicy>,
    /// Whether nothing of it is wrong or unknown.
    pub(super) is_certain: bool,
    /// Where it stands.
    span: Span,
}

impl Listening {
    /// The port, when it is one only.
    pub(super) fn single(&self) -> Option<ListenPort> {
        match self.policy.as_ref()?.ports.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }
}

/// A port that an app of the file has.
#[derive(Debug)]
pub(in crate::config) struct Claim {
    app: String,
    port: ListenPort,
    span: Span,
}

/// The `listen` of an app.
pub(super) fn resolve(context: &Context<'_>, name: &str, app: &App) -> Listening {
    let Some((written, at)) = app.listen.get_at() else {
        let is_certain = app.listen.is_unset();
        return Listening { policy: None, is_certain, span: Span::default() };
    };
    let mut reading = Reading::new(context);
    reading.mapping(written, at, true);
    reading.check_number();
    let is_certain = !reading.is_broken;
    let policy = reading.policy();
    for (port, span) in &reading.ports {
        claim(context, name, *port, *span);
    }
    Listening { policy: Some(policy).filter(|_| is_certain), is_certain, span: at.value }
}

/// One `listen` as it is read.
struct Reading<'a> {
    context: &'a Context<'a>,
    ports: Vec<(ListenPort, Span)>,
    auto: Option<Span>,
    queue: Vec<(DurationText, At)>,
    close_idle: Vec<(Flag, At)>,
    pass: Vec<(written::Pass, At)>,
    share: Vec<(written::ShareBy, At)>,
    /// Something in it cannot be read, or is not known yet.
    is_broken: bool,
}

impl<'a> Reading<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            ports: Vec::new(),
            auto: None,
            queue: Vec::new(),
            close_idle: Vec::new(),
            pass: Vec::new(),
            share: Vec::new(),
            is_broken: false,
        }
    }

    fn fault(&mut self, problem: Problem) {
        self.context.push(problem);
        self.is_broken = true;
    }

    /// The whole, or one mapping of the list. What the list says goes over what stands around it,
    /// which can only be from `defaults` or under a profile.
    fn mapping(&mut self, written: &Listen, at: At, is_whole: bool) {
        let host = written.host.get_at().map(|(host, at)| (host.0, at));
        self.is_broken |= matches!(written.host, Field::Bad(_));
        match &written.port {
            Field::Absent | Field::Null(_) => {
                self.is_broken = true;
                if !self.context.is_misspelled(at.key, "port") {
                    let message = "`listen` has no `port`";
                    let problem = Problem::new("missing_key", message, at.value, "which port?");
                    self.fault(problem.help(
                        "as in `listen: 3000`, or `listen: { port: 3000, queue: 10s }`; \
                         `listen: null` takes one of the defaults away",
                    ));
                }
            }
            Field::Bad(_) => self.is_broken = true,
            Field::Set(items, port_at) => {
                if items.0.is_empty() {
                    let message = "`listen` has no port";
                    let problem = Problem::new("value", message, port_at.value, "an empty list");
                    self.fault(problem.help("name a port, or remove `listen`"));
                }
                // A list of mappings stands under `listen` itself, where `port` is implied.
                let is_list = is_whole && port_at.key == port_at.value;
                items.0.iter().for_each(|item| self.item(item, host, is_list));
            }
        }
        prefer(&mut self.queue, &written.queue, is_whole);
        prefer(&mut self.close_idle, &written.close_idle, is_whole);
        prefer(&mut self.pass, &written.pass, is_whole);
        prefer(&mut self.share, &written.share, is_whole);
    }

    fn item(&mut self, item: &Field<ListenItem>, host: Option<(IpAddr, At)>, is_list: bool) {
        let Some((item, at)) = item.get_at() else {
            self.is_broken = true;
            return;
        };
        match item {
            ListenItem::Port(PortText::Port(port)) => {
                let host = port.host.or(host.map(|(host, _)| host));
                self.port(ListenPort { host, ..*port }, at.value);
            }
            ListenItem::Port(PortText::Auto) => {
                if let Some((_, host)) = host {
                    let message = "`auto` is whatever address and port the app listens on";
                    let problem = Problem::new("value", message, host.value, "has no effect");
                    self.fault(problem.also(at.value, "the port").help("remove `host`"));
                }
                self.auto = Some(at.value);
            }
            ListenItem::Full(inner) if is_list => self.mapping(inner, at, false),
            ListenItem::Full(_) => {
                let message = "`port` takes ports, not mappings";
                let problem = Problem::new("type", message, at.value, "this is a mapping");
                self.fault(problem.help("a list of mappings stands under `listen` itself"));
            }
        }
    }

    fn port(&mut self, port: ListenPort, span: Span) {
        if let Some((known, first)) = self.ports.iter().find(|(known, _)| overlap(*known, port)) {
            let message = if *known == port {
                format!("`listen` has {port} twice")
            } else {
                format!("`listen` has both {known} and {port}, which are one port in part")
            };
            let problem = Problem::new("duplicate_port", message, span, "again here");
            let problem = problem.also(*first, "the first time").help("remove one of them");
            self.fault(problem);
        } else {
            self.ports.push((port, span));
        }
    }

    fn check_number(&mut self) {
        if let (Some(auto), Some((_, port))) = (self.auto, self.ports.first()) {
            let message = "`auto` is every port the app listens on, so it stands alone";
            let problem = Problem::new("value", message, auto, "stands for all ports");
            let problem = problem.also(*port, "and this is one of them");
            self.fault(problem.help("write `auto`, or the ports"));
        }
        if let Some((_, span)) = self.ports.get(MOST) {
            let message = format!("`listen` has {} ports", self.ports.len());
            let label = format!("more than {MOST}");
            let problem = Problem::new("value", message, *span, label);
            self.fault(problem.help("`listen: auto` shares whatever ports the app listens on"));
        }
    }

    fn policy(&mut self) -> ListenPolicy {
        let queue = self.same("queue", &self.queue.clone());
        let close_idle = self.same("close_idle", &self.close_idle.clone());
        let pass = self.same("pass", &self.pass.clone());
        let share = self.same("share", &self.share.clone());
        if let (Some((written::Pass::Fds, at)), Some(auto)) = (pass, self.auto) {
            let message = "sockets that are open from the start need their ports named";
            let problem =
                Problem::new("value", message, at.value, "opens them before the app runs");
            let problem = problem.also(auto, "is known only when the app listens");
            self.fault(problem.help("name the ports, or leave `pass` out"));
        }
        ListenPolicy {
            ports: self.ports.iter().map(|(port, _)| *port).collect(),
            queue: queue.map_or(Duration::from_secs(10), |(queue, _)| queue.0),
            close_idle: close_idle.is_none_or(|(flag, _)| flag.0),
            pass: match pass {
                Some((written::Pass::Inject, _)) | None => Pass::Inject,
                Some((written::Pass::Fds, _)) => Pass::Fds,
            },
            share: match share {
                Some((written::ShareBy::Queue, _)) | None => ShareBy::Queue,
                Some((written::ShareBy::Port, _)) => ShareBy::Port,
            },
        }
    }

    /// The value that all items of the list agree on.
    fn same<T: PartialEq + Copy>(&mut self, key: &str, said: &[(T, At)]) -> Option<(T, At)> {
        let (first, rest) = said.split_first()?;
        if let Some((_, at)) = rest.iter().find(|(value, _)| *value != first.0) {
            let message = format!("`{key}` holds for all ports of an app, and differs here");
            let problem = Problem::new("value", message, at.value, "another value");
            let problem = problem.also(first.1.value, "the first one");
            self.fault(problem.help(format!("write `{key}` once, or the same everywhere")));
        }
        Some(*first)
    }
}

/// Adds what was written, unless it stands around a list that says so itself.
fn prefer<T: Copy>(said: &mut Vec<(T, At)>, field: &Field<T>, is_whole: bool) {
    if said.is_empty() || !is_whole {
        said.extend(field.get_at().map(|(value, at)| (*value, at)));
    }
}

/// Whether both cannot be bound by two programs at once.
fn overlap(a: ListenPort, b: ListenPort) -> bool {
    let is_any = |host: IpAddr| host.is_unspecified();
    a.port == b.port
        && match (a.host, b.host) {
            (Some(a), Some(b)) => {
                a == b
                    || (is_any(a) || is_any(b)) && a.is_ipv4() == b.is_ipv4()
                    // `::` takes IPv4 in too.
                    || (is_any(a) && a.is_ipv6() || is_any(b) && b.is_ipv6())
            }
            (None, _) | (_, None) => true,
        }
}

fn claim(context: &Context<'_>, app: &str, port: ListenPort, span: Span) {
    let mut claims = context.claims.borrow_mut();
    let taken = claims.iter().find(|claim| claim.app != app && overlap(claim.port, port));
    let Some(first) = taken else {
        claims.push(Claim { app: app.to_owned(), port, span });
        return;
    };
    let message = format!("`{}` and `{app}` both listen on port {}", first.app, port.port);
    let problem = if first.span == span {
        let label = format!("given to `{}` and to `{app}`", first.app);
        Problem::new("port_taken", message, span, label)
    } else {
        Problem::new("port_taken", message, span, format!("`{app}` cannot have it too"))
            .also(first.span, format!("`{}` has it", first.app))
    };
    let help = "give each app a port of its own; only instances of one app share theirs";
    context.push(problem.help(help));
}

/// `PORT` of the app's own environment has to be the port that is shared.
pub(super) fn check_variable(
    context: &Context<'_>,
    app: &App,
    env: &BTreeMap<String, EnvValue>,
    listening: &Listening,
) {
    let Some(ListenPort { port, .. }) = listening.single() else { return };
    let text = match env.get("PORT") {
        Some(EnvValue::Set(text)) if text.as_escaped() != port.to_string() => text.display(),
        Some(EnvValue::Set(_) | EnvValue::Unset | EnvValue::File { .. }) | None => return,
    };
    let written = app.env.get().and_then(|env| env.get("PORT")).and_then(Field::get_at);
    let message = format!("`PORT` is {}, but the app listens on {port}", quoted(&text));
    let said = format!("`listen` says {port}");
    let problem = match written {
        Some((_, at)) => Problem::new("port_differs", message, at.value, "another port")
            .also(listening.span, said)
            .help("remove `env.PORT`: the app gets the port of `listen` as `PORT`"),
        None => Problem::new("port_differs", message, listening.span, said)
            .help("an `env_file` sets another `PORT`; remove it there, or set `env.PORT`"),
    };
    context.push(problem);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_overlap_where_one_program_would_keep_the_other_out() {
        let port = |text: &str| match text.parse::<std::net::SocketAddr>() {
            Ok(address) => ListenPort { host: Some(address.ip()), port: address.port() },
            Err(_) => ListenPort { host: None, port: text.parse().unwrap() },
        };
        for (a, b, expected) in [
            ("80", "80", true),
            ("80", "81", false),
            ("80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:80", "[::1]:80", false),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "[::1]:80", false),
            ("[::]:80", "127.0.0.1:80", true),
            ("[::]:80", "[::1]:80", true),
        ] {
            assert_eq!(overlap(port(a), port(b)), expected, "{a} {b}");
            assert_eq!(overlap(port(b), port(a)), expected, "{b} {a}");
        }
    }
}
