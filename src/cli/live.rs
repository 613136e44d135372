//! Commands that go on until the machine is as asked: their lines, and how they end.

use std::{cell::RefCell, convert::Infallible, time::Duration};

use serde::Serialize;
use tokio::time::sleep;

use super::{
    client::{Client, End},
    error::CliError,
    ui::Ui,
};
use crate::{
    api::{Operation, OperationRequest, Outcome, Progress, Selector, Target, path},
    logs,
    model::AppName,
    render::{self, LiveProgress, Tail},
};

/// How many lines of standard error are shown of an instance that failed.
const TAIL_LINES: usize = 10;
const SECOND: Duration = Duration::from_secs(1);

/// How such a command is to speak.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// JSON lines instead of text.
    pub(super) json: bool,
    /// Whether the plan is shown first.
    pub(super) show_plan: bool,
}

/// [`watch`], ended by Ctrl-C with a word on what goes on.
pub(super) fn follow(
    client: &Client,
    request: (&str, &impl Serialize),
    resume: &OperationRequest,
    manner: Manner,
    ui: &Ui,
) -> Result<u8, CliError> {
    let exit = watch(client, request, resume, manner, ui)?;
    Ok(exit.unwrap_or_else(|| {
        ui.talk("\neco goes on with it; see `eco status`\n");
        1
    }))
}

/// Sends a request that is answered in lines, shows them, and gives the command's exit code;
/// `None` if Ctrl-C or SIGTERM came first.
///
/// A controller that dies meanwhile does not end it: the next one is asked to `resume`.
pub(super) fn watch(
    client: &Client,
    (path, request): (&str, &impl Serialize),
    resume: &OperationRequest,
    manner: Manner,
    ui: &Ui,
) -> Result<Option<u8>, CliError> {
    let show = RefCell::new(Show::new(manner, ui));
    let on = |line| show.borrow_mut().on(line);
    let mut end = client.stream_beside(path, request, on, count(&show))?;
    while end == End::Closed && show.borrow().exit.is_none() {
        end = client.stream_beside(path::OPERATE, resume, on, count(&show))?;
    }
    Ok(match end {
        End::Interrupted => None,
        End::Closed => Some(show.borrow().exit.unwrap_or(3)),
    })
}

/// Lets a person see every second that it goes on.
async fn count(show: &RefCell<Show<'_>>) -> Infallible {
    if show.borrow().manner.json || show.borrow().ui.rows().is_none() {
        return std::future::pending().await;
    }
    loop {
        sleep(SECOND).await;
        show.borrow_mut().tick();
    }
}

/// The request by which a command that lost its controller goes on waiting.
pub(super) fn awaiting(target: Target, wait: bool, timeout: f64) -> OperationRequest {
    OperationRequest { target, operation: Operation::Await, wait, timeout }
}

struct Show<'a> {
    manner: Manner,
    ui: &'a Ui,
    progress: LiveProgress,
    elapsed: Duration,
    exit: Option<u8>,
}

impl<'a> Show<'a> {
    fn new(manner: Manner, ui: &'a Ui) -> Self {
        let progress = LiveProgress::new(ui.talk_style().clone(), ui.rows());
        Self { manner, ui, progress, elapsed: Duration::ZERO, exit: None }
    }

    fn on(&mut self, line: Progress) -> Result<(), CliError> {
        if self.manner.json {
            self.ui.print_json(&line)?;
        } else {
            self.show(&line)?;
        }
        if let Progress::Result(outcome) = line {
            self.exit = Some(self.exit.unwrap_or(0).max(outcome.exit));
        }
        Ok(())
    }

    fn tick(&mut self) {
        self.elapsed += SECOND;
        self.ui.talk(&self.progress.tick(self.elapsed));
    }

    fn show(&mut self, line: &Progress) -> Result<(), CliError> {
        match line {
            Progress::Plan(plan) if self.manner.show_plan => {
                self.ui.print(&render::diff(plan, self.ui.style()))
            }
            Progress::Plan(_) => Ok(()),
            Progress::App(_) => {
                self.ui.talk(&self.progress.on(line));
                Ok(())
            }
            Progress::Result(outcome) => {
                self.ui.talk(&self.progress.on(line));
                let text = render::outcome(outcome, &tails(outcome), self.ui.style());
                self.ui.print(&text)
            }
        }
    }
}

/// The last lines of standard error of what failed.
fn tails(outcome: &Outcome) -> Vec<Tail> {
    outcome
        .failed
        .iter()
        .filter_map(|failed| {
            let lines = logs::last_lines(failed.stderr.as_deref()?, TAIL_LINES);
            (!lines.is_empty()).then(|| Tail { id: failed.id.clone(), lines })
        })
        .collect()
}

/// The names as selectors.
pub(super) fn selectors(names: &[AppName]) -> Vec<Selector> {
    let one = |app: &AppName| Selector::App { project: None, app: app.clone(), index: None };
    names.iter().map(one).collect()
}
