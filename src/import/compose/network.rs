//! Ports, and services that are named as hosts.

use super::App;
use crate::{
    config::{
        Span,
        written_tree::{Entry, Kind, Node, quoted},
    },
    import::{
        tree::{Map, plain, scalar, template},
        variables::{text_of, variables},
    },
};

/// A port of a container, and where this machine has it.
#[derive(Debug, PartialEq, Eq)]
struct Port<'n> {
    address: Option<&'n str>,
    /// `None` for one that docker chooses.
    published: Option<&'n str>,
    target: &'n str,
    is_tcp: bool,
}

impl<'n> Port<'n> {
    fn of(item: &'n Node) -> Option<Self> {
        let Some(text) = scalar(item) else {
            let part = |key| text_of(item.entry(key)).filter(|text| !text.is_empty());
            return Some(Self {
                address: part("host_ip"),
                published: part("published"),
                target: part("target")?,
                is_tcp: part("protocol").is_none_or(|protocol| protocol == "tcp"),
            });
        };
        let (text, is_tcp) = match text.rsplit_once('/') {
            Some((text, protocol)) => (text, protocol == "tcp"),
            None => (text, true),
        };
        let mut parts = parts(text);
        let target = parts.pop()?;
        let published = parts.pop().filter(|text| !text.is_empty());
        let address = parts.pop().filter(|text| !text.is_empty());
        (!target.is_empty()).then_some(Self { address, published, target, is_tcp })
    }

    /// One port that is the same on both sides: the program listens there itself.
    fn is_same(&self) -> bool {
        let is_one = self.target.parse::<u16>().is_ok() || self.target.starts_with("${");
        self.is_tcp && is_one && self.published.is_none_or(|published| published == self.target)
    }
}

/// What colons part, but those of `${…}` and of an address in brackets.
fn parts(text: &str) -> Vec<&str> {
    let mut open = 0_usize;
    let mut out = Vec::new();
    let mut from = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '[' => open += 1,
            '}' | ']' => open = open.saturating_sub(1),
            ':' if open == 0 => {
                out.extend(text.get(from..at));
                from = at + 1;
            }
            _ => {}
        }
    }
    out.extend(text.get(from..));
    out
}

impl App<'_> {
    /// A port is shared where it is certain that the program listens at it here too.
    pub(super) fn listen(&self, app: &mut Map) {
        let Some(entry) = self.entry(&["ports"]) else { return };
        let Kind::List(items) = &entry.value.kind else {
            self.file.values.wrong(entry, "a list");
            return;
        };
        let found: Vec<(Port<'_>, Span)> =
            items.iter().filter_map(|item| Some((Port::of(item)?, item.span))).collect();
        if found.len() < items.len() {
            self.file.values.odd(entry, "one of `ports` is none", "as in `\"8080:80\"`");
        }
        let only = match found.as_slice() {
            [(port, span)] if port.is_same() && self.env_agrees(port.target) => Some((port, *span)),
            _ => None,
        };
        if self.service.is_job {
            self.say(entry, "`ports` is left out: nobody can rely on a port of a job");
        } else if let Some((port, span)) = only {
            let value = match port.target.parse::<u16>() {
                Ok(number) => plain(span, &number),
                Err(_) => template(span, self.filled(port.target, entry.key_span)),
            };
            app.put("listen", entry.key_span, value);
            if let Some(address) = port.address {
                let what = format!("docker has its port at {} only", quoted(address));
                self.say(entry, format!("{what}: let the program listen at that address"));
            }
        } else {
            for (port, _) in &found {
                self.say_port(entry, port);
            }
        }
    }

    /// Whether the variable that names the port, if there is one, says the same.
    fn env_agrees(&self, port: &str) -> bool {
        let found = self.entry(&["environment"]).map(|it| variables(self.file.values, it));
        let found = found.unwrap_or_default();
        let named = found.iter().find(|variable| variable.name == "PORT");
        named.is_none_or(|variable| variable.value == Some(port))
    }

    fn say_port(&self, entry: &Entry, port: &Port<'_>) {
        let target = port.target;
        let text = match port.published {
            _ if target.contains('-') => {
                format!("its ports are {target}: `listen` names those that instances share")
            }
            _ if !port.is_tcp => format!("port {target} is UDP, which instances do not share"),
            Some(published) if published != target => format!(
                "it listens at {target}, which docker has at {published}: let it listen at \
                 {published} itself, then `listen: {published}`"
            ),
            Some(_) | None => format!("if it listens at {target}, `listen: {target}` says so"),
        };
        self.say(entry, text);
    }

    /// Services that are named as hosts: their names are known to docker only.
    pub(super) fn say_hosts<'t>(
        &self,
        entry: &Entry,
        texts: impl Iterator<Item = (&'t str, &'t str)>,
    ) {
        let mut told: Vec<&str> = Vec::new();
        // A word of a command is no host only because it is alone.
        let is_command = matches!(&*entry.key, "command" | "entrypoint");
        for (what, text) in texts {
            let named = self.file.services.iter().map(|service| &*service.key);
            let named = named.filter(|key| is_host(text, key) && !(is_command && text == *key));
            for key in named {
                if told.contains(&key) {
                    continue;
                }
                told.push(key);
                let (key, what) = (quoted(key), quoted(what));
                let text = format!(
                    "{key} in {what} is a host of docker's network only: write `127.0.0.1`, with \
                     the port it has there"
                );
                self.say(entry, text);
            }
        }
    }
}

/// Whether a text names this host: alone, before a port, or in a URL.
fn is_host(text: &str, host: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    text.match_indices(host).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + host.len()..).unwrap_or_default();
        let has_port = after
            .strip_prefix(':')
            .is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit() || c == '$'));
        let is_whole = !after.starts_with(is_part) && !before.ends_with(is_part);
        let begins = before.is_empty() || before.ends_with([',', '=', ' ', '[', '"', '\'']);
        let in_url = before.ends_with("//") || before.ends_with('@');
        let is_alone = before.is_empty() && after.is_empty();
        is_whole && (in_url || is_alone || (begins && has_port))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_where_they_are_hosts() {
        for text in
            ["db", "db:5432", "postgres://u:p@db/x", "http://db:80", "a:1,db:2", "redis://db"]
        {
            assert!(is_host(text, "db"), "{text}");
        }
        for text in ["mydb", "db.sqlite", "file:///var/db", "--db=x", "db-1:80", "the db", "./db"] {
            assert!(!is_host(text, "db"), "{text}");
        }
    }

    #[test]
    fn ports_are_read() {
        let port = |text: &str| {
            let node = Node::scalar(Span::default(), text.to_owned(), false);
            let port = Port::of(&node)?;
            Some(format!(
                "{:?} {:?} {} {}",
                port.address,
                port.published,
                port.target,
                port.is_same()
            ))
        };
        for (text, wanted) in [
            ("3000", "None None 3000 true"),
            ("8080:80", "None Some(\"8080\") 80 false"),
            ("127.0.0.1:80:80", "Some(\"127.0.0.1\") Some(\"80\") 80 true"),
            ("[::1]:80:80/tcp", "Some(\"[::1]\") Some(\"80\") 80 true"),
            ("53:53/udp", "None Some(\"53\") 53 false"),
            ("3000-3005:3000-3005", "None Some(\"3000-3005\") 3000-3005 false"),
            ("${P:-80}:${P:-80}", "None Some(\"${P:-80}\") ${P:-80} true"),
        ] {
            assert_eq!(port(text).as_deref(), Some(wanted), "{text}");
        }
    }
}
