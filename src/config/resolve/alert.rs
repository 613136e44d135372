//! `alerts` of an app and `notify` of the file: when somebody is told, and who.

use std::collections::BTreeMap;

use super::{
    Context,
    command::{self, Role},
    paths,
};
use crate::{
    config::{
        alert_words::{self, Wrong},
        fault::Problem,
        field::{At, Field, Many},
        fill::locate,
        suggest::{choices, did_you_mean, quoted},
        written::{self, App, Apps, Document, EnvValue, Notify},
    },
    model::{AlertRule, Receiver, Receivers, Secret},
};

/// More alerts than this of one app nobody reads.
const MOST: usize = 50;
/// The longest name of a receiver.
const LONGEST_NAME: usize = 63;

/// The `alerts` of an app.
pub(super) fn alerts(context: &Context<'_>, app: &App) -> Vec<AlertRule> {
    let mut rules: Vec<AlertRule> = Vec::new();
    for (alert, at) in app.alerts.get().into_iter().flat_map(Many::items) {
        let Some(rule) = alert_rule(context, alert, at) else { continue };
        if rules.iter().any(|known| known.words == rule.words) {
            let message = format!("the alert {} is there twice", quoted(&rule.words));
            let problem = Problem::new("twice", message, at.value, "the second time");
            context.push(problem.help("one alert may have several receivers: `to: [a, b]`"));
        } else if rules.len() == MOST {
            let message = format!("an app has at most {MOST} alerts");
            context.push(Problem::new("value", message, at.value, "one too many"));
            break;
        } else {
            rules.push(rule);
        }
    }
    rules
}

fn alert_rule(context: &Context<'_>, alert: &written::Alert, at: At) -> Option<AlertRule> {
    if alert.when.is_unset() && !context.is_misspelled(at.key, "when") {
        let problem = Problem::new("missing_key", "an alert has no `when`", at.value, "when?");
        context.push(problem.help("as in `{ when: down for 30s, to: ops }`"));
    }
    let (text, place) = alert.when.get_at()?;
    let to = alert.to.get().into_iter().flat_map(Many::items).map(|(name, _)| name.0.clone());
    match alert_words::read(&text.0) {
        Ok(said) => {
            let (words, condition, lasting) = (said.words, said.condition, said.lasting);
            Some(AlertRule { words, condition, lasting, to: to.collect() })
        }
        Err(Wrong { range, complaint }) => {
            let span = locate(&context.log.source.text, place.value, &text.0, range);
            let problem = Problem::new("alert", complaint.message, span, complaint.label);
            context.push(problem.maybe_help(complaint.help));
            None
        }
    }
}

/// Every receiver that is named has to be there.
fn check_receivers(context: &Context<'_>, apps: &Field<Apps>, notify: &Field<Notify>) {
    if matches!(notify, Field::Bad(_)) {
        return;
    }
    let known: Vec<&str> =
        notify.get().into_iter().flat_map(|it| it.0.keys()).map(String::as_str).collect();
    let apps = apps.get().into_iter().flat_map(|apps| apps.0.values()).filter_map(Field::get);
    let alerts = apps.filter_map(|app| app.alerts.get()).flat_map(Many::items);
    let named = alerts.filter_map(|(alert, _)| alert.to.get()).flat_map(Many::items);
    for (name, at) in named.filter(|(name, _)| !known.contains(&&*name.0)) {
        let message = format!("there is no receiver {}", quoted(&name.0));
        let problem = Problem::new("unknown_receiver", message, at.value, "not under `notify`");
        let known = match known.as_slice() {
            [] => "add it at the top of the file, as in `notify: { ops: { webhook: … } }`".into(),
            all => format!("the receivers are {}", choices(all).replace(" or ", " and ")),
        };
        let near = did_you_mean(
            &name.0,
            notify.get().into_iter().flat_map(|it| it.0.keys()).map(String::as_str),
        );
        context.push(problem.maybe_help(near).maybe_help(Some(known)));
    }
}

/// The `notify` of a file; every receiver that an app names has to be there.
pub(in crate::config) fn receivers(context: &Context<'_>, document: &Document) -> Receivers {
    let field = &document.notify;
    check_receivers(context, &document.apps, field);
    let mut found = BTreeMap::new();
    for (name, field) in field.get().into_iter().flat_map(|notify| &notify.0) {
        let (Field::Set(_, at) | Field::Null(at) | Field::Bad(at)) = field else { continue };
        check_name(context, name, *at);
        let Some((written, at)) = field.get_at() else { continue };
        found.extend(receiver(context, (name, written, at)).map(|it| (name.clone(), it)));
    }
    found
}

