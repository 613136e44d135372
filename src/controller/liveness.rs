//! Whether runs that are ready still live: asks those that have to be asked, and notes which are not
//! fit to go on.

use std::collections::BTreeMap;

use super::{environment, events::Told, state::State};
use crate::{
    api::EventType,
    host::{
        clock, crash,
        probe::{LastTry, Watched},
    },
    model::{
        AppKey, Event, InstanceVars, LivePolicy, Phase, RunId, Time, Unfit, UnfitReason,
        human_duration,
    },
    reconcile::{self, Liveness},
};

/// The runs that are asked whether they live: what they are runs of, and how they are asked.
pub(super) type WatchedRuns = BTreeMap<RunId, (AppKey, LivePolicy)>;

impl State {
    /// Watches the ready runs of an app as its file says, and finds those that were silent for too
    /// long.
    pub(super) fn find_live(&mut self, key: &AppKey, now: Time) {
        let app = self.desired.app(key);
        let found = app.map(|app| reconcile::liveness(app, self.observed.apps.get(key), now));
        let mut probed = BTreeMap::new();
        for (run, liveness) in found.unwrap_or_default() {
            match liveness {
                Liveness::Silent(unfit) => self.on_silent(run, unfit),
                Liveness::Awaited => {}
                Liveness::Probed => {
                    let policy = self.live_policy(key, run);
                    probed.extend(policy.map(|policy| (run, policy)));
                }
            }
        }
        let over: Vec<RunId> = self
            .watched_runs
            .iter()
            .filter(|(run, (of, policy))| of == key && probed.get(run) != Some(policy))
            .map(|(run, _)| *run)
            .collect();
        for run in over {
            self.end_watching(run);
        }
        for (run, policy) in probed {
            if !self.watched_runs.contains_key(&run) {
                self.begin_watching(key, run, policy);
            }
        }
    }

    fn live_policy(&self, key: &AppKey, run: RunId) -> Option<LivePolicy> {
        let (_, found) = self.observed.run(run)?;
        reconcile::spec_of(self.desired.app(key)?, found).live.clone()
    }

    fn begin_watching(&mut self, key: &AppKey, run_id: RunId, policy: LivePolicy) {
        let Some(app) = self.desired.app(key) else { return };
        let Some((_, run)) = self.observed.run(run_id) else { return };
        let Phase::Ready { since, .. } = run.phase else { return };
        let port = environment::port(reconcile::spec_of(app, run));
        let id = key.instance(run.index);
        let vars = InstanceVars { id: &id, port: port.as_deref() };
        self.probes.watch(run_id, Watched::new(&policy, &vars, since));
        self.watched_runs.insert(run_id, (key.clone(), policy));
    }

    fn end_watching(&mut self, run: RunId) {
        self.probes.end(run);
        self.watched_runs.remove(&run);
        self.end_exec_probes_of(run);
    }

    /// Tries of a run failed too often in a row.
    pub(super) fn on_not_live(&mut self, run: RunId, unfit: Unfit, why: &str) {
        let failures = self.watched_runs.get(&run).map_or(1, |(_, policy)| policy.failures);
        let times = if failures == 1 { "once".to_owned() } else { format!("{failures} times") };
        self.end_watching(run);
        self.note_try(run, why.to_owned());
        self.on_unfit(run, unfit, EventType::NotLive, format!("{why}; failed {times} in a row"));
    }

    fn on_silent(&mut self, run: RunId, unfit: Unfit) {
        let last = unfit.well.map_or_else(
            || "it never said WATCHDOG=1".to_owned(),
            |well| format!("no WATCHDOG=1 for {}", human_duration(unfit.at.since(well))),
        );
        self.note_try(run, last.clone());
        self.on_unfit(run, unfit, EventType::NotLive, last);
    }

    /// A run is not fit to go on. That is written down first: the next controller would else begin
    /// anew to find it out.
    pub(super) fn on_unfit(&mut self, run: RunId, unfit: Unfit, kind: EventType, words: String) {
        let Some((key, found)) = self.observed.run(run) else { return };
        let (id, revision) = (key.instance(found.index), found.revision);
        let written = self.journal.unfit(run, unfit);
        self.noted(written);
        crash::point("an unfit run is noted");
        self.tell(Told::of(kind, &id, words).revision(revision));
        self.observe(&Event::Unfit { run, unfit });
    }

    /// What a probe reported of a run that does not live.
    pub(super) fn on_probe_not_live(
        &mut self,
        run: RunId,
        (at, well): (Time, Option<Time>),
        why: &str,
    ) {
        // What an earlier controller had not found unfit was well then.
        let well = well.or_else(|| self.observed.run(run)?.1.adopted);
        let unfit = Unfit { why: UnfitReason::NotLive, at: at.min(clock::now()), well };
        self.on_not_live(run, unfit, why);
    }

    /// What the latest try of each watched run of an app showed, in words.
    pub(super) fn last_tries(&self, key: &AppKey, now: Time) -> Vec<String> {
        let runs = self.observed.apps.get(key).into_iter().flat_map(|app| &app.runs);
        let tries = runs.filter_map(|(run, found)| {
            let told = found.watchdog.map(|at| {
                let ago = human_duration(now.since(at));
                format!("said that it lives {ago} ago")
            });
            let asked = || {
                let LastTry { at, took, fault, failures } = self.probes.last_try(*run)?;
                let (ago, took) = (human_duration(now.since(at?)), human_duration(took));
                Some(match fault {
                    None => format!("well {ago} ago, answered in {took}"),
                    Some(fault) => {
                        format!("failed {ago} ago after {took}: {fault} ({failures} in a row)")
                    }
                })
            };
            let unfit = || found.unfit.map(|unfit| unfit.why.to_string());
            let words = unfit().or_else(|| told.or_else(asked))?;
            Some(format!("instance {}, pid {}: {words}", found.index, found.pid))
        });
        tries.collect()
    }
}
