//! `eco apply`: the file is the truth, and what it does not change is not touched.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{TWO_SLEEPERS, say};
use crate::harness::{Signal, TestEnv, alive, file_of, pids_of};

#[test]
fn first_apply_starts_everything_and_the_second_touches_nothing() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    let output = env.apply();
    assert!(output.stdout.contains("web") || output.stderr.contains("web"), "{output}");
    let before = (env.pids("web"), env.pids("worker"));
    assert_eq!((before.0.len(), before.1.len()), (2, 1));
    assert!(before.0.contains_key("web/0") && before.0.contains_key("web/1"));

    env.apply();
    env.apply();
    assert_eq!((env.pids("web"), env.pids("worker")), before);
    env.eco(&["status"]).ok().says("web");
    env.eco(&["diff"]).ok();
}

#[test]
fn a_ready_app_is_ready_when_apply_returns() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let app = env.app("web");
    assert_eq!(app["state"], "ready");
    assert_eq!((&app["desired"], &app["ready"]), (&2.into(), &2.into()));
    assert_eq!(app["hold"], Value::Null);
    for instance in app["instances"].as_array().unwrap() {
        assert_eq!(instance["phase"], "ready");
        assert_eq!(instance["restarts"], 0);
        assert!(alive(u32::try_from(instance["pid"].as_u64().unwrap()).unwrap()));
    }
}

#[test]
fn live_fields_touch_no_process() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let before = (env.pids("web"), env.pids("worker"));
    for live in [
        "restart: never",
        "restart: { policy: on-failure, backoff: { initial: 3s }, limit: none }",
        "stop: { signal: SIGINT, timeout: 3s }",
        "tags: [edge]",
    ] {
        env.apps(&format!(
            "  web: {{ command: sleep 100000, instances: 2, {live} }}\n  worker: {{ command: sleep 100000 }}\n"
        ));
        let diff = env.eco(&["diff", "--json"]).exits(1).json();
        for change in diff["changes"].as_array().unwrap() {
            assert_eq!(change["effect"], "live", "{live}: {diff}");
        }
        assert_eq!(diff["interruption"].as_array().unwrap().len(), 0, "{live}: {diff}");
        env.apply();
        assert_eq!((env.pids("web"), env.pids("worker")), before, "{live}");
        env.eco(&["diff"]).ok();
    }
}

#[test]
fn moving_the_logs_touches_no_process() {
    let env = TestEnv::new();
    env.script("tick.sh", "#!/bin/sh\nwhile :; do echo tick; sleep 0.05; done\n");
    env.apps("  web: { command: ./tick.sh }\n");
    env.apply();
    let pid = env.pid("web");
    env.apps("  web: { command: ./tick.sh, logs: { dir: elsewhere } }\n");
    env.apply();
    assert_eq!(env.pid("web"), pid);
    env.wait_for("lines in the new directory", || {
        let Ok(files) = std::fs::read_dir(env.path("elsewhere")) else { return false };
        files
            .filter_map(Result::ok)
            .any(|file| std::fs::read_to_string(file.path()).unwrap_or_default().contains("tick"))
    });
}

#[test]
fn instances_touch_only_what_is_added_or_removed() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let (before, worker) = (env.pids("web"), env.pids("worker"));

    env.apps(&TWO_SLEEPERS.replace("instances: 2", "instances: 4"));
    env.apply();
    let more = env.pids("web");
    assert_eq!(more.keys().collect::<Vec<_>>(), ["web/0", "web/1", "web/2", "web/3"]);
    assert!(before.iter().all(|(id, pid)| more.get(id) == Some(pid)));

    env.apps(&TWO_SLEEPERS.replace("instances: 2", "instances: 1"));
    env.apply();
    let fewer = env.pids("web");
    assert_eq!(fewer.keys().collect::<Vec<_>>(), ["web/0"]);
    assert_eq!(fewer["web/0"], before["web/0"]);
    assert!(!alive(more["web/3"]) && !alive(more["web/1"]));
    assert_eq!(env.pids("worker"), worker);
}

#[test]
fn zero_instances_are_off_and_as_desired() {
    let env = TestEnv::with_apps(&TWO_SLEEPERS.replace("instances: 2", "instances: 0"));
    env.apply();
    assert_eq!(env.app("web")["state"], "off");
    env.eco(&["status"]).ok();
}

