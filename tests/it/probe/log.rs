//! Lines that a run prints.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::PathBuf,
};

use eco::{
    host::{
        clock,
        probe::{Output, ProbeEvent, Probes},
    },
    model::{ReadyProbe, RunId},
};

use super::{RUN, is_ready, policy, run, subject_from, why};

/// The two log files of a run.
struct Logs {
    dir: tempfile::TempDir,
}

impl Logs {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn append(&self, name: &str, bytes: &[u8]) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(bytes).unwrap();
    }

    fn outputs(&self) -> [Output; 2] {
        ["out", "err"].map(|name| {
            let path = self.path(name);
            let from = fs::metadata(&path).map_or(0, |known| known.len());
            Output { path, from, run: RUN }
        })
    }

    fn begin(&self, probes: &mut Probes, run: RunId, pattern: &str) {
        let policy = policy(ReadyProbe::Log(pattern.to_owned()));
        probes.begin(run, subject_from(&policy, clock::now(), self.outputs(), ""));
    }

    /// Asks for a line, and has not seen it in what there is.
    async fn asking(&self, pattern: &str) -> Probes {
        let mut probes = Probes::new();
        self.begin(&mut probes, RUN, pattern);
        let expected = format!("no line of its output matches `{pattern}` yet");
        assert_eq!(why(&mut probes).await, expected);
        probes
    }

    /// Waits until the reader has had a turn at what is written by now: the turns of a search
    /// that began later come after.
    async fn turn(&self, probes: &mut Probes) {
        let other = RunId(1_000);
        let mark = format!("mark {}", fs::metadata(self.path("err")).map_or(0, |err| err.len()));
        self.begin(probes, other, &format!("^{mark}$"));
        let event = probes.next().await;
        assert!(matches!(event, ProbeEvent::Failing { run, .. } if run == other), "{event:?}");
        self.append("err", format!("{mark}\n").as_bytes());
        let event = probes.next().await;
        assert!(matches!(event, ProbeEvent::Ready { run, .. } if run == other), "{event:?}");
    }
}

#[test]
fn a_line_may_come_in_pieces_to_a_file_that_comes_later() {
    run(async {
        let logs = Logs::new();
        let mut probes = logs.asking(r"^listening on :\d+$").await;
        for piece in ["starting\nlist", "ening on", " :30", "00"] {
            logs.append("out", piece.as_bytes());
            logs.turn(&mut probes).await;
        }
        logs.append("out", b"\r\nmore");
        is_ready(&mut probes).await;
    });
}

#[test]
fn either_file_tells() {
    run(async {
        for name in ["out", "err"] {
            let logs = Logs::new();
            let mut probes = logs.asking("up").await;
            logs.append(name, b"is up now\n");
            is_ready(&mut probes).await;
        }
    });
}

#[test]
fn what_an_earlier_run_printed_does_not_count() {
    run(async {
        let logs = Logs::new();
        logs.append("out", b"ready\n");
        let mut probes = logs.asking("^ready$").await;
        logs.append("out", b"ready\n");
        is_ready(&mut probes).await;
    });
}

#[test]
fn bytes_that_are_no_text_hinder_nothing() {
    run(async {
        let logs = Logs::new();
        let mut probes = logs.asking("ready .* ünder").await;
        logs.append("out", b"\xff\xfe\0\n");
        logs.append("out", b"\xc3 ready \xe2\x82 ...");
        // `.` is a character, so that bytes that are none do not match it.
        logs.append("out", " ünder\n".as_bytes());
        logs.turn(&mut probes).await;
        logs.append("out", b"\xff ready now ");
        logs.append("out", "ünder \n".as_bytes());
        is_ready(&mut probes).await;
    });
}

#[test]
fn a_long_line_is_looked_at_up_to_64_kib_and_the_next_one_again() {
    run(async {
        let logs = Logs::new();
        let mut probes = logs.asking("ready").await;
        let long = vec![b'x'; 3 << 20];
        logs.append("out", &long);
        logs.append("out", b"ready\n");
        // So much is read in several turns.
        for _ in 0..16 {
            logs.turn(&mut probes).await;
        }
        logs.append("out", b"ready\n");
        is_ready(&mut probes).await;
        let mut probes = logs.asking("ready").await;
        logs.append("out", &long[..(64 << 10) - 5]);
        logs.append("out", b"ready and more\n");
        is_ready(&mut probes).await;
    });
}

#[test]
fn a_file_that_is_replaced_or_cut_is_read_from_its_start() {
    run(async {
        let logs = Logs::new();
        let mut probes = logs.asking("^ready [12]$").await;
        logs.append("out", b"a lot before the rotation, and half a line: re");
        logs.turn(&mut probes).await;
        fs::rename(logs.path("out"), logs.path("out.1")).unwrap();
        logs.append("out", b"ready 1\n");
        is_ready(&mut probes).await;

        logs.append("out", b"a lot before the cut\n");
        let mut probes = logs.asking("^ready [12]$").await;
        File::create(logs.path("out")).unwrap();
        logs.append("out", b"ready");
        logs.append("out", b" 2\n");
        is_ready(&mut probes).await;
    });
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_other_may_still_tell() {
    run(async {
        let logs = Logs::new();
        fs::create_dir(logs.path("out")).unwrap();
        let mut probes = Probes::new();
        logs.begin(&mut probes, RUN, "ready");
        let words = why(&mut probes).await;
        let expected = format!("cannot read {}: ", logs.path("out").display());
        assert!(words.starts_with(&expected), "{words}");
        logs.append("err", b"ready\n");
        is_ready(&mut probes).await;
    });
}

#[test]
fn a_pattern_that_is_none_is_named() {
    run(async {
        let logs = Logs::new();
        let mut probes = Probes::new();
        logs.begin(&mut probes, RUN, "ready(");
        let words = why(&mut probes).await;
        assert!(words.starts_with("`ready(` is no regular expression: "), "{words}");
    });
}

#[test]
fn a_line_of_another_run_in_the_same_file_counts_for_nothing() {
    run(async {
        let logs = Logs::new();
        let owner = |offset: u64, run: RunId| {
            logs.append("out.runs", &[offset.to_le_bytes(), run.0.to_le_bytes()].concat());
        };
        let former = RunId(RUN.0 - 1);
        owner(0, former);
        logs.append("out", b"start of the former one\n");
        let mut probes = logs.asking("listening").await;
        logs.append("out", b"listening, says the former one\nliste");
        owner(60, RUN);
        logs.append("out", b"not yet\nliste");
        logs.turn(&mut probes).await;
        let len = fs::metadata(logs.path("out")).unwrap().len();
        owner(len, former);
        logs.append("out", b"ning\n");
        logs.turn(&mut probes).await;
        owner(len + 5, RUN);
        logs.append("out", b"ning at last\n");
        is_ready(&mut probes).await;
    });
}
