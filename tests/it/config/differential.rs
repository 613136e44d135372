//! Our tree against another YAML reader, on files of all kinds.

use eco::config::plain_json;
use serde_json::Value;

use super::{here, yaml_files};

/// What the other reader makes of it, merge keys applied.
fn other(text: &str) -> Result<Value, String> {
    let mut value: serde_yaml::Value =
        serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    value.apply_merge().map_err(|error| error.to_string())?;
    serde_json::to_value(value).map_err(|error| error.to_string())
}

#[test]
fn both_readers_see_the_same() {
    let files = yaml_files("yaml").into_iter().chain(yaml_files("good"));
    let mut count = 0;
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let ours = plain_json(&path, text.as_bytes());
        let ours = ours.unwrap_or_else(|faults| panic!("{}", faults.render(100, false)));
        // The other reader takes a byte order mark for text.
        let theirs = other(text.trim_start_matches('\u{feff}'));
        let theirs = theirs.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(ours, theirs, "{}", path.display());
        count += 1;
    }
    assert!(count >= 40, "only {count} files");
}

#[test]
fn both_readers_refuse_the_same() {
    for path in yaml_files("bad/syntax") {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        // These are good YAML: we refuse them for other reasons.
        if ["empty", "only_a_comment", "tag", "complex_key", "nul", "not_utf8"].contains(&&*name) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(plain_json(&here("x.yaml"), text.as_bytes()).is_err(), "{name}");
        assert!(other(&text).is_err(), "{name}");
    }
}
