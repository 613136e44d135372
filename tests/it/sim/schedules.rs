//! Random schedules: what operators, editors and faults do to the world, and when.

use eco::model::{
    AppKey, AppSpec, Command, Generation, KillScope, LimitThen, LivePolicy, OnFailure, ReadyProbe,
    RestartWhen, Share, Sharing, Template,
};
use proptest::{collection::vec, prelude::*};

use super::{
    fixtures::{app, at, backoff, desired, edited, key, limit, live, ms, share, spec},
    world::World,
};

/// A change of a file.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Command(u8),
    Env(u8),
    Artifact(u8),
    Instances(u32),
    Policy(RestartWhen),
    StopCodes(bool),
    Backoff(u8),
    Limit(u8),
    Timeout(u64),
    Kill(KillScope),
    MinReady(u64),
    Tag(u8),
    Listen(u8),
    Probe(u8),
    Live(u8),
    Memory(bool),
    Surge(u8),
    Canary(u8),
    Pause(bool),
    Drain(u64),
    StopCommand(bool),
}

/// One thing that is done to the world.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Edit(Edit),
    Scale(u32),
    Stop,
    Start,
    Restart,
    RestartNow,
    RestartInstance(u32),
    Remove,
    Restore,
    ApplyAgain,
    Strike(usize),
    Die(u64),
    Doom(u64, u64),
}

/// So many milliseconds after the last one, something is done about one of the apps.
pub(crate) type Step = (u64, usize, Deed);

pub(crate) fn keys() -> [AppKey; 3] {
    [key("shop", "web"), key("shop", "worker"), key("blog", "web")]
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => (0..3_u8).prop_map(Edit::Command),
        1 => (0..2_u8).prop_map(Edit::Env),
        1 => (0..2_u8).prop_map(Edit::Artifact),
        3 => (0..4_u32).prop_map(Edit::Instances),
        1 => any_policy().prop_map(Edit::Policy),
        1 => any::<bool>().prop_map(Edit::StopCodes),
        1 => (0..4_u8).prop_map(Edit::Backoff),
        2 => (0..4_u8).prop_map(Edit::Limit),
        1 => (0..1_500_u64).prop_map(Edit::Timeout),
        1 => any::<bool>().prop_map(|main| Edit::Kill(scope(main))),
        1 => (0..2_000_u64).prop_map(Edit::MinReady),
        1 => (0..3_u8).prop_map(Edit::Tag),
        2 => (0..3_u8).prop_map(Edit::Listen),
        1 => (0..4_u8).prop_map(Edit::Probe),
        2 => (0..3_u8).prop_map(Edit::Live),
        1 => any::<bool>().prop_map(Edit::Memory),
        1 => (0..4_u8).prop_map(Edit::Surge),
        1 => (0..4_u8).prop_map(Edit::Canary),
        1 => any::<bool>().prop_map(Edit::Pause),
        1 => (0..3_000_u64).prop_map(Edit::Drain),
        2 => any::<bool>().prop_map(Edit::StopCommand),
    ]
}

fn any_policy() -> impl Strategy<Value = RestartWhen> {
    prop_oneof![
        3 => Just(RestartWhen::Always),
        1 => Just(RestartWhen::OnFailure),
        1 => Just(RestartWhen::Never),
    ]
}

fn scope(main: bool) -> KillScope {
    if main { KillScope::Main } else { KillScope::Group }
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => edit().prop_map(Deed::Edit),
        2 => (0..4_u32).prop_map(Deed::Scale),
        1 => Just(Deed::Stop),
        2 => Just(Deed::Start),
        2 => Just(Deed::Restart),
        1 => Just(Deed::RestartNow),
        1 => (0..4_u32).prop_map(Deed::RestartInstance),
        1 => Just(Deed::Remove),
        2 => Just(Deed::Restore),
        1 => Just(Deed::ApplyAgain),
        3 => any::<usize>().prop_map(Deed::Strike),
        1 => (100..2_000_u64).prop_map(Deed::Die),
        3 => (0..6_u64, 100..2_000_u64).prop_map(|(effects, down)| Deed::Doom(effects, down)),
    ]
}

pub(crate) fn schedule(length: usize) -> impl Strategy<Value = Vec<Step>> {
    let pause = prop_oneof![0..20_u64, 0..400_u64, 0..4_000_u64];
    vec((pause, 0..3_usize, deed()), 0..length)
}

