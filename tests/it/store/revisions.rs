//! Revisions: saved, loaded, damaged.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use eco::{
    host::store::{Store, StoreFault, StoredProject, StoredResult},
    model::{Generation, ProjectName},
};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::Place;

/// Written by the first version; every later one has to load it.
const FIRST: &str = include_str!("revision-1.json");

fn sample(name: &str, generation: u64) -> StoredProject {
    let mut stored: StoredProject = serde_json::from_str(FIRST).unwrap();
    stored.name = name.parse().unwrap();
    stored.project.generation = Generation(generation);
    stored.dir = PathBuf::from("/srv/shop");
    stored.file = PathBuf::from("/srv/shop/ecosystem.yaml");
    stored.profile = Some("production".to_owned());
    stored.followed = true;
    stored.source_env.insert("DATABASE_URL".to_owned(), "postgres://secret".to_owned());
    stored.changed_at = String::from("2026-11-23T01:02:03Z");
    stored.summary = format!("change {generation}");
    stored
}

fn shop() -> ProjectName {
    "shop".parse().unwrap()
}

fn revision_file(place: &Place, generation: u64) -> PathBuf {
    place.state(&format!("projects/shop/revisions/{generation:06}.json"))
}

/// A store with generations 1 to `count` of one project.
fn filled(count: u64) -> (Place, Store) {
    let place = Place::new();
    let (mut store, found, faults) = Store::open(&place.home);
    assert!(found.is_empty() && faults.is_empty(), "{found:?} {faults:?}");
    for generation in 1..=count {
        store.save(&sample("shop", generation)).unwrap();
    }
    (place, store)
}

#[test]
fn what_is_saved_comes_back() {
    let (place, mut store) = filled(3);
    store.save(&sample("other", 9)).unwrap();
    let (store, found, faults) = Store::open(&place.home);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(found, [sample("other", 9), sample("shop", 3)]);
    let history = store.history(&shop());
    let generations: Vec<_> =
        history.iter().map(|line| (line.generation.0, line.current)).collect();
    assert_eq!(generations, [(1, false), (2, false), (3, true)]);
    assert_eq!(history[1].summary, "change 2");
    assert_eq!(store.revision(&shop(), Generation(2)).unwrap(), sample("shop", 2));
    assert!(store.revision(&shop(), Generation(4)).is_err());
}

#[test]
fn the_same_generation_can_be_saved_again() {
    let (place, mut store) = filled(2);
    let mut changed = sample("shop", 2);
    changed.file_fault = Some("line 3 is broken".to_owned());
    store.save(&changed).unwrap();
    assert_eq!(Store::open(&place.home).1, [changed]);
    assert_eq!(store.history(&shop()).len(), 2);
}

#[test]
fn what_became_of_a_state_is_noted_with_it() {
    let (_place, mut store) = filled(3);
    let results = |store: &Store| -> Vec<_> {
        store.history(&shop()).iter().map(|line| line.result).collect()
    };
    assert_eq!(results(&store), [StoredResult::Unknown; 3], "the first version did not note it");
    store.note_result(&shop(), Generation(1), StoredResult::RolledBack).unwrap();
    let third = sample("shop", 3);
    store.amend(&shop(), &third.project, Some(StoredResult::Converged)).unwrap();
    store.amend(&shop(), &third.project, None).unwrap();
    let noted = [StoredResult::RolledBack, StoredResult::Unknown, StoredResult::Converged];
    assert_eq!(results(&store), noted);
    assert_eq!(store.history(&shop()).iter().filter(|line| line.current).count(), 1);
    assert!(store.note_result(&shop(), Generation(9), StoredResult::Converged).is_err());
    // The same state saved with another text of the file came about as before.
    let mut again = StoredProject { summary: "no change".to_owned(), ..third.clone() };
    store.keep_reason(&mut again);
    assert_eq!((again.summary, again.result), (third.summary, StoredResult::Converged));
}

#[test]
fn a_result_that_a_later_version_knows_is_unknown() {
    let (place, store) = filled(1);
    let text = fs::read(revision_file(&place, 1)).unwrap();
    let text = String::from_utf8(text).unwrap();
    let body = text.lines().last().unwrap();
    let later = body.replace("\"result\":\"unknown\"", "\"result\":\"overtaken\"");
    assert_ne!(later, body);
    let stored: StoredProject = serde_json::from_str(&later).unwrap();
    assert_eq!(stored.result, StoredResult::Unknown);
    assert_eq!(store.history(&shop())[0].who, None);
}

#[test]
fn old_states_go_but_those_that_are_needed_stay() {
    let (place, mut store) = filled(9);
    let needed = [2, 9].map(Generation).into();
    assert_eq!(store.prune(&shop(), 3, &needed).unwrap(), (5, 4));
    let left: Vec<_> = store.history(&shop()).iter().map(|line| line.generation.0).collect();
    assert_eq!(left, [2, 7, 8, 9]);
    assert_eq!(store.prune(&shop(), 3, &needed).unwrap(), (0, 4));
    assert_eq!(store.prune(&shop(), 0, &needed).unwrap(), (2, 2));
    let (_, found, faults) = Store::open(&place.home);
    assert!(faults.is_empty() && found[0].project.generation == Generation(9), "{faults:?}");
}

