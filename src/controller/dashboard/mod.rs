//! The page for browsers: where projects have it offered, and who looks at it. Nothing is measured
//! or told before somebody does.

mod assets;
mod data;
mod doors;
mod http;
mod link;
mod pending;
mod routes;
mod sessions;
mod tls;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use tokio::net::TcpStream;

use super::{endpoints::Endpoints, events::Told, projects::Meta, serve::Calls, state::State};
use crate::{
    api::{ChangeReply, DashboardState, EventType},
    host::clock,
    model::{DashboardPolicy, Effect, ProjectName},
};

use doors::{Door, Doors};
use http::Visitors;
pub(super) use pending::Pending;

/// Where the page is offered, and who looks at it.
#[derive(Debug, Default)]
pub(super) struct Dashboard {
    pub(super) endpoints: Endpoints,
    /// Addresses that `eco dashboard` has asked for, until the controller ends.
    asked: BTreeSet<SocketAddr>,
    /// Certificates that cannot be used, in words.
    faults: BTreeMap<SocketAddr, String>,
    doors: Arc<Doors>,
    visitors: Visitors,
}

/// What an edit of `dashboard` changes. It holds at once.
pub(super) fn changes(
    before: Option<&DashboardPolicy>,
    after: Option<&DashboardPolicy>,
) -> Vec<ChangeReply> {
    let values = |it: Option<&DashboardPolicy>| {
        let file = |path: &std::path::Path| path.display().to_string();
        let tls = it.and_then(|it| it.tls.as_ref());
        [
            ("dashboard.listen", it.map(|it| it.listen.to_string())),
            ("dashboard.read_only", it.filter(|it| it.read_only).map(|_| "true".to_owned())),
            ("dashboard.hosts", it.filter(|it| !it.hosts.is_empty()).map(|it| it.hosts.join(", "))),
            ("dashboard.tls.cert", tls.map(|tls| file(&tls.cert))),
            ("dashboard.tls.key", tls.map(|tls| file(&tls.key))),
        ]
    };
    let both = values(before).into_iter().zip(values(after));
    let changed = both.filter(|((_, old), (_, new))| old != new);
    let reply = |((field, old), (_, new)): ((&str, _), (_, _))| {
        let (app, field) = (String::new(), field.to_owned());
        ChangeReply { app, field, old, new, effect: Effect::Live, masked: false }
    };
    changed.map(reply).collect()
}

/// Where a browser finds what is offered at an address.
fn url(address: SocketAddr, hosts: &BTreeSet<String>, is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    let port = address.port();
    let local = match address.ip() {
        IpAddr::V4(ip) if ip == Ipv4Addr::UNSPECIFIED => Some("localhost".to_owned()),
        IpAddr::V6(ip) if ip == Ipv6Addr::UNSPECIFIED => Some("localhost".to_owned()),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    };
    let name = hosts.first().cloned().or(local).map(|name| format!("{name}:{port}"));
    format!("{scheme}://{}/", name.unwrap_or_else(|| address.to_string()))
}

impl Dashboard {
    /// Begins to answer somebody who connects.
    pub(super) fn receive(&self, caller: (SocketAddr, TcpStream)) {
        self.visitors.answer(caller, &self.doors);
    }
}

impl State {
    /// Callers are answered through the API's own door to the loop.
    pub(super) fn open_dashboard(&mut self, calls: Calls) {
        self.dashboard.visitors.open(calls);
        self.settle_dashboard_now();
    }

