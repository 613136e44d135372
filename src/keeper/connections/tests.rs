//! Counting and closing, with this process as the run and the test on both ends.

use std::{
    cell::RefCell,
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::fd::AsFd as _,
};

use rustix::event::epoll;

use super::*;
use crate::keeper::sys;

thread_local! {
    static FIRST: RefCell<First> = RefCell::default();
}

const QUIET: Closing = Closing { quiet_ms: 20, between: false };
const BETWEEN: Closing = Closing { quiet_ms: 0, between: true };
const COUNT: Closing = Closing { quiet_ms: 0, between: false };

/// What is never readable.
fn never() -> OwnedFd {
    epoll::create(epoll::CreateFlags::CLOEXEC).unwrap()
}

fn ask(listener: &TcpListener, closing: Closing) -> Count {
    let members = || vec![rustix::process::getpid()];
    FIRST.with_borrow_mut(|first| {
        count(std::iter::once(listener.as_fd()), members, closing, never().as_fd(), first).unwrap()
    })
}

/// Asks again and again until so many are open.
fn until_open(listener: &TcpListener, closing: Closing, open: u32) {
    let begin = sys::now();
    while ask(listener, closing).open != open {
        assert!(sys::now() - begin < 60_000_000_000, "waited in vain for {open} open");
    }
}

struct Pair {
    client: TcpStream,
    server: TcpStream,
}

fn connect(listener: &TcpListener) -> Pair {
    let client = TcpStream::connect(("127.0.0.1", listener.local_addr().unwrap().port())).unwrap();
    Pair { client, server: listener.accept().unwrap().0 }
}

impl Pair {
    /// The client asks and the server reads.
    fn request(&mut self) {
        self.client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        self.server.read_exact(&mut [0; 18]).unwrap();
    }

    /// The server answers and the client reads.
    fn answer(&mut self) {
        self.server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        self.client.read_exact(&mut [0; 27]).unwrap();
    }

    fn quiet_ms(&self) -> u32 {
        let flow = diag::flow(&self.server).unwrap();
        flow.since_sent.min(flow.since_received)
    }

    /// Whether the other side has ended the connection, and in order: without a reset.
    fn has_ended(&mut self) -> bool {
        self.client.set_nonblocking(true).unwrap();
        match self.client.read(&mut [0; 64]) {
            Ok(0) => true,
            Ok(_) => panic!("an answer nobody asked for"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                false
            }
        }
    }
}

fn wait_quiet(pair: &Pair, ms: u32) {
    while pair.quiet_ms() < ms {
        std::thread::yield_now();
    }
}

#[test]
fn connections_are_counted() {
    for address in ["127.0.0.1:0", "[::]:0"] {
        let listener = TcpListener::bind(address).unwrap();
        assert_eq!(ask(&listener, COUNT), Count::default());
        let mut pairs: Vec<_> = (0..3).map(|_| connect(&listener)).collect();
        let waiting = TcpStream::connect(pairs[0].client.peer_addr().unwrap()).unwrap();
        while ask(&listener, COUNT) != (Count { open: 3, closed: 0, queued: 1 }) {}
        pairs.truncate(1);
        pairs[0].client.shutdown(std::net::Shutdown::Write).unwrap();
        // Half closed by the client: an answer may follow.
        until_open(&listener, COUNT, 1);
        drop(waiting);
    }
}

#[test]
fn others_connections_are_not_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _pair = connect(&listener);
    let mut first = First::new();
    let sockets = std::iter::once(listener.as_fd());
    let none = count(sockets, Vec::new, BETWEEN, never().as_fd(), &mut first).unwrap();
    assert_eq!(none, Count::default());
    assert_eq!(ask(&listener, COUNT).open, 1);
}

#[test]
fn an_idle_connection_ends_in_order() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for rounds in [0, 1, 2, 20] {
        let mut pair = connect(&listener);
        for _ in 0..rounds {
            pair.request();
            pair.answer();
        }
        assert_eq!(ask(&listener, Closing { quiet_ms: 60_000, between: false }).closed, 0);
        assert!(!pair.has_ended());
        until_open(&listener, QUIET, 0);
        assert!(pair.has_ended(), "after {rounds} rounds");
        // The app sees the end too and is not held up.
        assert_eq!(pair.server.read(&mut [0; 8]).unwrap(), 0);
    }
}

#[test]
fn an_answer_that_took_its_time_leaves_an_idle_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut pair = connect(&listener);
    pair.request();
    wait_quiet(&pair, 100);
    assert_eq!(ask(&listener, QUIET).closed, 0);
    pair.answer();
    until_open(&listener, QUIET, 0);
    assert!(pair.has_ended());
}

