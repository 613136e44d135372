//! What is written to the files from now on.

use std::{
    io::{self, PipeReader, Write},
    os::fd::AsFd as _,
    path::Path,
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use eco::{
    api::{LogFile, Stream},
    logs::{Hooks, Query, follow},
};

use super::{ALL, RAW, append, log, now, record};

/// What was written so far, and who waits for it.
#[derive(Clone, Default)]
struct Seen(Arc<(Mutex<Vec<u8>>, Condvar)>);

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.0.lock().unwrap().extend(bytes);
        self.0.1.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type List = Arc<Mutex<Option<Vec<LogFile>>>>;

/// A follower in a thread of its own; it ends with this.
pub(super) struct Following {
    seen: Seen,
    list: List,
    reader: Option<PipeReader>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Following {
    pub(super) fn of(files: &[LogFile], query: &Query) -> Self {
        let (reader, writer) = io::pipe().unwrap();
        let (seen, list) = (Seen::default(), List::default());
        let (files, query) = (files.to_vec(), query.clone());
        let (mut out, wanted) = (seen.clone(), Arc::clone(&list));
        let thread = std::thread::spawn(move || {
            let mut refresh = || wanted.lock().unwrap().clone();
            let hooks =
                Hooks { refresh: &mut refresh, until_closed: Some(writer.as_fd()), until: None };
            follow(&files, &query, &mut out, hooks)
        });
        Self { seen, list, reader: Some(reader), thread: Some(thread) }
    }

    /// Waits until `wanted` is all that came out.
    #[track_caller]
    pub(super) fn shows(&self, wanted: &str) {
        let (seen, changed) = &*self.seen.0;
        let is_other = |seen: &mut Vec<u8>| seen != wanted.as_bytes();
        let limit = Duration::from_secs(60);
        let (seen, timeout) =
            changed.wait_timeout_while(seen.lock().unwrap(), limit, is_other).unwrap();
        assert!(!timeout.timed_out(), "{:?} is not {wanted:?}", String::from_utf8_lossy(&seen));
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        drop(self.reader.take());
        let ended = self.thread.take().unwrap().join();
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

fn web(dir: &Path) -> LogFile {
    log(dir, "web-0.out", "web/0", Stream::Out)
}

#[test]
fn lines_come_as_they_are_written_after_the_last_ones() {
    let dir = tempfile::tempdir().unwrap();
    let file = web(dir.path());
    record(&file, now(), b"one\ntwo\nthree\n");
    let following = Following::of(std::slice::from_ref(&file), &Query { last: Some(1), ..ALL });
    following.shows("web/0    │ three\n");
    record(&file, now(), b"four\n");
    following.shows("web/0    │ three\nweb/0    │ four\n");
}

#[test]
fn a_line_without_an_end_is_not_kept_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let files = [web(dir.path()), log(dir.path(), "b", "web/1", Stream::Err)];
    let following = Following::of(&files, &ALL);
    record(&files[0], now(), b"Name? ");
    following.shows("web/0    │ Name? ");
    record(&files[0], now(), b"Ann\n");
    following.shows("web/0    │ Name? Ann\n");
    record(&files[0], now(), b"half");
    following.shows("web/0    │ Name? Ann\nweb/0    │ half");
    record(&files[1], now(), b"oops\n");
    following.shows("web/0    │ Name? Ann\nweb/0    │ half\nweb/1 err│ oops\n");
    record(&files[0], now(), b" done\n");
    following.shows("web/0    │ Name? Ann\nweb/0    │ half\nweb/1 err│ oops\nweb/0    │  done\n");
}

#[test]
fn a_truncated_file_is_read_from_its_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let file = web(dir.path());
    record(&file, now(), b"a rather long line\n");
    let following = Following::of(std::slice::from_ref(&file), &RAW);
    following.shows("a rather long line\n");
    std::fs::write(&file.log, "new\n").unwrap();
    following.shows("a rather long line\nnew\n");
    append(&file.log, b"more\n");
    following.shows("a rather long line\nnew\nmore\n");
}

#[test]
fn a_replaced_file_is_read_to_its_end_and_the_new_one_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = web(dir.path());
    record(&file, now(), b"one\n");
    let following = Following::of(std::slice::from_ref(&file), &RAW);
    following.shows("one\n");
    let old = dir.path().join("web-0.out.log.1");
    std::fs::rename(&file.log, &old).unwrap();
    append(&old, b"two, in the old fi");
    append(&old, b"le\n");
    append(&file.log, b"three\n");
    following.shows("one\ntwo, in the old file\nthree\n");
    std::fs::remove_file(&file.log).unwrap();
    append(&file.log, b"four\n");
    following.shows("one\ntwo, in the old file\nthree\nfour\n");
}

#[test]
fn files_and_directories_may_come_later() {
    let dir = tempfile::tempdir().unwrap();
    let late = dir.path().join("not/yet");
    let file = web(&late);
    let following = Following::of(std::slice::from_ref(&file), &RAW);
    std::fs::create_dir_all(&late).unwrap();
    record(&file, now(), b"first\n");
    following.shows("first\n");
    record(&file, now(), b"second\n");
    following.shows("first\nsecond\n");
}

#[test]
fn new_instances_join_and_old_ones_leave() {
    let dir = tempfile::tempdir().unwrap();
    let first = web(dir.path());
    let second = log(dir.path(), "web-1.out", "web/1", Stream::Out);
    let third = log(dir.path(), "web-2.out", "web/2", Stream::Out);
    record(&first, now(), b"one\n");
    // Written long before anybody followed: history, not news.
    record(&third, 1, b"history\n");
    let following = Following::of(std::slice::from_ref(&first), &RAW);
    following.shows("one\n");
    *following.list.lock().unwrap() = Some(vec![first.clone(), second.clone(), third.clone()]);
    record(&second, now(), b"two\n");
    following.shows("one\ntwo\n");
    record(&third, now(), b"three\n");
    following.shows("one\ntwo\nthree\n");
    *following.list.lock().unwrap() = Some(vec![second.clone()]);
    record(&first, now(), b"four\n");
    following.shows("one\ntwo\nthree\nfour\n");
}

#[test]
fn much_at_once_comes_out_whole() {
    let dir = tempfile::tempdir().unwrap();
    let file = web(dir.path());
    let following = Following::of(std::slice::from_ref(&file), &RAW);
    let mut all = String::new();
    for batch in 0..200 {
        let lines: Vec<String> =
            (0..50).map(|line| format!("{batch}.{line} {}\n", "x".repeat(line))).collect();
        let text = lines.concat();
        record(&file, now(), text.as_bytes());
        all.push_str(&text);
    }
    following.shows(&all);
}
