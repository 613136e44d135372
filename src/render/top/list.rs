//! The list of apps and their instances: in which order, which are open, which one is selected.

use std::{cmp::Reverse, collections::BTreeSet};

use super::rings;
use crate::{
    api::{AlertState, AppReply, InstanceReply, StatusReply},
    model::{AppState, InstancePhase},
};

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// What is worst comes first.
    #[default]
    State,
    Name,
    Cpu,
    Memory,
}

impl Sort {
    pub(super) fn next(self) -> Self {
        match self {
            Self::State => Self::Name,
            Self::Name => Self::Cpu,
            Self::Cpu => Self::Memory,
            Self::Memory => Self::State,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Name => "name",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
        }
    }
}

/// A line of the list: places in the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    project: usize,
    app: usize,
    instance: Option<usize>,
}

/// What a line is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) project: &'a str,
    pub(super) status: &'a StatusReply,
    pub(super) app: &'a AppReply,
    pub(super) instance: Option<&'a InstanceReply>,
}

impl Subject<'_> {
    /// The index of the instance, of `web/0`.
    pub(super) fn index(&self) -> Option<u32> {
        self.instance?.id.rsplit_once('/')?.1.parse().ok()
    }

    fn key(&self) -> RowKey {
        RowKey {
            project: self.project.to_owned(),
            app: self.app.name.clone(),
            instance: self.instance.map(|it| (it.id.clone(), it.pid)),
        }
    }
}

/// What is selected, by name, so that it stays so whatever becomes of the order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RowKey {
    project: String,
    app: String,
    instance: Option<(String, Option<u32>)>,
}

/// The list.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    rows: Vec<Row>,
    open: BTreeSet<(String, String)>,
    selected: usize,
    key: Option<RowKey>,
    /// The first line in view.
    pub(super) top: usize,
    pub(super) sort: Sort,
    /// What is looked for in names.
    pub(super) search: String,
}

/// The subject of a line.
fn subject<'a>(projects: &'a [StatusReply], row: &Row) -> Option<Subject<'a>> {
    let status = projects.get(row.project)?;
    let app = status.apps.get(row.app)?;
    let instance = match row.instance {
        Some(index) => Some(app.instances.get(index)?),
        None => None,
    };
    Some(Subject { project: status.project.as_deref().unwrap_or_default(), status, app, instance })
}

impl List {
    /// Makes the lines anew; what was selected stays so, or what is nearest to it.
    pub(super) fn build(&mut self, projects: &[StatusReply]) {
        let mut apps: Vec<Row> = Vec::new();
        for (project, status) in projects.iter().enumerate() {
            apps.extend((0..status.apps.len()).map(|app| Row { project, app, instance: None }));
        }
        self.sort_apps(projects, &mut apps);
        self.rows.clear();
        for row in apps {
            self.rows.push(row);
            let Some(found) = subject(projects, &row) else { continue };
            if self.open.contains(&(found.project.to_owned(), found.app.name.clone())) {
                let instances = self.sorted_instances(found.app);
                self.rows.extend(instances.into_iter().map(|at| Row { instance: Some(at), ..row }));
            }
        }
        self.find_selected(projects);
    }

    fn sort_apps(&self, projects: &[StatusReply], apps: &mut [Row]) {
        let app = |row: &Row| subject(projects, row);
        // Stable: what is alike stays in the order of names.
        match self.sort {
            Sort::State => apps.sort_by_key(|row| app(row).map(|it| severity(&it))),
            Sort::Name => {}
            Sort::Cpu => apps.sort_by(|a, b| {
                let cpu = |row| app(row).and_then(|it| rings::cpu(it.app)).unwrap_or(-1.0);
                cpu(b).total_cmp(&cpu(a))
            }),
            Sort::Memory => {
                apps.sort_by_key(|row| Reverse(app(row).and_then(|it| rings::memory(it.app))));
            }
        }
    }

    fn sorted_instances(&self, app: &AppReply) -> Vec<usize> {
        let mut order: Vec<usize> = (0..app.instances.len()).collect();
        let at = |index: &usize| app.instances.get(*index);
        match self.sort {
            Sort::State => order.sort_by_key(|index| at(index).map(urgency)),
            Sort::Name => {}
            Sort::Cpu => order.sort_by(|a, b| {
                let cpu = |index| at(index).and_then(|it| it.cpu).unwrap_or(-1.0);
                cpu(b).total_cmp(&cpu(a))
            }),
            Sort::Memory => order.sort_by_key(|index| Reverse(at(index).and_then(|it| it.memory))),
        }
        order
    }

    fn find_selected(&mut self, projects: &[StatusReply]) {
        let place = self.key.as_ref().and_then(|key| self.place_of(projects, key));
        self.select(projects, place.unwrap_or(self.selected));
    }

