//! The controller dies between any two steps of a change, under load: nobody notices, and the change
//! is carried out or undone as if nothing had happened.

use eco::host::crash::POINTS;

use super::{Server, Site};

/// The points of a change that is undone; the others are come to by one that succeeds.
const OF_A_ROLL_BACK: [&str; 2] = ["a roll-back begins", "a roll-back is stored"];

/// A file with an app that is replaced under load, one that has to be killed, and one that nothing
/// changes for.
fn write_file(site: &Site, version: &str, stubborn: &str, more: &str) {
    let server = super::installed("tests/.cache/go/server");
    let port = site.release.port;
    site.env.apps(&format!(
        "  web:\n    command: {}\n    instances: 2\n    listen: {port}\n    ready: {{ http: / }}\n    \
         env: {{ VERSION: {version}{more} }}\n    rollout: {{ min_ready: 100ms }}\n    \
         stop: {{ drain: 3s, timeout: 3s }}\n  \
         stubborn:\n    command: {{ shell: \"trap '' TERM; while :; do sleep 1000; done\" }}\n    \
         env: {{ VERSION: {stubborn} }}\n    stop: {{ timeout: 200ms }}\n  \
         other: {{ command: sleep 100000 }}\n",
        server.display()
    ));
}

impl Site {
    /// Lets the next controller that comes to a point die there.
    fn crash_at(&self, point: &str) {
        std::fs::write(self.env.home().join("run/crash-at"), point).unwrap();
    }

    /// Waits until a controller has died there and another one answers.
    fn has_crashed(&self, point: &str, before: u32) {
        self.env.wait_for(&format!("a death where {point}"), || {
            !self.env.home().join("run/crash-at").exists()
        });
        self.env.wait_for("another controller", || {
            let now = self.env.eco(&["daemon", "status", "--json"]);
            now.code == Some(0) && now.json()["controller_pid"] != before
        });
    }

    /// Exactly what the file says runs, each once.
    fn each_runs_once(&self, point: &str) {
        self.env.wait_for("all as desired", || self.env.eco(&["status"]).code == Some(0));
        let processes = self.env.processes();
        let count =
            |word: &str| processes.iter().filter(|it| it.to_string().contains(word)).count();
        let counts = [count("go/server"), count("trap ''"), count("sleep 100000")];
        assert_eq!(counts, [2, 1, 1], "{point}: {processes:#?}");
    }
}

#[test]
fn a_change_goes_on_wherever_the_controller_dies() {
    let mut site = Site::start(Server::Go, 2);
    write_file(&site, "first", "first", "");
    site.env.apply();
    let points = || POINTS.iter().filter(|point| !OF_A_ROLL_BACK.contains(point));
    let replaced = u32::try_from(2 * points().count()).unwrap();
    site.under_load("the controller dies at every point of a change", |site| {
        let other = site.env.pid("other");
        for (number, point) in points().enumerate() {
            let before = site.env.daemon_pid("controller");
            site.crash_at(point);
            let version = format!("v{number}");
            write_file(site, &version, &version, "");
            site.env.eco(&["apply"]).ok();
            assert_eq!(site.answer().as_deref(), Some(&*version), "{point}");
            site.has_crashed(point, before);
            site.each_runs_once(point);
            assert_eq!(site.env.pid("other"), other, "{point}");
        }
    })
    .lost_none(replaced);
}

#[test]
fn a_change_is_undone_wherever_the_controller_dies() {
    let mut site = Site::start(Server::Go, 2);
    write_file(&site, "first", "first", "");
    site.env.apply();
    let web = site.env.pids("web");
    site.under_load("the controller dies while a change is undone", |site| {
        for point in OF_A_ROLL_BACK {
            let before = site.env.daemon_pid("controller");
            site.crash_at(point);
            write_file(site, "bad", "first", ", BEHAVE: throw");
            site.env.eco(&["apply"]).exits(1);
            site.has_crashed(point, before);
            site.env.wait_for("the former state", || {
                site.env.status()["file"]["state"] == "rolled_back" && site.env.is("web", "ready")
            });
            assert_eq!(site.env.pids("web"), web, "{point}: the old instances were never touched");
            assert_eq!(site.answer().as_deref(), Some("first"));
            write_file(site, "first", "first", "");
            site.env.apply();
            site.each_runs_once(point);
        }
    })
    .lost_none(0);
    assert_eq!(site.env.pids("web"), web);
}