    /// Offers the page where projects say so, where somebody has asked for it, and nowhere else.
    pub(super) fn settle_dashboard(&mut self) {
        let offered = self.metas.values().any(|meta| meta.dashboard.is_some());
        let is_open = !self.dashboard.endpoints.is_empty();
        if !offered && !is_open && self.dashboard.asked.is_empty() {
            return;
        }
        let doors = self.doors();
        if self.dashboard.doors.lock().doors != doors {
            self.try_certificates(&doors);
            let mut inner = self.dashboard.doors.lock();
            inner.sessions.keep(|address| doors.contains_key(address));
            inner.doors.clone_from(&doors);
        }
        let usable = doors.keys().filter(|address| !self.dashboard.faults.contains_key(address));
        let wanted: BTreeSet<SocketAddr> = usable.copied().collect();
        for news in self.dashboard.endpoints.settle(&wanted, clock::now()) {
            let text = match &news.fault {
                Some(why) => format!("the dashboard is not offered: {why}"),
                None => format!("the dashboard is offered at {}", news.address),
            };
            // What is well from the start is no news.
            if news.fault.is_some() || news.is_mended {
                self.tell_of_dashboard(news.address, &text);
            }
        }
    }

    /// [`Self::settle_dashboard`], and what could not be had before is tried at once.
    pub(super) fn settle_dashboard_now(&mut self) {
        self.dashboard.endpoints.hurry(clock::now());
        // As if all were new: certificates are looked at again.
        self.dashboard.doors.lock().doors.clear();
        self.settle_dashboard();
    }

    fn tell_of_dashboard(&mut self, address: SocketAddr, text: &str) {
        let doors = self.dashboard.doors.lock();
        let projects = doors.doors.get(&address).map(|door| door.projects.clone());
        drop(doors);
        for name in projects.unwrap_or_default().keys() {
            self.tell(Told::about(EventType::Eco, name, text));
        }
    }

    fn doors(&self) -> BTreeMap<SocketAddr, Door> {
        let asked = self.dashboard.asked.iter().map(|address| (*address, Door::default()));
        let mut doors: BTreeMap<SocketAddr, Door> = asked.collect();
        for (name, meta) in self.metas.iter().filter(|(_, meta)| !meta.ending) {
            let Some(policy) = &meta.dashboard else { continue };
            let door = doors.entry(policy.listen).or_default();
            door.projects.insert(name.clone(), policy.read_only);
            door.hosts.extend(policy.hosts.iter().cloned());
            if door.tls.is_none() {
                door.tls.clone_from(&policy.tls);
            }
        }
        doors
    }

    /// Looks whether the certificates can be used, and tells what is new about that.
    fn try_certificates(&mut self, doors: &BTreeMap<SocketAddr, Door>) {
        let files = doors.iter().filter_map(|(address, door)| Some((address, door.tls.as_ref()?)));
        let tried =
            files.filter_map(|(address, files)| Some((*address, tls::acceptor(files).err()?)));
        let tried: BTreeMap<SocketAddr, String> = tried.collect();
        let before = std::mem::replace(&mut self.dashboard.faults, tried.clone());
        for (address, why) in tried.iter().filter(|(address, why)| before.get(address) != Some(why))
        {
            let projects = doors.get(address).into_iter().flat_map(|door| door.projects.keys());
            for name in projects {
                let text = format!("the dashboard is not offered: {why}");
                self.tell(Told::about(EventType::Eco, name, text));
            }
        }
    }

    /// Where a project's page is offered, and why it is not.
    pub(super) fn dashboard_state(&self, meta: &Meta) -> Option<DashboardState> {
        let policy = meta.dashboard.as_ref()?;
        let hosts = policy.hosts.iter().cloned().collect();
        let url = url(policy.listen, &hosts, policy.tls.is_some());
        Some(DashboardState { url, error: self.dashboard_fault(policy.listen) })
    }

    fn dashboard_fault(&self, address: SocketAddr) -> Option<String> {
        let certificate = self.dashboard.faults.get(&address).map(String::as_str);
        certificate.or_else(|| self.dashboard.endpoints.fault(&address)).map(str::to_owned)
    }

    /// What to say of that where somebody applies.
    pub(super) fn dashboard_notes(&self, name: &ProjectName) -> Option<String> {
        let state = self.dashboard_state(self.metas.get(name)?)?;
        let why = state.error?;
        Some(format!("the dashboard is not offered: {why}"))
    }
}
