//! What a run in the foreground hears while it stays: signals, and that something happened to its
//! apps.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use tokio::signal::unix::{SignalKind, signal};

use crate::{
    api::{EventReply, EventsRequest, Target, path},
    cli::{
        client::{Client, Starts},
        error::CliError,
    },
    controller::{self, Home},
    model::Signal,
};

/// Something that was heard.
#[derive(Clone, Copy, Debug)]
pub(super) enum News {
    /// Somebody asks for the end.
    Asked,
    /// A signal that is meant for the apps.
    Signalled(Signal),
    /// An app started, ended, or was changed.
    Happened,
}

/// Where it is heard, from when it is listened for: what comes early is not lost.
#[derive(Debug)]
pub(super) struct Channel {
    sender: mpsc::Sender<News>,
    receiver: mpsc::Receiver<News>,
    reaps: Arc<AtomicBool>,
}

impl Channel {
    /// Waits for the next; `None` if nothing more can come.
    pub(super) fn next(&self) -> Option<News> {
        self.receiver.recv().ok()
    }

    /// Reaps orphans from now on, if this is the first process of a container. Not before: eco's
    /// own child that starts the keeper is waited for.
    pub(super) fn reap(&self) {
        if controller::is_first_process() {
            self.reaps.store(true, Ordering::Release);
            controller::reap_orphans();
        }
    }
}

/// Listens for signals.
pub(super) fn listen() -> Channel {
    let (sender, receiver) = mpsc::channel();
    let told = sender.clone();
    let reaps = Arc::new(AtomicBool::new(false));
    let may_reap = Arc::clone(&reaps);
    // Both threads end with the process: there is nothing to wait for.
    drop(std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let heard = runtime.and_then(|runtime| runtime.block_on(signals(&told, &may_reap)));
        if heard.is_err() {
            // Better an end than a run that nobody can end.
            told.send(News::Asked).ok();
        }
    }));
    Channel { sender, receiver, reaps }
}

/// Tells signals as they come; ends when nobody wants to know any more.
async fn signals(told: &mpsc::Sender<News>, reaps: &AtomicBool) -> io::Result<()> {
    let is_first = controller::is_first_process();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut first = signal(SignalKind::user_defined1())?;
    let mut second = signal(SignalKind::user_defined2())?;
    let mut child = signal(SignalKind::child())?;
    loop {
        let news = tokio::select! {
            _ = interrupt.recv() => News::Asked,
            _ = terminate.recv() => News::Asked,
            _ = quit.recv() => News::Asked,
            // In a terminal it says that the terminal is gone.
            _ = hangup.recv() => {
                if is_first { News::Signalled(Signal::HUP) } else { News::Asked }
            }
            _ = first.recv() => News::Signalled(Signal::USR1),
            _ = second.recv() => News::Signalled(Signal::USR2),
            _ = child.recv() => {
                if reaps.load(Ordering::Acquire) {
                    controller::reap_orphans();
                }
                continue;
            }
        };
        if told.send(news).is_err() {
            return Ok(());
        }
    }
}

/// Tells from now on whenever something happens to the apps.
pub(super) fn follow_events(channel: &Channel, home: &Home, target: &Target) {
    let (told, home, target) = (channel.sender.clone(), home.clone(), target.clone());
    drop(std::thread::spawn(move || {
        let request = EventsRequest { target, follow: true, ..EventsRequest::default() };
        // A controller that dies is followed by another one; between the two something may happen.
        while told.send(News::Happened).is_ok() {
            let heard = Client::connect(&home, Starts::No).and_then(|client| {
                client.stream(path::EVENTS, &request, |_: EventReply| {
                    told.send(News::Happened).map_err(|_| CliError::NotRunning)
                })
            });
            if heard.is_err() {
                return;
            }
        }
    }));
}
