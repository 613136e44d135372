//! Completions, in the shells themselves.

use std::{path::Path, process::Command};

use crate::harness::{TestEnv, program};

/// Something to complete: a project with two apps, two generations and two profiles.
fn completable() -> TestEnv {
    let env = TestEnv::new();
    let file = |seconds: u32| {
        format!(
            "name: shop\napps:\n  web: {{ command: sleep {seconds} }}\n  worker: {{ command: sleep 100000 }}\n\
             profiles: {{ staging: {{}}, production: {{}} }}\n"
        )
    };
    env.write("ecosystem.yaml", &file(100_000));
    env.apply();
    env.write("ecosystem.yaml", &file(200_000));
    env.apply();
    env
}

/// What was typed, and all that its last word may become, or some of it.
const COMPLETED: &[(&str, &[&str])] = &[
    ("eco res", &["restart"]),
    ("eco restart w", &["web", "worker"]),
    ("eco apply --profile ", &["staging", "production"]),
    ("eco status --project ", &["shop"]),
    ("eco rollback --to ", &["1", "2"]),
    ("eco explain rolled", &["rolled_back"]),
];

/// Runs a script of a shell in which `eco` is the program under test.
fn in_shell(env: &TestEnv, shell: &str, arguments: &[&str]) -> String {
    program(shell);
    let bin = Path::new(env!("CARGO_BIN_EXE_eco")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Command::new(shell)
        .args(arguments)
        .current_dir(env.dir())
        .env("PATH", path)
        .env("ECO_HOME", env.home())
        .env("HOME", env.dir())
        .output()
        .unwrap();
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[track_caller]
fn completes(typed: &str, wanted: &[&str], said: &str) {
    for word in wanted {
        let is_offered = |line: &str| line.split(['\t', ':', ' ']).next() == Some(*word);
        assert!(said.lines().any(is_offered), "{typed}: no {word} in\n{said}");
    }
}

#[test]
fn bash_completes_commands_apps_projects_profiles_and_generations() {
    let env = completable();
    for (typed, wanted) in COMPLETED {
        let words: Vec<&str> = typed.split(' ').collect();
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let script = format!(
            "source <(eco completions bash); COMP_WORDS=({}); COMP_CWORD={}; COMP_TYPE=9; \
             COMP_LINE='{typed}'; COMP_POINT=${{#COMP_LINE}}; \
             f=$(complete -p eco | sed 's/.*-F \\([^ ]*\\).*/\\1/'); \
             $f eco '{}' ''; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            quoted.join(" "),
            words.len() - 1,
            words.last().unwrap(),
        );
        completes(typed, wanted, &in_shell(&env, "bash", &["--norc", "-c", &script]));
    }
}

#[test]
fn fish_completes_commands_apps_projects_profiles_and_generations() {
    let env = completable();
    for (typed, wanted) in COMPLETED {
        let script = format!("eco completions fish | source; complete -C '{typed}'");
        completes(typed, wanted, &in_shell(&env, "fish", &["--no-config", "-c", &script]));
    }
}

#[test]
fn zsh_completes_commands_apps_projects_profiles_and_generations() {
    let env = completable();
    for (typed, wanted) in COMPLETED {
        let words: Vec<&str> = typed.split(' ').collect();
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        // What zsh's own completion system calls, and what it is called with.
        let script = format!(
            "compdef() {{ f=$1 }}; _describe() {{ print -l -- ${{(P)@[-1]}} }}; \
             source <(eco completions zsh); words=({}); CURRENT={}; $f",
            quoted.join(" "),
            words.len(),
        );
        completes(typed, wanted, &in_shell(&env, "zsh", &["-f", "-c", &script]));
    }
}
