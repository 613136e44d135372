//! The tables of other formats' keys against lists of them: no key is forgotten, none is there twice.

use std::collections::BTreeSet;

use eco::import::{Answer, Format};

/// Every key that supervisor 4.3 reads, by section.
const SUPERVISOR: &[(&str, &str)] = &[
    (
        "program",
        "command process_name numprocs numprocs_start priority autostart startsecs startretries autorestart \
         exitcodes stopsignal stopwaitsecs stopasgroup killasgroup user redirect_stderr stdout_logfile \
         stdout_logfile_maxbytes stdout_logfile_backups stdout_capture_maxbytes stdout_events_enabled \
         stdout_syslog stderr_logfile stderr_logfile_maxbytes stderr_logfile_backups \
         stderr_capture_maxbytes stderr_events_enabled stderr_syslog environment directory umask serverurl",
    ),
    ("fcgi-program", "socket socket_backlog socket_owner socket_mode"),
    ("eventlistener", "buffer_size events result_handler"),
    ("group", "programs priority"),
    ("include", "files"),
    (
        "supervisord",
        "logfile logfile_maxbytes logfile_backups loglevel pidfile umask nodaemon silent minfds minprocs \
         nocleanup childlogdir user directory strip_ansi environment identifier",
    ),
];

/// What units in the wild have most.
const SYSTEMD: &[(&str, &str)] = &[
    (
        "Unit",
        "Description Documentation After Before Requires Requisite Wants BindsTo PartOf Upholds Conflicts \
         OnFailure OnSuccess StartLimitIntervalSec StartLimitBurst StartLimitAction ConditionPathExists \
         AssertPathExists RequiresMountsFor DefaultDependencies RefuseManualStart RefuseManualStop \
         StopWhenUnneeded CollectMode JobTimeoutSec FailureAction SuccessAction AllowIsolate",
    ),
    (
        "Service",
        "Type ExecStart ExecStartPre ExecStartPost ExecCondition ExecReload ExecStop ExecStopPost Restart \
         RestartSec RestartSteps RestartMaxDelaySec RestartMode TimeoutStartSec TimeoutStopSec TimeoutSec \
         TimeoutAbortSec RuntimeMaxSec WatchdogSec RemainAfterExit GuessMainPID PIDFile BusName NotifyAccess \
         Sockets FileDescriptorStoreMax SuccessExitStatus RestartPreventExitStatus RestartForceExitStatus \
         RootDirectoryStartOnly NonBlocking OOMPolicy OpenFile ReloadSignal ExitType KillMode KillSignal \
         SendSIGKILL SendSIGHUP FinalKillSignal WatchdogSignal RestartKillSignal WorkingDirectory \
         RootDirectory RootImage User Group DynamicUser SupplementaryGroups PAMName Environment \
         EnvironmentFile PassEnvironment UnsetEnvironment UMask Nice OOMScoreAdjust CPUSchedulingPolicy \
         CPUAffinity IOSchedulingClass IOSchedulingPriority LimitCPU LimitFSIZE LimitDATA LimitSTACK LimitCORE \
         LimitRSS LimitNOFILE LimitAS LimitNPROC LimitMEMLOCK LimitLOCKS LimitSIGPENDING LimitMSGQUEUE \
         LimitNICE LimitRTPRIO LimitRTTIME MemoryMax MemoryHigh MemoryLow MemoryMin MemorySwapMax \
         MemoryLimit MemoryAccounting CPUQuota CPUWeight CPUShares CPUAccounting AllowedCPUs TasksMax \
         TasksAccounting IOWeight Slice Delegate IPAddressAllow IPAddressDeny DeviceAllow DevicePolicy \
         StandardInput StandardOutput StandardError SyslogIdentifier SyslogFacility SyslogLevel TTYPath \
         LogRateLimitIntervalSec LogRateLimitBurst RuntimeDirectory RuntimeDirectoryMode StateDirectory \
         CacheDirectory LogsDirectory ConfigurationDirectory LoadCredential SetCredential IgnoreSIGPIPE \
         PrivateTmp PrivateDevices PrivateNetwork PrivateUsers PrivateMounts ProtectSystem ProtectHome \
         ProtectKernelTunables ProtectKernelModules ProtectKernelLogs ProtectControlGroups ProtectClock \
         ProtectHostname ProtectProc ProcSubset BindPaths BindReadOnlyPaths ReadWritePaths ReadOnlyPaths \
         InaccessiblePaths TemporaryFileSystem CapabilityBoundingSet AmbientCapabilities SecureBits \
         NoNewPrivileges SystemCallFilter SystemCallArchitectures SystemCallErrorNumber \
         RestrictAddressFamilies RestrictNamespaces RestrictRealtime RestrictSUIDSGID LockPersonality \
         MemoryDenyWriteExecute RemoveIPC KeyringMode SELinuxContext AppArmorProfile",
    ),
    ("Install", "WantedBy RequiredBy UpheldBy Also Alias DefaultInstance"),
    (
        "Timer",
        "OnCalendar Persistent Unit OnActiveSec OnBootSec OnStartupSec OnUnitActiveSec OnUnitInactiveSec \
         RandomizedDelaySec FixedRandomDelay AccuracySec WakeSystem RemainAfterElapse",
    ),
];

#[test]
fn every_key_of_other_formats_has_an_answer() {
    for (format, names) in [(Format::Supervisor, SUPERVISOR), (Format::Systemd, SYSTEMD)] {
        let is_known = |wanted: &String| {
            format.keys().iter().any(|(key, _)| match key.strip_suffix('*') {
                Some(start) => wanted.starts_with(start),
                None => key == wanted,
            })
        };
        let all = names.iter().flat_map(|(section, names)| {
            names.split_whitespace().map(move |name| format!("[{section}] {name}"))
        });
        let missing: Vec<_> = all.filter(|key| !is_known(key)).collect();
        assert!(missing.is_empty(), "{format}: {missing:?}");
    }
}

#[test]
fn every_key_of_other_formats_has_one_answer_and_words() {
    for (_, format) in Format::ALL {
        let mut seen = BTreeSet::new();
        for (key, answer) in format.keys() {
            assert!(seen.insert(key.clone()), "{key} is there twice");
            let words = match answer {
                Answer::Mapped(to) => to,
                Answer::Differs(to, how) => {
                    assert!(!to.is_empty());
                    how
                }
                Answer::Nothing(why) => why,
                // A fault would hinder all of the file.
                Answer::Refused(_) => panic!("{key} is refused"),
            };
            assert!(!words.is_empty() && !words.ends_with('.'), "{key}");
        }
    }
}
