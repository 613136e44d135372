//! Lines by time and by pattern, and what they look like.

use eco::{
    api::{LogFormat, Stream},
    logs::{Form, Query},
};
use regex::bytes::Regex;
use serde_json::{Value, json};

use super::{ALL, RAW, append, at, following::Following, log, now, printed, record};

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

#[test]
fn lines_until_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let files =
        [log(dir.path(), "a", "a/0", Stream::Out), log(dir.path(), "b", "b/0", Stream::Out)];
    for (file, time, line) in [(0, 10, "one\n"), (1, 20, "two\n"), (0, 30, "thr"), (0, 40, "ee\n")]
    {
        record(&files[file], time, line.as_bytes());
    }
    let until = |nanos| printed(&files, &Query { until: Some(at(nanos)), ..RAW });
    assert_eq!(until(9), "");
    assert_eq!(until(10), "one\n");
    assert_eq!(until(29), "one\ntwo\n");
    // A line belongs to the time of its first byte.
    assert_eq!(until(30), "one\ntwo\nthree\n");
    let both = Query { since: Some(at(11)), until: Some(at(20)), ..RAW };
    assert_eq!(printed(&files, &both), "two\n");
    let last = Query { until: Some(at(29)), last: Some(1), ..RAW };
    assert_eq!(printed(&files, &last), "two\n");
    let none = Query { since: Some(at(30)), until: Some(at(20)), ..RAW };
    assert_eq!(printed(&files, &none), "");
}

#[test]
fn lines_that_match() {
    let dir = tempfile::tempdir().unwrap();
    let files =
        [log(dir.path(), "a", "a/0", Stream::Out), log(dir.path(), "b", "b/0", Stream::Err)];
    record(&files[0], 10, b"GET /a 200\nGET /b 50");
    record(&files[1], 20, b"error: no \xff such table\n");
    record(&files[0], 30, b"0\nGET /c 500\nGET /d 200\nends in 500");
    let lines = |query: Query| printed(&files, &query);
    let all = "a/0    │ GET /b 500\na/0    │ GET /c 500\na/0    │ ends in 500\n";
    assert_eq!(lines(Query { matching: Some(regex("500$")), ..ALL }), all);
    let last = Query { matching: Some(regex("500$")), last: Some(2), ..ALL };
    assert_eq!(lines(last), "a/0    │ GET /c 500\na/0    │ ends in 500\n");
    let bytes = Query { matching: Some(regex("(?-u)\\xff")), form: Form::Json, ..ALL };
    let line: Value = serde_json::from_str(&lines(bytes)).unwrap();
    assert_eq!(
        (&line["line"], &line["lossy"]),
        (&json!("error: no \u{fffd} such table"), &json!(true))
    );
    assert_eq!(lines(Query { matching: Some(regex("nothing")), ..RAW }), "");
}

#[test]
fn lines_as_objects_and_with_their_times() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = [log(dir.path(), "a", "web/3", Stream::Err)];
    record(&files[0], 1_772_600_767_123_456_789, b"a \"line\"\nand a half");
    let text = printed(&files, &Query { form: Form::Json, ..ALL });
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let first = json!({
        "schema": 1, "time": "2026-03-04T05:06:07.123Z", "id": "web/3", "app": "web", "instance": 3,
        "stream": "err", "line": "a \"line\"",
    });
    assert_eq!(lines[0], first);
    assert_eq!((&lines[1]["line"], &lines[1]["partial"]), (&json!("and a half"), &json!(true)));
    assert_eq!(lines.len(), 2);
    let times = printed(&files, &Query { form: Form::Text { times: true }, ..ALL });
    assert!(times.starts_with("2026-03-04T05:06:07.123Z web/3 err│ a \"line\"\n"), "{times}");
    let as_configured = Query { form: Form::AsConfigured, ..ALL };
    files[0].timestamps = true;
    assert_eq!(printed(&files, &as_configured), times);
    files[0].format = LogFormat::Json;
    assert_eq!(printed(&files, &as_configured), text);
    files[0].format = LogFormat::Raw;
    assert_eq!(printed(&files, &as_configured), "a \"line\"\nand a half\n");
}

#[test]
fn who_follows_sees_the_last_that_match_and_then_each_one_that_does() {
    let dir = tempfile::tempdir().unwrap();
    let file = log(dir.path(), "web-0.out", "web/0", Stream::Out);
    record(&file, now(), b"match 1\nother\nmatch 2\nmatch 3\nother\n");
    let query = Query { matching: Some(regex("^match")), last: Some(2), ..RAW };
    let following = Following::of(std::slice::from_ref(&file), &query);
    following.shows("match 2\nmatch 3\n");
    record(&file, now(), b"other\nmat");
    append(&file.log, b"ch 4\nother\nmatch 5\n");
    following.shows("match 2\nmatch 3\nmatch 4\nmatch 5\n");
}
