//! Desired state: what the accepted files and the operator's overrides ask for.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    id::{AppKey, AppName, Cohort, Generation, ProjectName, Revision},
    serving::ShareBy,
    spec::AppSpec,
};

/// More instances of one app than this on one machine are a mistake.
pub const MOST_INSTANCES: u32 = 10_000;

/// What every project should be. A project that is not here is not touched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// By name.
    pub projects: BTreeMap<ProjectName, Project>,
}

/// What one project should be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Counts accepted changes.
    pub generation: Generation,
    /// By name. An app being taken away stays until its last process is gone.
    pub apps: BTreeMap<AppName, App>,
}

/// What one app should be: its spec and what the operator said about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// The resolved spec of the file.
    pub spec: Arc<AppSpec>,
    /// Hash of what needs a replacement; `reconcile::revision(&spec)`.
    pub revision: Revision,
    /// Taken out of the file, or `down`: to be stopped and then forgotten.
    pub removed: bool,
    /// `eco stop`: an override that keeps it down.
    pub stopped: bool,
    /// `eco scale`: an override of `instances`.
    pub scale: Option<u32>,
    /// Runs started before this generation are stale (`eco restart`, an edit under `watch`).
    pub restart_after: Generation,
    /// The same for single instances (`eco restart web/1`).
    pub restart_instance_after: BTreeMap<u32, Generation>,
    /// Exits of runs started before this generation no longer count as failures, and no longer
    /// keep an instance `done` or `failed` (`eco start`).
    pub retry_after: Generation,
    /// Runs that are stale by a restart of this generation or an earlier one stop at once, before
    /// others serve in their place (`eco restart --now`).
    #[serde(default)]
    pub restart_now_after: Generation,
    /// Whether every instance of it has been good. Without that there is a change under way.
    #[serde(default)]
    pub good: bool,
    /// What it goes back to if the change under way fails; `None` once that is good, or if there
    /// was nothing good before.
    #[serde(default)]
    pub former: Option<Former>,
    /// Set while the last change is undone because it failed.
    #[serde(default)]
    pub rolled_back: Option<RolledBack>,
}

/// The last state of an app in which every instance was good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Former {
    /// Its spec,
    pub spec: Arc<AppSpec>,
    /// and revision,
    pub revision: Revision,
    /// and which runs were not stale.
    pub restart_after: Generation,
    /// The same for single instances.
    pub restart_instance_after: BTreeMap<u32, Generation>,
    /// Exits count for the change under way from this generation on: that of the change.
    pub changed_in: Generation,
}

/// A change that failed and was undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// The revision that failed.
    pub revision: Revision,
    /// The generation that brought it back out.
    pub generation: Generation,
    /// The instance that failed.
    pub index: u32,
    /// How, in words.
    pub reason: String,
    /// Whether nothing failed: an operator asked for it.
    #[serde(default)]
    pub by_operator: bool,
}

impl App {
    /// An app as the file has it, without overrides.
    pub fn new(spec: AppSpec, revision: Revision) -> Self {
        Self {
            spec: Arc::new(spec),
            revision,
            removed: false,
            stopped: false,
            scale: None,
            restart_after: Generation::default(),
            restart_instance_after: BTreeMap::new(),
            retry_after: Generation::default(),
            restart_now_after: Generation::default(),
            good: false,
            former: None,
            rolled_back: None,
        }
    }

    /// How many instances should run, overrides included.
    pub fn wanted(&self) -> u32 {
        if self.removed || self.stopped { 0 } else { self.instances() }
    }

    /// How many instances it has, stopped or not.
    pub fn instances(&self) -> u32 {
        self.scale.unwrap_or(self.spec.instances)
    }

    /// The first generation whose runs of instance `index` are not stale.
    pub fn fresh_from(&self, index: u32) -> Generation {
        let instance = self.restart_instance_after.get(&index).copied().unwrap_or_default();
        self.restart_after.max(instance)
    }

    /// The first generation whose exits of instance `index` still count.
    pub fn counts_from(&self, index: u32) -> Generation {
        self.retry_after.max(self.fresh_from(index))
    }

    /// The cohort of a run of instance `index` that takes nobody's place.
    pub fn cohort(&self, key: &AppKey, index: u32) -> Cohort {
        let Some(listen) = &self.spec.listen else { return Cohort::NONE };
        let all = Cohort::of(key, self.revision, self.fresh_from(index));
        match listen.share {
            ShareBy::Queue => all,
            ShareBy::Port => all.of_instance(index),
        }
    }

    /// Notes what to go back to if the change that begins in generation `next` fails.
    pub fn begin_change(&mut self, next: Generation) {
        self.former = self.to_former(next);
        self.good = false;
    }

    /// What this is as something to go back to from a change in generation `changed_in`: itself
    /// if it is good, else what was good before it.
    pub fn to_former(&self, changed_in: Generation) -> Option<Former> {
        if !self.good {
            return self.former.clone().map(|former| Former { changed_in, ..former });
        }
        Some(Former {
            spec: Arc::clone(&self.spec),
            revision: self.revision,
            restart_after: self.restart_after,
            restart_instance_after: self.restart_instance_after.clone(),
            changed_in,
        })
    }

    /// The app with its failed change undone.
    #[must_use]
    pub fn rolled_back(&self, former: Former, why: RolledBack) -> Self {
        Self {
            spec: former.spec,
            revision: former.revision,
            restart_after: former.restart_after,
            restart_instance_after: former.restart_instance_after,
            good: true,
            former: None,
            rolled_back: Some(why),
            ..self.clone()
        }
    }

    /// Whether an operator's override makes it differ from its file.
    pub fn is_overridden(&self) -> bool {
        self.stopped || self.scale.is_some_and(|count| count != self.spec.instances)
    }
}

impl Desired {
    /// The app of this key.
    pub fn app(&self, key: &AppKey) -> Option<&App> {
        self.projects.get(&key.project)?.apps.get(&key.app)
    }

    /// Every app with its key, in order of names.
    pub fn apps(&self) -> impl Iterator<Item = (AppKey, &App)> {
        self.projects.iter().flat_map(|(project, found)| {
            found.apps.iter().map(move |(app, spec)| {
                (AppKey { project: project.clone(), app: app.clone() }, spec)
            })
        })
    }
}
