//! The listening sockets of this network namespace, as the system lists them.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, SocketAddr},
};

/// Where sockets listen, by their inodes.
pub(super) fn listeners() -> BTreeMap<u64, SocketAddr> {
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
    let texts = tables.map(|path| fs::read_to_string(path).unwrap_or_default());
    texts.iter().flat_map(|text| text.lines().filter_map(listener)).collect()
}

/// Reads a line such as `  0: 0100007F:0BB8 00000000:0000 0A … 0 0 12345 …`.
fn listener(line: &str) -> Option<(u64, SocketAddr)> {
    const STATE: usize = 3;
    const INODE: usize = 9;
    const LISTENING: &str = "0A";
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    if *fields.get(STATE)? != LISTENING {
        return None;
    }
    let (address, port) = fields.get(1)?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some((fields.get(INODE)?.parse().ok()?, SocketAddr::new(parse(address)?, port)))
}

/// An address in words of 32 bits, each as a number of this machine.
fn parse(text: &str) -> Option<IpAddr> {
    let words = text.as_bytes().as_chunks::<8>().0.iter().map(|word| {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        Some(word.to_ne_bytes())
    });
    let bytes = words.collect::<Option<Vec<_>>>()?.concat();
    let four = <[u8; 4]>::try_from(&*bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(&*bytes).map(IpAddr::from)).ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn listeners_are_found_at_their_addresses() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(socket) = TcpListener::bind(address) else { continue };
            let inode = rustix::fs::fstat(&socket).unwrap().st_ino;
            assert_eq!(listeners().get(&inode), Some(&socket.local_addr().unwrap()));
        }
        assert_eq!(listener("  sl  local_address rem_address   st tx_queue"), None);
        assert_eq!(listener(""), None);
    }
}
