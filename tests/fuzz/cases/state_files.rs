//! What lies in a home's state directory: revisions, pointers, the journal, the events, the mark.

use std::{fs, path::PathBuf, time::Duration};

use eco::{
    host::{
        home::Home,
        marker,
        store::{
            EventLine, EventQuery, Events, Journal, Recovered, Store, StoredProject, rewritten,
        },
    },
    model::{
        AppKey, Cohort, Exit, ExitStatus, Generation, InstanceId, Observed, Revision, RunId,
        StopReason, Stopping, Time,
    },
    reconcile,
};
use sha2::{Digest as _, Sha256};

use super::{Case, take};

/// The first byte of the input says which file it is; the rest is what the file holds. The files
/// with a digest come in two ways: as they are, and as what the digest is made of.
pub const CASE: Case = Case { name: "state_files", run, seeds };

const REVISION: u8 = 0;
const REVISION_BODY: u8 = 1;
const POINTER: u8 = 2;
const POINTER_BODY: u8 = 3;
const JOURNAL: u8 = 4;
const EVENTS: u8 = 5;
const MARK: u8 = 6;
const KINDS: u8 = 7;

const SAMPLE: &str = include_str!("../../it/store/revision-1.json");
const BOOT: &str = "boot-1";

fn run(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let [kind] = take(&mut rest);
    let place = Place::new();
    match kind % KINDS {
        REVISION => place.revision(rest),
        REVISION_BODY => place.revision(&framed(rest)),
        POINTER => place.pointer(rest),
        POINTER_BODY => place.pointer(&framed(rest)),
        JOURNAL => place.journal(rest),
        EVENTS => place.events(rest),
        _ => place.mark(rest),
    }
}

/// A home of its own.
struct Place {
    home: Home,
    _dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path()).unwrap();
        fs::create_dir_all(home.state.join("projects/shop/revisions")).unwrap();
        Self { home, _dir: dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.state.join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// The newest revision is damaged: it is what it says it is, or the one before counts.
    fn revision(&self, bytes: &[u8]) -> bool {
        self.write("projects/shop/revisions/000001.json", &framed(&sample(1)));
        self.write("projects/shop/revisions/000002.json", bytes);
        self.write("projects/shop/current", &framed(b"{\"current\":2}"));
        let (store, found, faults) = Store::open(&self.home);
        let [found] = &found[..] else { panic!("{found:?} {faults:?}") };
        let is_valid = found.project.generation == Generation(2);
        assert_eq!(is_valid, faults.is_empty(), "{faults:?}");
        assert_eq!(store.history(&found.name).len(), 1 + usize::from(is_valid));
        let again = serde_json::to_vec(found).unwrap();
        assert_eq!(serde_json::from_slice::<StoredProject>(&again).unwrap(), *found);
        is_valid
    }

    /// The pointer is damaged: whatever it says, some revision is found.
    fn pointer(&self, bytes: &[u8]) -> bool {
        for generation in [1, 2] {
            let name = format!("projects/shop/revisions/{generation:06}.json");
            self.write(&name, &framed(&sample(generation)));
        }
        self.write("projects/shop/current", bytes);
        let (_, found, faults) = Store::open(&self.home);
        let [found] = &found[..] else { panic!("{found:?} {faults:?}") };
        if !faults.is_empty() {
            assert_eq!(found.project.generation, Generation(2), "{faults:?}");
        }
        faults.is_empty()
    }

    fn journal(&self, bytes: &[u8]) -> bool {
        self.keeps_what_was_before(bytes);
        self.takes_what_comes_after(bytes);
        let found = self.replayed(bytes);
        assert!(same(&found, &self.replayed(&rewritten(bytes, BOOT))), "{found:?}");
        let mut observed = Observed::default();
        for (id, exit) in &found.exits {
            reconcile::remember(&mut observed, id, *exit);
        }
        !same(&found, &Recovered::default())
    }

    /// What was noted before is there whatever follows, as long as none of that is an entry.
    fn keeps_what_was_before(&self, bytes: &[u8]) {
        self.write("journal.ndjson", b"");
        let (mut journal, _) = Journal::open_in_boot(&self.home, BOOT);
        note(&mut journal);
        let before = fs::read(self.path("journal.ndjson")).unwrap();
        let alone = self.replayed(&before);
        let mut file = before;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            // No JSON begins like that.
            file.push(0xff);
            file.extend(line);
        }
        assert!(same(&self.replayed(&file), &alone));
    }

    /// What is noted behind any bytes is found, also if they end within a line.
    fn takes_what_comes_after(&self, bytes: &[u8]) {
        self.write("journal.ndjson", bytes);
        let (mut journal, _) = Journal::open_in_boot(&self.home, BOOT);
        let last = exit(u64::MAX);
        journal.exit(&web(9), &last).unwrap();
        let (_, again) = Journal::open_in_boot(&self.home, BOOT);
        assert!(again.exits.contains(&(web(9), last)), "{again:?}");
        assert!(again.faults.iter().all(|fault| !fault.to_string().is_empty()));
    }

    fn replayed(&self, bytes: &[u8]) -> Recovered {
        self.write("journal.ndjson", bytes);
        Journal::open_in_boot(&self.home, BOOT).1
    }

    fn events(&self, bytes: &[u8]) -> bool {
        self.write("events.ndjson", bytes);
        let mut events = Events::open(&self.home);
        let all = EventQuery::default();
        let before = events.read(&all).unwrap();
        let last_seq = events.last_seq();
        assert_eq!(last_seq, before.last().map_or(0, |line| line.seq));
        let line = events.append(EventLine { kind: "test".to_owned(), ..EventLine::default() });
        assert_eq!(line.seq, last_seq.saturating_add(1));
        let after = events.read(&all).unwrap();
        assert_eq!(after.last(), Some(&line));
        assert_eq!(after[..after.len() - 1], before);
        let newer = events.read(&EventQuery { after: Some(last_seq), ..all.clone() }).unwrap();
        assert!(newer.iter().all(|line| last_seq < line.seq));
        assert_eq!(events.read(&EventQuery { last: Some(1), ..all }).unwrap(), [line]);
        !before.is_empty()
    }

    fn mark(&self, bytes: &[u8]) -> bool {
        self.write("ended", bytes);
        let read = marker::read(&self.home);
        if let Some(leave_apps) = read {
            marker::set(&self.home, leave_apps).unwrap();
            assert_eq!(marker::read(&self.home), read);
        }
        marker::clear(&self.home).unwrap();
        assert_eq!(marker::read(&self.home), None);
        read == Some(true)
    }
}

