//! The API as other programs use it: curl over the Unix socket, events and logs as they come, and
//! refusals that a program can read.

use std::{fs, io::Write as _, os::unix::net::UnixStream};

use serde_json::Value;

use super::TWO_SLEEPERS;
use crate::harness::{Running, Signal, TestEnv, send};

fn get(env: &TestEnv, path: &str) -> Value {
    env.curl(&["--fail", path]).run().ok().json()
}

/// What came by server-sent events: the ids, and the objects.
fn events_in(text: &str) -> Vec<(u64, Value)> {
    let mut found = Vec::new();
    // The last one may have been cut off.
    let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
    for block in whole.split("\n\n") {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        let Some(id) = field("id: ") else { continue };
        let data = field("data: ").unwrap_or_else(|| panic!("no data in {block:?}"));
        found.push((id.parse().unwrap(), serde_json::from_str(data).unwrap()));
    }
    found
}

/// The texts of the lines that have come.
fn lines_in(text: &str) -> Vec<String> {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let line = |text: &str| {
        let value: Value = serde_json::from_str(text).unwrap();
        value["line"].as_str().unwrap().to_owned()
    };
    whole.lines().map(line).collect()
}

/// Threads of the controller that read logs for somebody.
fn readers(controller: u32) -> usize {
    let tasks = fs::read_dir(format!("/proc/{controller}/task")).unwrap();
    let names = tasks.flatten().map(|task| fs::read_to_string(task.path().join("comm")));
    names.filter(|name| name.as_ref().is_ok_and(|name| name.trim() == "logs")).count()
}

/// Resident memory in bytes.
fn resident(pid: u32) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn questions_are_asked_by_get_too() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let status = get(&env, "/v1/status?project=shop&app=web&memory=true");
    let app = &status["projects"][0]["apps"][0];
    assert_eq!((&app["name"], &app["ready"]), (&"web".into(), &2.into()), "{status}");
    assert!(app["instances"][0]["memory"].as_u64().is_some_and(|bytes| 0 < bytes), "{status}");
    assert_eq!(get(&env, "/v1/status")["projects"][0]["project"], "shop");
    let dir = format!("/v1/status?dir={}", env.dir().display());
    assert_eq!(get(&env, &dir)["projects"][0]["apps"].as_array().unwrap().len(), 2);
    assert_eq!(get(&env, "/v1/describe?app=worker")["apps"][0]["status"]["name"], "worker");
    assert_eq!(get(&env, "/v1/history?project=shop")["revisions"][0]["generation"], 1);
    // A body that leaves out what can be left out means the same.
    let json = "content-type: application/json";
    let posted =
        env.curl(&["--fail", "-H", json, "-d", r#"{"project":"shop"}"#, "/v1/history"]).run().ok();
    assert_eq!(posted.json(), get(&env, "/v1/history?project=shop"));
}

#[test]
fn every_refusal_is_an_object() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let json = "content-type: application/json";
    let cases: &[(&[&str], &str, &str, &str)] = &[
        (&["/v1/nothing"], "404", "no_such_path", "/v1/nothing"),
        (&["/"], "404", "no_such_path", "nothing at /"),
        (&["-X", "DELETE", "/v1/status"], "405", "method", "takes no DELETE"),
        (&["-H", json, "-d", "{", "/v1/status"], "400", "bad_json", "EOF"),
        (&["-H", json, "-d", " []", "/v1/status"], "422", "bad_request", "is a list"),
        (&["-H", json, "-d", "{}", "/v1/operate"], "422", "bad_request", "target"),
        (&["-d", "{}", "/v1/status"], "415", "not_json", "application/json"),
        (&["-H", json, "-d", r#"{"project":1}"#, "/v1/logs"], "422", "bad_request", "project"),
        (&["/v1/status?projct=shop"], "400", "bad_query", "unknown field `projct`"),
        (&["/v1/status?project=no"], "400", "unknown_project", "no project `no`"),
        (&["/v1/describe?app=wbe"], "400", "unknown_app", "no app is named by `wbe`"),
        (&["/v1/logs/stream?last=x"], "400", "bad_query", "`last` has to be a number"),
        (&["/v1/logs/stream?grep=("], "400", "bad_query", "no regular expression"),
        (&["/v1/logs/stream?since=soon"], "400", "bad_query", "no point in time"),
        (&["/v1/logs/stream?until=5m&follow=true"], "400", "bad_query", "leave out"),
        (&["/v1/logs/stream?instance=0"], "400", "bad_query", "needs an `app`"),
        (&["/v1/events/stream?app=wbe"], "400", "unknown_app", "`wbe`"),
        (&["-H", "Last-Event-ID: x", "/v1/events/stream"], "400", "bad_query", "Last-Event-ID"),
    ];
    for (args, status, code, words) in cases {
        let args = [&["-w", "\n%{http_code} %{content_type}"], *args].concat();
        let output = env.curl(&args).run().ok();
        let (body, told) = output.stdout.rsplit_once('\n').unwrap();
        assert_eq!(told, format!("{status} application/json"), "{output}");
        let error: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&error["schema"], &error["error"]["code"]), (&1.into(), &(*code).into()));
        assert!(error["error"]["message"].as_str().unwrap().contains(words), "{output}");
    }
    let allowed = env.curl(&["-D", "-", "-X", "PUT", "/v1/status"]).run().ok();
    let head = allowed.stdout.to_ascii_lowercase();
    assert!(head.contains("allow: ") && head.contains("get"), "{allowed}");
}