#[test]
fn an_env_edit_replaces_that_app_only() {
    let env = TestEnv::new();
    say(&env);
    let text = |value| {
        format!(
            "  web:\n    command: {{ shell: 'exec ./say.sh \"A is $A\"' }}\n    env: {{ A: {value} }}\n  worker: {{ command: sleep 100000 }}\n"
        )
    };
    env.apps(&text("one"));
    env.apply();
    let (web, worker) = (env.pid("web"), env.pid("worker"));
    env.wait_for("the first value", || env.log("web").contains("A is one"));

    env.apps(&text("two"));
    env.apply();
    assert_ne!(env.pid("web"), web);
    assert!(!alive(web));
    assert_eq!(env.pid("worker"), worker);
    env.wait_for("the second value", || env.log("web").contains("A is two"));
}

#[test]
fn an_app_taken_out_of_the_file_is_stopped_and_no_other() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let (web, worker) = (env.pids("web"), env.pid("worker"));
    env.apps("  web: { command: sleep 100000, instances: 2 }\n");
    env.apply();
    assert!(!alive(worker));
    assert_eq!(env.app("worker"), Value::Null);
    assert_eq!(env.pids("web"), web);
}

#[test]
fn no_prune_keeps_what_the_file_has_no_more() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let worker = env.pid("worker");
    env.apps("  web: { command: sleep 100000, instances: 1 }\n");
    env.eco(&["apply", "--no-prune"]).ok();
    assert_eq!(env.pid("worker"), worker);
    assert_eq!(env.pids("web").len(), 1);
}

#[test]
fn only_touches_the_named_apps_and_the_rest_shows_in_diff() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let (web, worker) = (env.pids("web"), env.pid("worker"));
    env.apps(
        "  web: { command: sleep 200000, instances: 2 }\n  worker: { command: sleep 200000 }\n",
    );
    env.eco(&["apply", "--only", "worker"]).ok();
    assert_eq!(env.pids("web"), web);
    assert_ne!(env.pid("worker"), worker);
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    let apps: BTreeSet<&str> =
        diff["changes"].as_array().unwrap().iter().map(|c| c["app"].as_str().unwrap()).collect();
    assert_eq!(apps, BTreeSet::from(["web"]), "{diff}");
    assert_eq!(env.status()["file"]["state"], "ahead", "a part of it is applied");
    env.eco(&["apply", "--only", "nobody"]).exits(2).says("nobody");
}

#[test]
fn status_sees_an_edit_of_an_env_file() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000, env_file: .env.web }\n");
    env.write(".env.web", "A=1\n");
    env.apply();
    assert_eq!(env.status()["file"]["state"], "in_sync");
    let edit = |text: &str, state: &str| {
        env.write(".env.web", text);
        assert_eq!(env.status()["file"]["state"], state);
    };
    edit("A=2\n", "ahead");
    edit("A=1\n", "in_sync");
    std::fs::remove_file(env.path(".env.web")).unwrap();
    assert_eq!(env.status()["file"]["state"], "broken");
    env.eco(&["status"]).exits(1).says(".env.web");
    edit("A=2\n", "ahead");
    env.apply();
    assert_eq!(env.status()["file"]["state"], "in_sync");
}

#[test]
fn another_project_is_not_touched() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let web = env.pids("web");
    env.write("../other/ecosystem.yaml", &file_of("other", "  web: { command: sleep 100000 }\n"));
    let other = env.path("../other").canonicalize().unwrap();
    env.call(&["apply"]).dir(&other).run().ok();
    assert_eq!(env.pids("web"), web);

    let all = env.eco(&["status", "-A", "--json"]).ok().json();
    let names: Vec<&Value> =
        all["projects"].as_array().unwrap().iter().map(|project| &project["project"]).collect();
    assert_eq!(names, ["other", "shop"]);

    env.call(&["down"]).dir(&other).run().ok();
    assert_eq!(env.pids("web"), web);
}

#[test]
fn a_name_that_is_taken_by_another_directory_is_refused() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let web = env.pids("web");
    env.write("../copy/ecosystem.yaml", &file_of("shop", TWO_SLEEPERS));
    let copy = env.path("../copy").canonicalize().unwrap();
    env.call(&["apply"]).dir(&copy).run().exits(2).says("--move");
    assert_eq!(env.pids("web"), web);
    env.call(&["apply", "--move"]).dir(&copy).run().ok();
    let status = env.call(&["status", "--json"]).dir(&copy).run().json();
    assert_eq!(status["project"], "shop");
}

