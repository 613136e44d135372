//! The table of PM2's keys against the list of them.

use std::{borrow::Cow, collections::BTreeSet, fs};

use eco::import::{Answer, FIELDS, Field, TOP};

/// Every name that PM2 7 takes for a key of an app, in snake case, from its documentation.
const NAMES: &str = "
    script exec cmd command name name_prefix namespace cwd args exec_interpreter interpreter node_args
    interpreter_args instances exec_mode execute_command force increment_var instance_var port env
    filter_env append_env_to_name out_file out output out_log error_file error err err_file err_log
    log_file log pid_file pid merge_logs combine_logs disable_logs log_type log_date_format time
    autostart autorestart stop_exit_codes min_uptime max_restarts restart_delay
    exp_backoff_restart_delay max_memory_restart cron_restart cron watch ignore_watch watch_delay
    watch_options wait_ready listen_timeout kill_timeout kill_retry_time shutdown_with_message treekill
    uid user gid username source_map_support disable_source_map_support vizion post_update pmx
    automation trace disable_trace v8 event_loop_inspector deep_monitoring io windowsHide install_url
    write interpreterArgs nodeArgs maxMemoryRestart execMode";

#[test]
fn every_key_of_pm2_has_an_answer() {
    let known: BTreeSet<String> =
        FIELDS.iter().flat_map(Field::names).map(Cow::into_owned).collect();
    let missing: Vec<_> = NAMES.split_whitespace().filter(|name| !known.contains(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let top: Vec<_> = TOP.iter().flat_map(Field::names).collect();
    assert_eq!(top, ["apps", "pm2", "deploy", "static"]);
}

#[test]
fn every_key_has_one_answer_and_every_answer_words() {
    let mut seen = BTreeSet::new();
    for field in FIELDS.iter().chain(TOP) {
        for name in field.names() {
            assert!(seen.insert(name.clone()), "{name} is there twice");
        }
        let words = match field.answer {
            Answer::Mapped(to) => to,
            Answer::Differs(to, how) => {
                assert!(!to.is_empty());
                how
            }
            Answer::Nothing(why) | Answer::Refused(why) => why,
        };
        assert!(!words.is_empty() && !words.ends_with('.'), "{}: {words}", field.name);
    }
}

/// Each name is in some file of `good` or `bad`, in one of its spellings.
#[test]
fn every_key_is_in_some_file() {
    let files = super::files("good").into_iter().chain(super::files("bad"));
    let texts: Vec<String> = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    let key = |name: &str| regex::Regex::new(&format!(r#"(^|[\s{{,'"-]){name}['"]?\s*:"#)).unwrap();
    let is_there = |name: &str| {
        let key = if name == "env_NAME" { key("env_[a-z]+") } else { key(name) };
        texts.iter().any(|text| key.is_match(text))
    };
    let mut missing = Vec::new();
    for field in FIELDS.iter().chain(TOP) {
        for name in std::iter::once(field.name).chain(field.aliases.iter().copied()) {
            // `out_log` and `outLog` are one name.
            let spellings = Field { name, aliases: &[], answer: field.answer };
            if !spellings.names().iter().any(|name| is_there(name)) {
                missing.push(name);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
