//! What controller and keeper say about shared ports.

use std::net::{IpAddr, SocketAddr};

use super::wire::{Malformed, Reader, Writer};

/// At most so many cohorts are steered at once.
pub const MAX_COHORTS: usize = 64;
/// At most so many ports are declared for a cohort.
pub const MAX_DECLARED: usize = 16;

/// The ports a cohort shares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// The cohort, not 0.
    pub cohort: u64,
    /// The cohorts of one app, whose sockets stand side by side, have the same.
    pub group: u64,
    /// The ports; none is every port the app binds.
    pub ports: Vec<DeclaredPort>,
    /// Whether the sockets are made now and given to the runs as `LISTEN_FDS`.
    pub fds: bool,
}

/// A port to share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclaredPort {
    /// Only this address; `None` is whatever address the app binds.
    pub host: Option<IpAddr>,
    /// The port.
    pub port: u16,
}

/// A queue of connections that wait to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The cohort whose it is.
    pub cohort: u64,
    /// Where its socket listens.
    pub address: SocketAddr,
    /// So many connections wait.
    pub waiting: u32,
    /// So many may wait.
    pub room: u32,
    /// Since when nothing was taken from it though something waited, in ns of `CLOCK_MONOTONIC`; 0
    /// if something is taken.
    pub since: u64,
}

/// Which connections are closed for a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closing {
    /// Those on which nothing has moved for so long, in ms, since an answer was sent; 0 closes none.
    pub quiet_ms: u32,
    /// Also those on which a whole answer seems to have just been sent.
    pub between: bool,
}

impl Ports {
    /// Appends its fields.
    pub fn write(&self, out: &mut Writer) {
        out.u64(self.cohort);
        out.u64(self.group);
        out.u8(u8::from(self.fds));
        out.count(self.ports.len());
        for declared in &self.ports {
            out.u16(declared.port);
            write_host(declared.host, out);
        }
    }

    /// Takes its fields.
    pub fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (cohort, group, fds) = (from.u64()?, from.u64()?, from.flag()?);
        let count = from.count(6)?;
        if MAX_DECLARED < count {
            return Err(Malformed::Long);
        }
        let ports = (0..count).map(|_| {
            let (port, host) = (from.u16()?, read_host(from)?);
            Ok(DeclaredPort { host, port })
        });
        Ok(Self { cohort, group, ports: ports.collect::<Result<_, Malformed>>()?, fds })
    }
}

impl Queue {
    /// Appends its fields.
    pub fn write(&self, out: &mut Writer) {
        out.u64(self.cohort);
        out.u16(self.address.port());
        write_host(Some(self.address.ip()), out);
        out.u32(self.waiting);
        out.u32(self.room);
        out.u64(self.since);
    }

    /// Takes its fields.
    pub fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (cohort, port) = (from.u64()?, from.u16()?);
        let host = read_host(from)?.ok_or(Malformed::Value)?;
        let (waiting, room, since) = (from.u32()?, from.u32()?, from.u64()?);
        Ok(Self { cohort, address: SocketAddr::new(host, port), waiting, room, since })
    }
}

fn write_host(host: Option<IpAddr>, out: &mut Writer) {
    match host {
        None => out.bytes(&[]),
        Some(IpAddr::V4(address)) => out.bytes(&address.octets()),
        Some(IpAddr::V6(address)) => out.bytes(&address.octets()),
    }
}

fn read_host(from: &mut Reader<'_>) -> Result<Option<IpAddr>, Malformed> {
    let address = from.bytes(16)?;
    let four = <[u8; 4]>::try_from(address).map(IpAddr::from);
    Ok(match address.len() {
        0 => None,
        _ => Some(four.or_else(|_| <[u8; 16]>::try_from(address).map(IpAddr::from))?),
    })
}

impl From<std::array::TryFromSliceError> for Malformed {
    fn from(_: std::array::TryFromSliceError) -> Self {
        Self::Value
    }
}
