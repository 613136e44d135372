//! Commands that somebody else runs.

use eco::{
    host::probe::{ProbeEvent, Probes},
    model::{Command, ReadyPolicy, ReadyProbe},
};

use super::{RUN, SHORT, asking, is_ready, policy, run, subject, template, why};

fn exec(words: &[&str]) -> ReadyPolicy {
    policy(ReadyProbe::Exec(Command::Argv(words.iter().map(|word| template(word)).collect())))
}

/// The number of the try that is asked for.
async fn due(probes: &mut Probes) -> u64 {
    let event = probes.next().await;
    let ProbeEvent::Exec { run: RUN, attempt, .. } = event else {
        panic!("no command is due: {event:?}")
    };
    attempt
}

#[test]
fn a_command_that_fails_is_due_again_until_it_succeeds() {
    run(async {
        let mut probes = asking(&exec(&["/usr/bin/check", "${ECO_INSTANCE}", "$$5"]));
        let ProbeEvent::Exec { run, attempt, command } = probes.next().await else { panic!() };
        let filled = ["/usr/bin/check", "2", "$$5"].map(template).to_vec();
        assert_eq!((run, command), (RUN, Command::Argv(filled)));
        probes.exec_ended(RUN, attempt, false);
        assert_eq!(why(&mut probes).await, "`check` fails");
        let next = due(&mut probes).await;
        assert!(attempt < next);
        probes.exec_ended(RUN, attempt, true);
        probes.exec_ended(RUN, next, false);
        let last = due(&mut probes).await;
        probes.exec_ended(RUN, last, true);
        is_ready(&mut probes).await;
    });
}

#[test]
fn one_that_takes_too_long_has_failed_and_the_next_waits_for_its_end() {
    run(async {
        let mut probes = asking(&ReadyPolicy { timeout: SHORT, ..exec(&["check"]) });
        let attempt = due(&mut probes).await;
        let event = probes.next().await;
        assert_eq!(event, ProbeEvent::ExecTimedOut { run: RUN, attempt });
        assert_eq!(why(&mut probes).await, "`check` does not end within 300ms");
        let long = SHORT.saturating_mul(2);
        let early = tokio::time::timeout(long, probes.next()).await;
        assert!(early.is_err(), "two commands of one run: {early:?}");
        // A success after the time is none.
        probes.exec_ended(RUN, attempt, true);
        let next = due(&mut probes).await;
        probes.exec_ended(RUN, next, true);
        is_ready(&mut probes).await;
    });
}

#[test]
fn an_end_that_belongs_to_an_earlier_probe_of_the_run_is_none() {
    run(async {
        let mut probes = asking(&exec(&["check"]));
        let earlier = due(&mut probes).await;
        probes.begin(RUN, subject(&exec(&["check"])));
        let attempt = due(&mut probes).await;
        assert_ne!(earlier, attempt);
        probes.exec_ended(RUN, earlier, true);
        probes.exec_ended(RUN, attempt, false);
        assert_eq!(why(&mut probes).await, "`check` fails");
        // Nobody asks any more; a late end finds nobody.
        probes.end(RUN);
        probes.exec_ended(RUN, attempt, true);
    });
}
