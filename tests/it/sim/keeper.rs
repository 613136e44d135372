//! A fake keeper and its fake processes: the truth of the simulated world.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use eco::model::{
    AppKey, Cohort, ExitStatus, KillScope, Notify, RunId, RunRecord, RunState, RunTag, Sharing,
    Signal, Sockets, SpawnFailure, SpawnStep, Time,
};

use super::fixtures::ms;

/// A small random generator: the same numbers for the same seed, everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// What is left of a group once its first process has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    /// How long it takes to end when asked; `None` ignores the request.
    pub(crate) term: Option<Duration>,
}

/// What a program will do, decided when it is spawned.
#[derive(Clone, Debug)]
pub(crate) struct Nature {
    /// How long until it is executed, or fails to be.
    pub(crate) launch: Duration,
    /// Why it cannot be executed.
    pub(crate) failure: Option<SpawnFailure>,
    /// After which time of running it ends by itself, and how.
    pub(crate) life: Option<(Duration, ExitStatus)>,
    /// How long it takes to end when asked; `None` ignores the request.
    pub(crate) term: Option<Duration>,
    /// The others of its group that it leaves behind.
    pub(crate) leftover: Option<Rest>,
    /// How long it takes until it listens; `None` never does.
    pub(crate) listens: Option<Duration>,
    /// Whether it listens on another port than it should.
    pub(crate) elsewhere: bool,
    /// How long it takes until it answers a probe well and says that it is ready; `None` never does.
    pub(crate) answers: Option<Duration>,
    /// How long the command runs that stops it, and whether that succeeds.
    pub(crate) stopper: (Duration, bool),
    /// How long its open requests take to end; `None` never do.
    pub(crate) drains: Option<Duration>,
    /// After which time of running it no longer lives though it runs; `None` always does.
    pub(crate) hangs: Option<Duration>,
    /// After which time of running it uses too much memory.
    pub(crate) swells: Option<Duration>,
}

impl Nature {
    pub(crate) const GOOD: Self = Self {
        launch: Duration::from_millis(3),
        failure: None,
        life: None,
        term: Some(Duration::from_millis(20)),
        leftover: None,
        listens: Some(Duration::from_millis(50)),
        elsewhere: false,
        answers: Some(Duration::from_millis(100)),
        stopper: (Duration::from_millis(10), true),
        drains: Some(Duration::from_millis(200)),
        hangs: None,
        swells: None,
    };

    pub(crate) fn random(dice: &mut Dice) -> Self {
        let failure = SpawnFailure { step: SpawnStep::Exec, errno: 2 };
        let status = match dice.below(6) {
            0 | 1 => ExitStatus::Code(0),
            2 | 3 => ExitStatus::Code(1),
            4 => ExitStatus::Code(7),
            _ => ExitStatus::Signal(Signal::KILL),
        };
        let life = match dice.below(4) {
            0 => None,
            1 => Some(dice.below(20)),
            2 => Some(dice.below(3_000)),
            _ => Some(dice.below(15_000)),
        };
        let slow = |dice: &mut Dice| (!dice.percent(20)).then(|| ms(dice.below(600)));
        Self {
            launch: ms(dice.below(40)),
            failure: dice.percent(15).then_some(failure),
            life: life.map(|life| (ms(life), status)),
            term: slow(dice),
            leftover: dice.percent(20).then(|| Rest { term: slow(dice) }),
            listens: (!dice.percent(10)).then(|| ms(dice.below(1_000))),
            elsewhere: dice.percent(5),
            answers: (!dice.percent(10)).then(|| ms(dice.below(2_000))),
            stopper: (ms(dice.below(1_500)), dice.percent(60)),
            drains: (!dice.percent(20)).then(|| ms(dice.below(2_000))),
            hangs: dice.percent(30).then(|| ms(dice.below(6_000).saturating_sub(2_000))),
            swells: dice.percent(20).then(|| ms(dice.below(6_000).saturating_sub(2_000))),
        }
    }
}

