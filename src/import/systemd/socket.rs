//! The sockets that systemd opens for a service.

use super::{service::Service, spans, unit::Unit};
use crate::{
    config::written_tree::Node,
    import::{
        ini::Item,
        tree::{Map, plain, text},
    },
};

impl Service<'_> {
    /// `listen`, as of the socket unit; a program that systemd gives sockets finds them as before.
    pub(super) fn listen(&self, app: &mut Map) {
        let Some(socket) = self.socket else { return };
        if let Some(item) = socket.last("Socket", "Accept")
            && spans::flag(&item.value) == Some(true)
        {
            let why = "eco starts no process for each connection: let the program accept them";
            self.reading.notes.left_out(item.key_at, &socket.name, why);
            return;
        }
        let (ports, others): (Vec<&Item>, Vec<&Item>) = socket
            .all_of("Socket", "ListenStream")
            .into_iter()
            .partition(|item| is_tcp(&item.value));
        for item in others {
            let what = format!("ListenStream={}", item.value);
            let why = "only TCP ports are shared: let the program open other sockets itself";
            self.reading.notes.left_out(item.key_at, &what, why);
        }
        let Some(first) = ports.first() else { return };
        let port = |item: &&Item| match item.value.parse::<u16>() {
            Ok(number) => plain(item.value_at, &number),
            Err(_) => text(item.value_at, &item.value),
        };
        let list = ports.iter().map(port).collect();
        let mut listen = Map::new(first.value_at);
        listen.put("port", first.key_at, Node::list(first.value_at, list));
        listen.put("pass", first.key_at, text(first.value_at, "fds"));
        app.put_map("listen", first.key_at, listen);
    }
}

/// The socket unit of a service.
pub(super) fn of<'u>(units: &'u [Unit], service: &Unit) -> Option<&'u Unit> {
    units.iter().find(|unit| is_of(unit, service))
}

/// Whether a unit is the socket of a service.
pub(super) fn is_of(socket: &Unit, service: &Unit) -> bool {
    let (Some(stem), Some(own)) =
        (socket.name.strip_suffix(".socket"), service.name.strip_suffix(".service"))
    else {
        return false;
    };
    let named = socket.last("Socket", "Service");
    named.map_or(stem == own, |item| item.value == service.name)
}

/// `80`, `127.0.0.1:80` or `[::1]:80`, where a path or the number of a virtual machine is none.
fn is_tcp(value: &str) -> bool {
    let port = value.rsplit(':').next().unwrap_or_default();
    let is_port = port.parse::<u16>().is_ok_and(|port| port != 0);
    is_port && !value.starts_with(['/', '@']) && !value.starts_with("vsock:")
}
