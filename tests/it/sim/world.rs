//! The simulated world: desired state, the fake keeper, and a controller that loops over the core
//! as the real one does, dies at any point, and starts anew from records and journal.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use eco::{
    model::{
        Action, App, AppKey, AppSpec, Asked, Cohort, Desired, Event, Exit, ExitStatus, Former,
        Generation, InstanceId, Observed, Overlap, ReadyProbe, RolledBack, RolloutFailure, RunId,
        RunTag, Sharing, SpawnFailure, SpawnStep, StopCommand, Stopping, Time, Unfit,
    },
    reconcile::{self, Due, Observation, Readiness},
};

use super::{
    fixtures::{at, edited, ms},
    invariants,
    keeper::{Dice, Fate, Keeper, Nature, Next, Ports},
    orders, promises,
};

/// What happens at a time of the agenda.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a test has few of them")]
enum Item {
    /// Something happens to a process.
    Fate(RunId, Fate),
    /// An event reaches the controller as it was sent.
    Deliver(Event),
    /// A record reaches the controller as it then is.
    DeliverCurrent(RunId),
    /// The controller asks a run whether it is ready.
    Probe(RunId),
    /// A run that is watched has failed its live probe too often.
    NotLive(RunId, Unfit),
    /// The controller looks at the memory of a run.
    Weigh(RunId),
    /// The command ends that stops a run.
    StopperEnds(RunId, bool),
    /// A dead controller starts.
    Boot,
}

/// What survives the controller.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    pub(crate) exits: Vec<(InstanceId, Exit)>,
    pub(crate) stops: BTreeMap<RunId, Stopping>,
    pub(crate) ready: BTreeMap<RunId, Time>,
    pub(crate) asked: BTreeMap<AppKey, Asked>,
    pub(crate) unfit: BTreeMap<RunId, Unfit>,
}

pub(crate) struct World {
    pub(crate) desired: Desired,
    pub(crate) observed: Observed,
    pub(crate) keeper: Keeper,
    pub(crate) journal: Journal,
    /// The runs the keeper refused.
    pub(crate) refused: Vec<(RunId, InstanceId)>,
    pub(crate) now: Time,
    /// How binds are answered on this machine.
    pub(crate) sharing: Sharing,
    /// Whether new processes behave, and records come at once and in order.
    pub(crate) calm: bool,
    /// What the next processes will be like, before that is left to chance.
    pub(crate) natures: VecDeque<Nature>,
    /// What was done, one line each.
    pub(crate) log: Vec<String>,
    agenda: BTreeMap<(Time, u64), Item>,
    scheduled: u64,
    wakes: BTreeMap<AppKey, Time>,
    /// The runs that are being asked whether they are ready.
    probing: BTreeSet<RunId>,
    /// The runs that are being asked whether they live, and how that will end.
    /// The runs whose memory will be looked at.
    pub(super) weighing: BTreeSet<RunId>,
    pub(super) watching: BTreeMap<RunId, Option<Unfit>>,
    /// Changes found good that are not on disk yet: until when, and what there was to go back to.
    unsaved: BTreeMap<AppKey, (Time, Option<Former>)>,
    /// The cohorts in the order in which they came, for people.
    cohorts: Vec<Cohort>,
    alive: bool,
    /// After how many more effects the controller dies, and for how long.
    dies_after: Option<(u64, u64)>,
    dice: Dice,
}

impl World {
    pub(crate) fn new(desired: Desired, seed: u64) -> Self {
        Self {
            desired,
            observed: Observed::default(),
            keeper: Keeper::default(),
            journal: Journal::default(),
            refused: Vec::new(),
            now: at(1_000),
            sharing: Sharing::Injected,
            calm: true,
            natures: VecDeque::new(),
            log: Vec::new(),
            agenda: BTreeMap::new(),
            scheduled: 0,
            wakes: BTreeMap::new(),
            probing: BTreeSet::new(),
            watching: BTreeMap::new(),
            weighing: BTreeSet::new(),
            unsaved: BTreeMap::new(),
            cohorts: Vec::new(),
            alive: true,
            dies_after: None,
            dice: Dice(seed),
        }
    }

    /// Accepts a change of one app: the generation of its project rises.
    pub(crate) fn change(&mut self, key: &AppKey, edit: impl FnOnce(&mut App, Generation)) {
        // The whole project is stored.
        self.unsaved.retain(|other, _| other.project != key.project);
        if let Some(project) = self.desired.projects.get_mut(&key.project) {
            project.generation = project.generation.next();
            let generation = project.generation;
            if let Some(app) = project.apps.get_mut(&key.app) {
                let before = app.clone();
                edit(app, generation);
                let after = app.clone();
                self.keep_readiness(key, &before, &after);
            }
        }
        self.drive(key);
    }

