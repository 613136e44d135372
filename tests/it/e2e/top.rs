//! `eco top` on a real terminal: keys are sent by tmux, and the screen is read from it.

use std::process::{Command, Stdio};

use crate::harness::{Signal, TestEnv, program, send};

/// A terminal in which a shell runs. Its server is killed when it goes out of scope.
struct Tmux<'a> {
    env: &'a TestEnv,
}

impl<'a> Tmux<'a> {
    /// A terminal of so many columns and rows; the shell has a prompt of `$ `.
    fn start(env: &'a TestEnv, columns: u16, rows: u16) -> Self {
        let tmux = Self { env };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let size = ["-x", &columns, "-y", &rows];
        let shell = ["exec env PS1='$ ' bash --noprofile --norc"];
        tmux.tell(&[&["new-session", "-d"], &size[..], &shell[..]].concat());
        tmux.wait("a prompt", |screen| screen.contains('$'));
        tmux
    }

    /// The same with `eco top` in it, once it shows something.
    fn top(env: &'a TestEnv, columns: u16, rows: u16) -> Self {
        let tmux = Self::start(env, columns, rows);
        tmux.line("eco top");
        tmux.wait("the list", |screen| screen.contains("APP") && screen.contains("web"));
        tmux
    }

    fn tell(&self, words: &[&str]) -> String {
        let eco = std::path::Path::new(env!("CARGO_BIN_EXE_eco"));
        let path =
            format!("{}:{}", eco.parent().unwrap().display(), std::env::var("PATH").unwrap());
        let output = Command::new(program("tmux"))
            .args(["-f", "/dev/null", "-S"])
            .arg(self.env.home().with_file_name("tmux"))
            .args(words)
            .current_dir(self.env.dir())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.env.dir())
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env("ECO_HOME", self.env.home())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "tmux {words:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn keys(&self, keys: &[&str]) {
        self.tell(&[&["send-keys"], keys].concat());
    }

    /// Types a line for the shell.
    fn line(&self, text: &str) {
        self.tell(&["send-keys", "-l", text]);
        self.keys(&["Enter"]);
    }

    fn screen(&self) -> String {
        self.tell(&["capture-pane", "-p"])
    }

    /// Waits for the screen to be as wanted.
    #[track_caller]
    fn wait(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let last = std::cell::RefCell::new(String::new());
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.env.wait_until(what, || {
                let screen = self.screen();
                last.borrow_mut().clone_from(&screen);
                fits(&screen).then_some(screen)
            })
        }));
        found.unwrap_or_else(|_| panic!("waited in vain for {what} on\n{}", last.borrow()))
    }

    /// Presses keys and waits for what they do.
    #[track_caller]
    fn press(&self, keys: &[&str], then: &str) -> String {
        self.keys(keys);
        self.wait(&format!("{then:?} after {keys:?}"), |screen| screen.contains(then))
    }

    /// The process of `eco top`: the only child of the shell.
    fn pid(&self) -> u32 {
        let shell = self.tell(&["display-message", "-p", "#{pane_pid}"]);
        let shell: u32 = shell.trim().parse().unwrap();
        let mut all = self.env.processes().into_iter();
        all.find(|process| process.parent == shell).expect("`eco top` runs").pid
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let quiet = std::panic::AssertUnwindSafe(|| self.tell(&["kill-server"]));
        drop(std::panic::catch_unwind(quiet));
    }
}

/// Two of an app that counts, and one that sleeps.
fn counting() -> TestEnv {
    let env = TestEnv::new();
    let count =
        "#!/bin/sh\ni=0\nwhile :; do i=$((i+1)); echo \"request $i of mine\"; sleep 0.05; done\n";
    env.script("count.sh", count);
    env.apps("  web: { command: ./count.sh, instances: 2 }\n  worker: { command: sleep 100000 }\n");
    env.apply();
    env
}

/// The line of the screen that has this in it.
fn row<'a>(screen: &'a str, words: &str) -> &'a str {
    screen.lines().find(|line| line.contains(words)).unwrap_or_default()
}

#[test]
fn it_shows_apps_instances_logs_events_and_help() {
    let env = counting();
    let tmux = Tmux::top(&env, 80, 24);
    let screen = tmux.wait("a log", |screen| screen.contains("of mine"));
    assert!(row(&screen, "shop").contains("in sync"), "{screen}");
    assert!(row(&screen, " web ").contains("ready"), "{screen}");
    assert!(row(&screen, " web ").contains("2/2"), "{screen}");
    let pids = env.pids("web");
    let screen = tmux.press(&["Right"], "    web/1 ");
    assert!(row(&screen, "    web/1 ").contains(&pids["web/1"].to_string()), "{screen}");
    tmux.press(&["e"], "started, pid");
    tmux.press(&["d"], "2 of 2 ready");
    tmux.press(&["?"], "Moving");
    tmux.wait("the help to go", |_| !tmux.press(&["Escape"], "shop").contains("Moving"));
    tmux.keys(&["q"]);
    let screen = tmux.wait("the shell", |screen| screen.contains("$ eco top"));
    assert!(!screen.contains("of mine"), "the screen is as it was before:\n{screen}");
}

