//! Schedules: when they are due, in any time zone and at any time.

use croner::parser::{CronParser, Seconds, Year};
use eco::{
    config::fuzzing::is_cron,
    model::Cron,
    reconcile::{Look, look, next_due},
};
use jiff::{
    SignedDuration, Timestamp,
    tz::{AmbiguousOffset, TimeZone},
};

use super::{Case, take};

/// The input is a number of a time zone, a time and the expression.
pub const CASE: Case = Case { name: "schedules", run, seeds };

/// Where clocks are changed at night, by half an hour, at midnight, by two hours, by a whole day,
/// backwards in winter, often, and never.
const ZONES: [&str; 12] = [
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Havana",
    "Antarctica/Troll",
    "Pacific/Apia",
    "Europe/Dublin",
    "Africa/Casablanca",
    "America/St_Johns",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Pacific/Kiritimati",
    "UTC",
];

/// So many times in a row are looked at.
const WALK: usize = 24;
/// So many minutes before a time are looked at, whether it was due already.
const BEFORE: i64 = 40;

fn run(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let [zone] = take(&mut rest);
    // 1970 to 2106.
    let start = i64::from(u32::from_le_bytes(take(&mut rest)));
    let Ok(expression) = std::str::from_utf8(rest) else { return false };
    if !is_cron(expression) {
        return false;
    }
    let name = ZONES[usize::from(zone) % ZONES.len()];
    let schedule = Schedule::new(expression, TimeZone::get(name).unwrap());
    let start = Timestamp::from_second(start).unwrap();
    schedule.walk(start);
    schedule.looks(start);
    true
}

struct Schedule {
    cron: Cron,
    parsed: croner::Cron,
    zone: TimeZone,
}

impl Schedule {
    fn new(expression: &str, zone: TimeZone) -> Self {
        let parser =
            CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let cron = Cron { expression: expression.to_owned(), timezone: None };
        Self { cron, parsed: parser.parse(expression).unwrap(), zone }
    }

    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        next_due(&self.cron, &self.zone, after)
    }

    fn matches(&self, at: Timestamp) -> bool {
        self.parsed.is_time_matching(&at.to_zoned(self.zone.clone())).unwrap()
    }

    /// Each time lies after the one before, and is one at which it is due.
    fn walk(&self, start: Timestamp) {
        let mut after = start;
        for _ in 0..WALK {
            let Some(due) = self.next(after) else { return };
            assert!(after < due, "{after} {due} {}", self.cron);
            assert_eq!(self.next(after), Some(due));
            let is_after_gap = self.is_ambiguous_or_gap(due);
            assert!(self.matches(due) || is_after_gap, "{due} {} {:?}", self.cron, self.zone);
            self.none_was_left_out(after, due);
            // Whoever asks a moment before gets the same.
            let before = due - SignedDuration::from_nanos(1);
            if after <= before {
                assert_eq!(self.next(before), Some(due), "{} {:?}", self.cron, self.zone);
            }
            after = due;
        }
    }

    /// Whether clocks were changed shortly before.
    fn is_ambiguous_or_gap(&self, at: Timestamp) -> bool {
        let offset = |at: Timestamp| self.zone.to_offset(at);
        offset(at) != offset(at - SignedDuration::from_nanos(1))
    }

    fn none_was_left_out(&self, after: Timestamp, due: Timestamp) {
        for minutes in 1..BEFORE {
            let at = due - SignedDuration::from_mins(minutes);
            if at <= after {
                return;
            }
            // What comes twice is due once.
            let local = at.to_zoned(self.zone.clone()).datetime();
            let twice = self.zone.to_ambiguous_timestamp(local).offset();
            if !matches!(twice, AmbiguousOffset::Fold { .. }) {
                assert!(!self.matches(at), "{at} {due} {} {:?}", self.cron, self.zone);
            }
        }
    }

    /// What is due is due once.
    fn looks(&self, now: Timestamp) {
        let next = |after| self.next(after);
        for seen_to in
            [now - SignedDuration::from_hours(30), now, now + SignedDuration::from_mins(5)]
        {
            for down in [None, Some(false), Some(true)] {
                match look((seen_to, now), down, next) {
                    Look::Due => {
                        assert!(next(seen_to).is_some_and(|due| due <= now));
                        let again = look((now, now), None, next);
                        assert!(matches!(again, Look::Wait(_)), "{again:?} {}", self.cron);
                    }
                    Look::Missed(due) => assert!(seen_to < due && due <= now),
                    Look::Wait(due) => assert!(due.is_none_or(|due| now < due)),
                    Look::Anew => panic!("set back by 5 minutes"),
                }
            }
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let at = |zone: u8, time: &str, expression: &str| {
        let time = time.parse::<Timestamp>().unwrap().as_second();
        let time = u32::try_from(time).unwrap().to_le_bytes();
        [&[zone], &time[..], expression.as_bytes()].concat()
    };
    vec![
        at(0, "2026-03-28T20:00:00Z", "30 2 * * *"),
        at(0, "2026-10-24T20:00:00Z", "30 2 * * *"),
        at(1, "2026-04-04T12:00:00Z", "45 1 * * *"),
        at(2, "2026-03-08T02:00:00Z", "0,30 0 * * *"),
        at(3, "2026-03-29T00:00:00Z", "*/15 * * * *"),
        at(4, "2011-12-29T00:00:00Z", "0 12 30 12 *"),
        at(5, "2026-10-25T00:00:00Z", "@daily"),
        at(6, "2026-02-15T00:00:00Z", "@hourly"),
        at(7, "2026-03-04T05:06:07Z", "*/10 * * * * *"),
        at(8, "2024-02-28T00:00:00Z", "0 0 29 2 *"),
        at(9, "2018-11-03T00:00:00Z", "15-45/10 0 L * 5#2"),
        at(10, "1994-12-30T00:00:00Z", "0 9-17 * jan-mar mon-fri"),
        at(11, "2100-02-27T00:00:00Z", "0 3 15W * *"),
        at(11, "2026-01-01T00:00:00Z", "5 4 1 * sun"),
    ]
}
