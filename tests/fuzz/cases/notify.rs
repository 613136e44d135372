//! What a run says about itself.

use eco::{
    keeper::fuzzing,
    protocol::{Event, Message, Notify, Record},
};

use super::{Case, take};

/// The first byte of the input is the length of a first datagram; all that follows is a second one.
pub const CASE: Case = Case { name: "notify", run, seeds };

/// When the datagrams come, in ns.
const TIMES: [u64; 2] = [5, 1 << 40];

fn run(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let [length] = take(&mut rest);
    let (first, second) = rest.split_at(usize::from(length).min(rest.len()));
    let mut notify = Notify::default();
    for (datagram, now) in [first, second].into_iter().zip(TIMES) {
        let before = notify.clone();
        let changed = fuzzing::hear(&mut notify, datagram, now);
        assert_eq!(changed, before != notify, "{notify:?}");
        is_what_was_said(&before, datagram, now, &notify);
    }
    can_be_told(&notify);
    notify != Notify::default()
}

/// Compares with a plain reading of the datagram.
fn is_what_was_said(before: &Notify, datagram: &[u8], now: u64, after: &Notify) {
    let lines: Vec<&[u8]> = datagram.split(|byte| *byte == b'\n').collect();
    let says = |line: &[u8]| lines.contains(&line);
    assert_eq!(after.ready, before.ready || says(b"READY=1"));
    assert_eq!(after.stopping, before.stopping || says(b"STOPPING=1"));
    assert_eq!(after.watchdog, if says(b"WATCHDOG=1") { now } else { before.watchdog });
    let order = |word: &[u8]| lines.iter().rposition(|line| *line == word);
    let reloading = match (order(b"RELOADING=1"), order(b"READY=1")) {
        (None, None) => before.reloading,
        (reloading, ready) => ready < reloading,
    };
    assert_eq!(after.reloading, reloading);
    assert!(after.extend == before.extend || now <= after.extend);
    let status = lines.iter().rev().find_map(|line| line.strip_prefix(b"STATUS="));
    let status = status.unwrap_or(&before.status);
    assert!(status.starts_with(&after.status));
    // At most a character is lost at the end of what fits.
    assert!(after.status == status || 252 < after.status.len() && after.status.len() <= 256);
    if std::str::from_utf8(status).is_ok() {
        assert!(std::str::from_utf8(&after.status).is_ok(), "cut within a character");
    }
}

/// Nothing that a run can say is too much for its record.
fn can_be_told(notify: &Notify) {
    let body = Event::Record(Box::new(Record { notify: notify.clone(), ..Record::default() }));
    let message = Message { seq: 1, run: 2, body };
    assert_eq!(Message::decode(&message.encode().unwrap()), Ok(message));
}

fn seeds() -> Vec<Vec<u8>> {
    let two = |first: &str, second: &str| {
        let length = u8::try_from(first.len()).unwrap();
        [&[length], first.as_bytes(), second.as_bytes()].concat()
    };
    let long = format!("STATUS={}", "\u{e9}\u{20ac}".repeat(70));
    vec![
        two("READY=1", "STOPPING=1"),
        two("RELOADING=1\nMONOTONIC_USEC=12", "READY=1\nSTATUS=serving"),
        two("WATCHDOG=1", "EXTEND_TIMEOUT_USEC=5000000"),
        two("EXTEND_TIMEOUT_USEC=18446744073709551615", &long),
        two("FDSTORE=1\nFDNAME=x\nREADY=1", "BARRIER=1"),
    ]
}
