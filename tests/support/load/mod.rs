//! A load client that never retries and says what became of every request.
//!
//! Used by the tests in `tests/it/lost_requests` and, as a program, by `tests/bench`.

mod client;
mod counts;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

pub(crate) use self::counts::Counts;
use self::{client::Client, counts::Tally};

/// Whom to ask, and how.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) address: SocketAddr,
    /// Where a client tries next, in the same request, when it is refused.
    pub(crate) also: Option<SocketAddr>,
    pub(crate) path: String,
    /// So many clients, each with one request at a time.
    pub(crate) connections: u32,
    /// Whether a client asks again on the connection it has.
    pub(crate) keep_alive: bool,
    /// How long a client waits between an answer and its next request.
    pub(crate) think: Duration,
}

/// A running load. It is stopped when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Load {
    tally: Arc<Mutex<Tally>>,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts all clients.
    pub(crate) fn start(options: &Options) -> Self {
        let tally = Arc::new(Mutex::new(Tally::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..options.connections)
            .map(|_| {
                let client = Client::new(options.clone());
                let (tally, stop) = (Arc::clone(&tally), Arc::clone(&stop));
                thread::spawn(move || ask_until(client, &tally, &stop))
            })
            .collect();
        Self { tally, stop, clients }
    }

    /// What has become of the requests so far.
    pub(crate) fn counts(&self) -> Counts {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).counts()
    }

    /// Lets every client finish the request it is at, and counts.
    pub(crate) fn stop(mut self) -> Counts {
        // While the last requests end, nobody asks: that is no gap.
        let gap = self.counts().gap;
        assert!(self.end(), "a client panicked");
        Counts { gap, ..self.counts() }
    }

    /// Ends all clients; whether none of them panicked.
    fn end(&mut self) -> bool {
        self.stop.store(true, Ordering::Relaxed);
        // Each is waited for, whatever became of the one before.
        let ends: Vec<_> = self.clients.drain(..).map(JoinHandle::join).collect();
        ends.iter().all(Result::is_ok)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // A client's panic was printed; another one here would hide it.
        let _fine = self.end();
    }
}

/// Asks again and again.
fn ask_until(mut client: Client, tally: &Mutex<Tally>, stop: &AtomicBool) {
    let think = client.think();
    while !stop.load(Ordering::Relaxed) {
        // A client that failed tries again soon, but does not spin.
        let pause = if client.ask(tally) { think } else { Duration::from_millis(5) };
        if !pause.is_zero() {
            thread::sleep(pause);
        }
    }
}
