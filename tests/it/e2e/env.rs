//! The environment of an app: exactly what the file and the contract say, nothing else.

use std::collections::BTreeMap;

use crate::harness::TestEnv;

/// The environment of the app's latest run, as the program itself was given it.
fn environ(env: &TestEnv, app: &str) -> BTreeMap<String, String> {
    let bytes = std::fs::read(format!("/proc/{}/environ", env.pid(app))).unwrap();
    String::from_utf8_lossy(&bytes)
        .split('\0')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn nothing_of_the_caller_leaks() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000, env: { A: one, B: '' } }\n");
    env.call(&["apply"])
        .env("POISON", "from the shell")
        .env("LD_LIBRARY_PATH", "/poison")
        .env("ECO_POISON", "x")
        .env("RUST_LOG", "trace")
        .env("npm_config_poison", "x")
        .run()
        .ok();
    let mut found = environ(&env, "web");
    let expected = [("A", "one"), ("B", ""), ("ECO_PROJECT", "shop"), ("ECO_APP", "web")];
    for (name, value) in expected.into_iter().chain([
        ("ECO_INSTANCE", "0"),
        ("NODE_APP_INSTANCE", "0"),
        ("LANG", "C.UTF-8"),
    ]) {
        assert_eq!(found.remove(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(found.remove("PATH"), std::env::var("PATH").ok());
    assert!(found.remove("HOME").is_some());
    assert!(found.remove("ECO_RUN").is_some(), "what its processes are known by");
    assert_eq!(found, BTreeMap::new(), "leaked");
}

#[test]
fn indexes_are_dense_and_each_instance_knows_its_own() {
    let env = TestEnv::with_apps(
        "  web: { command: sleep 100000, instances: 3, env: { NAME: 'w${ECO_INSTANCE}' } }\n",
    );
    env.apply();
    for (id, pid) in env.pids("web") {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        let index = id.strip_prefix("web/").unwrap();
        let text = String::from_utf8_lossy(&environ).into_owned();
        for wanted in [format!("ECO_INSTANCE={index}\0"), format!("NAME=w{index}\0")] {
            assert!(text.contains(&wanted), "{id} has no {wanted:?}");
        }
    }
}

#[test]
fn a_removed_variable_is_gone_at_the_next_start() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000, env: { A: one, B: two } }\n");
    env.apply();
    assert_eq!(environ(&env, "web")["B"], "two");
    env.apps("  web: { command: sleep 100000, env: { A: one } }\n");
    env.apply();
    assert!(!environ(&env, "web").contains_key("B"));
}

#[test]
fn null_takes_an_inherited_variable_away() {
    let env = TestEnv::with_apps(
        "  web: { command: sleep 100000, inherit_env: [PATH, SEEN, HIDDEN, WILD_*], env: { HIDDEN: null } }\n",
    );
    env.call(&["apply"])
        .env("SEEN", "yes")
        .env("HIDDEN", "yes")
        .env("WILD_ONE", "1")
        .env("WILDER", "no")
        .run()
        .ok();
    let found = environ(&env, "web");
    assert_eq!(found["SEEN"], "yes");
    assert_eq!(found["WILD_ONE"], "1");
    for absent in ["HIDDEN", "WILDER", "HOME", "LANG"] {
        assert!(!found.contains_key(absent), "{absent}");
    }
}

#[test]
fn inherited_values_are_captured_and_alone_no_change() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000, inherit_env: [PATH, SEEN] }\n");
    env.call(&["apply"]).env("SEEN", "first").run().ok();
    let pid = env.pid("web");
    env.call(&["apply"]).env("SEEN", "second").run().ok();
    assert_eq!(env.pid("web"), pid);
    env.eco(&["restart", "web"]).ok();
    assert_eq!(environ(&env, "web")["SEEN"], "first", "captured with the revision");
    env.call(&["apply", "--refresh-env"]).env("SEEN", "second").run().ok();
    assert_eq!(environ(&env, "web")["SEEN"], "second");
}

