//! `eco import` of what other supervisors run, by the real binary: what runs then is what was said.

use std::fs;

use crate::harness::{TestEnv, free_port, http_get};

/// A program that says where it is, what it was given, and waits.
const SAYS: &str = "#!/bin/sh\necho \"$1 in $PWD with $WHAT and $WORD\"\nexec sleep 100000\n";

fn placed(env: &TestEnv, name: &str) {
    env.write(name, SAYS);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(env.path(name), mode).unwrap();
}

/// Waits until an app has written all of this.
fn logged(env: &TestEnv, app: &str, words: &[&str]) {
    env.wait_for("what it writes", || {
        let logs = env.eco(&["logs", app, "-n", "9"]).ok().stdout;
        words.iter().all(|word| logs.contains(word))
    });
}

#[test]
fn programs_of_supervisor_run_as_they_did() {
    let env = TestEnv::new();
    placed(&env, "apps/says.sh");
    env.write(
        "etc/supervisord.conf",
        "[include]\nfiles=conf.d/*.conf\n[supervisord]\nenvironment=WORD=common,WHAT=nothing\n",
    );
    env.write(
        "etc/conf.d/a.conf",
        "[program:says]\ncommand=./says.sh n%(process_num)02d ; a comment\nnumprocs=2\nnumprocs_start=5\n\
         directory=%(here)s/../apps\nenvironment=WHAT=\"a, b\"\nautorestart=false\nstartsecs=0\n\
         [program:off]\ncommand=sleep 1\nautostart=false\n",
    );
    env.eco(&["apply", "etc/supervisord.conf"]).exits(2).says("`eco import supervisord.conf -o");
    env.eco(&["import", "etc/supervisord.conf", "-o", "ecosystem.yaml"])
        .ok()
        .says("wrote ecosystem.yaml: 2 apps");
    env.eco(&["apply"]).ok();
    logged(&env, "says", &["n05 in ", "n06 in ", "apps with a, b and common"]);
    let status = env.eco(&["status", "--json"]).ok();
    assert!(status.stdout.contains("\"off\""), "{}", status.stdout);
    env.eco(&["diff"]).ok();
}

#[test]
fn units_of_systemd_run_as_they_did() {
    let env = TestEnv::new();
    placed(&env, "apps/says.sh");
    let dir = env.path("apps").display().to_string();
    env.write(
        "says.service",
        &format!(
            "[Unit]\nAfter=first.service\n[Service]\nWorkingDirectory={dir}\n\
             Environment=\"WHAT=a b\" WORD=%n\nExecStartPre=-/bin/false\n\
             ExecStart={dir}/says.sh \"${{WHAT}}\"\nRestart=on-failure\nTimeoutStopSec=5s\n"
        ),
    );
    env.write("first.service", "[Service]\nType=oneshot\nExecStart=/bin/echo %p was first\n");
    env.eco(&["apply", "says.service"]).exits(2).says("a unit of systemd, not an eco file");
    env.eco(&["import", "says.service", "first.service", "-o", "ecosystem.yaml"])
        .ok()
        .says("2 apps");
    env.eco(&["apply"]).ok();
    logged(&env, "says", &["a b in ", "with a b and says.service"]);
    logged(&env, "first", &["first was first"]);
    env.eco(&["describe", "says"]).ok().says("stop.timeout             5s");
    env.eco(&["diff"]).ok();
}

#[test]
fn what_pm2_runs_is_taken_over_as_a_file() {
    let env = TestEnv::new();
    let port = free_port();
    let dir = env.dir().display().to_string();
    env.write("site/index.html", "here\n");
    let app = |id: u32| {
        format!(
            r#"{{"pid": {id}, "name": "site", "pm2_env": {{"name": "site", "pm_exec_path": "/usr/bin/python3",
            "pm_cwd": "{dir}/site", "exec_interpreter": "none", "exec_mode": "fork_mode", "instances": 1,
            "args": ["-m", "http.server", "--bind", "127.0.0.1", "{port}"], "status": "online",
            "pm_out_log_path": "/root/.pm2/logs/site-out.log", "pm_id": {id}, "restart_time": 3,
            "env": {{"PATH": "/bin", "SSH_TTY": "/dev/pts/0", "PM2_USAGE": "CLI", "STAGE": "live", "site": "{{}}"}}
            }} }}"#
        )
    };
    let list = format!("[{}]", app(0));
    let call = env.call(&["import", "-", "-o", "ecosystem.yaml"]).stdin(&list);
    call.run().ok().says("pm2 delete NAME").says("eco apply --only NAME");
    let text = fs::read_to_string(env.path("ecosystem.yaml")).unwrap();
    assert!(text.contains("STAGE: live") && !text.contains("SSH_TTY:"), "{text}");
    assert!(text.contains("left out of its environment: PATH, SSH_TTY"), "{text}");
    env.eco(&["apply"]).ok();
    assert!(http_get(port, "/").unwrap().contains("here"));
    // It is no file to apply.
    env.write("dump.pm2", &list);
    env.eco(&["apply", "dump.pm2"]).exits(2).says("eco import dump.pm2 -o ecosystem.yaml");
    // Several of a name are one app.
    let two = format!("[{}, {}]", app(0), app(1));
    let printed = env.call(&["import", "-"]).stdin(&two).run().ok();
    assert!(printed.stdout.contains("instances: 2"), "{}", printed.stdout);
}

#[test]
fn the_keys_of_every_format_are_printed() {
    let env = TestEnv::new();
    let all = |format: &str| env.eco(&["import", "--fields", "--from", format]).ok().stdout;
    assert!(all("supervisor").contains("[program] autorestart"));
    assert!(all("systemd").contains("[Service] PrivateTmp"));
    assert!(all("pm2-list").contains("max_memory_restart"));
    env.eco(&["import", "--fields", "--from", "upstart"]).exits(2).says("pm2-list");
}
