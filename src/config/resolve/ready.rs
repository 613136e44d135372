//! `ready`: which probe, and where it goes.

use std::collections::BTreeMap;

use super::{
    Context,
    command::{self, Role},
    env::{self, fill},
    listen::Listening,
    paths,
    rollout::{duration, some_time},
};
use crate::{
    config::{
        fault::{Problem, Span},
        field::{At, Field, Many},
        scalar::{Complaint, ProbePort, Target, Text, host_of},
        suggest::{choices, quoted},
        vars::Place,
        written::{App, Http, Ready},
    },
    model::{
        EnvValue, HttpProbe, ListenPort, Pass, ProbeAddress, ReadyPolicy, ReadyProbe, Template,
    },
};

/// Which statuses are good unless the file says otherwise.
const GOOD: (u16, u16) = (200, 399);
const PATH_EXAMPLE: &str = "as in `http: /healthz`, or `http: \"http://127.0.0.1:3000/healthz\"`";

/// Where an app can be reached, as far as that is known.
#[derive(Debug)]
pub(super) struct Own<'a> {
    pub(super) listening: &'a Listening,
    /// What `${PORT}` is, escaped.
    pub(super) port: Option<String>,
    /// Whether everything that may say the port is known.
    pub(super) is_certain: bool,
}

impl<'a> Own<'a> {
    pub(super) fn new(
        context: &Context<'_>,
        app: &App,
        env: &BTreeMap<String, EnvValue>,
        listening: &'a Listening,
    ) -> Self {
        let is_written = app.env.get().is_some_and(|vars| vars.contains_key("PORT"));
        let is_env_known = context.has_files() && (env.contains_key("PORT") || !is_written);
        let port = env::port(env, listening);
        Self { listening, port, is_certain: listening.is_certain && is_env_known }
    }

    /// The host and port that a probe goes to which names none.
    fn address(&self) -> Option<(String, Template)> {
        let host = match self.listening.single() {
            Some(ListenPort { host: Some(host), .. }) if !host.is_unspecified() => host.to_string(),
            Some(ListenPort { host: Some(host), .. }) if host.is_ipv6() => "::1".to_owned(),
            Some(_) | None => "127.0.0.1".to_owned(),
        };
        let port = match self.listening.single() {
            Some(only) => Some(only.port.to_string()),
            None => self.port.clone(),
        };
        port.map(|port| (host, Template::from_escaped(port)))
    }
}

/// The `ready` of an app.
pub(super) fn resolve(context: &Context<'_>, app: &App, own: &Own<'_>) -> ReadyPolicy {
    let by_default = match &own.listening.policy {
        Some(listen) if listen.pass == Pass::Inject => ReadyProbe::Listen,
        Some(_) | None => ReadyProbe::Started,
    };
    let plain = ReadyPolicy { probe: by_default, ..ReadyPolicy::default() };
    let Some((written, at)) = app.ready.get_at() else { return plain };
    let probes = Probes { context, own, key: "ready" };
    let probe = probes.only(written, at).unwrap_or(plain.probe);
    let never = "without a pause, tries would never end";
    let nothing = "no try can succeed in no time";
    ReadyPolicy {
        probe,
        interval: some_time(context, &written.interval, plain.interval, never),
        timeout: some_time(context, &written.timeout, plain.timeout, nothing),
        successes: written.successes.get().map_or(plain.successes, |successes| successes.0),
        start_period: duration(&written.start_period, plain.start_period),
    }
}

/// Where a key stands, if anything is written under it.
fn place<T>(field: &Field<T>) -> Option<At> {
    match field {
        Field::Set(_, at) | Field::Bad(at) => Some(*at),
        Field::Absent | Field::Null(_) => None,
    }
}

/// Reads what an instance is asked, under `key`: `ready` or `live`.
pub(super) struct Probes<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) own: &'a Own<'a>,
    pub(super) key: &'static str,
}

