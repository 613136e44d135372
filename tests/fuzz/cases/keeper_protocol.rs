//! Everything that controller, keeper and recorder say to each other, and what is made of a spec.

use std::fmt::Debug;

use eco::{
    keeper::fuzzing,
    protocol::{
        Body, Closing, DeclaredPort, Event, FromRecorder, MAX_MESSAGE, Message, Notify, Port,
        Ports, Record, Request, SelfTest, Sink, SpawnSpec, State, Step, Stream, ToRecorder,
        VERSION, kind,
    },
};

use super::Case;

/// The input is one packet, or the content of the memfd beside one.
pub const CASE: Case = Case { name: "keeper_protocol", run, seeds };

fn run(bytes: &[u8]) -> bool {
    let messages = [
        there_and_back::<Request>(bytes),
        there_and_back::<Event>(bytes),
        there_and_back::<ToRecorder>(bytes),
        there_and_back::<FromRecorder>(bytes),
    ];
    messages.contains(&true) | spec(bytes) | self_test(bytes)
}

fn there_and_back<B: Body + PartialEq + Debug>(bytes: &[u8]) -> bool {
    let message = match Message::<B>::decode(bytes) {
        Ok(message) => message,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let again = message.encode().expect("what was read can be sent on");
    assert!(again.len() <= MAX_MESSAGE.min(bytes.len()), "{message:?} grew");
    assert_eq!(Message::decode(&again), Ok(message));
    true
}

fn spec(bytes: &[u8]) -> bool {
    let Ok(spec) = SpawnSpec::decode(7, bytes) else { return false };
    assert_eq!(spec.encode(), bytes, "a spec has one form only");
    for sockets in [0, 3] {
        assert!(fuzzing::can_be_laid_out(&spec, sockets), "{spec:?}");
    }
    true
}

fn self_test(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Some(found) = SelfTest::parse(text) else { return false };
    assert_eq!(SelfTest::parse(&found.to_line()), Some(found));
    true
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = (0..400).filter_map(shortest).collect();
    seeds.extend([
        message(Request::Hello { min: 1, max: 3 }),
        message(Request::Sink(sink())),
        message(Request::Ports(ports())),
        message(Request::Steer { group: 3, weights: vec![(4, 90), (5, 10)] }),
        message(Request::Connections(Closing { quiet_ms: 500, between: true })),
        message(Event::Record(Box::new(record()))),
        message(Event::Refused { request: kind::SPAWN, step: Step::Exec, errno: 2 }),
        message(ToRecorder::Open { streams: Stream::BOTH.into(), sink: sink() }),
    ]);
    seeds.push(spec_of_a_program().encode());
    seeds.push(SelfTest { answer: 0, look: -1, steer: 16 }.to_line().into_bytes());
    seeds
}

/// The shortest message of a kind that is all zeros, if there is one: also of kinds that this file
/// does not know.
fn shortest(kind: u16) -> Option<Vec<u8>> {
    let head = [VERSION.to_le_bytes(), kind.to_le_bytes()].concat();
    let lengths = 24..200;
    lengths.map(|length| [&*head, &vec![0; length - 4]].concat()).find(|bytes| {
        Message::<Request>::decode(bytes).is_ok()
            || Message::<Event>::decode(bytes).is_ok()
            || Message::<ToRecorder>::decode(bytes).is_ok()
            || Message::<FromRecorder>::decode(bytes).is_ok()
    })
}

fn message<B: Body>(body: B) -> Vec<u8> {
    Message { seq: 5, run: 9, body }.encode().unwrap()
}

/// Where output goes.
pub(super) fn sink() -> Sink {
    let (dir, stem, app) = ("/var/log/shop".into(), "web-0".into(), "web".into());
    Sink { dir, stem, app, ..Sink::default() }
}

fn ports() -> Ports {
    let hosts = [None, Some("127.0.0.1".parse().unwrap()), Some("::1".parse().unwrap())];
    let ports = hosts.map(|host| DeclaredPort { host, port: 3000 }).into();
    Ports { cohort: 4, group: 3, ports, fds: true }
}

/// What is known of a run.
pub(super) fn record() -> Record {
    Record {
        tag: b"{\"id\":7}".to_vec(),
        pid: 77,
        state: State::Failed { step: Step::Cwd, errno: 2 },
        ports: vec![Port { port: 80, family: 2, shared: true }],
        notify: Notify { ready: true, status: b"fine".to_vec(), ..Notify::default() },
        ..Record::default()
    }
}

fn spec_of_a_program() -> SpawnSpec {
    SpawnSpec {
        tag: b"tag".to_vec(),
        argv: vec!["node".into(), "server.js".into()],
        env: vec![("PATH".into(), "/bin::/usr/bin".into()), ("LISTEN_FDS".into(), "1".into())],
        cwd: "/srv".into(),
        sink: sink(),
        notify: true,
        ..SpawnSpec::default()
    }
}
