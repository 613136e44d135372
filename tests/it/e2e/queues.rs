//! Servers that hang while connections wait for them: told, and replaced where the file says so.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use crate::harness::{TestEnv, alive, app_of, free_port, program};

/// Answers one after the other with its pid. `/hang` has it wait, and `/work` compute, until there is
/// the file `go`.
const SERVER: &str = r"
import os, socket, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', int(os.environ['PORT'])))
s.listen(50)
while True:
    c, _ = s.accept()
    asked = c.recv(65536)
    while not os.path.exists('go'):
        if b'/hang' in asked:
            time.sleep(0.2)
        elif b'/work' not in asked:
            break
    c.sendall(b'HTTP/1.0 200 OK\r\n\r\n%d' % os.getpid())
    c.close()
";
const STOP: &str = "stop: { drain: 300ms, timeout: 300ms }";

fn world() -> TestEnv {
    program("python3");
    let env = TestEnv::new();
    env.write("server.py", SERVER);
    env
}

fn ask(port: u16, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
    stream
}

/// The process that answers, or `None` if the connection ends without.
fn answer(mut stream: TcpStream) -> Option<u32> {
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.rsplit("\r\n\r\n").next()?.parse().ok()
}

fn told(env: &TestEnv, kind: &str, app: &str) -> Vec<String> {
    let events = env.events().into_iter();
    let events = events.filter(|event| event["type"] == kind && event["app"] == app);
    events.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn those_who_hang_are_replaced_and_who_waited_is_answered() {
    let (env, port) = (world(), free_port());
    env.apps(&format!(
        "  web:\n    command: python3 server.py\n    instances: 2\n    listen: {port}\n    {STOP}\n    \
         live: {{ accept: 2s }}\n"
    ));
    env.apply();
    let former = env.pids("web");
    let hanging = [ask(port, "/hang"), ask(port, "/hang")];
    let waiting: Vec<TcpStream> = (0..5).map(|_| ask(port, "/")).collect();
    for stream in waiting {
        let by = answer(stream).unwrap();
        assert!(former.values().all(|pid| *pid != by), "{by} of {former:?} does not hang");
    }
    env.wait_for("the replacements", || {
        former.values().all(|pid| !alive(*pid)) && env.is("web", "ready")
    });
    drop(hanging);
    let stuck = told(&env, "stuck", "web");
    assert_eq!(stuck.len(), 1, "{stuck:?}");
    let words = format!("5 connections wait at 127.0.0.1:{port} and no instance has taken one for");
    assert!(stuck[0].starts_with(&words), "{stuck:?}");
    assert_eq!(told(&env, "not_live", "web").len(), 2);
    env.eco(&["describe", "web"]).ok().says("live.accept");
}

#[test]
fn without_the_key_it_is_told_and_nobody_is_replaced() {
    let (env, port) = (world(), free_port());
    env.apps(&format!("  web:\n    command: python3 server.py\n    listen: {port}\n    {STOP}\n"));
    env.apply();
    let former = env.pid("web");
    let hanging = ask(port, "/hang");
    let waiting = [ask(port, "/"), ask(port, "/")];
    env.wait_for("the event", || !told(&env, "stuck", "web").is_empty());
    assert!(env.is("web", "degraded"), "{}", env.status());
    let web = app_of(&env.status(), "web");
    assert_eq!(web["hold_code"], "stuck", "{web}");
    env.eco(&["status"]).exits(1).says("2 connections wait at");
    // Whoever comes after the controller says so too.
    env.kill_roles(&["controller"]);
    env.wait_for("the same of the next controller", || env.is("web", "degraded"));
    env.write("go", "");
    for stream in waiting.into_iter().chain([hanging]) {
        assert_eq!(answer(stream), Some(former));
    }
    env.wait_for("the other event", || !told(&env, "unstuck", "web").is_empty());
    env.wait_for("a good state", || env.is("web", "ready"));
    assert_eq!(env.pid("web"), former);
}

#[test]
fn one_that_computes_does_not_hang() {
    let (env, port, other) = (world(), free_port(), free_port());
    env.apps(&format!(
        "  web:\n    command: python3 server.py\n    listen: {port}\n    {STOP}\n    \
         live: {{ accept: 2s }}\n\
         \x20 other:\n    command: python3 server.py\n    listen: {other}\n    {STOP}\n    \
         live: {{ accept: 2s }}\n"
    ));
    env.apply();
    let former = env.pid("web");
    let working = ask(port, "/work");
    let waiting = ask(port, "/");
    // The other one is found to hang later than this one could be.
    for _ in 0..2 {
        let hanging = ask(other, "/hang");
        assert_ne!(answer(ask(other, "/")), None);
        drop(hanging);
    }
    assert!(told(&env, "stuck", "web").is_empty() && told(&env, "not_live", "web").is_empty());
    env.write("go", "");
    assert_eq!((answer(working), answer(waiting)), (Some(former), Some(former)));
}

#[test]
fn with_a_queue_of_its_own_one_of_two_is_found() {
    let (env, port) = (world(), free_port());
    env.apps(&format!(
        "  web:\n    command: python3 server.py\n    instances: 2\n    \
         listen: {{ port: {port}, share: port }}\n    {STOP}\n    live: {{ accept: 2s }}\n"
    ));
    env.apply();
    let former: Vec<u32> = env.pids("web").into_values().collect();
    let hanging = ask(port, "/hang");
    let waiting: Vec<TcpStream> = (0..20).map(|_| ask(port, "/")).collect();
    env.wait_for("a replacement", || {
        former.iter().any(|pid| !alive(*pid)) && env.is("web", "ready")
    });
    // Both have got some of them, and one has answered its own.
    let answers: Vec<u32> = waiting.into_iter().filter_map(answer).collect();
    let alive: Vec<u32> = former.into_iter().filter(|pid| alive(*pid)).collect();
    assert_eq!(alive.len(), 1);
    assert!(answers.iter().any(|pid| *pid == alive[0]), "{answers:?}");
    assert_eq!(told(&env, "not_live", "web").len(), 1);
    drop(hanging);
}
