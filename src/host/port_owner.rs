//! Who listens on a TCP port: read from `/proc` when somebody asks, never by itself.

use std::{
    ffi::OsStr,
    fmt, fs,
    io::{BufRead as _, BufReader, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
};

/// So many open descriptors are looked at before the search is given up.
const DESCRIPTORS: usize = 200_000;
/// `TCP_LISTEN`, as the kernel writes it.
const LISTEN: &str = "0A";

/// Who listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The process; of several that share the socket, the one with the lowest pid. `None` if it
    /// cannot be told from here.
    pub pid: Option<u32>,
    /// The name of its program, or who it is in words where there is no pid.
    pub command: String,
    /// The address it listens at, with the port.
    pub address: String,
}

impl fmt::Display for Owner {
    /// `python3 (pid 123)`, or `a process of another user`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "{} (pid {pid})", self.command),
            None => f.write_str(&self.command),
        }
    }
}

/// Who listens on this TCP port of any address here; `None` if nobody does.
///
/// Looks at the descriptors of all processes it may look at, so it may take some tens of
/// milliseconds on a busy machine.
pub fn port_owner(port: u16) -> Option<Owner> {
    let listeners: Vec<Listener> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .flat_map(|table| listeners(Path::new(table)))
        .filter(|listener| listener.address.port() == port)
        .collect();
    let first = listeners.first()?;
    Some(match find_process(&listeners) {
        Found::Process { pid, listener } => {
            Owner { pid: Some(pid), command: program(pid), address: listener.address.to_string() }
        }
        Found::Hidden => Owner {
            pid: None,
            command: "a process of another user".to_owned(),
            address: first.address.to_string(),
        },
        Found::Nobody => Owner {
            pid: None,
            command: "a process that cannot be seen from here".to_owned(),
            address: first.address.to_string(),
        },
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Listener {
    address: SocketAddr,
    inode: u64,
}

/// The listening sockets of one table. The kernel lists them before all others.
fn listeners(table: &Path) -> Vec<Listener> {
    let Ok(file) = fs::File::open(table) else { return Vec::new() };
    BufReader::new(file)
        .lines()
        .skip(1)
        .map_while(|line| line.ok().as_deref().and_then(listener))
        .collect()
}

/// `0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711 …`
fn listener(line: &str) -> Option<Listener> {
    let mut fields = line.split_ascii_whitespace();
    let (address, port) = fields.nth(1)?.split_once(':')?;
    if fields.nth(1)? != LISTEN {
        return None;
    }
    let address = SocketAddr::new(ip(address)?, u16::from_str_radix(port, 16).ok()?);
    Some(Listener { address, inode: fields.nth(5)?.parse().ok()? })
}

/// An address as words of 32 bits, each written as this machine keeps it in memory.
fn ip(text: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let digits = text.get(at * 8..at * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    if text.len() == 8 {
        return Some(IpAddr::V4(Ipv4Addr::from(word(0)?)));
    }
    let words = [word(0)?, word(1)?, word(2)?, word(3)?];
    let bytes: [u8; 16] = words.concat().try_into().ok()?;
    Some(IpAddr::V6(Ipv6Addr::from(bytes)))
}

enum Found<'a> {
    Process {
        pid: u32,
        listener: &'a Listener,
    },
    /// Not among those that could be looked at, and some could not.
    Hidden,
    Nobody,
}

fn find_process(listeners: &[Listener]) -> Found<'_> {
    let Ok(entries) = fs::read_dir("/proc") else { return Found::Hidden };
    let mut pids: Vec<u32> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    let mut left = DESCRIPTORS;
    let mut hidden = false;
    for pid in pids {
        let open = match fs::read_dir(format!("/proc/{pid}/fd")) {
            Ok(open) => open,
            Err(error) => {
                hidden |= error.kind() == ErrorKind::PermissionDenied;
                continue;
            }
        };
        for entry in open.flatten() {
            if left == 0 {
                return Found::Nobody;
            }
            left -= 1;
            let Some(inode) = fs::read_link(entry.path()).ok().and_then(|to| socket(&to)) else {
                continue;
            };
            if let Some(listener) = listeners.iter().find(|listener| listener.inode == inode) {
                return Found::Process { pid, listener };
            }
        }
    }
    if hidden { Found::Hidden } else { Found::Nobody }
}

/// The inode of `socket:[4711]`.
fn socket(link: &Path) -> Option<u64> {
    link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// The name of a process's program: what it was started as, unless it has written something else
/// over that.
fn program(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let first = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let first = String::from_utf8_lossy(first);
    let name = Path::new(first.as_ref()).file_name().and_then(OsStr::to_str).unwrap_or_default();
    let name = if name.is_empty() || first.contains(char::is_whitespace) {
        let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
        String::from_utf8_lossy(&name).trim().to_owned()
    } else {
        name.to_owned()
    };
    name.replace(char::is_control, "?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_table_are_understood() {
        let words = |bytes: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(bytes));
        let line = |address: &str, state: &str| {
            format!(" 0: {address}:0BB8 00000000:0000 {state} 0:0 00:0 0 0 0 4711 1 x 100 0 0 10 0")
        };
        let four = words([127, 0, 0, 1]);
        let found = listener(&line(&four, "0A")).unwrap();
        assert_eq!((found.address.to_string().as_str(), found.inode), ("127.0.0.1:3000", 4711));
        assert_eq!(listener(&line(&four, "01")), None, "a connection is no listener");
        let six = [0, 0, 0, 1].map(|last| words([0, 0, 0, last])).concat();
        let found = listener(&line(&six, "0A")).unwrap();
        assert_eq!(found.address.to_string(), "[::1]:3000");
    }

    #[test]
    fn an_owner_reads_well() {
        let owner = |pid, command: &str| Owner {
            pid,
            command: command.to_owned(),
            address: "127.0.0.1:3000".to_owned(),
        };
        assert_eq!(owner(Some(123), "python3").to_string(), "python3 (pid 123)");
        let other = owner(None, "a process of another user");
        assert_eq!(other.to_string(), "a process of another user");
    }
}