#[test]
fn who_listens_to_events_goes_on_where_it_was_cut_off() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000 }\n");
    env.apply();
    let seen = |listener: &mut Running| events_in(&listener.stdout());
    let mut first = env.curl(&["/v1/events/stream?project=shop&last=1000"]).spawn();
    env.wait_for("what was before", || seen(&mut first).iter().any(|it| it.1["type"] == "started"));
    env.eco(&["restart", "web"]).ok();
    env.wait_for("an exit", || seen(&mut first).iter().any(|it| it.1["type"] == "exited"));
    env.kill_roles(&["controller"]);
    env.wait_for("the end of the stream", || first.has_ended());
    let mut all = seen(&mut first);
    let last = all.last().unwrap().0;
    // Nobody listens now.
    env.eco(&["restart", "web"]).ok();
    let header = format!("Last-Event-ID: {last}");
    // The query is the first one's, as a browser asks again.
    let mut second = env.curl(&["-H", &header, "/v1/events/stream?project=shop&last=1000"]).spawn();
    env.wait_for("what was missed", || !seen(&mut second).is_empty());
    env.eco(&["scale", "web", "2"]).ok();
    let end = env.events().last().unwrap()["seq"].as_u64().unwrap();
    env.wait_for("all", || seen(&mut second).last().is_some_and(|it| end <= it.0));
    all.extend(seen(&mut second));
    let kept: Vec<u64> = env.events().iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    let ids: Vec<u64> = all.iter().map(|(id, _)| *id).take_while(|id| *id <= end).collect();
    assert_eq!(ids, kept.into_iter().take_while(|id| *id <= end).collect::<Vec<_>>());
    assert!(all.iter().all(|(id, event)| event["seq"] == *id && event["schema"] == 1));
    let mut after = env.curl(&[&format!("/v1/events/stream?after={}", end - 1)]).spawn();
    env.wait_for("the last one", || seen(&mut after).first().is_some_and(|it| it.0 == end));
}

#[test]
fn logs_are_followed_over_rotations_and_new_apps() {
    const LINES: usize = 4000;
    let env = TestEnv::new();
    env.script(
        "app.sh",
        &format!(
            "#!/bin/sh\nuntil [ -e go ]; do sleep 0.05; done\nseq -f 'line %g of many' 1 {LINES}\n\
             exec sleep 100000\n"
        ),
    );
    let web = "  web: { command: ./app.sh, logs: { rotate: { size: 8K, keep: 100 } } }\n";
    env.apps(web);
    env.apply();
    let mut follower = env.curl(&["/v1/logs/stream?follow=true&stream=out"]).spawn();
    env.wait_for("the reader", || readers(env.daemon_pid("controller")) == 1);
    env.write("go", "");
    let expected: Vec<String> = (1..=LINES).map(|n| format!("line {n} of many")).collect();
    env.wait_for("all lines", || LINES <= lines_in(&follower.stdout()).len());
    assert_eq!(lines_in(&follower.stdout()), expected);
    env.apps(&format!("{web}  late: {{ command: ['sh', '-c', 'echo I am new; sleep 100000'] }}\n"));
    env.apply();
    env.wait_for("the new app", || follower.stdout().contains("I am new"));
    // Without `follow` it ends, with the same object as the command prints.
    let some = env.curl(&["/v1/logs/stream?app=web&instance=0&last=2"]).run().ok();
    assert_eq!(lines_in(&some.stdout), expected[LINES - 2..]);
    let printed = env.eco(&["logs", "web/0", "-n", "2", "--json"]).ok();
    assert_eq!(some.ndjson(), printed.ndjson());
    let found = env.curl(&["/v1/logs/stream?app=web&grep=line%203..%20&last=3"]).run().ok();
    assert_eq!(lines_in(&found.stdout), expected[396..399]);
    // Who goes away leaves nothing behind.
    let controller = env.daemon_pid("controller");
    drop(follower);
    env.wait_for("the end of the reader", || readers(controller) == 0);
}

