//! Addresses and ports: what an app listens on, and what a probe connects to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Complaint, Scalar, scalar};
use crate::{config::suggest::quoted, model::ListenPort};

/// A port from 1 to 65535, for the schema.
const PORT: &str =
    "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
/// An address as it stands before a port, for the schema.
const ADDRESS: &str = "([0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[[0-9A-Fa-f:.]+\\])";

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn number(text: &str) -> Result<u16, Complaint> {
    let port = text.parse().ok().filter(|_| is_digits(text) && !text.starts_with('0'));
    port.ok_or_else(|| {
        Complaint::new(
            format!("{} is not a port", quoted(text)),
            "expected a whole number from 1 to 65535",
        )
    })
}

/// One item of `listen`.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) enum PortText {
    /// Whatever the app listens on.
    Auto,
    /// A port, maybe on one address only.
    Port(ListenPort),
}

impl Scalar for PortText {
    const NOUN: &'static str = "a port or a mapping";

    fn read(text: &str) -> Result<Self, Complaint> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        if text.bytes().all(|byte| byte == b'0') && !text.is_empty() {
            let message = "port 0 is a different free port each time, so it cannot be shared";
            return Err(Complaint::new(message, "expected a whole number from 1 to 65535")
                .help("`listen: auto` shares whatever port the app listens on"));
        }
        let wrong = || {
            let label = "expected a port, `address:port` or `auto`";
            Complaint::new(format!("{} is not a port", quoted(text)), label)
        };
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(wrong().help("an IPv6 address stands in brackets, as in `[::1]:3000`"));
        }
        if text.contains('/') {
            return Err(wrong().help(
                "`listen` is about TCP ports; a Unix socket is left to the app, and needs no entry",
            ));
        }
        match text.rsplit_once(':') {
            Some((host, port)) => {
                let host = Some(address(host, port)?);
                Ok(Self::Port(ListenPort { host, port: number(port)? }))
            }
            None if is_digits(text) => {
                Ok(Self::Port(ListenPort { host: None, port: number(text)? }))
            }
            None => Err(wrong()),
        }
    }
}

/// An IP address as it stands before a port.
pub(super) fn bound_address(host: &str) -> Option<IpAddr> {
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bracketed {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

/// The address before a port of `listen`.
fn address(host: &str, port: &str) -> Result<IpAddr, Complaint> {
    bound_address(host).ok_or_else(|| {
        let complaint = not_an_address(host);
        match host {
            "localhost" => {
                complaint.help(format!("write `127.0.0.1:{port}` or `\"[::1]:{port}\"`"))
            }
            "" | "*" => {
                complaint.help(format!("write `{port}` for whatever address the app binds"))
            }
            _ if is_digits(host) => complaint.help(
                "ports are shared, not mapped to others: name the one that the app listens on",
            ),
            _ => complaint,
        }
    })
}

fn not_an_address(host: &str) -> Complaint {
    let label = "expected an IP address, as in `127.0.0.1`";
    Complaint::new(format!("{} is not an address", quoted(host)), label)
}

scalar!(PortText, "Port", {
    "description": "A TCP port (shared on whatever address the app binds), `address:port` (only \
                    there), or `auto` (whatever the app listens on).",
    "anyOf": [
        { "type": "integer", "minimum": 1, "maximum": 65535 },
        { "type": "string", "pattern": format!("^(auto|({ADDRESS}:)?{PORT})$") }
    ],
    "examples": [3000, "127.0.0.1:3000", "[::1]:3000", "auto"]
});

/// An IP address.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct AddressText(pub(in crate::config) IpAddr);

impl Scalar for AddressText {
    const NOUN: &'static str = "an IP address";

    fn read(text: &str) -> Result<Self, Complaint> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        bare.parse().map(Self).map_err(|_| match text {
            "localhost" => not_an_address(text).help("write `127.0.0.1` or `\"::1\"`"),
            "*" => not_an_address(text).help("leave `host` out for whatever address the app binds"),
            _ => not_an_address(text),
        })
    }
}

scalar!(AddressText, "Address", {
    "description": "An IP address.",
    "type": "string",
    "pattern": "^([0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*\\]?)$",
    "examples": ["127.0.0.1", "::1"]
});

/// The port a probe connects to. With variables it is checked once they are filled.
#[derive(Clone, Debug)]
pub(in crate::config) struct ProbePort(pub(in crate::config) String);

impl ProbePort {
    /// Checks a text in which only variables of the instance are left.
    pub(in crate::config) fn check(text: &str) -> Result<(), Complaint> {
        if text.contains("${") { Ok(()) } else { number(text).map(drop) }
    }
}

impl Scalar for ProbePort {
    const NOUN: &'static str = "a port";

    fn read(text: &str) -> Result<Self, Complaint> {
        Self::check(text).map(|()| Self(text.to_owned()))
    }
}

scalar!(ProbePort, "ProbePort", {
    "description": "A port, or text with variables: `${PORT}`, `90${ECO_INSTANCE}`.",
    "anyOf": [
        { "type": "integer", "minimum": 1, "maximum": 65535 },
        { "type": "string", "pattern": format!("^{PORT}$") }
    ]
});

/// What a `tcp` probe connects to. With variables it is checked once they are filled.
#[derive(Clone, Debug)]
pub(in crate::config) struct TargetText(pub(in crate::config) String);

/// A [`TargetText`] taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) enum Target {
    /// The app's own port.
    Own,
    /// A port, on some host or the usual one.
    Tcp(Option<String>, String),
    /// A Unix socket.
    Socket(String),
}

