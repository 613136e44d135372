//! The journal: what happened in this boot comes back, whatever became of the file.

use std::{fs, io::Write as _, time::Duration};

use eco::{
    host::store::{Journal, Recovered},
    model::{
        AppKey, Cohort, Exit, ExitStatus, Generation, History, InstanceId, Revision, RunId,
        SpawnFailure, SpawnStep, StopReason, Stopping, Time,
    },
};
use proptest::prelude::*;

use super::Place;

fn app(name: &str) -> AppKey {
    AppKey { project: "shop".parse().unwrap(), app: name.parse().unwrap() }
}

fn web(index: u32) -> InstanceId {
    app("web").instance(index)
}

fn exit(run: u64) -> Exit {
    Exit {
        run: RunId(run),
        revision: Revision(7),
        generation: Generation(3),
        started: Time(Duration::from_nanos(run)),
        ended: Time(Duration::from_secs(run)),
        status: ExitStatus::Code(1),
        failure: None,
        ready: None,
        requested: run.is_multiple_of(5),
        not_ready: false,
        unfit: None,
        cohort: Cohort::NONE,
    }
}

fn stopping() -> Stopping {
    Stopping {
        since: Time(Duration::from_millis(1_500)),
        reason: StopReason::Changed,
        killed: None,
        group: true,
        draining: false,
        drained: false,
        command: None,
    }
}

fn reopened(place: &Place) -> Recovered {
    Journal::open_in_boot(&place.home, "boot-1").1
}

fn runs(recovered: &Recovered) -> Vec<u64> {
    recovered.exits.iter().map(|(_, exit)| exit.run.0).collect()
}

/// A journal with every kind of line, as this version writes it.
fn every_kind(place: &Place) {
    let (mut journal, _) = Journal::open_in_boot(&place.home, "boot-0");
    journal.exit(&web(0), &exit(1)).unwrap();
    let (mut journal, _) = Journal::open_in_boot(&place.home, "boot-1");
    for run in 2..12 {
        journal.exit(&web(0), &exit(run)).unwrap();
    }
    journal.exit(&app("gone").instance(0), &exit(12)).unwrap();
    journal.forget(&app("gone")).unwrap();
    let failure = Some(SpawnFailure { step: SpawnStep::Exec, errno: 2 });
    let failed = Exit { failure, ready: Some(Time(Duration::from_secs(13))), ..exit(13) };
    journal.exit(&web(1), &failed).unwrap();
    journal.ready(RunId(14), Time(Duration::from_secs(14))).unwrap();
    journal.stop(RunId(14), &stopping()).unwrap();
    journal.kill(RunId(14), Time(Duration::from_secs(15))).unwrap();
}

/// Recorded once for each format: `RECORD=1` writes it.
const RECORDED: &str = "tests/it/store/recorded/journal.1.ndjson";

#[test]
fn a_recorded_journal_is_read_as_it_was_meant() {
    let (written, place) = (Place::new(), Place::new());
    every_kind(&written);
    if std::env::var_os("RECORD").is_some() {
        fs::copy(written.state("journal.ndjson"), RECORDED).unwrap();
    }
    fs::create_dir_all(place.state("")).unwrap();
    fs::copy(RECORDED, place.state("journal.ndjson")).unwrap();
    eco::host::store::check(&place.home).unwrap();
    let (found, expected) = (reopened(&place), reopened(&written));
    assert!(found.faults.is_empty(), "{:?}", found.faults);
    assert_eq!(found.exits, expected.exits);
    assert_eq!((&found.earlier, &found.stops), (&expected.earlier, &expected.stops));
    assert_eq!(found.ready, expected.ready);
    assert!(found.exits.len() > 5 && found.stops[&RunId(14)].killed.is_some());
}

#[test]
fn exits_and_stops_of_this_boot_come_back() {
    let place = Place::new();
    let (mut journal, recovered) = Journal::open_in_boot(&place.home, "boot-1");
    assert!(recovered.exits.is_empty() && recovered.faults.is_empty());
    journal.exit(&web(1), &exit(1)).unwrap();
    journal.exit(&web(0), &exit(2)).unwrap();
    journal.stop(RunId(3), &stopping()).unwrap();
    journal.stop(RunId(4), &stopping()).unwrap();
    let at = Time(Duration::from_secs(9));
    journal.kill(RunId(4), at).unwrap();
    journal.kill(RunId(5), at).unwrap();
    // A second controller notes an exit again that the first one had noted.
    let (mut journal, _) = Journal::open_in_boot(&place.home, "boot-1");
    journal.exit(&web(0), &exit(2)).unwrap();
    let recovered = reopened(&place);
    assert_eq!(recovered.exits, [(web(1), exit(1)), (web(0), exit(2))]);
    let killed = Stopping { killed: Some(at), ..stopping() };
    assert_eq!(
        recovered.stops.into_iter().collect::<Vec<_>>(),
        [(RunId(3), stopping()), (RunId(4), killed)]
    );
    assert!(recovered.faults.is_empty() && recovered.earlier.is_empty());
    // The machine's own boot is another one.
    assert!(Journal::open(&place.home).1.exits.is_empty());
}

