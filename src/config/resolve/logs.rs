//! What becomes of an app's output: `logs`.

use super::{Context, rollout::some_time};
use crate::{
    config::{
        fault::Problem,
        written::{App, Compress, RotateForm},
    },
    model::{LogCompression, LogPolicy, LogRotation},
};

/// The `logs` of an app.
pub(super) fn resolve(context: &Context<'_>, app: &App) -> LogPolicy {
    let written = app.logs.get().cloned().unwrap_or_default();
    let usual = LogRotation::default();
    let rotate = match written.rotate.get() {
        None => Some(usual),
        Some(RotateForm::None) => None,
        Some(RotateForm::Full(full)) => {
            let why = "a file that may have no age is put aside at every line";
            let age = full.age.get().map(|_| some_time(context, &full.age, usual_age(), why));
            Some(LogRotation {
                size: full.size.get().map_or(usual.size, |size| size.0),
                age,
                keep: full.keep.get().map_or(usual.keep, |keep| keep.0),
            })
        }
    };
    if let Some((max_total, at)) = written.max_total.get_at() {
        let (message, label, help) = match rotate {
            None => (
                "without `rotate` there is only one file, which `max_total` cannot remove",
                "nothing can go",
                "leave out `rotate: none`",
            ),
            Some(rotate) if max_total.0 < rotate.size => (
                "`max_total` is less than one file has before it is put aside",
                "smaller than `rotate.size`",
                "make `rotate: { size: … }` smaller than it",
            ),
            Some(_) => ("", "", ""),
        };
        if !message.is_empty() {
            context.push(Problem::new("value", message, at.value, label).help(help));
        }
    }
    LogPolicy {
        dir: written.dir.get().map(|dir| context.path(&dir.0)),
        rotate,
        compress: match written.compress.get() {
            Some(Compress::Zstd) => LogCompression::Zstd,
            Some(Compress::Gzip) => LogCompression::Gzip,
            Some(Compress::None) | None => LogCompression::None,
        },
        max_total: written.max_total.get().map(|size| size.0),
    }
}

fn usual_age() -> std::time::Duration {
    std::time::Duration::from_secs(86_400)
}
