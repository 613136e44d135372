//! Every edit of a file is seen and brought about, or refused with its reason; none is dropped.

use serde_json::Value;

use super::{Behaviour, PM2, Shown::By, variables};
use crate::harness::{TestEnv, free_port, program};

pub(super) const ROWS: &[Behaviour] = &[
    Behaviour {
        number: 55,
        given: "what runs by a file",
        when: "any key of the file is edited",
        then: "`diff` lists it, `apply` brings it about, and then `diff` has nothing more to say",
        shown: By(&[
            "behaviours::drift::every_edit_is_listed_and_brought_about",
            "behaviours::drift::a_program_is_moved_into_a_cluster_and_back",
            "behaviours::drift::what_is_wrong_is_refused_and_nothing_is_touched",
        ]),
    },
    Behaviour {
        number: 36,
        given: "a `cron_restart` that is none",
        when: "the file is applied",
        then: "it is refused, with the reason and the place",
        shown: By(&[
            "behaviours::drift::what_is_wrong_is_refused_and_nothing_is_touched",
            "import::bad_files_are_underlined",
        ]),
    },
];

/// Keys of an app, one edit after the other, with what `diff` calls each.
const EDITS: &[(&str, &[&str])] = &[
    ("instances: 3", &["instances"]),
    ("script: './other.sh'", &["command"]),
    ("args: 'x'", &["command"]),
    ("cwd: 'elsewhere', script: '../app.sh'", &["cwd", "command"]),
    ("out_file: 'new/out.log'", &["logs.dir"]),
    ("env: { A: 1, B: 3 }", &["env.B"]),
    ("env: { A: 1 }", &["env.B"]),
    ("kill_timeout: 3000", &["stop.timeout"]),
    ("max_memory_restart: '1G'", &["restart.max_memory"]),
    ("cron_restart: '0 5 * * *'", &["restart.cron"]),
    ("log_date_format: ''", &["logs.timestamps"]),
    ("autorestart: false", &["restart.policy"]),
    ("watch: ['elsewhere']", &["watch"]),
    ("namespace: 'edge'", &["tags"]),
    ("treekill: false", &["stop.kill"]),
    ("restart_delay: 7000", &["restart.backoff"]),
    ("max_restarts: 5", &["restart.limit"]),
    ("stop_exit_codes: [3]", &["restart.stop_exit_codes"]),
];

const KEYS: &str = "script: './app.sh', env: { A: 1, B: 2 }, kill_timeout: 2000, \
    max_memory_restart: '2G', cron_restart: '0 4 * * *', log_date_format: 'YYYY', \
    out_file: 'logs/out.log', ";

fn world() -> TestEnv {
    let env = TestEnv::new();
    for name in ["app.sh", "other.sh"] {
        env.script(name, "#!/bin/sh\necho up\nexec sleep 100000\n");
    }
    env.write("elsewhere/page.txt", "");
    env
}

fn changed(diff: &Value) -> Vec<&str> {
    let changes = diff["changes"].as_array().unwrap();
    changes.iter().filter_map(|it| it["field"].as_str()).collect()
}

#[test]
fn every_edit_is_listed_and_brought_about() {
    let env = world();
    // Each app has another key edited, all in one go.
    let app = |number: usize, more: &str| format!("{{ name: 'a{number}', {KEYS}{more} }},\n");
    let file = |edited: bool| {
        let apps = EDITS.iter().enumerate();
        let apps = apps.map(|(number, (edit, _))| app(number, if edited { edit } else { "" }));
        format!(
            "[\n{}{}]\n",
            apps.collect::<String>(),
            if edited { "" } else { "{ name: 'gone', script: 'sleep', args: '1000' }" }
        )
    };
    env.write(PM2, &file(false));
    env.apply();
    env.eco(&["diff"]).ok();
    let gone = env.pid("gone");

    env.write(PM2, &file(true));
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    for (number, (edit, fields)) in EDITS.iter().enumerate() {
        let of_app: Vec<Value> = diff["changes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["app"] == format!("a{number}"))
            .cloned()
            .collect();
        let of_app = serde_json::json!({ "changes": of_app });
        for field in *fields {
            let found = changed(&of_app).iter().any(|it| it.starts_with(field));
            assert!(found, "{edit}: no {field} in {of_app}");
        }
    }
    env.apply();
    env.eco(&["diff"]).ok();
    assert!(!crate::harness::alive(gone), "what is no longer in the file ends");
    assert_eq!(env.pids("a0").len(), 3);
    let (cwd, removed) = (env.pid("a3"), env.pid("a6"));
    let place = std::fs::read_link(format!("/proc/{cwd}/cwd")).unwrap();
    assert_eq!(place, env.path("elsewhere"));
    assert!(!variables(removed).contains_key("B"));
    env.eco(&["restart", "a4"]).ok();
    env.wait_for("its line in the new place", || env.read("new/a4-0.out.log") == "up\n");
    // A watcher that was added watches.
    let watched = env.pid("a12");
    env.write("elsewhere/page.txt", "edited");
    env.wait_for("the edit", || env.pids("a12").get("a12/0").is_some_and(|pid| *pid != watched));
}

#[test]
fn a_program_is_moved_into_a_cluster_and_back() {
    program("node");
    let port = free_port();
    let env = TestEnv::new();
    env.write(
        "web.js",
        "require('http').createServer((_, to) => to.end()).listen(process.env.PORT)",
    );
    let file = |mode: &str, instances: u32| {
        env.write(
            PM2,
            &format!(
                "{{ name: 'web', script: 'web.js', exec_mode: '{mode}', instances: {instances}, \
                 env: {{ PORT: {port} }} }}"
            ),
        );
    };
    file("fork", 1);
    env.apply();
    file("cluster", 2);
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    assert!(changed(&diff).iter().any(|it| it.starts_with("listen")), "{diff}");
    env.apply();
    assert_eq!(env.pids("web").len(), 2, "both share the port");
    env.eco(&["diff"]).ok();
    file("fork", 1);
    env.apply();
    assert_eq!(env.pids("web").len(), 1);
    env.eco(&["diff"]).ok();
}

#[test]
fn what_is_wrong_is_refused_and_nothing_is_touched() {
    let env = world();
    let app = |more: &str| format!("{{ name: 'web', script: './app.sh', {more} }}");
    env.write(PM2, &app(""));
    env.apply();
    let pid = env.pid("web");
    for (edit, words) in [
        ("max_memory_restrat: '300M'", "did you mean `max_memory_restart`?"),
        ("instanses: 2", "did you mean `instances`?"),
        ("instances: 'two'", "a number of instances"),
        ("cron_restart: 'bad'", "cron"),
        ("kill_timeout: '5s'", "write `5000`"),
        ("exec_mode: 'clutser'", "expected `cluster` or `fork`"),
        ("max_memory_restart: '300 bananas'", "as in `300M`"),
        ("autorestart: 'yes'", "`true` or `false`"),
    ] {
        env.write(PM2, &app(edit));
        env.eco(&["apply"]).exits(2).says(words).says(&format!("{PM2}:1:"));
        env.eco(&["diff"]).exits(2).says(words);
        assert_eq!(env.pid("web"), pid, "{edit}");
    }
    // What was applied last is still what is there to work with.
    env.eco(&["restart", "web"]).ok();
    assert_ne!(env.pid("web"), pid);
    // One of JSON is data: nothing in it is run.
    env.write(PM2, "{ name: 'web', script: require('fs').mkdirSync('made') || './app.sh' }");
    env.eco(&["apply"]).exits(2).says("this is no JSON");
    assert!(!env.path("made").exists());
}