    /// What followed from a start may not do so by another probe.
    fn keep_readiness(&mut self, key: &AppKey, before: &App, after: &App) {
        let kept = reconcile::ready_by_start(before, after, self.observed.apps.get(key));
        for (run, since) in kept {
            self.journal.ready.entry(run).or_insert(since);
        }
    }

    /// Changes the file of one app.
    pub(crate) fn edit(&mut self, key: &AppKey, edit: impl FnOnce(&mut AppSpec)) {
        self.change(key, |app, generation| {
            let before = app.clone();
            *app = edited(app, edit);
            app.rolled_back = None;
            if app.revision != before.revision {
                if app.spec.is_job() {
                    app.retry_after = generation;
                }
                app.former = before.to_former(generation);
                app.good = false;
            }
        });
    }

    /// Asks a job to run, as its schedule or an operator does; whether it will.
    pub(crate) fn ask(&mut self, key: &AppKey, overlap: Option<Overlap>) -> bool {
        let app = self.desired.app(key).expect("it is desired");
        let Due::Asked(asked) = reconcile::due(key, app, &self.observed, overlap) else {
            return false;
        };
        self.journal.asked.insert(key.clone(), asked);
        self.note(&format!("ask {key}"));
        if self.alive {
            self.observe(&reconcile::asked(key, asked));
        }
        true
    }

    /// Lets an operator replace an app, or one instance of it.
    pub(crate) fn restart(&mut self, key: &AppKey, index: Option<u32>, now: bool) {
        self.change(key, |app, generation| {
            app.former = app.to_former(generation);
            app.good = false;
            match index {
                Some(index) => _ = app.restart_instance_after.insert(index, generation),
                None => app.restart_after = generation,
            }
            if now {
                app.restart_now_after = generation;
            }
        });
    }