impl Edit {
    pub(crate) fn make(&self, spec: &mut AppSpec) {
        match self {
            Self::Command(version) => {
                spec.command = super::fixtures::argv(&["node", &format!("v{version}.js")]);
            }
            Self::Env(value) => {
                let value = Template::literal(&value.to_string());
                spec.env.insert("A".to_owned(), eco::model::EnvValue::Set(value));
            }
            Self::Artifact(content) => {
                spec.artifacts.files.insert("app.js".to_owned(), format!("{content:064}"));
            }
            Self::Instances(count) => spec.instances = *count,
            Self::Policy(policy) => spec.restart.policy = *policy,
            Self::StopCodes(some) => spec.restart.stop_exit_codes = vec![7; usize::from(*some)],
            Self::Backoff(which) => {
                let (initial, jitter) =
                    [(100, 0.0), (0, 0.0), (300, 0.5), (50, 1.0)][usize::from(*which)];
                let mut it = backoff();
                (it.initial, it.jitter, it.reset_after) = (ms(initial), jitter, ms(4_000));
                spec.restart.backoff = (*which != 1).then_some(it);
            }
            Self::Limit(which) => {
                spec.restart.limit = match which {
                    0 => None,
                    1 => Some(limit(3, 5_000, LimitThen::Slow)),
                    2 => Some(limit(3, 5_000, LimitThen::Stop)),
                    _ => Some(limit(1, 2_000, LimitThen::Slow)),
                };
            }
            Self::Timeout(millis) => spec.stop.timeout = ms(*millis),
            Self::Kill(scope) => spec.stop.kill = *scope,
            Self::MinReady(millis) => spec.rollout.min_ready = ms(*millis),
            Self::Tag(tag) => {
                spec.tags.insert(tag.to_string());
            }
            Self::Listen(0) => spec.listen = None,
            Self::Listen(other) => {
                share(spec);
                let listen = spec.listen.as_mut().expect("it was just made");
                listen.ports[0].port += u16::from(*other);
            }
            Self::Memory(some) => spec.restart.max_memory = some.then_some(300 << 20),
            Self::Live(which) => spec.live = liveness(*which),
            Self::Probe(which) => spec.ready.probe = probe(*which),
            Self::Surge(which) => {
                let count = |surge, other| (Share::Count(surge), Share::Count(other));
                let percent = (Share::Percent(25), Share::Percent(25));
                let shares = [count(0, 1), count(1, 0), count(2, 1), percent];
                (spec.rollout.max_surge, spec.rollout.max_unavailable) =
                    shares[usize::from(*which)];
            }
            Self::Canary(which) => spec.rollout.canary = canary(*which),
            Self::Pause(pause) => {
                spec.rollout.on_failure =
                    if *pause { OnFailure::Pause } else { OnFailure::Rollback };
            }
            Self::Drain(millis) => spec.stop.drain = ms(*millis),
            Self::StopCommand(some) => spec.stop.command = some.then(stop_command),
        }
    }
}

fn stop_command() -> Command {
    super::fixtures::argv(&["./stop.sh"])
}

fn canary(which: u8) -> Option<Share> {
    [None, Some(Share::Count(1)), Some(Share::Count(2)), Some(Share::Percent(40))]
        [usize::from(which)]
}

fn liveness(which: u8) -> Option<LivePolicy> {
    match which {
        0 => None,
        1 => Some(live(300, 2)),
        _ => Some(live(1_000, 1)),
    }
}

fn probe(which: u8) -> ReadyProbe {
    match which {
        0 => ReadyProbe::Started,
        1 => ReadyProbe::Listen,
        2 => ReadyProbe::Notify,
        _ => ReadyProbe::Log("up".to_owned()),
    }
}

/// A world of three apps in two projects, in which faults happen.
pub(crate) fn stormy_world(seed: u64) -> World {
    let [web, worker, blog] = keys();
    let sharing = edited(&app(spec()), share);
    let asked = edited(&sharing, |spec| spec.ready.probe = probe(3));
    let mut world =
        World::new(desired([(web, sharing), (worker, app(spec())), (blog, asked)]), seed);
    world.calm = false;
    if seed.is_multiple_of(8) {
        world.sharing = Sharing::Unavailable;
    }
    world.drive_all();
    world
}

pub(crate) fn play(world: &mut World, steps: &[Step]) {
    for (pause, which, deed) in steps {
        world.run_until(world.now.after(ms(*pause)));
        act(world, &keys()[*which], deed);
    }
}

fn act(world: &mut World, key: &AppKey, deed: &Deed) {
    match deed {
        Deed::Edit(edit) => world.edit(key, |spec| edit.make(spec)),
        Deed::Scale(count) => world.change(key, |app, _| app.scale = Some(*count)),
        Deed::Stop => world.change(key, |app, _| app.stopped = true),
        Deed::Start => start(world, key),
        Deed::Restart => world.restart(key, None, false),
        Deed::RestartNow => world.restart(key, None, true),
        Deed::RestartInstance(index) => world.restart(key, Some(*index), false),
        Deed::Remove => world.change(key, |app, _| app.removed = true),
        Deed::Restore => world.change(key, |app, _| app.removed = false),
        Deed::ApplyAgain => world.change(key, |app, _| {
            app.stopped = false;
            app.scale = None;
        }),
        Deed::Strike(choice) => world.strike(*choice),
        Deed::Die(down) => world.die(*down),
        Deed::Doom(effects, down) => world.doom(*effects, *down),
    }
}

/// What `eco start` does.
pub(crate) fn start(world: &mut World, key: &AppKey) {
    world.change(key, |app, generation: Generation| {
        app.stopped = false;
        app.retry_after = generation;
    });
}

/// Lets the faults end and everything be tried again, with time enough for it.
pub(crate) fn calm_down(world: &mut World) {
    world.calm = true;
    // A controller that dies after the next effects, and bad processes still alive, go on.
    world.run_until(world.now.after(ms(40_000)));
    world.run_until(world.now.after(ms(0)).max(at(0)));
    for key in keys() {
        start(world, &key);
    }
    world.run_until(world.now.after(ms(40_000)));
}