fn check_name(context: &Context<'_>, name: &str, at: At) {
    let is_good = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || LONGEST_NAME < name.len() || !name.chars().all(is_good) {
        let message = format!("{} cannot be the name of a receiver", quoted(name));
        let label = "a name has only letters, digits, `_`, `-` and `.`, 63 at most";
        context.push(Problem::new("name", message, at.key, label));
    }
}

fn receiver(
    context: &Context<'_>,
    (name, written, at): (&str, &written::Receiver, At),
) -> Option<Receiver> {
    let as_in = "as in `{ webhook: \"${SLACK_URL:?}\" }`, or `{ command: ./page.sh }`";
    match (written.webhook.get_at(), written.command.get_at()) {
        (Some(_), Some((_, command))) => {
            let message = format!("the receiver `{name}` has both `webhook` and `command`");
            let problem = Problem::new("value", message, command.key, "one of them is enough");
            context.push(problem.help("give the other one a name of its own"));
            None
        }
        (Some((url, place)), None) => {
            let url = secret(context, &format!("notify.{name}.webhook"), url, place)?;
            check_url(context, &url, place);
            Some(Receiver::Webhook { url, headers: headers(context, name, written) })
        }
        (None, Some((command, place))) => {
            if let Some((_, headers)) = written.headers.get_at() {
                let message = "a command gets no headers";
                context.push(Problem::new("value", message, headers.key, "has no effect"));
            }
            let role = Role { key: "command", port: None };
            command::resolve(context, command, place, role).map(Receiver::Command)
        }
        (None, None) => {
            let is_said = context.is_misspelled(at.key, "webhook")
                || context.is_misspelled(at.key, "command")
                || !written.webhook.is_unset()
                || !written.command.is_unset();
            if !is_said {
                let message = format!("the receiver `{name}` has neither `webhook` nor `command`");
                let problem = Problem::new("missing_key", message, at.value, "how to tell it?");
                context.push(problem.help(as_in));
            }
            None
        }
    }
}

/// The URL itself is a secret: what is wrong with it is said without it.
fn check_url(context: &Context<'_>, url: &Secret, at: At) {
    let Secret::Text(text) = url else { return };
    // What it is to be filled with is not known.
    if !context.has_files() && text.contains("${") {
        return;
    }
    if let Err(why) = crate::model::webhook_target(text) {
        let problem = Problem::new("value", "this is no URL of a webhook", at.value, why);
        context.push(problem.help("as in `https://hooks.example.org/…`"));
    }
}

fn headers(
    context: &Context<'_>,
    name: &str,
    written: &written::Receiver,
) -> BTreeMap<String, Secret> {
    let mut found = BTreeMap::new();
    for (header, field) in written.headers.get().into_iter().flat_map(|it| &it.0) {
        let Some((value, at)) = field.get_at() else { continue };
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if header.is_empty() || !header.bytes().all(is_good) {
            let message = format!("{} cannot be the name of a header", quoted(header));
            context.push(Problem::new("value", message, at.key, "as in `Authorization`"));
            continue;
        }
        let what = format!("notify.{name}.headers.{header}");
        found.extend(secret(context, &what, value, at).map(|value| (header.clone(), value)));
    }
    found
}

fn secret(context: &Context<'_>, what: &str, value: &EnvValue, at: At) -> Option<Secret> {
    match value {
        EnvValue::Text(text) => Some(Secret::Text(text.clone())),
        EnvValue::File(secret) => {
            let Some((file, place)) = secret.file.get_at() else {
                if secret.file.is_unset() && !context.is_misspelled(at.key, "file") {
                    let message = format!("`{what}` is a mapping without `file`");
                    let problem =
                        Problem::new("missing_key", message, at.value, "`file` is missing");
                    context.push(problem.help("write `{ file: PATH }`, or text"));
                }
                return None;
            };
            let path = context.path(&file.0);
            if context.has_files()
                && let Err(error) = std::fs::File::open(&path)
            {
                let shown = format!("the file {} of `{what}`", quoted(&file.0));
                let looked = context.looked(&path);
                context.push(paths::not_readable(&looked, place.value, &shown, &error));
            }
            Some(Secret::File(path))
        }
    }
}
