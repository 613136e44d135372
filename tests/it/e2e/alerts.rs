//! Alerts: who is told what and when, through failures of the receiver and of eco itself, and that
//! nobody sees the secrets by which it is told.

use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

use crate::harness::{Signal, TestEnv, free_port, program, send};

/// What a receiver does with a request.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Status(u16),
    /// Nothing, for ever.
    Hang,
}

/// A request: its head in small letters, and its body.
type Received = (String, Value);

/// A webhook that notes what it gets.
#[derive(Clone, Debug)]
struct Hook {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    /// What it does with the next ones; after that it accepts.
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Hook {
    fn new(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let hook = Self {
            port: listener.local_addr().unwrap().port(),
            received: Arc::default(),
            answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
        };
        let served = hook.clone();
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                hanging.extend(served.answer(stream));
            }
        });
        hook
    }

    /// Gives back a connection that is to stay open.
    fn answer(&self, stream: TcpStream) -> Option<TcpStream> {
        let request = read_request(&stream)?;
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Answer::Status(204));
        match answer {
            Answer::Hang => return Some(stream),
            Answer::Status(status) => {
                if status < 300 {
                    self.received.lock().unwrap().push(request);
                }
                let text = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
                (&stream).write_all(text.as_bytes()).ok()?;
            }
        }
        None
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    fn bodies(&self) -> Vec<Value> {
        self.received.lock().unwrap().iter().map(|(_, body)| body.clone()).collect()
    }

    fn states(&self) -> Vec<String> {
        self.bodies().iter().map(|it| it["state"].as_str().unwrap().to_owned()).collect()
    }
}

fn read_request(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let first = head.lines().next()?.to_owned();
    Some((format!("{first}\n{lower}"), serde_json::from_slice(&body).ok()?))
}

/// An app that stays down once it is killed, until somebody starts it.
const FRAIL: &str = "{ command: sleep 100000, restart: never";

fn file(env: &TestEnv, notify: &str, apps: &str) {
    let head = "name: shop\ndefaults: { rollout: { min_ready: 100ms } }";
    env.write("ecosystem.yaml", &format!("{head}\nnotify:\n{notify}\napps:\n{apps}"));
}

fn alerts(env: &TestEnv) -> Vec<Value> {
    env.status()["alerts"].as_array().unwrap().clone()
}

fn told(env: &TestEnv, kind: &str, words: &str) -> bool {
    env.events().iter().any(|event| {
        event["type"] == kind && event["message"].as_str().is_some_and(|it| it.contains(words))
    })
}

fn kill(env: &TestEnv, app: &str) {
    send(env.pid(app), Signal::KILL);
}

