//! Files that are programs: what they may be, what is kept of a run, and how runs fail.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use eco::{
    config::{Faults, Loaded, Source},
    import::{Options, load},
};

use crate::harness::program;

struct Files {
    dir: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        program("node");
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let path = std::env::var("PATH").unwrap();
        let pairs =
            [("PATH", path.as_str()), ("GREETING", "hello"), ("UNREAD", "x"), ("HOME", "/")];
        let env = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { dir, env }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn read(&self, name: &str) -> Result<Loaded, Faults> {
        let (env, accounts) = (&self.env, &eco::controller::Machine);
        let source =
            Source { env, profile: None, cpus: 4, accounts, secret_key: super::KEY, files: None };
        load(&self.path(name), &source, Options::default())
    }

    fn fails(&self, name: &str) -> String {
        let text = self.read(name).unwrap_err().render(100, false);
        text.replace(&self.path("").display().to_string(), "")
    }
}

fn command_of(loaded: &Loaded) -> String {
    format!("{:?}", loaded.apps.values().next().unwrap().command)
}

#[test]
fn modules_of_every_kind_are_run() {
    let app = "{ name: 'web', script: process.env.GREETING + '.js' }";
    let forms = [
        ("a.config.js", format!("console.log('noise'); module.exports = {{ apps: [{app}] }}")),
        ("b.config.cjs", format!("exports.apps = [{app}]")),
        ("c.config.mjs", format!("import 'fs';\nexport default {{ apps: [{app}] }}")),
        ("d.config.mjs", format!("export const apps = [{app}]")),
        ("e.config.js", format!("module.exports = () => ({{ apps: [{app}] }})")),
        ("f.config.js", format!("module.exports = async () => [{app}]")),
        (
            "g.config.js",
            format!("module.exports = Promise.resolve([{app}]); setInterval(() => 0, 1000)"),
        ),
        (
            "h.config.js",
            format!("Object.assign(exports, {{ __esModule: true, default: [{app}] }})"),
        ),
    ];
    for (name, text) in forms {
        let files = Files::new(&[(name, &text)]);
        let loaded = files.read(name);
        let loaded =
            loaded.unwrap_or_else(|faults| panic!("{name}: {}", faults.render(100, false)));
        assert!(command_of(&loaded).contains("hello.js"), "{name}: {}", command_of(&loaded));
    }
}

#[test]
fn what_a_file_read_is_kept_to_read_it_again() {
    let files = Files::new(&[
        (
            "ecosystem.config.js",
            "const { script } = require('./settings');\n\
             require('fs').readFileSync(__dirname + '/notes.txt');\n\
             module.exports = [{ name: 'web', script, filter_env: true, env: { A: process.env.GREETING } }]",
        ),
        ("settings.js", "module.exports = require('./deeper.json')"),
        ("deeper.json", "{ \"script\": \"server.js\" }"),
        ("notes.txt", "x"),
        ("other.config.mjs", "import { script } from './part.mjs'; export default [{ script }]"),
        ("part.mjs", "export const script = 'a.js'"),
    ]);
    let loaded = files.read("ecosystem.config.js").unwrap();
    let mut inputs = loaded.inputs.clone();
    assert_eq!(inputs.remove(0), files.path("ecosystem.config.js"));
    inputs.sort();
    let wanted = ["deeper.json", "notes.txt", "settings.js"].map(|name| files.path(name));
    assert_eq!(inputs, wanted);
    assert_eq!(loaded.vars_used.get("GREETING").map(String::as_str), Some("hello"));
    assert!(!loaded.vars_used.contains_key("UNREAD"), "{:?}", loaded.vars_used.keys());
    let other = files.read("other.config.mjs").unwrap();
    assert!(other.inputs.contains(&files.path("part.mjs")), "{:?}", other.inputs);

    // With what was kept as the environment it says the same.
    let again = Files { env: loaded.vars_used.clone(), ..files };
    assert_eq!(again.read("ecosystem.config.js").unwrap().apps, loaded.apps);
}

#[test]
fn what_a_file_throws_is_shown_at_its_line() {
    let files = Files::new(&[
        ("syntax.config.js", "module.exports = {\n  apps: [{ name: 'x' script: 1 }],\n}\n"),
        ("missing.config.js", "const a = 1;\nmodule.exports = require('./nowhere');\n"),
        ("thrown.config.js", "const x = {};\nmodule.exports = { apps: x.y.z };\n"),
        ("exits.config.js", "console.error('no licence');\nprocess.exit(3);\n"),
    ]);
    let all = ["syntax", "missing", "thrown", "exits"]
        .map(|name| files.fails(&format!("{name}.config.js")))
        .join("\n");
    insta::assert_snapshot!(all);
}

#[test]
fn faults_of_what_was_exported_point_into_it_and_hide_variables() {
    let files = Files::new(&[(
        "ecosystem.config.js",
        "const count = 2;\nmodule.exports = { apps: [{ name: 'web', script: 'a.js', instanses: count,\n\
         env: { TOKEN: process.env.GREETING, N: 1 }, kill_timeout: '5s', ignore_watch: [/x/] }] }",
    )]);
    let text = files.fails("ecosystem.config.js");
    assert!(!text.contains("hello"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn root_runs_only_what_nobody_else_can_write() {
    use std::os::unix::fs::PermissionsExt as _;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let files = Files::new(&[
        ("ecosystem.config.js", "module.exports = require('./settings')"),
        ("other.config.mjs", "import './settings.js'; export default [{ script: 'a.js' }]"),
        ("settings.js", "module.exports = [{ script: 'a.js' }]"),
    ]);
    files.read("ecosystem.config.js").unwrap();
    files.read("other.config.mjs").unwrap();
    let writable = |name: &str, mode: u32| {
        fs::set_permissions(files.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    writable("settings.js", 0o666);
    for file in ["ecosystem.config.js", "other.config.mjs"] {
        let text = files.fails(file);
        assert!(text.contains("what root runs"), "{text}");
    }
    writable("settings.js", 0o644);
    files.read("other.config.mjs").unwrap();
    writable("other.config.mjs", 0o666);
    let text = files.fails("other.config.mjs");
    assert!(text.contains("what root runs"), "{text}");
}

#[test]
fn without_node_only_data_is_read() {
    let mut files = Files::new(&[
        ("data.config.js", "module.exports = { apps: [{ script: 'a.js' }] }"),
        ("program.config.js", "module.exports = { apps: [{ script: 'a' + '.js' }] }"),
    ]);
    files.env.insert("PATH".to_owned(), "/nowhere".to_owned());
    files.read("data.config.js").unwrap();
    let text = files.fails("program.config.js");
    assert!(text.contains("no `node` in PATH") && text.contains("install Node.js"), "{text}");
}

#[test]
fn a_file_that_does_not_end_is_ended_with_all_it_started() {
    let mark = format!("eco-test-{}", std::process::id());
    let text = format!(
        "require('child_process').spawn('sleep', ['100000'], {{ stdio: 'ignore', argv0: '{mark}' }});\n\
         for (;;);"
    );
    let files = Files::new(&[("ecosystem.config.js", &text)]);
    let text = files.fails("ecosystem.config.js");
    assert!(text.contains("within 10 s"), "{text}");
    // It was killed; the system may take a moment for it.
    let is_left = || {
        fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            line.starts_with(mark.as_bytes())
        })
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    while is_left() {
        assert!(Instant::now() < deadline, "left running");
        thread::sleep(Duration::from_millis(10));
    }
}
