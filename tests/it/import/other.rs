//! Files of other programs than PM2: what each becomes, that it can be read, and its faults.

use std::collections::BTreeSet;

use eco::{
    config::{Faults, load_text},
    import::{Asked, Native, native},
};

use super::{files, placed, with_source};

fn written(file: &std::path::Path) -> Native {
    let native = with_source(None, |source| native(Asked::file(file), source));
    native.unwrap_or_else(|faults| panic!("{}", faults.render(100, false))).unwrap()
}

#[test]
fn files_of_other_programs_become_ours() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots/other");
    settings.bind(|| {
        for file in files("other") {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let (_dir, path) = placed(&file);
            let native = written(&path);
            insta::assert_snapshot!(name.replace('.', "_"), native.text, &name);
            let ours = path.with_file_name("ecosystem.yaml");
            let text = native.text.as_bytes();
            let read = with_source(None, |source| load_text(&ours, text, source));
            match (read, native.here) {
                (Ok(now), Ok(then)) => assert_eq!(now.apps, then.apps, "{name}"),
                (Ok(_), Err(faults)) | (Err(faults), Ok(_)) => {
                    panic!("{name}: {}", faults.render(100, false))
                }
                // What an anchor brings into several apps was one place there.
                (Err(now), Err(then)) => assert_eq!(said(&now), said(&then), "{name}"),
            }
        }
    });
}

fn said(faults: &Faults) -> BTreeSet<&str> {
    faults.iter().map(|fault| fault.message.as_str()).collect()
}

#[test]
fn what_is_wrong_with_them_is_underlined() {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter("tests/it/import/other_bad/", "");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots/other_bad");
    settings.bind(|| {
        for file in files("other_bad") {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let native = with_source(None, |source| native(Asked::file(&file), source));
            let text = native.unwrap_err().render(100, false);
            insta::assert_snapshot!(name.replace('.', "_"), text, &name);
        }
    });
}
