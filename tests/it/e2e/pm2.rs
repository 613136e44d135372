//! PM2's files as they are: applied, followed, and written in our format.

use std::{collections::BTreeMap, fs};

use crate::harness::{TestEnv, free_port, http_get, installed, program, repository};

/// A world with Express's `server.js` in it.
fn with_express() -> (TestEnv, u16) {
    program("node");
    let env = TestEnv::new();
    let modules = installed("tests/apps/express/node_modules");
    std::os::unix::fs::symlink(modules, env.path("node_modules")).unwrap();
    let server = repository("tests/apps/express/server.js");
    fs::copy(server, env.path("server.js")).unwrap();
    (env, free_port())
}

fn cluster(port: u16, version: &str) -> String {
    format!(
        "module.exports = {{
  apps: [
    {{
      name: 'site',
      script: './server.js',
      instances: 2,
      exec_mode: 'cluster', // both serve the port
      watch: false,
      autorestart: true,
      max_memory_restart: '500M',
      kill_timeout: 5000,
      out_file: './logs/out.log',
      error_file: './logs/error.log',
      merge_logs: true,
      time: true,
      env: {{ NODE_ENV: 'development', PORT: {port}, VERSION: '{version}' }},
      env_production: {{ NODE_ENV: 'production', VERSION: '{version} for all' }},
    }},
  ],
}};
"
    )
}

#[test]
fn express_in_cluster_mode_is_served_and_changed_without_a_gap() {
    let (env, port) = with_express();
    env.write("ecosystem.config.js", &cluster(port, "one"));
    env.apply().says("reading ecosystem.config.js");
    let before = env.pids("site");
    assert_eq!(before.len(), 2);
    assert_eq!(http_get(port, "/").as_deref(), Some("one"));
    env.apply();
    env.eco(&["diff"]).ok();
    assert_eq!(env.pids("site"), before);

    env.write("ecosystem.config.js", &cluster(port, "two"));
    env.eco(&["diff"]).exits(1).says("env.VERSION");
    let mut apply = env.call(&["apply"]).spawn();
    while !apply.has_ended() {
        let answer = http_get(port, "/").expect("nobody is refused");
        assert!(["one", "two"].contains(&answer.as_str()), "{answer}");
    }
    apply.wait().ok();
    assert_eq!(http_get(port, "/").as_deref(), Some("two"));
    let after = env.pids("site");
    assert!(after.values().all(|pid| !before.values().any(|old| old == pid)));

    env.eco(&["apply", "--env", "production"]).ok();
    assert_eq!(http_get(port, "/").as_deref(), Some("two for all"));
    assert!(env.log("site").contains("listening"));
    env.eco(&["status"]).ok();
}

#[test]
fn a_json_file_with_a_python_worker_is_applied_once() {
    program("python3");
    let env = TestEnv::new();
    env.write(
        "jobs/worker.py",
        "import os, sys, time\n\
         print(sys.argv[1:], os.environ['QUEUE'], os.environ['OF_THE_CALLER'], os.getcwd(), flush=True)\n\
         time.sleep(100000)\n",
    );
    let text = |delay: u32| {
        format!(
            "// PM2 takes comments\n{{ \"apps\": [{{ \"name\": \"mail\", \"script\": \"worker.py\",\n\
             \"cwd\": \"jobs\", \"args\": \"--name 'a b'\", \"exec_mode\": \"fork\", \
             \"env\": {{ \"QUEUE\": \"mail\" }},\n\"restart_delay\": {delay}, }}] }}\n"
        )
    };
    env.write("processes.json", &text(5000));
    let apply = || env.call(&["apply", "processes.json"]).env("OF_THE_CALLER", "yes").run();
    apply().ok();
    let pids = env.pids("mail");
    let dir = env.path("jobs");
    let wanted = format!("['--name', 'a b'] mail yes {}", dir.display());
    env.wait_for("its output", || env.log("mail").contains(&wanted));
    apply().ok();
    assert_eq!(env.pids("mail"), pids);
    // No process is touched by what does not concern it.
    env.write("processes.json", &text(100));
    env.eco(&["diff", "processes.json"]).exits(1).says("restart.backoff");
    apply().ok();
    assert_eq!(env.pids("mail"), pids);
}

const COMPUTED: &str = "const { count } = require('./settings');\n\
    console.log('not part of the answer');\n\
    module.exports = { apps: [{ name: 'web', script: 'sleep', args: '100000', instances: count,\n\
    exec_mode: 'fork', env: { WHO: process.env.WHO } }] };\n";

#[test]
fn a_followed_program_is_run_anew_when_what_it_loads_changes() {
    program("node");
    let env = TestEnv::new();
    let settings = |count: &str| env.write("settings.js", &format!("exports.count = {count};\n"));
    settings("1");
    env.write("ecosystem.config.js", COMPUTED);
    env.call(&["apply", "--watch"]).env("WHO", "me").run().ok();
    let before = env.pids("web");
    settings("2");
    let count = |wanted: usize| {
        env.wait_for("the edit", || env.pids("web").len() == wanted && env.is("web", "ready"));
        let now: BTreeMap<_, _> = env.pids("web");
        assert!(before.iter().all(|(id, pid)| now.get(id) == Some(pid)), "{before:?} {now:?}");
    };
    count(2);

    // What fails leaves all as it is, and says so.
    settings("count of what");
    env.wait_for("the fault", || env.status()["file"]["state"] == "broken");
    let error = env.status()["file"]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("node: SyntaxError"), "{error}");
    count(2);
    settings("3");
    count(3);

    // Also where the fault is in a file that the last good state did not load.
    env.write("more.js", "nonsense of a module");
    env.write("settings.js", "exports.count = require('./more').count;\n");
    env.wait_for("the fault", || env.status()["file"]["state"] == "broken");
    env.write("more.js", "exports.count = 4;\n");
    count(4);
    env.wait_for("a good file", || env.status()["file"]["state"] == "in_sync");
}

