//! `eco logs`: stored bytes, prefixes, order, following.

use crate::harness::{Signal, TestEnv};

/// An app that says a thing and waits.
fn one(env: &TestEnv, script: &str) {
    env.script("app.sh", script);
    env.apps("  web: { command: ./app.sh }\n");
    env.apply();
}

#[test]
fn bytes_come_back_as_they_were_written() {
    let env = TestEnv::new();
    one(
        &env,
        "#!/bin/sh\nprintf 'no end'\nprintf ' yet\\n\\033[31mred\\033[0m\\r\\n\\ttab  \\nlast without newline'\nexec sleep 100000\n",
    );
    let expected = "no end yet\n\u{1b}[31mred\u{1b}[0m\r\n\ttab  \nlast without newline";
    env.wait_for("all bytes", || env.log("web") == expected);
}

#[test]
fn bytes_that_are_no_text_come_back_too() {
    let env = TestEnv::new();
    one(&env, "#!/bin/sh\nprintf '\\377\\376\\000x\\n'\nexec sleep 100000\n");
    env.wait_for("the bytes", || {
        // The harness shows bytes as text, so that each bad byte is one replacement character.
        env.log("web") == "\u{fffd}\u{fffd}\0x\n"
    });
}

#[test]
fn lines_are_prefixed_with_their_instance() {
    let env = TestEnv::new();
    env.script("app.sh", "#!/bin/sh\necho \"I am $ECO_INSTANCE\"\nexec sleep 100000\n");
    env.apps("  web: { command: ./app.sh, instances: 2 }\n");
    env.apply();
    env.wait_for("both lines", || env.log("web").lines().count() == 2);
    let text = env.eco(&["logs", "web"]).ok().stdout;
    for index in 0..2 {
        let line = text.lines().find(|line| line.ends_with(&format!("I am {index}")));
        let line = line.unwrap_or_else(|| panic!("no line of {index} in\n{text}"));
        assert!(line.contains(&format!("web/{index}")), "{line}");
    }
    let only = env.eco(&["logs", "web/1"]).ok().stdout;
    assert!(only.contains("I am 1") && !only.contains("I am 0"), "{only}");
}

#[test]
fn n_takes_the_last_lines() {
    let env = TestEnv::new();
    one(&env, "#!/bin/sh\nfor i in 1 2 3 4 5; do echo line $i; done\nexec sleep 100000\n");
    env.wait_for("five lines", || env.log("web").lines().count() == 5);
    let text = |n| env.eco(&["logs", "web", "--no-prefix", "-n", n]).ok().stdout;
    assert_eq!(text("2"), "line 4\nline 5\n");
    assert_eq!(text("0"), "");
    assert_eq!(text("99").lines().count(), 5);
    env.eco(&["logs", "web", "-n", "many"]).exits(2);
}

#[test]
fn streams_and_instances_are_merged_by_time() {
    let env = TestEnv::new();
    env.script(
        "turns.sh",
        "#!/bin/sh\n# Each instance waits for its turn, so that the order is known.\nfor turn in 1 2 3; do\n  while [ \"$(cat turn)\" != \"$ECO_INSTANCE$turn\" ]; do sleep 0.01; done\n  if [ $turn = 2 ]; then echo \"$ECO_INSTANCE$turn\" >&2; else echo \"$ECO_INSTANCE$turn\"; fi\n  touch \"done$ECO_INSTANCE$turn\"\ndone\nexec sleep 100000\n",
    );
    env.write("turn", "none");
    env.apps("  web: { command: ./turns.sh, instances: 2 }\n");
    env.apply();
    let order = ["01", "11", "12", "02", "03", "13"];
    for (count, turn) in order.iter().enumerate() {
        env.write("turn", turn);
        env.wait_for("the turn", || env.path(&format!("done{turn}")).exists());
        // The line has to be stored before the next is written, or their times may be one.
        env.wait_for("the line", || env.log("web").lines().count() == count + 1);
    }
    assert_eq!(env.log("web").lines().collect::<Vec<_>>(), order);
    let only = |stream| env.eco(&["logs", "web", "--no-prefix", stream]).ok().stdout;
    assert_eq!(only("--err"), "12\n02\n");
    assert_eq!(only("--out"), "01\n11\n03\n13\n");
}

#[test]
fn follow_prints_what_comes_until_it_is_interrupted() {
    let env = TestEnv::new();
    one(
        &env,
        "#!/bin/sh\necho before\nwhile [ ! -e go ]; do sleep 0.02; done\necho after\nexec sleep 100000\n",
    );
    env.wait_for("the first line", || env.log("web") == "before\n");
    let mut follow = env.call(&["logs", "web", "-f", "--no-prefix"]).spawn();
    env.wait_for("the old line", || follow.stdout() == "before\n");
    env.write("go", "");
    env.wait_for("the new line", || follow.stdout() == "before\nafter\n");
    assert!(!follow.has_ended());
    follow.signal(Signal::INT);
    follow.wait();
}

