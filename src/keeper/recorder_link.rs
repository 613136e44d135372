//! Telling the recorder what to read and where it goes, and hearing what it has read to the end.

use std::{io, os::fd::AsFd as _};

use super::{answers::Item, event_loop::Keeper, requests::Seen, run::ForRecorder};
use crate::protocol::{Blocking, FromRecorder, Message, Stream, ToRecorder, receive, send};

impl Keeper {
    /// Something about a run is to be told to the recorder.
    pub(super) fn tell_recorder(&mut self, id: u64, what: ForRecorder) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        if run.record.drained {
            return;
        }
        if run.for_recorder == ForRecorder::Nothing {
            self.for_recorder.push_back(id);
        }
        if run.for_recorder != ForRecorder::Open {
            run.for_recorder = what;
        }
    }

    /// A new recorder is given everything.
    pub(super) fn tell_recorder_all(&mut self) {
        self.for_recorder.clear();
        let ids: Vec<u64> = self.runs.keys().copied().collect();
        for id in ids {
            if let Some(run) = self.runs.get_mut(&id) {
                run.for_recorder = ForRecorder::Nothing;
                run.pipes.iter_mut().for_each(|pipe| pipe.given = false);
            }
            self.tell_recorder(id, ForRecorder::Open);
        }
        self.keep_all();
    }

    /// Sends what the recorder's socket takes.
    pub(super) fn deliver_to_recorder(&mut self) {
        while let Some(id) = self.for_recorder.front().copied() {
            match self.send_to_recorder(id) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The kernel limits descriptors in flight: the recorder has to take some first.
                Err(error) if error.raw_os_error() == Some(libc::ETOOMANYREFS) => return,
                Ok(()) | Err(_) => {
                    self.for_recorder.pop_front();
                    if let Some(run) = self.runs.get_mut(&id) {
                        run.for_recorder = ForRecorder::Nothing;
                        run.pipes.iter_mut().for_each(|pipe| pipe.given = true);
                    }
                }
            }
        }
        self.deliver_kept();
        if self.tell_quit && self.tell_last(ToRecorder::Quit) {
            self.tell_quit = false;
        }
        if self.tell_leave && self.tell_last(ToRecorder::Leave) {
            self.tell_leave = false;
        }
    }

    /// Says a last word to the recorder; whether it could be said.
    fn tell_last(&self, word: ToRecorder) -> bool {
        let Some(channel) = &self.recorder.channel else { return false };
        let bytes = Message { seq: 0, run: 0, body: word }.encode();
        bytes.is_ok_and(|bytes| send(channel, &bytes, &[], Blocking::Never).is_ok())
    }

    fn send_to_recorder(&self, id: u64) -> io::Result<()> {
        let Some(channel) = &self.recorder.channel else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let Some(run) = self.runs.get(&id) else { return Ok(()) };
        let sink = run.sink.clone();
        let open = run.pipes.iter().filter(|pipe| !pipe.given);
        let open = open.filter_map(|pipe| Some((pipe.stream, pipe.end.as_ref()?)));
        let (streams, ends): (Vec<Stream>, Vec<_>) =
            open.map(|(stream, end)| (stream, end.as_fd())).unzip();
        let (body, ends) = match run.for_recorder {
            ForRecorder::Nothing => return Ok(()),
            ForRecorder::Open if streams.is_empty() => return Ok(()),
            ForRecorder::Open => (ToRecorder::Open { streams, sink }, ends),
            ForRecorder::Sink => (ToRecorder::Sink(sink), Vec::new()),
        };
        let bytes = Message { seq: 0, run: id, body }.encode()?;
        send(channel, &bytes, &ends, Blocking::Never)
    }

    /// Hears what the recorder says.
    pub(super) fn take_reports(&mut self) -> Seen {
        while let Some(channel) = &self.recorder.channel {
            let packet = match receive(channel, Blocking::Never) {
                Ok(packet) => packet,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Seen::Open,
                Err(_) => return Seen::Closed,
            };
            if packet.bytes.is_empty() {
                return Seen::Closed;
            }
            if let Ok(message) = Message::<FromRecorder>::decode(&packet.bytes) {
                self.reported(message.run, &message.body);
            }
        }
        Seen::Closed
    }

    fn reported(&mut self, id: u64, report: &FromRecorder) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let (dropped, errno) = match report {
            FromRecorder::Closed { stream, dropped, errno } => {
                run.closed(*stream);
                (*dropped, *errno)
            }
            FromRecorder::Dropped { bytes, errno, .. } => (*bytes, *errno),
            FromRecorder::Removed { bytes } => {
                run.removed = run.removed.saturating_add(*bytes);
                if self.greeted && !run.forgotten {
                    self.answers.push(Item::Removed(id));
                }
                return;
            }
            // Said to a keeper that is just starting.
            FromRecorder::Held { .. } | FromRecorder::AllHeld => return,
        };
        if dropped != 0 {
            run.record.dropped = run.record.dropped.saturating_add(dropped);
            run.record.dropped_errno = errno;
        }
        self.changed(id);
        self.drop_if_forgotten(id);
    }
}
