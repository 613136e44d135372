//! `eco status --watch`: in place on a terminal, in a pipe again whenever something has changed.

use std::time::Duration;

use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use super::{Looking, drift::Drift, is_fine, screen::Screen};
use crate::{
    api::{StatusAllReply, path},
    cli::{
        Outcome,
        client::{Client, asked_to_end},
        error::CliError,
        ui::Ui,
    },
};

/// So long an answer may take before that is said.
const SLOW: Duration = Duration::from_millis(500);

const FOOT: &str = "q or Ctrl-C ends this";
const RESTARTING: &str = "eco is restarting… (the apps go on)";
const SILENT: &str = "eco does not run or does not answer; this goes on asking";

/// Shows it until somebody ends it; the exit code is that of what was shown last.
pub(super) fn run(look: &Looking<'_>, client: &Client, every: Duration, ui: &Ui) -> Outcome {
    let screen = if look.args.json { None } else { Screen::take() };
    let mut watch = Watch { look, client, ui, screen, drift: Drift::default(), last: None };
    client.block_on(watch.run(every))?;
    let Watch { screen, last, drift, .. } = watch;
    let on_screen = screen.is_some();
    // The terminal is as it was before anything else is written to it.
    drop(screen);
    let Some(last) = last else { return Ok(1) };
    if on_screen {
        ui.print(&look.text(&last, &drift, Ui::detect().style()))?;
    }
    Ok(u8::from(!is_fine(&last)))
}

struct Watch<'a> {
    look: &'a Looking<'a>,
    client: &'a Client,
    ui: &'a Ui,
    screen: Option<Screen>,
    drift: Drift,
    last: Option<StatusAllReply>,
}

/// Why a wait ended.
enum Woken {
    Time,
    Resized,
    Ended,
}

impl Watch<'_> {
    async fn run(&mut self, every: Duration) -> Result<(), CliError> {
        let failed = |source| CliError::Io { what: "wait for a signal".to_owned(), source };
        let mut resized = signal(SignalKind::window_change()).map_err(failed)?;
        let mut ended = std::pin::pin!(asked_to_end());
        loop {
            let Some(answer) = self.ask(ended.as_mut()).await? else { return Ok(()) };
            match answer {
                Ok(reply) => self.show(reply).await?,
                Err(CliError::NotRunning | CliError::NoAnswer) => self.remark(SILENT),
                Err(other) => return Err(other),
            }
            let mut rest = std::pin::pin!(sleep(every));
            loop {
                let woken = tokio::select! {
                    () = &mut rest => Woken::Time,
                    _ = resized.recv() => Woken::Resized,
                    end = ended.as_mut() => end.map(|()| Woken::Ended)?,
                    () = quit(self.screen.as_ref()) => Woken::Ended,
                };
                match woken {
                    Woken::Time => break,
                    Woken::Resized => self.draw(FOOT),
                    Woken::Ended => return Ok(()),
                }
            }
        }
    }

    /// Asks once; `None` if somebody ends it meanwhile.
    async fn ask(
        &self,
        mut ended: std::pin::Pin<&mut impl Future<Output = Result<(), CliError>>>,
    ) -> Result<Option<Result<StatusAllReply, CliError>>, CliError> {
        let mut answer = std::pin::pin!(self.client.ask(path::STATUS, &self.look.target));
        let mut slow = std::pin::pin!(sleep(SLOW));
        let mut is_late = false;
        loop {
            tokio::select! {
                answer = &mut answer => return Ok(Some(answer)),
                () = &mut slow, if !is_late => {
                    is_late = true;
                    self.remark(RESTARTING);
                }
                end = ended.as_mut() => return end.map(|()| None),
                () = quit(self.screen.as_ref()) => return Ok(None),
            }
        }
    }

    async fn show(&mut self, reply: StatusAllReply) -> Result<(), CliError> {
        if self.look.args.json {
            self.look.print_json(reply.clone(), self.ui)?;
            self.last = Some(reply);
            return Ok(());
        }
        let is_news = self.last.as_ref().is_none_or(|last| lasting(last) != lasting(&reply));
        let again = self.last.is_some();
        self.drift.look(&reply, &self.look.home, self.client).await;
        self.last = Some(reply);
        if self.screen.is_some() {
            self.draw(FOOT);
        } else if let Some(last) = self.last.as_ref().filter(|_| is_news) {
            let text = self.look.text(last, &self.drift, self.ui.style());
            self.ui.print(&if again { format!("\n{text}") } else { text })?;
        }
        Ok(())
    }

    /// Draws what was seen last; in a pipe it stands there already.
    fn draw(&self, foot: &str) {
        let (Some(screen), Some(last)) = (&self.screen, &self.last) else { return };
        // As wide as the terminal is now.
        screen.draw(&self.look.text(last, &self.drift, Ui::detect().style()), foot);
    }

    fn remark(&self, words: &str) {
        match (&self.screen, &self.last) {
            (Some(_), Some(_)) => self.draw(words),
            (Some(screen), None) => screen.draw("", words),
            (None, _) => self.ui.talk(&format!("{words}\n")),
        }
    }
}

async fn quit(screen: Option<&Screen>) {
    match screen {
        Some(screen) => screen.quit().await,
        None => std::future::pending().await,
    }
}

/// What of an answer is news when it differs: no measured values, no times that run down.
fn lasting(reply: &StatusAllReply) -> StatusAllReply {
    let mut reply = reply.clone();
    for project in &mut reply.projects {
        for alert in &mut project.alerts {
            alert.message = words_only(&alert.message);
        }
        for app in &mut project.apps {
            app.traffic = None;
            app.queues.clear();
            app.hold = app.hold.as_deref().map(words_only);
            for instance in &mut app.instances {
                (instance.memory, instance.cpu, instance.since) = (None, None, None);
                (instance.traffic, instance.probes, instance.node) = (None, None, None);
                instance.hold = instance.hold.as_deref().map(words_only);
                instance.dropped = instance.dropped.as_deref().map(words_only);
            }
        }
    }
    reply
}

fn words_only(text: &str) -> String {
    let words = text.split(' ').filter(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
    words.collect::<Vec<_>>().join(" ")
}