    /// The line that is most like what was selected.
    fn place_of(&self, projects: &[StatusReply], key: &RowKey) -> Option<usize> {
        let mut best = None;
        for (place, row) in self.rows.iter().enumerate() {
            let Some(found) = subject(projects, row) else { continue };
            if found.project != key.project || found.app.name != key.app {
                continue;
            }
            let id = |it: &InstanceReply| key.instance.as_ref().is_some_and(|(id, _)| it.id == *id);
            let likeness = match (found.instance, &key.instance) {
                (None, None) => 3,
                (Some(it), Some((_, pid))) if id(it) && it.pid == *pid => 3,
                (Some(it), Some(_)) if id(it) => 2,
                (None, Some(_)) => 1,
                (Some(_), _) => continue,
            };
            if best.is_none_or(|(most, _)| most < likeness) {
                best = Some((likeness, place));
            }
        }
        best.map(|(_, place)| place)
    }

    /// Selects a line, or the last one.
    pub(super) fn select(&mut self, projects: &[StatusReply], place: usize) {
        self.selected = place.min(self.rows.len().saturating_sub(1));
        self.key = self.selected(projects).map(|found| found.key());
    }

    pub(super) fn move_by(&mut self, projects: &[StatusReply], lines: isize) {
        self.select(projects, self.selected.saturating_add_signed(lines));
    }

    /// Keeps the selected line in view.
    pub(super) fn settle(&mut self, height: usize) {
        let most = self.rows.len().saturating_sub(height);
        let least = (self.selected + 1).saturating_sub(height);
        self.top = self.top.clamp(least.min(self.selected), self.selected).min(most);
    }

    /// What is selected.
    pub(super) fn selected<'a>(&self, projects: &'a [StatusReply]) -> Option<Subject<'a>> {
        subject(projects, self.rows.get(self.selected)?)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The lines in view, with whether each is the selected one.
    pub(super) fn view<'a>(
        &'a self,
        projects: &'a [StatusReply],
        height: usize,
    ) -> impl Iterator<Item = (bool, Subject<'a>)> {
        let rows = self.rows.iter().enumerate().skip(self.top).take(height);
        rows.filter_map(|(at, row)| Some((at == self.selected, subject(projects, row)?)))
    }

    pub(super) fn is_open(&self, found: &Subject<'_>) -> bool {
        self.open.contains(&(found.project.to_owned(), found.app.name.clone()))
    }

    /// Shows the instances of the selected app.
    pub(super) fn open(&mut self, projects: &[StatusReply]) {
        if let Some(found) = self.selected(projects).filter(|it| it.instance.is_none()) {
            self.open.insert((found.project.to_owned(), found.app.name.clone()));
            self.build(projects);
        }
    }

    /// Hides them; then their app is selected.
    pub(super) fn close(&mut self, projects: &[StatusReply]) {
        if let Some(found) = self.selected(projects) {
            self.open.remove(&(found.project.to_owned(), found.app.name.clone()));
            self.build(projects);
        }
    }

    pub(super) fn toggle(&mut self, projects: &[StatusReply]) {
        match self.selected(projects) {
            Some(found) if self.is_open(&found) => self.close(projects),
            Some(_) | None => self.open(projects),
        }
    }

    /// Selects the next line below, or above, whose name has what is looked for; beyond the last it
    /// begins again at the other end. False if there is none.
    pub(super) fn find(&mut self, projects: &[StatusReply], above: bool) -> bool {
        let needle = self.search.to_lowercase();
        let count = self.rows.len();
        let fits = |place: &usize| {
            let found = self.rows.get(*place).and_then(|row| subject(projects, row));
            found.is_some_and(|found| name(&found, true).to_lowercase().contains(&needle))
        };
        let step = |by: usize| {
            let by = if above { count - by } else { by };
            (self.selected + by) % count
        };
        match (1..=count).map(step).find(fits) {
            Some(place) if !needle.is_empty() => {
                self.select(projects, place);
                true
            }
            Some(_) | None => false,
        }
    }
}

/// What a line is called: `web`, `web/0`, with all projects `shop:web`.
pub(super) fn name(found: &Subject<'_>, with_project: bool) -> String {
    match found.instance {
        Some(instance) => instance.id.clone(),
        None if with_project => format!("{}:{}", found.project, found.app.name),
        None => found.app.name.clone(),
    }
}

/// How urgent an app is; 0 is the worst.
fn severity(found: &Subject<'_>) -> u8 {
    let alerts = found.status.alerts.iter().filter(|alert| alert.app == found.app.name);
    let by_alert = alerts.map(|alert| match alert.state {
        AlertState::Firing => 2,
        AlertState::Pending => 4,
    });
    let by_state = match found.app.state {
        AppState::Failed => 0,
        AppState::CrashLooping => 1,
        AppState::Degraded => 2,
        AppState::Converging => 3,
        AppState::Stopped => 5,
        AppState::Ready => 6,
        AppState::Off | AppState::Done => 7,
    };
    by_alert.min().unwrap_or(u8::MAX).min(by_state)
}

fn urgency(instance: &InstanceReply) -> u8 {
    match instance.phase {
        InstancePhase::Failed => 0,
        InstancePhase::Exited | InstancePhase::Waiting => 1,
        // Those that a rollout moves along keep their place: a line that jumps is hard to point at.
        InstancePhase::Starting | InstancePhase::Stopping | InstancePhase::Ready => 2,
        InstancePhase::Done => 3,
    }
}