impl Probes<'_> {
    /// The one probe there has to be. `None` if it is wrong, which was said, or not known yet.
    pub(super) fn only(&self, written: &Ready, at: At) -> Option<ReadyProbe> {
        let Ready { http, tcp, exec, log, notify, message, delay, .. } = written;
        let kinds = [
            ("http", place(http)),
            ("tcp", place(tcp)),
            ("exec", place(exec)),
            ("log", place(log)),
            ("notify", place(notify)),
            ("message", place(message)),
            ("delay", place(delay)),
        ];
        let mut said = kinds.iter().filter_map(|(key, at)| at.map(|at| (*key, at)));
        match (said.next(), said.next()) {
            (Some(_), None) => {}
            (Some((first, first_at)), Some((second, at))) => {
                let message = format!("`{}` has both `{first}` and `{second}`", self.key);
                let problem = Problem::new("value", message, at.key, "a second probe");
                let problem = problem.also(first_at.key, "the first one");
                self.context.push(problem.help("keep the one that tells more"));
                return None;
            }
            (None, _) => {
                // What tells but once is not among the keys of `live`.
                let of_start = ["log", "message", "delay"];
                let is_key = |key: &&str| self.key == "ready" || !of_start.contains(key);
                let mut all: Vec<&str> = kinds.iter().map(|(key, _)| *key).filter(is_key).collect();
                all.extend((self.key == "live").then_some("accept"));
                let is_misspelled = all.iter().any(|key| self.context.is_misspelled(at.key, key));
                if !is_misspelled {
                    let key = self.key;
                    let word = if key == "live" { "lives" } else { "is ready" };
                    let message = format!("`{key}` does not say what tells that the app {word}");
                    let label = format!("needs {}", choices(&all));
                    let problem = Problem::new("missing_key", message, at.value, label);
                    self.context.push(problem.help(format!("as in `{key}: {{ http: /healthz }}`")));
                }
                return None;
            }
        }
        if let Some((written, at)) = http.get_at() {
            return self.http(written, at).map(ReadyProbe::Http);
        }
        if let Some((written, at)) = tcp.get_at() {
            return self.tcp(&written.0, at).map(ReadyProbe::Tcp);
        }
        if let Some((written, at)) = exec.get_at() {
            let role = Role { key: "exec", port: self.own.port.as_deref() };
            return command::resolve(self.context, written, at, role).map(ReadyProbe::Exec);
        }
        let log = log.get().map(|pattern| ReadyProbe::Log(pattern.0.clone()));
        let notify = notify.get().map(|_| ReadyProbe::Notify);
        let message = message.get().map(|text| ReadyProbe::Message(text.0.clone()));
        log.or(notify).or(message).or_else(|| delay.get().map(|delay| ReadyProbe::Delay(delay.0)))
    }

    fn fill(&self, text: &str, span: Span) -> Option<String> {
        fill(self.context, text, span, Place::Instance { port: self.own.port.as_deref() })
    }

    fn complain(&self, key: &str, complaint: Complaint, span: Span) {
        let message = format!("`{}.{key}`: {}", self.key, complaint.message);
        let problem = Problem::new("value", message, span, complaint.label);
        self.context.push(problem.maybe_help(complaint.help));
    }

    fn tcp(&self, written: &str, at: At) -> Option<ProbeAddress> {
        let text = self.fill(written, at.value)?;
        match Target::parse(&text) {
            Ok(Target::Own) => self.own_address(at.value),
            Ok(Target::Socket(path)) => Some(self.socket(&path)),
            Ok(Target::Tcp(host, port)) => Some(ProbeAddress::Tcp {
                host: host.unwrap_or_else(|| "127.0.0.1".to_owned()),
                port: Template::from_escaped(port),
            }),
            Err(complaint) => {
                self.complain("tcp", complaint, at.value);
                None
            }
        }
    }

    /// `path` is escaped, and so is the result.
    fn socket(&self, path: &str) -> ProbeAddress {
        let dir = Template::literal(&self.context.dir.to_string_lossy());
        let full = paths::join(dir.as_escaped().as_ref(), path);
        ProbeAddress::Unix(Template::from_escaped(full.to_string_lossy().into_owned()))
    }

    fn own_address(&self, span: Span) -> Option<ProbeAddress> {
        if let Some((host, port)) = self.own.address() {
            return Some(ProbeAddress::Tcp { host, port });
        }
        if self.own.is_certain {
            let ports = self.own.listening.policy.as_ref().map_or(0, |listen| listen.ports.len());
            let message = "the probe needs a port";
            let problem = Problem::new(
                "no_port",
                message,
                span,
                match ports {
                    0 => "neither `listen` nor `env.PORT` names one".to_owned(),
                    _ => format!("`listen` has {ports}"),
                },
            );
            self.context.push(
                problem.help("say which: `http: { path: /healthz, port: 3000 }` or `tcp: 3000`"),
            );
        }
        None
    }

    fn http(&self, written: &Http, at: At) -> Option<HttpProbe> {
        let path = match &written.path {
            Field::Set(text, path_at) => {
                let filled = self.fill(&text.0, path_at.value)?;
                if let Some(rest) = filled.strip_prefix("http://") {
                    return self.url(written, rest, *path_at);
                }
                self.path(filled, path_at.value)?
            }
            Field::Absent | Field::Null(_) => Template::from_escaped("/".to_owned()),
            Field::Bad(_) => return None,
        };
        let address = self.http_address(written, at)?;
        Some(self.request(written, address, path))
    }

    fn request(&self, written: &Http, address: ProbeAddress, path: Template) -> HttpProbe {
        let statuses = written.status.get().into_iter().flat_map(Many::items);
        let mut status: Vec<(u16, u16)> = statuses.map(|(status, _)| status.0).collect();
        if status.is_empty() {
            status.push(GOOD);
        }
        HttpProbe { address, path, status, headers: self.headers(written) }
    }

    fn path(&self, filled: String, span: Span) -> Option<Template> {
        let is_good = |c: char| !c.is_whitespace() && !c.is_control();
        if filled.starts_with('/') && filled.chars().all(is_good) {
            return Some(Template::from_escaped(filled));
        }
        let text = Template::from_escaped(filled).display();
        let message = format!("{} is not a path", quoted(&text));
        let problem = Problem::new("value", message, span, "expected a path that begins with `/`");
        self.context.push(if text.starts_with("https://") {
            problem.help("probes speak plain HTTP; ask with `exec: curl -f https://…` instead")
        } else {
            problem.help(PATH_EXAMPLE)
        });
        None
    }

    /// `http://` and then `rest`.
    fn url(&self, written: &Http, rest: &str, at: At) -> Option<HttpProbe> {
        let others = [place(&written.host), place(&written.port), place(&written.socket)];
        if let Some(other) = others.into_iter().flatten().next() {
            let message = "a URL says host and port already";
            let problem = Problem::new("value", message, other.key, "says it again");
            let problem = problem.also(at.value, "the URL");
            self.context.push(problem.help("write the path only, or remove this"));
            return None;
        }
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        };
        let after_host = authority.rfind(']').unwrap_or(0);
        let colon = authority.rfind(':').filter(|colon| after_host < *colon || after_host == 0);
        let (host, port) = match colon {
            Some(colon) => (authority.get(..colon)?, authority.get(colon + 1..)?),
            None => (authority, "80"),
        };
        let host = host_of(host, &format!("http://{rest}"))
            .and_then(|host| ProbePort::check(port).map(|()| host));
        match host {
            Ok(host) => {
                let port = Template::from_escaped(port.to_owned());
                let path = self.path(path.to_owned(), at.value)?;
                Some(self.request(written, ProbeAddress::Tcp { host, port }, path))
            }
            Err(complaint) => {
                self.complain("http", complaint.help(PATH_EXAMPLE), at.value);
                None
            }
        }
    }

    fn http_address(&self, written: &Http, at: At) -> Option<ProbeAddress> {
        if let Some((socket, socket_at)) = written.socket.get_at() {
            if let Some(other) = place(&written.port).or(place(&written.host)) {
                let message = "a Unix socket has no host and no port";
                let problem = Problem::new("value", message, other.key, "has no effect");
                let problem = problem.also(socket_at.key, "the socket");
                self.context.push(problem.help("remove one of them"));
            }
            let path = self.fill(&socket.0, socket_at.value)?;
            return Some(self.socket(&path));
        }
        if let Field::Bad(_) = written.socket {
            return None;
        }
        let host = match &written.host {
            Field::Set(Text(host), host_at) => match host_of(bracketed(host).as_ref(), host) {
                Ok(host) => Some(host),
                Err(complaint) => {
                    self.complain("http.host", complaint, host_at.value);
                    return None;
                }
            },
            Field::Absent | Field::Null(_) => None,
            Field::Bad(_) => return None,
        };
        let Some((port, port_at)) = written.port.get_at() else {
            if let Field::Bad(_) = written.port {
                return None;
            }
            return match self.own_address(at.value)? {
                ProbeAddress::Tcp { host: own, port } => {
                    Some(ProbeAddress::Tcp { host: host.unwrap_or(own), port })
                }
                socket @ ProbeAddress::Unix(_) => Some(socket),
            };
        };
        let port = self.fill(&port.0, port_at.value)?;
        if let Err(complaint) = ProbePort::check(&port) {
            self.complain("http.port", complaint, port_at.value);
            return None;
        }
        let host = host.unwrap_or_else(|| "127.0.0.1".to_owned());
        Some(ProbeAddress::Tcp { host, port: Template::from_escaped(port) })
    }

    fn headers(&self, written: &Http) -> BTreeMap<String, Template> {
        let mut out = BTreeMap::new();
        for (name, field) in written.headers.get().into_iter().flatten() {
            let Some((value, at)) = field.get_at() else { continue };
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if name.is_empty() || !name.chars().all(is_token) {
                let message = format!("{} cannot be the name of a header", quoted(name));
                let label = "expected letters, digits and `-`";
                self.context.push(Problem::new("value", message, at.key, label));
            }
            if value.0.contains(['\r', '\n', '\0']) {
                let message = format!("the header `{name}` has more than one line");
                self.context.push(Problem::new("value", message, at.value, "needs to be one line"));
            }
            if let Some(value) = self.fill(&value.0, at.value) {
                out.insert(name.clone(), Template::from_escaped(value));
            }
        }
        out
    }
}

/// An IPv6 address as it stands in a URL.
fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}