/// A document with its digest, as it lies in a file.
fn framed(body: &[u8]) -> Vec<u8> {
    let head = format!("{{\"schema\":1,\"sha256\":\"{:x}\"}}\n", Sha256::digest(body));
    [head.as_bytes(), body].concat()
}

fn sample(generation: u64) -> Vec<u8> {
    let of = format!("\"generation\": {generation}");
    SAMPLE.replacen("\"generation\": 7", &of, 1).into_bytes()
}

fn same(one: &Recovered, other: &Recovered) -> bool {
    one.exits == other.exits
        && one.earlier == other.earlier
        && one.stops == other.stops
        && one.ready == other.ready
}

/// Everything a journal can say.
fn note(journal: &mut Journal) {
    let at = Time(Duration::from_millis(9));
    let stopping = Stopping {
        since: at,
        reason: StopReason::Changed,
        killed: None,
        group: true,
        draining: false,
        drained: false,
        command: None,
    };
    journal.ready(RunId(1), at).unwrap();
    journal.exit(&web(0), &exit(1)).unwrap();
    journal.exit(&web(1), &exit(2)).unwrap();
    journal.forget(&app("gone")).unwrap();
    journal.ready(RunId(3), at).unwrap();
    journal.stop(RunId(3), &stopping).unwrap();
    journal.kill(RunId(3), at).unwrap();
}

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
        started: Time(Duration::from_millis(1)),
        ended: Time(Duration::from_millis(2)),
        status: ExitStatus::Code(1),
        failure: None,
        ready: None,
        requested: false,
        not_ready: false,
        unfit: None,
        cohort: Cohort::NONE,
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let place = Place::new();
    let (mut journal, _) = Journal::open_in_boot(&place.home, BOOT);
    note(&mut journal);
    let journal = fs::read(place.path("journal.ndjson")).unwrap();
    let earlier = format!(
        "{{\"boot\":\"{BOOT}\"}}\n{{\"earlier\":{{\"id\":{},\"count\":3}}}}\n",
        serde_json::to_string(&web(0)).unwrap()
    );
    let mut events = Events::open(&place.home);
    for app in ["web", "worker"] {
        let (kind, app) = ("started".to_owned(), Some(app.to_owned()));
        events.append(EventLine { kind, app, instance: Some(0), ..EventLine::default() });
    }
    let events = fs::read(place.path("events.ndjson")).unwrap();
    let seed = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    vec![
        seed(REVISION, &framed(&sample(2))),
        seed(REVISION_BODY, &sample(2)),
        seed(POINTER, &framed(b"{\"current\":1}")),
        seed(POINTER_BODY, b"{\"current\":2}"),
        seed(JOURNAL, &journal),
        seed(JOURNAL, earlier.as_bytes()),
        seed(EVENTS, &events),
        seed(MARK, b"leave-apps\n"),
    ]
}
