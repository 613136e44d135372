//! Where the page is offered: by the file, by hand, over TLS, and why it is not.

use std::{net::TcpListener, process::Command};

use serde_json::json;

use super::{SLEEPERS, ask, file, listen, own_host, token, try_ask};
use crate::harness::{TestEnv, free_port, program};

#[test]
fn an_edit_of_it_touches_no_process_and_shows_in_diff() {
    let (env, first, second) = (TestEnv::new(), free_port(), free_port());
    file(&env, "", SLEEPERS);
    env.apply();
    let pids = env.pids("web");
    file(&env, &listen(first), SLEEPERS);
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    let expected = json!([{
        "app": "", "field": "dashboard.listen", "old": null, "new": format!("127.0.0.1:{first}"),
        "effect": "live", "masked": false,
    }]);
    assert_eq!((&diff["changes"], &diff["actions"]), (&expected, &json!([])));
    env.apply();
    env.eco(&["diff"]).ok();
    assert_eq!(ask(first, "GET /", &[own_host(first)], "").status, 200);
    assert_eq!(env.status()["dashboard"]["url"], format!("http://127.0.0.1:{first}/"));
    file(&env, &listen(second), SLEEPERS);
    env.apply();
    assert!(try_ask(first, "GET /", &[own_host(first)], "").is_none());
    assert_eq!(ask(second, "GET /", &[own_host(second)], "").status, 200);
    // A part of the file is no word on the whole project.
    file(&env, "", SLEEPERS);
    env.eco(&["apply", "--only", "web"]).ok();
    assert_eq!(ask(second, "GET /", &[own_host(second)], "").status, 200);
    env.apply();
    assert!(try_ask(second, "GET /", &[own_host(second)], "").is_none());
    assert_eq!(env.pids("web"), pids);
}

#[test]
fn one_that_cannot_be_had_hinders_no_app_and_is_told() {
    let env = TestEnv::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    file(&env, &listen(port), SLEEPERS);
    env.apply().says("the dashboard is not offered: 127.0.0.1:").says("is in use by");
    env.eco(&["status"]).ok().says("the dashboard is not offered");
    env.eco(&["dashboard"]).exits(1).says("is in use by").says("--listen");
    drop(taken);
    env.wait_for("the page", || try_ask(port, "GET /", &[own_host(port)], "").is_some());
    assert_eq!(env.status()["dashboard"]["error"], json!(null));
    env.eco(&["dashboard"]).ok();
}

#[test]
fn by_hand_it_is_offered_until_the_controller_ends_and_to_this_machine_alone() {
    let (env, port) = (TestEnv::with_apps(SLEEPERS), free_port());
    env.eco(&["dashboard"]).exits(3);
    env.apply();
    env.eco(&["dashboard", "--listen", "0.0.0.0:9616"]).exits(2).says("tls").says("ssh -L");
    env.eco(&["dashboard", "--listen", "9616"]).exits(2);
    env.eco(&["dashboard", "-p", "nothing"]).exits(2).says("no project `nothing`");
    let at = format!("127.0.0.1:{port}");
    let output = env.eco(&["dashboard", "--listen", &at]).ok().says("logs in once");
    assert!(output.stdout.starts_with(&format!("http://{at}/login#")), "{output}");
    // Without an address, where it is already.
    assert!(env.eco(&["dashboard"]).ok().stdout.starts_with(&format!("http://{at}/login#")));
    assert_eq!(ask(port, "GET /", &[own_host(port)], "").status, 200);
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    env.eco(&["dashboard", "--listen", &taken]).exits(1).says("is in use");
    env.kill_roles(&["controller"]);
    env.wait_for("an end", || try_ask(port, "GET /", &[own_host(port)], "").is_none());
}

/// A certificate of its own making; `curl` is told not to mind.
fn certificate(env: &TestEnv, name: &str) {
    let path = |ending: &str| env.path(&format!("{name}.{ending}"));
    let made = Command::new(program("openssl"))
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=eco"])
        .arg("-keyout")
        .arg(path("key"))
        .arg("-out")
        .arg(path("pem"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn curl(url: &str, args: &[&str]) -> String {
    let mut command = Command::new(program("curl"));
    let output = command.args(["-sk", "--max-time", "20"]).args(args).arg(url).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn with_a_certificate_it_is_served_over_tls() {
    let (env, port) = (TestEnv::new(), free_port());
    certificate(&env, "a");
    certificate(&env, "b");
    let tls = |cert: &str, key: &str| {
        format!(
            "dashboard: {{ listen: \"0.0.0.0:{port}\", hosts: eco.example, tls: {{ cert: {cert}, \
             key: {key} }} }}"
        )
    };
    file(&env, &tls("a.pem", "a.key"), SLEEPERS);
    env.apply();
    let link = env.eco(&["dashboard", "--json"]).ok().json();
    assert_eq!(link["url"], format!("https://eco.example:{port}/"));
    let url = format!("https://127.0.0.1:{port}");
    assert!(curl(&url, &[]).contains("<title>eco</title>"));
    let at = format!("eco.example:{port}:127.0.0.1");
    assert!(curl(&format!("https://eco.example:{port}"), &["--resolve", &at]).contains("<title>"));
    let evil = format!("evil.example:{port}:127.0.0.1");
    let refused = curl(&format!("https://evil.example:{port}"), &["--resolve", &evil]);
    assert!(refused.contains("not called by this name"), "{refused}");
    let origin = format!("Origin: {url}");
    let body = format!("{{\"token\":\"{}\"}}", token(&env, &[]));
    let json = "Content-Type: application/json";
    let answer = curl(&format!("{url}/login"), &["-i", "-H", &origin, "-H", json, "-d", &body]);
    assert!(answer.contains("; Secure") && answer.contains("\"key\""), "{answer}");
    // In the clear nobody is answered.
    assert!(try_ask(port, "GET /", &[own_host(port)], "").is_none());
    // A key of another certificate.
    file(&env, &tls("a.pem", "b.key"), SLEEPERS);
    env.apply().says("cannot be used together");
    assert!(env.status()["dashboard"]["error"].as_str().unwrap().contains("b.key"));
    file(&env, &tls("b.pem", "b.key"), SLEEPERS);
    env.apply();
    assert!(curl(&url, &[]).contains("<title>"));
}
