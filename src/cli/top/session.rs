//! The loop: what comes in is taken in, what the screen wants is done, and it is drawn when something
//! has changed.

use std::{
    io,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rustix::process::{Signal, getpid, kill_process};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{
        Notify,
        mpsc::{self, Receiver, Sender},
        watch,
    },
    task::{AbortHandle, LocalSet},
};

use super::{
    super::{Outcome, client::Client, error::CliError, ui::Ui},
    act, feeds, input,
    log_feed::LogFeed,
    screen::Screen,
};
use crate::{
    api::{StatusAllReply, Target},
    controller::Home,
    render::top::{Effect, LogTarget, Top, TopEvent, update},
};

/// So much may wait to be taken in.
const WAITING: usize = 256;
/// The least time between two drawings.
const FRAME: Duration = Duration::from_millis(33);
/// A log is only followed once its line was selected for so long: who scrolls reads none.
const DWELL: Duration = Duration::from_millis(120);

/// What reaches the loop.
#[derive(Debug)]
pub(super) enum Incoming {
    /// Something for the screen.
    Event(Box<TopEvent>),
    /// Stop as a job of the shell.
    Stop,
    /// It goes on after a stop.
    Continue,
    /// It is over.
    End,
}

/// Takes the terminal and shows the screen until the person has seen enough.
pub(super) fn run(
    client: Client,
    home: Home,
    target: Target,
    (first, mouse): (StatusAllReply, bool),
    ui: &Ui,
) -> Outcome {
    let (out, incoming) = mpsc::channel(WAITING);
    let ended = out.clone();
    // Whoever panics, it is over: the terminal is not ours any more.
    let on_panic = move || drop(ended.try_send(Incoming::End));
    let mut screen = Screen::take(mouse, on_panic).map_err(terminal)?;
    let size = screen.size().map_err(terminal)?;
    let style = ui.style().clone();
    let mut top = Top::new(style, size, target.every_project, Timestamp::now());
    let reader = out.clone();
    thread::Builder::new()
        .name("keys".to_owned())
        .spawn(move || input::read(&reader))
        .map_err(terminal)?;
    let client = Rc::new(client);
    let tasks = LocalSet::new();
    let done = client.block_on(tasks.run_until(async {
        let (scope, _) = watch::channel(target);
        let mut session = Session {
            client: Rc::clone(&client),
            home,
            scope,
            kick: Rc::new(Notify::new()),
            out,
            events: None,
            logs: None,
        };
        let effects = update(&mut top, TopEvent::Status(first, Timestamp::now()));
        session.begin()?;
        session.carry_out(effects, &mut screen);
        session.go(&mut top, &mut screen, incoming).await
    }));
    // The tasks hold the client, whose runtime may only go after them.
    drop(tasks);
    drop(screen);
    done.map_err(terminal)?;
    Ok(0)
}

fn terminal(source: io::Error) -> CliError {
    CliError::Io { what: "use the terminal".to_owned(), source }
}

struct Session {
    client: Rc<Client>,
    home: Home,
    scope: watch::Sender<Target>,
    kick: Rc<Notify>,
    out: Sender<Incoming>,
    /// Follows the events of the present scope.
    events: Option<AbortHandle>,
    /// To whoever follows logs: which one.
    logs: Option<watch::Sender<(u64, Option<LogTarget>)>>,
}

impl Session {
    fn begin(&mut self) -> io::Result<()> {
        let status = feeds::status(
            Rc::clone(&self.client),
            self.scope.subscribe(),
            Rc::clone(&self.kick),
            self.out.clone(),
        );
        drop(tokio::task::spawn_local(status));
        drop(tokio::task::spawn_local(heed_signals(Signals::new()?, self.out.clone())));
        let (wanted, asked) = watch::channel((0, None));
        self.logs = Some(wanted);
        let follow = follow_logs(self.home.clone(), asked, self.out.clone());
        drop(tokio::task::spawn_local(follow));
        self.follow_events();
        Ok(())
    }

    fn follow_events(&mut self) {
        let target = self.scope.borrow().clone();
        let events = feeds::events(Rc::clone(&self.client), target, self.out.clone());
        let task = tokio::task::spawn_local(events);
        if let Some(former) = self.events.replace(task.abort_handle()) {
            former.abort();
        }
    }

