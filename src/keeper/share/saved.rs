//! What is shared, as bytes: a keeper that takes over reads what the former one wrote. Descriptors
//! come another way; sockets are called by their inodes.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use super::{
    Share,
    group::{Line, Member},
    held::{Group, Owner, Socket},
    socket::Place,
};
use crate::{
    keeper::{event_loop::Keeper, sys},
    protocol::{Malformed, Ports, Reader, Writer},
};

const VERSION: u16 = 1;

/// A socket without its descriptor.
pub(super) type SavedSocket = Socket<()>;

/// Everything.
#[derive(Debug, Default)]
pub(super) struct Saved {
    pub(super) cohorts: Vec<Ports>,
    pub(super) groups: Vec<(u64, Group)>,
    /// In the order in which the keeper had them, in which it also shuts several down.
    pub(super) sockets: Vec<SavedSocket>,
    /// Whose binds of which run are answered.
    pub(super) owners: Vec<(u64, Owner)>,
}

impl Keeper {
    /// Something shared may have changed: it is noted for the next keeper before anybody sees it.
    pub(in crate::keeper) fn note_sharing(&mut self) {
        if !self.share.is_marked() {
            return;
        }
        // Without memory for a note all goes on; a next keeper finds out what it can.
        let written = self.slate.write(self.share.save());
        if written.is_ok() {
            self.share.unmark();
        }
        if written.unwrap_or(true) {
            self.keep_sockets();
        }
    }
}

impl Share {
    /// Whether what is shared may not be as it was noted.
    fn is_marked(&self) -> bool {
        self.cohorts.is_marked() || self.held.is_marked() || self.notifiers.is_marked()
    }

    /// It was noted as it is.
    fn unmark(&mut self) {
        self.cohorts.unmark();
        self.held.unmark();
        self.notifiers.unmark();
    }

    /// What is shared.
    pub(in crate::keeper) fn save(&self) -> Vec<u8> {
        let (groups, sockets) = self.held.parts();
        let owners = self.notifiers.values().map(|it| (it.run, it.owner));
        encode(self.cohorts.values(), groups.iter(), sockets, owners)
    }
}

fn encode<'a, F: 'a>(
    cohorts: impl ExactSizeIterator<Item = &'a Ports>,
    groups: impl ExactSizeIterator<Item = (&'a u64, &'a Group)>,
    sockets: &[Socket<F>],
    owners: impl ExactSizeIterator<Item = (u64, Owner)>,
) -> Vec<u8> {
    let mut out = Writer::default();
    out.u16(VERSION);
    out.count(cohorts.len());
    cohorts.for_each(|ports| ports.write(&mut out));
    out.count(groups.len());
    for (id, group) in groups {
        out.u64(*id);
        write_weights(&group.weights, &mut out);
        out.count(group.lines.len());
        for (place, line) in &group.lines {
            write_place(place, &mut out);
            write_weights(&line.steered, &mut out);
            out.count(line.order.len());
            for Member { cohort, inode, leaves } in &line.order {
                out.u64(*cohort);
                out.u64(*inode);
                out.u8(u8::from(*leaves));
            }
        }
    }
    out.count(sockets.len());
    for socket in sockets {
        write_socket(socket, &mut out);
    }
    out.count(owners.len());
    for (run, owner) in owners {
        out.u64(run);
        write_owner(owner, &mut out);
    }
    out.into_bytes()
}

impl Saved {
    /// Reads what was written.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(bytes);
        let from = &mut from;
        let version = from.u16()?;
        if version != VERSION {
            return Err(Malformed::Version(version));
        }
        let cohorts = from.list(21, Ports::read)?;
        let groups = from.list(16, read_group)?;
        let sockets = from.list(45, read_socket)?;
        let owners = from.list(24, |from| Ok((from.u64()?, read_owner(from)?)))?;
        from.end()?;
        Ok(Self { cohorts, groups, sockets, owners })
    }
}

/// The note as it would be written again; `None` if it cannot be read.
pub(in crate::keeper) fn again(note: &[u8]) -> Option<Vec<u8>> {
    let Saved { cohorts, groups, sockets, owners } = Saved::read(note).ok()?;
    let groups = groups.iter().map(|(id, group)| (id, group));
    Some(encode(cohorts.iter(), groups, &sockets, owners.into_iter()))
}

fn write_weights(weights: &[(u64, u32)], out: &mut Writer) {
    out.count(weights.len());
    for (cohort, weight) in weights {
        out.u64(*cohort);
        out.u32(*weight);
    }
}

fn read_weights(from: &mut Reader<'_>) -> Result<Vec<(u64, u32)>, Malformed> {
    from.list(12, |from| Ok((from.u64()?, from.u32()?)))
}