#[test]
fn follow_goes_on_over_a_restart() {
    let env = TestEnv::new();
    one(&env, "#!/bin/sh\necho run $$\nexec sleep 100000\n");
    let first = env.pid("web");
    let mut follow = env.call(&["logs", "web", "-f", "--no-prefix"]).spawn();
    env.eco(&["restart", "web"]).ok();
    let second = env.pid("web");
    let expected = format!("run {first}\nrun {second}\n");
    env.wait_for("both runs", || follow.stdout() == expected);
    follow.signal(Signal::INT);
    follow.wait();
}

#[test]
fn since_leaves_older_lines_out() {
    let env = TestEnv::new();
    one(
        &env,
        "#!/bin/sh\necho old\nwhile [ ! -e go ]; do sleep 0.02; done\necho new\nexec sleep 100000\n",
    );
    env.wait_for("the old line", || env.log("web") == "old\n");
    // The test's own clock decides what is old: `new` is written at least 2 s after `old`.
    let began = std::time::Instant::now();
    env.wait_for("two seconds to pass", || began.elapsed().as_secs() >= 2);
    env.write("go", "");
    let text = || env.eco(&["logs", "web", "--no-prefix", "--since", "1s"]).ok().stdout;
    assert!(!text().contains("old"));
    env.wait_for("the new line", || env.log("web") == "old\nnew\n");
    let all = env.eco(&["logs", "web", "--no-prefix", "--since", "1h"]).ok().stdout;
    assert_eq!(all, "old\nnew\n");
    env.eco(&["logs", "web", "--since", "yesterday"]).exits(2);
}

#[test]
fn logs_stay_after_the_app_and_without_a_daemon() {
    let env = TestEnv::new();
    one(&env, "#!/bin/sh\necho still here\nexec sleep 100000\n");
    env.wait_for("the line", || env.log("web") == "still here\n");
    env.eco(&["stop", "web"]).ok();
    assert_eq!(env.log("web"), "still here\n");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let env = TestEnv::new();
    one(
        &env,
        "#!/bin/sh\ni=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo a line of some length $i; done\nexec sleep 100000\n",
    );
    env.wait_for("all lines", || env.log("web").contains("length 5000\n"));
    let pipe = format!("'{}' logs web -n 5000 | head -n 1", env!("CARGO_BIN_EXE_eco"));
    let output = std::process::Command::new("sh")
        .args(["-c", &pipe])
        .current_dir(env.dir())
        .env("ECO_HOME", env.home())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("roken pipe") && !stderr.contains("panicked"), "{stderr}");
}

#[test]
fn logs_are_put_aside_and_read_as_one_and_changing_that_touches_nobody() {
    let env = TestEnv::new();
    env.script(
        "app.sh",
        "#!/bin/sh\ni=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo a line of some length $i; done\nexec sleep 100000\n",
    );
    let apps = |logs: &str| env.apps(&format!("  web: {{ command: ./app.sh, logs: {logs} }}\n"));
    apps("{ dir: logs, rotate: { size: 64K, keep: 99 }, compress: zstd }");
    env.apply();
    let lines: Vec<String> =
        (1..=20_000).map(|line| format!("a line of some length {line}\n")).collect();
    let all = lines.concat();
    env.wait_for("all lines", || env.log("web") == all);
    let parts = |ending: &str| {
        let names = std::fs::read_dir(env.path("logs")).unwrap();
        names.filter(|it| it.as_ref().unwrap().path().to_string_lossy().ends_with(ending)).count()
    };
    // When the others are is the machine's business.
    env.wait_for("a compressed part", || 0 < parts(".log.zst"));
    assert_eq!(env.log("web"), all);
    let pid = env.pid("web");
    apps("{ dir: logs, rotate: { size: 64K, keep: 2 }, compress: gzip }");
    let diff = env.eco(&["diff"]);
    assert!(diff.stdout.contains("logs.rotate.keep"), "{}", diff.stdout);
    env.apply();
    assert_eq!(env.pid("web"), pid);
}

