//! Jobs by revision, by schedule and when asked, with the real binary and real clocks.

use std::fs;

use eco::host::crash::POINTS_OF_JOBS;
use serde_json::Value;

use crate::harness::{Signal, TestEnv, alive, send};

fn runs(env: &TestEnv) -> usize {
    env.read("runs").lines().count()
}

#[test]
fn a_job_runs_once_and_again_when_asked() {
    let env = TestEnv::with_apps("  once: { command: { shell: 'echo x >> runs' }, kind: job }\n");
    env.apply();
    env.apply();
    assert_eq!((runs(&env), env.is("once", "done")), (1, true));
    env.eco(&["daemon", "stop"]).ok();
    env.apply();
    assert_eq!(runs(&env), 1);
    env.eco(&["restart", "all"]).ok();
    assert_eq!(runs(&env), 1, "only what is named");
    env.eco(&["restart", "once"]).ok();
    env.eco(&["run-job", "once"]).ok();
    assert_eq!(runs(&env), 3);
    env.eco(&["status"]).ok();
    env.eco(&["scale", "once", "2"]).exits(2).says("is a job");
    env.apps("  once: { command: { shell: 'echo y >> runs' }, kind: job }\n");
    env.apply();
    assert_eq!(runs(&env), 4);
    let described = env.eco(&["describe", "once", "--json"]).ok().json();
    let told = described["apps"][0]["runs"].as_array().unwrap();
    assert_eq!(told[0]["exit"]["code"], 0);
    assert_eq!(told.len(), 4, "{described}");
    env.eco(&["describe", "once"]).ok().says("eco logs once --since");
}

#[test]
fn who_runs_a_job_gets_its_end_and_its_last_words() {
    let env = TestEnv::with_apps(
        "  report: { command: { shell: 'echo no paper >&2; exit 4' }, kind: job, schedule: \"@yearly\" }\n  \
         web: { command: sleep 100000 }\n",
    );
    env.apply();
    assert_eq!(env.app("report")["instances"][0]["pid"], Value::Null);
    env.eco(&["run-job", "report"]).exits(1).says("exit code 4").says("no paper");
    assert!(env.is("report", "failed"));
    env.eco(&["status"]).exits(1);
    // What runs by its schedule is nothing an apply waits for.
    env.apply();
    env.eco(&["run-job", "web"]).exits(2).says("`web` is no job");
    env.eco(&["run-job", "reprot"]).exits(2).says("did you mean `report`?");
}

#[test]
fn a_job_that_runs_is_not_run_beside_itself() {
    let env =
        TestEnv::with_apps("  long: { command: sleep 100000, kind: job, schedule: \"@yearly\" }\n");
    env.apply();
    env.eco(&["run-job", "long", "--no-wait"]).ok();
    env.wait_for("its run", || env.pids("long").len() == 1);
    let first = env.pid("long");
    env.eco(&["status"]).ok();
    env.eco(&["run-job", "long"]).exits(1).says("`long` runs already");
    env.eco(&["restart", "long", "--no-wait"]).ok();
    env.wait_for("another run", || env.pids("long").values().any(|pid| *pid != first));
    assert!(!alive(first));
}

const EVERY_SECOND: &str = "  tick: { command: { shell: 'date +%s >> runs' }, kind: job, \
                            schedule: \"* * * * * *\", timezone: UTC }\n";

#[test]
fn a_scheduled_job_runs_at_its_times_whoever_is_killed() {
    let env = TestEnv::with_apps(EVERY_SECOND);
    env.apply();
    for killed in 1..4 {
        let seen = runs(&env);
        env.wait_for("another run", || seen < runs(&env));
        let controller = env.daemon_pid("controller");
        send(controller, Signal::KILL);
        env.wait_for("the next controller", || env.daemon_pid("controller") != controller);
        assert!(killed <= runs(&env));
    }
    let seen = runs(&env);
    env.wait_for("another run", || seen + 1 < runs(&env));
    assert!(env.app("tick")["next"].is_string());
    env.eco(&["stop", "tick"]).ok();
    wait_last_run(&env);
}

/// Waits until nothing runs; each time it was due it has run, but that the last may be stopped before
/// it has written anything.
fn wait_last_run(env: &TestEnv) {
    env.wait_for("its last run", || env.pids("tick").is_empty());
    let (runs, due) = (runs(env), due(env));
    assert!(runs == due || runs + 1 == due, "{runs} of {due}");
}

