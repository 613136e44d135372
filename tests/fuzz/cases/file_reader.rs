//! A whole ecosystem file: from its bytes to what is asked of the controller, or to its faults.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use eco::{
    api::ApplyRequest,
    config::{Accounts, Faults, Loaded, SecretKey, Source, check_static, load_text, plain_json},
    controller::request_of,
    model::{Account, App, AppName, Caller},
    reconcile,
};

use super::{Case, sound};

/// The input is the file. Its first lines may say `# profile: NAME`.
pub const CASE: Case = Case { name: "file_reader", run, seeds };

/// Two users, whoever tries this.
#[derive(Debug)]
pub(super) struct Someone;

impl Accounts for Someone {
    fn caller(&self) -> Caller {
        Caller::default()
    }

    fn user(&self, text: &str) -> Option<Account> {
        (text == "app" || text == "1000").then(|| Account {
            name: Some("app".to_owned()),
            uid: 1000,
            gid: Some(1000),
            home: Some("/home/app".to_owned()),
            shell: Some("/bin/sh".to_owned()),
        })
    }

    fn group(&self, text: &str) -> Option<u32> {
        (text == "app").then_some(1000)
    }
}

fn run(bytes: &[u8]) -> bool {
    let path = directory().join("ecosystem.yaml");
    let text = String::from_utf8_lossy(bytes).into_owned();
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let by_text = check_static(&path, bytes);
    if let Err(faults) = &by_text {
        assert!(!faults.is_empty());
        sound(faults, &path, text);
    }
    if let Err(faults) = plain_json(&path, bytes) {
        assert!(by_text.is_err(), "{}", faults.one_line());
        return false;
    }
    // A pattern can have the whole file system searched.
    if text.contains("artifacts") {
        return by_text.is_ok();
    }
    let loaded = read(&path, bytes, &environment());
    match &loaded {
        Ok(loaded) => {
            let by_text = by_text.map_err(|faults| faults.one_line());
            assert_eq!(by_text, Ok(()), "it was good");
            sound(&loaded.warnings, &path, text);
            good(&path, bytes, loaded);
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            sound(faults, &path, text);
            let again = read(&path, bytes, &environment()).unwrap_err();
            assert_eq!(again.render(80, false), faults.render(80, false));
        }
    }
    loaded.is_ok()
}

fn read(path: &Path, bytes: &[u8], env: &BTreeMap<String, String>) -> Result<Loaded, Faults> {
    let text = String::from_utf8_lossy(bytes);
    let profile = text.lines().take(3).find_map(|line| line.strip_prefix("# profile: "));
    load_text(
        path,
        bytes,
        &Source {
            env,
            profile,
            cpus: 4,
            accounts: &Someone,
            secret_key: SecretKey::new([7; SecretKey::LEN]),
            files: None,
        },
    )
}

/// What holds of a file without faults.
fn good(path: &Path, bytes: &[u8], loaded: &Loaded) {
    assert!(!loaded.apps.is_empty());
    let again = read(path, bytes, &loaded.vars_used);
    let again = again.unwrap_or_else(|faults| panic!("read again: {}", faults.one_line()));
    assert_eq!(again.apps, loaded.apps, "read with what it used before");
    assert_eq!((&again.name, &again.vars_used), (&loaded.name, &loaded.vars_used));
    let request = request_of(loaded);
    let sent = serde_json::to_vec(&request).unwrap();
    assert_eq!(serde_json::from_slice::<ApplyRequest>(&sent).unwrap(), request);
    let desired = desired(&request);
    assert_eq!(reconcile::diff(&desired, &self::desired(&request_of(&again))), []);
    let created = reconcile::diff(&BTreeMap::new(), &desired);
    assert!(desired.keys().all(|name| created.iter().any(|change| change.app == *name)));
}

fn desired(request: &ApplyRequest) -> BTreeMap<AppName, App> {
    let made = request.apps.iter().map(|(name, spec)| {
        let revision = reconcile::revision(spec);
        assert_eq!(reconcile::revision(spec), revision);
        (name.clone(), App::new(spec.clone(), revision))
    });
    made.collect()
}

/// The request that a small file comes to.
pub(super) fn a_request() -> ApplyRequest {
    let text = b"apps: { web: { command: node s.js, instances: 2, listen: 3000, tags: a, stop: { drain: 1s } } }";
    request_of(&read(&directory().join("ecosystem.yaml"), text, &environment()).unwrap())
}

pub(super) fn environment() -> BTreeMap<String, String> {
    let pairs = [("HOME", "/home/me"), ("PATH", "/usr/bin"), ("LC_ALL", "C"), ("EMPTY", "")];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Where the file is taken to lie: the files its seeds name are there.
fn directory() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| root().join("tests/it/config/good"))
}

/// The repository.
pub(super) fn root() -> PathBuf {
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.find(|dir| dir.join("tests/it").is_dir()).unwrap().to_owned()
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![SMALL.to_vec()];
    let good = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
    let mut good: Vec<PathBuf> =
        good.filter(|path| path.extension() == Some("yaml".as_ref())).collect();
    good.sort();
    seeds.extend(good.iter().map(|path| fs::read(path).unwrap()));
    // What is not good here lacks a file, and starts in the inputs.
    seeds.retain(|seed| run(seed));
    assert!(3 < seeds.len());
    seeds
}

/// Most keys, each once and short.
const SMALL: &[u8] = b"# profile: p
version: 1
x-a: &a { A: 1, B: null }
vars_file: vars.env
defaults: { restart: on-failure, env: { <<: *a } }
apps:
  j: { command: [a, b c], kind: job, schedule: '0 3 * * 1-5', timezone: Europe/Berlin, overlap: queue }
  web:
    command: node s.js --port ${PORT} '${HOME:-x}'
    instances: 50%
    listen: { port: 3000, queue: 10s, close_idle: false }
    env: { C: '${EMPTY:-d}', D: 1.50, T: { file: token.txt } }
    env_file: [base.env]
    restart: { backoff: { initial: 100ms, factor: 1.5, jitter: 0.1 }, limit: { failures: 3, within: 1m, then: stop }, max_memory: 300M }
    ready: { http: /healthz, interval: 1s }
    live: { tcp: 3000, failures: 3 }
    rollout: { max_surge: 25%, min_ready: 1s, canary: 10% }
    stop: { signal: SIGTERM, drain: 5s, timeout: 10s, kill: main }
    depends_on: { j: completed }
    watch: { paths: sub, ignore: '*.log' }
    limits: { memory: 512M, cpu: 1.5, nofile: 1024 }
    logs: { rotate: { size: 10M, keep: 2 }, compress: zstd, max_total: 50M }
    tags: [edge]
profiles:
  p: { apps: { web: { instances: max-1, tags: null } } }
";