#[test]
fn down_fires_and_is_over() {
    let (env, hook) = (TestEnv::new(), Hook::new(&[]));
    let web = format!("  web: {FRAIL}, alerts: down for 300ms }}\n");
    file(&env, &format!("  ops: \"{}\"", hook.url()), &web);
    env.apply();
    assert_eq!(alerts(&env), Vec::<Value>::new());
    kill(&env, "web");
    env.wait_for("the message", || hook.states() == ["firing"]);
    let (head, body) = hook.received.lock().unwrap()[0].clone();
    assert!(head.starts_with("POST /hook HTTP/1.1"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    let keys = ["project", "app", "alert", "state", "value"].map(|key| body[key].clone());
    assert_eq!(json!(keys), json!(["shop", "web", "down for 300ms", "firing", null]));
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("0 of 1 ready") && message.contains("SIGKILL"), "{message}");
    let text = body["text"].as_str().unwrap();
    assert!(text.starts_with("[firing] shop:web: down for 300ms: 0 of 1 ready"), "{text}");
    assert_eq!((&body["schema"], &body["others"]), (&json!(1), &json!([])));
    let shown = alerts(&env);
    assert_eq!(shown.len(), 1);
    assert_eq!((&shown[0]["state"], &shown[0]["app"]), (&json!("firing"), &json!("web")));
    assert_eq!(shown[0]["since"], body["since"]);
    env.eco(&["start", "web"]).ok();
    env.wait_for("the second message", || hook.states() == ["firing", "resolved"]);
    assert_eq!(hook.bodies()[1]["since"], body["since"]);
    env.wait_for("quiet", || alerts(&env).is_empty());
    assert!(told(&env, "alert_fired", "`down for 300ms` fires: 0 of 1 ready"));
    assert!(told(&env, "alert_resolved", "`down for 300ms` is over after"));
    env.eco(&["describe", "web"]).ok().says("down for 300ms");
}

#[test]
fn a_start_or_a_replacement_is_no_alert() {
    let (env, hook) = (TestEnv::new(), Hook::new(&[]));
    let slow = "command: 'sh -c \"sleep 0.3; touch up; exec sleep 100000\"'";
    let ready = "ready: { exec: test -e up, interval: 50ms }";
    let web = format!("  web: {{ {slow}, {ready}, alerts: [down, degraded, crash_looping] }}\n");
    file(&env, &format!("  ops: \"{}\"", hook.url()), &web);
    env.apply();
    fs::remove_file(env.path("up")).unwrap();
    env.eco(&["restart", "web"]).ok();
    env.eco(&["stop", "web"]).ok();
    env.eco(&["start", "web"]).ok();
    assert!(!env.events().iter().any(|event| event["type"] == "alert_fired"));
    assert_eq!(hook.states(), Vec::<String>::new());
}

#[test]
fn a_command_is_told_of_restarts_and_a_stop_ends_them_silently() {
    let env = TestEnv::new();
    let tell = "#!/bin/sh\necho \"$ECO_ALERT_STATE $ECO_ALERT: $ECO_APP: $ECO_ALERT_MESSAGE\" >> told\n\
                printf %s \"$ECO_ALERT_JSON\" > told.json\npwd\n";
    env.script("tell.sh", tell);
    let crashing =
        "command: \"false\", cwd: sub, restart: { backoff: { initial: 20ms, max: 20ms } }";
    fs::create_dir(env.path("sub")).unwrap();
    let alerts_of = "alerts: [restarts > 3 in 5m]";
    file(
        &env,
        "  pager: { command: ./tell.sh }",
        &format!("  web: {{ {crashing}, {alerts_of} }}\n"),
    );
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_for("the command", || env.read("told").lines().count() == 1);
    let line = env.read("told");
    assert!(line.starts_with("firing restarts > 3 in 5m: web: "), "{line}");
    assert!(line.trim_end().ends_with("restarts in 5m"), "{line}");
    let body: Value = serde_json::from_str(&env.read("told.json")).unwrap();
    assert!(3.5 < body["value"].as_f64().unwrap(), "{body}");
    env.wait_for("that it is known", || {
        alerts(&env).len() == 1 && alerts(&env)[0]["error"].is_null()
    });
    // It works in the file's directory and its output is beside the app's.
    let logs = env.home().join("logs/shop");
    let output = logs.join("web-0.alert.out.log");
    env.wait_for("its output", || {
        fs::read_to_string(&output).is_ok_and(|text| Path::new(text.trim()).ends_with("shop"))
    });
    env.eco(&["stop", "web"]).ok();
    env.wait_for("silence", || alerts(&env).is_empty());
    assert!(!told(&env, "alert_resolved", ""));
    assert_eq!(env.read("told").lines().count(), 1);
}

#[test]
fn a_command_that_fails_is_told_again() {
    let env = TestEnv::new();
    let tell = "#!/bin/sh\necho try >> tries\ntest -e works || exit 3\n";
    env.script("tell.sh", tell);
    let notify = "  pager: { command: ./tell.sh }\n  missing: { command: ./no-such-program }";
    file(
        &env,
        notify,
        &format!("  web: {FRAIL}, alerts: {{ when: down, to: [pager, missing] }} }}\n"),
    );
    env.apply();
    kill(&env, "web");
    env.wait_for("its failure", || {
        told(&env, "alert_failed", "`pager` was not told: it ended with")
    });
    env.wait_for("the other's", || told(&env, "alert_failed", "cannot execute its command"));
    let failed = told(&env, "alert_failed", "tried again in");
    assert!(failed && alerts(&env)[0]["error"].as_str().is_some());
    env.write("works", "");
    env.wait_for("the second try", || env.read("tries").lines().count() == 2);
}

#[test]
fn a_webhook_that_fails_is_told_again_and_one_that_hangs_holds_up_nobody() {
    let env = TestEnv::new();
    let [failing, hanging, good] =
        [&[Answer::Status(500)][..], &[Answer::Hang], &[]].map(Hook::new);
    let redirecting = Hook::new(&[Answer::Status(302)]);
    let hooks = [("a", &failing), ("b", &hanging), ("c", &good), ("d", &redirecting)];
    let notify: Vec<_> = hooks.map(|(name, hook)| format!("  {name}: \"{}\"", hook.url())).into();
    let closed = format!("  e: \"http://127.0.0.1:{}/x\"", free_port());
    let notify = format!("{}\n{closed}", notify.join("\n"));
    file(
        &env,
        &notify,
        &format!("  web: {FRAIL}, alerts: down }}\n  other: {{ command: sleep 100000 }}\n"),
    );
    env.apply();
    kill(&env, "web");
    env.wait_for("the good one", || good.states() == ["firing"]);
    env.eco(&["restart", "other"]).ok();
    assert!(hanging.received.lock().unwrap().is_empty());
    env.wait_for("the failing one's second try", || failing.states() == ["firing"]);
    let wait = |words: &str| env.wait_for(words, || told(&env, "alert_failed", words));
    wait("it answers 500; tried again in");
    wait("it answers 302: redirects are not followed");
    wait("cannot connect: connection refused");
    wait("no answer within 10 s");
    env.wait_for("the hanging one's second try", || hanging.states() == ["firing"]);
    assert_eq!(good.states(), ["firing"]);
}

#[test]
fn the_next_controller_tells_nothing_twice_and_forgets_nothing() {
    let (env, hook) = (TestEnv::new(), Hook::new(&[]));
    let web = format!("  web: {FRAIL}, alerts: [down for 300ms, degraded for 300ms] }}\n");
    file(&env, &format!("  ops: \"{}\"", hook.url()), &web);
    env.apply();
    kill(&env, "web");
    let both = || hook.states() == ["firing", "firing"];
    env.wait_for("both messages", || both() && alerts(&env).len() == 2);
    let owed = || fs::read_to_string(env.home().join("state/alerts.json")).unwrap();
    env.wait_for("that this is known", || owed().matches("\"owed\":{}").count() == 2);
    for _ in 0..2 {
        env.kill_roles(&["controller"]);
        env.wait_for("the next controller", || alerts(&env).len() == 2);
    }
    assert!(both());
    // One that is edited away while it fires ends silently; the other goes on.
    file(
        &env,
        &format!("  ops: \"{}\"", hook.url()),
        &format!("  web: {FRAIL}, alerts: [down for 300ms] }}\n"),
    );
    env.eco(&["apply", "--no-wait"]).ok();
    env.eco(&["start", "web"]).ok();
    env.wait_for("the end", || hook.states() == ["firing", "firing", "resolved"]);
    env.kill_roles(&["controller"]);
    env.wait_state("web", "ready");
    assert_eq!((alerts(&env), hook.states().len()), (Vec::new(), 3));
}

#[test]
fn what_is_too_much_for_a_receiver_is_told_together() {
    let (env, hook) = (TestEnv::new(), Hook::new(&[]));
    let apps: Vec<String> = (0..12)
        .map(|index| {
            format!("  app{index}: {{ command: \"false\", restart: never, alerts: down }}\n")
        })
        .collect();
    file(&env, &format!("  ops: \"{}\"", hook.url()), &apps.concat());
    env.eco(&["apply", "--no-wait"]).ok();
    let seen = || -> BTreeSet<String> {
        let bodies = hook.bodies();
        let others = bodies.iter().flat_map(|it| it["others"].as_array().unwrap());
        bodies.iter().chain(others).map(|it| it["app"].as_str().unwrap().to_owned()).collect()
    };
    env.wait_for("all of them", || seen().len() == 12);
    let bodies = hook.bodies();
    assert!(bodies.len() <= 7, "{bodies:?}");
    let most = bodies.iter().max_by_key(|it| it["others"].as_array().unwrap().len()).unwrap();
    let text = most["text"].as_str().unwrap();
    assert!(1 < text.lines().count(), "{text}");
}

#[test]
fn nobody_sees_the_secrets() {
    const URL: &str = "url-secret-0815";
    const HEADER: &str = "header-secret-4711";
    let (env, hook) = (TestEnv::new(), Hook::new(&[Answer::Status(404)]));
    let token = env.write("token", &format!("Bearer {HEADER}\n"));
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let notify = "  ops: { webhook: \"${HOOK:?}\", headers: { Authorization: { file: token } } }\n  \
                  down: \"${GONE:?}\"";
    file(&env, notify, &format!("  web: {FRAIL}, alerts: down for 300ms }}\n"));
    let url = format!("{}/{URL}?key={URL}", hook.url());
    let gone = format!("http://127.0.0.1:{}/{URL}", free_port());
    let eco = |args: &[&str]| env.call(args).env("HOOK", &url).env("GONE", &gone).run();
    let diff = eco(&["diff", "--show-values"]).exits(1);
    let mut said = vec![diff.to_string(), eco(&["diff", "--json"]).to_string()];
    eco(&["apply"]).ok();
    kill(&env, "web");
    env.wait_for("the second try", || hook.states() == ["firing"]);
    let (head, _) = hook.received.lock().unwrap()[0].clone();
    assert!(head.starts_with(&format!("POST /hook/{URL}?key={URL} HTTP/1.1")), "{head}");
    assert!(head.contains(&format!("authorization: bearer {HEADER}\r\n")), "{head}");
    env.wait_for("the other's failure", || told(&env, "alert_failed", "`down` was not told"));
    for args in [
        &["status"][..],
        &["status", "--json"],
        &["describe", "web"],
        &["describe", "web", "--json"],
        &["events", "--json"],
        &["history", "--json"],
        &["diff"],
    ] {
        said.push(eco(args).to_string());
    }
    for text in said {
        assert!(!text.contains(URL) && !text.contains(HEADER), "{text}");
    }
    look_for(&env.home(), URL, HEADER);
}

/// The one secret may lie in the state, for its owner only; the other one nowhere.
fn look_for(dir: &Path, stored: &str, never: &str) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            look_for(&path, stored, never);
        } else if kind.is_file() {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
            assert!(!text.contains(never), "{}", path.display());
            if text.contains(stored) {
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                let is_state = path.components().any(|it| it.as_os_str() == "state");
                assert!(is_state && mode == 0o600, "{} {mode:o}", path.display());
                assert!(!path.ends_with("alerts.json"));
            }
        }
    }
}

