//! All that the screen knows.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    actions::Actions,
    areas::Areas,
    ask::Ask,
    details,
    event::{Effect, Link, LogTarget},
    happened::Happened,
    list::{List, Subject},
    log::Log,
    rings::{Ring, Sample},
};
use crate::{
    api::{StatusAllReply, StatusReply},
    render::Style,
};

/// What is shown below the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tab {
    #[default]
    Logs,
    Events,
    Details,
}

impl Tab {
    pub(super) const ALL: [Self; 3] = [Self::Logs, Self::Events, Self::Details];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Logs => "Logs",
            Self::Events => "Events",
            Self::Details => "Details",
        }
    }
}

/// Which half the keys for moving are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Focus {
    #[default]
    List,
    Pane,
}

/// What is in front of all else and takes the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Front {
    /// Nothing.
    #[default]
    Nothing,
    /// The keys in words, from this line on.
    Help(usize),
    /// A question.
    Asks(Ask),
    /// What is looked for is being typed.
    Search(String),
    /// How many instances there are to be is being typed.
    Count(String),
}

/// All that the screen knows. [`super::update()`] changes it, [`super::draw()`] shows it.
#[derive(Clone, Debug)]
pub struct Top {
    pub(super) style: Style,
    pub(super) size: (u16, u16),
    pub(super) now: Timestamp,
    pub(super) link: Link,
    pub(super) every_project: bool,
    pub(super) projects: Vec<StatusReply>,
    pub(super) faults: Vec<String>,
    pub(super) list: List,
    pub(super) rings: BTreeMap<(String, String), Ring>,
    pub(super) tab: Tab,
    pub(super) focus: Focus,
    pub(super) log: Log,
    pub(super) happened: Happened,
    /// The first line of the details in view.
    pub(super) scrolled: usize,
    pub(super) front: Front,
    pub(super) actions: Actions,
    /// Something to be told once.
    pub(super) notice: Option<String>,
    pub(super) outbox: Vec<Effect>,
}

impl Top {
    /// The screen before anything is known, on a terminal of so many columns and rows.
    pub fn new(style: Style, size: (u16, u16), every_project: bool, now: Timestamp) -> Self {
        Self {
            style,
            size,
            now,
            link: Link::Up,
            every_project,
            projects: Vec::new(),
            faults: Vec::new(),
            list: List::default(),
            rings: BTreeMap::new(),
            tab: Tab::default(),
            focus: Focus::default(),
            log: Log::default(),
            happened: Happened::default(),
            scrolled: 0,
            front: Front::default(),
            actions: Actions::default(),
            notice: None,
            outbox: Vec::new(),
        }
    }

    /// What is selected, as people name it; `None` if there is nothing.
    pub fn selected_name(&self) -> Option<String> {
        self.selected().map(|found| super::list::name(&found, true))
    }

    pub(super) fn selected(&self) -> Option<Subject<'_>> {
        self.list.selected(&self.projects)
    }

    pub(super) fn areas(&self) -> Areas {
        Areas::of(self.size, self.list.len())
    }

    /// Takes the status in.
    pub(super) fn learn(&mut self, reply: StatusAllReply, now: Timestamp) {
        self.now = now;
        self.link = Link::Up;
        self.projects = reply.projects;
        self.faults = reply.faults;
        let mut rings = std::mem::take(&mut self.rings);
        for status in &self.projects {
            let project = status.project.clone().unwrap_or_default();
            for app in &status.apps {
                let key = (project.clone(), app.name.clone());
                // What is no longer there is forgotten with the former map.
                let mut ring = rings.remove(&key).unwrap_or_default();
                ring.take(Sample::of(app), now);
                self.rings.insert(key, ring);
            }
        }
        self.list.build(&self.projects);
        self.actions.age(now);
    }

    /// Brings everything in line after something changed: views stay within what there is, and the
    /// log is that of what is selected.
    pub(super) fn settle(&mut self) {
        let areas = self.areas();
        self.list.settle(areas.list_height());
        self.log.settle(areas.pane_height());
        let lines = match self.tab {
            Tab::Details => details::lines(self, usize::from(areas.pane.width)).len(),
            Tab::Logs | Tab::Events => 0,
        };
        self.scrolled = self.scrolled.min(lines.saturating_sub(areas.pane_height()));
        let wanted = self.log_target();
        if self.tab == Tab::Logs && wanted != self.log.target {
            self.log.change(wanted.clone());
            self.outbox.push(Effect::FollowLogs(self.log.feed, wanted));
        }
    }

    fn log_target(&self) -> Option<LogTarget> {
        let found = self.selected()?;
        Some(LogTarget {
            project: found.project.to_owned(),
            app: found.app.name.clone(),
            instance: found.index(),
        })
    }
}