#[test]
fn only_the_user_can_read_it_and_debug_output_has_no_secret() {
    let (place, _) = filled(1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = revision_file(&place, 1);
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(&place.state("projects/shop/current")), 0o600);
    for dir in file.ancestors().skip(1).take_while(|dir| *dir != place.dir.path()) {
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
    }
    assert!(!format!("{:?}", sample("shop", 1)).contains("secret"));
}

#[test]
fn the_last_fifty_are_kept() {
    let (place, store) = filled(53);
    let history = store.history(&shop());
    assert_eq!(history.len(), 50);
    assert_eq!((history[0].generation.0, history[49].generation.0), (4, 53));
    let left = fs::read_dir(place.state("projects/shop/revisions")).unwrap().count();
    assert_eq!(left, 50, "nothing else is left behind");
}

#[test]
fn a_removed_project_is_gone_even_if_that_was_cut_short() {
    let (place, mut store) = filled(2);
    store.save(&sample("other", 1)).unwrap();
    store.remove(&shop()).unwrap();
    store.remove(&shop()).unwrap();
    assert!(store.history(&shop()).is_empty());
    // Renamed, but not emptied yet.
    let half = place.state("projects/.removed-other");
    fs::rename(place.state("projects/other"), &half).unwrap();
    let (_, found, faults) = Store::open(&place.home);
    assert!(found.is_empty() && faults.is_empty(), "{found:?} {faults:?}");
    assert!(!half.exists());
}

#[test]
fn an_unreadable_revision_gives_way_to_the_newest_readable_one() {
    let (place, _) = filled(4);
    fs::write(revision_file(&place, 4), "").unwrap();
    let three = fs::read(revision_file(&place, 3)).unwrap();
    fs::write(revision_file(&place, 3), &three[..three.len() / 2]).unwrap();
    let (_, found, faults) = Store::open(&place.home);
    assert_eq!(found, [sample("shop", 2)]);
    let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(text.len(), 3, "{text:?}");
    assert!(text[0].contains("000004.json") && text[0].contains("empty"), "{text:?}");
    assert!(text[1].contains("000003.json"), "{text:?}");
    assert!(text[2].contains("older state 2"), "{text:?}");
}

#[test]
fn a_project_without_any_readable_revision_is_named_and_left_out() {
    let (place, mut store) = filled(2);
    store.save(&sample("other", 1)).unwrap();
    for generation in 1..=2 {
        fs::write(revision_file(&place, generation), "{}\n{}").unwrap();
    }
    let (mut store, found, faults) = Store::open(&place.home);
    assert_eq!(found, [sample("other", 1)]);
    let unreadable = faults.iter().any(|fault| {
        matches!(fault, StoreFault::Unreadable { project, newest }
            if *project == shop() && *newest == Generation(2))
    });
    assert!(unreadable, "{faults:?}");
    // The next apply heals it.
    store.save(&sample("shop", 3)).unwrap();
    let (_, found, faults) = Store::open(&place.home);
    assert_eq!(found.len(), 2);
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn another_format_is_not_read_and_says_so() {
    let (place, _) = filled(1);
    let file = revision_file(&place, 1);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"schema\":1", "\"schema\":2", 1)).unwrap();
    let (_, found, faults) = Store::open(&place.home);
    assert!(found.is_empty());
    assert!(faults[0].to_string().contains("format 2"), "{}", faults[0]);
}

#[test]
fn files_of_other_versions_load() {
    let (place, _) = filled(1);
    let body = FIRST.replace("\"generation\": 7", "\"generation\": 1");
    let head = format!("{{\"schema\":1,\"sha256\":\"{:x}\",\"new\":0}}\n", Sha256::digest(&body));
    fs::write(revision_file(&place, 1), head + &body).unwrap();
    let (_, found, faults) = Store::open(&place.home);
    assert!(faults.is_empty(), "{faults:?}");
    assert!(!found[0].followed);
    let app = &found[0].project.apps[&"web".parse().unwrap()];
    assert_eq!((app.scale, app.stopped, app.fresh_from(1)), (Some(3), true, Generation(6)));
}

/// Recorded once for each format: `RECORD=1` writes it.
const RECORDED: &str = "tests/it/store/recorded/project.1";

#[test]
fn a_recorded_project_is_read_as_it_was_meant() {
    let (written, mut store) = filled(0);
    store.save(&sample("shop", 7)).unwrap();
    let files = ["current", "revisions/000007.json"];
    let recorded = |file: &str| Path::new(RECORDED).join(file.replace('/', "."));
    let place = Place::new();
    fs::create_dir_all(place.state("projects/shop/revisions")).unwrap();
    for file in files {
        if std::env::var_os("RECORD").is_some() {
            fs::create_dir_all(RECORDED).unwrap();
            let from = written.state("projects/shop").join(file);
            fs::copy(from, recorded(file)).unwrap();
        }
        fs::copy(recorded(file), place.state("projects/shop").join(file)).unwrap();
    }
    eco::host::store::check(&place.home).unwrap();
    let (_, found, faults) = Store::open(&place.home);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(found, [sample("shop", 7)]);
}