#[test]
fn a_log_is_paused_searched_and_followed_again() {
    let env = counting();
    let tmux = Tmux::top(&env, 80, 24);
    tmux.wait("a log", |screen| screen.contains("request 30 of"));
    let paused = tmux.press(&["p"], "paused");
    let last =
        |screen: &str| screen.lines().rfind(|line| line.contains("of mine")).map(str::to_owned);
    let screen = tmux.wait("new lines", |screen| screen.contains("new lines"));
    assert_eq!(last(&paused), last(&screen), "nothing moves:\n{paused}\n{screen}");
    // Beyond what is in view.
    tmux.keys(&["Tab", "/"]);
    tmux.tell(&["send-keys", "-l", "REQUEST 3 of"]);
    tmux.press(&["Enter"], "has \"REQUEST 3 of\"");
    tmux.keys(&["/"]);
    tmux.tell(&["send-keys", "-l", "request 3 of"]);
    tmux.press(&["Enter"], "request 3 of mine");
    tmux.keys(&["f"]);
    tmux.wait("the newest lines", |screen| {
        screen.contains("live") && !screen.contains("request 3 of mine")
    });
}

#[test]
fn actions_are_asked_about_and_done() {
    let env = counting();
    let tmux = Tmux::top(&env, 80, 24);
    let before = env.pids("web");
    tmux.press(&["/"], "/");
    tmux.tell(&["send-keys", "-l", "web"]);
    tmux.keys(&["Enter"]);
    tmux.press(&["r"], "2 instances are replaced");
    tmux.keys(&["n"]);
    tmux.wait("the question to go", |screen| !screen.contains("are replaced"));
    assert_eq!(env.pids("web"), before, "a no changes nothing");
    tmux.press(&["r"], "Restart web?");
    tmux.press(&["y"], "restart web: done");
    let after = env.pids("web");
    assert!(after.values().all(|pid| !before.values().any(|old| old == pid)), "{after:?}");
    // One instance alone.
    tmux.keys(&["Right"]);
    tmux.wait("instances in their order", |screen| {
        let place = |id| screen.find(id).unwrap_or(usize::MAX);
        let last = place("    web/1 ");
        place("    web/0 ") < last && last < usize::MAX && row(screen, "web/1 ").contains("ready")
    });
    tmux.press(&["Down", "r"], "Restart web/0?");
    tmux.press(&["y"], "restart web/0: done");
    let one = env.pids("web");
    assert_ne!(one["web/0"], after["web/0"]);
    assert_eq!(one["web/1"], after["web/1"]);
    tmux.press(&["+"], "Scale web to 3?");
    tmux.press(&["y"], "scale web to 3: done");
    assert_eq!(env.pids("web").len(), 3);
    tmux.wait("three", |screen| row(screen, " web ").contains("3/3"));
    tmux.press(&["s"], "Stop web?");
    tmux.press(&["y"], "stop web: done");
    tmux.wait("a stop", |screen| row(screen, " web ").contains("stopped"));
    assert!(env.pids("web").is_empty());
    assert!(!env.pids("worker").is_empty());
    tmux.press(&["S"], "Start web?");
    tmux.press(&["y"], "start web: done");
}

#[test]
fn a_crash_appears_and_sizes_are_followed() {
    let env = TestEnv::with_apps(
        "  web: { command: sleep 100000, instances: 2, restart: { backoff: { initial: 60s, max: 60s } } }\n",
    );
    env.apply();
    let tmux = Tmux::top(&env, 80, 24);
    tmux.press(&["Right"], "    web/1 ");
    send(env.pids("web")["web/1"], Signal::KILL);
    let screen = tmux.wait("a crash", |screen| screen.contains("SIGKILL"));
    assert!(row(&screen, "web/1").contains("waiting"), "{screen}");
    assert!(row(&screen, " web ").contains("degraded"), "{screen}");
    for (columns, rows) in [(50, 15), (120, 40), (20, 5), (80, 24)] {
        let size = [columns.to_string(), rows.to_string()];
        tmux.tell(&["resize-window", "-x", &size[0], "-y", &size[1]]);
        tmux.wait("a screen of this size", |screen| {
            let clock = screen.lines().next().unwrap_or_default();
            clock.chars().count() == columns && screen.lines().count() == rows
        });
    }
    tmux.wait("all of it again", |screen| row(screen, "web/1").contains("waiting"));
}