/// How often it was due, as the journal has it.
fn due(env: &TestEnv) -> usize {
    let journal = fs::read_to_string(env.home().join("state/journal.ndjson")).unwrap();
    let asks = |line: &str| line.contains("\"looked\"") && line.contains("\"after\"");
    journal.lines().filter(|line| asks(line)).count()
}

#[cfg(debug_assertions)]
#[test]
fn a_job_that_is_due_runs_once_wherever_the_controller_dies() {
    let env = TestEnv::with_apps(EVERY_SECOND);
    env.apply();
    let points = ["an action is issued", "a start is asked for", "an exit is noted"];
    for point in POINTS_OF_JOBS.iter().take(1).chain(&points) {
        let file = env.home().join("run/crash-at");
        fs::write(&file, point).unwrap();
        env.wait_for("a death there", || !file.exists());
        let seen = due(&env);
        env.wait_for("the next time", || seen < due(&env));
    }
    env.eco(&["stop", "tick"]).ok();
    wait_last_run(&env);
    env.eco(&["start", "tick"]).ok();
    // Who waits is told by the next controller.
    env.apps("  once: { command: { shell: 'echo x >> once; exit 5' }, kind: job, schedule: \"@yearly\" }\n");
    env.apply();
    fs::write(env.home().join("run/crash-at"), POINTS_OF_JOBS[1]).unwrap();
    env.eco(&["run-job", "once"]).exits(1).says("exit code 5");
    assert_eq!(env.read("once"), "x\n");
}

/// A job that is due once a day, last looked at long ago, after eco was down.
fn after_long(catch_up: bool) -> TestEnv {
    let env = TestEnv::with_apps(&format!(
        "  daily: {{ command: {{ shell: 'echo x >> runs' }}, kind: job, schedule: \"@daily\", \
         catch_up: {catch_up} }}\n  web: {{ command: sleep 100000 }}\n"
    ));
    env.apply();
    assert_eq!(runs(&env), 0, "never at start");
    env.eco(&["daemon", "stop"]).ok();
    let journal = env.home().join("state/journal.ndjson");
    let text = fs::read_to_string(&journal).unwrap();
    let line = text.lines().rfind(|line| line.contains("\"looked\"")).unwrap();
    let mut entry: Value = serde_json::from_str(line).unwrap();
    entry["looked"]["looked"]["to"] = "2020-01-01T12:00:00Z".into();
    fs::write(&journal, format!("{text}{entry}\n")).unwrap();
    env.apply();
    env
}

#[test]
fn a_job_that_was_missed_runs_once_if_it_is_to_catch_up() {
    let env = after_long(true);
    env.wait_for("the run", || runs(&env) == 1);
    env.wait_state("daily", "done");
    env.eco(&["daemon", "stop"]).ok();
    env.apply();
    assert_eq!(runs(&env), 1);
}

#[test]
fn a_job_that_was_missed_is_told_of() {
    let env = after_long(false);
    env.wait_for("the word", || {
        let events = env.events();
        events.iter().any(|it| it["message"].as_str().unwrap().contains("eco was down when"))
    });
    assert_eq!(runs(&env), 0);
}

#[test]
fn an_app_is_replaced_by_its_cron_and_never_at_start() {
    let env = TestEnv::with_apps(
        "  web: { command: sleep 100000, restart: { cron: \"@yearly\" } }\n  \
         often: { command: sleep 100000, restart: { cron: \"*/2 * * * * *\" }, timezone: UTC }\n",
    );
    env.apply();
    let (web, often) = (env.pid("web"), env.pid("often"));
    env.wait_for("another process", || env.pids("often").values().any(|pid| *pid != often));
    assert_eq!(env.pid("web"), web);
    assert_eq!(env.app("often")["instances"][0]["restarts"], 0);
}

#[test]
fn a_service_that_becomes_a_job_ends_first() {
    let env = TestEnv::with_apps("  it: { command: sleep 100000 }\n");
    env.apply();
    let service = env.pid("it");
    env.apps("  it: { command: { shell: 'echo x >> runs' }, kind: job }\n");
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    let kind = diff["changes"].as_array().unwrap().iter().find(|it| it["field"] == "kind");
    assert_eq!(kind.unwrap()["effect"], "recreate");
    env.apply();
    assert!(!alive(service));
    assert_eq!((runs(&env), env.is("it", "done")), (1, true));
}
