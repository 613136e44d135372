//! The programs that start a machine's services: how each is told of eco.
//!
//! In all of them eco stops its apps when it is sent SIGTERM, and is started again when it dies,
//! with the apps left alone. So there is no command to stop it, which systemd would also run after
//! a keeper's own death.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use clap::ValueEnum;

/// A program that starts services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum InitSystem {
    /// systemd
    Systemd,
    /// `OpenRC`
    Openrc,
    /// runit
    Runit,
}

/// Whose eco it is, and which.
#[derive(Debug)]
pub(super) struct Service {
    /// The program.
    pub(super) program: PathBuf,
    /// `ECO_HOME`, where it is set.
    pub(super) home: Option<PathBuf>,
    /// Of one user, started by that user's systemd.
    pub(super) of_user: Option<PathBuf>,
}

/// A file or link that makes up a service.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) what: What,
}

/// What a part is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A file of this text.
    File(String),
    /// A program of this text.
    Program(String),
    /// A link to there.
    Link(PathBuf),
}

impl InitSystem {
    /// The one that runs this machine, below `root`.
    pub(super) fn find(root: &Path) -> Option<Self> {
        let has = |path: &str| root.join(path).exists();
        if has("run/systemd/system") {
            Some(Self::Systemd)
        } else if has("run/openrc") {
            Some(Self::Openrc)
        } else if has("run/runit") || has("etc/runit") {
            Some(Self::Runit)
        } else {
            None
        }
    }

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Openrc => "OpenRC",
            Self::Runit => "runit",
        }
    }

    /// What has to lie where so that it starts eco with the machine. The first is the service, the
    /// last enables it.
    pub(super) fn parts(self, service: &Service) -> Vec<Part> {
        let file = |path: &str, what| Part { path: path.into(), what };
        match (self, &service.of_user) {
            (Self::Systemd, Some(config)) => {
                let dir = config.join("systemd/user");
                let unit = What::File(service.unit("default.target"));
                let link = What::Link("../eco.service".into());
                vec![
                    Part { path: dir.join("eco.service"), what: unit },
                    Part { path: dir.join("default.target.wants/eco.service"), what: link },
                ]
            }
            (Self::Systemd, None) => {
                let link = What::Link("../eco.service".into());
                vec![
                    file(
                        "/etc/systemd/system/eco.service",
                        What::File(service.unit("multi-user.target")),
                    ),
                    file("/etc/systemd/system/multi-user.target.wants/eco.service", link),
                ]
            }
            (Self::Openrc, _) => vec![
                file("/etc/init.d/eco", What::Program(service.openrc_script())),
                file("/etc/runlevels/default/eco", What::Link("/etc/init.d/eco".into())),
            ],
            (Self::Runit, _) => vec![
                file("/etc/sv/eco/run", What::Program(service.runit_script())),
                file("/etc/service/eco", What::Link("/etc/sv/eco".into())),
            ],
        }
    }

    /// What to type so that it runs now, and as a service.
    pub(super) fn start_words(self, service: &Service) -> &'static str {
        match (self, &service.of_user) {
            (Self::Systemd, Some(_)) => {
                "systemctl --user daemon-reload && systemctl --user start eco"
            }
            (Self::Systemd, None) => "systemctl daemon-reload && systemctl start eco",
            (Self::Openrc, _) => "rc-service eco start",
            (Self::Runit, _) => "sv start eco",
        }
    }
}

impl Service {
    fn unit(&self, target: &str) -> String {
        // Variables are replaced in commands, and only there.
        let program = systemd_word(&self.program.display().to_string()).replace('$', "$$");
        let home = self.home.as_ref().map(|home| {
            let word = systemd_word(&format!("ECO_HOME={}", home.display()));
            format!("Environment={word}\n")
        });
        let home = home.unwrap_or_default();
        let network = if self.of_user.is_some() {
            ""
        } else {
            "After=network-online.target\nWants=network-online.target\n"
        };
        format!(
            "# Written by `eco startup`; `eco startup remove` takes it away.
[Unit]
Description=eco: keeps processes as a file says
{network}
[Service]
Type=notify
ExecStart={program} daemon run
{home}# Only eco itself is told to end, and it stops its apps in order. If it dies, they live on and the
# next one takes them over.
KillMode=process
TimeoutStopSec=5min
Restart=on-failure
RestartSec=100ms
OOMPolicy=continue
Delegate=yes
# With systemd before 254 limits of memory, CPU and processes are not kept; `eco doctor` says so.
DelegateSubgroup=eco.own
LimitNOFILE=infinity

[Install]
WantedBy={target}
"
        )
    }

    fn openrc_script(&self) -> String {
        let program = shell_word(&self.program);
        let home = self.export();
        format!(
            "#!/sbin/openrc-run
# Written by `eco startup`; `eco startup remove` takes it away.
description=\"eco: keeps processes as a file says\"
supervisor=supervise-daemon
command={program}
command_args=\"daemon run\"
respawn_delay=1
retry=\"TERM/300\"
{home}
depend() {{
    need localmount
    after net
}}
"
        )
    }

    fn runit_script(&self) -> String {
        let (program, home) = (shell_word(&self.program), self.export());
        format!(
            "#!/bin/sh
# Written by `eco startup`; `eco startup remove` takes it away.
{home}exec {program} daemon run 2>&1
"
        )
    }

    fn export(&self) -> String {
        let home = self.home.as_ref();
        home.map(|home| format!("export ECO_HOME={}\n", shell_word(home))).unwrap_or_default()
    }
}

/// A word of a unit: quoted, and nothing in it replaced.
fn systemd_word(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    if text.contains([' ', '\t', '\'', '"', ';']) { format!("\"{text}\"") } else { text }
}

fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    shlex::try_quote(&text).map_or_else(|_| text.clone(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_that_is_needed() {
        let service = |program: &str, home: &str| Service {
            program: program.into(),
            home: Some(home.into()),
            of_user: None,
        };
        let odd = service("/opt/my $eco/50%", "/srv/a \"b\"");
        let unit = odd.unit("x.target");
        assert!(unit.contains("ExecStart=\"/opt/my $$eco/50%%\" daemon run\n"), "{unit}");
        assert!(unit.contains("Environment=\"ECO_HOME=/srv/a \\\"b\\\"\"\n"), "{unit}");
        let script = odd.runit_script();
        assert!(script.contains("exec '/opt/my $eco/50%' daemon run"), "{script}");
        let plain = service("/usr/bin/eco", "/srv/eco").unit("x.target");
        assert!(
            plain.contains("ExecStart=/usr/bin/eco daemon run\nEnvironment=ECO_HOME=/srv/eco\n")
        );
    }
}
