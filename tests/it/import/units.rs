//! Units of systemd and files of supervisor that belong together.

use std::{
    fs,
    path::{Path, PathBuf},
};

use eco::{
    config::load_text,
    import::{Asked, Native, native},
};

use super::with_source;

/// Files in a directory of their own.
struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What they become, which can be read again.
    fn read(&self, names: &[&str]) -> Native {
        let paths: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        let (first, more) = paths.split_first().unwrap();
        let asked = Asked { more, ..Asked::file(first) };
        let native = with_source(None, |source| native(asked, source));
        let native = native.unwrap_or_else(|faults| panic!("{}", faults.render(100, false)));
        let native = native.unwrap();
        let ours = self.path("ecosystem.yaml");
        let read = with_source(None, |source| load_text(&ours, native.text.as_bytes(), source));
        let read =
            read.unwrap_or_else(|faults| panic!("{}\n{}", native.text, faults.render(100, false)));
        assert_eq!(read.apps.len(), native.apps, "{}", native.text);
        native
    }
}

fn fault_lines(files: &Files, name: &str) -> Vec<String> {
    let path = files.path(name);
    let faults = with_source(None, |source| native(Asked::file(&path), source)).unwrap_err();
    let name = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
    faults.iter().map(|it| format!("{}:{}:{}", name(&it.file), it.line, it.col)).collect()
}

/// By one rule: that the file can be read again shows that the app is there.
#[test]
fn who_waits_for_a_unit_calls_it_as_its_app_is_called() {
    let files = Files::new(&[
        ("a-.service", "[Service]\nExecStart=/bin/sleep 100\n"),
        ("b.service", "[Unit]\nAfter=a-.service\n[Service]\nExecStart=/bin/sleep 100\n"),
    ]);
    let text = files.read(&["b.service", "a-.service"]).text;
    assert!(text.contains("    depends_on: a\n") && text.contains("\n  a:\n"), "{text}");
}

const MIGRATE: &str = "[Unit]\nBefore=web.service\n[Service]\nType=oneshot\nExecStart=/bin/true\n";

#[test]
fn units_that_are_imported_together_wait_for_each_other() {
    let files = Files::new(&[
        (
            "web.service",
            "[Unit]\nAfter=cache.service db.service network.target\nRequires=cache.service\n\
                         [Service]\nExecStart=/bin/sleep 100\n",
        ),
        ("cache.service", "[Service]\nType=notify\nExecStart=/bin/sleep 100\n"),
        ("migrate.service", MIGRATE),
    ]);
    let native = files.read(&["web.service", "cache.service", "migrate.service"]);
    assert_eq!(native.apps, 3);
    let text = native.text;
    assert!(text.contains("    depends_on:\n    - cache\n    - migrate\n"), "{text}");
    assert!(text.contains("`After=db.service network.target` is left out"), "{text}");
    assert!(!text.contains("`Requires"), "{text}");
}

#[test]
fn drop_ins_and_timers_beside_a_unit_are_read_with_it() {
    let files = Files::new(&[
        ("report.service", "[Service]\nType=oneshot\nExecStart=/bin/false\nEnvironment=A=1\n"),
        ("report.service.d/10-first.conf", "[Service]\nExecStart=\nExecStart=/bin/echo %p\n"),
        ("report.service.d/20-then.conf", "[Service]\nEnvironment=A=2 B=3\nPrivateTmp=yes\n"),
        ("report.service.d/not.txt", "[Service]\nUser=nobody-at-all\n"),
        (
            "report.timer",
            "[Timer]\nOnCalendar=Mon..Fri 06:30 Europe/Berlin\nPersistent=true\n\
                          OnCalendar=*-*~1\nAccuracySec=1min\n",
        ),
    ]);
    for first in ["report.service", "report.timer"] {
        let text = files.read(&[first]).text;
        for line in [
            "command: /bin/echo report",
            "kind: job",
            "schedule: 30 6 * * 1-5",
            "timezone: Europe/Berlin",
            "catch_up: true",
            "A: '2'",
            "B: '3'",
            "# `PrivateTmp` is left out",
            "# `OnCalendar=*-*~1` is left out",
            "# `AccuracySec` is left out",
        ] {
            assert!(text.contains(line), "no {line} in\n{text}");
        }
        assert!(!text.contains("nobody"), "{text}");
    }
}

