//! What good files become.

use std::{collections::BTreeMap, time::Duration};

use eco::{
    config::{Loaded, Source, load},
    model::{
        AppSpec, Command, EnvValue, InstanceVars, KillScope, LimitThen, OnFailure, Pass,
        ProbeAddress, ReadyPolicy, ReadyProbe, RestartWhen, Share, Template,
    },
};

use super::{KEY, here, read_file, read_text, read_with};

fn everything() -> Loaded {
    read_file(&here("good/everything.yaml")).unwrap_or_else(|f| panic!("{}", f.render(100, false)))
}

fn app<'a>(loaded: &'a Loaded, name: &str) -> &'a AppSpec {
    &loaded.apps[&name.parse().unwrap()]
}

fn filled(loaded: &Loaded, name: &str, text: &Template) -> String {
    let key = eco::model::AppKey { project: loaded.name.clone(), app: name.parse().unwrap() };
    text.fill(&InstanceVars { id: &key.instance(2), port: None })
}

fn env_of(loaded: &Loaded, name: &str) -> BTreeMap<String, String> {
    let set = app(loaded, name).env.iter().filter_map(|(key, value)| match value {
        EnvValue::Set(text) => Some((key.clone(), filled(loaded, name, text))),
        EnvValue::Unset | EnvValue::File { .. } => None,
    });
    set.collect()
}

fn argv(loaded: &Loaded, name: &str) -> Vec<String> {
    match &app(loaded, name).command {
        Command::Argv(words) => words.iter().map(|word| filled(loaded, name, word)).collect(),
        Command::Shell(text) => vec!["/bin/sh".into(), "-c".into(), filled(loaded, name, text)],
    }
}

#[test]
fn commands_are_split_and_filled() {
    let loaded = everything();
    assert_eq!(argv(&loaded, "web"), ["node", "server.js", "--title", "my shop", "none"]);
    assert_eq!(argv(&loaded, "worker"), ["python3", "-m", "worker", "--count", "5"]);
    assert_eq!(argv(&loaded, "script")[2], "echo $HOME | cat 2");
}

#[test]
fn a_value_stays_one_word() {
    let env = BTreeMap::from([("FLAGS".to_owned(), "a 'b $c ${HOME}".to_owned())]);
    let loaded =
        read_with("apps: { a: { command: 'x ${FLAGS} \"${FLAGS}\"' } }", &env, None).unwrap();
    assert_eq!(argv(&loaded, "a"), ["x", "a 'b $c ${HOME}", "a 'b $c ${HOME}"]);
}

