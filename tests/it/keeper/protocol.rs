//! Tests of the messages: there and back, and whatever bytes may come.

use proptest::prelude::*;

use eco::protocol::*;

fn sink() -> Sink {
    Sink {
        dir: "/var/log/x".into(),
        stem: "web-0".into(),
        app: "web".into(),
        rotation: Rotation {
            size: 7,
            age: 9,
            keep: 3,
            compression: Compression::Zstd,
            max_total: 11,
        },
        to: Destination::Syslog,
        socket: "/dev/log".into(),
        project: "shop".into(),
        instance: 4,
    }
}

fn record() -> Record {
    Record {
        tag: b"tag \xff".to_vec(),
        cohort: 4,
        pid: 77,
        start_ticks: 12_345,
        state: State::Failed { step: Step::Exec, errno: 2 },
        wait_status: 9,
        user_us: 1,
        system_us: 2,
        max_rss_kib: 3,
        started: 4,
        exited: 5,
        gone: 6,
        drained: true,
        adopted: true,
        lost: Lost { seccomp: false, sockets: true, exit_code: true },
        dropped: 8,
        dropped_errno: 28,
        ports: vec![
            Port { port: 80, family: 2, shared: true },
            Port { port: 443, family: 10, shared: false },
        ],
        sharing: Sharing::InjectedBlind,
        bind_failure: BindFailure { port: 80, errno: 98 },
        notify: Notify {
            ready: true,
            reloading: false,
            stopping: true,
            watchdog: 9,
            extend: 10,
            status: b"fine".to_vec(),
        },
    }
}

fn spec() -> SpawnSpec {
    SpawnSpec {
        notify: true,
        cohort: 5,
        tag: b"{}".to_vec(),
        argv: vec!["sh".into(), String::new().into()],
        env: vec![("A".into(), "1=2".into()), ("B".into(), String::new().into())],
        cwd: "/tmp".into(),
        sink: sink(),
        limits: vec![Limit { resource: 7, soft: 1, hard: 2 }],
        ids: Some(Ids { uid: 1, gid: 2, groups: vec![3, 4] }),
        cgroup: Some("/sys/fs/cgroup/x".into()),
        umask: Some(0o027),
        nice: Some(-5),
        oom_score_adj: None,
    }
}

fn queue(address: &str) -> Queue {
    let address = address.parse().unwrap();
    Queue { cohort: 1, address, waiting: 2, room: 3, since: 4 }
}

