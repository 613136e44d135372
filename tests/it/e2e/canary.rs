//! Canaries: the first instances of a change prove themselves under a share of the connections.

use super::site::Site;
use crate::harness::alive;

/// So many connections are looked at, each of which goes somewhere by chance.
const CONNECTIONS: usize = 600;

impl Site {
    /// How many of so many further connections are answered by the second release.
    fn answers_of_two(&self) -> usize {
        (0..CONNECTIONS).filter(|_| self.version() == "two").count()
    }

    /// Begins a second release and waits until its first instance gets connections.
    fn begin_canary(&mut self, vars: &str) {
        self.release(vars);
        self.env.eco(&["apply", "--no-wait"]).ok();
        self.env.wait_for("an answer of the canary", || self.version() == "two");
    }
}

#[test]
fn a_percentage_of_the_connections_goes_to_it() {
    let mut site = Site::start(4);
    let before = site.pids();
    site.rollout = "canary: 20%, min_ready: 10m, max_surge: 2";
    site.begin_canary("VERSION: two");
    let two = site.answers_of_two();
    // A fifth, give or take seven standard deviations of chance.
    assert!((52..=188).contains(&two), "{two} of {CONNECTIONS}\n{}", site.env.dump());
    assert!(before.values().all(|pid| alive(*pid)), "none is replaced before it is good");
    assert_eq!(site.servers(), 5, "one comes first");
    site.env.eco(&["status"]).exits(1).says("as the canary it has to stay up for another");
    // What is good is not asked again.
    site.rollout = "canary: 20%, min_ready: 0s";
    site.save();
    site.env.apply();
    assert_eq!((site.version().as_str(), site.servers()), ("two", 4));
    assert!(!before.values().any(|pid| alive(*pid)));
    let told = site.env.eco(&["events", "--type", "rollout"]).ok();
    told.says("one instance goes first, as a canary").says("the canary is good");
}

#[test]
fn one_that_crashes_under_them_is_undone() {
    let mut site = Site::start(2);
    let before = site.pids();
    site.rollout = "canary: 1, min_ready: 10m";
    site.begin_canary("VERSION: two, FAIL_AT: bad");
    assert_eq!(site.servers(), 3);
    site.env.write("bad", "");
    site.env.wait_for("the change to be undone", || {
        site.version();
        site.events("rolled_back") == 1
    });
    assert_eq!(site.pids(), before);
    site.env.eco(&["status"]).exits(1).says("rolled back").says("exit code 9");
    assert_eq!(site.answers_of_two(), 0);
}