#[test]
fn status_sees_an_edit_of_a_file_that_the_program_loads() {
    program("node");
    let env = TestEnv::new();
    env.write("settings.js", "exports.count = 1");
    env.write("ecosystem.config.js", COMPUTED);
    env.apply();
    env.eco(&["status"]).ok();
    env.write("settings.js", "exports.count = 2");
    env.eco(&["status"]).exits(1).says("edited since it was applied");
    env.apply();
    env.eco(&["status"]).ok();
}

#[test]
fn what_import_writes_changes_nothing_that_runs() {
    program("node");
    let env = TestEnv::new();
    env.write("settings.js", "exports.count = 2");
    env.write("ecosystem.config.js", COMPUTED);
    env.call(&["apply"]).env("WHO", "me").run().ok();
    let pids = env.pids("web");
    let import = |more: &[&str]| {
        let args = [&["import", "ecosystem.config.js"], more].concat();
        env.call(&args).env("WHO", "me").run()
    };
    import(&[]).ok().says("WHO: me");
    import(&["-o", "ecosystem.yaml"]).ok().says("1 app");
    import(&["-o", "ecosystem.yaml"]).exits(2).says("`--force` writes over it");
    import(&["-o", "ecosystem.yaml", "--force"]).ok();
    env.eco(&["validate"]).ok().says("ecosystem.yaml: fine");
    env.eco(&["diff"]).ok();
    env.apply();
    assert_eq!(env.pids("web"), pids);
    env.eco(&["import", "ecosystem.yaml"]).exits(2).says("is an eco file already");
    env.eco(&["import", "--fields"]).ok().says("max_memory_restart maxMemoryRestart");
    env.eco(&["import"]).exits(2);
}

#[test]
fn wrong_keys_are_faults_unless_asked_to_let_them_pass() {
    let env = TestEnv::new();
    let text =
        "module.exports = [{ name: 'web', script: 'sleep', args: ['100000'], instnces: 2 }]\n";
    env.write("ecosystem.config.js", text);
    let place = "ecosystem.config.js:1:69";
    env.eco(&["apply"]).exits(2).says(place).says("did you mean `instances`?");
    env.eco(&["validate", "--static"]).exits(2).says(place);
    env.eco(&["apply", "--lenient", "--watch"]).ok().says("no key `instnces`");
    assert_eq!(env.pids("web").len(), 1);
    // Whoever follows it is as lenient.
    env.write("ecosystem.config.js", &text.replace("instnces: 2", "instnces: 2, instances: 2"));
    env.wait_for("the edit", || env.pids("web").len() == 2);
    env.wait_for("its time", || env.eco(&["status"]).code == Some(0));
}

#[test]
fn the_port_grows_from_instance_to_instance() {
    let env = TestEnv::new();
    env.script("show.sh", "#!/bin/sh\necho \"$PORT $NUMBER\"\nexec sleep 100000\n");
    env.write(
        "ecosystem.config.json",
        "{ name: 'web', script: './show.sh', instances: 2, exec_mode: 'fork',\n\
         increment_var: 'PORT', instance_var: 'NUMBER', env: { PORT: 3000 } }\n",
    );
    env.apply();
    env.wait_for("both", || {
        let log = env.log("web");
        log.contains("3000 0") && log.contains("3001 1")
    });
    env.eco(&["run-job", "web"]).exits(2);
}

#[test]
fn a_cluster_that_listens_nowhere_is_told_so() {
    let env = TestEnv::new();
    env.write("bot.js", "setInterval(() => {}, 1000);\n");
    env.write(
        "ecosystem.config.js",
        "module.exports = { name: 'bot', script: 'bot.js', exec_mode: 'cluster', listen_timeout: 1000 }\n",
    );
    env.eco(&["apply"]).exits(1).says("it does not listen on any port");
    env.wait_for("the end of a run", || {
        let described = env.eco(&["describe", "bot"]).stdout;
        described.contains("SIGINT, it did not become ready in time")
    });
    env.wait_for("why", || {
        let status = env.eco(&["status"]).stdout;
        let words = status.split_whitespace().collect::<Vec<_>>().join(" ");
        words.contains("and ended with SIGINT; it does not listen on any port")
    });
}

#[test]
fn command_lines_of_pm2_are_answered_with_what_to_type() {
    let env = TestEnv::new();
    env.write("app.js", "setInterval(() => {}, 1000)\n");
    env.write("ecosystem.config.js", "module.exports = [{ name: 'a.b', script: 'app.js' }]\n");
    let asked = |line: &str| env.eco(&line.split(' ').collect::<Vec<_>>()).exits(2);
    // Before anything runs, and after: an app whose name looks like a file is an app.
    for _ in 0..2 {
        asked("start app.js -i max --name web -- --port 80")
            .says("    command: node app.js --port 80")
            .says("    instances: max");
        asked("start app.js").says("  app:");
        asked("start ecosystem.config.js --env production").says("`eco apply ecosystem.config.js`");
        asked("restart ecosystem.config.js").says("`eco restart all` all the same");
        asked("stop ecosystem.config.js").says("`eco down`");
        asked("restart all --update-env").says("--refresh-env");
        asked("logs --nostream").says("`-f` goes on");
        asked("delete all").says("take the app out of the file");
        env.eco(&["apply"]).ok();
    }
    env.eco(&["restart", "a.b"]).ok();
    asked("restart nobody").says("nobody");
    env.eco(&["-v"]).ok().says("eco ");
    env.eco(&["-V"]).ok().says("eco ");
}
