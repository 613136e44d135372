//! The part of the API that the page asks, cut down to what a session may see and do.

use std::{convert::Infallible, time::Duration};

use axum::{body::Body, extract::State, response::Response};
use futures_util::stream::poll_fn;
use hyper::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    doors::Sight,
    routes::{json_of, refusal},
};
use crate::{
    api::{EventsQuery, LogsQuery, Operation, OperationRequest, SCHEMA, Selector, Target},
    controller::{
        calls::Call,
        log_stream,
        refusals::{Asked, refuse},
        serve::{Calls, ask, reply, stream},
    },
    model::{AppName, Operator, ProjectName},
};

/// Nobody waits longer than this for what he has asked for, in seconds.
const MAX_WAIT: f64 = 300.0;
/// So often who follows the events is told that there are none.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What follows `?`.
#[derive(Debug, Default)]
pub(super) struct Query {
    project: Option<ProjectName>,
    app: Option<AppName>,
}

impl Query {
    /// Names have no characters that would have to be escaped; others name nothing.
    pub(super) fn read(text: &str) -> Self {
        let value = |key: &str| {
            let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(name, _)| *name == key).map(|(_, value)| value).next()
        };
        Self {
            project: value("project").and_then(|name| name.parse().ok()),
            app: value("app").and_then(|name| name.parse().ok()),
        }
    }

    /// The apps of the project that may be seen.
    fn target(&self, sight: &Sight) -> Option<Target> {
        let project = self.project.clone().filter(|name| sight.shows(name))?;
        let app = self.app.clone();
        let app = app.map(|app| Selector::App { project: None, app, index: None });
        let apps = app.into_iter().collect();
        Some(Target { project: Some(project), apps, memory: true, ..Target::default() })
    }
}

fn no_project() -> Response {
    let text = "there is no such project here";
    refusal(StatusCode::NOT_FOUND, "unknown_project", text, "")
}

/// Who is logged in.
pub(super) fn session(sight: &Sight) -> Response {
    let projects = sight.projects.as_ref();
    let answer = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "read_only": sight.read_only,
        "read_only_projects": projects
            .into_iter()
            .flatten()
            .filter(|(_, read_only)| **read_only)
            .map(|(name, _)| name.to_string())
            .collect::<Vec<_>>(),
    });
    json_of(StatusCode::OK, &answer)
}

/// How all that may be seen stands.
pub(super) async fn status(calls: &Calls, sight: &Sight) -> Response {
    let target = Target { every_project: true, memory: true, ..Target::default() };
    let answer = ask(calls, |answer| Call::Status(target, answer)).await;
    reply(answer.map(|mut all| {
        all.projects.retain(|project| {
            let name = project.project.as_ref().and_then(|name| name.parse().ok());
            name.is_some_and(|name: ProjectName| sight.shows(&name))
        });
        if sight.projects.is_some() {
            all.faults.clear();
        }
        all
    }))
}

pub(super) async fn describe(calls: &Calls, sight: &Sight, query: &Query) -> Response {
    let Some(target) = query.target(sight) else { return no_project() };
    reply(ask(calls, |answer| Call::Describe(target, answer)).await)
}

pub(super) async fn history(calls: &Calls, sight: &Sight, query: &Query) -> Response {
    let Some(target) = query.target(sight) else { return no_project() };
    reply(ask(calls, |answer| Call::History(Target { apps: Vec::new(), ..target }, answer)).await)
}

/// What an edit of the file would do.
pub(super) async fn pending(calls: &Calls, sight: &Sight, query: &Query) -> Response {
    let Some(name) = query.target(sight).and_then(|target| target.project) else {
        return no_project();
    };
    reply(ask(calls, |answer| Call::Pending(name, answer)).await)
}

/// What the page asks to be done.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    project: ProjectName,
    /// An app, or one instance of it.
    app: Option<Selector>,
    operation: Operation,
}

