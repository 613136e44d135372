//! A timer on the wall clock: it rings at a time of day also if the clock is set or the machine
//! sleeps meanwhile, and whenever the clock is set.

use std::{
    io,
    os::fd::OwnedFd,
    time::{Duration, SystemTime},
};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// One timer. While it is not set it costs nothing.
#[derive(Debug)]
pub struct WallTimer {
    fd: AsyncFd<OwnedFd>,
    at: Option<SystemTime>,
}

impl WallTimer {
    /// A timer that is not set. Has to be made within a tokio runtime.
    ///
    /// # Errors
    /// The system has no descriptors left.
    #[expect(unsafe_code, reason = "tokio cannot know what a descriptor's owner does with it")]
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Realtime, flags)?;
        // SAFETY: an `OwnedFd` has the same descriptor for as long as it lives, and it lives in
        // the `AsyncFd`.
        let fd = unsafe { AsyncFd::register(fd) }?;
        Ok(Self { fd, at: None })
    }

    /// Lets it ring at `at`, or never. A time that has passed rings at once.
    pub fn set(&mut self, at: Option<SystemTime>) {
        if self.at == at {
            return;
        }
        let since = at.map(|at| at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        // Nothing in it would switch the timer off.
        let since = since.map(|since| since.max(Duration::from_nanos(1))).unwrap_or_default();
        let value = Timespec {
            tv_sec: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: since.subsec_nanos().into(),
        };
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let spec = Itimerspec { it_interval: zero, it_value: value };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        match timerfd_settime(&self.fd, flags, &spec) {
            // The clock was set meanwhile: whoever sets the timer has looked at it already.
            Ok(_) | Err(rustix::io::Errno::CANCELED) => self.at = at,
            Err(error) => tracing::error!(%error, "cannot set the timer of schedules"),
        }
    }

    /// Waits until it rings or the clock is set; then it has to be set again. Cancel-safe.
    pub async fn rang(&mut self) {
        loop {
            let Ok(mut guard) = self.fd.readable().await else {
                return std::future::pending().await;
            };
            let mut count = [0_u8; 8];
            let read = guard.try_io(|fd| Ok(rustix::io::read(fd, &mut count)?));
            if read.is_ok() {
                self.at = None;
                return;
            }
        }
    }
}