    /// Lets the time go by until `end`, doing all that is due.
    pub(crate) fn run_until(&mut self, end: Time) {
        while let Some(next) = self.next_moment().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            match self.agenda.first_key_value().map(|(when, _)| *when) {
                Some(when) if when.0 <= self.now => {
                    let item = self.agenda.remove(&when).expect("it is the first");
                    self.handle(item);
                }
                _ => self.wake(),
            }
        }
        self.now = self.now.max(end);
    }

    fn next_moment(&self) -> Option<Time> {
        let item = self.agenda.keys().next().map(|(time, _)| *time);
        let wake = self.wakes.values().min().copied().filter(|_| self.alive);
        [item, wake].into_iter().flatten().min()
    }

    fn wake(&mut self) {
        let due = |(key, time): (&AppKey, &Time)| (*time <= self.now).then(|| key.clone());
        let due: Vec<AppKey> = self.wakes.iter().filter_map(due).collect();
        for key in due {
            self.wakes.remove(&key);
            self.drive(&key);
        }
    }

    fn handle(&mut self, item: Item) {
        match item {
            Item::Fate(run, fate) => {
                let (next, changed) = self.keeper.happen(run, fate, self.now);
                self.plan_fates(next);
                if changed {
                    self.send_record(run);
                }
            }
            Item::Deliver(event) if self.alive => self.observe(&event),
            Item::DeliverCurrent(run) if self.alive && !self.keeper.forgotten.contains(&run) => {
                self.observe(&Event::Record(self.keeper.record(run)));
            }
            Item::Probe(run) if self.alive && self.probing.remove(&run) => self.probe(run),
            Item::NotLive(run, unfit)
                if self.alive && self.watching.get(&run) == Some(&Some(unfit)) =>
            {
                self.watching.remove(&run);
                self.on_unfit(run, unfit);
            }
            Item::Weigh(run) if self.alive && self.weighing.remove(&run) => self.weigh(run),
            Item::StopperEnds(run, succeeded) => {
                self.keeper.stoppers.insert(run, Some(succeeded));
                self.stopper_ended(run, succeeded);
            }
            Item::Deliver(_)
            | Item::DeliverCurrent(_)
            | Item::Probe(_)
            | Item::NotLive(..)
            | Item::Weigh(_) => {}
            Item::Boot => self.boot(),
        }
    }

    fn schedule(&mut self, time: Time, item: Item) {
        self.scheduled += 1;
        self.agenda.insert((time, self.scheduled), item);
    }

    pub(super) fn schedule_weighing(&mut self, run: RunId, at: Time) {
        self.schedule(at.max(self.now), Item::Weigh(run));
    }

    pub(super) fn schedule_not_live(&mut self, run: RunId, unfit: Unfit) {
        self.schedule(unfit.at.max(self.now), Item::NotLive(run, unfit));
    }

    fn plan_fates(&mut self, next: Next) {
        for (time, run, fate) in next {
            self.schedule(time, Item::Fate(run, fate));
        }
    }

    /// Sends the record of a run: late, twice, out of order or merged with later ones.
    fn send_record(&mut self, run: RunId) {
        let copies = if !self.calm && self.dice.percent(20) { 2 } else { 1 };
        for _ in 0..copies {
            let delay = if self.calm { 1 } else { self.dice.below(60) };
            let time = self.now.after(ms(delay));
            if self.calm || self.dice.percent(50) {
                self.schedule(time, Item::DeliverCurrent(run));
            } else {
                // The keeper's messages come in order, so what it says of sockets is never older.
                let record = self.keeper.record(run);
                self.schedule(time, Item::Deliver(Event::Record(record)));
                self.schedule(time, Item::DeliverCurrent(run));
            }
        }
    }

    fn app_mut(&mut self, key: &AppKey) -> &mut App {
        let project = self.desired.projects.get_mut(&key.project);
        project.and_then(|project| project.apps.get_mut(&key.app)).expect("it is desired")
    }

    /// Makes the last good state the desired one again, as the controller does.
    fn roll_back(&mut self, key: &AppKey, failure: &RolloutFailure) {
        self.note(&format!("roll back {key}: {failure}"));
        self.unsaved.retain(|other, _| other.project != key.project);
        let project = self.desired.projects.get_mut(&key.project).expect("it is desired");
        project.generation = project.generation.next();
        let generation = project.generation;
        let app = self.app_mut(key);
        let former = app.former.clone().expect("there is something to go back to");
        let (index, reason) = (failure.index, failure.reason.clone());
        let why =
            RolledBack { revision: app.revision, generation, index, reason, by_operator: false };
        let before = app.clone();
        *app = app.rolled_back(former, why);
        let after = app.clone();
        self.keep_readiness(key, &before, &after);
    }

    /// Finds the runs of an app that have become ready.
    fn find_ready(&mut self, key: &AppKey) {
        let Some(app) = self.desired.app(key) else { return };
        let found = reconcile::readiness(app, self.observed.apps.get(key), self.now);
        for (run, readiness) in found {
            match readiness {
                Readiness::Ready(at) => self.on_ready(run, at),
                Readiness::Probed if self.probing.insert(run) => {
                    self.schedule(self.now.after(ms(50)), Item::Probe(run));
                }
                Readiness::Awaited | Readiness::Probed => {}
            }
        }
    }

    /// Notes that a run is ready; in the journal, if that does not follow from its start.
    fn on_ready(&mut self, run: RunId, at: Time) {
        let Some(key) = self.observed.owners.get(&run).cloned() else { return };
        let (app, found) = (self.desired.app(&key), self.observed.apps[&key].runs.get(&run));
        let spec = app.zip(found).map(|(app, found)| reconcile::spec_of(app, found));
        if spec.is_some_and(|spec| spec.ready.probe != ReadyProbe::Started) {
            self.journal.ready.entry(run).or_insert(at);
        }
        reconcile::observe(&mut self.observed, &Event::Ready { run, at }, self.now);
    }

    fn probe(&mut self, run: RunId) {
        let Some(key) = self.observed.owners.get(&run).cloned() else { return };
        if self.keeper.processes.get(&run).is_some_and(|process| process.answering) {
            self.on_ready(run, self.now);
        }
        self.drive(&key);
    }

    fn observe(&mut self, event: &Event) {
        let before = invariants::if_late(&self.observed, event);
        let seen = reconcile::observe(&mut self.observed, event, self.now);
        if let Some(before) = before {
            assert!(before == self.observed, "a late event changed something: {event:?}");
        }
        self.take(seen);
    }

    /// Stores what was seen and plans again.
    fn take(&mut self, seen: Observation) {
        if let Some((id, exit)) = seen.retired {
            invariants::check_exit(self, &exit);
            self.unsaved.retain(|other, _| other.project != id.key.project);
            if self.takes_effect() {
                self.journal.exits.push((id, exit));
            }
            if self.takes_effect() {
                self.keeper.forgotten.push(exit.run);
            }
        }
        if let Some(key) = seen.app {
            self.drive(&key);
        }
    }

    /// Whether the controller lives to do one more thing.
    fn takes_effect(&mut self) -> bool {
        if let Some((effects, down)) = self.dies_after {
            if effects == 0 {
                self.die(down);
            } else {
                self.dies_after = Some((effects - 1, down));
            }
        }
        self.alive
    }

    /// Lets the controller die after so many more effects, to be started `down` milliseconds later.
    pub(crate) fn doom(&mut self, effects: u64, down: u64) {
        if self.alive {
            self.dies_after = Some((effects, down));
        }
    }

    /// Kills the controller.
    pub(crate) fn die(&mut self, down: u64) {
        self.dies_after = None;
        if self.alive {
            self.alive = false;
            self.wakes.clear();
            self.probing.clear();
            self.watching.clear();
            self.weighing.clear();
            for (key, (until, former)) in std::mem::take(&mut self.unsaved) {
                if self.now < until {
                    let app = self.app_mut(&key);
                    app.good = false;
                    app.former = former;
                }
            }
            self.observed = Observed::default();
            self.note("controller dies");
            self.schedule(self.now.after(ms(down)), Item::Boot);
        }
    }

    fn boot(&mut self) {
        self.alive = true;
        self.note("controller starts");
        self.observed = Observed::default();
        for (id, exit) in &self.journal.exits {
            reconcile::remember(&mut self.observed, id, *exit);
        }
        for run in self.journal.stops.keys() {
            reconcile::reserve(&mut self.observed, *run);
        }
        for (key, asked) in &self.journal.asked {
            let event = reconcile::asked(key, *asked);
            reconcile::observe(&mut self.observed, &event, self.now);
        }
        let mut seen = Vec::new();
        for record in self.keeper.records() {
            let stopping = self.journal.stops.get(&record.run).copied();
            let ready = self.journal.ready.get(&record.run).copied();
            let unfit = self.journal.unfit.get(&record.run).copied();
            let journaled = reconcile::Journaled { stopping, ready, unfit };
            let observed = &mut self.observed;
            seen.push(reconcile::adopt(observed, &record, journaled, self.now));
        }
        for (cohort, key) in self.keeper.cohorts.clone() {
            reconcile::observe(&mut self.observed, &Event::Cohort { key, cohort }, self.now);
        }
        let draining = self.journal.stops.iter().filter(|(_, stop)| stop.draining);
        for run in draining.map(|(run, _)| *run).collect::<Vec<_>>() {
            self.drain(run);
        }
        self.resume_stoppers();
        for seen in seen {
            self.take(seen);
        }
        self.drive_all();
    }

    pub(crate) fn drive_all(&mut self) {
        let keys: BTreeSet<AppKey> = self.desired.apps().map(|(key, _)| key).collect();
        for key in &keys {
            self.drive(key);
        }
    }

    /// Plans one app and does it, until there is nothing to do.
    pub(crate) fn drive(&mut self, key: &AppKey) {
        for _round in 0..8 {
            if !self.alive {
                return;
            }
            self.find_ready(key);
            self.look_around(key);
            self.find_live(key);
            self.find_heavy(key);
            let plan = self.plan(key);
            promises::check_plan(self, key, &plan);
            if plan.actions.is_empty() {
                invariants::check_rest(self, key, &plan);
                match plan.wake_at {
                    Some(time) => self.wakes.insert(key.clone(), time),
                    None => self.wakes.remove(key),
                };
                return self.drive_neighbours(key);
            }
            for action in &plan.actions {
                self.execute(action);
            }
        }
        panic!("the plan of {key} does not come to rest");
    }

    /// Looks what the neighbours of an app let it do; whether that has changed.
    fn look_around(&mut self, key: &AppKey) -> bool {
        let found = reconcile::look_around(&self.desired, &self.observed, key, self.now);
        let app = self.observed.apps.entry(key.clone()).or_default();
        let changed = app.neighbours != found;
        app.neighbours = found;
        changed
    }

    fn drive_neighbours(&mut self, key: &AppKey) {
        let Some(project) = self.desired.projects.get(&key.project) else { return };
        let ties = reconcile::neighbours(project).remove(&key.app);
        for app in ties.unwrap_or_default() {
            let other = AppKey { project: key.project.clone(), app };
            if self.look_around(&other) {
                self.drive(&other);
            }
        }
    }

    fn complete(&mut self, key: &AppKey) {
        let until = self.now.after(ms(1_000));
        let app = self.app_mut(key);
        app.good = true;
        let former = app.former.take();
        self.unsaved.insert(key.clone(), (until, former));
        self.note(&format!("good {key}"));
    }

    fn plan(&self, key: &AppKey) -> eco::model::Plan {
        let generation = self.desired.projects.get(&key.project).map(|it| it.generation);
        let (app, observed) = (self.desired.app(key), self.observed.apps.get(key));
        reconcile::plan_app(key, generation.unwrap_or_default(), app, observed, self.now)
    }

    fn execute(&mut self, action: &Action) {
        if !self.alive {
            return;
        }
        invariants::check_action(self, action);
        promises::check_action(self, action);
        orders::check_action(self, action);
        let run = reconcile::issue(&mut self.observed, action, self.now);
        match action {
            Action::Start { id, revision, generation, cohort } => {
                let run = run.expect("a start has a run");
                let tag = RunTag::new(id.clone(), *revision, *generation);
                if self.takes_effect() {
                    self.note(&format!("start {id}"));
                    self.spawn(run, tag, *cohort);
                }
            }
            Action::Steer { key, weights } => {
                if self.takes_effect() {
                    let named = weights
                        .iter()
                        .map(|(cohort, weight)| format!("{}×{weight}", self.name(*cohort)));
                    let named = named.collect::<Vec<_>>().join(" ");
                    self.note(&format!("steer {key}: {named}"));
                    self.keeper.weights.insert(key.clone(), weights.clone());
                }
            }
            Action::Retire { key, cohort } => {
                if self.takes_effect() {
                    self.note(&format!("retire {key}: {}", self.name(*cohort)));
                    self.keeper.cohorts.remove(cohort);
                }
            }
            Action::RollBack { key, failure } => {
                if self.takes_effect() {
                    self.roll_back(key, failure);
                }
            }
            Action::Complete { key } => self.complete(key),
            Action::Drain { .. }
            | Action::StopByCommand { .. }
            | Action::Stop { .. }
            | Action::Kill { .. } => self.execute_stop(action),
        }
    }

    fn execute_stop(&mut self, action: &Action) {
        match action {
            Action::Drain { id, run, reason } => {
                if self.takes_effect() && self.journal_stop(*run) {
                    self.note(&format!("drain {id} ({reason})"));
                    self.drain(*run);
                }
            }
            Action::StopByCommand { id, run, reason } => {
                if self.takes_effect() && self.journal_stop(*run) {
                    self.note(&format!("stop {id}: by its command ({reason})"));
                    self.start_stopper(*run);
                }
            }
            Action::Stop { id, run, signal, scope, reason } => {
                if self.takes_effect() && self.journal_stop(*run) {
                    self.note(&format!("stop {id}: {signal} to {scope:?} ({reason})"));
                    let next = self.keeper.signal(*run, *scope, self.now);
                    self.plan_fates(next);
                }
            }
            Action::Kill { id, run } => {
                if self.takes_effect() && self.journal_stop(*run) {
                    self.note(&format!("kill {id}"));
                    let slow = if self.calm { 0 } else { self.dice.below(50) };
                    let next = Keeper::kill(*run, ms(slow), self.now);
                    self.plan_fates(next);
                }
            }
            Action::Start { .. }
            | Action::Steer { .. }
            | Action::Retire { .. }
            | Action::RollBack { .. }
            | Action::Complete { .. } => unreachable!("it stops nothing"),
        }
    }

    /// Writes down that a run was asked to stop; false if the controller dies then, before it sent
    /// the signal.
    fn journal_stop(&mut self, run: RunId) -> bool {
        let stopping = self
            .observed
            .owners
            .get(&run)
            .and_then(|key| self.observed.apps.get(key)?.runs.get(&run)?.stopping);
        self.journal.stops.insert(run, stopping.expect("it was just issued"));
        self.takes_effect()
    }

    /// Begins the command that stops a run.
    fn start_stopper(&mut self, run: RunId) {
        let known = self.keeper.stoppers.insert(run, None);
        assert!(known.is_none(), "the command of run {} is run twice", run.0);
        // Nothing listens to it of a run that was refused.
        let nature = self.keeper.processes.get(&run).map(|process| process.nature.clone());
        let (wait, succeeds) = nature.as_ref().map_or((ms(0), false), |nature| nature.stopper);
        if let Some(slow) = nature.filter(|_| succeeds).and_then(|nature| nature.term) {
            let fate = Fate::End { status: ExitStatus::Code(0), by_request: true };
            self.schedule(self.now.after(wait + slow), Item::Fate(run, fate));
        }
        self.schedule(self.now.after(wait), Item::StopperEnds(run, succeeds));
    }

    /// Notes how the command ended that stops a run, if a controller lives to hear of it.
    fn stopper_ended(&mut self, run: RunId, succeeded: bool) {
        let known = self.observed.run(run).and_then(|(_, found)| found.stopping);
        if !self.alive || known.is_none_or(|it| it.command != Some(StopCommand::Running)) {
            return;
        }
        let event = Event::StopCommand { run, succeeded };
        let seen = reconcile::observe(&mut self.observed, &event, self.now);
        if self.journal_stop(run) {
            self.take(seen);
        }
    }

    /// Takes up the commands that an earlier controller had begun, or was about to.
    fn resume_stoppers(&mut self) {
        let runs = self.observed.owners.keys().copied().collect::<Vec<_>>();
        for run in runs {
            let stopping = self.observed.run(run).and_then(|(_, found)| found.stopping);
            if stopping.is_none_or(|it| it.command != Some(StopCommand::Running)) {
                continue;
            }
            match self.keeper.stoppers.get(&run).copied() {
                None => self.start_stopper(run),
                Some(Some(succeeded)) => self.stopper_ended(run, succeeded),
                Some(None) => {}
            }
        }
    }

    /// Lets a run accept no more, and its open requests end.
    fn drain(&mut self, run: RunId) {
        self.keeper.quiet.insert(run);
        let process = self.keeper.processes.get(&run);
        if let Some(wait) = process.and_then(|process| process.nature.drains) {
            self.schedule(self.now.after(wait), Item::Deliver(Event::Drained { run }));
        }
    }

    /// `a`, `b` …: the cohorts in the order in which they came.
    fn name(&self, cohort: Cohort) -> char {
        let place = self.cohorts.iter().position(|it| *it == cohort).unwrap_or(25);
        char::from(b'a' + u8::try_from(place % 26).unwrap())
    }

    fn spawn(&mut self, run: RunId, tag: RunTag, cohort: Cohort) {
        let spec = &self.desired.app(&tag.id.key).expect("it is desired").spec;
        let port = spec.listen.as_ref().map(|listen| listen.ports[0].port);
        let sharing = if port.is_some() { self.sharing } else { Sharing::None };
        if cohort != Cohort::NONE && !self.cohorts.contains(&cohort) {
            self.cohorts.push(cohort);
        }
        if !self.calm && self.dice.percent(5) {
            let failure = SpawnFailure { step: SpawnStep::Fork, errno: 11 };
            let time = self.now.after(ms(self.dice.below(30)));
            self.refused.push((run, tag.id));
            return self.schedule(time, Item::Deliver(Event::Refused { run, failure }));
        }
        let nature = match self.natures.pop_front() {
            Some(nature) => nature,
            None if self.calm => Nature::GOOD,
            None => Nature::random(&mut self.dice),
        };
        let nature = self.of_kind(&tag, nature);
        let ports = Ports { cohort, port, sharing };
        let next = self.keeper.spawn((run, self.now), tag, nature, ports);
        self.plan_fates(next);
        self.send_record(run);
    }

    /// A job comes to its end by itself.
    fn of_kind(&mut self, tag: &RunTag, nature: Nature) -> Nature {
        let is_job = self.desired.app(&tag.id.key).is_some_and(|app| app.spec.is_job());
        if !is_job || nature.life.is_some() {
            return nature;
        }
        Nature { life: Some((ms(500), ExitStatus::Code(0))), ..nature }
    }

    /// Ends the first process of one living instance from outside.
    pub(crate) fn strike(&mut self, choice: usize) {
        let living: Vec<RunId> = self
            .keeper
            .processes
            .iter()
            .filter(|(_, process)| process.executed.is_some() && process.ended.is_none())
            .map(|(run, _)| *run)
            .collect();
        if !living.is_empty() {
            let status = ExitStatus::Signal(eco::model::Signal::KILL);
            let fate = Fate::End { status, by_request: false };
            let run = living[choice % living.len()];
            self.schedule(self.now, Item::Fate(run, fate));
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.alive
    }

    pub(super) fn note(&mut self, line: &str) {
        let millis = self.now.0.as_millis();
        self.log.push(format!("{millis:>6} {line}"));
    }
}
