//! Addresses at which eco itself listens over TCP, as projects say: one socket each, whatever number
//! of them name it.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    io::{self, ErrorKind},
    net::SocketAddr,
    task::{Context, Poll},
    time::Duration,
};

use tokio::net::{TcpListener, TcpStream};

use crate::{host::port_owner, model::Time};

/// Waiting callers that the kernel keeps.
const BACKLOG: u32 = 16;
/// Time before an address that could not be had is tried again; each time twice as long
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// up to this.
const LAST_RETRY: Duration = Duration::from_secs(60);

/// One address.
#[derive(Debug)]
enum Endpoint {
    Open(TcpListener),
    /// Why it cannot be had.
    Refused(String),
}

/// All addresses that are asked for. Dropping one closes it at once.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    by_address: BTreeMap<SocketAddr, Endpoint>,
    /// When to try again what could not be had; `None` while nothing is missing.
    next_try: Option<Time>,
    wait: Duration,
}

/// What became of an address that was tried, where that is news.
#[derive(Debug)]
pub(super) struct News {
    pub(super) address: SocketAddr,
    /// Why it cannot be had; `None` if it can.
    pub(super) fault: Option<String>,
    /// Whether it could not be had before.
    pub(super) is_mended: bool,
}

impl Endpoints {
    /// When to try again.
    pub(super) fn next_try(&self) -> Option<Time> {
        self.next_try
    }

    /// Why an address cannot be had.
    pub(super) fn fault(&self, address: &SocketAddr) -> Option<&str> {
        match self.by_address.get(address)? {
            Endpoint::Open(_) => None,
            Endpoint::Refused(why) => Some(why),
        }
    }

    /// Whether nothing is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// Somebody wants to know now: what could not be had is tried at once.
    pub(super) fn hurry(&mut self, now: Time) {
        self.wait = Duration::ZERO;
        self.next_try = self.next_try.map(|_| now);
    }

    /// Listens at these addresses and no others. There is no event for a port that becomes free, so
    /// what cannot be had is tried again, more and more seldom; nothing is if nothing is missing.
    pub(super) fn settle(&mut self, wanted: &BTreeSet<SocketAddr>, now: Time) -> Vec<News> {
        self.by_address.retain(|address, _| wanted.contains(address));
        let is_time = self.next_try.is_some_and(|at| at <= now);
        let mut news = Vec::new();
        for address in wanted {
            let before = match self.by_address.get(address) {
                Some(Endpoint::Open(_)) => continue,
                Some(Endpoint::Refused(_)) if !is_time => continue,
                Some(Endpoint::Refused(why)) => Some(why.clone()),
                None => None,
            };
            let (endpoint, fault) = match listen(*address) {
                Ok(listener) => (Endpoint::Open(listener), None),
                Err(error) => {
                    let why = words(*address, &error);
                    (Endpoint::Refused(why.clone()), Some(why))
                }
            };
            if before != fault {
                let is_mended = before.is_some() && fault.is_none();
                news.push(News { address: *address, fault, is_mended });
            }
            self.by_address.insert(*address, endpoint);
        }
        self.plan_try(is_time, now);
        news
    }

    fn plan_try(&mut self, was_time: bool, now: Time) {
        let is_missing = self.by_address.values().any(|it| matches!(it, Endpoint::Refused(_)));
        if !is_missing {
            (self.next_try, self.wait) = (None, Duration::ZERO);
        } else if was_time || self.next_try.is_none() {
            self.wait = self.wait.saturating_mul(2).clamp(FIRST_RETRY, LAST_RETRY);
            self.next_try = Some(now.after(self.wait));
        }
    }

    /// The next caller, and which address it came to; `None` if an address was lost. Cancel-safe:
    /// nothing is taken before it is given out.
    pub(super) async fn next(&mut self) -> Option<(SocketAddr, TcpStream)> {
        poll_fn(|context| {
            for (address, endpoint) in &mut self.by_address {
                let Some(found) = endpoint.poll(context) else { continue };
                match found {
                    Ok(stream) => return Poll::Ready(Some((*address, stream))),
                    // Out of descriptors, say: it is closed, lest the loop turn on it for ever.
                    Err(error) => {
                        *endpoint = Endpoint::Refused(words(*address, &error));
                        return Poll::Ready(None);
                    }
                }
            }
            Poll::Pending
        })
        .await
    }
}

impl Endpoint {
    /// The next caller, if there is one.
    fn poll(&self, context: &mut Context<'_>) -> Option<io::Result<TcpStream>> {
        let Self::Open(listener) = self else { return None };
        loop {
            let Poll::Ready(found) = listener.poll_accept(context) else { return None };
            match found {
                Ok((stream, _)) => return Some(Ok(stream)),
                Err(error) if is_the_callers(&error) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Whether a caller went away before it was accepted.
fn is_the_callers(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
        || error.kind() == ErrorKind::Interrupted
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    // Connections of a controller before this one may still be about to end.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Why an address cannot be had, and what to do.
fn words(address: SocketAddr, error: &io::Error) -> String {
    let kind = error.kind();
    if kind == ErrorKind::AddrInUse {
        let owner = port_owner::port_owner(address.port());
        let by = owner.map(|owner| format!(" by {owner}")).unwrap_or_default();
        return format!("{address} is in use{by}; make it free, or name another port");
    }
    if kind == ErrorKind::AddrNotAvailable {
        return format!("{address} is no address of this machine; name one of it");
    }
    if kind == ErrorKind::PermissionDenied {
        return format!("{address} is not allowed for this user; name a port from 1024 on");
    }
    format!("{address} cannot be had: {error}")
}
