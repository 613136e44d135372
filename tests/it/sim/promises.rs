//! What a change must never cost, at every moment of the simulated world: how many runs there may
//! be, how many have to serve, who gets connections and what becomes of those that wait.

use std::collections::{BTreeMap, BTreeSet};

use eco::model::{
    Action, App, AppKey, Awaited, Cohort, ExitStatus, InstanceId, LimitThen, Outlook, Phase, Plan,
    RestartWhen, Run, RunId, Share, Sharing, StopReason, Time,
};

use super::{keeper::Process, world::World};

/// How many runs more than wanted there may be, judged from the spec and the machine.
pub(crate) fn surge(world: &World, key: &AppKey) -> u32 {
    let app = world.desired.app(key).unwrap();
    let alone = world.sharing == Sharing::Unavailable && runs(world, key).any(|(_, it)| binds(it));
    if alone || recreates(world, key) {
        return 0;
    }
    app.spec.rollout.max_surge.rounded_up(app.wanted())
}

fn binds(run: &Run) -> bool {
    run.sockets.sharing == Sharing::Unavailable
}

fn unavailable(world: &World, key: &AppKey) -> u32 {
    let app = world.desired.app(key).unwrap();
    if recreates(world, key) {
        return app.wanted();
    }
    let written = app.spec.rollout.max_unavailable.rounded_down(app.wanted());
    if surge(world, key) == 0 { written.max(1) } else { written }
}

/// Whether former runs hold their ports in another way than new ones would.
fn recreates(world: &World, key: &AppKey) -> bool {
    let app = world.desired.app(key).unwrap();
    let shares = app.spec.listen.is_some();
    let known = world.observed.apps.get(key);
    let mixed = |run: &Run| !is_new(app, run) && shares != (run.cohort != Cohort::NONE);
    (!shares && known.is_some_and(|it| !it.cohorts.is_empty()))
        || runs(world, key).any(|(_, run)| mixed(run))
}

fn runs<'w>(world: &'w World, key: &AppKey) -> impl Iterator<Item = (RunId, &'w Run)> {
    let app = world.observed.apps.get(key);
    app.into_iter().flat_map(|app| app.runs.iter().map(|(run, found)| (*run, found)))
}

fn is_new(app: &App, run: &Run) -> bool {
    run.revision == app.revision && app.fresh_from(run.index) <= run.generation
}

fn ready_since(run: &Run) -> Option<Time> {
    match run.phase {
        Phase::Ready { since, .. } => Some(since).filter(|_| run.stopping.is_none()),
        Phase::Launching | Phase::Starting { .. } | Phase::Exited { .. } => None,
    }
}

/// The runs that are ready and to stay.
fn serving<'w>(world: &'w World, key: &AppKey) -> impl Iterator<Item = (RunId, &'w Run)> {
    let wanted = world.desired.app(key).unwrap().wanted();
    runs(world, key).filter(move |(_, run)| ready_since(run).is_some() && run.index < wanted)
}

fn is_available(world: &World, app: &App, run: &Run) -> bool {
    let spec = eco::reconcile::spec_of(app, run);
    ready_since(run).is_some_and(|since| since.after(spec.rollout.min_ready) <= world.now)
}

/// How many instances of a change come first, while they have yet to prove themselves.
fn canary(world: &World, key: &AppKey) -> Option<u32> {
    let app = world.desired.app(key).unwrap();
    let share = app.spec.rollout.canary.filter(|_| !recreates(world, key))?;
    let size = share.rounded_up(app.wanted()).max(1).min(app.wanted());
    let good =
        serving(world, key).filter(|(_, it)| is_new(app, it) && is_available(world, app, it));
    let former = |(_, it): (RunId, &Run)| {
        !is_new(app, it) && it.index < app.wanted() && it.stopping.is_none()
    };
    (good.count() < size as usize && runs(world, key).any(former)).then_some(size)
}