#[test]
fn the_terminal_is_given_back_whatever_ends_it() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000 }\n");
    env.apply();
    let tmux = Tmux::start(&env, 80, 24);
    for (round, signal) in [Signal::TERM, Signal::HUP, Signal::INT].into_iter().enumerate() {
        tmux.line("eco top");
        tmux.wait("the list", |screen| screen.contains("APP"));
        send(tmux.pid(), signal);
        tmux.wait("the shell", |screen| screen.contains("$ eco top") && !screen.contains("APP"));
        let words = format!("round {round}: rc=");
        tmux.line(&format!(
            "echo 'round' {round}: rc=$?; stty -a | grep -c -e ' icanon' -e ' echo '"
        ));
        let screen = tmux.wait("its end", |screen| screen.contains(&words));
        assert!(screen.contains(&format!("{words}0")), "{screen}");
        tmux.wait("a terminal as before", |screen| {
            let mut lines = screen.lines().skip_while(|line| !line.starts_with(&words));
            lines.nth(1).is_some_and(|line| line == "1" || line == "2")
        });
    }
    // And back again, as a job of the shell.
    tmux.line("eco top");
    tmux.wait("the list", |screen| screen.contains("APP"));
    tmux.press(&["C-z"], "Stopped");
    tmux.line("fg");
    tmux.wait("the list again", |screen| screen.contains("APP") && screen.contains("web"));
    send(tmux.pid(), Signal::TSTP);
    tmux.wait("a second stop", |screen| screen.matches("Stopped").count() == 2);
    tmux.line("fg");
    tmux.wait("the list again", |screen| screen.contains("APP"));
    tmux.keys(&["C-c"]);
    tmux.wait("the shell", |screen| screen.contains("Stopped") && !screen.contains("APP"));
}

#[test]
fn it_outlives_the_controller() {
    let env = counting();
    let tmux = Tmux::top(&env, 80, 24);
    let controller = env.daemon_pid("controller");
    // Stopped, it says nothing: that is told. The next one is as good.
    send(controller, Signal::STOP);
    tmux.wait("a word on it", |screen| screen.contains("eco is restarting"));
    send(controller, Signal::KILL);
    tmux.wait("an answer", |screen| screen.contains("in sync"));
    tmux.press(&["e"], "started, pid");
    env.eco(&["stop", "worker"]).ok();
    tmux.wait("what happens from now on", |screen| row(screen, " worker ").contains("stopped"));
    env.eco(&["daemon", "stop"]).ok();
    tmux.wait("the end of eco", |screen| screen.contains("eco does not run"));
    tmux.keys(&["q"]);
    tmux.wait("the shell", |screen| screen.contains("$ eco top"));
}

#[test]
fn the_mouse_clicks_and_scrolls() {
    let env = counting();
    let tmux = Tmux::top(&env, 80, 24);
    // As a terminal reports it: button, column and row from 1, press.
    let click = |column: usize, row: usize| {
        tmux.tell(&["send-keys", "-l", &format!("\u{1b}[<0;{column};{row}M")]);
    };
    let place = |screen: &str, words: &str| {
        let (y, line) = screen.lines().enumerate().find(|(_, line)| line.contains(words)).unwrap();
        let before = &line[..line.find(words).unwrap()];
        (before.chars().count() + 1, y + 1)
    };
    let (x, y) = place(&tmux.screen(), " worker ");
    click(x, y);
    tmux.wait("worker's log", |screen| screen.contains("nothing written yet"));
    let (x, y) = place(&tmux.screen(), "Details");
    click(x, y);
    tmux.wait("its details", |screen| screen.contains("1 of 1 ready"));
    let before = env.pid("worker");
    let screen = tmux.press(&["r"], "Restart worker?");
    let (x, y) = place(&screen, "y: yes");
    click(x, y);
    tmux.wait("its end", |screen| screen.contains("restart worker: done"));
    assert_ne!(env.pid("worker"), before);
}

#[test]
fn it_needs_a_terminal_and_something_to_show() {
    let env = TestEnv::new();
    env.eco(&["top"]).exits(2).says("needs a terminal").says("eco status --watch");
    env.eco(&["monit"]).exits(2).says("needs a terminal");
    let tmux = Tmux::start(&env, 80, 24);
    tmux.line("eco monit; echo rc=$?");
    let screen = tmux.wait("its end", |screen| screen.contains("rc=1"));
    assert!(screen.contains("No project here"), "{screen}");
}
