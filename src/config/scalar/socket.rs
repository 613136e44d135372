//! An address with a port, at which eco itself listens.

use std::net::{Ipv6Addr, SocketAddr};

use super::{
    Complaint, Scalar,
    port::{bound_address, number},
    scalar,
};
use crate::config::suggest::quoted;

/// `address:port`.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct SocketText(pub(in crate::config) SocketAddr);

impl Scalar for SocketText {
    const NOUN: &'static str = "an address and a port";

    fn read(text: &str) -> Result<Self, Complaint> {
        let wrong = |help: String| {
            let message = format!("{} is not an address with a port", quoted(text));
            Complaint::new(message, "expected `address:port`, as in `127.0.0.1:9615`").help(help)
        };
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if bare.parse::<Ipv6Addr>().is_ok() {
            return Err(wrong(format!("the port is missing: write `\"[{bare}]:9615\"`")));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            let is_port = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            return Err(wrong(if is_port {
                format!("the address is missing: write `127.0.0.1:{text}`")
            } else {
                format!("the port is missing: write `{text}:9615`")
            }));
        };
        let port = number(port).map_err(|it| it.help("as in `127.0.0.1:9615`"))?;
        match bound_address(host) {
            Some(host) => Ok(Self(SocketAddr::new(host, port))),
            None => Err(wrong(format!("write `127.0.0.1:{port}` or `\"[::1]:{port}\"`"))),
        }
    }
}

scalar!(SocketText, "Socket", {
    "description": "An IP address and a TCP port: `address:port`.",
    "type": "string",
    "pattern": "^([0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[[0-9A-Fa-f:.]+\\]):[1-9][0-9]{0,4}$",
    "examples": ["127.0.0.1:9615", "[::1]:9615"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_a_port_are_needed() {
        for good in ["127.0.0.1:9615", "[::1]:1", "0.0.0.0:65535"] {
            assert_eq!(SocketText::read(good).unwrap().0.to_string(), good);
        }
        for bad in [
            "",
            "9615",
            "127.0.0.1",
            "::1",
            "[::1]",
            "127.0.0.1:0",
            "127.0.0.1:65536",
            "localhost:9615",
            ":9615",
            "*:9615",
            "::1:9615x",
            "127.0.0.1:",
            "127.0.0:1",
        ] {
            assert!(SocketText::read(bad).is_err(), "{bad}");
        }
    }
}
