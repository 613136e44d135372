//! Requests lost to what happens to an app: real servers under a load that never retries.
//!
//! Every event runs beside two loads at once, one with a connection per request and one that keeps
//! its connections. A load goes on until requests have been answered after the event, too.

mod changes;
mod client;
// Builds without debug assertions have no such points.
#[cfg(debug_assertions)]
mod crash_points;
mod deaths;
mod kills;
mod releases;
mod replacing;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::symlink,
    time::Duration,
};

use crate::{
    harness::{TestEnv, free_port, http_get, installed, program, repository},
    load::{Counts, Load, Options},
};

/// Connections of each of the two loads.
const CONNECTIONS: u32 = 8;
/// So many requests have to be answered before an event, and again after it.
const ANSWERS: u64 = 100;

/// A real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    /// Express as it is: a signal ends it at once, open requests and all.
    Express,
    /// Express that closes when it is told to end.
    GracefulExpress,
    /// Express as it is, made to end its requests, with little time to do so from outside.
    ClosingExpress,
    /// gunicorn with four workers: a connection serves one request.
    Gunicorn,
    /// A static Go program.
    Go,
    /// PHP's own server with eight workers, which wait by `poll`. A signal ends it at once.
    Php,
    /// Ruby's own, which waits by `select` and shuts its socket down as it ends.
    Webrick,
}

/// What is written in the file about the app `web`.
#[derive(Clone, Debug)]
struct Release {
    instances: u32,
    port: u16,
    version: String,
    /// How it misbehaves; empty if it does not.
    behave: &'static str,
    /// More lines of the app.
    more: &'static str,
    rollout: &'static str,
}

/// One server in a world of its own.
#[derive(Debug)]
struct Site {
    env: TestEnv,
    server: Server,
    release: Release,
}

impl Site {
    /// Starts so many instances of a server.
    fn start(server: Server, instances: u32) -> Self {
        Self::start_with(server, instances, "")
    }

    /// Starts so many instances of a server with more lines in the file.
    fn start_with(server: Server, instances: u32, more: &'static str) -> Self {
        let env = TestEnv::new();
        match server {
            Server::Express | Server::GracefulExpress | Server::ClosingExpress => {
                program("node");
                let modules = installed("tests/apps/express/node_modules");
                symlink(modules, env.path("node_modules")).unwrap();
                let source = repository("tests/apps/express/server.js");
                fs::copy(source, env.path("server.js")).unwrap();
            }
            Server::Gunicorn => {
                let source = repository("tests/apps/python/wsgi.py");
                fs::copy(source, env.path("wsgi.py")).unwrap();
            }
            Server::Php => {
                program("php");
                for name in ["serve.sh", "index.php"] {
                    let source = repository("tests/apps/php").join(name);
                    fs::copy(source, env.path(name)).unwrap();
                }
            }
            Server::Webrick => {
                program("ruby");
                let source = repository("tests/apps/ruby/server.rb");
                fs::copy(source, env.path("server.rb")).unwrap();
            }
            Server::Go => {}
        }
        let release = Release {
            instances,
            port: free_port(),
            version: "first".to_owned(),
            behave: "",
            more,
            rollout: "min_ready: 200ms",
        };
        let site = Self { env, server, release };
        site.save();
        site.env.apply();
        assert_eq!(site.answer().as_deref(), Some("first"));
        site
    }

    /// Writes the file as the release says.
    fn save(&self) {
        let release = &self.release;
        let (command, extra) = match self.server {
            Server::Express | Server::ClosingExpress => ("node server.js".to_owned(), ""),
            Server::GracefulExpress => ("node server.js".to_owned(), ", GRACEFUL: 1"),
            Server::Gunicorn => {
                let gunicorn = installed("tests/.cache/venv/bin/gunicorn");
                // Loaded before it listens, or a release that cannot be loaded listens all the same.
                let words = "--preload --workers 4 --bind 127.0.0.1:${PORT} wsgi:app";
                (format!("{} {words}", gunicorn.display()), ", PYTHONDONTWRITEBYTECODE: 1")
            }
            Server::Go => (installed("tests/.cache/go/server").display().to_string(), ""),
            Server::Php => ("./serve.sh".to_owned(), ", PHP_CLI_SERVER_WORKERS: 8"),
            Server::Webrick => ("ruby server.rb".to_owned(), ""),
        };
        let share = match self.server {
            Server::Express
            | Server::GracefulExpress
            | Server::ClosingExpress
            | Server::Gunicorn
            | Server::Go => "queue",
            Server::Php | Server::Webrick => "port",
        };
        let drain = match self.server {
            Server::ClosingExpress => "close: true, drain: 500ms",
            Server::Express
            | Server::GracefulExpress
            | Server::Gunicorn
            | Server::Go
            | Server::Php
            | Server::Webrick => "drain: 3s",
        };
        let (version, behave) = (&release.version, release.behave);
        let behave = if behave.is_empty() { String::new() } else { format!(", BEHAVE: {behave}") };
        self.env.apps(&format!(
            "  web:\n    command: {command}\n    instances: {}\n    \
             listen: {{ port: {}, share: {share} }}\n    \
             env: {{ VERSION: {version}{behave}{extra} }}\n    \
             rollout: {{ {} }}\n    stop: {{ {drain}, timeout: 3s }}\n{}",
            release.instances, release.port, release.rollout, release.more,
        ));
    }