/// Checks a plan as a whole.
pub(crate) fn check_plan(world: &World, key: &AppKey, plan: &Plan) {
    let place = |kind: fn(&Action) -> bool| plan.actions.iter().position(kind);
    let steer = place(|it| matches!(it, Action::Steer { .. }));
    let drain = place(|it| {
        matches!(it, Action::Drain { .. } | Action::Stop { .. } | Action::StopByCommand { .. })
    });
    assert!(steer.is_none_or(|at| at == 0), "who gets connections is said first: {plan:#?}");
    assert!(steer.is_none() || drain.is_none_or(|at| 0 < at));
    if let Some(Action::Steer { weights, .. }) = plan.actions.first() {
        let leaving = plan.actions.iter().filter_map(|action| match action {
            Action::Drain { run, .. }
            | Action::StopByCommand { run, .. }
            | Action::Stop { run, .. } => Some(*run),
            Action::Start { .. }
            | Action::Steer { .. }
            | Action::Retire { .. }
            | Action::RollBack { .. }
            | Action::Complete { .. }
            | Action::Kill { .. } => None,
        });
        check_weights(world, key, weights, &leaving.collect());
    }
}

/// Checks an action at the moment it is decided.
pub(crate) fn check_action(world: &World, action: &Action) {
    match action {
        Action::Start { id, cohort, .. } => {
            check_number(world, id);
            check_cohort(world, id, *cohort);
        }
        Action::Drain { run, reason, .. } => {
            let found = &world.observed.apps[&world.observed.owners[run]].runs[run];
            assert!(found.stopping.is_none(), "drained twice");
            assert!(!found.sockets.shared.is_empty(), "nothing is shared");
            check_leave(world, *run, *reason);
        }
        Action::Stop { run, reason, .. } | Action::StopByCommand { run, reason, .. } => {
            check_drained(world, *run, *reason);
            check_leave(world, *run, *reason);
        }
        Action::Retire { key, cohort } => check_retire(world, key, *cohort),
        Action::RollBack { key, .. } => {
            let app = world.desired.app(key).unwrap();
            let former = app.former.as_ref().expect("there is something to go back to");
            assert!(!app.good, "what is good is not undone");
            let since = former.changed_in;
            let tried = |tag: &eco::model::RunTag| {
                tag.id.key == *key && tag.revision == app.revision && since <= tag.generation
            };
            let tried = world.keeper.processes.values().any(|process| tried(&process.tag));
            let refused = world.refused.iter().any(|(_, id)| id.key == *key);
            // Or what it depends on has failed.
            let known = world.observed.apps.get(key);
            let failed = known.is_some_and(|it| it.neighbours.awaited.iter().any(fails));
            assert!(tried || refused || failed, "what was never tried is undone");
        }
        Action::Complete { key } => {
            let app = world.desired.app(key).unwrap();
            let former = |(_, run): (RunId, &Run)| !is_new(app, run) && run.stopping.is_none();
            assert!(!runs(world, key).any(former), "a former run of {key} goes on");
        }
        Action::Steer { .. } | Action::Kill { .. } => {}
    }
}

fn fails(awaited: &Awaited) -> bool {
    matches!(awaited.outlook, Outlook::Failed(_))
}

/// Checks that there are not more runs than may be: one of each instance, and as many second ones
/// as the surge allows. (A rollback may lower that while there are more.)
fn check_number(world: &World, id: &InstanceId) {
    let app = world.desired.app(&id.key).unwrap();
    let staying = world.keeper.processes.iter().filter(|(run, process)| {
        process.tag.id.key == id.key
            && process.is_alive()
            && process.ended.is_none()
            && !world.journal.stops.contains_key(run)
            && world.observed.owners.contains_key(run)
    });
    let mut indices: Vec<u32> = staying.map(|(_, process)| process.tag.id.index).collect();
    indices.retain(|index| *index < app.wanted());
    indices.sort_unstable();
    let second = indices.contains(&id.index);
    let seconds = indices.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let most = surge(world, &id.key) as usize;
    assert!(!second || seconds < most, "{id} is one more than {most}: {:#?}", world.log);
    if let Some(size) = canary(world, &id.key).filter(|_| second) {
        let counts = |it: &Run| is_new(app, it) && it.index < app.wanted();
        let new = runs(world, &id.key).filter(|(_, it)| counts(it));
        let new: BTreeSet<u32> = new.map(|(_, it)| it.index).collect();
        assert!(
            new.contains(&id.index) || new.len() < size as usize,
            "{id} comes before the canary is good: {:#?}",
            world.log
        );
    }
}

