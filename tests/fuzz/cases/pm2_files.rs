//! A whole PM2 file: from its bytes to the eco file that says the same, or to its faults.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use eco::{
    config::{Loaded, SecretKey, Source, load_text},
    import::{Native, Options, check_static, fuzzing::pm2},
};

use super::{
    Case,
    file_reader::{Someone, environment, root},
    sound,
};

/// The input is a byte that says in which format, and the text.
pub const CASE: Case = Case { name: "pm2_files", run, seeds };

/// By the endings of their names.
const FORMATS: [&str; 5] = ["json", "yaml", "js", "mjs", "json5"];

fn run(bytes: &[u8]) -> bool {
    let Some((format, bytes)) = bytes.split_first() else { return false };
    let format = FORMATS[usize::from(*format) % FORMATS.len()];
    let path = directory().join(format!("some.config.{format}"));
    let text = String::from_utf8_lossy(bytes).into_owned();
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let by_text = check_static(&path, bytes, Options::default());
    if let Err(faults) = &by_text {
        assert!(!faults.is_empty());
        sound(faults, &path, text);
    }
    let env = environment();
    let read = pm2(&path, bytes, &source(&env), Options::default());
    let lenient = pm2(&path, bytes, &source(&env), Options { lenient: true });
    match read {
        Ok(None) => false,
        Ok(Some(native)) => {
            assert!(by_text.is_ok(), "{:?}", by_text.map_err(|faults| faults.one_line()));
            sound(&here(&native).warnings, &path, text);
            good(&native);
            let lenient = lenient.unwrap().unwrap();
            assert_eq!(here(&lenient).apps, here(&native).apps);
            assert_eq!(lenient.text, native.text);
            true
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            sound(&faults, &path, text);
            match lenient {
                Ok(native) => good(&native.unwrap()),
                Err(fewer) => assert!(fewer.len() <= faults.len(), "{}", fewer.one_line()),
            }
            false
        }
    }
}

/// What it says in our format is the same.
fn good(native: &Native) {
    let ours = directory().join("ecosystem.yaml");
    let env = environment();
    let again = load_text(&ours, native.text.as_bytes(), &source(&env));
    let again = again.unwrap_or_else(|faults| {
        panic!("what was written is wrong: {}\n{}", faults.render(100, false), native.text)
    });
    assert_eq!(again.apps, here(native).apps, "{}", native.text);
    assert_eq!(again.vars_used, here(native).vars_used, "{}", native.text);
}

/// PM2's files are for this machine.
fn here(native: &Native) -> &Loaded {
    native.here.as_ref().unwrap()
}

fn source(env: &BTreeMap<String, String>) -> Source<'_> {
    let secret_key = SecretKey::new([7; SecretKey::LEN]);
    Source { env, profile: None, cpus: 4, accounts: &Someone, secret_key, files: None }
}

/// Where the files are taken to lie.
fn directory() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| root().join("tests/it/import/good"))
}

fn seeds() -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let seed = |file: &PathBuf| {
        let ending = file.extension()?.to_str()?;
        let ending = if ending == "cjs" { "js" } else { ending };
        let format = FORMATS.iter().position(|it| *it == ending)?;
        let text = fs::read(file).unwrap();
        Some([&[u8::try_from(format).unwrap()], &text[..]].concat())
    };
    let mut seeds: Vec<Vec<u8>> = files.iter().filter_map(seed).collect();
    // What is not good here is a program, or names what is elsewhere.
    seeds.retain(|seed| run(seed));
    assert!(20 < seeds.len(), "{}", seeds.len());
    seeds
}