#[test]
fn env_is_layered_and_kept_as_written() {
    let loaded = everything();
    let env = env_of(&loaded, "web");
    let expected = [
        ("A", "base"),
        ("B", "more"),
        ("DEBUG", "1"),
        ("EMPTY", ""),
        ("FLAG", "yes"),
        ("FROM_FILE", "hello there"),
        ("LOG_LEVEL", "warn"),
        ("NODE_ENV", "staging"),
        ("PORT", "3000"),
        ("PRICE", "$5 or $6"),
        ("URL", "http://localhost:3000/web/2"),
        ("VERSION", "1.10"),
        ("ZIP", "01234"),
    ];
    assert_eq!(env, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    let EnvValue::File { path, digest } = &app(&loaded, "web").env["TOKEN"] else { panic!() };
    assert!(path.ends_with("good/token.txt"));
    assert_eq!(digest.len(), 64);
}

#[test]
fn inherited_values_follow_the_patterns() {
    let loaded = everything();
    let web = app(&loaded, "web");
    assert_eq!(web.inherited.keys().collect::<Vec<_>>(), ["LC_ALL", "PATH"]);
    assert_eq!(web.inherit_env, ["PATH", "LC_*"]);
    let worker = app(&loaded, "worker");
    assert_eq!(worker.inherited.keys().collect::<Vec<_>>(), ["HOME", "LC_ALL", "PATH"]);
    assert_eq!(worker.inherited_epoch, 0);
}

#[test]
fn policies_have_their_values() {
    let loaded = everything();
    let web = app(&loaded, "web");
    assert_eq!(web.instances, 4);
    assert_eq!(web.restart.policy, RestartWhen::Always);
    assert_eq!(web.restart.limit, None);
    assert_eq!(web.restart.stop_exit_codes, [0, 143]);
    let backoff = web.restart.backoff.as_ref().unwrap();
    assert_eq!((backoff.initial, backoff.max), (Duration::ZERO, Duration::from_secs(90)));
    assert_eq!((web.stop.signal.number(), web.stop.kill), (2, KillScope::Main));
    assert_eq!(web.stop.timeout, Duration::from_secs(20));
    assert_eq!(web.rollout.min_ready, Duration::from_millis(500));
    assert_eq!(
        (web.rollout.max_surge, web.rollout.max_unavailable, web.rollout.on_failure),
        (Share::Count(1), Share::Percent(25), OnFailure::Pause)
    );
    assert_eq!((web.rollout.deadline.as_secs(), web.stop.drain.as_secs()), (120, 5));
    assert!(web.logs.dir.as_ref().unwrap().ends_with("good/logs"));
    let worker = app(&loaded, "worker");
    assert_eq!((worker.instances, &worker.restart.backoff, &worker.watch), (3, &None, &None));
    assert_eq!(worker.restart.limit.as_ref().unwrap().then, LimitThen::Stop);
    assert_eq!(app(&loaded, "script").restart.policy, RestartWhen::Never);
    assert!(!loaded.apps.contains_key(&"old".parse().unwrap()));
}

#[test]
fn what_is_not_written_has_its_default() {
    let plain = read_text("apps: { a: { command: x } }").unwrap();
    let plain = app(&plain, "a");
    let backoff = plain.restart.backoff.as_ref().unwrap();
    assert_eq!(plain.restart.policy, RestartWhen::Always);
    assert_eq!(backoff.initial, Duration::from_millis(100));
    assert_eq!((backoff.factor, backoff.jitter), (2.0, 0.1));
    assert_eq!(
        (backoff.max, backoff.reset_after),
        (Duration::from_secs(30), Duration::from_secs(10))
    );
    let limit = plain.restart.limit.as_ref().unwrap();
    assert_eq!(
        (limit.failures, limit.within, limit.then),
        (10, Duration::from_secs(60), LimitThen::Slow)
    );
    assert_eq!((plain.stop.signal.number(), plain.stop.timeout), (15, Duration::from_secs(10)));
    assert_eq!(
        (plain.stop.kill, plain.rollout.min_ready),
        (KillScope::Group, Duration::from_secs(1))
    );
    assert_eq!((plain.instances, &plain.logs.dir), (1, &None));
    assert_eq!((&plain.listen, &plain.ready), (&None, &ReadyPolicy::default()));
    assert_eq!(
        (plain.rollout.max_surge, plain.rollout.max_unavailable),
        (Share::Count(0), Share::Count(1))
    );
    assert_eq!((plain.rollout.deadline.as_secs(), plain.stop.drain.as_secs()), (60, 15));
    assert_eq!(plain.rollout.on_failure, OnFailure::Rollback);
}

#[test]
fn artifacts_are_found_with_their_digests() {
    let loaded = everything();
    let artifacts = &app(&loaded, "web").artifacts;
    assert_eq!(artifacts.patterns, ["sub/**/*.js", "base.env"]);
    let files: Vec<&String> = artifacts.files.keys().collect();
    assert_eq!(files, ["base.env", "sub/a.js", "sub/deep/b.js"]);
    assert_eq!(
        artifacts.files["sub/a.js"],
        "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
    );
}

#[test]
fn dependencies_are_passed_over_unless_named() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["a.js", "node_modules/m/b.js", ".git/c.js", "dist/.hidden/d.js"] {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file).unwrap();
    }
    std::fs::write(dir.path().join(".gitignore"), "dist\n").unwrap();
    let read = |pattern: &str| {
        let file = dir.path().join("ecosystem.yaml");
        let text = format!("apps: {{ a: {{ command: x, artifacts: {pattern:?} }} }}");
        std::fs::write(&file, text).unwrap();
        let loaded = read_file(&file).unwrap();
        let files: Vec<String> = app(&loaded, "a").artifacts.files.keys().cloned().collect();
        (files.join(" "), loaded.warnings.len())
    };
    assert_eq!(read("**/*.js"), ("a.js dist/.hidden/d.js".to_owned(), 0));
    assert_eq!(read("node_modules/**"), ("node_modules/m/b.js".to_owned(), 0));
    assert_eq!(read("*.css"), (String::new(), 1));
    assert_eq!(read("./dist/**"), ("dist/.hidden/d.js".to_owned(), 0));
}

#[test]
fn the_file_names_its_project_and_what_it_read() {
    let loaded = everything();
    assert_eq!(loaded.name.as_str(), "shop");
    assert_eq!(loaded.dir, here("good"));
    assert_eq!(loaded.file, here("good/everything.yaml"));
    let names: Vec<String> = loaded
        .inputs
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, ["everything.yaml", "base.env", "more.env", "token.txt", "vars.env"]);
    assert_eq!(read_text("apps: { a: { command: x } }").unwrap().name.as_str(), "good");
    assert_eq!(loaded.text_digest.len(), 64);
}

