//! Following: edits of a project's file, and of sources under `watch`, taken over by themselves.
//!
//! An edit that is wrong, or that would take most of the apps away, changes nothing: the last good
//! state stands and `status` says why.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::{
    accept::{self, Accepted, Asker},
    calls::{Internal, LoadFault},
    events::Told,
    own_keys,
    projects::{Meta, Reading, Reason},
    report,
    state::State,
};
use crate::{
    api::{ApplyRequest, EventType},
    config,
    host::{
        git::{self, Commit},
        home::Home,
        secret_key,
        source_watch::SourceChanged,
    },
    import,
    model::{App, AppKey, AppName, ProjectName},
};

impl State {
    /// Starts or ends following a project's files, as its entry says.
    pub(super) fn follow_file(&mut self, name: &ProjectName) {
        match self.metas.get(name) {
            Some(meta) if meta.followed => {
                self.follower.follow(name.clone(), files_of(meta, &[]));
            }
            Some(_) | None => self.follower.unfollow(name),
        }
    }

    /// Watches the sources of the apps that want it.
    pub(super) fn watch_sources(&mut self, name: &ProjectName) {
        let Some(project) = self.desired.projects.get(name) else { return };
        for (app_name, app) in &project.apps {
            let key = AppKey { project: name.clone(), app: app_name.clone() };
            match &app.spec.watch {
                Some(policy) if !app.removed => {
                    let (logs, _) = report::sink(&self.home, &key.instance(0), app);
                    let own = [&self.home.state, &self.home.run, &self.home.logs];
                    let mut exclude: Vec<_> = own.into_iter().cloned().collect();
                    exclude.push(logs);
                    self.sources.watch(key, policy, exclude);
                }
                Some(_) | None => self.sources.unwatch(&key),
            }
        }
    }

    /// Reads a followed file again, aside from the loop: it may be large, or a program.
    pub(super) fn reload(&mut self, name: &ProjectName) {
        let Some(meta) = self.metas.get_mut(name).filter(|meta| meta.followed) else { return };
        // One at a time: what was read first shall not come in last.
        if meta.reading != Reading::Idle {
            meta.reading = Reading::Stale;
            return;
        }
        meta.reading = Reading::Busy;
        let (file, profile, env) =
            (meta.file.clone(), meta.profile.clone(), meta.source_env.clone());
        let options = import::Options { lenient: meta.lenient };
        let (project, internal, home) = (name.clone(), self.internal.clone(), self.home.clone());
        // A file may name variables it did not name before: those that eco's own environment has
        // are not the caller's, so only stored ones and `vars_file` fill them.
        tokio::task::spawn_blocking(move || {
            let result = Box::new(load(&file, profile.as_deref(), &env, options, &home));
            let commit = if result.is_ok() { git::commit_of(&file) } else { None };
            // The loop may be gone; then nobody needs the result.
            let _ignored = internal.send(Internal::Loaded { project, result, commit });
        });
    }

    /// Takes over what a followed file says now, or tells why not.
    pub(super) fn on_loaded(
        &mut self,
        name: &ProjectName,
        result: Result<config::Loaded, LoadFault>,
        commit: Option<Commit>,
    ) {
        let Some(meta) = self.metas.get_mut(name) else { return };
        let was = std::mem::take(&mut meta.reading);
        if !meta.followed {
            return;
        }
        match was {
            // It was asked for by a project of this name that is no more.
            Reading::Idle => return,
            Reading::Busy => {}
            Reading::Stale => return self.reload(name),
        }
        match result {
            Ok(loaded) => self.take_edit(name, &loaded, commit),
            Err(LoadFault::Missing(text) | LoadFault::Key(text)) => self.refuse_edit(name, &text),
            Err(LoadFault::Faults(faults)) => {
                self.refuse_edit(name, &faults.one_line());
                self.follow_also(name, faults.inputs());
            }
        }
    }

    /// Follows what a faulty edit brought in too: the fault may be there.
    fn follow_also(&mut self, name: &ProjectName, inputs: &[PathBuf]) {
        let Some(meta) = self.metas.get(name) else { return };
        self.follower.follow(name.clone(), files_of(meta, inputs));
    }

