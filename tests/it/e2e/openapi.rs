//! Whether the API does what its document says: what it answers fits the schemas, the document is valid
//! by another program, and requests made of it by a third are answered as it says.

use std::{
    fs, io,
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::Command,
    thread,
};

use eco::api::document;
use jsonschema::Validator;
use serde_json::{Value, json};

use super::TWO_SLEEPERS;
use crate::harness::{TestEnv, installed, repository};

fn validator(name: &str) -> Validator {
    let schema = json!({
        "$ref": format!("#/components/schemas/{name}"),
        "components": document()["components"],
    });
    jsonschema::validator_for(&schema).unwrap()
}

#[track_caller]
fn fits(validator: &Validator, value: &Value) {
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}\n{value:#}", errors.join("\n"));
}

#[test]
fn answers_and_lines_fit_their_schemas() {
    let env = TestEnv::new();
    env.script("app.sh", "#!/bin/sh\necho hello\nprintf '\\377\\n'\nexec sleep 100000\n");
    env.script("bad.sh", "#!/bin/sh\necho why >&2\nexit 3\n");
    env.apps(
        "  web: { command: ./app.sh, instances: 2, env: { A: b } }\n  \
         bad: { command: ./bad.sh, restart: never }\n  job: { command: 'true', kind: job }\n",
    );
    let applied = env.eco(&["apply", "--json"]);
    let progress = validator("Progress");
    for line in applied.ndjson() {
        fits(&progress, &line);
    }
    assert!(!applied.ndjson().is_empty(), "{applied}");
    let get = |path: &str| env.curl(&["--fail", path]).run().ok();
    fits(&validator("StatusAllReply"), &get("/v1/status?memory=true").json());
    fits(&validator("DescribeReply"), &get("/v1/describe").json());
    fits(&validator("HistoryReply"), &get("/v1/history").json());
    fits(&validator("DaemonReply"), &get("/v1/daemon").json());
    fits(&validator("ApiError"), &env.curl(&["/v1/status?project=no"]).run().ok().json());
    let json = "content-type: application/json";
    let events = env.curl(&["--fail", "-H", json, "-d", r#"{"last": 100}"#, "/v1/events"]);
    let events = events.run().ok().ndjson();
    let event = validator("EventReply");
    assert!(events.iter().any(|event| event["type"] == "crashed"), "{events:?}");
    for line in &events {
        fits(&event, line);
    }
    env.wait_for("all lines", || env.log("web").lines().count() == 4);
    let line = validator("LogLine");
    let lines = get("/v1/logs/stream").ndjson();
    assert!(lines.iter().any(|line| line["lossy"] == true), "{lines:?}");
    for found in &lines {
        fits(&line, found);
    }
    let logs = env.curl(&["--fail", "-H", json, "-d", "{}", "/v1/logs"]).run().ok();
    fits(&validator("LogsReply"), &logs.json());
    let bad = json!({ "schema": 1, "projects": [{ "schema": 1 }], "faults": [] });
    assert!(!validator("StatusAllReply").is_valid(&bad), "the schemas check nothing");
}

#[test]
fn the_document_is_valid_by_another_program() {
    let python = installed("tests/.cache/api/bin/python3");
    let read = "import json, sys; from openapi_spec_validator import OpenAPIV31SpecValidator as V; \
                V(json.load(open(sys.argv[1]))).validate()";
    let file = repository("schema/openapi.json");
    let output = Command::new(python).args(["-c", read]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A port of 127.0.0.1 behind which the API is, for a program that knows no Unix sockets.
fn relay(socket: PathBuf) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    // It ends with the process of the test.
    thread::spawn(move || {
        for caller in listener.incoming().flatten() {
            let Ok(api) = UnixStream::connect(&socket) else { continue };
            let back = (api.try_clone().unwrap(), caller.try_clone().unwrap());
            thread::spawn(move || to_api(caller, api));
            thread::spawn(move || from_api(back.0, back.1));
        }
    });
    port
}

fn to_api(mut caller: TcpStream, mut api: UnixStream) {
    io::copy(&mut caller, &mut api).unwrap_or_default();
    api.shutdown(Shutdown::Write).unwrap_or_default();
}

fn from_api(mut api: UnixStream, mut caller: TcpStream) {
    io::copy(&mut api, &mut caller).unwrap_or_default();
    caller.shutdown(Shutdown::Both).unwrap_or_default();
}

#[test]
fn requests_made_of_the_document_are_answered_as_it_says() {
    let program = installed("tests/.cache/api/bin/st");
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let controller = env.daemon_pid("controller");
    let url = format!("http://127.0.0.1:{}", relay(env.api_socket()));
    let mut command = Command::new(program);
    command
        .arg("--config-file")
        .arg(repository("tests/support/api/schemathesis.toml"))
        .arg("run")
        .arg(repository("schema/openapi.json"))
        .args(["--url", &url, "--no-color", "--warnings", "off", "--request-timeout", "30"])
        // They end eco, never end themselves, or run made-up programs.
        .args(
            ["stopDaemon", "upgradeDaemon", "streamEvents", "apply"]
                .map(|id| format!("--exclude-operation-id={id}")),
        )
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", repository("tests/support/api"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("ECO_TEST_DIR", env.dir())
        .current_dir(env.dir());
    let output = command.output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}\n{complaint}");
    assert_eq!(env.daemon_pid("controller"), controller, "it has lived through all of it");
}

#[test]
fn the_lines_of_the_readme_do_what_it_says() {
    let env = TestEnv::new();
    env.script("app.sh", "#!/bin/sh\necho hello\nexec sleep 100000\n");
    env.apps("  web: { command: ./app.sh }\n");
    env.apply();
    let text = fs::read_to_string(repository("README.md")).unwrap();
    let section = text.split("## For scripts and other tools").nth(1).unwrap();
    let block = section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let commands =
        block.split("\ncurl ").map(|line| format!("curl {}", line.trim_start_matches("curl ")));
    let mut seen = 0;
    for line in commands {
        let (is_endless, says) = match () {
            () if line.contains("/status") => (false, "\"ready\":1"),
            () if line.contains("/describe") => (false, "\"fields\":"),
            () if line.contains("/events/") => (true, "\"type\":\"started\""),
            () if line.contains("/logs/") => (true, "\"line\":\"hello\""),
            () if line.contains("/operate") => (false, "\"result\":\"converged\""),
            () => panic!("what does {line} say?"),
        };
        seen += 1;
        if is_endless {
            let mut running = env.shell(&line).spawn();
            env.wait_for(says, || running.stdout().contains(says));
            assert!(!running.has_ended(), "{line}");
        } else {
            env.shell(&line).run().ok().says(says);
        }
    }
    assert_eq!(seen, 5);
}
