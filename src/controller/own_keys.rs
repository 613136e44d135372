//! The keys of a project that belong to no app: `metrics`, `dashboard` and `notify`. They are accepted,
//! compared and gone back to together; an edit of them touches no process.

use super::{accept::Accepted, alerts, dashboard, metrics, projects::Meta};
use crate::{
    api::{ApplyRequest, ChangeReply},
    host::store::StoredProject,
    model::{DashboardPolicy, MetricsPolicy, Receivers},
};

/// What a project says for itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct OwnKeys {
    pub(super) metrics: Option<MetricsPolicy>,
    pub(super) dashboard: Option<DashboardPolicy>,
    pub(super) notify: Receivers,
}

impl From<&ApplyRequest> for OwnKeys {
    fn from(request: &ApplyRequest) -> Self {
        let ApplyRequest { metrics, dashboard, notify, .. } = request;
        Self { metrics: *metrics, dashboard: dashboard.clone(), notify: notify.clone() }
    }
}

impl From<&Meta> for OwnKeys {
    fn from(meta: &Meta) -> Self {
        let Meta { metrics, dashboard, notify, .. } = meta;
        Self { metrics: *metrics, dashboard: dashboard.clone(), notify: notify.clone() }
    }
}

impl From<&StoredProject> for OwnKeys {
    fn from(stored: &StoredProject) -> Self {
        let StoredProject { metrics, dashboard, notify, .. } = stored;
        Self { metrics: *metrics, dashboard: dashboard.clone(), notify: notify.clone() }
    }
}

impl OwnKeys {
    /// What they are of a project that may not be there yet.
    pub(super) fn of(meta: Option<&Meta>) -> Self {
        meta.map(Self::from).unwrap_or_default()
    }

    /// Makes them those of a project.
    pub(super) fn give(self, meta: &mut Meta) {
        (meta.metrics, meta.dashboard, meta.notify) = (self.metrics, self.dashboard, self.notify);
    }

    /// What an edit changes that makes `after` of them. It holds at once.
    pub(super) fn changes(&self, after: &Self) -> Vec<ChangeReply> {
        let mut changes = metrics::changes(self.metrics.as_ref(), after.metrics.as_ref());
        changes.extend(dashboard::changes(self.dashboard.as_ref(), after.dashboard.as_ref()));
        changes.extend(alerts::changes(&self.notify, &after.notify));
        changes
    }
}

/// Makes an edit of them a change of the project, with a generation of its own if no app changes. A
/// part of a file has no say about the whole project.
pub(super) fn accept(
    before: Option<&Meta>,
    request: &ApplyRequest,
    accepted: &mut Accepted,
) -> Vec<ChangeReply> {
    if !request.only.is_empty() {
        return Vec::new();
    }
    let changes = OwnKeys::of(before).changes(&request.into());
    if !changes.is_empty() && !accepted.changed {
        accepted.changed = true;
        accepted.project.generation = accepted.project.generation.next();
    }
    changes
}