    fn take_edit(&mut self, name: &ProjectName, loaded: &config::Loaded, commit: Option<Commit>) {
        if loaded.name != *name {
            let text = format!(
                "{}: it says `name: {}`, but this is project `{name}`; rename it by `eco down -p \
                 {name}` and `eco apply`",
                loaded.file.display(),
                loaded.name
            );
            self.refuse_edit(name, &text);
            return;
        }
        let Some(meta) = self.metas.get_mut(name) else { return };
        let was_unusable = meta.fault.is_some() || meta.held.is_some();
        if meta.went_back && meta.is_of(loaded) {
            (meta.fault, meta.held) = (None, None);
            return;
        }
        let request = request_of(loaded);
        let present = self.present(name);
        let mut accepted = match accept::accept(&present, &request, Asker::File) {
            Ok(accepted) => accepted,
            Err(error) => return self.refuse_edit(name, &error.to_string()),
        };
        if let Some(text) = mass_removal(&present.apps, &accepted) {
            self.hold_edit(name, text);
            return;
        }
        let before = self.metas.get(name);
        let own = own_keys::accept(before, &request, &mut accepted);
        let meta = Meta::of(&request, self.metas.get(name));
        let summary = super::apply::summary(&accepted.changes, &own);
        let dirty = commit.as_ref().and_then(|it| it.dirty);
        let git = commit.map(|it| it.id);
        let reason = Reason { git, dirty, ..Reason::new("file", summary) };
        match self.take_over(name, meta, &accepted, &reason) {
            Ok(()) if was_unusable && !accepted.changed => {
                let text = "the file can be used again; it changes nothing";
                self.tell(Told::about(EventType::FileChanged, name, text).by("file"));
            }
            Ok(()) => {}
            Err(error) => tracing::error!(%error, "cannot take over an edit of {name}"),
        }
    }

    fn refuse_edit(&mut self, name: &ProjectName, text: &str) {
        let Some(meta) = self.metas.get_mut(name) else { return };
        meta.held = None;
        if meta.fault.as_deref() == Some(text) {
            return;
        }
        meta.fault = Some(text.to_owned());
        let told = Told::about(EventType::FileBroken, name, format!("{text}; nothing was changed"));
        self.tell(told.by("file"));
    }

    fn hold_edit(&mut self, name: &ProjectName, text: String) {
        let Some(meta) = self.metas.get_mut(name) else { return };
        meta.fault = None;
        meta.held = Some(text.clone());
        self.tell(Told::about(EventType::FileChanged, name, text).by("file"));
    }

    /// Sources of an app were edited.
    pub(super) fn on_sources(&mut self, changed: &SourceChanged) {
        let base =
            self.metas.get(&changed.key.project).map(|meta| meta.dir.clone()).unwrap_or_default();
        let names: BTreeSet<String> = changed
            .paths
            .iter()
            .take(3)
            .map(|path| path.strip_prefix(&base).unwrap_or(path).display().to_string())
            .collect();
        let names: Vec<_> = names.into_iter().collect();
        let text = format!("edited: {}", names.join(", "));
        self.replace_for_sources(&changed.key, &text);
    }
}

/// The files a project is made of, and others.
fn files_of(meta: &Meta, others: &[PathBuf]) -> Vec<PathBuf> {
    let known = meta.inputs.iter().chain([&meta.file]).chain(others);
    known.cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Reads a file as it is followed.
pub(super) fn load(
    file: &std::path::Path,
    profile: Option<&str>,
    env: &BTreeMap<String, String>,
    options: import::Options,
    home: &Home,
) -> Result<config::Loaded, LoadFault> {
    let there = std::fs::metadata(file);
    if !there.is_ok_and(|found| found.len() != 0) {
        let text = format!("{}: missing or empty; the last good state stands", file.display());
        return Err(LoadFault::Missing(text));
    }
    let key = secret_key::read(home)
        .and_then(|kept| kept.map_or_else(|| secret_key::keep(home, secret_key::fresh()?), Ok))
        .map_err(|error| LoadFault::Key(format!("cannot use the key for secret files: {error}")))?;
    import::load(file, &super::source(env, profile, key), options).map_err(LoadFault::Faults)
}

/// What a file that was read says, as an apply.
pub fn request_of(loaded: &config::Loaded) -> ApplyRequest {
    ApplyRequest {
        name: loaded.name.clone(),
        dir: loaded.dir.clone(),
        file: loaded.file.clone(),
        profile: loaded.profile.clone(),
        apps: loaded.apps.clone(),
        source_env: loaded.vars_used.clone(),
        inputs: loaded.inputs.clone(),
        file_digest: loaded.text_digest.clone(),
        other_digests: loaded.other_digests.clone(),
        metrics: loaded.metrics,
        origins: loaded.origins.clone(),
        notify: loaded.notify.clone(),
        dashboard: loaded.dashboard.clone(),
        lenient: loaded.lenient,
        only: BTreeSet::new(),
        prune: true,
        follow: None,
        take_over: false,
        refresh_env: false,
        show_values: false,
        wait: false,
        timeout: 0.0,
        git: None,
        dirty: None,
    }
}

/// An edit that takes away more than half of the apps, and at least two, is more likely a mistake
/// or a half-written file than a wish.
fn mass_removal(present: &BTreeMap<AppName, App>, accepted: &Accepted) -> Option<String> {
    let before = accept::visible(present);
    let after = accept::visible(&accepted.project.apps);
    let gone: Vec<_> = before.keys().filter(|name| !after.contains_key(*name)).collect();
    let most = 2 <= gone.len() && before.len() < 2 * gone.len();
    most.then(|| {
        let names: Vec<_> = gone.iter().take(5).map(ToString::to_string).collect();
        format!(
            "the edit would remove {} of {} apps ({}{}); run `eco apply` if that is meant",
            gone.len(),
            before.len(),
            names.join(", "),
            if names.len() < gone.len() { ", …" } else { "" }
        )
    })
}
