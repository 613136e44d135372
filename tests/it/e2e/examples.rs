//! Every example, as a reader of it would run it.

use std::{fs, os::unix::fs::symlink, path::Path};

use serde_json::Value;

use crate::harness::{Signal, TestEnv, free_port, http_get, installed, program, repository, send};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_name() == "node_modules" {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A world whose project directory is a copy of an example.
fn example(name: &str) -> TestEnv {
    let env = TestEnv::new();
    copy(&repository("examples").join(name), &env.dir());
    env
}

fn apps(env: &TestEnv) -> Vec<Value> {
    env.status()["apps"].as_array().unwrap().clone()
}

fn all_ready(env: &TestEnv) {
    env.apply();
    for app in apps(env) {
        assert_eq!(app["state"], "ready", "{app}");
    }
    env.eco(&["status"]).ok();
    env.eco(&["diff"]).ok();
}

fn down(env: &TestEnv) {
    env.eco(&["down"]).ok();
    assert!(apps(env).is_empty());
}

#[test]
fn each_has_a_test() {
    let mut found: Vec<String> = fs::read_dir(repository("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let tested = [
        "alerts",
        "env-layers",
        "express",
        "fastapi",
        "go",
        "health",
        "hello",
        "jobs",
        "monorepo",
        "next",
        "php",
        "pm2",
        "profiles",
        "readiness",
        "restart-policies",
        "shared-port",
        "static-site",
        "tour",
        "watch",
    ];
    assert_eq!(found, tested);
}

#[test]
fn each_is_valid() {
    for entry in fs::read_dir(repository("examples")).unwrap().map(Result::unwrap) {
        let env = TestEnv::new();
        env.call(&["validate"]).dir(&entry.path()).run().ok();
    }
}

#[test]
fn hello() {
    let env = example("hello");
    all_ready(&env);
    env.wait_for("a greeting", || env.log("ticker").contains("hello 1\n"));
    env.wait_for("work", || env.log("worker/1").contains("worker 1: item 1\n"));
    env.eco(&["stop", "worker"]).ok();
    env.wait_for("a clean end", || env.log("worker/0").contains("asked to stop"));
    down(&env);
}

#[test]
fn alerts() {
    let env = example("alerts");
    all_ready(&env);
    env.write("broken", "");
    send(env.pid("web"), Signal::KILL);
    let told =
        |state: &str| env.read("alerts.log").contains(&format!("{state}: web: down for 1s: "));
    env.wait_for("the alert", || told("firing"));
    fs::remove_file(env.path("broken")).unwrap();
    env.wait_for("its end", || told("resolved"));
    down(&env);
}

#[test]
fn express() {
    program("node");
    program("python3");
    let modules = installed("tests/apps/express/node_modules");
    let env = example("express");
    symlink(modules, env.path("node_modules")).unwrap();
    let port = free_port();
    env.call(&["apply"]).env("SITE_PORT", &port.to_string()).run().ok();
    env.wait_for("the site", || {
        http_get(port, "/").is_some_and(|body| body.contains("Example site"))
    });
    for worker in ["worker/0", "worker/1"] {
        env.wait_for("work", || env.log(worker).contains(": item "));
    }
    env.wait_for("a report", || env.log("report").contains("report: "));
    down(&env);
    assert_eq!(http_get(port, "/"), None);
}

#[test]
fn express_has_the_version_that_tests_run_installs() {
    let dependencies = |path| {
        let text = fs::read_to_string(repository(path)).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["dependencies"].clone()
    };
    assert_eq!(
        dependencies("examples/express/package.json"),
        dependencies("tests/apps/express/package.json")
    );
}

#[test]
fn env_layers() {
    let env = example("env-layers");
    all_ready(&env);
    env.wait_for("all variables", || env.log("show").contains("WORKER_NAME="));
    let log = env.log("show");
    for line in [
        "REGION=eu",
        "COLOR=green",
        "CACHE_SIZE=256",
        "LOG_LEVEL=info",
        "DATABASE_URL=postgres://localhost/example",
        "TOKEN=not-a-real-token",
        "WORKER_NAME=show-0",
        "EMPTY=",
    ] {
        assert!(log.lines().any(|found| found == line), "no {line} in\n{log}");
    }
    for absent in ["FROM_BASE=", "HOME=", "ECO_HOME="] {
        assert!(!log.lines().any(|found| found.starts_with(absent)), "{absent} in\n{log}");
    }
    down(&env);
}

#[test]
fn readiness() {
    program("node");
    let env = example("readiness");
    let port = free_port();
    env.call(&["apply"]).env("SITE_PORT", &port.to_string()).run().ok();
    assert_eq!(http_get(port, "/").as_deref(), Some("warm\n"));
    assert!(env.log("loader").contains("loaded 42 items\n"));
    assert!(env.path("build-1.done").exists());
    down(&env);
}

#[test]
fn shared_port() {
    program("node");
    let env = example("shared-port");
    let port = free_port();
    env.call(&["apply"]).env("SITE_PORT", &port.to_string()).run().ok();
    for instance in ["\"0\"", "\"1\""] {
        env.wait_for("an answer of each instance", || {
            http_get(port, "/").is_some_and(|body| body.contains(instance))
        });
    }
    env.eco(&["restart", "web"]).ok();
    assert!(http_get(port, "/").is_some_and(|body| body.contains("hello")));
    down(&env);
    assert_eq!(http_get(port, "/"), None);
}

#[test]
fn restart_policies() {
    let env = example("restart-policies");
    env.eco(&["apply"]).exits(1).says("broken").says("cannot reach the database");
    env.wait_state("steady", "ready");
    env.wait_state("import", "done");
    env.wait_state("broken", "failed");
    assert_eq!(env.app("licensed")["instances"][0]["restarts"], 0);
    down(&env);
}

#[test]
fn profiles() {
    let env = example("profiles");
    all_ready(&env);
    assert_eq!(apps(&env).len(), 2);
    env.eco(&["apply", "--profile", "staging"]).ok();
    assert_eq!(env.pids("web").len(), 2);
    env.eco(&["apply", "--profile", "production"]).ok();
    assert_eq!(apps(&env).len(), 1);
    env.wait_for("production", || env.log("web").contains("web 0 in production\n"));
    down(&env);
}

#[test]
fn pm2() {
    program("node");
    program("python3");
    let (env, port) = (example("pm2"), free_port());
    let eco = |args: &[&str]| env.call(args).env("SITE_PORT", &port.to_string()).run();
    eco(&["apply"]).ok();
    let (site, mailer) = (env.pids("site"), env.pid("mailer"));
    assert!(http_get(port, "/").unwrap().ends_with("development\n"));
    env.wait_for("mail", || env.log("mailer").contains("sending from --queue outbox\n"));
    eco(&["apply"]).ok();
    assert_eq!(env.pids("site"), site);
    eco(&["apply", "--env", "production"]).ok();
    assert!(http_get(port, "/").unwrap().ends_with("production\n"));
    assert_eq!(env.pid("mailer"), mailer);
    eco(&["import", "ecosystem.config.js"]).ok().says("command: python3 ./mailer.py");
    down(&env);
}

#[test]
fn jobs() {
    let env = example("jobs");
    env.apply();
    let states = ["cache", "migrate", "nightly", "web"].map(|app| env.app(app)["state"].clone());
    assert_eq!(states, ["ready", "done", "done", "ready"]);
    let said = |app: &str, words: &str| env.log(app).contains(words);
    env.wait_for("the migration", || said("migrate", "migrated: create table orders\n"));
    assert!(!said("nightly", "orders"), "never at start");
    assert!(env.app("nightly")["next"].is_string() && env.app("web")["next"].is_string());
    let web = env.pid("web");
    env.eco(&["run-job", "nightly"]).ok();
    env.wait_for("the report", || said("nightly", "orders of the day: 42\n"));
    env.write("migrations.txt", "create table customers\n");
    env.apply();
    env.wait_for("the next migration", || said("migrate", "migrated: create table customers\n"));
    assert_eq!(env.pid("web"), web);
    env.eco(&["status"]).ok();
    env.eco(&["diff"]).ok();
    down(&env);
}

#[test]
fn watch() {
    let env = example("watch");
    all_ready(&env);
    let (web, built) = (env.pid("web"), env.pid("built"));
    env.write("src/page.txt", "another page\n");
    env.wait_for("the new page", || env.log("web").contains("serving: another page\n"));
    assert_ne!(env.pid("web"), web);
    assert_eq!(env.pid("built"), built);
    env.write("dist/page.txt", "another build\n");
    env.eco(&["diff"]).exits(1).says("dist/page.txt");
    assert_eq!(env.pid("built"), built);
    env.apply();
    assert_ne!(env.pid("built"), built);
    down(&env);
}

#[test]
fn health() {
    program("node");
    let (env, port, metrics) = (example("health"), free_port(), free_port());
    let ports = [("SITE_PORT", port), ("METRICS_PORT", metrics)];
    let eco = |args: &[&str]| {
        let call = env.call(args);
        ports.iter().fold(call, |call, (name, port)| call.env(name, &port.to_string())).run()
    };
    eco(&["apply"]).ok();
    let (site, worker) = (env.pid("site"), env.pid("worker"));
    env.write("hang", "");
    env.wait_for("another site", || {
        env.pids("site").values().all(|pid| *pid != site) && env.is("site", "ready")
    });
    assert_eq!(http_get(port, "/").unwrap().trim(), env.pid("site").to_string());
    assert!(http_get(metrics, "/metrics").unwrap().contains("eco_app_ready_instances"));
    env.eco(&["reload", "worker"]).ok();
    env.wait_for("the worker's words", || env.log("worker").contains("reads its files again"));
    assert_eq!(env.pid("worker"), worker);
    down(&env);
}

/// Asks until this is in the answer, at most as long as tests wait.
fn answers(env: &TestEnv, port: u16, path: &str, words: &str) {
    env.wait_for(words, || http_get(port, path).is_some_and(|body| body.contains(words)));
}

#[test]
fn fastapi() {
    let venv = installed("tests/.cache/venv/bin/uvicorn");
    let (env, port) = (example("fastapi"), free_port());
    symlink(venv.parent().unwrap().parent().unwrap(), env.path(".venv")).unwrap();
    let eco = |args: &[&str]| env.call(args).env("API_PORT", &port.to_string()).run();
    eco(&["apply"]).ok();
    answers(&env, port, "/", "\"message\":\"hello\"");
    let before = env.pids("api");
    eco(&["reload", "api"]).ok();
    assert!(env.pids("api").values().all(|pid| before.values().all(|old| old != pid)));
    answers(&env, port, "/", "hello");
    down(&env);
    assert_eq!(http_get(port, "/"), None);
}

#[test]
fn fastapi_has_the_versions_that_tests_run_installs() {
    let all = fs::read_to_string(repository("tests/apps/python/requirements.txt")).unwrap();
    let wanted = fs::read_to_string(repository("examples/fastapi/requirements.txt")).unwrap();
    for line in wanted.lines() {
        assert!(all.lines().any(|known| known == line), "{line}");
    }
}

#[test]
fn go() {
    program("go");
    let (env, port) = (example("go"), free_port());
    let cache = repository("tests/.cache/go/build");
    let build = || {
        let built = std::process::Command::new("go")
            .args(["build", "-o", "bin/shop", "."])
            .current_dir(env.dir())
            .env("GOCACHE", &cache)
            .env("GOTOOLCHAIN", "local")
            .env("CGO_ENABLED", "0")
            .status();
        assert!(built.unwrap().success());
    };
    let eco = |args: &[&str]| env.call(args).env("SHOP_PORT", &port.to_string()).run();
    build();
    eco(&["apply"]).ok();
    answers(&env, port, "/", "a price in EUR");
    let before = env.pids("shop");
    eco(&["apply"]).ok();
    assert_eq!(env.pids("shop"), before);
    let main = env.read("main.go");
    env.write("main.go", &main.replace("a price", "the price"));
    build();
    eco(&["diff"]).exits(1).says("bin/shop");
    eco(&["apply"]).ok();
    answers(&env, port, "/", "the price in EUR");
    down(&env);
    assert_eq!(http_get(port, "/"), None);
}

#[test]
fn next() {
    program("node");
    let built = installed("tests/apps/next/.next/BUILD_ID");
    let app = built.parent().unwrap().parent().unwrap().to_owned();
    let (env, port) = (example("next"), free_port());
    let eco = |args: &[&str]| {
        let call = env.call(args).env("SITE_PORT", &port.to_string());
        call.env("NEXT_DIR", &app.display().to_string()).run()
    };
    eco(&["apply"]).ok();
    answers(&env, port, "/", "<p>");
    eco(&["reload", "site"]).ok();
    answers(&env, port, "/", "<p>");
    down(&env);
    assert_eq!(http_get(port, "/"), None);
}

#[test]
fn next_is_what_tests_run_builds() {
    let text = |path: &str| fs::read_to_string(repository(path)).unwrap();
    assert_eq!(text("examples/next/pages/index.js"), text("tests/apps/next/pages/index.js"));
    let dependencies =
        |path: &str| serde_json::from_str::<Value>(&text(path)).unwrap()["dependencies"].clone();
    assert_eq!(
        dependencies("examples/next/package.json"),
        dependencies("tests/apps/next/package.json")
    );
}

#[test]
fn php() {
    program("php");
    let (env, port) = (example("php"), free_port());
    let eco = |args: &[&str]| env.call(args).env("SITE_PORT", &port.to_string()).run();
    eco(&["apply"]).ok();
    assert!(env.log("migrate").contains("migrated\n"));
    answers(&env, port, "/", "a shop in production");
    answers(&env, port, "/order", "queued order ");
    env.wait_for("the order", || {
        ["queue/0", "queue/1"].iter().any(|worker| env.log(worker).contains("done: order "))
    });
    eco(&["run-job", "schedule"]).ok();
    env.wait_for("the schedule", || env.log("schedule").contains(" orders wait\n"));
    eco(&["reload", "web"]).ok();
    answers(&env, port, "/", "a shop in production");
    let workers = env.pids("queue");
    eco(&["stop", "queue"]).ok();
    assert_eq!(workers.len(), 2);
    assert!(env.log("queue/0").contains("asked to stop\n"));
    down(&env);
    assert_eq!(http_get(port, "/up"), None);
}

#[test]
fn static_site() {
    program("python3");
    let (env, port) = (example("static-site"), free_port());
    let eco = |args: &[&str]| env.call(args).env("SITE_PORT", &port.to_string()).run();
    eco(&["apply"]).ok();
    answers(&env, port, "/", "two processes at one port");
    let before = env.pids("site");
    env.write("public/index.html", "an edited page\n");
    answers(&env, port, "/", "an edited page");
    env.write("public-2/index.html", "a new release\n");
    let release = env.call(&["apply"]).env("SITE_PORT", &port.to_string());
    release.env("SITE_DIR", "public-2").run().ok();
    answers(&env, port, "/", "a new release");
    assert_ne!(env.pids("site"), before);
    down(&env);
    assert_eq!(http_get(port, "/"), None);
}

#[test]
fn monorepo() {
    program("node");
    let (env, api, web) = (example("monorepo"), free_port(), free_port());
    let eco = |args: &[&str]| {
        let call = env.call(args).env("API_PORT", &api.to_string());
        call.env("WEB_PORT", &web.to_string()).run()
    };
    eco(&["apply", "--profile", "development"]).ok();
    assert!(env.log("migrate").contains("applied 001-orders.sql\n"));
    answers(&env, web, "/", "The corner shop (development): tea, coffee");
    let (site, worker) = (env.pid("web"), env.pid("worker"));
    let server = env.read("api/server.js");
    env.write("api/server.js", &server.replace("coffee", "cocoa"));
    answers(&env, web, "/", "tea, cocoa");
    assert_eq!((env.pid("web"), env.pid("worker")), (site, worker));
    env.write("db/migrations/002-customers.sql", "create table customers (id integer);\n");
    eco(&["apply"]).ok().says("development");
    assert!(env.log("migrate").contains("applied 002-customers.sql\n"));
    assert_eq!((env.pid("web"), env.pid("worker")), (site, worker));
    eco(&["apply", "--profile", "production"]).ok();
    answers(&env, web, "/", "The corner shop (production): tea, cocoa");
    let counts = ["api", "web", "worker"].map(|app| env.pids(app).len());
    assert_eq!(counts, [2, 2, 2]);
    eco(&["diff"]).ok();
    down(&env);
    assert_eq!((http_get(api, "/"), http_get(web, "/")), (None, None));
}