    /// Writes the file with another version.
    fn save_version(&mut self, version: &str) {
        version.clone_into(&mut self.release.version);
        self.save();
    }

    /// What the server answers.
    fn answer(&self) -> Option<String> {
        http_get(self.release.port, "/")
    }

    /// Waits until so many further requests of a load are answered.
    fn wait_answers(&self, load: &Load) {
        let before = load.counts().ok;
        self.env.wait_for("further answers", || load.counts().ok >= before + ANSWERS);
    }

    /// Lets something happen under load.
    fn under_load(&mut self, what: &str, event: impl FnOnce(&mut Self)) -> Verdict {
        self.under_load_of(Clients::default(), what, event)
    }

    /// Lets something happen under the load of clients of this kind.
    #[expect(clippy::print_stderr, reason = "the counts are the result")]
    fn under_load_of(
        &mut self,
        clients: Clients,
        what: &str,
        event: impl FnOnce(&mut Self),
    ) -> Verdict {
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let loads = [false, true].map(|keep_alive| {
            Load::start(&Options {
                address: address(self.release.port),
                also: clients.also.map(address),
                path: "/later".to_owned(),
                connections: CONNECTIONS,
                keep_alive,
                think: clients.think,
            })
        });
        for load in &loads {
            self.wait_answers(load);
        }
        event(self);
        for load in &loads {
            self.wait_answers(load);
        }
        let [closing, keeping] = loads.map(Load::stop);
        let what = format!("{:?} ×{}, {what}", self.server, self.release.instances);
        eprintln!("{what}\n  connection per request: {closing}\n  keep-alive: {keeping}");
        Verdict { what, closing, keeping }
    }
}

/// What kind of clients ask.
#[derive(Clone, Copy, Debug, Default)]
struct Clients {
    /// How long they wait between requests; most real ones do, busy ones do not.
    think: Duration,
    /// Another port they try when they are refused.
    also: Option<u16>,
}

/// What two loads saw of one event.
#[derive(Debug)]
struct Verdict {
    what: String,
    closing: Counts,
    keeping: Counts,
}

impl Verdict {
    /// Nothing failed but requests sent while the server closed their idle connection: at most one
    /// for each connection to each of so many instances that were replaced.
    #[track_caller]
    fn lost_none(&self, replaced: u32) {
        let (closing, keeping, what) = (&self.closing, &self.keeping, &self.what);
        assert_eq!(closing.hard(), 0, "{what}, connection per request: {closing}");
        assert_eq!(keeping.hard(), 0, "{what}, keep-alive: {keeping}");
        let most = u64::from(CONNECTIONS * replaced);
        assert!(keeping.idle_races <= most, "{what}, keep-alive: {keeping}");
    }

    /// Nothing failed but requests inside a process that was killed: each connection has one at
    /// most. Nobody was refused and nobody waited in vain.
    #[track_caller]
    fn lost_at_most_what_was_inside(&self) {
        for (load, counts) in
            [("connection per request", &self.closing), ("keep-alive", &self.keeping)]
        {
            let what = format!("{}, {load}: {counts}", self.what);
            assert_eq!((counts.refused, counts.hung(), counts.bad_status), (0, 0, 0), "{what}");
            assert_eq!(counts.other, 0, "{what}");
            assert!(counts.cut() + counts.idle_races <= u64::from(CONNECTIONS), "{what}");
        }
    }
}
