//! The load client itself: what becomes of a request is called by its right name.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::load::{Counts, Load, Options};

const WHOLE: &str = "HTTP/1.1 200 OK\r\nX-Pid: 7\r\nContent-Length: 2\r\n\r\nok";

/// One client against a server that treats its connections, one after another, as told; the counts
/// once all are used up.
fn against(treat: Vec<fn(TcpStream)>) -> Counts {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (done, all_done) = mpsc::channel();
    thread::spawn(move || {
        for treat in treat {
            treat(listener.accept().unwrap().0);
        }
        done.send(()).unwrap();
    });
    let load = Load::start(&Options {
        address,
        also: None,
        path: "/".to_owned(),
        connections: 1,
        keep_alive: true,
        think: Duration::from_millis(1),
    });
    all_done.recv_timeout(Duration::from_secs(60)).unwrap();
    while load.counts().refused < 3 {
        thread::sleep(Duration::from_millis(1));
    }
    load.stop()
}

/// Reads one request.
fn take(stream: &mut TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        request.extend(byte);
    }
}

/// Answers one request.
fn answer(stream: &mut TcpStream, text: &str) {
    take(stream);
    stream.write_all(text.as_bytes()).unwrap();
}

#[test]
fn whole_answers_on_one_connection() {
    let counts = against(vec![|mut stream| {
        for _ in 0..3 {
            answer(&mut stream, WHOLE);
        }
        answer(&mut stream, &WHOLE.replace("X-Pid", "Connection: close\r\nX-Pid"));
    }]);
    assert_eq!((counts.ok, counts.connections, counts.by_pid["7"]), (4, 1, 4), "{counts}");
    assert_eq!((counts.hard(), counts.idle_races), (counts.refused, 0), "{counts}");
}

#[test]
fn chunks_and_answers_that_end_with_their_connection() {
    let counts = against(vec![
        |mut stream| {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            answer(&mut stream, &format!("{head}2\r\nok\r\n0\r\n\r\n"));
            answer(&mut stream, &format!("{head}2\r\nok\r\n"));
        },
        |mut stream| answer(&mut stream, "HTTP/1.0 200 OK\r\n\r\nok"),
    ]);
    assert_eq!((counts.ok, counts.partial), (2, 1), "{counts}");
}

#[test]
fn an_end_before_an_answer_is_a_race_only_on_a_connection_that_has_served() {
    let counts = against(vec![
        |mut stream| take(&mut stream),
        |mut stream| {
            answer(&mut stream, WHOLE);
            take(&mut stream);
        },
        drop,
    ]);
    assert_eq!((counts.ok, counts.fresh_ends, counts.idle_races), (1, 2, 1), "{counts}");
    assert_eq!(counts.hard(), counts.refused + 2, "{counts}");
}

#[test]
fn an_idle_connection_that_is_closed_is_no_failure() {
    let counts = against(vec![
        |mut stream| {
            answer(&mut stream, WHOLE);
            // The end travels with the answer, before the client thinks.
        },
        |mut stream| answer(&mut stream, &WHOLE.replace("200 OK", "503 Busy")),
        |mut stream| answer(&mut stream, &WHOLE[..WHOLE.len() - 1]),
    ]);
    assert_eq!((counts.ok, counts.bad_status, counts.partial), (1, 1, 1), "{counts}");
    assert_eq!(counts.closed_idle + counts.idle_races, 1, "{counts}");
}