#[test]
fn two_at_once_make_no_duplicates() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    let calls: Vec<_> = (0..4).map(|_| env.call(&["apply"]).spawn()).collect();
    for call in calls {
        call.wait().ok();
    }
    assert_eq!((env.pids("web").len(), env.pids("worker").len()), (2, 1));
    let sleepers = env
        .processes()
        .iter()
        .filter(|process| process.to_string().contains("sleep 100000"))
        .count();
    assert_eq!(sleepers, 3);
}

#[test]
fn of_two_files_at_once_the_later_wins() {
    let env = TestEnv::new();
    let file = |count| {
        let apps = format!("  web: {{ command: sleep 100000, instances: {count} }}\n");
        env.write(&format!("{count}.yaml"), &file_of("shop", &apps))
    };
    let (three, one) = (file(3), file(1));
    env.eco(&["apply", three.to_str().unwrap(), "--no-wait"]).ok();
    env.eco(&["apply", one.to_str().unwrap()]).ok();
    assert_eq!(env.pids("web").keys().collect::<Vec<_>>(), ["web/0"]);
}

#[test]
fn dry_run_shows_the_plan_and_does_nothing() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.eco(&["apply", "--dry-run"]).says("web");
    env.eco(&["daemon", "status"]).exits(3);
    env.apply();
    let web = env.pids("web");
    env.apps(&TWO_SLEEPERS.replace("instances: 2", "instances: 3"));
    env.eco(&["apply", "--dry-run"]).says("web");
    assert_eq!(env.pids("web"), web);
}

#[test]
fn no_wait_returns_before_everything_runs() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000, rollout: { min_ready: 1h } }\n");
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_for("a process", || env.pids("web").len() == 1);
    assert_eq!(env.app("web")["state"], "converging");
}

#[test]
fn not_converged_in_time_is_exit_1_with_the_reason() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000, rollout: { min_ready: 1h } }\n");
    env.eco(&["apply", "--timeout", "1s"]).exits(1).says("stay up");
    assert_eq!(env.pids("web").len(), 1, "it goes on all the same");
}

#[test]
fn json_ends_with_a_result() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    let lines = env.eco(&["apply", "--json"]).ok().ndjson();
    let last = lines.last().unwrap();
    assert_eq!(last["type"], "result", "{last}");
    assert_eq!(last["schema"], 1, "{last}");
}

#[test]
fn interrupting_apply_leaves_convergence_going() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000, rollout: { min_ready: 1h } }\n");
    let call = env.call(&["apply"]).spawn();
    env.wait_for("the process", || {
        let output = env.eco(&["status", "--json"]);
        output.code.is_some_and(|code| code < 2) && pids_of(&output.json()["apps"][0]).len() == 1
    });
    call.signal(Signal::INT);
    let output = call.wait();
    assert_ne!(output.code, Some(0), "{output}");
    let said = format!("{}{}", output.stdout, output.stderr).to_lowercase();
    assert!(said.contains("goes on") || said.contains("continues"), "{output}");
    assert_eq!(env.pids("web").len(), 1);
}

#[test]
fn the_profile_is_remembered_until_it_is_dropped() {
    let env = TestEnv::new();
    let text = format!(
        "{}profiles:\n  production: {{ apps: {{ web: {{ instances: 3 }} }} }}\n",
        file_of("shop", "  web: { command: sleep 100000 }\n")
    );
    env.write("ecosystem.yaml", &text);
    env.eco(&["apply", "--profile", "production"]).ok();
    assert_eq!(env.pids("web").len(), 3);
    env.eco(&["diff"]).ok().says("production");
    env.eco(&["apply"]).ok().says("production");
    assert_eq!(env.pids("web").len(), 3);
    env.eco(&["apply", "--profile", "nowhere"]).exits(2).says("nowhere");
    env.eco(&["apply", "--no-profile"]).ok();
    assert_eq!(env.pids("web").len(), 1);
}

#[test]
fn a_wrong_file_is_exit_2_and_changes_nothing() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let web = env.pids("web");
    for text in ["", "apps: {}\n", "apps: {web: {comand: x}}\n", "apps: [", "\u{0}"] {
        env.write("ecosystem.yaml", text);
        env.eco(&["apply"]).exits(2);
    }
    std::fs::remove_file(env.path("ecosystem.yaml")).unwrap();
    env.eco(&["apply"]).exits(2);
    assert_eq!(env.pids("web"), web);
}