#[test]
fn a_forgotten_app_does_not_come_back() {
    let place = Place::new();
    let (mut journal, _) = Journal::open_in_boot(&place.home, "boot-1");
    journal.exit(&web(0), &exit(1)).unwrap();
    journal.exit(&app("other").instance(0), &exit(2)).unwrap();
    journal.forget(&app("web")).unwrap();
    journal.exit(&web(0), &exit(3)).unwrap();
    assert_eq!(runs(&reopened(&place)), [2, 3]);
}

#[test]
fn a_torn_line_is_left_out_and_the_next_one_is_whole() {
    let place = Place::new();
    let (mut journal, _) = Journal::open_in_boot(&place.home, "boot-1");
    journal.exit(&web(0), &exit(1)).unwrap();
    let mut file = fs::File::options().append(true).open(place.state("journal.ndjson")).unwrap();
    file.write_all(b"{\"exit\":{\"id\":").unwrap();
    let (mut journal, recovered) = Journal::open_in_boot(&place.home, "boot-1");
    assert_eq!(runs(&recovered), [1]);
    assert!(recovered.faults.is_empty(), "{:?}", recovered.faults);
    journal.exit(&web(0), &exit(2)).unwrap();
    let recovered = reopened(&place);
    assert_eq!(runs(&recovered), [1, 2]);
    assert_eq!(recovered.faults.len(), 1, "now it is a bad line in the middle");
}

#[test]
fn bad_lines_are_reported_and_left_out() {
    let place = Place::new();
    let (mut journal, _) = Journal::open_in_boot(&place.home, "boot-1");
    journal.exit(&web(0), &exit(1)).unwrap();
    let mut file = fs::File::options().append(true).open(place.state("journal.ndjson")).unwrap();
    file.write_all(b"\xff\xfe\n{\"a_later_entry\":1}\n").unwrap();
    file.write_all(&b"nonsense\n".repeat(10)).unwrap();
    journal.exit(&web(0), &exit(2)).unwrap();
    let recovered = reopened(&place);
    assert_eq!(runs(&recovered), [1, 2]);
    let text: Vec<String> = recovered.faults.iter().map(ToString::to_string).collect();
    assert_eq!(text.len(), 6, "{text:?}");
    assert!(text[0].contains("line 3") && text[5].contains("7 more"), "{text:?}");
}

#[test]
fn it_stays_small_and_counts_what_it_leaves_out() {
    let place = Place::new();
    let (mut journal, _) = Journal::open_in_boot(&place.home, "boot-1");
    journal.stop(RunId(60_001), &stopping()).unwrap();
    let path = place.state("journal.ndjson");
    let mut largest = 0;
    for run in 1..=60_000 {
        journal.exit(&web(u32::from(run % 2 == 0)), &exit(run)).unwrap();
        if run % 100 == 0 {
            largest = largest.max(fs::metadata(&path).unwrap().len());
        }
    }
    assert!(largest < 9 << 20, "it grew to {largest} bytes");
    let check = |recovered: &Recovered| {
        let kept = u64::try_from(History::KEPT).unwrap();
        assert_eq!(runs(recovered), (60_001 - 2 * kept..=60_000).collect::<Vec<_>>());
        let asked_for = 60_000 / 5;
        let left_out: u64 = recovered.earlier.values().sum();
        let kept_failures = recovered.exits.iter().filter(|(_, exit)| !exit.requested).count();
        let kept_failures = u64::try_from(kept_failures).unwrap();
        assert_eq!(left_out + kept_failures, 60_000 - asked_for);
        assert_eq!(recovered.stops.len(), 1);
        assert!(recovered.faults.is_empty(), "{:?}", recovered.faults);
    };
    check(&reopened(&place));
    assert!(fs::metadata(&path).unwrap().len() < 1 << 20, "made small when it was opened");
    check(&reopened(&place));
}

#[test]
fn what_cannot_be_written_waits() {
    let place = Place::new();
    fs::write(&place.home.state, "in the way").unwrap();
    let (mut journal, recovered) = Journal::open_in_boot(&place.home, "boot-1");
    assert!(!recovered.faults.is_empty());
    assert!(journal.exit(&web(0), &exit(1)).is_err());
    assert!(journal.stop(RunId(2), &stopping()).is_err());
    fs::remove_file(&place.home.state).unwrap();
    journal.exit(&web(0), &exit(3)).unwrap();
    let recovered = reopened(&place);
    assert_eq!((runs(&recovered), recovered.stops.len()), (vec![1, 3], 1));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn no_bytes_make_it_fail(
        before in prop::collection::vec(any::<u8>(), 0..400),
        lines in prop::collection::vec("[{\"a-z:0-9,}\\[\\]\n]{0,40}", 0..8),
    ) {
        let place = Place::new();
        fs::create_dir_all(&place.home.state).unwrap();
        let bytes = [before, lines.concat().into_bytes()].concat();
        fs::write(place.state("journal.ndjson"), bytes).unwrap();
        let (mut journal, _) = Journal::open_in_boot(&place.home, "boot-1");
        journal.exit(&web(0), &exit(1)).unwrap();
        prop_assert_eq!(runs(&reopened(&place)), [1]);
    }
}
