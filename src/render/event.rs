//! One thing that happened, on one line.

use super::{
    layout::{clean, pad},
    style::{Paint, Style},
};
use crate::api::{EventReply, EventType};

/// The kind in words and its colour.
pub(super) fn kind_look(kind: EventType) -> (&'static str, Paint) {
    match kind {
        EventType::Applied => ("applied", Paint::Plain),
        EventType::FileBroken => ("file broken", Paint::Bad),
        EventType::FileChanged => ("file changed", Paint::Plain),
        EventType::Operated => ("operated", Paint::Plain),
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
        EventType::Eco => ("eco", Paint::Plain),
    }
}

/// One thing that happened. It is never wrapped, so that one event stays one line for `grep`.
pub fn event_line(event: &EventReply, style: &Style) -> String {
    let (kind, paint) = kind_look(event.kind);
    let by = match event.by.as_str() {
        "" | "eco" => String::new(),
        by => style.paint(Paint::Dim, &format!(" (by {})", clean(by))),
    };
    let time = style.paint(Paint::Dim, &style.time(&event.time));
    let subject = pad(&subject(event), 18);
    let kind = style.paint(paint, &pad(kind, 14));
    format!("{time}  {subject}  {kind}  {}{by}\n", clean(&event.message))
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