#[test]
fn edits_are_seen_and_touch_no_process() {
    let (env, first, second) = (TestEnv::new(), Hook::new(&[]), Hook::new(&[]));
    let web = |alerts: &str| format!("  web: {FRAIL}, alerts: {alerts} }}\n");
    let notify = |hook: &Hook| format!("  ops: \"{}\"\n  pager: {{ command: ./a.sh }}", hook.url());
    file(&env, &notify(&first), &web("[crash_looping]"));
    env.apply();
    let pid = env.pid("web");
    let edited = notify(&second).replace("./a.sh", "./b.sh");
    file(&env, &edited, &web("[{ when: down, to: ops }]"));
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    let change = |app: &str, field: &str, values: [Value; 2], masked: bool| {
        let [old, new] = values;
        json!({ "app": app, "field": field, "old": old, "new": new, "effect": "live", "masked": masked })
    };
    let expected = json!([
        change("", "notify.ops.webhook", [Value::Null, Value::Null], true),
        change("", "notify.pager.command", [json!("./a.sh"), json!("./b.sh")], false),
        change("web", "alerts", [json!("[crash_looping]"), json!("[down → ops]")], false),
    ]);
    assert_eq!((&diff["changes"], &diff["actions"]), (&expected, &json!([])));
    env.apply();
    env.eco(&["diff"]).ok();
    assert_eq!(env.pid("web"), pid);
    kill(&env, "web");
    env.wait_for("the new receiver", || second.states() == ["firing"]);
    assert!(first.states().is_empty());
}