/// Who acts by the page: whoever was given the link, by eco's own user.
fn visitor() -> Operator {
    let uid = rustix::process::geteuid().as_raw();
    Operator { uid, command: Some("dashboard".to_owned()), ..Operator::default() }
}

/// Does what somebody at the page asks for, if he may; what comes of it are lines of JSON.
pub(super) async fn operate(calls: &Calls, sight: &Sight, body: &[u8]) -> Response {
    let order: Order = match serde_json::from_slice(body) {
        Ok(order) => order,
        Err(error) => {
            return refusal(StatusCode::BAD_REQUEST, "request", &error.to_string(), "");
        }
    };
    if !sight.shows(&order.project) {
        return no_project();
    }
    if !sight.may_change(&order.project) {
        let text = "this session may only look";
        return refusal(StatusCode::FORBIDDEN, "read_only", text, "");
    }
    let app = match order.app {
        Some(Selector::App { project: None, app, index }) => {
            Some(Selector::App { project: None, app, index })
        }
        None => None,
        Some(Selector::All | Selector::Tag(_) | Selector::App { project: Some(_), .. }) => {
            return refusal(StatusCode::BAD_REQUEST, "request", "`app` is not one app", "");
        }
    };
    let is_offered = match order.operation {
        Operation::Start
        | Operation::Stop
        | Operation::Restart
        | Operation::RestartNow
        | Operation::Reload
        | Operation::Scale(_)
        | Operation::RunJob(_) => app.is_some(),
        // A whole project goes back.
        Operation::Rollback(_) => true,
        Operation::Signal(_) | Operation::Down | Operation::Await => false,
    };
    if !is_offered {
        let text = "the page does not offer this";
        return refusal(StatusCode::BAD_REQUEST, "request", text, "use the `eco` command");
    }
    let target = Target {
        project: Some(order.project),
        apps: app.into_iter().collect(),
        ..Target::default()
    };
    let request =
        OperationRequest { target, operation: order.operation, wait: true, timeout: MAX_WAIT };
    let call = |answer| Call::By(visitor(), Box::new(Call::Operate(request, answer)));
    match ask(calls, call).await {
        Ok(mut lines) => stream(poll_fn(move |context| lines.poll_recv(context))),
        Err(error) => refuse(&error),
    }
}

/// Events as they happen, one JSON object a line. While nothing does, an empty line now and then finds
/// out whether anybody still listens.
pub(super) async fn events(calls: &Calls, sight: Sight, query: EventsQuery) -> Response {
    let request = query.request();
    let events = match ask(calls, |answer| Call::Events(request, answer)).await {
        Ok(events) => events,
        Err(error) => return refuse(&error),
    };
    let lines = futures_util::stream::unfold((events, sight), |(mut events, sight)| async move {
        loop {
            let line = match tokio::time::timeout(KEEP_ALIVE, events.recv()).await {
                Ok(Some(event)) if !shows(&sight, event.project.as_deref()) => continue,
                Ok(Some(event)) => serde_json::to_vec(&event).unwrap_or_default(),
                Ok(None) => return None,
                Err(_) => Vec::new(),
            };
            let line = [line, b"\n".to_vec()].concat();
            return Some((Ok::<_, Infallible>(line), (events, sight)));
        }
    });
    let mut response = Response::new(Body::from_stream(lines));
    let kind = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Whether something of this project, or of eco itself, may be seen.
fn shows(sight: &Sight, project: Option<&str>) -> bool {
    match project {
        Some(name) => name.parse().is_ok_and(|name: ProjectName| sight.shows(&name)),
        None => sight.projects.is_none(),
    }
}

/// Lines of logs of one project.
pub(super) async fn logs(calls: &Calls, sight: &Sight, query: LogsQuery) -> Response {
    match &query.project {
        Some(name) if sight.shows(name) => {
            log_stream::lines(State(calls.clone()), Asked(query)).await
        }
        Some(_) | None => no_project(),
    }
}
