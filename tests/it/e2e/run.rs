//! `eco run`: in the foreground, and as the first process of a container.

use std::fs;

use super::TWO_SLEEPERS;
use crate::harness::{Process, Running, Signal, TestEnv, alive, program, send};

#[test]
fn run_stays_in_the_foreground_and_takes_everything_with_it() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    let mut run = env.call(&["run", "ecosystem.yaml"]).spawn();
    env.wait_for("both apps", || {
        let output = env.eco(&["status", "--json"]);
        output.code == Some(0) && output.json()["apps"].as_array().is_some_and(|a| a.len() == 2)
    });
    let (web, ours) = (env.pids("web"), env.processes());
    assert!(!run.has_ended());
    run.signal(Signal::TERM);
    let output = run.wait();
    assert!(web.values().all(|pid| !alive(*pid)), "{output}");
    env.wait_for("all to be gone", || !ours.iter().any(Process::is_alive));
}

#[test]
fn run_shows_what_apps_print_and_can_be_run_again() {
    let talker = "  web: { command: { shell: 'while :; do echo I talk; sleep 0.1; done' } }\n";
    let env = TestEnv::with_apps(talker);
    for _ in 0..2 {
        let mut run = env.call(&["run"]).spawn();
        env.wait_for("its output", || run.stdout().contains("I talk"));
        assert!(!run.has_ended());
        run.signal(Signal::INT);
        run.wait().ok().says("Done");
        assert!(env.processes().is_empty());
    }
}

#[test]
fn run_of_a_wrong_file_is_exit_2() {
    let env = TestEnv::with_apps("  web: { comand: x }\n");
    env.eco(&["run", "ecosystem.yaml"]).exits(2).says("command");
    assert!(env.processes().is_empty());
}

#[test]
fn run_ends_with_the_last_app() {
    for (code, exit) in [(0, 0), (3, 1)] {
        let end = format!("sleep 1; echo all of it; exit {code}");
        let env = TestEnv::with_apps(&format!(
            "  first: {{ command: sleep 1, restart: never }}\n  \
             last: {{ command: {{ shell: '{end}' }}, restart: never }}\n"
        ));
        let output = env.eco(&["run"]).exits(exit);
        assert!(output.stdout.contains("all of it"), "{output}");
        assert!(env.processes().is_empty());
    }
}

#[test]
fn run_shows_output_from_the_first_line_to_the_last() {
    let lines = "i=1; while [ $i -le 20000 ]; do echo line $i; i=$((i+1)); done; sleep 1; echo end";
    let env = TestEnv::with_apps(&format!(
        "  web: {{ command: {{ shell: '{lines}' }}, restart: never }}\n"
    ));
    let shown = env.eco(&["run", "--log-format", "raw"]).ok().stdout;
    let start = shown.find("line 1\n").expect("the first line");
    let expected = (1..=20000).map(|i| format!("line {i}"));
    let found = shown[start..].lines().take(20001);
    assert!(found.eq(expected.chain(["end".to_owned()])), "lines are missing");
    let json = env.eco(&["run", "--log-format", "json"]).ok().stdout;
    let line = json.lines().find(|line| line.contains("line 7\"")).expect("a line as JSON");
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["app"], "web", "{line}");
}

/// `eco run` as the first process of a PID namespace: its pid as others see it.
fn first_process(env: &TestEnv) -> (Running, u32) {
    program("unshare");
    let starter = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let run = env.call_by(&starter, &["run"]).spawn();
    let is_first = |process: &Process| {
        let status = fs::read_to_string(format!("/proc/{}/status", process.pid));
        let status = status.unwrap_or_default();
        let ids = status.lines().find(|line| line.starts_with("NSpid:")).unwrap_or_default();
        ids.split_whitespace().count() == 3 && ids.ends_with("\t1")
    };
    let first = env.wait_until("the first process", || env.processes().into_iter().find(is_first));
    env.wait_for("all to be as desired", || env.eco(&["status"]).code == Some(0));
    (run, first.pid)
}

/// The children of a process that have ended and were not reaped.
fn zombies_of(parent: u32) -> usize {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    stats
        .filter(|stat| {
            let rest = stat.rsplit(") ").next().unwrap_or_default();
            let mut words = rest.split(' ');
            words.next() == Some("Z") && words.next() == Some(&parent.to_string())
        })
        .count()
}

const HEARS: &str = "  web: { command: { shell: 'trap \"echo heard HUP\" HUP; \
    trap \"echo heard USR2\" USR2; while :; do sleep 0.1; done' } }\n";

#[test]
fn the_first_process_passes_signals_on_and_takes_everything_down() {
    let env = TestEnv::with_apps(HEARS);
    let (mut run, first) = first_process(&env);
    for (signal, word) in [(Signal::HUP, "heard HUP"), (Signal::USR2, "heard USR2")] {
        // The trap may not be set when the app counts as ready.
        env.wait_for(word, || {
            send(first, signal);
            run.stdout().contains(word)
        });
    }
    assert!(alive(first));
    send(first, Signal::TERM);
    let output = run.wait();
    assert_eq!(output.code, Some(0), "{output}");
    assert!(env.processes().is_empty());
}

#[test]
fn the_first_process_reaps_what_comes_to_it() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    let (run, first) = first_process(&env);
    let outside = |inside: u32| {
        let has = |process: &Process| {
            let status = fs::read_to_string(format!("/proc/{}/status", process.pid));
            status
                .unwrap_or_default()
                .lines()
                .any(|line| line.starts_with("NSpid:") && line.ends_with(&format!("\t{inside}")))
        };
        env.wait_until("the process", || env.processes().into_iter().find(has)).pid
    };
    let (keeper, worker) = (outside(env.daemon_pid("keeper")), outside(env.pid("worker")));
    send(keeper, Signal::KILL);
    env.wait_for("another keeper", || {
        env.eco(&["daemon", "status"]).code == Some(0)
            && outside(env.daemon_pid("keeper")) != keeper
    });
    assert_eq!(Process::find(worker).unwrap().parent, first, "it comes to the first process");
    send(worker, Signal::KILL);
    env.wait_for("a replacement", || env.is("worker", "ready") && !alive(worker));
    env.wait_for("all to be reaped", || zombies_of(first) == 0);
    send(first, Signal::TERM);
    assert_eq!(run.wait().code, Some(0));
}