fn there_and_back<B: Body + Clone + PartialEq + std::fmt::Debug>(body: B) {
    let message = Message { seq: 1 << 40, run: 9, body };
    let bytes = message.encode().unwrap();
    assert_eq!(Message::decode(&bytes), Ok(message));
    for cut in 0..bytes.len() {
        assert!(Message::<B>::decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let longer = [bytes, vec![0]].concat();
    assert!(Message::<B>::decode(&longer).is_err() || longer.len() == 25, "one byte too many");
}

#[test]
fn every_message_comes_back() {
    for body in [
        Request::Hello { min: 1, max: 3 },
        Request::Spawn { cohort: 1 },
        Request::Signal { signal: 15, to: Scope::Group },
        Request::Signal { signal: 9, to: Scope::Leader },
        Request::Forget,
        Request::List,
        Request::Sink(sink()),
        Request::Quit { leave: true },
        Request::Later(kind::GETFD),
        Request::Upgrade,
        Request::Members,
    ] {
        there_and_back(body);
    }
    for body in [
        Event::Hello { version: 1, keeper: 2, recorder: 3, started: 4 },
        Event::Record(Box::new(record())),
        Event::Record(Box::default()),
        Event::ListEnd,
        Event::Refused { request: kind::SPAWN, step: Step::Fork, errno: 11 },
        Event::Members(vec![Member { pid: 7, proved: true, name: b"sh".to_vec() }]),
        Event::Recorder { pid: 1, restarts: 2 },
        Event::Queue(queue("127.0.0.1:80")),
        Event::Queue(queue("[::1]:80")),
        Event::Said(Said { pid: 7, bytes: b"{}".to_vec() }),
    ] {
        there_and_back(body);
    }
    for body in [
        ToRecorder::Open { streams: vec![Stream::Err], sink: sink() },
        ToRecorder::Sink(sink()),
        ToRecorder::Quit,
        ToRecorder::Keep { of: Of::Socket, kinds: vec![Kept::Socket] },
        ToRecorder::Keep { of: Of::Run, kinds: vec![] },
        ToRecorder::TakeOver,
        ToRecorder::Leave,
    ] {
        there_and_back(body);
    }
    there_and_back(FromRecorder::Closed { stream: Stream::Out, dropped: 1, errno: 28 });
    there_and_back(FromRecorder::Dropped { stream: Stream::Err, bytes: 2, errno: 5 });
    let kinds = vec![Kept::Process, Kept::Filter, Kept::Pipe(Stream::Err), Kept::Slate];
    there_and_back(FromRecorder::Held { of: Of::Keeper, kinds });
    there_and_back(FromRecorder::AllHeld);
}

#[test]
fn a_spawn_comes_back() {
    let bytes = spec().encode();
    assert_eq!(SpawnSpec::decode(5, &bytes), Ok(spec()));
    for cut in 0..bytes.len() {
        assert!(SpawnSpec::decode(5, &bytes[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_spawn_that_cannot_be_is_refused() {
    let refused = |change: fn(&mut SpawnSpec)| {
        let mut spec = spec();
        change(&mut spec);
        assert!(SpawnSpec::decode(5, &spec.encode()).is_err(), "{spec:?}");
    };
    refused(|spec| spec.argv.clear());
    refused(|spec| spec.argv[0] = String::new().into());
    refused(|spec| spec.argv[1] = "a\0b".into());
    refused(|spec| spec.env[0].0 = "A=B".into());
    refused(|spec| spec.env[0].0 = String::new().into());
    refused(|spec| spec.cwd = "tmp".into());
    refused(|spec| spec.sink.dir = "log".into());
    refused(|spec| spec.sink.stem = "../x".into());
    refused(|spec| spec.tag = vec![0; MAX_TAG + 1]);
}

#[test]
fn a_record_file_comes_back() {
    let file = RecordFile {
        record: record(),
        boot_id: b"boot".to_vec(),
        pipes: [1, 2],
        sink: sink(),
        ports: None,
        cgroup: Some("/sys/fs/cgroup/x".into()),
    };
    assert_eq!(RecordFile::decode(&file.encode()), Ok(file));
}

/// The second form of the file ends before the control group.
#[test]
fn a_record_file_of_the_second_version_is_read() {
    let (boot_id, pipes) = (b"boot".to_vec(), [1, 2]);
    let file =
        RecordFile { record: record(), boot_id, pipes, sink: sink(), ports: None, cgroup: None };
    let mut bytes = file.encode();
    bytes.truncate(bytes.len() - 4);
    bytes[4] = 2;
    let length = u32::try_from(bytes.len() - 10).unwrap();
    bytes[6..10].copy_from_slice(&length.to_le_bytes());
    assert_eq!(RecordFile::decode(&bytes), Ok(file));
}

#[test]
fn another_version_is_told_apart_from_nonsense() {
    let mut bytes = Message { seq: 1, run: 0, body: Request::List }.encode().unwrap();
    bytes[0] = 9;
    assert_eq!(Message::<Request>::decode(&bytes), Err(Malformed::Version(9)));
    let hello = Request::Hello { min: 1, max: 9 };
    let mut bytes = Message { seq: 1, run: 0, body: hello.clone() }.encode().unwrap();
    bytes[0] = 9;
    assert_eq!(Message::decode(&bytes).map(|message| message.body), Ok(hello));
}

#[test]
fn what_is_too_long_is_not_sent() {
    let mut sink = sink();
    sink.dir = format!("/{}", "x".repeat(MAX_MESSAGE)).into();
    let message = Message { seq: 0, run: 0, body: Request::Sink(sink) };
    assert_eq!(message.encode(), Err(Malformed::Long));
}

#[test]
fn descriptors_cross_a_channel() {
    let (one, other) = pair().unwrap();
    let memfd = write_sealed(b"content").unwrap();
    let again = std::os::fd::AsFd::as_fd(&memfd);
    send(&one, b"x", &[again, again], Blocking::Never).unwrap();
    let got = receive(&other, Blocking::Never).unwrap();
    assert_eq!((got.bytes.as_slice(), got.truncated), (b"x".as_slice(), false));
    for fd in got.descriptors {
        assert_eq!(read_sealed(fd).unwrap(), b"content");
    }
    let none = receive(&other, Blocking::Never).unwrap_err();
    assert_eq!(none.kind(), std::io::ErrorKind::WouldBlock);
    send(&one, &[7; MAX_MESSAGE + 1], &[], Blocking::Never).unwrap();
    assert!(receive(&other, Blocking::Never).unwrap().truncated);
    drop(one);
    assert!(receive(&other, Blocking::Never).unwrap().bytes.is_empty());
}

#[test]
fn what_a_dead_one_sent_is_taken_though_it_left_something_unread() {
    let (one, other) = pair().unwrap();
    send(&one, b"unread", &[], Blocking::Never).unwrap();
    send(&other, b"last wish", &[], Blocking::Never).unwrap();
    drop(other);
    assert_eq!(receive(&one, Blocking::Never).unwrap().bytes, b"last wish");
    assert!(receive(&one, Blocking::Never).unwrap().bytes.is_empty());
}

#[test]
fn an_unsealed_file_is_refused() {
    let file = tempfile::tempfile().unwrap();
    assert!(read_sealed(file.into()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>, kind in 0_u16..320, at in 0_usize..2000) {
        let mut framed = Vec::from(VERSION.to_le_bytes());
        framed.extend(kind.to_le_bytes());
        framed.extend(&bytes);
        let mut broken = spec().encode();
        let at = at % broken.len();
        broken[at] ^= bytes.first().copied().unwrap_or(1);
        drop(Message::<Request>::decode(&framed));
        drop(Message::<Event>::decode(&framed));
        drop(Message::<ToRecorder>::decode(&framed));
        drop(Message::<FromRecorder>::decode(&framed));
        drop(SpawnSpec::decode(0, &bytes));
        drop(SpawnSpec::decode(0, &broken));
        drop(RecordFile::decode(&bytes));
    }
}

/// What a controller and a keeper said to each other when version 2 of the channel was new.
const EXCHANGE: &[u8] = include_bytes!("recorded/exchange.2");

/// What was said in it, in order.
fn exchange() -> (Vec<Message<Request>>, Vec<Message<Event>>) {
    let declared = DeclaredPort { host: Some("127.0.0.1".parse().unwrap()), port: 3000 };
    let ports = Ports { cohort: 4, group: 9, ports: vec![declared], fds: false };
    let asked = [
        (0, Request::Hello { min: 1, max: 1 }),
        (0, Request::Ports(ports)),
        (7, Request::Spawn { cohort: 4 }),
        (0, Request::Steer { group: 9, weights: vec![(4, 1), (5, 0)] }),
        (7, Request::Sink(sink())),
        (7, Request::Connections(Closing { quiet_ms: 500, between: true })),
        (7, Request::Quiesce),
        (7, Request::Signal { signal: 15, to: Scope::Group }),
        (0, Request::Retire { cohort: 4 }),
        (7, Request::Forget),
        (0, Request::List),
        (0, Request::Quit { leave: true }),
    ];
    let told = [
        (0, Event::Hello { version: 1, keeper: 2, recorder: 3, started: 4 }),
        (7, Event::Record(Box::new(record()))),
        (0, Event::Cohort { cohort: 4, group: 9 }),
        (0, Event::ListEnd),
        (7, Event::Connections { open: 3, closed: 2, queued: 1 }),
        (7, Event::Refused { request: kind::SIGNAL, step: Step::Prepare, errno: 3 }),
        (0, Event::Recorder { pid: 8, restarts: 1 }),
    ];
    let requests = (1..).zip(asked).map(|(seq, (run, body))| Message { seq, run, body });
    let events = (1..).zip(told).map(|(seq, (run, body))| Message { seq, run, body });
    (requests.collect(), events.collect())
}

#[test]
fn a_recorded_exchange_is_understood_and_still_spoken() {
    let mut packets = Vec::new();
    let mut rest = EXCHANGE;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap();
        packets.push(&after[..length]);
        rest = &after[length..];
    }
    let (requests, events) = exchange();
    assert_eq!(packets.len(), requests.len() + events.len() + 1);
    let (first, others) = packets.split_at(requests.len());
    for (packet, message) in first.iter().zip(&requests) {
        assert_eq!(Message::<Request>::decode(packet).as_ref(), Ok(message));
        assert_eq!(message.encode().as_deref(), Ok(*packet));
    }
    let (second, spec_bytes) = others.split_at(events.len());
    for (packet, message) in second.iter().zip(&events) {
        assert_eq!(Message::<Event>::decode(packet).as_ref(), Ok(message));
        assert_eq!(message.encode().as_deref(), Ok(*packet));
    }
    // A program of that time was started where and as the keeper itself was.
    let first = SpawnSpec { cgroup: None, umask: None, nice: None, ..spec() };
    assert_eq!(SpawnSpec::decode(5, spec_bytes[0]), Ok(first));
}
