//! The tables of the compose formats' keys against lists of them, and against the fixtures.

use std::{collections::BTreeSet, path::Path};

use eco::{
    config::plain_json,
    import::{Asked, Format, native},
};
use serde_json::Value;

use super::{files, with_source};

/// What a service of docker compose may have.
const SERVICE: &str = "
    develop deploy annotations attach build blkio_config cap_add cap_drop cgroup cgroup_parent command
    configs container_name cpu_count cpu_percent cpu_shares cpu_quota cpu_period cpu_rt_period
    cpu_rt_runtime cpus cpuset credential_spec depends_on device_cgroup_rules devices dns dns_opt
    dns_search domainname entrypoint env_file label_file environment expose extends provider
    external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation labels
    links logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit network_mode
    models networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_stop
    privileged profiles pull_policy pull_refresh_after read_only restart runtime scale security_opt
    shm_size secrets sysctls stdin_open stop_grace_period stop_signal storage_opt tmpfs tty ulimits
    use_api_socket user uts userns_mode volumes volumes_from working_dir";

/// What a process of process-compose may have.
const PROCESS: &str = "
    name extends disabled is_daemon command entrypoint log_location log_configuration environment
    env_file availability depends_on liveness_probe readiness_probe ready_log_line shutdown
    disable_ansi_colors working_dir namespace replicas description vars is_foreground is_tty
    is_elevated is_interactive launch_timeout_seconds is_disabled is_dotenv_disabled original_config
    replica_num replica_name executable args schedule watch mcp truncate_log is_template_disabled
    monitor_for monitor_silence_threshold success_exit_codes";

#[test]
fn every_key_of_the_formats_has_an_answer() {
    for (format, section, names) in
        [(Format::Compose, "services.*", SERVICE), (Format::ProcessCompose, "processes.*", PROCESS)]
    {
        let known: BTreeSet<String> = format.keys().into_iter().map(|(path, _)| path).collect();
        let path = |name: &str| format!("{section}.{name}");
        let missing: Vec<_> =
            names.split_whitespace().filter(|name| !known.contains(&path(name))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

/// Whether a value has something at a path; `*` is any key.
fn has(value: &Value, path: &[&str]) -> bool {
    match (value, path) {
        (_, []) => true,
        (Value::Array(items), _) => items.iter().any(|item| has(item, path)),
        (Value::Object(map), ["*", rest @ ..]) => map.values().any(|value| has(value, rest)),
        (Value::Object(map), [key, rest @ ..]) => map.get(*key).is_some_and(|it| has(it, rest)),
        _ => false,
    }
}

#[test]
fn every_key_is_in_some_fixture() {
    let read = |file: &Path| plain_json(file, &std::fs::read(file).unwrap()).unwrap();
    for (ending, format) in
        [(".compose.yaml", Format::Compose), (".process-compose.yaml", Format::ProcessCompose)]
    {
        let found: Vec<Value> = files("other")
            .iter()
            .filter(|file| file.to_string_lossy().ends_with(ending))
            .map(|file| read(file))
            .collect();
        assert!(12 < found.len(), "{ending}");
        let in_none = |path: &String| {
            let path: Vec<&str> = path.split('.').collect();
            !found.iter().any(|value| has(value, &path))
        };
        let paths = format.keys().into_iter().map(|(path, _)| path);
        let missing: Vec<_> = paths.filter(in_none).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

#[test]
fn a_dockerfile_says_what_a_service_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    std::fs::create_dir(dir.path().join("api")).unwrap();
    write("api/Dockerfile", "FROM node AS base\nWORKDIR /app\nCMD [\"node\", \"server.js\"]\n");
    write("Worker.dockerfile", "FROM python\nENTRYPOINT [\"python\", \"-m\"]\nCMD work --all\n");
    let file = dir.path().join("compose.yaml");
    write(
        "compose.yaml",
        "services:\n  api: { build: ./api, volumes: [\"./api/src:/app\"] }\n  worker: { build: { context: \
         ., dockerfile: Worker.dockerfile } }\n  given: { build: { dockerfile: Worker.dockerfile }, \
         command: other }\n  nowhere: { build: ./nowhere }\n",
    );
    let native = with_source(None, |source| native(Asked::file(&file), source)).unwrap().unwrap();
    insta::assert_snapshot!(native.text);
}