#[test]
fn memory_is_looked_at() {
    let (env, hook) = (TestEnv::new(), Hook::new(&[]));
    let web = "  web: { command: sleep 100000, alerts: [memory > 1K, memory > 1T, p99 > 1ms] }\n";
    file(&env, &format!("  ops: \"{}\"", hook.url()), web);
    env.apply();
    env.wait_for("the message", || hook.states() == ["firing"]);
    let body = &hook.bodies()[0];
    assert_eq!(body["alert"], "memory > 1K");
    assert!(1024.0 < body["value"].as_f64().unwrap(), "{body}");
    assert!(body["message"].as_str().unwrap().starts_with("memory is "), "{body}");
}

#[test]
fn a_failed_job_and_a_change_that_was_undone() {
    let (env, hook) = (TestEnv::new(), Hook::new(&[]));
    let job = "  once: { command: ./once.sh, kind: job, alerts: job_failed }\n";
    let web = |command: &str| {
        let rollout = "ready: { delay: 100ms }, rollout: { min_ready: 500ms }";
        format!("  web: {{ command: {command}, {rollout}, alerts: rolled_back }}\n")
    };
    env.script("once.sh", "#!/bin/sh\nexit 3\n");
    let notify = format!("  ops: \"{}\"", hook.url());
    file(&env, &notify, &format!("{}{job}", web("sleep 100000")));
    env.eco(&["apply"]).exits(1);
    env.wait_for("the job's", || hook.states() == ["firing"]);
    assert!(hook.bodies()[0]["message"].as_str().unwrap().contains("ended with"));
    env.wait_state("web", "ready");
    file(&env, &notify, &format!("{}{job}", web("\"false\"")));
    env.eco(&["apply"]).exits(1);
    env.wait_for("the change's", || hook.bodies().iter().any(|it| it["alert"] == "rolled_back"));
}

