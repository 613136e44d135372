//! What becomes of an app's output: `logs`.

use super::{Context, rollout::some_time};
use crate::{
    config::{
        fault::Problem,
        written::{App, Compress, Format, Logs, RotateForm, To},
    },
    model::{LogCompression, LogDestination, LogFormat, LogPolicy, LogRotation},
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
        to: to(context, app, &written),
        format: match written.format.get() {
            Some(Format::Text) | None => LogFormat::Text,
            Some(Format::Raw) => LogFormat::Raw,
            Some(Format::Json) => LogFormat::Json,
        },
        timestamps: written.timestamps.get().is_some_and(|flag| flag.0),
    }
}

fn to(context: &Context<'_>, app: &App, written: &Logs) -> LogDestination {
    let Some((to, at)) = written.to.get_at() else { return LogDestination::File };
    let to = match to {
        To::File => LogDestination::File,
        To::Journald => LogDestination::Journald,
        To::Syslog => LogDestination::Syslog,
        To::Stdout => LogDestination::Stdout,
        To::None => LogDestination::None,
    };
    let probe = app.ready.get().and_then(|ready| ready.log.get_at());
    if let Some((_, place)) = probe
        && to != LogDestination::File
    {
        let message = "`ready: { log: … }` reads the log file, which is not written then";
        let problem = Problem::new("value", message, at.value, "not to a file")
            .also(place.key, "reads the file");
        context.push(problem.help("write to a file, or use another probe"));
    }
    to
}

fn usual_age() -> std::time::Duration {
    std::time::Duration::from_secs(86_400)
}