/// Checks that what takes the place of one that uses too much memory is of another cohort, so that new
/// connections can be kept away from that.
fn check_cohort(world: &World, id: &InstanceId, cohort: Cohort) {
    let app = world.desired.app(&id.key).unwrap();
    let unfit = |run| world.journal.unfit.get(&run).is_some_and(|unfit| !unfit.why.is_failure());
    let same = |(run, found): &(RunId, &Run)| {
        found.index == id.index
            && unfit(*run)
            && eco::reconcile::spec_of(app, found).restart.max_memory.is_some()
            && ready_since(found).is_some()
            && cohort != Cohort::NONE
            && found.cohort == cohort
    };
    assert!(!runs(world, &id.key).any(|it| same(&it)), "{id} joins the queue of what it replaces");
}

/// The cohort in whose queue those wait who are to be served by an instance: that of its last run, if
/// that is what is desired.
fn awaited_cohort(world: &World, (key, app): (&AppKey, &App), index: u32) -> Cohort {
    let first = app.cohort(key, index);
    let unfit = world.journal.unfit.keys().map(|run| first.in_place_of(*run));
    let known: BTreeSet<Cohort> = unfit.chain([first]).collect();
    let last = world
        .keeper
        .processes
        .values()
        .rev()
        .find(|it| it.tag.id == key.instance(index) && known.contains(&it.cohort));
    last.map_or(first, |it| it.cohort)
}

/// Checks that a run that is as good as a new one stays until others serve in its place.
fn check_leave(world: &World, run: RunId, reason: StopReason) {
    let key = &world.observed.owners[&run];
    let app = world.desired.app(key).unwrap();
    let found = &world.observed.apps[key].runs[&run];
    let dead = is_dead(world, app, (run, found));
    let hurried = match reason {
        StopReason::Changed if dead => return check_succeeded(world, run, app, found),
        StopReason::Changed | StopReason::OverMemory => false,
        StopReason::Restarted => app.fresh_from(found.index) <= app.restart_now_after,
        StopReason::Duplicate => {
            let other =
                serving(world, key).find(|(other, it)| *other != run && it.index == found.index);
            let unready = ready_since(found).is_none();
            assert!(unready || other.is_some(), "the run that serves is stopped as a duplicate");
            return;
        }
        StopReason::NotLive => return check_succeeded(world, run, app, found),
        StopReason::Removed
        | StopReason::ScaledDown
        | StopReason::Stopped
        | StopReason::Leftover
        | StopReason::NotReady
        | StopReason::Superseded => true,
    };
    if hurried || ready_since(found).is_none() {
        return;
    }
    if dead {
        return check_succeeded(world, run, app, found);
    }
    // What does not live stands in for nobody.
    let others = serving(world, key).filter(|(other, it)| {
        *other != run
            && !is_dead(world, app, (*other, it))
            && (!is_new(app, it) || is_available(world, app, it))
    });
    // Where one that does not live waits for room, a good one in its own place lets a run go.
    let starved = runs(world, key)
        .any(|(other, it)| is_dead(world, app, (other, it)) && it.stopping.is_none());
    let mut twins = runs(world, key).filter(|(other, it)| *other != run && it.index == found.index);
    let good = |(other, it): (RunId, &Run)| {
        !is_dead(world, app, (other, it)) && is_available(world, app, it)
    };
    if starved && twins.any(good) {
        return;
    }
    let (others, needed) = (others.count(), app.wanted().saturating_sub(unavailable(world, key)));
    assert!(needed as usize <= others, "{others} of {needed} would serve: {:#?}", world.log);
}