impl Target {
    /// Takes a text apart in which only variables of the instance are left.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Complaint> {
        if text == "true" {
            return Ok(Self::Own);
        }
        if text.contains('/') {
            return Ok(Self::Socket(text.to_owned()));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (Some(host_of(host, text)?), port),
            None => (None, text),
        };
        let wrong = |_| {
            let label = "expected a port, `host:port`, the path of a socket or `true`";
            Complaint::new(format!("{} is nothing to connect to", quoted(text)), label)
        };
        ProbePort::check(port).map_err(wrong)?;
        Ok(Self::Tcp(host, port.to_owned()))
    }
}

/// The host before a port, without brackets.
pub(in crate::config) fn host_of(host: &str, whole: &str) -> Result<String, Complaint> {
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let is_good = bracketed.map_or_else(
        || !host.is_empty() && host.chars().all(is_name),
        |inner| inner.parse::<Ipv6Addr>().is_ok(),
    );
    if is_good {
        return Ok(bracketed.unwrap_or(host).to_owned());
    }
    let label = "expected `host:port`, as in `127.0.0.1:3000` or `[::1]:3000`";
    Err(Complaint::new(format!("{} has no good host", quoted(whole)), label))
}

impl Scalar for TargetText {
    const NOUN: &'static str = "a port, `host:port`, the path of a socket or `true`";

    fn read(text: &str) -> Result<Self, Complaint> {
        if !text.contains("${") {
            Target::parse(text)?;
        }
        Ok(Self(text.to_owned()))
    }
}

scalar!(TargetText, "Target", {
    "description": "A port, `host:port`, the path of a Unix socket, or `true` for the port of `listen`.",
    "anyOf": [
        { "const": true },
        { "type": "integer", "minimum": 1, "maximum": 65535 },
        {
            "type": "string",
            "pattern": format!("^(true|.*/.*|(\\[[0-9A-Fa-f:.]+\\]:|[-A-Za-z0-9._]+:)?{PORT})$")
        }
    ],
    "examples": [true, 5432, "127.0.0.1:5432", "run/app.sock"]
});

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(text: &str) -> Option<String> {
        match PortText::read(text).ok()? {
            PortText::Auto => Some("auto".to_owned()),
            PortText::Port(port) => Some(port.to_string()),
        }
    }

    #[test]
    fn ports_may_have_an_address() {
        for good in ["3000", "127.0.0.1:80", "[::1]:65535", "0.0.0.0:1", "auto"] {
            assert_eq!(listen(good).as_deref(), Some(good));
        }
        for bad in [
            "0",
            "65536",
            "-1",
            "080",
            "3000/tcp",
            "localhost:3000",
            ":3000",
            "*:3000",
            "::1:3000",
            "::1",
            "8080:80",
            "127.0.0.1",
            "127.0.0.1:0",
            "127.0.0.1:",
            "[127.0.0.1]:1",
            "",
            "Auto",
        ] {
            assert_eq!(listen(bad), None, "{bad}");
        }
    }

    #[test]
    fn targets_are_taken_apart() {
        let tcp = |host: Option<&str>, port: &str| {
            Some(Target::Tcp(host.map(str::to_owned), port.to_owned()))
        };
        let parse = |text| Target::parse(text).ok();
        assert_eq!(parse("true"), Some(Target::Own));
        assert_eq!(parse("5432"), tcp(None, "5432"));
        assert_eq!(parse("db.local:5432"), tcp(Some("db.local"), "5432"));
        assert_eq!(parse("[::1]:90${ECO_INSTANCE}"), tcp(Some("::1"), "90${ECO_INSTANCE}"));
        assert_eq!(parse("./a.sock"), Some(Target::Socket("./a.sock".to_owned())));
        for bad in ["false", "0", "a", ":1", "a b:1", "a:", "::1:1"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
