//! Callers who ask for events: those that are kept, and what happens from then on.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{
    calls::EventLines,
    events, lookup, refusals,
    state::{Listener, State},
};
use crate::{
    api::{ApiError, EventReply, EventsRequest},
    host::store::EventQuery,
    model::AppKey,
};

/// So many events may wait for somebody who follows them: more than one turn of the loop makes.
const BEHIND: usize = 16 * 1024;
/// So many callers may follow the events.
const LISTENERS: usize = 256;

impl State {
    /// Answers with the events that are asked for.
    pub(super) fn listen(&mut self, request: EventsRequest) -> Result<EventLines, ApiError> {
        let projects = lookup::projects(&request.target, &self.metas)?;
        let projects = (!request.target.every_project).then_some(projects);
        let apps: Option<BTreeSet<AppKey>> = if request.target.apps.is_empty() {
            None
        } else {
            let meant = lookup::apps(&request.target, &self.metas, &self.desired)?;
            Some(meant.apps.into_keys().collect())
        };
        let [since, until] = [point_in_time(request.since)?, point_in_time(request.until)?];
        let is_in_time = |event: &EventReply| {
            let Ok(time) = event.time.parse::<Timestamp>() else { return true };
            since.is_none_or(|since| since <= time) && until.is_none_or(|until| time <= until)
        };
        let query = EventQuery { after: request.after, ..EventQuery::default() };
        let past = self.events.read(&query).map_err(|error| {
            ApiError::failed("events", format!("cannot read the events: {error}"))
        })?;
        let (sender, lines) = mpsc::channel(past.len().saturating_add(BEHIND));
        let types = request.types;
        let listener = Listener { projects, apps, types, lines: sender };
        let mut past: Vec<_> = past
            .into_iter()
            .filter_map(events::reply)
            .filter(|event| listener.fits(event) && is_in_time(event))
            .collect();
        let first = past.len().saturating_sub(request.last);
        for event in past.drain(first..) {
            // The receiver is in our hands, and there is room for all.
            let _ignored = listener.lines.try_send(event);
        }
        if request.follow {
            self.listeners.retain(|listener| !listener.lines.is_closed());
            if LISTENERS <= self.listeners.len() {
                let text = format!("{LISTENERS} callers follow the events already");
                return Err(refusals::too_many(text));
            }
            self.listeners.push(listener);
        }
        Ok(lines)
    }
}

fn point_in_time(text: Option<String>) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let time = text.parse().map_err(|_| {
        ApiError::input("time", format!("`{text}` is no point in time"))
            .help("write one as RFC 3339 has it: 2026-03-04T05:06:07Z")
    })?;
    Ok(Some(time))
}

impl Listener {
    fn fits(&self, event: &EventReply) -> bool {
        let project_fits = event
            .project
            .as_ref()
            .zip(self.projects.as_ref())
            .is_none_or(|(name, projects)| projects.iter().any(|it| it.as_str() == name));
        let app_fits = match (&self.apps, &event.app) {
            (Some(wanted), Some(app)) => wanted.iter().any(|key| key.app.as_str() == app),
            (Some(_), None) | (None, _) => true,
        };
        project_fits && app_fits && self.wants_kind(event.kind)
    }
}
