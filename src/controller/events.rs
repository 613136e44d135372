//! Tells what happened: appends to the events, and passes on to whoever follows them.

use super::state::{Listener, State};
use crate::{
    api::{EventReply, EventType, SCHEMA},
    host::store::EventLine,
    model::{AppKey, InstanceId, ProjectName, Revision, RunId},
};

/// An operator, as who brought something about.
pub(super) const OPERATOR: &str = "operator";

/// Something worth telling.
#[derive(Clone, Debug)]
pub(super) struct Told {
    kind: EventType,
    project: Option<ProjectName>,
    app: Option<AppKey>,
    instance: Option<u32>,
    by: &'static str,
    revision: Option<Revision>,
    message: String,
    stderr: Vec<String>,
}

impl Told {
    /// Something about an instance, which eco did or saw.
    pub(super) fn of(kind: EventType, id: &InstanceId, message: impl Into<String>) -> Self {
        let app = Self::about_app(kind, &id.key, message);
        Self { instance: Some(id.index), ..app }
    }

    /// Something about an app.
    pub(super) fn about_app(kind: EventType, key: &AppKey, message: impl Into<String>) -> Self {
        let project = Self::about(kind, &key.project, message);
        Self { app: Some(key.clone()), ..project }
    }

    /// Something about a project.
    pub(super) fn about(
        kind: EventType,
        project: &ProjectName,
        message: impl Into<String>,
    ) -> Self {
        Self { project: Some(project.clone()), ..Self::eco(kind, message) }
    }

    /// Something about eco itself.
    pub(super) fn eco(kind: EventType, message: impl Into<String>) -> Self {
        let message = message.into();
        let (by, stderr) = ("eco", Vec::new());
        Self { kind, project: None, app: None, instance: None, by, revision: None, message, stderr }
    }

    /// The same, brought about by someone else than eco.
    #[must_use]
    pub(super) fn by(mut self, by: &'static str) -> Self {
        self.by = by;
        self
    }

    /// The same, with what a run wrote last.
    #[must_use]
    pub(super) fn stderr(mut self, lines: Vec<String>) -> Self {
        self.stderr = lines;
        self
    }

    /// The same, about a revision.
    #[must_use]
    pub(super) fn revision(self, revision: Revision) -> Self {
        self.maybe_revision(Some(revision))
    }

    /// The same, about a revision if that is known.
    #[must_use]
    pub(super) fn maybe_revision(mut self, revision: Option<Revision>) -> Self {
        self.revision = revision;
        self
    }
}

impl State {
    /// Tells of a run, with its revision.
    pub(super) fn tell_of_run(
        &mut self,
        kind: EventType,
        (id, run): (&InstanceId, RunId),
        text: impl Into<String>,
    ) {
        let revision = self.observed.run(run).map(|(_, found)| found.revision);
        self.tell(Told::of(kind, id, text).maybe_revision(revision));
    }

    /// Appends to the events, and passes on to whoever follows them.
    pub(super) fn tell(&mut self, told: Told) {
        tracing::info!(kind = ?told.kind, app = ?told.app.as_ref().map(ToString::to_string),
            instance = told.instance, "{}", told.message);
        let line = self.events.append(EventLine {
            seq: 0,
            time: String::new(),
            kind: word(told.kind),
            project: told.project.as_ref().map(ToString::to_string),
            app: told.app.as_ref().map(|key| key.app.to_string()),
            instance: told.instance,
            by: Some(told.by.to_owned()),
            who: self.caller.clone().filter(|_| told.by == OPERATOR),
            revision: told.revision.map(|revision| revision.to_string()),
            message: told.message,
            stderr: told.stderr,
        });
        let Some(reply) = reply(line) else { return };
        self.listeners.retain(|listener| {
            !listener.wants_kind(told.kind)
                || !listener.wants(told.project.as_ref(), told.app.as_ref())
                || listener.lines.try_send(reply.clone()).is_ok()
        });
    }
}

impl Listener {
    /// Whether it wants events of this kind.
    pub(super) fn wants_kind(&self, kind: EventType) -> bool {
        self.types.is_empty() || self.types.contains(&kind)
    }

    fn wants(&self, project: Option<&ProjectName>, app: Option<&AppKey>) -> bool {
        let Some(project) = project else { return true };
        self.projects.as_ref().is_none_or(|projects| projects.contains(project))
            && match (&self.apps, app) {
                (Some(wanted), Some(app)) => wanted.contains(app),
                (Some(_), None) | (None, _) => true,
            }
    }
}

fn word(kind: EventType) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

/// A stored line as the API answers it; `None` if a later version of eco wrote it.
pub(super) fn reply(line: EventLine) -> Option<EventReply> {
    let kind = serde_json::from_value(serde_json::Value::String(line.kind)).ok()?;
    Some(EventReply {
        schema: SCHEMA,
        seq: line.seq,
        time: line.time,
        kind,
        project: line.project,
        app: line.app,
        instance: line.instance,
        by: line.by.unwrap_or_default(),
        who: line.who.map(Into::into),
        revision: line.revision,
        message: line.message,
        stderr: line.stderr,
    })
}
