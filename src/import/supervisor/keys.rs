//! Every key of a supervisord.conf, and what becomes of it here.

use crate::import::{
    pm2::fields::Answer::{self, Differs, Mapped, Nothing},
    sections::SectionKey,
};

const fn key(section: &'static str, name: &'static str, answer: Answer) -> SectionKey {
    SectionKey { section, name, answer }
}

/// A program, also one with a socket.
const fn program(name: &'static str, answer: Answer) -> SectionKey {
    key("program", name, answer)
}

const SOCKET: &str = "a program that opens its port itself shares it with others by `listen`; FastCGI \
                      over a socket that the supervisor opens is not in eco";
const EVENTS: &str = "there are no event listeners: `eco events --json` prints what happens";
const LOG_NAMES: &str =
    "files keep eco's names, in the directory that is named; `eco logs` finds them";
const ROTATE: &str = "stdout and stderr are rotated alike";
const CAPTURE: &str = "it is for event listeners, which eco does not have";
const OWN: &str = "it is about supervisord itself; eco needs no such thing";
const SERVER: &str = "eco is asked over a socket of its own, which only its user can open";
const STRIP: &str = "log files hold the bytes as they came";

/// The sections that are programs, with what each is called before its `:`.
pub(super) const PROGRAMS: [&str; 2] = ["program", "fcgi-program"];

/// The sections that are not about programs, with why nothing is lost.
pub(super) const SECTIONS: [(&str, &str); 4] = [
    ("unix_http_server", SERVER),
    ("inet_http_server", SERVER),
    ("supervisorctl", "the command is `eco`"),
    ("rpcinterface", "eco answers over its own socket: `eco status --json`, `eco events --json`"),
];

/// The keys, by the part of the section's name before its `:`.
pub(in crate::import) const KEYS: &[SectionKey] = &[
    program("command", Mapped("command")),
    program("process_name", Nothing("the processes of an app are called `NAME/0`, `NAME/1`")),
    program("numprocs", Mapped("instances")),
    program("numprocs_start", Mapped("command")),
    program("directory", Mapped("cwd")),
    program("umask", Mapped("umask")),
    program(
        "priority",
        Nothing("numbers order starts only; `depends_on` says who waits for whom to be ready"),
    ),
    program("autostart", Mapped("instances")),
    program("autorestart", Mapped("restart.policy")),
    program("exitcodes", Mapped("restart.stop_exit_codes")),
    program("startsecs", Mapped("rollout.min_ready")),
    program(
        "startretries",
        Differs("restart.limit", "failures count at any age of a process, not at its start only"),
    ),
    program("stopsignal", Mapped("stop.signal")),
    program("stopwaitsecs", Mapped("stop.timeout")),
    program("stopasgroup", Mapped("stop.kill")),
    program("killasgroup", Nothing("what is left of an app's processes is always killed")),
    program("user", Differs("user", "`HOME`, `USER`, `LOGNAME` and `SHELL` are that user's too")),
    program("environment", Mapped("env")),
    program("redirect_stderr", Nothing("`eco logs` shows both streams merged by time")),
    program("serverurl", Nothing(SERVER)),
    program("stdout_logfile", Differs("logs", LOG_NAMES)),
    program("stdout_logfile_maxbytes", Mapped("logs.rotate.size")),
    program("stdout_logfile_backups", Mapped("logs.rotate.keep")),
    program("stdout_capture_maxbytes", Nothing(CAPTURE)),
    program("stdout_events_enabled", Nothing(CAPTURE)),
    program("stdout_syslog", Mapped("logs.to")),
    program("stderr_logfile", Differs("logs", LOG_NAMES)),
    program("stderr_logfile_maxbytes", Differs("logs.rotate.size", ROTATE)),
    program("stderr_logfile_backups", Differs("logs.rotate.keep", ROTATE)),
    program("stderr_capture_maxbytes", Nothing(CAPTURE)),
    program("stderr_events_enabled", Nothing(CAPTURE)),
    program("stderr_syslog", Mapped("logs.to")),
    key("fcgi-program", "socket", Nothing(SOCKET)),
    key("fcgi-program", "socket_backlog", Nothing(SOCKET)),
    key("fcgi-program", "socket_owner", Nothing(SOCKET)),
    key("fcgi-program", "socket_mode", Nothing(SOCKET)),
    key("eventlistener", "events", Nothing(EVENTS)),
    key("eventlistener", "buffer_size", Nothing(EVENTS)),
    key("eventlistener", "result_handler", Nothing(EVENTS)),
    key(
        "group",
        "programs",
        Differs("tags", "a tag: `eco restart tag:NAME` means all that have it"),
    ),
    key("group", "priority", Nothing("numbers order starts only; see `depends_on`")),
    key("include", "files", Mapped("apps")),
    key("supervisord", "environment", Mapped("env")),
    key("supervisord", "directory", Mapped("cwd")),
    key("supervisord", "umask", Mapped("umask")),
    key(
        "supervisord",
        "user",
        Nothing("it is whom supervisord becomes: start eco as that user, or give apps a `user`"),
    ),
    key(
        "supervisord",
        "minfds",
        Nothing("eco takes as many as it may; an app's own are `limits: { nofile: … }`"),
    ),
    key("supervisord", "minprocs", Nothing("an app's own are `limits: { processes: … }`")),
    key(
        "supervisord",
        "childlogdir",
        Nothing("eco keeps logs below its home; see `logs: { dir: … }`"),
    ),
    key("supervisord", "strip_ansi", Nothing(STRIP)),
    key("supervisord", "nocleanup", Nothing(OWN)),
    key("supervisord", "logfile", Nothing(OWN)),
    key("supervisord", "logfile_maxbytes", Nothing(OWN)),
    key("supervisord", "logfile_backups", Nothing(OWN)),
    key("supervisord", "loglevel", Nothing(OWN)),
    key("supervisord", "pidfile", Nothing(OWN)),
    key("supervisord", "nodaemon", Nothing("`eco daemon run` stays in the foreground")),
    key("supervisord", "silent", Nothing(OWN)),
    key("supervisord", "identifier", Nothing(OWN)),
];
