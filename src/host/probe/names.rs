//! Addresses of hosts. The system's look-up may hang for as long as it likes, so it runs in a
//! thread that nobody waits for, and few of them at once.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _},
    sync::Arc,
    thread,
};

use tokio::sync::{Semaphore, oneshot};

/// So many look-ups at once.
const LOOKUPS: usize = 4;

/// Finds the addresses of hosts.
#[derive(Debug)]
pub(super) struct Names {
    lookups: Arc<Semaphore>,
}

impl Default for Names {
    fn default() -> Self {
        Self { lookups: Arc::new(Semaphore::new(LOOKUPS)) }
    }
}

impl Names {
    /// The addresses of `host` in the order to try them. Asks nobody about an address or
    /// `localhost`.
    pub(super) async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![(address, port).into()]);
        }
        if host.eq_ignore_ascii_case("localhost") {
            let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
            return Ok(both.map(|address| (address, port).into()).to_vec());
        }
        let place = Arc::clone(&self.lookups).acquire_owned().await.map_err(io::Error::other)?;
        let (found, answer) = oneshot::channel();
        let name = host.to_owned();
        thread::Builder::new().name("eco-lookup".to_owned()).spawn(move || {
            let addresses = (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
            drop(place);
            // Whoever asked may have given up.
            found.send(addresses).unwrap_or_default();
        })?;
        answer.await.map_err(io::Error::other)?
    }
}