#[test]
fn the_socket_of_a_service_is_its_listen() {
    let files = Files::new(&[
        ("echo.service", "[Service]\nExecStart=/bin/echo-server\n"),
        (
            "echo.socket",
            "[Socket]\nListenStream=127.0.0.1:7001\nListenStream=7002\n\
                         ListenStream=/run/echo.sock\nBacklog=128\n[Install]\nWantedBy=sockets.target\n",
        ),
        ("each.service", "[Service]\nExecStart=/bin/each\n"),
        ("each.socket", "[Socket]\nListenStream=7003\nAccept=yes\n"),
    ]);
    for first in ["echo.service", "echo.socket"] {
        let text = files.read(&[first]).text;
        let listen =
            "    listen:\n      port:\n      - 127.0.0.1:7001\n      - 7002\n      pass: fds\n";
        assert!(text.contains(listen), "{text}");
        assert!(text.contains("`ListenStream=/run/echo.sock` is left out"), "{text}");
        assert!(text.contains("`Backlog` is left out"), "{text}");
    }
    let text = files.read(&["each.service"]).text;
    assert!(text.contains("`each.socket` is left out: eco starts no process"), "{text}");
    assert!(!text.contains("listen:"), "{text}");
}

#[test]
fn an_instance_has_the_drop_ins_of_its_template() {
    let files = Files::new(&[
        ("w@one.service", "[Service]\nExecStart=/bin/sleep %i\n"),
        ("w@.service.d/a.conf", "[Service]\nEnvironment=ALL=%I\n"),
        ("w@one.service.d/b.conf", "[Service]\nEnvironment=ONE=%n\n"),
    ]);
    let text = files.read(&["w@one.service"]).text;
    for line in ["command: /bin/sleep one", "ALL: one", "ONE: w@one.service", "  w-one:"] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
}

#[test]
fn faults_are_shown_in_the_file_they_are_in() {
    let files = Files::new(&[
        ("a.service", "[Service]\nExecStart=/bin/true\nRestart=x"),
        ("a.service.d/a.conf", "[Service]\n\nKillMode=all\n"),
        ("a.timer", "# nothing\n[Timer]\nno value\n"),
    ]);
    assert_eq!(fault_lines(&files, "a.service"), ["a.service:3:9", "a.timer:3:1", "a.conf:3:10"]);
    let files = Files::new(&[
        (
            "s.conf",
            "[include]\nfiles = conf.d/*.conf %(here)s/more/?.ini gone/*\n[program:x]\ncommand=x '\n",
        ),
        ("conf.d/a.conf", "[program:a]\ncommand=%(nothing)s\n"),
        ("conf.d/.hidden.conf", "[program:hidden]\n"),
        ("more/b.ini", "\n[program:b]\nautostart=perhaps\ncommand=b\n"),
        ("more/bb.ini", "[program:bb]\n"),
    ]);
    assert_eq!(fault_lines(&files, "s.conf"), ["s.conf:4:9", "a.conf:2:9", "b.ini:3:11"]);
}

#[test]
fn the_files_that_supervisor_includes_are_read() {
    let files = Files::new(&[
        ("s.conf", "[include]\nfiles = conf.d/*.conf gone/*.conf\n[supervisord]\ndirectory=/\n"),
        ("conf.d/b.conf", "[program:b]\ncommand=/bin/sleep 1\nserverurl=AUTO\n"),
        (
            "conf.d/a.conf",
            "[program:a]\ncommand=/bin/sleep 2\ndirectory=%(here)s\n[group:g]\nprograms=a,b\n",
        ),
    ]);
    let native = files.read(&["s.conf"]);
    let text = native.text;
    assert!(text.find("  a:").unwrap() < text.find("  b:").unwrap(), "{text}");
    assert_eq!(text.matches("tags: g").count(), 2, "{text}");
    assert!(text.contains("no file is there for `gone/*.conf`"), "{text}");
    // What is said of a program stands at it, whichever file it comes from.
    let serverurl = text.find("`serverurl`").unwrap();
    assert!(
        text.find("  a:").unwrap() < serverurl && serverurl < text.find("  b:").unwrap(),
        "{text}"
    );
    assert!(text.contains("cwd: /\n"), "{text}");
}

#[test]
fn other_files_are_read_one_at_a_time() {
    let files = Files::new(&[("Procfile", "a: b\n"), ("b.json", "[]")]);
    let more = [files.path("b.json")];
    let path = files.path("Procfile");
    let asked = Asked { more: &more, ..Asked::file(&path) };
    let faults = with_source(None, |source| native(asked, source)).unwrap_err();
    assert!(faults.one_line().contains("several at once"), "{faults}");
}