fn is_dead(world: &World, app: &App, (run, found): (RunId, &Run)) -> bool {
    let unfit = world.journal.unfit.get(&run).is_some_and(|unfit| unfit.why.is_failure());
    unfit && eco::reconcile::spec_of(app, found).live.is_some()
}

/// Checks that one that does not live goes on until another one has taken its place, where two can
/// stand side by side and it is to be tried again.
fn check_succeeded(world: &World, run: RunId, app: &App, found: &Run) {
    let policy = &app.spec.restart;
    let stops = policy.limit.as_ref().is_some_and(|limit| limit.then == LimitThen::Stop);
    let key = &world.observed.owners[&run];
    let alone = surge(world, key) == 0;
    if alone || stops || policy.policy == RestartWhen::Never || ready_since(found).is_none() {
        return;
    }
    let succeeds = |(other, it): (RunId, &Run)| {
        let dead = is_dead(world, app, (other, it));
        it.index == found.index
            && other != run
            && (!dead && is_available(world, app, it) || dead && run < other)
    };
    let succeeded = runs(world, key).any(succeeds);
    // One that was to take its place ended so that its policy lets it be: nobody else comes.
    let mut later = world.keeper.processes.iter().filter(|(other, it)| {
        run < **other && it.tag.id == key.instance(found.index) && it.ended.is_some()
    });
    let left =
        later.next_back().and_then(|(_, it)| it.ended).is_some_and(|(status, _)| match status {
            ExitStatus::Code(0) => policy.policy == RestartWhen::OnFailure,
            ExitStatus::Code(code) => policy.stop_exit_codes.contains(&code),
            ExitStatus::Signal(_) | ExitStatus::Unknown => false,
        });
    assert!(succeeded || left, "nobody is in the place of run {}: {:#?}", run.0, world.log);
}

/// Checks that open requests were given time before the first signal.
fn check_drained(world: &World, run: RunId, reason: StopReason) {
    let key = &world.observed.owners[&run];
    let policy = &world.desired.app(key).unwrap().spec.stop;
    let found = &world.observed.apps[key].runs[&run];
    let alone = surge(world, key) == 0 && reason == StopReason::NotLive;
    let exempt = alone || matches!(reason, StopReason::NotReady | StopReason::Leftover);
    let ended = matches!(found.phase, Phase::Exited { .. });
    if exempt || ended || found.sockets.shared.is_empty() || policy.drain.is_zero() {
        return;
    }
    let stopping = found.stopping.expect("it was drained");
    if stopping.draining {
        let late = stopping.since.after(policy.drain) <= world.now;
        assert!(stopping.drained || late, "asked to stop while it has open requests");
    }
}

fn check_weights(
    world: &World,
    key: &AppKey,
    weights: &BTreeMap<Cohort, u32>,
    leaving: &BTreeSet<RunId>,
) {
    let app = world.desired.app(key).unwrap();
    assert!(0 < weights.values().sum::<u32>(), "nobody gets connections");
    let staying = || {
        serving(world, key)
            .filter(|(run, found)| !leaving.contains(run) && found.cohort != Cohort::NONE)
    };
    let proven = staying().any(|(_, run)| is_available(world, app, run));
    let canary = canary(world, key);
    if let (Some(_), Some(Share::Percent(percent))) = (canary, app.spec.rollout.canary) {
        check_percentage(world, key, (weights, percent), &staying().collect::<Vec<_>>());
    }
    for cohort in weights.keys() {
        assert!(world.keeper.cohorts.contains_key(cohort), "connections go nowhere");
        let takes = |(_, run): (RunId, &Run)| {
            let tried = canary.is_some() && is_new(app, run);
            run.cohort == *cohort && (!proven || tried || is_available(world, app, run))
        };
        assert!(staying().any(takes), "connections go where nobody is");
    }
}

