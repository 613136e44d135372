//! Connections alone, and addresses.

use eco::model::{ProbeAddress, ReadyPolicy, ReadyProbe};
use tokio::net::{TcpListener, UnixListener};

use super::{
    RUN, asking, is_ready, listen, none, policy, run, subject, subject_from, tcp, template, why,
};
use crate::harness::free_port;

fn open(address: ProbeAddress) -> ReadyPolicy {
    policy(ReadyProbe::Tcp(address))
}

#[test]
fn a_port_is_ready_once_connections_are_accepted() {
    run(async {
        let port = free_port();
        let mut probes = asking(&open(tcp(port)));
        assert_eq!(why(&mut probes).await, format!("127.0.0.1:{port} refuses connections"));
        let _listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        is_ready(&mut probes).await;
    });
}

#[test]
fn a_unix_socket_is_ready_once_connections_are_accepted() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        drop(UnixListener::bind(&path).unwrap());
        let mut probes = asking(&open(ProbeAddress::Unix(template(path.to_str().unwrap()))));
        assert_eq!(why(&mut probes).await, format!("{} refuses connections", path.display()));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(why(&mut probes).await, format!("{} does not exist", path.display()));
        let _listener = UnixListener::bind(&path).unwrap();
        is_ready(&mut probes).await;
    });
}

#[test]
fn the_port_of_the_instance_is_filled_in() {
    run(async {
        let (_listener, port) = listen().await;
        let mut probes = asking(&open(tcp(1)));
        let address =
            |port: &str| ProbeAddress::Tcp { host: "127.0.0.1".to_owned(), port: template(port) };
        let now = eco::host::clock::now();
        let filled = subject_from(&open(address("${PORT}")), now, none(), &port.to_string());
        probes.begin(RUN, filled);
        is_ready(&mut probes).await;
        probes.begin(RUN, subject(&open(address("x${ECO_INSTANCE}"))));
        assert_eq!(why(&mut probes).await, "there is no port `x2` to connect to");
    });
}

#[test]
fn localhost_is_either_family_and_brackets_are_no_part_of_an_address() {
    run(async {
        let listener = TcpListener::bind("[::1]:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["localhost", "::1", "[::1]"] {
            let port = template(&port.to_string());
            let address = ProbeAddress::Tcp { host: host.to_owned(), port };
            is_ready(&mut asking(&open(address))).await;
        }
        drop(listener);
        let address = ProbeAddress::Tcp { host: "::1".into(), port: template(&port.to_string()) };
        let words = why(&mut asking(&open(address))).await;
        assert_eq!(words, format!("[::1]:{port} refuses connections"));
    });
}

#[test]
fn a_name_without_an_address_is_said_to_have_none() {
    run(async {
        let address = ProbeAddress::Tcp { host: "no such host".to_owned(), port: template("80") };
        let words = why(&mut asking(&open(address))).await;
        assert!(words.starts_with("the address of no such host is not known: "), "{words}");
    });
}
