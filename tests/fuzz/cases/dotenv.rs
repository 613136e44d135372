//! Files of `KEY=value` lines: `env_file` and `vars_file`.

use std::{collections::BTreeMap, path::Path};

use eco::config::fuzzing::dotenv;

use super::{Case, sound};

/// The input is the file.
pub const CASE: Case = Case { name: "dotenv", run, seeds };

fn run(bytes: &[u8]) -> bool {
    // Others are refused before a line of them is read.
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let path = Path::new("a.env");
    match dotenv(path, text) {
        Ok(values) => {
            check(text, &values);
            assert_eq!(dotenv(path, &written(&values)).unwrap(), values);
            !values.is_empty()
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            sound(&faults, path, text);
            assert!(faults.iter().all(|fault| fault.line != 0), "{faults:?}");
            false
        }
    }
}

fn check(text: &str, values: &BTreeMap<String, String>) {
    for (name, value) in values {
        assert!(!name.is_empty() && !name.contains(['=', '\0', '\n', ' ']), "{name:?}");
        assert!(!value.contains('\0'), "{value:?}");
        assert!(text.contains(name.as_str()), "{name:?}");
    }
}

/// The same values, each in double quotes.
fn written(values: &BTreeMap<String, String>) -> String {
    let quoted = |value: &str| {
        let mut text = String::new();
        for c in value.chars() {
            match c {
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '"' | '\\' | '$' => text.extend(['\\', c]),
                c => text.push(c),
            }
        }
        text
    };
    let line = |(name, value): (&String, &String)| {
        ["export ", name, " = \"", &quoted(value), "\" # c\n"].concat()
    };
    values.iter().map(line).collect()
}

fn seeds() -> Vec<Vec<u8>> {
    vec![
        b"# c\nA=1\r\nexport B = two words # comment\nC='a $X \"q\"'\nD=\"x\\ny\\$\" # c\n"
            .to_vec(),
        b"E=\nF=a#b\nG=\"two\r\nlines\"\nA=2\nH=pa$$word\nexport=1".to_vec(),
        include_bytes!("../../it/config/good/base.env").to_vec(),
        include_bytes!("../../../examples/env-layers/base.env").to_vec(),
        include_bytes!("../../../examples/env-layers/vars.env").to_vec(),
        include_bytes!("../../../examples/express/site.env").to_vec(),
    ]
}