#[test]
fn cwd_is_resolved_and_other_paths_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(real.join("releases/1")).unwrap();
    std::os::unix::fs::symlink("releases/1", real.join("current")).unwrap();
    let file = real.join("current/ecosystem.yaml");
    std::fs::write(&file, "apps: { a: { command: x, logs: { dir: ./logs } } }").unwrap();
    let loaded = read_file(&file).unwrap();
    assert_eq!(loaded.dir, real.join("current"));
    assert_eq!(app(&loaded, "a").cwd, real.join("releases/1"));
    assert_eq!(app(&loaded, "a").logs.dir, Some(real.join("current/logs")));
}

#[test]
fn the_values_used_are_enough_to_read_the_file_again() {
    for path in super::yaml_files("good") {
        let text = std::fs::read_to_string(&path).unwrap();
        let profile = super::profile_of(&text);
        let first = read_file(&path).unwrap();
        assert!(!first.vars_used.contains_key("UNRELATED"));
        let source = Source {
            env: &first.vars_used,
            profile: profile.as_deref(),
            cpus: 4,
            accounts: &eco::controller::Machine,
            secret_key: KEY,
            files: None,
        };
        let again = load(&path, &source).unwrap();
        assert_eq!(first.apps, again.apps, "{}", path.display());
        assert_eq!(first.vars_used, again.vars_used);
    }
}

#[test]
fn the_environment_goes_over_the_vars_file() {
    let text = "vars_file: vars.env\napps: { a: { command: 'x ${GREETING}' } }";
    let loaded = read_text(text).unwrap();
    assert_eq!(argv(&loaded, "a"), ["x", "hello there"]);
    assert!(!loaded.vars_used.contains_key("GREETING"));
    let env = BTreeMap::from([("GREETING".to_owned(), "hi".to_owned())]);
    let loaded = read_with(text, &env, None).unwrap();
    assert_eq!(argv(&loaded, "a"), ["x", "hi"]);
    assert_eq!(loaded.vars_used, env);
}

#[test]
fn a_port_of_the_app_fills_its_command() {
    let text = "apps:\n  a: { command: 'x ${PORT}', env: { PORT: '30${ECO_INSTANCE}' } }\n  \
                b: { command: 'x ${PORT:-80}', env: { PORT: '${PORT:-90}', P: '${PORT}' } }";
    let loaded = read_text(text).unwrap();
    assert_eq!(argv(&loaded, "a"), ["x", "302"]);
    assert_eq!(argv(&loaded, "b"), ["x", "90"]);
    assert_eq!(env_of(&loaded, "b")["P"], "90");
}

#[test]
fn the_one_port_of_listen_is_the_port() {
    let text = "apps:
  a: { command: 'x ${PORT}', listen: 3000, env: { P: '${PORT}' }, ready: { http: '/${PORT}' } }
  b: { command: 'x ${PORT:-80}', listen: [3001, 3002] }
  c: { command: x, listen: '127.0.0.1:3003', env: { PORT: 3003 } }
  d: { command: 'x ${PORT}', listen: 3004, env: { PORT: null } }";
    let loaded = read_text(text).unwrap();
    assert_eq!(argv(&loaded, "a"), ["x", "3000"]);
    assert_eq!(env_of(&loaded, "a")["P"], "3000");
    assert_eq!(argv(&loaded, "b"), ["x", "80"]);
    assert_eq!(argv(&loaded, "d"), ["x", "3004"]);
    let ReadyProbe::Http(http) = &app(&loaded, "a").ready.probe else { panic!() };
    assert_eq!(http.path.display(), "/3000");
    let listen = app(&loaded, "c").listen.as_ref().unwrap();
    assert_eq!((listen.queue.as_secs(), listen.close_idle, listen.pass), (10, true, Pass::Inject));
}

fn where_to(loaded: &Loaded, name: &str) -> String {
    let address = match &app(loaded, name).ready.probe {
        ReadyProbe::Http(http) => &http.address,
        ReadyProbe::Tcp(address) => address,
        other @ (ReadyProbe::Started
        | ReadyProbe::Listen
        | ReadyProbe::Exec(_)
        | ReadyProbe::Log(_)
        | ReadyProbe::Notify
        | ReadyProbe::Message(_)
        | ReadyProbe::Delay(_)) => panic!("{other:?}"),
    };
    match address {
        ProbeAddress::Tcp { host, port } => format!("{host} {}", filled(loaded, name, port)),
        ProbeAddress::Unix(path) => filled(loaded, name, path),
    }
}