/// Checks that a canary beside good former runs gets what was written, to the letter.
fn check_percentage(
    world: &World,
    key: &AppKey,
    (weights, percent): (&BTreeMap<Cohort, u32>, u32),
    staying: &[(RunId, &Run)],
) {
    let app = world.desired.app(key).unwrap();
    let good = |run: &Run| !is_new(app, run) && is_available(world, app, run);
    let cohorts = |counts: &dyn Fn(&Run) -> bool| {
        let runs = staying.iter().filter(|(_, run)| counts(run));
        runs.map(|(_, run)| run.cohort).collect::<BTreeSet<_>>()
    };
    let (new, former) = (cohorts(&|run| is_new(app, run)), cohorts(&good));
    if new.is_empty() || former.is_empty() || !new.is_disjoint(&former) {
        return;
    }
    let sum = |wanted: &dyn Fn(&Cohort) -> bool| {
        weights.iter().filter(|(it, _)| wanted(it)).map(|(_, it)| u64::from(*it)).sum::<u64>()
    };
    let (gets, all) = (sum(&|it| new.contains(it)), sum(&|_| true));
    assert_eq!(gets * 100, all * u64::from(percent), "{weights:?}: {:#?}", world.log);
}

fn check_retire(world: &World, key: &AppKey, cohort: Cohort) {
    let app = world.desired.app(key).unwrap();
    let members = || world.keeper.processes.values().filter(|it| it.cohort == cohort);
    let ports = app.spec.listen.as_ref().filter(|_| app.wanted() != 0);
    let goes_on = |port: &u16| ports.is_some_and(|it| it.ports.iter().any(|it| it.port == *port));
    let left = |run: &Run| run.stopping.is_some() && !run.sockets.shared.iter().any(goes_on);
    let known = || runs(world, key).filter(|(_, run)| run.cohort == cohort);
    if known().next().is_some() {
        let listened = known().any(|(_, run)| !run.sockets.shared.is_empty());
        assert!(listened && known().all(|(_, run)| left(run)), "sockets are taken from a run");
        return;
    }
    assert!(!members().any(Process::is_alive), "sockets are taken from a run");
    let current = (0..app.wanted()).any(|index| awaited_cohort(world, (key, app), index) == cohort);
    let queue = app.spec.listen.as_ref().map(|listen| listen.queue).unwrap_or_default();
    let since = members().filter_map(|it| it.gone.or(it.failed)).max().unwrap_or_default();
    assert!(!current || since.after(queue) <= world.now, "those who wait are sent away");
}

/// Checks where connections go while there is nothing to do.
pub(crate) fn check_rest(world: &World, key: &AppKey) {
    let Some(weights) = world.desired.app(key).map(|_| world.keeper.weights.get(key)) else {
        return;
    };
    let shares = |run: &Run| run.cohort != Cohort::NONE;
    let mut serving = serving(world, key).filter(|(_, run)| shares(run)).peekable();
    if serving.peek().is_some() {
        let weights = weights.expect("somebody gets connections");
        let gets = |run: &Run| weights.get(&run.cohort).is_some_and(|weight| *weight != 0);
        assert!(serving.any(|(_, run)| gets(run)), "nobody that is ready gets connections");
    }
    for (run, process) in world.keeper.processes.iter().filter(|(_, it)| it.tag.id.key == *key) {
        let held = world.keeper.cohorts.contains_key(&process.cohort);
        let asked = world.journal.stops.contains_key(run);
        let up = process.is_alive() && !asked && shares_port(process.cohort);
        assert!(!up || held, "a run has lost its sockets");
    }
}

fn shares_port(cohort: Cohort) -> bool {
    cohort != Cohort::NONE
}