#[test]
fn what_a_program_wrote_before_it_failed_is_kept() {
    let env = TestEnv::new();
    env.script(
        "app.sh",
        "#!/bin/sh\ni=0; while [ $i -lt 30 ]; do i=$((i+1)); echo trace $i >&2; done\necho no such table >&2\nexit 3\n",
    );
    env.apps("  web: { command: ./app.sh, restart: never }\n");
    env.eco(&["apply"]).exits(1);
    let crash = env.wait_until("the event", || {
        env.events().into_iter().find(|event| event["type"] == "crashed")
    });
    let message = crash["message"].as_str().unwrap();
    assert!(message.contains("code 3") && message.ends_with("no such table"), "{message}");
    let lines = crash["stderr"].as_array().unwrap();
    assert_eq!(
        (lines.len(), &lines[0], &lines[19]),
        (20, &"trace 12".into(), &"no such table".into())
    );
    let described = env.eco(&["describe", "web"]).ok().stdout;
    assert!(described.contains("stderr of web/0 before it ended"), "{described}");
    assert!(described.contains("trace 12\n") && !described.contains("trace 11\n"), "{described}");
}

#[test]
fn last_words_are_found_after_the_log_was_put_aside_and_compressed() {
    let env = TestEnv::new();
    env.script(
        "app.sh",
        "#!/bin/sh\n\
         if [ -e failed ]; then for i in 1 2 3 4 5 6 7 8 9; do printf '%01000d\\n' $i >&2; sleep 0.02; done\n\
         exec sleep 100000; fi\n\
         while [ ! -e go ]; do sleep 0.02; done\n: > failed\n\
         i=0; while [ $i -lt 5500 ]; do i=$((i+1)); echo trace $i; done >&2\n\
         echo no such table >&2\nexit 3\n",
    );
    env.apps(
        "  web: { command: ./app.sh, logs: { dir: logs, rotate: { size: 64K, keep: 9 }, compress: zstd } }\n",
    );
    env.apply();
    env.write("go", "");
    let part = env.path("logs/web-0.err.1.log.zst");
    env.wait_for("a compressed part", || part.exists());
    assert!(!env.read("logs/web-0.err.log").contains("no such table"));
    let described = env.eco(&["describe", "web"]).ok().stdout;
    assert!(described.contains("no such table\n"), "{described}");
    assert!(
        described.contains("trace 5482\n") && !described.contains("trace 5481\n"),
        "{described}"
    );
}

#[test]
fn a_log_in_which_nothing_more_is_written_is_put_aside_when_it_is_old() {
    let env = TestEnv::new();
    env.script("app.sh", "#!/bin/sh\necho my only line\nexec sleep 100000\n");
    env.apps("  web: { command: ./app.sh, logs: { dir: logs, rotate: { age: 1s } } }\n");
    env.apply();
    env.wait_for("a part", || env.read("logs/web-0.out.1.log") == "my only line\n");
    assert!(!env.path("logs/web-0.out.log").exists());
    assert_eq!(env.log("web"), "my only line\n");
}

#[test]
fn logs_that_make_room_on_a_full_disk_are_told_of() {
    let env = TestEnv::new();
    std::fs::create_dir(env.path("logs")).unwrap();
    let mut mount = std::process::Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=2m", "small"]).arg(env.path("logs"));
    if !mount.output().is_ok_and(|it| it.status.success()) {
        eprintln!("skipped: this user may not mount a file system");
        return;
    }
    let mounted = Mounted(env.path("logs"));
    env.script("app.sh", "#!/bin/sh\nyes a line | head -c 4000000\nexec sleep 100000\n");
    env.apps(
        "  web: { command: ./app.sh, logs: { dir: logs, rotate: { size: 256K, keep: 99 } } }\n",
    );
    env.apply();
    let told = env.wait_until("the event", || {
        env.events().into_iter().find(|event| event["type"] == "logs_removed")
    });
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("older logs removed: the disk of its log is full"), "{message}");
    assert_eq!(env.app("web")["instances"][0]["dropped"], serde_json::Value::Null);
    env.eco(&["daemon", "stop"]).ok();
    drop(mounted);
}

