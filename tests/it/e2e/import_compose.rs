//! Compose files through the real binary: imported, applied, and what runs then is what they said.

use crate::harness::{TestEnv, free_port, http_get};

/// Prints what it was given.
const PROGRAM: &str = "\
echo \"dir=$(basename \"$PWD\") args=$1,$2 a=$A b=$B level=$LEVEL dollar=$DOLLAR done=$(cat ../migrated)\"
exec sleep 100000
";

/// Fails it, which has it started again.
fn is_restarted(env: &TestEnv, line: &str) {
    let starts = || env.log("web").matches(line).count();
    env.wait_for("its output", || starts() == 1);
    env.eco(&["signal", "KILL", "web"]).ok();
    env.wait_for("the second start", || starts() == 2);
    env.wait_state("web", "ready");
}

#[test]
fn services_of_docker_compose_run_without_it() {
    let env = TestEnv::new();
    env.write("app/run.sh", PROGRAM);
    env.write("base.env", "A=from file\nB=lost\n");
    env.write(".env", "LEVEL=debug\n");
    env.write(
        "compose.yaml",
        r#"
name: shop
services:
  web:
    build: ./app
    command: sh run.sh "two words" ${WORD:-third}
    working_dir: /srv
    volumes: ["./app:/srv"]
    env_file: base.env
    environment: { B: own, LEVEL: "${LEVEL}", DOLLAR: "$$B" }
    restart: on-failure
    depends_on: { migrate: { condition: service_completed_successfully } }
  migrate:
    image: alpine:3
    command: sh -c 'echo $$((20 + 3)) > migrated'
  db: { image: "postgres:16" }
"#,
    );
    env.eco(&["apply", "compose.yaml"])
        .exits(2)
        .says("this is a Docker Compose file")
        .says("`eco import compose.yaml -o ecosystem.yaml`");
    env.eco(&["validate", "compose.yaml"]).exits(2).says("eco import");
    env.eco(&["import", "compose.yaml", "-o", "ecosystem.yaml"])
        .ok()
        .says("wrote ecosystem.yaml: 2 apps");
    let text = env.read("ecosystem.yaml");
    assert!(text.contains("`db` is left out: it is the image `postgres:16`"), "{text}");
    env.eco(&["apply"]).ok();
    let line = "dir=app args=two words,third a=from file b=own level=debug dollar=$B done=23";
    is_restarted(&env, line);
    env.eco(&["diff"]).ok();
}

#[test]
fn processes_of_process_compose_run_without_it() {
    let env = TestEnv::new();
    let port = free_port();
    env.write("app/run.sh", PROGRAM);
    env.write(".env", "LEVEL=debug\n");
    env.write(
        "pc.yaml",
        &format!(
            r#"
version: "0.5"
environment: ["A=from file", "B=lost"]
vars: {{ WORD: third }}
processes:
  web:
    command: sh run.sh 'two words' {{{{.WORD}}}}
    working_dir: app
    environment: [B=own, "DOLLAR=$$B"]
    availability: {{ restart: on_failure, backoff_seconds: 1 }}
    depends_on: {{ migrate: {{ condition: process_completed_successfully }} }}
  migrate:
    command: "echo $$((20 + 3)) > migrated"
  server:
    command: python3 -m http.server --bind 127.0.0.1 {port}
    readiness_probe: {{ http_get: {{ host: 127.0.0.1, port: {port} }}, period_seconds: 1, failure_threshold: 60 }}
    availability: {{ restart: always }}
  idle: {{ command: sleep 100000, disabled: true }}
"#
        ),
    );
    env.eco(&["apply", "pc.yaml"])
        .exits(2)
        .says("this is a process-compose file")
        .says("`eco import pc.yaml -o ecosystem.yaml`");
    env.eco(&["import", "pc.yaml", "-o", "ecosystem.yaml"]).ok().says("4 apps");
    env.eco(&["apply"]).ok();
    let line = "dir=app args=two words,third a=from file b=own level=debug dollar=$B done=23";
    is_restarted(&env, line);
    assert!(http_get(port, "/").is_some());
    assert!(env.is("idle", "off"));
}

#[test]
fn paths_of_a_compose_file_stay_where_they_are() {
    let env = TestEnv::new();
    env.write("old/app/run.sh", "echo \"here $WHERE $TOKEN\"; exec sleep 100000\n");
    env.write("old/.env", "WHERE=old\n");
    env.write(
        "old/compose.yaml",
        "services: { web: { build: app, command: sh run.sh, environment: { WHERE: \"${WHERE}\", \
         TOKEN: abc } } }\n",
    );
    env.write("old/compose.override.yaml", "services: { web: { environment: { WHERE: x } } }\n");
    std::fs::create_dir_all(env.path("new")).unwrap();
    env.eco(&["import", "old/compose.yaml", "-o", "new/ecosystem.yaml"]).ok();
    let text = env.read("new/ecosystem.yaml");
    assert!(text.contains("`compose.override.yaml` is not read"), "{text}");
    assert!(text.contains("secrets under `env` stay in clear text"), "{text}");
    env.eco(&["apply", "new/ecosystem.yaml"]).ok();
    env.wait_for("its output", || env.log("web").contains("here old abc"));
}

#[test]
fn the_keys_of_other_formats_are_printed() {
    let env = TestEnv::new();
    env.eco(&["import", "--fields", "--from", "docker-compose"])
        .ok()
        .says("services.*.stop_grace_period")
        .says("there is no container");
    env.eco(&["import", "--fields", "--from", "process-compose"])
        .ok()
        .says("processes.*.readiness_probe");
    env.eco(&["import", "--fields"]).ok().says("exec_mode");
}

#[test]
fn a_compose_file_is_read_from_standard_input() {
    let env = TestEnv::new();
    let text = "services: { web: { image: node, command: node server.js } }\n";
    let printed = env.call(&["import", "-"]).stdin(text).run().ok();
    assert!(printed.stdout.contains("command: node server.js"), "{}", printed.stdout);
}