    /// Takes in what comes and draws, until it is over.
    async fn go(
        &mut self,
        top: &mut Top,
        screen: &mut Screen,
        mut incoming: Receiver<Incoming>,
    ) -> io::Result<()> {
        let (mut stopped, mut ended) = (false, false);
        screen.draw(top)?;
        while let Some(first) = incoming.recv().await {
            let drawn = clock() + FRAME;
            let mut next = Some(first);
            // All that comes until the next drawing is due becomes one.
            while let Some(it) = next {
                match it {
                    Incoming::Event(event) => {
                        ended |= self.take(top, *event, screen);
                    }
                    Incoming::Stop => stopped = true,
                    Incoming::Continue => {
                        screen.resume()?;
                        let (width, height) = screen.size()?;
                        self.take(top, TopEvent::Resize(width, height), screen);
                    }
                    Incoming::End => return Ok(()),
                }
                next = if clock() < drawn { incoming.try_recv().ok() } else { None };
            }
            if ended {
                return Ok(());
            }
            if stopped {
                stopped = false;
                suspend(screen);
                continue;
            }
            screen.draw(top)?;
            tokio::time::sleep_until(drawn.into()).await;
        }
        Ok(())
    }

    /// Takes something in and does what the screen wants then; whether that is to end.
    fn take(&mut self, top: &mut Top, event: TopEvent, screen: &mut Screen) -> bool {
        let effects = update(top, event);
        self.carry_out(effects, screen)
    }

    /// Does what the screen wants; whether that is to end.
    fn carry_out(&mut self, effects: Vec<Effect>, screen: &mut Screen) -> bool {
        for effect in effects {
            match effect {
                Effect::Quit => return true,
                Effect::Suspend => suspend(screen),
                Effect::Refresh => self.kick.notify_one(),
                Effect::Scope { every_project } => {
                    self.scope.send_modify(|target| target.every_project = every_project);
                    self.follow_events();
                }
                Effect::FollowLogs(number, wanted) => {
                    if let Some(logs) = &self.logs {
                        logs.send_replace((number, wanted));
                    }
                }
                Effect::Operate(id, wish) => {
                    let dir = self.scope.borrow().dir.clone();
                    let client = Rc::clone(&self.client);
                    let work = act::carry_out(client, dir, (id, wish), self.out.clone());
                    drop(tokio::task::spawn_local(work));
                }
            }
        }
        false
    }
}

/// Stops this process as a job of the shell; it goes on with SIGCONT.
fn suspend(screen: &mut Screen) {
    screen.leave();
    // Nothing but a missing process could be wrong with it.
    let _ignored = kill_process(getpid(), Signal::STOP);
}

/// Follows the log that was asked for last.
async fn follow_logs(
    home: Home,
    mut asked: watch::Receiver<(u64, Option<LogTarget>)>,
    out: Sender<Incoming>,
) {
    let mut feed = None;
    loop {
        let (number, wanted) = asked.borrow_and_update().clone();
        drop(feed.take());
        if let Some(wanted) = wanted {
            tokio::select! {
                () = tokio::time::sleep(DWELL) => {
                    feed = LogFeed::start(&home, (number, wanted), out.clone()).ok();
                }
                _ = asked.changed() => continue,
            }
        }
        if asked.changed().await.is_err() {
            return;
        }
    }
}

/// The signals that mean something here.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    stop: tokio::signal::unix::Signal,
    go_on: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            stop: signal(SignalKind::from_raw(libc::SIGTSTP))?,
            go_on: signal(SignalKind::from_raw(libc::SIGCONT))?,
        })
    }
}

async fn heed_signals(mut signals: Signals, out: Sender<Incoming>) {
    loop {
        let told = tokio::select! {
            _ = signals.interrupt.recv() => Incoming::End,
            _ = signals.terminate.recv() => Incoming::End,
            _ = signals.hangup.recv() => Incoming::End,
            _ = signals.stop.recv() => Incoming::Stop,
            _ = signals.go_on.recv() => Incoming::Continue,
        };
        if out.send(told).await.is_err() {
            return;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "when to draw again is nobody else's business")]
fn clock() -> Instant {
    Instant::now()
}
