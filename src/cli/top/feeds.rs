//! What the controller is asked all the while: how things stand, every second and after each event,
//! and what happens.

use std::{rc::Rc, time::Duration};

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc::Sender, watch};

use super::{
    super::{client::Client, error::CliError},
    session::Incoming,
};
use crate::{
    api::{EventReply, EventsRequest, StatusAllReply, Target, path},
    render::top::{Link, TopEvent},
};

/// How often the status is asked for, if nothing happens.
const PERIOD: Duration = Duration::from_secs(1);
/// The least time between two questions, however much happens.
const LEAST: Duration = Duration::from_millis(200);
/// An answer that takes longer is worth a word.
const SLOW: Duration = Duration::from_secs(2);
/// So many past events are asked for.
const PAST: usize = 200;

pub(super) async fn tell(out: &Sender<Incoming>, event: TopEvent) {
    // Nobody is left to be told if this fails.
    drop(out.send(Incoming::Event(Box::new(event))).await);
}

/// Asks how things stand, for ever.
pub(super) async fn status(
    client: Rc<Client>,
    mut scope: watch::Receiver<Target>,
    kick: Rc<Notify>,
    out: Sender<Incoming>,
) {
    loop {
        let target = scope.borrow_and_update().clone();
        let answer = client.ask::<StatusAllReply>(path::STATUS, &target);
        tokio::pin!(answer);
        let answer = tokio::select! {
            answer = &mut answer => answer,
            () = tokio::time::sleep(SLOW) => {
                tell(&out, TopEvent::Link(Link::Lost)).await;
                answer.await
            }
        };
        let event = match answer {
            Ok(reply) => TopEvent::Status(reply, Timestamp::now()),
            Err(error) => failed(&client, &error),
        };
        tell(&out, event).await;
        tokio::time::sleep(LEAST).await;
        tokio::select! {
            () = tokio::time::sleep(PERIOD.saturating_sub(LEAST)) => {}
            () = kick.notified() => {}
            _ = scope.changed() => {}
        }
    }
}

/// What an error means for who looks at the screen.
fn failed(client: &Client, error: &CliError) -> TopEvent {
    match error {
        CliError::NoAnswer => TopEvent::Link(Link::Lost),
        // As every command does: what should run is started again, unless somebody has ended it.
        CliError::NotRunning => match client.revive() {
            Ok(()) => TopEvent::Link(Link::Lost),
            Err(error) => TopEvent::Link(Link::Gone(error.words())),
        },
        CliError::Api(_) => TopEvent::Refused(error.words()),
        CliError::Faults(_)
        | CliError::Input { .. }
        | CliError::CannotStart(_)
        | CliError::Home(_)
        | CliError::Io { .. }
        | CliError::OutputClosed
        | CliError::Json(_) => TopEvent::Link(Link::Gone(error.words())),
    }
}

/// Passes on what happens, for ever.
pub(super) async fn events(client: Rc<Client>, target: Target, out: Sender<Incoming>) {
    let request = EventsRequest { target, last: PAST, follow: true, ..EventsRequest::default() };
    loop {
        if let Ok(mut lines) = client.lines::<EventReply>(path::EVENTS, &request).await {
            while let Ok(Some(event)) = lines.next().await {
                tell(&out, TopEvent::Happened(event)).await;
            }
            // It goes on for as long as its controller lives.
            tell(&out, TopEvent::Link(Link::Lost)).await;
        }
        tokio::time::sleep(PERIOD).await;
    }
}
