//! The one timer of a writer: a file becomes old though nothing is written to it. It goes by the
//! calendar's clock, as the ages of files do, and rings too when that clock is set.

use std::os::fd::OwnedFd;

use rustix::{
    event::epoll::{self, EventData, EventFlags},
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
};

/// A timer, made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    timer: Option<OwnedFd>,
    /// When it rings, in ns since 1970.
    at: Option<u64>,
}

impl Alarm {
    /// Lets it ring at this time too, as an event of this name. Without a timer, age is looked at
    /// when the next bytes come.
    pub(super) fn set(&mut self, poll: &OwnedFd, name: u64, at: Option<u64>) {
        let Some(at) = at.filter(|at| self.at.is_none_or(|known| *at < known)) else { return };
        if self.timer.is_none() {
            let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
            let made = timerfd_create(TimerfdClockId::Realtime, flags).ok();
            let added = made.filter(|timer| {
                epoll::add(poll, timer, EventData::new_u64(name), EventFlags::IN).is_ok()
            });
            self.timer = added;
        }
        let Some(timer) = &self.timer else { return };
        let part = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        let value =
            Timespec { tv_sec: part(at / 1_000_000_000), tv_nsec: part(at % 1_000_000_000) };
        let once = Itimerspec { it_interval: Timespec::default(), it_value: value };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        if timerfd_settime(timer, flags, &once).is_ok() {
            self.at = Some(at);
        }
    }

    /// It rang, or the clock was set.
    pub(super) fn rang(&mut self) {
        self.at = None;
        if let Some(timer) = &self.timer {
            rustix::io::read(timer, &mut [0; 8]).ok();
        }
    }
}
