//! Trying receivers: a message that tells of no alert, and what becomes of it.

use std::collections::BTreeMap;

use tokio::sync::mpsc;

use super::message::{Item, Message};
use crate::{
    api::{ApiError, NotifyReply, NotifyRequest, SCHEMA},
    controller::{calls::Lines, lookup, report::rfc3339, state::State},
    host::clock,
    model::{AppKey, ProjectName},
};

/// Those who wait for what becomes of a message, by its number.
pub(super) type Attempts = BTreeMap<u64, (String, mpsc::UnboundedSender<NotifyReply>)>;

impl State {
    /// Sends a message to receivers, once and at once.
    pub(in crate::controller) fn try_receivers(
        &mut self,
        request: &NotifyRequest,
    ) -> Result<Lines<NotifyReply>, ApiError> {
        let names = lookup::projects(&request.target, &self.metas)?;
        let (sender, lines) = mpsc::unbounded_channel();
        for project in names {
            let receivers = self.receivers_meant(&project, request.receiver.as_deref())?;
            let app = self.desired.projects.get(&project).and_then(|it| it.apps.keys().next());
            let Some(app) = app.cloned() else { continue };
            let key = AppKey { project: project.clone(), app };
            for receiver in receivers {
                let number = self.alerts.next;
                self.alerts.next = number.saturating_add(1);
                // So that no message after it gets its number.
                self.keep_alerts();
                self.alerts.attempts.insert(number, (receiver.clone(), sender.clone()));
                if let Some(message) = Message::of(vec![trial(&project)]) {
                    self.send(&(project.clone(), receiver), &key, number, &message);
                }
            }
        }
        Ok(lines)
    }

    fn receivers_meant(
        &self,
        project: &ProjectName,
        receiver: Option<&str>,
    ) -> Result<Vec<String>, ApiError> {
        let notify = self.metas.get(project).map(|meta| &meta.notify);
        let known: Vec<String> = notify.into_iter().flat_map(|it| it.keys()).cloned().collect();
        if known.is_empty() {
            let text = format!("project `{project}` has no receivers");
            return Err(ApiError::input("no_receivers", text).help(
                "name them in its file, as in `notify: { ops: { webhook: … } }`, and apply it",
            ));
        }
        match receiver {
            None => Ok(known),
            Some(name) if known.iter().any(|it| it == name) => Ok(vec![name.to_owned()]),
            Some(name) => {
                let text = format!("project `{project}` has no receiver `{name}`");
                let names: Vec<_> = known.iter().map(|it| format!("`{it}`")).collect();
                Err(ApiError::input("unknown_receiver", text)
                    .help(format!("its receivers are {}", names.join(", "))))
            }
        }
    }

    /// Tells who waits for it what became of a message.
    pub(super) fn answer_attempt(&mut self, number: u64, result: &Result<(), String>) {
        let Some((receiver, sender)) = self.alerts.attempts.remove(&number) else { return };
        let error = result.as_ref().err().cloned();
        // Who went away needs no answer.
        let _ignored = sender.send(NotifyReply { schema: SCHEMA, receiver, error });
    }
}

fn trial(project: &ProjectName) -> Item {
    Item {
        project: project.to_string(),
        app: String::new(),
        alert: "test".to_owned(),
        state: "test",
        since: rfc3339(clock::wall()),
        value: None,
        message: "somebody tries whether this arrives; nothing is wrong".to_owned(),
    }
}
