//! What the agent inside a Node program says: one datagram, JSON, of what has happened since its last.
//!
//! It comes from an app, so it is believed for that app alone, and everything in it is bounded. Buckets
//! are those of [`super::counts`]; times are in µs.

use serde::Deserialize;

use super::counts::{BUCKETS, Counts};

/// A message as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Written {
    /// Number of the thread.
    thread: u32,
    /// Answers: a bucket and how many, again and again.
    requests: Vec<u32>,
    sum: u64,
    longest: u32,
    failed: u32,
    aborted: u32,
    /// Delays of the event loop, likewise.
    lags: Vec<u32>,
    longest_lag: u32,
    busy: u32,
    heap_used: u64,
    heap_limit: u64,
}

/// A message that can be counted.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    /// Number of the thread in its process.
    pub(super) thread: u32,
    /// Requests that were answered.
    pub(super) requests: Counts,
    /// How long they took together, in µs.
    pub(super) sum_micros: u64,
    /// How late the event loop was.
    pub(super) lags: Counts,
    /// How long it was busy, in µs.
    pub(super) busy_micros: u32,
    /// Bytes of the heap in use.
    pub(super) heap_used: u64,
    /// Bytes it may grow to; 0 if that is not said.
    pub(super) heap_limit: u64,
}

/// Reads a message; `None` if it is none.
pub(super) fn read(bytes: &[u8]) -> Option<Said> {
    let written: Written = serde_json::from_slice(bytes).ok()?;
    let mut requests = counts(&written.requests, written.longest)?;
    requests.add_failed(written.failed.into());
    requests.add_aborted(written.aborted.into());
    Some(Said {
        thread: written.thread,
        sum_micros: written.sum,
        requests,
        lags: counts(&written.lags, written.longest_lag)?,
        busy_micros: written.busy,
        heap_used: written.heap_used,
        heap_limit: written.heap_limit,
    })
}

fn counts(pairs: &[u32], longest: u32) -> Option<Counts> {
    let mut counts = Counts::default();
    let (pairs, rest) = pairs.as_chunks();
    for [bucket, times] in pairs {
        let bucket = u16::try_from(*bucket).ok().filter(|bucket| *bucket < BUCKETS)?;
        counts.add(bucket, *times);
    }
    counts.add_longest(longest);
    rest.is_empty().then_some(counts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_is_no_message() {
        for wrong in [
            &b""[..],
            b"[]x",
            b"{",
            br#"{"requests":[1]}"#,
            br#"{"requests":[3328,1]}"#,
            br#"{"requests":[1,-1]}"#,
            br#"{"requests":[1,1.5]}"#,
            br#"{"lags":"many"}"#,
            br#"{"heap_used":-1}"#,
        ] {
            assert_eq!(read(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
        assert_eq!(read(br#"{"later":[1]}"#), Some(Said::default()));
    }

    #[test]
    fn what_was_answered_is_counted() {
        let said = br#"{"requests":[256,2,300,1],"sum":2100,"longest":700,"failed":3,"aborted":2}"#;
        let said = read(said).unwrap();
        let requests = &said.requests;
        assert_eq!((requests.total(), requests.failed(), requests.aborted()), (3, 3, 2));
        assert_eq!(said.sum_micros, 2100);
        assert_eq!(requests.longest().unwrap().as_micros(), 700);
    }

    proptest! {
        #[test]
        fn no_message_is_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,100}") {
            read(&bytes);
            read(text.as_bytes());
        }
    }
}
