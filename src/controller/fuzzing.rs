//! The API without a machine behind it, for the fuzz target and the tests of its inputs: the real
//! server over a connection in memory, and a stand-in for the loop, which knows of no project.

use std::{future::pending, io};

use axum::serve::Listener;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
    sync::mpsc,
};

use super::{
    accept::{self, Asker},
    calls::{Answer, Call, Lines},
    preview::preview,
    serve,
};
use crate::{
    api::{
        ApiError, ApplyRequest, DaemonReply, DashboardReply, DescribeReply, DiffReply,
        HistoryReply, LogsReply, LookupReply, Outcome, Progress, PruneReply, SCHEMA,
        StatusAllReply,
    },
    model::{Observed, Project, Time},
};

/// What became of bytes that were sent to the API.
#[derive(Debug, Default)]
pub struct Conversation {
    /// All that was answered, until the connection was closed.
    pub answer: Vec<u8>,
    /// The requests that reached the loop, as JSON.
    pub requests: Vec<String>,
    /// Those of them that come out other than they went in when they are sent on.
    pub garbled: Vec<String>,
}

/// Nothing here waits for anything but a turn; after so many turns without a byte no more will come.
const TURNS: usize = 64;

/// Sends bytes to the API, takes the answers until no more come, and closes.
///
/// # Errors
/// The connection in memory broke.
pub async fn converse(bytes: &[u8]) -> io::Result<Conversation> {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let (calls, inbox) = mpsc::channel(64);
    let serving = tokio::spawn(serve::answer_all(Once(Some(server)), calls));
    let standing_in = tokio::spawn(stand_in(inbox));
    // A server that has seen enough does not read to the end.
    let _ignored = client.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut idle = 0;
    while idle < TURNS {
        let before = answer.len();
        tokio::select! {
            biased;
            read = client.read_buf(&mut answer) => if read? == 0 { break },
            () = tokio::task::yield_now() => {}
        }
        idle = if answer.len() == before { idle + 1 } else { 0 };
    }
    let _ignored = client.shutdown().await;
    client.read_to_end(&mut answer).await?;
    drop(client);
    serving.abort();
    let _ignored = serving.await;
    let heard = standing_in.await.map_err(io::Error::other)?;
    Ok(Conversation { answer, ..heard })
}

/// Lets one caller in, and nobody after.
struct Once(Option<DuplexStream>);

impl Listener for Once {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.0.take() {
            Some(stream) => (stream, ()),
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(())
    }
}

/// Answers calls until nobody is left who could make one.
async fn stand_in(mut inbox: mpsc::Receiver<Call>) -> Conversation {
    let mut heard = Conversation::default();
    while let Some(call) = inbox.recv().await {
        heard.take(call);
    }
    heard
}

impl Conversation {
    fn take(&mut self, call: Call) {
        match call {
            Call::Lookup(request, answer) => self.one(&request, answer, LookupReply::default()),
            Call::Status(request, answer) => self.one(&request, answer, StatusAllReply::default()),
            Call::Describe(request, answer) => self.one(&request, answer, DescribeReply::default()),
            Call::Logs(request, answer) => self.one(&request, answer, LogsReply::default()),
            Call::History(request, answer) => self.one(&request, answer, HistoryReply::default()),
            Call::Prune(request, answer) => self.one(&request, answer, PruneReply::default()),
            Call::RollbackDiff(request, answer) => {
                self.one(&request, answer, DiffReply::default());
            }
            Call::Diff(request, answer) => {
                self.hear(&*request);
                tell(answer, previewed(&request));
            }
            Call::Apply(request, answer) => {
                self.hear(&*request);
                tell(answer, previewed(&request).map(|plan| lines([Progress::Plan(plan), done()])));
            }
            Call::Operate(request, answer) => self.one(&request, answer, lines([done()])),
            Call::Events(request, answer) => self.one(&request, answer, mpsc::channel(1).1),
            Call::Notify(request, answer) => self.one(&request, answer, lines([])),
            Call::Dashboard(request, answer) => {
                self.one(&request, answer, DashboardReply::default());
            }
            Call::Pending(_, answer) => tell(answer, Ok(DiffReply::default())),
            Call::Daemon(answer) => tell(answer, Ok(daemon())),
            Call::DaemonStop(request, answer) => {
                self.hear(&request);
                tell(answer, Err(ApiError::refused("stand_in", "nothing runs")));
            }
            Call::By(_, call) => self.take(*call),
            // The caller goes without an answer, as from a controller that dies.
            Call::DaemonUpgrade(request, answer) => {
                self.hear(&request);
                drop(answer);
            }
        }
    }

    fn one<Q: Sent, A>(&mut self, request: &Q, answer: Answer<A>, reply: A) {
        self.hear(request);
        tell(answer, Ok(reply));
    }

    fn hear<Q: Sent>(&mut self, request: &Q) {
        let text = serde_json::to_string(request).unwrap_or_default();
        if serde_json::from_str::<Q>(&text).ok().as_ref() != Some(request) {
            self.garbled.push(text.clone());
        }
        self.requests.push(text);
    }
}

/// What can be sent and compared.
trait Sent: Serialize + DeserializeOwned + PartialEq {}

impl<Q: Serialize + DeserializeOwned + PartialEq> Sent for Q {}

fn tell<A>(answer: Answer<A>, reply: Result<A, ApiError>) {
    // The caller has gone.
    let _ignored = answer.send(reply);
}

fn lines<L, const N: usize>(lines: [L; N]) -> Lines<L> {
    let (sender, receiver) = mpsc::unbounded_channel();
    for line in lines {
        // The other end is in this very function.
        let _ignored = sender.send(line);
    }
    receiver
}

fn done() -> Progress {
    Progress::Result(Outcome::accepted(1))
}

/// What the first apply of a project would do.
fn previewed(request: &ApplyRequest) -> Result<DiffReply, ApiError> {
    let present = Project::default();
    let accepted = accept::accept(&present, request, Asker::Operator)?;
    let (observed, now) = (Observed::default(), Time::default());
    Ok(preview(&request.name, &present, &accepted, &observed, (request.show_values, now)))
}

fn daemon() -> DaemonReply {
    DaemonReply {
        schema: SCHEMA,
        keeper_pid: 1,
        controller_pid: 2,
        recorder_pid: 3,
        version: String::new(),
        home: "/".into(),
        projects: Vec::new(),
    }
}
