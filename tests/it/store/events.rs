//! Events: numbered without a gap, read from the end, rotated.

use std::{fs, io::Write as _};

use eco::{
    host::store::{EventLine, EventQuery, Events},
    model::Operator,
};
use proptest::prelude::*;

use super::Place;

fn event(project: &str, message: &str) -> EventLine {
    EventLine {
        kind: "started".to_owned(),
        project: Some(project.to_owned()),
        message: message.to_owned(),
        ..EventLine::default()
    }
}

fn numbers(events: &Events, query: &EventQuery) -> Vec<u64> {
    events.read(query).unwrap().iter().map(|line| line.seq).collect()
}

fn last(count: usize) -> EventQuery {
    EventQuery { last: Some(count), ..EventQuery::default() }
}

#[test]
fn events_come_back_in_order_and_the_numbers_go_on() {
    let place = Place::new();
    let mut events = Events::open(&place.home);
    let first = events.append(event("shop", "web/0 started"));
    assert_eq!(first.seq, 1);
    let time: jiff::Timestamp = first.time.parse().unwrap();
    assert!(first.time.ends_with('Z') && first.time.len() == 24, "{}", first.time);
    assert!(time.as_second() > 0);
    events.append(event("other", "two"));
    let mut events = Events::open(&place.home);
    assert_eq!(events.append(event("shop", "three")).seq, 3);
    assert_eq!(events.read(&EventQuery::default()).unwrap()[0], first);
    assert_eq!(numbers(&events, &EventQuery { after: Some(1), ..EventQuery::default() }), [2, 3]);
    assert_eq!(numbers(&events, &last(1)), [3]);
    assert_eq!(numbers(&events, &last(0)), [0; 0]);
    let of_shop = EventQuery { project: Some("shop".to_owned()), ..last(2) };
    assert_eq!(numbers(&events, &of_shop), [1, 3]);
}

#[test]
fn a_line_has_every_key() {
    let place = Place::new();
    Events::open(&place.home).append(event("shop", "x"));
    let text = fs::read_to_string(place.state("events.ndjson")).unwrap();
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["seq", "time", "type", "project", "app", "instance", "by", "revision", "message"]
    );
    assert!(line["app"].is_null());
}

#[test]
fn who_gave_a_command_is_kept_and_older_lines_have_nobody() {
    let place = Place::new();
    let mut events = Events::open(&place.home);
    let who = Operator {
        uid: 1000,
        user: Some("ann".to_owned()),
        sudo_user: None,
        command: Some("eco stop web".to_owned()),
    };
    events.append(EventLine { who: Some(who.clone()), ..event("shop", "stop web") });
    let mut file = fs::File::options().append(true).open(place.state("events.ndjson")).unwrap();
    file.write_all(b"{\"seq\":2,\"type\":\"operated\",\"by\":\"operator\",\"message\":\"x\"}\n")
        .unwrap();
    let read = Events::open(&place.home).read(&EventQuery::default()).unwrap();
    let found: Vec<_> = read.into_iter().map(|line| line.who).collect();
    assert_eq!(found, [Some(who), None]);
}

#[test]
fn the_last_of_many_are_read_across_blocks_and_files() {
    let place = Place::new();
    let mut events = Events::open(&place.home);
    let filler = "x".repeat(400);
    for _ in 0..30_000 {
        events.append(event("shop", &filler));
    }
    assert!(events.fault().is_none());
    let size = |name| fs::metadata(place.state(name)).unwrap().len();
    assert!(size("events.ndjson") < 9 << 20 && size("events.1.ndjson") < 9 << 20);
    assert_eq!(numbers(&events, &last(100)), (29_901..=30_000).collect::<Vec<_>>());
    let after = EventQuery { after: Some(29_000), last: Some(5_000), project: None };
    assert_eq!(numbers(&events, &after), (29_001..=30_000).collect::<Vec<_>>());
    let all = numbers(&events, &EventQuery::default());
    let first = all[0];
    assert!(15_000 < all.len(), "both files are read");
    assert_eq!(all, (first..=30_000).collect::<Vec<_>>());
    assert_eq!(Events::open(&place.home).last_seq(), 30_000);
    // Just rotated: the numbers go on from the older file.
    fs::rename(place.state("events.ndjson"), place.state("events.1.ndjson")).unwrap();
    assert_eq!(Events::open(&place.home).append(event("shop", "next")).seq, 30_001);
}

#[test]
fn a_torn_last_line_is_left_out() {
    let place = Place::new();
    let mut events = Events::open(&place.home);
    events.append(event("shop", "one"));
    let mut file = fs::File::options().append(true).open(place.state("events.ndjson")).unwrap();
    file.write_all(b"{\"seq\":2,\"ti").unwrap();
    let mut events = Events::open(&place.home);
    assert_eq!(events.append(event("shop", "two")).seq, 2);
    assert_eq!(numbers(&events, &EventQuery::default()), [1, 2]);
    assert_eq!(Events::open(&place.home).last_seq(), 2);
}

#[test]
fn what_cannot_be_written_waits_and_can_be_read() {
    let place = Place::new();
    fs::write(&place.home.state, "in the way").unwrap();
    let mut events = Events::open(&place.home);
    events.append(event("shop", "one"));
    events.append(event("shop", "two"));
    assert!(events.fault().is_some());
    fs::remove_file(&place.home.state).unwrap();
    assert_eq!(numbers(&events, &EventQuery::default()), [1, 2]);
    events.append(event("shop", "three"));
    assert!(events.fault().is_none());
    assert_eq!(numbers(&Events::open(&place.home), &EventQuery::default()), [1, 2, 3]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let place = Place::new();
        fs::create_dir_all(&place.home.state).unwrap();
        fs::write(place.state("events.ndjson"), &bytes).unwrap();
        let mut events = Events::open(&place.home);
        let appended = events.append(event("shop", "after"));
        prop_assert!(events.fault().is_none());
        let read = events.read(&last(1)).unwrap();
        prop_assert_eq!(read, [appended]);
    }
}
