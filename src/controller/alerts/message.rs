//! What receivers are told: one JSON object of a stable shape.

use serde::Serialize;

use super::OwedAlert;
use crate::{api::SCHEMA, model::AppKey};

/// A message has at most so many characters.
const LONGEST: usize = 500;
/// So many alerts are named in the text of a message.
const NAMED: usize = 10;

/// One alert in a message. Keys are only ever added.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Item {
    pub(super) project: String,
    pub(super) app: String,
    /// As in the file.
    pub(super) alert: String,
    /// `firing` or `resolved`; `test` if somebody tries the receiver.
    pub(super) state: &'static str,
    /// Since when its condition has held: RFC 3339, UTC.
    pub(super) since: String,
    /// The value seen, in seconds, bytes, cores, percent or a count; null of a state.
    pub(super) value: Option<f64>,
    pub(super) message: String,
}

/// What a receiver gets.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Message {
    schema: u32,
    #[serde(flatten)]
    pub(super) first: Item,
    /// The machine.
    host: String,
    /// All of it in words: what chat programs show.
    pub(super) text: String,
    /// What else has happened meanwhile, if more did than this receiver is told one by one.
    pub(super) others: Vec<Item>,
}

impl Item {
    pub(super) fn of(key: &AppKey, words: &str, owed: &OwedAlert) -> Self {
        Self {
            project: key.project.to_string(),
            app: key.app.to_string(),
            alert: words.to_owned(),
            state: if owed.resolved { "resolved" } else { "firing" },
            since: owed.since.clone(),
            value: owed.value,
            message: owed.message.clone(),
        }
    }

    fn line(&self) -> String {
        let Self { project, app, alert, state, message, .. } = self;
        format!("[{state}] {project}:{app}: {alert}: {message}")
    }
}

impl Message {
    /// Of at least one; `None` of none.
    pub(super) fn of(items: Vec<Item>) -> Option<Self> {
        let mut items = items.into_iter();
        let first = items.next()?;
        let others: Vec<Item> = items.collect();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let mut lines: Vec<String> =
            std::iter::once(&first).chain(&others).take(NAMED).map(Item::line).collect();
        let more = (1 + others.len()).saturating_sub(NAMED);
        if more != 0 {
            lines.push(format!("and {more} more: see `eco status`"));
        }
        let text = format!("{} (on {host})", lines.join("\n"));
        Some(Self { schema: SCHEMA, first, host, text, others })
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A text in one line, not too long, without anything a terminal or a chat would act on.
pub(super) fn clean(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut shown: String = shown.take(LONGEST + 1).collect();
    if LONGEST < shown.chars().count() {
        shown = shown.chars().take(LONGEST - 1).collect();
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(app: &str, resolved: bool) -> Item {
        let owed = OwedAlert {
            resolved,
            since: "2026-01-02T03:04:05.000Z".to_owned(),
            message: "0 of 1 ready".to_owned(),
            value: None,
            tries: 0,
            sent_as: None,
        };
        let key = AppKey { project: "shop".parse().unwrap(), app: app.parse().unwrap() };
        Item::of(&key, "down", &owed)
    }

    #[test]
    fn the_shape_is_as_documented() {
        let message = Message::of(vec![item("web", false)]).unwrap();
        let json: serde_json::Value = serde_json::from_str(&message.json()).unwrap();
        let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut wanted = [
            "schema", "project", "app", "alert", "state", "since", "value", "message", "host",
            "text", "others",
        ];
        wanted.sort_unstable();
        let mut found = keys.clone();
        found.sort_unstable();
        assert_eq!(found, wanted);
        assert_eq!(json["state"], "firing");
        assert!(
            json["text"].as_str().unwrap().starts_with("[firing] shop:web: down: 0 of 1 ready")
        );
    }

    #[test]
    fn many_are_told_of_as_a_number() {
        let items = (0..25).map(|index| item(&format!("a{index}"), true)).collect();
        let message = Message::of(items).unwrap();
        assert_eq!(message.others.len(), 24);
        assert!(message.text.contains("and 15 more"), "{}", message.text);
        assert!(Message::of(Vec::new()).is_none());
    }

    #[test]
    fn texts_are_bounded_and_clean() {
        assert_eq!(clean("a\u{1b}[1m\nb"), "a [1m b");
        assert_eq!(clean(&"ä".repeat(999)).chars().count(), LONGEST);
        assert_eq!(clean(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
    }
}