/// The next request right after an answer looks like an answer right after a request.
#[test]
fn a_request_in_progress_is_left_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for rounds in [0, 1, 2, 20] {
        let mut pair = connect(&listener);
        for _ in 0..rounds {
            pair.request();
            pair.answer();
        }
        pair.request();
        for ms in [0, 10, 30, 60, 300] {
            wait_quiet(&pair, ms);
            let quiet = Closing { quiet_ms: 1, between: true };
            for closing in [Closing { quiet_ms: 1, between: false }, quiet] {
                let counted = ask(&listener, closing);
                assert_eq!((counted.open, counted.closed), (1, 0), "{rounds} rounds, {ms} ms");
            }
        }
        pair.answer();
    }
}

#[test]
fn an_unread_request_and_an_unsent_answer_are_left_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut unread = connect(&listener);
    unread.request();
    unread.answer();
    unread.client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut unsent = connect(&listener);
    unsent.request();
    unsent.server.set_nonblocking(true).unwrap();
    while unsent.server.write(&[b'x'; 1 << 12]).is_ok() {}
    wait_quiet(&unread, 50);
    for closing in [Closing { quiet_ms: 1, between: false }, BETWEEN] {
        let counted = ask(&listener, closing);
        assert_eq!((counted.open, counted.closed), (2, 0));
    }
}

#[test]
fn between_an_answer_and_the_next_request_a_busy_connection_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let pair = connect(&listener);
    let mut client = pair.client.try_clone().unwrap();
    let mut server = pair.server.try_clone().unwrap();
    let serving = std::thread::spawn(move || {
        let mut answered = 0_u32;
        while server.read(&mut [0; 64]).is_ok_and(|length| 0 < length) {
            std::thread::yield_now();
            if server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_err() {
                break;
            }
            answered += 1;
        }
        answered
    });
    let asking = std::thread::spawn(move || {
        let mut got = 0_u32;
        while client.write_all(b"GET / HTTP/1.1\r\n\r\n").is_ok()
            && client.read_exact(&mut [0; 27]).is_ok()
        {
            got += 1;
            // Whoever asks again at once leaves no moment to close in.
            let until = sys::now() + 4_000_000;
            while sys::now() < until {
                std::thread::yield_now();
            }
        }
        got
    });
    until_open(&listener, BETWEEN, 0);
    let (answered, got) = (serving.join().unwrap(), asking.join().unwrap());
    assert!(answered <= got + 1, "{answered} answers, {got} arrived");
}

/// Whoever asks again at once leaves no moment to close in: the end has to come with the answer.
#[test]
fn a_connection_ends_together_with_an_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for _ in 0..20 {
        let Pair { mut client, mut server } = connect(&listener);
        let looked = server.try_clone().unwrap();
        let serving = std::thread::spawn(move || {
            while server.read(&mut [0; 64]).is_ok_and(|length| 0 < length) {
                let until = sys::now() + 2_000_000;
                while sys::now() < until {
                    std::thread::yield_now();
                }
                if server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_err() {
                    break;
                }
            }
        });
        let asking = std::thread::spawn(move || {
            let mut lost = 0_u32;
            loop {
                client.set_nonblocking(true).unwrap();
                if client.peek(&mut [0]).is_ok_and(|length| length == 0) {
                    return lost;
                }
                client.set_nonblocking(false).unwrap();
                let asked = client.write_all(b"GET / HTTP/1.1\r\n\r\n");
                if asked.and_then(|()| client.read_exact(&mut [0; 27])).is_err() {
                    lost += 1;
                    return lost;
                }
            }
        });
        // That its answers have one part has to be known first.
        while diag::flow(&looked).unwrap().parts_in < 4 {}
        drop(looked);
        until_open(&listener, BETWEEN, 0);
        assert_eq!(asking.join().unwrap(), 0, "a request met the end");
        serving.join().unwrap();
    }
}

#[test]
fn what_moved_tells_whether_an_answer_followed() {
    let flow = Flow {
        received: 10,
        sent: 10,
        since_sent: 8,
        since_received: 8,
        since_acknowledged: 8,
        ..Flow::default()
    };
    assert_eq!(answered(&flow), Answered::Tie);
    assert_eq!(answered(&Flow { since_sent: 4, ..flow }), Answered::Yes);
    assert_eq!(answered(&Flow { since_sent: 12, ..flow }), Answered::No);
    assert_eq!(answered(&Flow { since_acknowledged: 4, ..flow }), Answered::Yes);
    assert_eq!(answered(&Flow { unacknowledged: 1, ..flow }), Answered::Yes);
    assert_eq!(answered(&Flow { sent: 0, ..flow }), Answered::No);
    assert_eq!(answered(&Flow { received: 0, sent: 0, ..flow }), Answered::Yes);
}