#[test]
fn layers_go_from_env_files_to_env() {
    let env = TestEnv::new();
    env.write("base.env", "A=base\nB=base\n# a comment\nC=\"with space\"\n");
    env.write("more.env", "export B=more\n");
    env.write("secret.txt", "hush\n");
    env.write("vars.env", "FROM_VARS=v\n");
    env.write(
        "ecosystem.yaml",
        "name: shop\nvars_file: vars.env\ndefaults: { rollout: { min_ready: 100ms }, env: { D: default } }\napps:\n  web:\n    command: sleep 100000\n    env_file: [base.env, more.env]\n    env: { C: own, V: '${FROM_VARS}', W: '${NOT_SET:-fallback}', N: 1.10, T: true, S: { file: secret.txt } }\n",
    );
    env.apply();
    let found = environ(&env, "web");
    for (name, value) in [
        ("A", "base"),
        ("B", "more"),
        ("C", "own"),
        ("D", "default"),
        ("V", "v"),
        ("W", "fallback"),
        ("N", "1.10"),
        ("T", "true"),
        ("S", "hush"),
    ] {
        assert_eq!(found.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!found.contains_key("FROM_VARS"), "vars are for the file, not for apps");
}

#[test]
fn an_unset_variable_stops_apply_in_words() {
    let env = TestEnv::with_apps(
        "  web: { command: sleep 100000, env: { U: '${DATABASE_URL:?set it first}' } }\n",
    );
    env.eco(&["apply"]).exits(2).says("DATABASE_URL").says("set it first");
    env.call(&["apply"]).env("DATABASE_URL", "db://x").run().ok();
    assert_eq!(environ(&env, "web")["U"], "db://x");
}

#[test]
fn apps_get_no_descriptor_but_the_three() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000 }\n");
    env.apply();
    let pid = env.pid("web");
    let mut open: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    open.sort();
    assert_eq!(open, ["0", "1", "2"]);
    let stdin = std::fs::read_link(format!("/proc/{pid}/fd/0")).unwrap();
    assert_eq!(stdin.to_str(), Some("/dev/null"));
}

#[test]
fn state_with_secrets_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = TestEnv::with_apps("  web: { command: sleep 100000, env: { A: hush } }\n");
    env.apply();
    let mut dirs = vec![env.home()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).unwrap().filter_map(Result::ok) {
            let Ok(metadata) = entry.path().symlink_metadata() else { continue };
            let mode = metadata.permissions().mode() & 0o077;
            assert_eq!(mode, 0, "others may open {}", entry.path().display());
            if metadata.is_dir() {
                dirs.push(entry.path());
            }
        }
    }
}

/// All that is stored, as text.
fn stored_text(dir: &std::path::Path) -> String {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let texts = entries.map(|entry| {
        if entry.file_type().unwrap().is_dir() {
            stored_text(&entry.path())
        } else {
            String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned()
        }
    });
    texts.collect()
}

#[test]
fn a_changed_secret_file_is_a_change_that_tells_nothing_of_it() {
    use hmac::Mac as _;
    use sha2::Digest as _;
    let env =
        TestEnv::with_apps("  web: { command: sleep 100000, env: { S: { file: pin.txt } } }\n");
    env.write("pin.txt", "1234");
    env.eco(&["diff"]).exits(1);
    assert!(!env.home().exists(), "a diff leaves nothing behind");
    env.apply();
    let pid = env.pid("web");
    env.eco(&["diff"]).ok();
    let key = std::fs::read(env.home().join("state/secret.key")).unwrap();
    assert_eq!(key.len(), 32);

    env.write("pin.txt", "4321");
    env.eco(&["diff"]).exits(1).says("env.S");
    env.apply();
    assert_ne!(env.pid("web"), pid);
    assert_eq!(environ(&env, "web")["S"], "4321");

    let mut guess = hmac::Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    guess.update(b"4321");
    let keyed = format!("{:x}", guess.finalize().into_bytes());
    let stored = stored_text(&env.home().join("state"));
    assert!(stored.contains(&keyed), "{stored}");
    for pin in ["1234", "4321"] {
        let plain = format!("{:x}", sha2::Sha256::digest(pin));
        assert!(!stored.contains(&plain), "anybody could try all pins against it: {stored}");
    }

    std::fs::write(env.home().join("state/secret.key"), "short").unwrap();
    env.eco(&["apply"]).exits(3).says("secret.key is no key of 32 bytes; remove it");
}

#[test]
fn the_words_of_a_command_are_split_as_a_shell_would() {
    let env = TestEnv::new();
    env.script("args.sh", "#!/bin/sh\nfor a; do echo \"<$a>\"; done\nexec sleep 100000\n");
    env.apps(
        "  text: { command: \"./args.sh 'a b' c\\\\ d\" }\n  list: { command: [./args.sh, 'x y', ''] }\n  filled: { command: './args.sh ${WORDS} ${ECO_APP}' }\n",
    );
    env.call(&["apply"]).env("WORDS", "one word").run().ok();
    env.wait_for("text", || env.log("text") == "<a b>\n<c d>\n");
    env.wait_for("list", || env.log("list") == "<x y>\n<>\n");
    env.wait_for("filled", || env.log("filled") == "<one word>\n<filled>\n");
}