fn read_group(from: &mut Reader<'_>) -> Result<(u64, Group), Malformed> {
    let id = from.u64()?;
    let weights = read_weights(from)?;
    let lines = from.list(16, |from| {
        let place = read_place(from)?;
        let steered = read_weights(from)?;
        let order = from.list(17, |from| {
            let (cohort, inode) = (from.u64()?, from.u64()?);
            Ok(Member { cohort, inode, leaves: from.flag()? })
        })?;
        Ok((place, Line { order, steered }))
    })?;
    Ok((id, Group { weights, lines: lines.into_iter().collect() }))
}

fn write_place(place: &Place, out: &mut Writer) {
    match place.address.ip() {
        IpAddr::V4(address) => out.bytes(&address.octets()),
        IpAddr::V6(address) => out.bytes(&address.octets()),
    }
    out.u16(place.address.port());
    out.u32(match place.address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(address) => address.scope_id(),
    });
    out.u8(u8::from(place.only_v6));
    out.i32(place.device);
}

fn read_place(from: &mut Reader<'_>) -> Result<Place, Malformed> {
    let address = from.bytes(16)?;
    let (port, scope) = (from.u16()?, from.u32()?);
    let address = match <[u8; 4]>::try_from(address) {
        Ok(four) => SocketAddr::new(four.into(), port),
        Err(_) => SocketAddrV6::new(<[u8; 16]>::try_from(address)?.into(), port, 0, scope).into(),
    };
    Ok(Place { address, only_v6: from.flag()?, device: from.i32()? })
}

fn write_owner(owner: Owner, out: &mut Writer) {
    out.u64(owner.cohort);
    out.u64(owner.group);
}

fn read_owner(from: &mut Reader<'_>) -> Result<Owner, Malformed> {
    Ok(Owner { cohort: from.u64()?, group: from.u64()? })
}

fn write_socket<F>(socket: &Socket<F>, out: &mut Writer) {
    out.u64(socket.inode);
    write_owner(socket.owner, out);
    write_place(&socket.place, out);
    out.u8(u8::from(socket.listening));
    out.i32(socket.backlog);
    out.u8(u8::from(socket.parked));
    out.u8(u8::from(socket.ahead));
    // No run has this number.
    out.u64(socket.only_of.unwrap_or_default());
    out.count(socket.holders.len());
    for (run, process) in &socket.holders {
        out.u64(*run);
        out.i32(process.as_raw_nonzero().get());
    }
}

fn read_socket(from: &mut Reader<'_>) -> Result<SavedSocket, Malformed> {
    Ok(Socket {
        fd: (),
        inode: from.u64()?,
        owner: read_owner(from)?,
        place: read_place(from)?,
        listening: from.flag()?,
        backlog: from.i32()?,
        parked: from.flag()?,
        ahead: from.flag()?,
        only_of: Some(from.u64()?).filter(|run| *run != 0),
        holders: from.list(12, |from| {
            let (run, process) = (from.u64()?, from.u32()?);
            Ok((run, sys::pid(process).ok_or(Malformed::Value)?))
        })?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::DeclaredPort;

    /// Recorded once for each version: `RECORD=1` writes it.
    const RECORDED: &str = "src/keeper/recorded/sharing.1";

    #[test]
    fn a_recorded_note_is_read_and_written_as_it_is() {
        let note = std::fs::read(RECORDED).unwrap();
        assert_eq!(again(&note), Some(note));
    }

    #[test]
    fn what_is_saved_can_be_read_and_nothing_else() {
        let mut share = Share::new().unwrap();
        let host = Some("::1".parse().unwrap());
        let ports = vec![DeclaredPort { host, port: 80 }, DeclaredPort { host: None, port: 0 }];
        share.cohorts.insert(7, Ports { cohort: 7, group: 3, ports, fds: false });
        let owner = Owner { cohort: 7, group: 3 };
        let made = super::super::socket::fresh("127.0.0.1:0".parse().unwrap()).unwrap();
        let place = Place::new("127.0.0.1:0".parse().unwrap(), &made);
        let inode = share.held.bind(made, owner, place, Some(12)).unwrap();
        share.held.is_held(inode, 12, rustix::process::getpid());
        share.held.listen(inode, 5).unwrap();
        let bytes = share.save();
        if std::env::var_os("RECORD").is_some() {
            std::fs::write(RECORDED, &bytes).unwrap();
        }
        assert_eq!(again(&bytes).as_ref(), Some(&bytes));
        let saved = Saved::read(&bytes).unwrap();
        assert_eq!(saved.cohorts[..], [share.cohorts[&7].clone()]);
        let socket = &saved.sockets[0];
        assert_eq!((socket.inode, socket.owner, socket.only_of), (inode, owner, Some(12)));
        assert_eq!(socket.holders, [(12, rustix::process::getpid())]);
        assert!(socket.listening && !socket.parked && socket.place == place);
        let (group, found) = &saved.groups[0];
        assert_eq!((*group, found.lines[&place].order[0].inode), (3, inode));
        for cut in 0..bytes.len() {
            assert!(Saved::read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