#[test]
fn receivers_can_be_tried() {
    let (env, good, bad) = (TestEnv::new(), Hook::new(&[]), Hook::new(&[Answer::Status(401)]));
    env.script("tell.sh", "#!/bin/sh\necho \"$ECO_ALERT_STATE $ECO_ALERT_MESSAGE\" > told\n");
    let web = format!("  web: {FRAIL} }}\n");
    file(&env, "", &web);
    env.apply();
    env.eco(&["doctor", "--notify"]).exits(2).says("has no receivers");
    let notify = format!(
        "  bad: \"{}\"\n  good: \"{}\"\n  run: {{ command: ./tell.sh }}",
        bad.url(),
        good.url()
    );
    file(&env, &notify, &web);
    env.apply();
    env.eco(&["doctor", "--notify", "other"]).exits(2).says("`bad`, `good`, `run`");
    env.eco(&["doctor", "--notify"]).exits(1).says("it answers 401");
    assert_eq!(good.states(), ["test"]);
    env.wait_for("the command", || env.read("told").starts_with("test somebody tries"));
    let checks = env.eco(&["doctor", "--notify", "--json"]).ok().json();
    let names: Vec<_> = checks["checks"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(json!(names), json!(["notify.bad", "notify.good", "notify.run"]));
    env.eco(&["doctor", "--notify", "good"]).ok().says("a test message has arrived");
    assert_eq!(alerts(&env), Vec::<Value>::new());
}

/// A CA of our own, and a certificate of it for `localhost`.
fn certificates(env: &TestEnv) {
    let openssl = |args: &str| {
        let mut command = Command::new(program("openssl"));
        command.current_dir(env.dir()).args(args.split(' ')).stdin(Stdio::null());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=ours"));
    openssl(&format!("req {key} -keyout site.key -out site.csr -subj /CN=localhost"));
    env.write("names", "subjectAltName=DNS:localhost\n");
    openssl(
        "x509 -req -in site.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out site.pem -days 2 -extfile names",
    );
}

const TLS_HOOK: &str = "
import http.server, ssl, sys
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        open('got', 'ab').write(body + b'\\n')
        self.send_response(200)
        self.end_headers()
server = http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('site.pem', 'site.key')
server.socket = context.wrap_socket(server.socket, server_side=True)
open('up', 'w')
server.serve_forever()
";

#[test]
fn a_webhook_over_tls_is_told_if_its_certificate_is_trusted() {
    let python = program("python3");
    for trusted in [false, true] {
        let (env, port) = (TestEnv::new(), free_port());
        certificates(&env);
        env.write("hook.py", TLS_HOOK);
        let hook = format!(
            "  hook: {{ command: [{}, hook.py, \"{port}\"], ready: {{ exec: test -e up }} }}\n",
            python.display()
        );
        let notify = format!(
            "  name: \"https://localhost:{port}/\"\n  address: \"https://127.0.0.1:{port}/\""
        );
        let web = format!("  web: {FRAIL}, alerts: down }}\n");
        file(&env, &notify, &format!("{hook}{web}"));
        let ca =
            if trusted { env.path("ca.pem") } else { "/etc/ssl/certs/ca-certificates.crt".into() };
        env.call(&["apply"]).env("SSL_CERT_FILE", &ca.display().to_string()).run().ok();
        kill(&env, "web");
        if trusted {
            env.wait_for("the message", || env.read("got").contains("\"state\":\"firing\""));
            let words = "its certificate is for another name";
            env.wait_for("the other's failure", || told(&env, "alert_failed", words));
        } else {
            let words = "an authority that this machine does not trust";
            env.wait_for("the failure", || told(&env, "alert_failed", words));
            assert_eq!(env.read("got"), "");
        }
    }
}
