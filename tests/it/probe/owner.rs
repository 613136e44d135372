//! Who listens on a port.

use std::{
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
};

use eco::host::port_owner::port_owner;

use crate::harness::{free_port, program};

#[test]
fn a_listener_of_this_process_is_found_in_either_family() {
    for address in ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"] {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let owner = port_owner(address.port()).unwrap();
        assert_eq!(owner.pid, Some(std::process::id()));
        assert_eq!(owner.address, address.to_string());
    }
}

#[test]
fn another_program_is_named() {
    let mut python = Command::new(program("python3"))
        .args(["-u", "-c"])
        .arg(
            "import socket, sys\n\
             s = socket.create_server(('127.0.0.1', 0))\n\
             print(s.getsockname()[1])\n\
             sys.stdin.read()\n",
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(python.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let owner = port_owner(line.trim().parse().unwrap()).unwrap();
    drop(python.stdin.take());
    python.wait().unwrap();
    let words = owner.to_string();
    assert!(words.starts_with("python3"), "{words}");
    assert!(words.ends_with(&format!(" (pid {})", python.id())), "{words}");
}

#[test]
fn a_free_port_and_one_with_connections_only_have_no_owner() {
    assert_eq!(port_owner(free_port()), None);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (_served, _) = listener.accept().unwrap();
    assert_eq!(port_owner(client.local_addr().unwrap().port()), None);
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert_eq!(port_owner(port), None);
}