#[test]
fn probes_know_where_to_go() {
    let text = "apps:
  listens: { command: x, listen: 3000, ready: { http: / } }
  one: { command: x, listen: '[::1]:3001', ready: { tcp: true } }
  any: { command: x, listen: '0.0.0.0:3002', ready: { http: { host: localhost } } }
  env: { command: x, env: { PORT: '90${ECO_INSTANCE}' }, ready: { http: / } }
  url: { command: x, ready: { http: 'http://[::1]:81/a?b=${ECO_APP}' } }
  plain: { command: x, ready: { http: 'http://localhost' } }
  port: { command: x, ready: { http: { port: '${P:-70}${ECO_INSTANCE}' } } }
  tcp: { command: x, ready: { tcp: 'db.local:5432' } }
  socket: { command: x, ready: { tcp: './run/${ECO_INSTANCE}.sock' } }
  http_socket: { command: x, ready: { http: { socket: /run/a.sock, path: /b } } }";
    let loaded = read_text(text).unwrap_or_else(|faults| panic!("{}", faults.render(100, false)));
    for (name, expected) in [
        ("listens", "127.0.0.1 3000"),
        ("one", "::1 3001"),
        ("any", "localhost 3002"),
        ("env", "127.0.0.1 902"),
        ("url", "::1 81"),
        ("plain", "localhost 80"),
        ("port", "127.0.0.1 702"),
        ("tcp", "db.local 5432"),
        ("http_socket", "/run/a.sock"),
    ] {
        assert_eq!(where_to(&loaded, name), expected, "{name}");
    }
    assert_eq!(where_to(&loaded, "socket"), here("good/run/2.sock").display().to_string());
    let ReadyProbe::Http(http) = &app(&loaded, "url").ready.probe else { panic!() };
    assert_eq!(filled(&loaded, "url", &http.path), "/a?b=url");
}

#[test]
fn without_ready_listening_is_ready() {
    let text = "apps:
  listens: { command: x, listen: 3000 }
  auto: { command: x, listen: auto }
  fds: { command: x, listen: { port: 3001, pass: fds } }
  runs: { command: x }
  says: { command: x, listen: 3002, ready: { notify: true } }";
    let loaded = read_text(text).unwrap();
    let probe = |name| app(&loaded, name).ready.probe.clone();
    assert_eq!([probe("listens"), probe("auto")], [ReadyProbe::Listen, ReadyProbe::Listen]);
    assert_eq!([probe("fds"), probe("runs")], [ReadyProbe::Started, ReadyProbe::Started]);
    assert_eq!(probe("says"), ReadyProbe::Notify);
}

#[test]
fn names_that_begin_like_extensions_are_names_all_the_same() {
    let text = "apps: { x-a: { command: x, tags: ['${T:-t}'], env: { x-b: { file: '${F:-token.txt}' } } } }";
    let loaded = read_text(text).unwrap();
    assert!(app(&loaded, "x-a").tags.contains("t"));
    let EnvValue::File { path, .. } = &app(&loaded, "x-a").env["x-b"] else { panic!() };
    assert!(path.ends_with("token.txt"));
}

#[test]
fn values_do_not_show_in_debug_output() {
    let env = BTreeMap::from([("SECRET".to_owned(), "hunter2".to_owned())]);
    let text = "apps: { a: { command: x, env: { A: '${SECRET}' } } }";
    let loaded = read_with(text, &env, None).unwrap();
    let source = Source {
        env: &env,
        profile: None,
        cpus: 1,
        accounts: &eco::controller::Machine,
        secret_key: KEY,
        files: None,
    };
    assert!(!format!("{loaded:?} {source:?}").contains("hunter2"));
}

#[test]
fn oddities_are_warnings() {
    let text = "apps: { a: { command: x, env: { PATH: '$HOME/bin', ECO_APP: x, OK: 'a$$B 5$' } } }";
    let loaded = read_text(text).unwrap();
    let said: Vec<&str> = loaded.warnings.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(
        said,
        [
            "`$HOME` in `env.PATH` stays as it is",
            "`ECO_APP` is set by eco itself: this value never arrives"
        ]
    );
    let place = loaded.warnings.iter().next().unwrap();
    assert_eq!((place.line, place.col), (1, 39));
}

#[test]
fn foreign_files_are_recognised() {
    use eco::config::looks_foreign;
    assert_eq!(looks_foreign("services: { a: b }"), Some("a Docker Compose file"));
    assert_eq!(looks_foreign("apps: [{ name: a, script: b }]"), Some("a PM2 ecosystem file"));
    assert_eq!(looks_foreign("apps: { services: { command: x } }"), None);
}
