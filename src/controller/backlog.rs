//! How the shared ports of apps stand, as the system tells when somebody asks with `memory`.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use super::{report::Look, state::State};
use crate::{
    api::QueueReply,
    host::listeners::{Listener, listeners},
    model::{App, AppKey, Time},
};

/// What the system said last: one status asks it once, however many apps it tells of.
#[derive(Debug, Default)]
pub(super) struct Backlog(RefCell<Option<(Time, BTreeMap<SocketAddr, Listener>)>>);

impl State {
    /// The sockets at the ports an app shares.
    pub(super) fn queue_replies(&self, key: &AppKey, app: &App, look: Look) -> Vec<QueueReply> {
        let ports = self.shared_ports(key);
        if !look.memory || ports.is_empty() {
            return Vec::new();
        }
        let hosts = app.spec.listen.iter().flat_map(|listen| &listen.ports);
        let named: Vec<_> = hosts.filter_map(|it| Some((it.host?, it.port))).collect();
        // Another app may have the same port at another address.
        let is_own = |at: &SocketAddr| {
            let mut named = named.iter().filter(|(_, port)| *port == at.port()).peekable();
            named.peek().is_none() || named.any(|(host, _)| *host == at.ip())
        };
        let known = self.traffic.backlog.0.borrow().as_ref().is_some_and(|(at, _)| *at == look.now);
        if !known {
            let all = self.observed.apps.keys().flat_map(|key| self.shared_ports(key)).collect();
            let found = listeners(&all).unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot ask about listening sockets");
                BTreeMap::new()
            });
            *self.traffic.backlog.0.borrow_mut() = Some((look.now, found));
        }
        let found = self.traffic.backlog.0.borrow();
        let found = found.iter().flat_map(|(_, found)| found);
        found
            .filter(|(at, _)| ports.contains(&at.port()) && is_own(at))
            .map(|(at, listener)| QueueReply {
                address: at.to_string(),
                waiting: listener.waiting,
                capacity: listener.capacity,
                connections: listener.connections,
                overflows: listener.overflows,
            })
            .collect()
    }

    fn shared_ports(&self, key: &AppKey) -> BTreeSet<u16> {
        let runs = self.observed.apps.get(key).into_iter().flat_map(|app| app.runs.values());
        runs.flat_map(|run| run.sockets.shared.iter().copied()).collect()
    }
}