/// A file system that is unmounted in the end.
struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(std::process::Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
fn output_that_is_dropped_is_told() {
    let env = TestEnv::new();
    std::fs::create_dir(env.path("logs")).unwrap();
    std::os::unix::fs::symlink("/dev/full", env.path("logs/web-0.out.log")).unwrap();
    env.script("app.sh", "#!/bin/sh\necho lost\nexec sleep 100000\n");
    env.apps("  web: { command: ./app.sh, logs: { dir: logs } }\n");
    env.apply();
    let told = env.wait_until("the event", || {
        env.events().into_iter().find(|event| event["type"] == "output_dropped")
    });
    assert_eq!(told["message"], "5 bytes of its output dropped: the disk of its log is full");
    let status = env.app("web");
    assert_eq!(status["instances"][0]["dropped"], told["message"]);
    assert!(env.eco(&["status"]).ok().stdout.contains("5 bytes of its output dropped"));
}

#[test]
fn a_line_of_the_former_run_makes_the_new_one_not_ready() {
    let env = TestEnv::new();
    // The former run says its word again and again, also while the new one starts.
    env.script(
        "app.sh",
        "#!/bin/sh\nif [ ! -e second ]; then touch second; while :; do echo up; sleep 0.05; done; fi\nwhile [ ! -e go ]; do sleep 0.02; done\necho up\nexec sleep 100000\n",
    );
    env.apps("  web: { command: ./app.sh, ready: { log: up }, rollout: { max_surge: 1, max_unavailable: 0, min_ready: 0s } }\n");
    env.apply();
    let first = env.pid("web");
    let restart = env.call(&["restart", "web"]).spawn();
    env.wait_for("the new one beside it", || {
        env.app("web")["instances"].as_array().is_some_and(|all| all.len() == 2)
    });
    let said = env.log("web").lines().count();
    env.wait_for("many more lines", || said + 10 < env.log("web").lines().count());
    let pids: Vec<_> = env.app("web")["instances"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["pid"].clone())
        .collect();
    assert!(pids.contains(&first.into()), "the former one was stopped: {pids:?}");
    env.write("go", "");
    assert_eq!(restart.wait().code, Some(0));
    assert_ne!(env.pid("web"), first);
}

#[test]
fn lines_are_chosen_on_the_command_line() {
    let env = TestEnv::new();
    one(&env, "#!/bin/sh\necho one; echo two >&2; echo three\nexec sleep 100000\n");
    env.wait_for("the lines", || env.log("web").lines().count() == 3);
    let lines = env.eco(&["logs", "web", "--json", "--grep", "^t"]).ok().ndjson();
    let mut found: Vec<_> = lines
        .iter()
        .map(|line| (line["line"].as_str().unwrap(), line["stream"].as_str().unwrap()))
        .collect();
    found.sort_unstable();
    assert_eq!(found, [("three", "out"), ("two", "err")]);
    assert_eq!(env.eco(&["logs", "web", "--until", "1h"]).ok().stdout, "");
    assert_eq!(env.eco(&["logs", "web", "--until", "2999-01-01"]).ok().stdout.lines().count(), 3);
    let wrong = env.eco(&["logs", "web", "--grep", "("]).exits(2);
    assert!(wrong.stderr.contains("--grep"), "{}", wrong.stderr);
    env.eco(&["logs", "web", "--until", "noon"]).exits(2);
}

#[test]
fn where_no_files_are_written_logs_says_where_it_goes() {
    let env = TestEnv::new();
    env.script("app.sh", "#!/bin/sh\necho forgotten\nexec sleep 100000\n");
    env.apps("  web: { command: ./app.sh, logs: { to: none } }\n");
    env.apply();
    let pid = env.pid("web");
    let logs = env.eco(&["logs", "web"]).ok();
    assert_eq!(logs.stdout, "");
    assert!(logs.stderr.contains("not kept"), "{}", logs.stderr);
    env.apps("  web: { command: ./app.sh, logs: { to: journald } }\n");
    env.apply();
    assert_eq!(env.pid("web"), pid);
    let logs = env.eco(&["logs", "web"]).ok();
    assert!(logs.stderr.contains("journalctl ECO_PROJECT=shop ECO_APP=web"), "{}", logs.stderr);
}

#[test]
fn a_foreground_eco_shows_what_apps_print_and_a_detached_one_keeps_it() {
    let env = TestEnv::new();
    env.script("app.sh", "#!/bin/sh\necho 'so \"it\" is'; echo oh >&2; exec sleep 100000\n");
    env.apps("  web: { command: ./app.sh, logs: { to: stdout, format: json } }\n");
    let mut foreground = env.call(&["daemon", "run"]).spawn();
    env.wait_for("eco", || env.eco(&["daemon", "status"]).code == Some(0));
    env.apply();
    let pid = env.pid("web");
    let mut shown = || -> Vec<serde_json::Value> {
        let lines = foreground.stdout();
        lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    env.wait_for("both lines", || shown().len() == 2);
    let line = shown().into_iter().find(|line| line["stream"] == "out").unwrap();
    assert_eq!(line["line"], "so \"it\" is");
    assert_eq!(line["id"], "web/0");
    let logs = env.eco(&["logs", "web"]).ok();
    assert_eq!(logs.stdout, "");
    assert!(logs.stderr.contains("the standard output of eco itself"), "{}", logs.stderr);

    // The one in the foreground dies; the next is in nobody's foreground.
    env.kill_roles(&["keeper"]);
    env.apply();
    assert_eq!(env.pid("web"), pid);
    env.eco(&["restart", "web"]).ok();
    env.eco(&["logs", "web"]).ok().says("so \"it\" is").says("oh");
}
