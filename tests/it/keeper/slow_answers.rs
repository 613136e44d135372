//! Answers written in parts with pauses between them, while the keeper closes what it takes for
//! idle: none is broken off.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use eco::protocol::{Closing, Request};

use super::world::World;
use crate::harness::free_port;

/// Head, 3 ms, body. It says when a pause became so long that nobody can tell it from an end.
const SERVER: &str = r"
import socket, sys, threading, time
s = socket.socket()
s.bind(('127.0.0.1', int(sys.argv[1])))
s.listen(64)
def serve(c):
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while request := c.recv(65536):
            c.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n')
            at = time.monotonic()
            time.sleep(0.003)
            c.sendall(b'done')
            if 0.004 < time.monotonic() - at:
                sys.stdout.write('late\n')
                sys.stdout.flush()
            if b'close' in request:
                break
    except OSError:
        pass
    c.close()
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
";
const ANSWER: usize = 42;

/// What became of one client's requests.
#[derive(Debug, Default)]
struct Seen {
    whole: u32,
    /// Connections that ended before any of the next answer.
    ended: u32,
    /// Answers of which only a part came, or none on a fresh connection.
    broken: u32,
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

fn client(port: u16, keep: bool, over: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let mut kept = None;
    while !over.load(Ordering::Relaxed) {
        let reused = kept.is_some();
        let mut stream = kept.take().unwrap_or_else(|| connect(port));
        let how = if keep { "keep-alive" } else { "close" };
        let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: {how}\r\n\r\n");
        let mut got = 0;
        if stream.write_all(request.as_bytes()).is_ok() {
            while let Ok(count @ 1..) = stream.read(&mut [0; 64]) {
                got += count;
                if keep && ANSWER <= got {
                    break;
                }
            }
        }
        match got {
            ANSWER => {
                seen.whole += 1;
                kept = keep.then_some(stream);
                thread::sleep(Duration::from_millis(4));
            }
            0 if reused => seen.ended += 1,
            _ => seen.broken += 1,
        }
    }
    seen
}

#[test]
fn answers_in_parts_are_not_broken_off() {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    world.start_python(1, 1, SERVER, &[&port.to_string()]);
    world.wait_listening(1, port);
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = [true, true, true, false, false, false]
        .map(|keep| {
            let over = Arc::clone(&over);
            (keep, thread::spawn(move || client(port, keep, &over)))
        })
        .into();
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(2) {
        let before = world.counts.len();
        world.ask(1, Request::Connections(Closing { quiet_ms: 8, between: true }));
        world.wait("a count", |world| before < world.counts.len());
        thread::sleep(Duration::from_millis(20));
    }
    over.store(true, Ordering::Relaxed);
    let closed: u32 = world.counts.iter().map(|count| count.1).sum();
    let (mut kept, mut single) = (Seen::default(), Seen::default());
    for (keep, client) in clients {
        let (seen, all) = (client.join().unwrap(), if keep { &mut kept } else { &mut single });
        all.whole += seen.whole;
        all.ended += seen.ended;
        all.broken += seen.broken;
    }
    let late = world.out_text(1).lines().count();
    println!("closed {closed}, late {late}, kept {kept:?}, single {single:?}");
    assert_eq!(single.broken, 0);
    assert!(usize::try_from(kept.broken).unwrap() <= late, "{kept:?}, {late} late");
    assert!(0 < kept.whole && 0 < single.whole);
    world.kill(1);
    world.quit();
}
