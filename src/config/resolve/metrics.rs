//! `metrics`: where measured values are offered, and to whom.

use super::Context;
use crate::{
    config::{fault::Problem, field::Field, scalar::Flag, written::Metrics},
    model::MetricsPolicy,
};

/// The `metrics` of a file.
pub(in crate::config) fn resolve(
    context: &Context<'_>,
    field: &Field<Metrics>,
) -> Option<MetricsPolicy> {
    let (written, at) = field.get_at()?;
    if written.listen.is_unset() && !context.is_misspelled(at.key, "listen") {
        let problem = Problem::new("missing_key", "`metrics` has no `listen`", at.value, "where?");
        context.push(problem.help("as in `metrics: { listen: \"127.0.0.1:9615\" }`"));
    }
    let (listen, place) = written.listen.get_at()?;
    let listen = listen.0;
    let expose = written.expose.or(Flag(false)).0;
    // What cannot be read, or has variables to fill, may be `true`.
    let is_said = matches!(written.expose, Field::Bad(_)) || expose;
    if !listen.ip().is_loopback() && !is_said {
        let message = format!("others than this machine could read `metrics` at {listen}");
        let problem = Problem::new("exposed", message, place.value, "not a loopback address");
        let port = listen.port();
        context.push(problem.help(format!(
            "nobody has to log in there: listen at `127.0.0.1:{port}`, or add `expose: true` if \
             that is meant"
        )));
        return None;
    }
    Some(MetricsPolicy { listen, expose })
}