#[test]
fn what_is_damaged_is_no_matter_of_versions_and_what_is_whole_is() {
    let (place, _) = filled(2);
    let file = revision_file(&place, 2);
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    eco::host::store::check(&place.home).unwrap();
    fs::write(&file, whole.replacen("\"schema\":1", "\"schema\":2", 1)).unwrap();
    let fault = eco::host::store::check(&place.home).unwrap_err().to_string();
    assert!(fault.contains("000002.json") && fault.contains("format 2"), "{fault}");
    // Only what is current is taken over.
    fs::write(&file, &whole).unwrap();
    fs::write(revision_file(&place, 1), "{\"schema\":2}\n").unwrap();
    eco::host::store::check(&place.home).unwrap();
}

#[test]
fn a_save_cut_short_leaves_the_former_state() {
    let (place, _) = filled(2);
    // The next revision is there, but the pointer does not name it yet.
    let (next, _) = filled(3);
    fs::copy(revision_file(&next, 3), revision_file(&place, 3)).unwrap();
    fs::write(place.state("projects/shop/.current.new"), "half").unwrap();
    let (mut store, found, faults) = Store::open(&place.home);
    assert_eq!(found, [sample("shop", 2)]);
    assert!(faults.is_empty(), "{faults:?}");
    store.save(&sample("shop", 3)).unwrap();
    assert_eq!(Store::open(&place.home).1, [sample("shop", 3)]);
    // Without the pointer the newest is taken, and that is said.
    fs::remove_file(place.state("projects/shop/current")).unwrap();
    let (_, found, faults) = Store::open(&place.home);
    assert_eq!((found.len(), faults.len()), (1, 1), "{faults:?}");
}

#[test]
fn strange_things_in_the_directory_are_named() {
    let (place, _) = filled(1);
    fs::write(place.state("projects/notes.txt"), "x").unwrap();
    fs::create_dir(place.state("projects/a b")).unwrap();
    fs::create_dir_all(place.state("projects/empty/revisions")).unwrap();
    fs::create_dir(revision_file(&place, 2)).unwrap();
    let (_, found, faults) = Store::open(&place.home);
    assert_eq!(found.len(), 1);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults.iter().all(|fault| matches!(fault, StoreFault::Foreign { .. })), "{faults:?}");
}

#[test]
fn a_disk_that_refuses_is_an_error_and_no_loss() {
    let place = Place::new();
    fs::write(&place.home.state, "in the way").unwrap();
    let (mut store, found, faults) = Store::open(&place.home);
    assert!(found.is_empty());
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(store.save(&sample("shop", 1)).is_err());
    fs::remove_file(&place.home.state).unwrap();
    store.save(&sample("shop", 1)).unwrap();
    assert_eq!(Store::open(&place.home).1, [sample("shop", 1)]);
}

/// One way in which a file gets damaged.
#[derive(Clone, Debug)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Replace(Vec<u8>),
    Append(Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<prop::sample::Index>(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        any::<prop::sample::Index>().prop_map(Damage::Cut),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Damage::Replace),
        prop::collection::vec(any::<u8>(), 1..200).prop_map(Damage::Append),
    ]
}

fn apply(damage: &Damage, bytes: &mut Vec<u8>) {
    match damage {
        Damage::Flip(at, bit) => {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Damage::Replace(new) => bytes.clone_from(new),
        Damage::Append(more) => bytes.extend(more),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn damage_never_yields_what_was_not_saved(
        of_revision in prop::option::of(damage()),
        of_pointer in prop::option::of(damage()),
    ) {
        let (place, _) = filled(2);
        let files = [revision_file(&place, 2), place.state("projects/shop/current")];
        let mut damaged = false;
        for (file, damage) in files.iter().zip([&of_revision, &of_pointer]) {
            if let Some(damage) = damage {
                let before = fs::read(file).unwrap();
                let mut bytes = before.clone();
                apply(damage, &mut bytes);
                damaged |= bytes != before;
                fs::write(file, bytes).unwrap();
            }
        }
        let (_, found, faults) = Store::open(&place.home);
        prop_assert_eq!(found.len(), 1, "{:?}", faults);
        prop_assert!(found[0] == sample("shop", 2) || found[0] == sample("shop", 1));
        // A flip within the first line may leave it saying the same, in other letters.
        if found[0] == sample("shop", 1) {
            prop_assert!(damaged && !faults.is_empty());
        }
        if of_revision.is_none() && of_pointer.is_none() {
            prop_assert!(faults.is_empty());
        }
    }
}