/// A process and what became of it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each may be so without the others")]
pub(crate) struct Process {
    pub(crate) tag: RunTag,
    /// With whom it shares its port, and which one it should listen on, if any.
    pub(crate) cohort: Cohort,
    port: Option<u16>,
    sharing: Sharing,
    pub(crate) listening: bool,
    pub(crate) answering: bool,
    pub(crate) nature: Nature,
    pub(crate) executed: Option<Time>,
    pub(crate) failed: Option<Time>,
    /// How and when its first process ended.
    pub(crate) ended: Option<(ExitStatus, Time)>,
    pub(crate) gone: Option<Time>,
    /// Whether it ended because of a signal of the controller.
    pub(crate) by_request: bool,
    /// When the first signal of the controller came, and whether one to the group did.
    pub(crate) signalled: Option<Time>,
    pub(crate) group_signalled: bool,
}

impl Process {
    pub(crate) fn is_alive(&self) -> bool {
        self.failed.is_none() && self.gone.is_none()
    }

    /// When it was over, in the sense of an exit.
    pub(crate) fn over(&self) -> Option<Time> {
        self.failed.or(self.ended.map(|(_, at)| at))
    }

    fn sockets(&self) -> Sockets {
        let none = Sockets { sharing: self.sharing, ..Sockets::default() };
        match self.port.filter(|_| self.listening && self.sharing != Sharing::Unavailable) {
            None => none,
            Some(port) if self.nature.elsewhere => Sockets { elsewhere: vec![port + 1], ..none },
            Some(port) => Sockets { shared: vec![port], ..none },
        }
    }

    fn state(&self) -> RunState {
        match (self.failed, self.ended, self.gone, self.executed) {
            (Some(_), ..) => RunState::Failed(self.nature.failure.expect("it failed for a reason")),
            (None, Some((status, _)), Some(_), _) => RunState::Gone(status),
            (None, Some((status, _)), None, _) => RunState::Exited(status),
            (None, None, _, Some(_)) => RunState::Running,
            (None, None, _, None) => RunState::Launching,
        }
    }
}

/// What will happen to a process by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Execute,
    Listen,
    Answer,
    End { status: ExitStatus, by_request: bool },
    GroupEnds,
}

/// Every process there ever was, by run. Its records are those not forgotten.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keeper {
    pub(crate) processes: BTreeMap<RunId, Process>,
    pub(crate) forgotten: Vec<RunId>,
    /// The cohorts that have sockets.
    pub(crate) cohorts: BTreeMap<Cohort, AppKey>,
    /// How new connections are divided.
    pub(crate) weights: BTreeMap<AppKey, BTreeMap<Cohort, u32>>,
    /// The commands that stop runs, by these, and how each ended.
    pub(crate) stoppers: BTreeMap<RunId, Option<bool>>,
    /// The runs that do not accept any more.
    pub(crate) quiet: BTreeSet<RunId>,
}

/// What a program is given of ports when it is spawned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) cohort: Cohort,
    pub(crate) port: Option<u16>,
    pub(crate) sharing: Sharing,
}

/// What follows from what was done, and when.
pub(crate) type Next = Vec<(Time, RunId, Fate)>;

impl Keeper {
    pub(crate) fn spawn(
        &mut self,
        (run, now): (RunId, Time),
        tag: RunTag,
        nature: Nature,
        Ports { cohort, port, sharing }: Ports,
    ) -> Next {
        if cohort != Cohort::NONE {
            self.cohorts.insert(cohort, tag.id.key.clone());
        }
        let next = vec![(now.after(nature.launch), run, Fate::Execute)];
        let process = Process {
            tag,
            cohort,
            port,
            sharing,
            listening: false,
            answering: false,
            nature,
            executed: None,
            failed: None,
            ended: None,
            gone: None,
            by_request: false,
            signalled: None,
            group_signalled: false,
        };
        let known = self.processes.insert(run, process);
        assert!(known.is_none(), "run {} was given twice", run.0);
        next
    }

