//! `eco import` of the real binary: what is written where, and what is said of it.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::harness::{TestEnv, free_port};

const WITH_SECRETS: &str = "{ apps: [
  { name: 'web', script: 'web.sh', env: { API_TOKEN: 'to$ken 1', PORT: 1 } },
  { name: 'mail', script: 'web.sh', env: { API_TOKEN: 'other', DB: 'pg://me:pw@db/x', KEY: '' } },
] }";

#[test]
fn secrets_are_moved_out_of_the_file() {
    let env = TestEnv::new();
    env.write("web.sh", "sleep 100000\n");
    env.write("pm2.json", WITH_SECRETS);
    env.eco(&["apply", "pm2.json"]).ok();
    env.eco(&["import", "pm2.json", "-o", "ecosystem.yaml"])
        .ok()
        .says("wrote ecosystem.yaml: 2 apps")
        .says("are in .env now: API_TOKEN, MAIL_API_TOKEN, DB");
    let text = fs::read_to_string(env.path("ecosystem.yaml")).unwrap();
    assert!(text.contains("vars_file: .env"), "{text}");
    for secret in ["ken 1", "other", "pw@"] {
        assert!(!text.contains(secret), "{text}");
    }
    let mode = fs::metadata(env.path(".env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // What runs is what the file says.
    env.eco(&["diff", "ecosystem.yaml"]).ok();

    // Again: nothing is written twice, and nothing of others is lost.
    let kept = fs::read_to_string(env.path(".env")).unwrap();
    env.eco(&["import", "pm2.json", "-o", "ecosystem.yaml"]).exits(2).says("already there");
    env.eco(&["import", "pm2.json", "-o", "ecosystem.yaml", "--force"])
        .ok()
        .says("in .env already");
    assert_eq!(fs::read_to_string(env.path(".env")).unwrap(), kept);
    env.write(".env", "API_TOKEN=mine\n");
    env.eco(&["import", "pm2.json", "-o", "new.yaml"]).exits(2).says("has another `API_TOKEN`");
    assert!(!env.path("new.yaml").exists());
    env.eco(&["import", "pm2.json", "-o", "new.yaml", "--keep-secrets"]).ok();
    assert!(fs::read_to_string(env.path("new.yaml")).unwrap().contains("to$$ken 1"));
}

#[test]
fn what_is_printed_has_no_secrets() {
    let env = TestEnv::new();
    env.write("web.sh", "sleep 100000\n");
    env.write("pm2.json", WITH_SECRETS);
    let printed = env.eco(&["import", "pm2.json"]).ok();
    assert!(!printed.stdout.contains("ken 1"));
    printed.says("holds secrets in clear text: API_TOKEN");
    assert!(!env.path(".env").exists());
}

#[test]
fn a_procfile_is_imported_applied_and_served() {
    let env = TestEnv::new();
    let port = free_port();
    env.write("Procfile", "web: sh -c 'exec python3 -m http.server --bind 127.0.0.1 $PORT'\n");
    env.eco(&["apply", "Procfile"]).exits(2).says("`eco import Procfile -o ecosystem.yaml`");
    env.eco(&["import", "Procfile", "-o", "ecosystem.yaml"]).ok();
    let text = fs::read_to_string(env.path("ecosystem.yaml")).unwrap();
    env.write("ecosystem.yaml", &text.replace("5000", &port.to_string()));
    env.eco(&["apply"]).ok();
    env.eco(&["status"]).ok();
    assert!(crate::harness::http_get(port, "/").is_some());
}

#[test]
fn a_file_for_another_directory_keeps_its_paths() {
    let env = TestEnv::new();
    env.write("old/jobs/loop.sh", "pwd; sleep 100000\n");
    env.write("old/pm2.json", "[{ name: 'a', script: './loop.sh', cwd: 'jobs', watch: 'src' }]");
    fs::create_dir_all(env.path("old/jobs/src")).unwrap();
    fs::create_dir_all(env.path("new")).unwrap();
    env.eco(&["import", "old/pm2.json", "-o", "new/ecosystem.yaml"]).ok();
    env.eco(&["apply", "new/ecosystem.yaml"]).ok();
    env.eco(&["logs", "a", "-n", "1"]).ok().says("old/jobs");
}

#[test]
fn standard_input_is_read() {
    let env = TestEnv::new();
    env.write("Procfile", "a: sleep 100000\n");
    let text = "a: sleep 1\nb: sleep 2\n";
    let printed = env.call(&["import", "-", "--from", "procfile"]).stdin(text).run().ok();
    assert!(printed.stdout.contains("sleep 2"), "{}", printed.stdout);
}
