//! Whether apps and profiles have names that they may have.

use super::{
    fault::Problem,
    field::{At, Field},
    log::Log,
    suggest::quoted,
    written::{Apps, Document},
};
use crate::model::{AppName, ProjectName};

/// The names of apps and profiles, wherever they stand.
pub(super) fn check(log: &Log, document: &Document) {
    let bad = |name: &str, at: At, what: &str, error: String| {
        let message = format!("{} cannot be the name of {what}", quoted(name));
        log.push(Problem::new("name", message, at.key, error));
    };
    let check_apps = |apps: &Field<Apps>| {
        for (name, field) in apps.get().into_iter().flat_map(|apps| &apps.0) {
            let (Field::Set(_, at) | Field::Null(at) | Field::Bad(at)) = field else { continue };
            if let Err(error) = name.parse::<AppName>() {
                bad(name, *at, "an app", error.to_string());
            }
        }
    };
    check_apps(&document.apps);
    for (name, field) in document.profiles.get().into_iter().flat_map(|profiles| &profiles.0) {
        let (Field::Set(_, at) | Field::Null(at) | Field::Bad(at)) = field else { continue };
        if let Err(error) = name.parse::<ProjectName>() {
            bad(name, *at, "a profile", error.to_string());
        }
        if let Some(profile) = field.get() {
            check_apps(&profile.apps);
        }
    }
}
