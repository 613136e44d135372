//! `dashboard`: where the page for browsers is offered, under which names, and with which certificate.

use std::path::Path;

use super::{Context, paths};
use crate::{
    config::{
        fault::{Problem, Span},
        field::{At, Field, Many},
        scalar::{Flag, Text},
        suggest::quoted,
        written::{Dashboard, Tls},
    },
    model::{DashboardPolicy, MetricsPolicy, TlsFiles},
};

/// The `dashboard` of a file.
pub(in crate::config) fn resolve(
    context: &Context<'_>,
    field: &Field<Dashboard>,
    metrics: Option<&MetricsPolicy>,
) -> Option<DashboardPolicy> {
    let (written, at) = field.get_at()?;
    if written.listen.is_unset() && !context.is_misspelled(at.key, "listen") {
        let problem =
            Problem::new("missing_key", "`dashboard` has no `listen`", at.value, "where?");
        context.push(problem.help("as in `dashboard: { listen: \"127.0.0.1:9616\" }`"));
    }
    let hosts = written.hosts.get().into_iter().flat_map(Many::items);
    let hosts: Vec<String> = hosts.filter_map(|(name, at)| host(context, name, at)).collect();
    let tls = written.tls.get_at().and_then(|(tls, at)| files(context, tls, at));
    let (listen, place) = written.listen.get_at()?;
    let listen = listen.0;
    if metrics.is_some_and(|metrics| metrics.listen == listen) {
        let message = format!("`metrics` and `dashboard` are both at {listen}");
        let problem = Problem::new("address_taken", message, place.value, "`metrics` is here too");
        context.push(problem.help("give one of them another port"));
        return None;
    }
    // What cannot be read was told, and may be meant well.
    let is_meant = matches!(written.tls, Field::Set(..) | Field::Bad(_));
    if !listen.ip().is_loopback() && !is_meant {
        let message =
            format!("`dashboard` at {listen} would be served to other machines in the clear");
        let problem = Problem::new("exposed", message, place.value, "not a loopback address");
        let port = listen.port();
        context.push(problem.help(format!(
            "whoever reads the traffic could log in: listen at `127.0.0.1:{port}`, or add \
             `tls: {{ cert: cert.pem, key: key.pem }}`"
        )));
        return None;
    }
    let read_only = written.read_only.or(Flag(false)).0;
    Some(DashboardPolicy { listen, read_only, hosts, tls })
}

/// A name by which the page may be called.
fn host(context: &Context<'_>, name: &Text, at: At) -> Option<String> {
    let text = name.0.to_ascii_lowercase();
    let is_name = |text: &str| {
        text.len() <= 253
            && text.split('.').all(|label| {
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
                !label.is_empty() && label.len() <= 63 && label.bytes().all(fits)
            })
    };
    if is_name(&text) {
        return Some(text);
    }
    let message = format!("{} is not the name of a host", quoted(&name.0));
    let problem = Problem::new("host_name", message, at.value, "expected a name alone");
    context.push(problem.help("without scheme, port and path, as in `eco.example.org`"));
    None
}

fn files(context: &Context<'_>, written: &Tls, at: At) -> Option<TlsFiles> {
    let file = |field: &Field<Text>, key: &'static str, marker: &str| {
        if field.is_unset() && !context.is_misspelled(at.key, key) {
            let problem = Problem::new(
                "missing_key",
                format!("`tls` has no `{key}`"),
                at.value,
                "it needs both",
            );
            context.push(problem.help("as in `tls: { cert: cert.pem, key: key.pem }`"));
        }
        let (name, place) = field.get_at()?;
        let path = context.path(&name.0);
        check(context, &path, (&name.0, place.value), (key, marker));
        Some(path)
    };
    let cert = file(&written.cert, "cert", "-----BEGIN CERTIFICATE-----");
    let key = file(&written.key, "key", "PRIVATE KEY-----");
    Some(TlsFiles { cert: cert?, key: key? })
}

/// Looks whether a file is there and has what it should have.
fn check(
    context: &Context<'_>,
    path: &Path,
    (name, span): (&str, Span),
    (key, marker): (&str, &str),
) {
    if !context.has_files() {
        return;
    }
    let what = format!("the `{key}` file {}", quoted(name));
    match paths::read(path) {
        Err(error) => {
            context.push(paths::not_readable(&context.looked(path), span, &what, &error));
        }
        Ok(bytes) if !String::from_utf8_lossy(&bytes).contains(marker) => {
            let message = format!("{what} has no `{marker}` in it");
            let problem = Problem::new("not_pem", message, span, "not in PEM format");
            context.push(problem.help("`openssl` writes such files; one in DER format is no text"));
        }
        Ok(_) => {}
    }
}
