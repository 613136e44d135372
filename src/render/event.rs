//! One thing that happened, on one line.

use super::{
    layout::{clean, pad},
    style::{Paint, Style},
};
use crate::api::{CallerReply, EventReply, EventType};

/// The kind in words and its colour.
pub(super) fn kind_look(kind: EventType) -> (&'static str, Paint) {
    match kind {
        EventType::Applied => ("applied", Paint::Plain),
        EventType::FileBroken => ("file broken", Paint::Bad),
        EventType::FileChanged => ("file changed", Paint::Plain),
        EventType::Operated => ("operated", Paint::Plain),
        EventType::Rollout => ("rollout", Paint::Plain),
        EventType::Converged => ("converged", Paint::Good),
        EventType::Started => ("started", Paint::Good),
        EventType::StartFailed => ("start failed", Paint::Bad),
        EventType::Stopping => ("stopping", Paint::Plain),
        EventType::Exited => ("exited", Paint::Warn),
        EventType::Crashed => ("crashed", Paint::Bad),
        EventType::OutputDropped => ("output dropped", Paint::Bad),
        EventType::LogsRemoved => ("logs removed", Paint::Warn),
        EventType::NotLive => ("not live", Paint::Bad),
        EventType::Stuck => ("stuck", Paint::Bad),
        EventType::Unstuck => ("unstuck", Paint::Good),
        EventType::OverMemory => ("over memory", Paint::Warn),
        EventType::Killed => ("killed", Paint::Bad),
        EventType::RolledBack => ("rolled back", Paint::Bad),
        EventType::Scheduled => ("schedule", Paint::Plain),
        EventType::SourceChanged => ("source changed", Paint::Plain),
        EventType::AlertFired => ("alert", Paint::Bad),
        EventType::AlertResolved => ("alert over", Paint::Good),
        EventType::AlertFailed => ("alert untold", Paint::Bad),
        EventType::Eco => ("eco", Paint::Plain),
    }
}

/// One thing that happened. It is never wrapped, so that one event stays one line for `grep`.
pub fn event_line(event: &EventReply, style: &Style) -> String {
    let (kind, paint) = kind_look(event.kind);
    let by = match (event.by.as_str(), &event.who) {
        (_, Some(who)) => format!(" (by {})", caller(who)),
        ("" | "eco", None) => String::new(),
        (by, None) => format!(" (by {})", clean(by)),
    };
    let by = style.paint(Paint::Dim, &by);
    let time = style.paint(Paint::Dim, &style.time(&event.time));
    let subject = pad(&subject(event), 18);
    let kind = style.paint(paint, &pad(kind, 14));
    format!("{time}  {subject}  {kind}  {}{by}\n", clean(&event.message))
}

/// `alice: eco restart web`
fn caller(who: &CallerReply) -> String {
    let command = who.command.as_deref().map(|command| format!(": {}", clean(command)));
    person(who) + &command.unwrap_or_default()
}

/// Who became that user, which the caller alone says.
pub(super) fn by_sudo(who: &CallerReply) -> Option<String> {
    who.sudo_user.as_deref().map(|by| format!(", by sudo from {by} as it says"))
}

/// The user's name, and who became that user.
fn person(who: &CallerReply) -> String {
    let name = who.user.clone().unwrap_or_else(|| format!("user {}", who.uid));
    clean(&(name + &by_sudo(who).unwrap_or_default()))
}

/// `shop:web/0`, `shop:web`, `shop` or nothing.
fn subject(event: &EventReply) -> String {
    let mut text = event.project.clone().unwrap_or_default();
    if let Some(app) = &event.app {
        if !text.is_empty() {
            text.push(':');
        }
        text.push_str(app);
        if let Some(instance) = event.instance {
            text.extend(["/", &instance.to_string()]);
        }
    }
    clean(&text)
}