/// A request whose answer nobody reads.
fn deaf(env: &TestEnv, path: &str) -> UnixStream {
    let mut stream = UnixStream::connect(env.api_socket()).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: eco\r\n\r\n").as_bytes()).unwrap();
    stream
}

#[test]
fn a_follower_that_never_reads_hurts_nobody() {
    const LINES: usize = 2000;
    let env = TestEnv::new();
    env.script(
        "app.sh",
        &format!(
            "#!/bin/sh\nuntil [ -e go ]; do sleep 0.05; done\nseq 1 {LINES}\nexec sleep 100000\n"
        ),
    );
    env.script("big.sh", "#!/bin/sh\nseq 1 1000000\nexec sleep 100000\n");
    env.apps("  web: { command: ./app.sh }\n  big: { command: ./big.sh }\n");
    env.apply();
    let stored = || fs::metadata(env.home().join("logs/shop/big-0.out.log"));
    env.wait_for("the big log", || stored().is_ok_and(|it| 6_888_896 <= it.len()));
    let controller = env.daemon_pid("controller");
    let before = resident(controller);
    let mut deaf_ones = Vec::new();
    for _ in 0..8 {
        deaf_ones.push(deaf(&env, "/v1/logs/stream?app=big&last=9000000&follow=true"));
        deaf_ones.push(deaf(&env, "/v1/events/stream?last=100000"));
    }
    let mut followers: Vec<Running> = (0..20)
        .map(|_| env.curl(&["/v1/logs/stream?app=web&follow=true&last=9999"]).spawn())
        .collect();
    env.wait_for("all readers", || readers(controller) == 28);
    env.write("go", "");
    let expected: Vec<String> = (1..=LINES).map(|n| n.to_string()).collect();
    for follower in &mut followers {
        env.wait_for("all lines", || LINES <= lines_in(&follower.stdout()).len());
        assert_eq!(lines_in(&follower.stdout()), expected);
    }
    // Each line of the big log is over 100 bytes in the answer: held, that would be 800 MB.
    let grown = resident(controller).saturating_sub(before);
    assert!(grown < 64 << 20, "the controller grew by {grown} bytes");
    assert_eq!(env.app("web")["state"], "ready");
    drop((followers, deaf_ones));
    env.wait_for("the end of all readers", || readers(controller) == 0);
    assert_eq!(env.daemon_pid("controller"), controller);
}

#[test]
fn too_many_followers_are_refused_in_words() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let controller = env.daemon_pid("controller");
    let all: Vec<UnixStream> =
        (0..64).map(|_| deaf(&env, "/v1/logs/stream?app=web&follow=true")).collect();
    env.wait_for("all readers", || readers(controller) == 64);
    let refused = env.curl(&["-w", "\n%{http_code}", "/v1/logs/stream?app=web"]).run().ok();
    assert!(refused.stdout.ends_with("\n429"), "{refused}");
    assert!(refused.stdout.contains("64 callers read logs already"), "{refused}");
    // A stopped controller is no excuse: it sees their end once it goes on.
    send(controller, Signal::STOP);
    drop(all);
    send(controller, Signal::CONT);
    env.wait_for("room", || env.curl(&["--fail", "/v1/logs/stream?app=web"]).run().code == Some(0));
}

#[test]
fn what_the_document_says_is_served_and_nothing_else_by_its_paths() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let document = get(&env, "/v1/openapi.json");
    assert_eq!(document, env.eco(&["schema", "--api"]).ok().json());
    for (path, methods) in document["paths"].as_object().unwrap() {
        let answers = |method: &str| {
            // Without a body: GET runs, and what is sent is refused before it does anything.
            let method: &[&str] = if method == "get" { &["-I"] } else { &["-d", "x"] };
            let args = [&["-o", "answer", "-w", "%{http_code}"], method, &[path]].concat();
            env.curl(&args).run().ok().stdout
        };
        for method in ["get", "post"] {
            let status = answers(method);
            match (methods.get(method), method) {
                (None, _) => assert_eq!(status, "405", "{method} {path}"),
                (Some(_), "get") => assert_eq!(status, "200", "{method} {path}"),
                (Some(_), _) => assert_eq!(status, "415", "{method} {path}"),
            }
        }
    }
}
