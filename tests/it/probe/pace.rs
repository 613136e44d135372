//! When tries are made, and how many have to succeed.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use eco::{
    host::{
        clock,
        probe::{ProbeEvent, Probes},
    },
    model::{ReadyPolicy, ReadyProbe, RunId},
};

use super::{
    RUN, Server, answer, asking, becomes_ready, http, is_ready, none, policy, run, subject,
    subject_from, tcp, why,
};

#[test]
fn successes_have_to_follow_each_other() {
    run(async {
        let (good, bad) = (answer("200 OK"), answer("500 Oops"));
        let server = Server::start(&[&good, &good, &bad, &good]).await;
        let probe = ReadyProbe::Http(http(tcp(server.port)));
        let mut probes = asking(&ReadyPolicy { successes: 3, ..policy(probe) });
        assert!(why(&mut probes).await.ends_with(": 500"));
        is_ready(&mut probes).await;
        assert_eq!(server.requests().len(), 6);
    });
}

#[test]
fn the_first_try_is_after_the_start_period() {
    run(async {
        let server = Server::start(&[&answer("200 OK")]).await;
        let probe = ReadyProbe::Http(http(tcp(server.port)));
        let wait = Duration::from_millis(400);
        let policy = ReadyPolicy { start_period: wait, ..policy(probe) };
        let started = clock::now();
        let mut probes = Probes::new();
        probes.begin(RUN, subject_from(&policy, started, none(), ""));
        assert!(started.after(wait) <= is_ready(&mut probes).await);
        assert_eq!(server.requests().len(), 1);
    });
}

#[test]
fn a_delay_counts_from_the_start_and_may_be_over() {
    run(async {
        let wait = Duration::from_millis(200);
        let started = clock::now();
        let mut probes = Probes::new();
        let delay = |delay| policy(ReadyProbe::Delay(delay));
        probes.begin(RUN, subject_from(&delay(wait), started, none(), ""));
        assert!(started.after(wait) <= is_ready(&mut probes).await);
        probes.begin(RUN, subject_from(&delay(wait), started, none(), ""));
        is_ready(&mut probes).await;
    });
}

#[test]
fn an_instance_that_tells_by_itself_is_not_asked() {
    run(async {
        let mut probes = Probes::new();
        for probe in [
            ReadyProbe::Started,
            ReadyProbe::Listen,
            ReadyProbe::Notify,
            ReadyProbe::Message("ready".to_owned()),
        ] {
            probes.begin(RUN, subject(&policy(probe)));
        }
        probes.begin(RunId(8), subject(&policy(ReadyProbe::Delay(Duration::ZERO))));
        assert_eq!(probes.next().await.run(), RunId(8));
    });
}

#[test]
fn what_was_reported_for_an_ended_or_replaced_probe_is_dropped() {
    run(async {
        let mut probes = Probes::new();
        let bad = Server::start(&[&answer("500 Oops")]).await;
        let delay = policy(ReadyProbe::Delay(Duration::ZERO));
        for run in [RUN, RunId(8)] {
            probes.begin(run, subject(&policy(ReadyProbe::Http(http(tcp(bad.port))))));
        }
        // Both have failed, and a report of each waits.
        while bad.requests().len() < 4 {
            tokio::task::yield_now().await;
        }
        probes.end(RunId(8));
        probes.begin(RUN, subject(&delay));
        is_ready(&mut probes).await;
        let mut next = pin!(probes.next());
        let more = poll_fn(|context| Poll::Ready(next.as_mut().poll(context).is_ready())).await;
        assert!(!more, "a probe that is over reports");
    });
}

#[test]
fn a_cancelled_wait_loses_nothing() {
    run(async {
        let mut probes = Probes::new();
        for run in 0..100 {
            probes.begin(RunId(run), subject(&policy(ReadyProbe::Delay(Duration::ZERO))));
        }
        let mut ready = Vec::new();
        while ready.len() < 100 {
            tokio::select! {
                biased;
                () = tokio::task::yield_now() => {}
                event = probes.next() => {
                    assert!(matches!(event, ProbeEvent::Ready { .. }), "{event:?}");
                    ready.push(event.run().0);
                }
            }
        }
        ready.sort_unstable();
        assert_eq!(ready, (0..100).collect::<Vec<_>>());
    });
}

#[test]
fn words_are_said_again_after_others() {
    run(async {
        let (one, two) = (answer("500 Oops"), answer("503 Busy"));
        let server = Server::start(&[&one, &one, &two, &one, &answer("200 OK")]).await;
        let mut probes = asking(&policy(ReadyProbe::Http(http(tcp(server.port)))));
        for status in ["500", "503", "500"] {
            assert!(why(&mut probes).await.ends_with(status));
        }
        becomes_ready(&mut probes).await;
    });
}
