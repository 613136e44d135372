//! The one loop: next event → observe → plan → execute → sleep until something is due.

use std::{io, net::SocketAddr, time::Duration};

use futures_util::FutureExt as _;
use tokio::{
    net::TcpStream,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use super::{
    calls::{Call, Internal},
    events::Told,
    state::{Ending, State},
};
use crate::{
    api::EventType,
    host::{
        clock,
        follow::{Changed, WatchFault},
        keeper::KeeperEvent,
        probe::ProbeEvent,
        source_watch::SourceChanged,
    },
    model::Time,
};

/// How long a controller that another program replaces goes on for its last answer.
const GOODBYE: Duration = Duration::from_millis(50);

/// Everything that can wake the loop.
enum Input {
    Keeper(io::Result<KeeperEvent>),
    Call(Option<Call>),
    Internal(Option<Internal>),
    Probe(ProbeEvent),
    /// Somebody connects to an address at which metrics are offered.
    Scraper((SocketAddr, TcpStream)),
    /// Somebody connects to an address of the dashboard.
    Visitor((SocketAddr, TcpStream)),
    File(Result<Changed, WatchFault>),
    Sources(Result<SourceChanged, WatchFault>),
    Timer,
    /// A schedule is due by the wall clock, or that was set.
    Clock,
    /// SIGTERM: the machine goes down, or a service manager ends eco.
    Terminate,
}

/// Runs until eco is asked to end or the keeper is gone.
///
/// # Errors
/// The channel to the keeper broke.
pub(super) async fn drive(
    mut state: State,
    mut calls: mpsc::Receiver<Call>,
    mut internal: mpsc::UnboundedReceiver<Internal>,
) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        state.converge();
        state.settle_ends();
        state.settle_endpoints();
        state.look_for_results();
        state.settle_alerts();
        state.settle_dashboard();
        state.answer_waiters();
        if state.try_end().await? {
            return Ok(());
        }
        let wake_at = state.wake_at();
        // Each branch is cancel-safe: the channels keep what was not taken, and the keeper,
        // follower and watcher say so of their `next`.
        let input = tokio::select! {
            event = state.keeper.next() => Input::Keeper(event),
            done = internal.recv() => Input::Internal(done),
            event = state.probes.next() => Input::Probe(event),
            call = calls.recv() => Input::Call(call),
            caller = state.metrics.endpoints.next() => caller.map_or(Input::Timer, Input::Scraper),
            caller = state.dashboard.endpoints.next() => caller.map_or(Input::Timer, Input::Visitor),
            changed = state.follower.next() => Input::File(changed),
            changed = state.sources.next() => Input::Sources(changed),
            () = state.schedules.timer.rang() => Input::Clock,
            _ = terminate.recv() => Input::Terminate,
            () = clock::sleep_until(wake_at) => Input::Timer,
        };
        if !matches!(input, Input::Keeper(_)) {
            // A controller that was stopped while its keeper died, and another came, ends before it
            // heeds anybody else.
            state.take_waiting_records()?;
        }
        state.take(input)?;
        state.take_waiting_records()?;
        state.ring();
    }
}

impl State {
    fn take(&mut self, input: Input) -> io::Result<()> {
        self.count_tries();
        match input {
            Input::Keeper(event) => self.on_keeper(event?),
            Input::Call(Some(call)) => self.answer(call),
            Input::Probe(event) => self.on_probe(event),
            Input::Internal(Some(Internal::Loaded { project, result, commit })) => {
                self.on_loaded(&project, *result, commit);
            }
            Input::Internal(Some(Internal::Alerted { project, receiver, number, result })) => {
                self.on_alerted((&project, &receiver), number, &result);
            }
            Input::Internal(Some(Internal::Scrape { address, answer })) => {
                // Who went away needs no answer.
                let _ignored = answer.send(self.measure(address));
            }
            Input::Internal(Some(Internal::Pending(pending))) => self.tell_pending(*pending),
            Input::Visitor(caller) => self.dashboard.receive(caller),
            Input::Scraper(caller) => self.metrics.scrapers.answer(caller, &self.internal),
            // The senders live as long as the loop; what time has made due is rung below.
            Input::Call(None) | Input::Internal(None) | Input::Timer => {}
            Input::Clock => self.ring_schedules(),
            Input::Terminate => self.end_with_the_machine(),
            Input::File(Ok(changed)) => self.reload(&changed.key),
            Input::Sources(Ok(changed)) => self.on_sources(&changed),
            Input::File(Err(fault)) | Input::Sources(Err(fault)) => {
                self.tell(Told::eco(EventType::Eco, fault.to_string()));
            }
        }
        Ok(())
    }

    /// Takes what the keeper has sent meanwhile, so that a burst of records, as at the start of a
    /// thousand instances, is planned for and told of once.
    fn take_waiting_records(&mut self) -> io::Result<()> {
        // A bound, so that a storm of exits cannot keep callers waiting.
        const AT_ONCE: usize = 256;
        for _ in 0..AT_ONCE {
            let Some(event) = self.keeper.next().now_or_never() else { break };
            self.on_keeper(event?);
        }
        Ok(())
    }

    fn end_with_the_machine(&mut self) {
        if self.ending.is_none() {
            self.tell(Told::eco(EventType::Eco, "eco was sent SIGTERM and stops every app"));
            self.ending = Some(Ending::StopApps);
            self.stop_everything();
        }
    }

    /// Marks what time has made due.
    fn ring(&mut self) {
        let now = clock::now();
        while let Some(key) = self.timers.pop_due(now) {
            self.touch(&key);
        }
        self.let_go_of_late(now);
        self.look_for_evidence(now);
        self.look_at_drains(now);
        self.end_late_stop_commands(now);
        self.look_at_memory(now);
        self.look_at_queues(now);
        self.save_goods(now);
    }

    fn wake_at(&self) -> Option<Time> {
        [self.timers.next(), self.next_chore(), self.next_alert()].into_iter().flatten().min()
    }

    /// Ends eco if it was asked to and nothing is left to wait for.
    async fn try_end(&mut self) -> io::Result<bool> {
        let leave = match self.ending {
            Some(Ending::LeaveApps) => true,
            Some(Ending::Upgraded) => {
                // The caller's answer is on its way; who does not get it looks for himself.
                tokio::time::sleep(GOODBYE).await;
                return Ok(true);
            }
            Some(Ending::StopApps)
                if self.observed.owners.is_empty()
                    && self.stoppers.is_empty()
                    && !self.alerts.is_telling() =>
            {
                false
            }
            Some(Ending::StopApps) | None => return Ok(false),
        };
        if !leave {
            self.cgroups.remove_others(|_| false);
            self.cgroups.leave();
        }
        self.keeper.quit(leave)?;
        self.keeper.flush().await?;
        Ok(true)
    }
}
