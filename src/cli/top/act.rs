//! Carries out what the person wants, beside the screen.

use std::{path::PathBuf, rc::Rc};

use tokio::sync::mpsc::Sender;

use super::{
    super::{client::Client, error::CliError, live},
    feeds::tell,
    session::Incoming,
};
use crate::{
    api::{OperationRequest, Progress, Selector, Target, path},
    render::top::{Told, TopEvent, Wish, told},
};

/// Seconds that an action is waited for, as by the commands of its name.
const TIMEOUT: f64 = 300.0;

/// Carries one out and tells how far it is, until it has ended.
pub(super) async fn carry_out(
    client: Rc<Client>,
    dir: PathBuf,
    (id, wish): (u64, Wish),
    out: Sender<Incoming>,
) {
    let ended = match follow(&client, dir, (id, wish), &out).await {
        Ok(told) => told,
        Err(error) => Told::Ended(false, error.words()),
    };
    tell(&out, TopEvent::Told(id, ended)).await;
}

async fn follow(
    client: &Client,
    dir: PathBuf,
    (id, wish): (u64, Wish),
    out: &Sender<Incoming>,
) -> Result<Told, CliError> {
    let unnamed =
        |_| CliError::input("eco named an app that has no name", "this is a fault of eco");
    let app = wish.app.parse().map_err(unnamed)?;
    let target = Target {
        project: Some(wish.project.parse().map_err(unnamed)?),
        dir,
        every_project: false,
        apps: vec![Selector::App { project: None, app, index: wish.instance }],
        memory: false,
    };
    let operation = wish.operation;
    let mut request =
        OperationRequest { target: target.clone(), operation, wait: true, timeout: TIMEOUT };
    loop {
        let mut lines = client.lines::<Progress>(path::OPERATE, &request).await?;
        while let Some(progress) = lines.next().await? {
            match told(&progress) {
                Some(ended @ Told::Ended(..)) => return Ok(ended),
                Some(underway @ Told::Underway(_)) => {
                    tell(out, TopEvent::Told(id, underway)).await;
                }
                None => {}
            }
        }
        // Its controller is gone; the next one knows what was asked for.
        request = live::awaiting(target.clone(), true, TIMEOUT);
    }
}
