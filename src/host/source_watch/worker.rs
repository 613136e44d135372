//! The thread that keeps directories watched and gathers what changed in them.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use super::{
    app::{App, Count, Seen, is_file},
    shared::{Command, Happened, Shared, Wake},
    watches::Watches,
};
use crate::{host::clock, model::AppKey};

/// How long events gather before they are handled.
const GATHER: Duration = Duration::from_millis(20);

/// Runs until it is told to stop.
pub(super) fn run(shared: &Arc<Shared>) {
    let mut worker = Worker { apps: BTreeMap::new(), watches: Watches::new(Arc::clone(shared)) };
    let mut gather = clock::now();
    loop {
        let due = worker.apps.values().filter_map(App::due).min();
        let wake = shared.wait(gather, due);
        if !worker.handle(wake) {
            return;
        }
        gather = clock::now().after(GATHER);
        for (key, app) in &mut worker.apps {
            if app.due().is_some_and(|due| due <= clock::now()) {
                shared.report(key, app.take_pending());
            }
        }
    }
}

struct Worker {
    apps: BTreeMap<AppKey, App>,
    watches: Watches,
}

impl Worker {
    /// Whether to go on.
    fn handle(&mut self, wake: Wake) -> bool {
        for (path, happened) in wake.events {
            self.happened(&path, happened);
        }
        if wake.lost {
            for app in self.apps.values_mut() {
                app.look_anew(&mut self.watches);
            }
        }
        for command in wake.commands {
            match command {
                Command::Watch { key, policy, exclude, since } => {
                    let app = App::new(key.clone(), policy, exclude);
                    self.watch(key, app, since);
                }
                Command::Unwatch(key) => {
                    self.apps.remove(&key);
                    self.watches.release(&key);
                }
                Command::Stop => return false,
            }
        }
        true
    }

    fn watch(&mut self, key: AppKey, mut app: App, since: (i64, i64)) {
        if let Some(former) = self.apps.remove(&key) {
            let same = former.policy == app.policy && former.exclude == app.exclude;
            if same && !former.limited {
                self.apps.insert(key, former);
                return;
            }
            app.inherit(former);
        }
        app.arm(&mut self.watches, Count::Since(since));
        self.apps.insert(key, app);
    }

    fn happened(&mut self, path: &Path, happened: Happened) {
        let mut concerned = path.parent().map(|dir| self.watches.users(dir)).unwrap_or_default();
        if matches!(happened, Happened::Gone(_)) {
            for key in self.watches.forget_below(path) {
                if let Some(app) = self.apps.get_mut(&key) {
                    app.forget_below(path);
                }
                concerned.insert(key);
            }
        }
        if concerned.is_empty() {
            return;
        }
        let meta = fs::symlink_metadata(path).ok();
        let was_special = self.watches.was_special(path);
        let is_special = match (&meta, happened) {
            (Some(meta), _) => !is_file(meta) && !meta.is_dir(),
            // It came and went unseen. There was none before, so that nothing changed.
            (None, Happened::Created) => true,
            (None, Happened::Written | Happened::MovedHere) => was_special,
            (None, Happened::Gone(_)) => false,
        };
        if is_special {
            self.watches.note_special(path);
        }
        let seen = Seen { path, happened, meta: meta.as_ref(), was_special };
        for key in concerned {
            if let Some(app) = self.apps.get_mut(&key) {
                app.happened(&mut self.watches, &seen);
            }
        }
    }
}
