//! Keeper and controller are killed again and again, in an order that a seed decides: no request
//! fails, no pid changes, nothing starts twice, and what apps wrote is in their logs, byte for byte.
//!
//! `ECO_TEST_KILLS=1000` makes a longer run of it, `ECO_TEST_SEED` another one.

use std::collections::BTreeSet;

use super::{Server, Site};

const COUNTER: &str = concat!(
    "  counter: { command: [python3, ",
    env!("CARGO_MANIFEST_DIR"),
    "/tests/apps/python/counter.py] }\n"
);
const VICTIMS: [&[&str]; 4] =
    [&["controller"], &["keeper"], &["keeper", "controller"], &["controller", "keeper"]];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// The next number of a series; by Knuth's constants for linear congruence.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap()
}

impl Site {
    /// The first processes of all apps.
    fn leaders(&self) -> BTreeSet<u32> {
        let mut pids: BTreeSet<u32> = self.env.pids("web").into_values().collect();
        pids.insert(self.env.pid("counter"));
        pids
    }

    /// The processes that lead a session, eco's own keeper aside: every run has one.
    fn sessions(&self) -> BTreeSet<u32> {
        let keeper = self.env.daemon_pid("keeper");
        let leads = self.env.processes().into_iter().filter(|it| it.pid == it.session);
        leads.map(|it| it.pid).filter(|pid| *pid != keeper).collect()
    }

    /// Kills some of eco's processes, and returns once there are others in their place.
    pub(super) fn kill_and_wait(&self, victims: &[&str]) {
        let old = self.env.kill_roles(victims);
        self.env.wait_for("others in their place", || {
            // Starts them where nobody else does.
            self.env.eco(&["status"]);
            let now = self.env.eco(&["daemon", "status", "--json"]);
            now.code == Some(0)
                && victims.iter().zip(&old).all(|(role, old)| {
                    let pid = now.json()[format!("{role}_pid")].as_u64();
                    pid.is_some_and(|pid| pid != 0 && pid != u64::from(*old))
                })
        });
    }
}

#[test]
fn a_hundred_kills_of_keeper_and_controller() {
    let kills = number("ECO_TEST_KILLS").unwrap_or(100);
    let mut state = number("ECO_TEST_SEED").unwrap_or(1);
    let mut site = Site::start_with(Server::Express, 2, COUNTER);
    site.env.wait_state("counter", "ready");
    let before = site.leaders();
    assert_eq!(site.sessions(), before);
    site.under_load(&format!("{kills} kills of keeper and controller"), |site| {
        for _ in 0..kills {
            site.kill_and_wait(VICTIMS[next(&mut state) % VICTIMS.len()]);
            assert_eq!(site.leaders(), before, "{}", site.env.dump());
        }
    })
    .lost_none(0);
    assert_eq!(site.sessions(), before, "nothing started twice");
    let started = site.env.events().iter().filter(|it| it["type"] == "started").count();
    assert_eq!(started, before.len());
    site.env.eco(&["stop", "counter"]).ok();
    let written: usize = site.env.read("written").parse().unwrap();
    let lines: Vec<String> = (0..written).map(|line| line.to_string()).collect();
    let logged =
        site.env.eco(&["logs", "counter", "-n", &(written + 10).to_string(), "--no-prefix"]);
    assert_eq!(logged.stdout.lines().collect::<Vec<_>>(), lines, "lines are lost or doubled");
}