    /// Lets fate take its course. The second value says whether the record changed.
    pub(crate) fn happen(&mut self, run: RunId, fate: Fate, now: Time) -> (Next, bool) {
        let process = self.processes.get_mut(&run).expect("fates are of known runs");
        match fate {
            Fate::Execute | Fate::Listen | Fate::Answer if process.ended.is_some() => {
                (Vec::new(), false)
            }
            Fate::Execute if process.nature.failure.is_some() => {
                process.failed = Some(now);
                (Vec::new(), true)
            }
            Fate::Execute => {
                process.executed = Some(now);
                let nature = &process.nature;
                let end = nature.life.map(|(life, status)| {
                    (now.after(life), run, Fate::End { status, by_request: false })
                });
                let listens = nature.listens.filter(|_| process.port.is_some());
                let listens = listens.map(|wait| (now.after(wait), run, Fate::Listen));
                let answers = nature.answers.map(|wait| (now.after(wait), run, Fate::Answer));
                (end.into_iter().chain(listens).chain(answers).collect(), true)
            }
            Fate::Listen => {
                process.listening = true;
                (Vec::new(), true)
            }
            Fate::Answer => {
                process.answering = true;
                (Vec::new(), true)
            }
            Fate::End { .. } if process.ended.is_some() || process.failed.is_some() => {
                (Vec::new(), false)
            }
            Fate::End { status, by_request } => {
                process.ended = Some((status, now));
                process.by_request = by_request;
                let next = match process.nature.leftover {
                    None => vec![(now, run, Fate::GroupEnds)],
                    Some(Rest { term: Some(slow) }) if process.group_signalled => {
                        vec![(now.after(slow), run, Fate::GroupEnds)]
                    }
                    Some(_) => Vec::new(),
                };
                (next, true)
            }
            Fate::GroupEnds if process.ended.is_none() || process.gone.is_some() => {
                (Vec::new(), false)
            }
            Fate::GroupEnds => {
                process.gone = Some(now);
                (Vec::new(), true)
            }
        }
    }

    pub(crate) fn signal(&mut self, run: RunId, scope: KillScope, now: Time) -> Next {
        let Some(process) = self.processes.get_mut(&run) else { return Vec::new() };
        process.signalled.get_or_insert(now);
        process.group_signalled |= scope == KillScope::Group;
        let leader = process.nature.term.map(|slow| {
            let status = ExitStatus::Signal(Signal::TERM);
            (now.after(slow), run, Fate::End { status, by_request: true })
        });
        let rest = match (scope, process.nature.leftover) {
            (KillScope::Group, Some(Rest { term: Some(slow) })) => {
                Some((now.after(slow), run, Fate::GroupEnds))
            }
            (KillScope::Group, Some(Rest { term: None }) | None) | (KillScope::Main, _) => None,
        };
        leader.into_iter().chain(rest).collect()
    }

    pub(crate) fn kill(run: RunId, slow: Duration, now: Time) -> Next {
        let status = ExitStatus::Signal(Signal::KILL);
        let end = (now, run, Fate::End { status, by_request: true });
        vec![end, (now.after(slow), run, Fate::GroupEnds)]
    }

    pub(crate) fn record(&self, run: RunId) -> RunRecord {
        let process = &self.processes[&run];
        let pid = u32::try_from(run.0).expect("few runs") + 1_000;
        RunRecord {
            started: process.executed,
            exited: process.over(),
            cohort: process.cohort,
            sockets: process.sockets(),
            notify: Notify { ready: process.answering, ..Notify::default() },
            ..RunRecord::new(run, process.tag.clone(), pid, process.state())
        }
    }

    /// Every record that is not forgotten.
    pub(crate) fn records(&self) -> Vec<RunRecord> {
        let runs = self.processes.keys().filter(|run| !self.forgotten.contains(run));
        runs.map(|run| self.record(*run)).collect()
    }
}
