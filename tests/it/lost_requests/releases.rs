//! New releases that are no good, or slow: the old instances serve all along.

use super::{Server, Site};

/// Applies a release that cannot become good; nothing of the old one may change.
fn refuse(site: &mut Site, behave: &'static str, rollout: &'static str) {
    let (old, pids) = (site.release.clone(), site.env.pids("web"));
    site.under_load(behave, |site| {
        site.release.behave = behave;
        site.release.rollout = rollout;
        site.save_version("bad");
        site.env.eco(&["apply"]).exits(1);
    })
    .lost_none(0);
    assert_eq!(site.env.pids("web"), pids, "{behave}: the old instances were never touched");
    assert_eq!(site.answer().as_deref(), Some("first"));
    let status = site.env.status();
    assert_eq!(status["file"]["state"], "rolled_back", "{behave}: {status}");
    site.env.eco(&["diff"]).exits(1);
    site.release = old;
    site.save();
    site.env.apply();
    assert_eq!(site.env.pids("web"), pids, "{behave}: the file is as it was");
}

fn refuse_all(server: Server) {
    let mut site = Site::start(server, 2);
    refuse(&mut site, "throw", "min_ready: 200ms");
    refuse(&mut site, "deaf", "min_ready: 200ms, deadline: 2s");
    refuse(&mut site, "crash", "min_ready: 2s");
}

#[test]
fn bad_releases_of_express() {
    refuse_all(Server::Express);
}

#[test]
fn bad_releases_of_gunicorn() {
    refuse_all(Server::Gunicorn);
}

#[test]
fn bad_releases_of_go() {
    refuse_all(Server::Go);
}

/// The only instance: nothing else could serve meanwhile.
#[test]
fn a_bad_release_of_the_only_instance() {
    let mut site = Site::start(Server::Express, 1);
    refuse(&mut site, "throw", "min_ready: 200ms");
}

#[test]
fn a_release_that_takes_five_seconds_to_listen() {
    let mut site = Site::start(Server::Express, 1);
    site.under_load("slow", |site| {
        site.release.behave = "slow";
        site.save_version("second");
        site.env.apply();
    })
    .lost_none(1);
    assert_eq!(site.answer().as_deref(), Some("second"));
}
