//! Where output goes and what it looks like.

use std::fs;

use serde_json::Value;

use super::{Behaviour, PM2, Shown::By, Shown::Differs, pm2};
use crate::harness::TestEnv;

pub(super) const ROWS: &[Behaviour] = &[
    Behaviour {
        number: 12,
        given: "what runs",
        when: "`time` or `log_date_format` is edited",
        then: "lines are shown with their times",
        shown: Differs(
            "files keep the bytes as they came, so the edit touches no process and no line: the times, \
             kept beside them, are shown for older lines too",
            &[
                "behaviours::logs::times_are_there_for_all_lines_and_cost_no_restart",
                "logs::choosing::lines_as_objects_and_with_their_times",
            ],
        ),
    },
    Behaviour {
        number: 38,
        given: "files for output and errors in a directory that is not there",
        when: "the app writes",
        then: "the directory is made, and each stream is in its file",
        shown: Differs(
            "the directory is the one that is named, and the names in it are eco's: one file for each \
             instance and stream",
            &["behaviours::logs::a_deep_directory_is_made_and_each_stream_has_its_file"],
        ),
    },
    Behaviour {
        number: 39,
        given: "a log that was renamed",
        when: "the app writes on",
        then: "lines go to a new file, without any signal; as when eco puts it aside itself",
        shown: By(&[
            "keeper::output::a_renamed_or_deleted_file_is_made_again",
            "e2e::logs::logs_are_put_aside_and_read_as_one_and_changing_that_touches_nobody",
            "keeper::rotation::no_byte_is_lost_and_no_line_is_cut_when_a_log_is_put_aside",
        ]),
    },
    Behaviour {
        number: 40,
        given: "logs that go to `NULL` or `/dev/null`",
        when: "the app writes",
        then: "no file is written",
        shown: By(&["behaviours::logs::what_goes_nowhere_leaves_no_file"]),
    },
    Behaviour {
        number: 41,
        given: "logs as JSON, and a line written in two parts",
        when: "they are read",
        then: "every line parses, and the two parts are one",
        shown: By(&[
            "behaviours::logs::every_line_of_json_parses_and_a_line_in_parts_is_one",
            "logs::choosing::lines_as_objects_and_with_their_times",
            "logs::merging::a_line_has_the_time_of_its_first_byte",
        ]),
    },
    Behaviour {
        number: 42,
        given: "several instances, with `merge_logs` and without",
        when: "they write",
        then: "there is one file, or one for each",
        shown: Differs(
            "there is one for each in any case, and `eco logs` shows them merged by time",
            &[
                "behaviours::logs::a_deep_directory_is_made_and_each_stream_has_its_file",
                "e2e::logs::streams_and_instances_are_merged_by_time",
            ],
        ),
    },
];

const TALKS: &str =
    "#!/bin/sh\necho out $ECO_INSTANCE\necho err $ECO_INSTANCE >&2\nexec sleep 100000\n";

fn talking(more: &str) -> TestEnv {
    let env = pm2(&format!("{{ name: 'web', script: './app.sh', {more} }}"));
    env.script("app.sh", TALKS);
    env.apply();
    env
}

#[test]
fn times_are_there_for_all_lines_and_cost_no_restart() {
    let env = talking("");
    env.wait_for("its lines", || env.log("web").lines().count() == 2);
    let pid = env.pid("web");
    env.write(PM2, "{ name: 'web', script: './app.sh', time: true }");
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    assert_eq!(diff["changes"][0]["field"], "logs.timestamps");
    assert_eq!(diff["changes"][0]["effect"], "live");
    env.apply();
    assert_eq!(env.pid("web"), pid);
    let shown = env.eco(&["logs", "web", "--timestamps"]).ok().stdout;
    assert_eq!(shown.lines().count(), 2);
    assert!(
        shown.lines().all(|line| line.starts_with("20") && line.contains("Z web/0")),
        "{shown}"
    );
    assert!(!env.log("web").contains('Z'), "the bytes are as they came");
}

#[test]
fn a_deep_directory_is_made_and_each_stream_has_its_file() {
    let env = talking(
        "instances: 2, out_file: 'a/b/c/out.log', error_file: 'a/b/c/err.log', merge_logs: true",
    );
    for instance in 0..2 {
        for stream in ["out", "err"] {
            let file = format!("a/b/c/web-{instance}.{stream}.log");
            let line = format!("{stream} {instance}\n");
            env.wait_for(&file, || env.read(&file) == line);
        }
    }
    let mut all: Vec<String> = env.log("web").lines().map(str::to_owned).collect();
    all.sort_unstable();
    assert_eq!(all, ["err 0", "err 1", "out 0", "out 1"]);
}

/// The files of a directory and those below it which hold `word`.
fn holding(dir: &std::path::Path, word: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            holding(&path, word, found);
        } else if fs::read(&path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(word))
        {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn what_goes_nowhere_leaves_no_file() {
    let env = pm2("{ name: 'web', script: './app.sh', out_file: 'NULL', error_file: '/dev/null' }");
    env.script(
        "app.sh",
        "#!/bin/sh\necho \"nothing of $((40 + 2)) is kept\"\necho up > up\nexec sleep 100000\n",
    );
    env.apply();
    env.wait_for("its line", || env.path("up").exists());
    env.eco(&["logs", "web"]).ok().says("not kept");
    let mut found = Vec::new();
    holding(&env.home(), "nothing of 42 is kept", &mut found);
    holding(&env.dir(), "nothing of 42 is kept", &mut found);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn every_line_of_json_parses_and_a_line_in_parts_is_one() {
    let env = pm2("{ name: 'web', script: './app.sh', log_type: 'json' }");
    env.script(
        "app.sh",
        "#!/bin/sh\nprintf 'one \"part\"'\nwhile [ ! -e go ]; do sleep 0.02; done\n\
         printf ' and another\\n'\necho 'back\\\\slash' >&2\nexec sleep 100000\n",
    );
    env.apply();
    // It has been read before the rest comes.
    env.wait_for("the first part", || env.log("web").contains("part"));
    env.write("go", "");
    env.wait_for("both lines", || env.log("web").lines().count() == 2);
    let lines: Vec<Value> = env.eco(&["logs", "web", "--json"]).ok().ndjson();
    let texts: Vec<&str> = lines.iter().map(|line| line["line"].as_str().unwrap()).collect();
    assert!(texts.contains(&"one \"part\" and another"), "{texts:?}");
    assert_eq!(texts.len(), 2);
}
